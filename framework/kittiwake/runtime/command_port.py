"""The command input of an instance: decodes arguments, runs the handler and answers exactly once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake.model.codec import unpacker
from kittiwake.model.commands import CommandError, CommandResponse
from kittiwake.model.types import RangeError, WireError
from kittiwake.runtime.monitor import fault_reason
from kittiwake.runtime.parameters import apply_parameter
from kittiwake.runtime.tasks import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.commands import Command
    from kittiwake.model.component import Component, ComponentType
    from kittiwake.model.parameters import Parameter
    from kittiwake.runtime.context import Context

    Execute = Callable[[int, int, tuple[Any, ...]], None]
    """Runs one command: opcode, sequence number, arguments."""


V = TypeVar("V")

TABLES_KEPT = 512
"""Of so many component classes the table of opcodes is kept for the next start."""


class CommandPort:
    """Takes (opcode, sequence number, packed arguments) for one instance and calls `respond` once for each."""

    def __init__(self, component: Component, respond: Callable[[int, int, CommandResponse], Any]) -> None:
        self._component = component
        self._context: Context = component._context
        self._respond = respond
        self._table, self._deferred = _table_of(type(component))
        self._calls: dict[int, Callable[[int, int, bytes], None]] = {}
        self._closed_calls: dict[int, Callable[[int, int, bytes], None]] | None = None

    def opcodes(self) -> list[int]:
        """The opcodes that the instance answers to."""
        return [self._context.base_id + offset for offset in self._table]

    def deferred(self) -> set[int]:
        """Those of the opcodes whose `async def` handlers answer later."""
        return {self._context.base_id + offset for offset in self._deferred}

    def __call__(self, opcode: int, sequence: int, arguments: bytes) -> None:
        """Runs or queues one command."""
        call = self._calls.get(opcode)
        if call is None:
            entry = self._table.get(opcode - self._context.base_id)
            if entry is None:
                self._respond(opcode, sequence, CommandResponse.INVALID_OPCODE)
                return
            call = self._calls[opcode] = self._entry(*entry)
        call(opcode, sequence, arguments)

    def close(self, why: str) -> None:
        """Answers every command with EXECUTION_ERROR from now on, for that reason."""

        def refuse(opcode: int, sequence: int, arguments: bytes) -> None:
            _, declared = self._table[opcode - self._context.base_id]
            self._refuse(opcode, sequence, declared.label, CommandResponse.EXECUTION_ERROR, why)

        if self._closed_calls is None:
            self._closed_calls, self._calls = self._calls, dict.fromkeys(self.opcodes(), refuse)

    def reopen(self) -> None:
        """Takes `close` back."""
        if self._closed_calls is not None:
            self._calls, self._closed_calls = self._closed_calls, None

    def _refused_in_queue(self, label: str) -> Callable[[str, int, int, tuple[Any, ...]], None]:
        def answer(why: str, opcode: int, sequence: int, values: tuple[Any, ...]) -> None:
            self._refuse(opcode, sequence, label, CommandResponse.EXECUTION_ERROR, why)

        return answer

    def _entry(self, what: str, declared: Any) -> Callable[[int, int, bytes], None]:
        if what == "call":
            return self._call_entry(declared)
        return self._set_entry(declared) if what == "set" else self._save_entry(declared)

    def _refuse(self, opcode: int, sequence: int, label: str, response: CommandResponse, why: str) -> None:
        if why:
            self._context.monitor.command_refused(self._context.name, label, why)
        self._respond(opcode, sequence, response)

    def _decode(self, unpack: Callable[[bytes], Any], opcode: int, sequence: int, label: str, arguments: bytes) -> Any:
        try:
            return unpack(arguments)
        except RangeError as fault:
            self._refuse(opcode, sequence, label, CommandResponse.VALIDATION_ERROR, str(fault))
        except WireError as fault:
            self._refuse(opcode, sequence, label, CommandResponse.FORMAT_ERROR, str(fault))
        return None

    def _call_entry(self, command: Command) -> Callable[[int, int, bytes], None]:
        unpack = unpacker([form for _, form in command.parameters])
        label = command.label
        handler = getattr(self._component, command.name)
        execute = self._coroutine_runner(command, handler) if command.is_coroutine else self._runner(command, handler)
        lock = self._context.deployment.lock_of(self._context.name) if command.kind != "sync" else None
        if lock is not None:
            execute = _locked(lock, execute)
        if command.kind == "async":
            queue = self._context.queue
            assert queue is not None, "a component with async commands has a queue"
            put = queue.putter(command.name, execute, command.priority, command.full)
            queue.answer_refused(execute, self._refused_in_queue(label))

            def enqueue(opcode: int, sequence: int, arguments: bytes) -> None:
                values = self._decode(unpack, opcode, sequence, label, arguments)
                if values is not None and not put(opcode, sequence, values):
                    self._refuse(opcode, sequence, label, CommandResponse.BUSY, "")

            return enqueue

        def run_now(opcode: int, sequence: int, arguments: bytes) -> None:
            values = self._decode(unpack, opcode, sequence, label, arguments)
            if values is not None:
                execute(opcode, sequence, values)

        return run_now

    def _runner(self, command: Command, handler: Callable[..., None]) -> Callable[[int, int, tuple[Any, ...]], None]:
        label = command.label
        respond = self._respond
        ok = CommandResponse.OK

        def execute(opcode: int, sequence: int, values: tuple[Any, ...]) -> None:
            try:
                handler(*values)
            except Exception as fault:
                self._failed(opcode, sequence, label, fault)
            else:
                respond(opcode, sequence, ok)

        execute.__name__ = label
        return execute

    def _failed(self, opcode: int, sequence: int, label: str, fault: BaseException) -> None:
        if isinstance(fault, CommandError):
            self._refuse(opcode, sequence, label, fault.response, fault.why)
        elif isinstance(fault, Cancelled):
            self._refuse(opcode, sequence, label, CommandResponse.EXECUTION_ERROR, "it was cancelled while it waited")
        else:
            self._context.monitor.handler_failed(self._context.name, label, fault_reason(fault))
            self._respond(opcode, sequence, CommandResponse.EXECUTION_ERROR)

    def _coroutine_runner(
        self, command: Command, handler: Callable[..., Any]
    ) -> Callable[[int, int, tuple[Any, ...]], None]:
        label = command.label
        context = self._context
        running = 0

        def execute(opcode: int, sequence: int, values: tuple[Any, ...]) -> None:
            nonlocal running
            if (command.exclusive and running) or not context.has_room_for_task():
                why = "an earlier one is still running" if command.exclusive else "too many commands are waiting"
                self._refuse(opcode, sequence, label, CommandResponse.BUSY, why)
                return

            def done(fault: BaseException | None) -> None:
                nonlocal running
                running -= 1
                if fault is None:
                    self._respond(opcode, sequence, CommandResponse.OK)
                else:
                    self._failed(opcode, sequence, label, fault)

            running += 1
            context.start_task(handler(*values), done)

        execute.__name__ = label
        return execute

    def _set_entry(self, parameter: Parameter[Any]) -> Callable[[int, int, bytes], None]:
        unpack = unpacker([parameter.type])
        label = f"{parameter.label}_PRM_SET"
        component = self._component

        def set_parameter(opcode: int, sequence: int, arguments: bytes) -> None:
            values = self._decode(unpack, opcode, sequence, label, arguments)
            if values is None:
                return
            try:
                apply_parameter(component, parameter.name, values[0])
            except Exception as fault:
                self._failed(opcode, sequence, label, fault)
            else:
                self._respond(opcode, sequence, CommandResponse.OK)

        lock = self._context.deployment.lock_of(self._context.name)
        return set_parameter if lock is None else _locked(lock, set_parameter)

    def _save_entry(self, parameter: Parameter[Any]) -> Callable[[int, int, bytes], None]:
        unpack = unpacker([])
        label = f"{parameter.label}_PRM_SAVE"
        component, context = self._component, self._context
        assert parameter.number is not None
        id = context.base_id + parameter.number

        def save_parameter(opcode: int, sequence: int, arguments: bytes) -> None:
            if self._decode(unpack, opcode, sequence, label, arguments) is None:
                return
            if context.save_parameter is None:
                self._refuse(
                    opcode, sequence, label, CommandResponse.EXECUTION_ERROR, "no parameter service is connected"
                )
                return
            try:
                context.save_parameter(id, parameter.type.pack(getattr(component, parameter.name)))
            except Exception as fault:
                self._failed(opcode, sequence, label, fault)
            else:
                self._respond(opcode, sequence, CommandResponse.OK)

        return save_parameter


@lru_cache(maxsize=TABLES_KEPT)
def _table_of(cls: ComponentType) -> tuple[dict[int, tuple[str, Any]], list[int]]:
    """A class's opcodes, and those of them that `async def` handlers answer later."""
    table = cls.__declarations__.opcodes()
    return table, [offset for offset, (what, one) in table.items() if what == "call" and one.is_coroutine]


def _locked(lock: Any, execute: Callable[[int, int, V], None]) -> Callable[[int, int, V], None]:
    def guarded(opcode: int, sequence: int, values: V) -> None:
        with lock:
            execute(opcode, sequence, values)

    guarded.__name__ = execute.__name__
    return guarded
