"""Commands: what operators and sequences ask of a component.

    @command
    def get_boot_count(self) -> None: ...

    @command
    async def wait_for_quiescence(self) -> None:
        await self.clock.sleep_until(self.quiescence_end_ns)

A handler that returns means OK; `CommandError` is any other answer. An `async def` handler answers when it ends and
suspends only itself. Each command gets exactly one response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from kittiwake.int_enum import IntEnum
from kittiwake.model.names import upper
from kittiwake.model.ports import check_full
from kittiwake.model.signature import Declared
from kittiwake.model.types import U8, wire_enum

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["sync", "guarded", "async"]
CommandFull = Literal["assert", "drop"]
COMMAND_FULL: tuple[CommandFull, ...] = ("assert", "drop")
"""What a queued command may do when its queue is full. It is answered BUSY either way: no other behaviour answers."""


@wire_enum(U8, name="Fw.CmdResponse")
class CommandResponse(IntEnum):
    """The answer to a command (F´ Fw.CmdResponse)."""

    OK = 0
    INVALID_OPCODE = 1
    VALIDATION_ERROR = 2
    FORMAT_ERROR = 3
    EXECUTION_ERROR = 4
    BUSY = 5


class CommandError(RuntimeError):
    """Raised by a handler to answer a command with anything but OK; `why` goes to the ground in an event."""

    def __init__(self, response: CommandResponse, why: str = "") -> None:
        super().__init__(why or response.name)
        self.response = response
        self.why = why


class Command(Declared):
    """One declared command. `kind` is `None` until the component's kind settles it (passive sync, others async)."""

    def __init__(
        self, kind: Kind | None, name: str, opcode: int | None, priority: int, full: CommandFull, exclusive: bool,
        hazardous: bool,
    ) -> None:  # fmt: skip
        check_full(full, COMMAND_FULL)
        self.kind = kind
        self.label = name
        self.number = opcode
        self.priority = priority
        self.full = full
        self.exclusive = exclusive
        self.hazardous = hazardous
        self.name = ""
        self.doc = ""
        self.is_coroutine = False

    def bind(self, function: Any) -> None:
        """Takes name, parameters and documentation from the handler."""
        self.name = function.__name__
        self.label = self.label or upper(self.name)
        self.doc = (function.__doc__ or "").strip()
        self.is_coroutine = bool(function.__code__.co_flags & 0x80)
        self.declare(function)
        function.__command__ = self


@overload
def command(function: F, /) -> F: ...
@overload
def command(
    *, kind: Kind | None = None, name: str = "", opcode: int | None = None, priority: int = 0,
    full: CommandFull = "assert", exclusive: bool = False, hazardous: bool = False,
) -> Callable[[F], F]: ...  # fmt: skip
def command(
    function: Any = None, /, *, kind: Kind | None = None, name: str = "", opcode: int | None = None, priority: int = 0,
    full: CommandFull = "assert", exclusive: bool = False, hazardous: bool = False,
) -> Any:  # fmt: skip
    """Declares a command.

    A `priority` and `full` are for queued ones: with a full queue `assert` is a FATAL event, and both answer BUSY.
    `exclusive` answers BUSY while an earlier call of an `async def` handler is still running; `hazardous` makes the
    ground ask before it sends. `opcode` is the offset from the instance's base id, by default the next free one.
    """
    declaration = Command(kind, name, opcode, priority, full, exclusive, hazardous)

    def decorate(handler: Any) -> Any:
        declaration.bind(handler)
        return handler

    return decorate(function) if function is not None else decorate
