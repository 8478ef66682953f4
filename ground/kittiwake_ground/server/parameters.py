"""Parameters: set and saved by command, and what is known of their values, which is often nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.values import value_of
from kittiwake.model.types import Text, resolved
from kittiwake_ground.server.instances import NoSuchAbility, command_called
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Dictionary, Parameter
    from kittiwake.model.types import WireType
    from kittiwake_ground.server.commands import CommandRecord, Commands

SET, SAVE = "_PRM_SET", "_PRM_SAVE"
DUMP_COMMAND, SAVE_FILE_COMMAND, VALUE_EVENT = "PRM_DUMP", "PRM_SAVE_FILE", "PrmValue"
CHANGING_COMMANDS = ("PRM_RESET_DEFAULT", "PRM_COMMIT_STAGED")
"""Commands that change parameters without a word of their values."""

UNKNOWN, BY_COMMAND, BY_DUMP = "unknown", "set", "dump"
"""How a value is known."""

DEFAULT, SAVED, CHANGED = "DEFAULT", "SAVED", "CHANGED"
"""Where a value comes from, in the words of `PrmValue`."""

LONGEST_CHARACTER = 4
"""A text is cut between characters: one that ends so few bytes before the end of its room may have been longer."""


class ParameterRecord:
    """One parameter. `value` is plain and means nothing while `known` is "unknown".

    `origin` is the deployment's word for where a dumped value comes from (DEFAULT, SAVED, CHANGED). `stale` says that
    it may be another by now: the link was made anew since, so that the deployment may have started with another value,
    or a command has changed parameters without telling which. `partial` says that its text was cut when it was told.
    """

    def __init__(self, parameter: Parameter, set_command: str, save_command: str) -> None:
        self.parameter = parameter
        self.set_command = set_command
        self.save_command = save_command
        self.known = UNKNOWN
        self.value: Any = None
        self.origin = ""
        self.known_us = 0
        self.stale = False
        self.partial = False


class Parameters:
    """The parameters of one deployment."""

    def __init__(self, dictionary: Dictionary, commands: Commands, changed: Callable[[ParameterRecord], None]) -> None:
        kinds = {one.name: one for one in dictionary.commands.values()}
        self.records = {
            name: ParameterRecord(
                one, name + SET if name + SET in kinds else "", name + SAVE if name + SAVE in kinds else ""
            )
            for name, one in dictionary.parameters.items()
        }
        self._by_command = {one.set_command: one for one in self.records.values() if one.set_command}
        self._by_saving = {one.save_command: one for one in self.records.values() if one.save_command}
        self._following: set[asyncio.Future[None]] = set()
        self._dictionary = dictionary
        self._commands = commands
        self._changed = changed

    def set(self, name: str, value: Any, by: str = "local") -> CommandRecord:
        """Has the deployment use a value. Raises `UnknownName`, `NoSuchAbility`, and what `Commands.submit` does."""
        record = self._record(name)
        if not record.set_command:
            raise NoSuchAbility(f"the dictionary has no command {name}{SET}")
        return self._commands.submit(record.set_command, [value], by)

    def save(self, name: str, by: str = "local") -> CommandRecord:
        """Has the deployment keep the value that it uses. Raises as `set` does."""
        record = self._record(name)
        if not record.save_command:
            raise NoSuchAbility(f"the dictionary has no command {name}{SAVE}")
        return self._commands.submit(record.save_command, [], by)

    def save_after(self, setting: CommandRecord, name: str, by: str = "local") -> None:
        """Saves a parameter once its setting has completed, and does nothing if that fails."""

        async def save() -> None:
            if (await setting.wait()).state == "completed":
                self.save(name, by)

        task = asyncio.ensure_future(save())
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    def refresh(self, by: str = "local") -> CommandRecord:
        """Asks the deployment for all values. Raises `NoSuchAbility` where it cannot tell them."""
        return self._commands.submit(command_called(self._dictionary, DUMP_COMMAND, 0).name, [], by)

    def _record(self, name: str) -> ParameterRecord:
        self._dictionary.parameter(name)
        return self.records[name]

    def take_command(self, command: CommandRecord) -> None:
        """A command has gone on: one that set, saved or changed parameters tells of their values."""
        if command.state != "completed":
            return
        name, at_us = command.command.name, command.steps[-1][1]
        if (saved := self._by_saving.get(name)) is not None and saved.known != UNKNOWN and not saved.stale:
            saved.origin = SAVED
            self._changed(saved)
        if name.rpartition(".")[2] in CHANGING_COMMANDS:
            self.forget()
        record = self._by_command.get(name)
        if record is None:
            return
        form = record.parameter.type
        value = next(iter(command.arguments.values()), None)
        try:
            plain = resolved(form).to_plain(value_of(form, value, self._dictionary.find_id))
        except (TypeError, ValueError):
            return
        self._know(record, BY_COMMAND, plain, CHANGED, at_us)

    def take_event(self, event: DecodedEvent, at_us: int | None = None) -> None:
        """Looks whether an event tells a parameter's value; `at_us` is when, by default now."""
        if event.name.rpartition(".")[2] != VALUE_EVENT or len(event.args) < 4:
            return
        parameter = self._dictionary.parameters_by_id.get(event.args[0])
        if parameter is not None:
            origin = getattr(event.args[3], "name", str(event.args[3]))
            value, partial = _read(parameter, str(event.args[2]), event.event.formals[2].type)
            when_us = now_us() if at_us is None else at_us
            self._know(self.records[parameter.name], BY_DUMP, value, origin, when_us, partial)

    def _know(
        self, record: ParameterRecord, known: str, value: Any, origin: str, at_us: int, partial: bool = False
    ) -> None:
        record.known, record.value, record.origin = known, value, origin
        record.known_us, record.partial = at_us, partial
        record.stale = False
        self._changed(record)

    def forget(self) -> None:
        """The link was made anew, or parameters were changed: what is known may be wrong by now."""
        for record in self.records.values():
            if record.known != UNKNOWN and not record.stale:
                record.stale = True
                self._changed(record)


def _read(parameter: Parameter, text: str, told_as: WireType) -> tuple[Any, bool]:
    """A dumped value, as plain as one that was set where its text says it whole; else the text, and that it is cut."""
    told, form = resolved(told_as), resolved(parameter.type)
    fills = isinstance(told, Text) and len(text.encode()) > told.size - LONGEST_CHARACTER
    try:
        return form.to_plain(value_of(parameter.type, text)), fills
    except (TypeError, ValueError):
        return text, True
