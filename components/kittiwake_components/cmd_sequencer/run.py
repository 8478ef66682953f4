"""One run of one sequence: what is left of it, and when its next record is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.sequence.binary import ABSOLUTE, END
from kittiwake.wire.packets import parse_command
from kittiwake_components.cmd_sequencer.modes import State

if TYPE_CHECKING:
    from kittiwake.model.commands import CommandResponse
    from kittiwake.runtime.tasks import Reply
    from kittiwake.sequence.binary import Record

US_PER_S = 1_000_000


class Run:
    """A sequence that was loaded whole; what happens to its file afterwards does not matter.

    `token` is the caller's, 0 for runs that a command asked for. `index` is the record that is next or under way.
    """

    __slots__ = (
        "_deadline_ns", "command_token", "ended", "errors", "file", "index", "is_paused", "records", "state", "token",
    )  # fmt: skip

    def __init__(self, file: str, records: list[Record], token: int, ended: Reply[CommandResponse]) -> None:
        self.file = file
        self.records = records
        self.token = token
        self.ended = ended
        self.state = State.LOADED
        self.is_paused = False
        self.index = 0
        self.errors = 0
        self.command_token = 0
        self._deadline_ns = 0

    @property
    def has_more(self) -> bool:
        """Whether a record is left; one of kind END has none behind it."""
        return self.index < len(self.records) and self.records[self.index].kind != END

    @property
    def packet(self) -> bytes:
        """The command packet of the present record."""
        return self.records[self.index].packet

    @property
    def opcode(self) -> int:
        """The opcode of the present record, 0 behind the last."""
        return parse_command(self.packet)[0] if self.has_more else 0

    @property
    def is_absolute(self) -> bool:
        """Whether the present record counts from the epoch."""
        return self.records[self.index].kind == ABSOLUTE

    @property
    def shown_state(self) -> State:
        """The state as it is reported; a command under way is finished before a pause holds."""
        return State.PAUSED if self.is_paused and self.state is State.WAITING else self.state

    def await_record(self, now_ns: int) -> None:
        """Starts the wait for the present record, at `now_ns` since boot."""
        self.state = State.WAITING
        self._deadline_ns = now_ns + self._time_us() * 1000

    def remaining_ns(self, now_ns: int, time_us: int) -> int:
        """How long the present record still has to wait, in nanoseconds; 0 or less once it is due.

        A delay counts on the clock since boot alone, an absolute time on `time_us`, the deployment's time now.
        """
        if self.is_absolute:
            return (self._time_us() - time_us) * 1000
        return self._deadline_ns - now_ns

    def _time_us(self) -> int:
        record = self.records[self.index]
        return record.seconds * US_PER_S + record.microseconds
