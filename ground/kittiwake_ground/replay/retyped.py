"""What is archived, in the dictionary's types again: the archive keeps plain values and the names of constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedEvent
from kittiwake.dictionary.entries import Command, Event
from kittiwake.dictionary.values import value_of
from kittiwake.model.types import Enumeration, Float, Integer, resolved
from kittiwake_ground.server.commands import CommandRecord
from kittiwake_ground.server.transfer import CFDP, RUNNING, Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.entries import Channel, Dictionary
    from kittiwake.model.types import WireType
    from kittiwake_ground.archive import ArchivedCommand, ArchivedEvent, ArchivedFile, Sample


class ToldEvent(DecodedEvent):
    """An event with the words that it was archived with, whatever today's dictionary would make of it."""

    words: str = ""

    @property
    def text(self) -> str:
        return self.words


def typed_value(channel: Channel, sample: Sample) -> Any:
    """A sample's value in the type of its channel. Raises `ValueError` or `TypeError` where it does not fit that."""
    value = sample.value
    base = resolved(channel.type)
    if (type(value) is float and isinstance(base, Float)) or (type(value) is int and isinstance(base, Integer)):
        return value
    return value_of(channel.type, sample.name or value)


def told_event(event: ArchivedEvent, dictionary: Dictionary) -> ToldEvent:
    """An event; one that the dictionary does not have, or has with other arguments, keeps its words alone."""
    known = dictionary.events.get(event.name)
    arguments: tuple[Any, ...] = ()
    if known is not None:
        try:
            arguments = tuple([_typed_argument(one.type, event.arguments[one.name]) for one in known.formals])
        except (KeyError, TypeError, ValueError):
            known = None
    shown = Event(event.name, 0, event.severity, "", ()) if known is None else known
    made = ToldEvent(shown._replace(severity=event.severity), event.tag, arguments)
    made.words = event.text
    return made


def _typed_argument(form: WireType, value: Any) -> Any:
    """An event's argument, of which the archive keeps a constant's number. Raises as `typed_value`."""
    base = resolved(form)
    return base.enum(value) if isinstance(base, Enumeration) and type(value) is int else value_of(form, value)


def command_record(command: ArchivedCommand, dictionary: Dictionary) -> CommandRecord:
    """A command with its life. It has no packet: it cannot be sent."""
    known = dictionary.commands.get(command.name) or Command(command.name, command.opcode, ())
    arguments: Mapping[str, Any] = command.arguments if isinstance(command.arguments, dict) else {}
    made = CommandRecord(command.created_us, known, arguments, command.by, b"", 0.0)
    made.steps = [(step.state, step.at_us) for step in command.steps]
    made.state = command.state
    made.response = command.response
    return made


def transfer_record(file: ArchivedFile, before_us: int) -> Transfer:
    """A transfer as it stood just before a moment. How far it had come is not archived."""
    remote, name = (file.destination, file.source) if file.direction == "up" else (file.source, file.destination)
    made = Transfer(file.created_us, file.direction, remote, name, file.by)
    made.way = CFDP if file.way == CFDP else made.way
    made.asked_us, made.size, made.sha256 = file.created_us, file.size or 0, file.sha256
    if file.updated_us < before_us:
        made.state, made.reason, made.ended_us, made.done_bytes = file.state, file.reason, file.updated_us, made.size
    else:
        made.state = RUNNING
    return made
