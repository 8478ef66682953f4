"""How what is planned leaves: as a command, as the run of a sequence, or as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kittiwake_ground.passes.planned import COMMAND, KINDS, SEQUENCE, UPLOAD, PlanRefused, What
from kittiwake_ground.server.confirming import MAX_NAMED
from kittiwake_ground.server.transfer import CFDP, PACKETS, TransferRefused
from kittiwake_ground.server.transfers import check_name
from kittiwake_ground.uplink import UplinkFailed, UplinkWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.passes.planned import Planned
    from kittiwake_ground.server.commands import Commands
    from kittiwake_ground.server.sequences import Sequences
    from kittiwake_ground.server.transfer import Transfer
    from kittiwake_ground.server.transfers import Transfers

FRAME_BYTES = 40
"""What a command takes on the link besides itself, about: its frame, signed."""


class NotConfirmed(PlanRefused):
    """Hazardous commands that nobody has confirmed, which are in `hazards`."""

    def __init__(self, hazards: list[str]) -> None:
        are = "is hazardous: confirm that it is" if len(hazards) == 1 else "are hazardous: confirm that they are"
        super().__init__(f"{', '.join(hazards[:MAX_NAMED])} {are} meant")
        self.hazards = hazards


class Departure(Protocol):
    """What a plan has become: a `CommandRecord` or a `Transfer`."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def is_final(self) -> bool: ...


class Ways:
    """The ways from the ground to one deployment."""

    def __init__(
        self,
        dictionary: Dictionary,
        hazardous: frozenset[str],
        commands: Commands,
        sequences: Sequences,
        transfers: Transfers,
        upload_by_cfdp: Callable[[bytes, str, str, str], Transfer],
        is_ready: Callable[[], bool],
    ) -> None:
        """`is_ready` says whether something can be sent now."""
        self.is_ready = is_ready
        self._dictionary = dictionary
        self._hazardous = hazardous
        self._commands = commands
        self._sequences = sequences
        self._transfers = transfers
        self._upload_by_cfdp = upload_by_cfdp

    def check(
        self, kind: str, subject: str, detail: Mapping[str, Any], confirmed: bool, by: str, size: int = 0
    ) -> What:
        """What is to be sent, held against the dictionary; `size` is that of a file.

        Raises `NotConfirmed` for what is hazardous and not `confirmed`, `UnknownName`, `ValueError` and `LookupError`.
        """
        if kind == COMMAND:
            return self._command(subject, detail.get("arguments", {}), confirmed, by)
        if kind == SEQUENCE:
            return self._sequence(subject, detail, confirmed, by)
        if kind != UPLOAD:
            raise PlanRefused(f"what is planned is {', '.join(KINDS)}, not {kind!r}")
        way, name = str(detail.get("way", PACKETS)), str(detail.get("name", "")) or subject.rpartition("/")[2]
        if way not in (PACKETS, CFDP):
            raise PlanRefused(f"a file goes by {PACKETS} or {CFDP}, not {way!r}")
        check_name(subject, name)
        if way == PACKETS:
            try:
                UplinkWatch(self._dictionary)
            except UplinkFailed as fault:
                raise TransferRefused(str(fault)) from None
        return What(UPLOAD, subject, {"way": way, "name": name}, size)

    def _sequence(self, remote: str, detail: Mapping[str, Any], confirmed: bool, by: str) -> What:
        """The run of a sequence; what was confirmed of a file that was known counts for the hazards it had then."""
        name, arguments = self._sequences.run_command(remote, str(detail.get("sequencer", "")))
        packet = self._commands.prepare(name, arguments)[2]
        files = self._sequences.files
        hazards = [one for one in (name, *files.commands_of(remote)) if one in self._hazardous]
        self._check_hazards(hazards, confirmed and set(hazards) <= set(detail.get("hazards", hazards)), by)
        made: dict[str, Any] = {"sequencer": name.rpartition(".")[0]}
        if files.knows(remote):
            made["hazards"] = hazards
        return What(SEQUENCE, remote, made, len(packet) + FRAME_BYTES)

    def _command(self, name: str, arguments: Any, confirmed: bool, by: str) -> What:
        _, named, packet = self._commands.prepare(name, arguments)
        self._check_hazards([name], confirmed, by)
        return What(COMMAND, name, {"arguments": named}, len(packet) + FRAME_BYTES)

    def _check_hazards(self, names: Iterable[str], confirmed: bool, by: str) -> None:
        hazards = [name for name in names if name in self._hazardous]
        for name in hazards:
            refusal = self._commands.refusal(self._dictionary.command(name), by)
            if refusal:
                raise PlanRefused(refusal)
        if hazards and not confirmed:
            raise NotConfirmed(hazards)

    def begin(self, plan: Planned, content: Callable[[], bytes]) -> Departure:
        """Gives a plan to its way.

        Raises `CommandRefused` and `TransferRefused` where there is no room, and `ValueError` or `LookupError` for
        what cannot be sent.
        """
        what = plan.what
        if what.kind == COMMAND:
            arguments = what.detail["arguments"]
            return self._commands.submit(what.subject, arguments, plan.by, planned_us=plan.created_us)
        if what.kind == SEQUENCE:
            run = self._sequences.run(what.subject, plan.by, what.detail["sequencer"], plan.created_us)
            assert run.record is not None
            return run.record
        if what.detail["way"] == CFDP:
            return self._upload_by_cfdp(content(), what.subject, plan.by, what.detail["name"])
        return self._transfers.upload(content(), what.subject, plan.by, what.detail["name"])

    def take_back(self, departure: Departure) -> None:
        """Gives up what still waits. Raises `LookupError`, `CommandRefused` and `TransferRefused`."""
        if departure.id in self._commands.records:
            self._commands.cancel(departure.id)
        else:
            self._transfers.cancel(departure.id)
