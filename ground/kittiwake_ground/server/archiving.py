"""Hands what happens to the archive, in its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive import ChannelDeclaration, Frame, NewEvent
from kittiwake_ground.server.transfer import CFDP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.archive import Archive, SequenceFile


class ArchiveFeed:
    """The `ArchiveSink` of an `Archive`. Commands have another id there; the time of their request is their id here."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._commands: dict[int, tuple[int, int]] = {}

    @property
    def is_behind(self) -> bool:
        return self._archive.is_behind

    def declare(self, deployment: str, dictionary: Dictionary) -> None:
        channels = [ChannelDeclaration(one.name, one.type.name, one.unit) for one in dictionary.channels.values()]
        self._archive.declare(deployment, dictionary.hash, channels)

    def add_samples(self, deployment: str, samples: Sequence[DecodedChannel], received_us: int) -> None:
        self._archive.add_samples(deployment, [(one[0].name, one[1], received_us, one[2]) for one in samples])

    def add_events(self, deployment: str, events: Sequence[DecodedEvent], received_us: int) -> None:
        taken = []
        for one in events:
            named = {formal.name: value for formal, value in zip(one.event.formals, one.args, strict=True)}
            taken.append(NewEvent(one.name, one.severity, one.tag, received_us, one.text, named))
        self._archive.add_events(deployment, taken)

    def add_raw(self, deployment: str, up: bool, data: bytes, at_us: int) -> None:
        self._archive.add_frames(deployment, [Frame(at_us, "up" if up else "down", data)])

    def add_link_state(self, deployment: str, state: str, reason: str, at_us: int) -> None:
        self._archive.add_link_state(deployment, state, reason, at_us=at_us)

    def add_command(self, deployment: str, command: Mapping[str, Any]) -> None:
        id, steps = command["id"], command["steps"]
        kept = self._commands.get(id)
        if kept is None:
            first = steps[0]
            archived = self._archive.record_command(
                deployment, command["name"], command["opcode"], command["arguments"], by=command["by"],
                state=first["state"], at_us=id, begun_us=first["time_us"],
            )  # fmt: skip
            kept = (archived, 1)
        archived, known = kept
        for step in steps[known:]:
            said = (command["reason"] or command["response"]) if step is steps[-1] else ""
            self._archive.update_command(
                archived, step["state"], by=command["by"], at_us=step["time_us"], response=said
            )
        if command["final"]:
            self._commands.pop(id, None)
        else:
            self._commands[id] = (archived, len(steps))

    def add_file(self, deployment: str, transfer: Mapping[str, Any]) -> None:
        if transfer["way"] == CFDP and self._archive.has_file(deployment, transfer["asked_us"]):
            return  # it has ended before the server was started, and that is known
        up = transfer["direction"] == "up"
        source, destination = transfer["name"], transfer["remote"]
        self._archive.add_file(
            deployment, transfer["direction"], *((source, destination) if up else (destination, source)),
            by=transfer["by"], size=transfer["size"], state=transfer["state"], reason=transfer["reason"],
            at_us=transfer["asked_us"], way=transfer["way"], sha256=transfer["sha256"],
        )  # fmt: skip

    def note_sequence_file(self, deployment: str, path: str, file: SequenceFile | None) -> None:
        self._archive.note_sequence_file(deployment, path, file)

    def add_audit(self, entry: Mapping[str, Any]) -> None:
        """The audit trail has a file of its own."""
