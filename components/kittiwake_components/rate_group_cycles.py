"""The cycles of a rate group: what each calls, how long that takes, which ones slip, and when none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import U32, wire_array
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEMBERS = 20
REPORT_EVERY_NS = NS_PER_S
U32_MAX = 0xFFFFFFFF

MemberTimes = wire_array("Svc.RateGroupMemberTimes", U32, MEMBERS)

_NEVER = 1 << 62


def check_contexts(contexts: list[int]) -> None:
    """Raises `ValueError` unless a setting `contexts` fits the members."""
    if len(contexts) > MEMBERS or not all(0 <= one <= U32_MAX for one in contexts):
        raise ValueError(f"at most {MEMBERS} contexts of 32 bits are wanted, not {contexts}")


class Members:
    """Calls connected members in their order and measures them.

    `indices` are the ports that are connected, `calls` what they are bound to. `failed(port index, reason)` is told of
    a member that raised; the others are called all the same.
    """

    def __init__(
        self, indices: Sequence[int], calls: Sequence[Callable[[int], None]], contexts: Sequence[int],
        now_ns: Callable[[], int], failed: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        given = dict(enumerate(contexts))
        self.indices = list(indices)
        self.changed = False
        self._now_ns = now_ns
        self._failed = failed
        # Place, call, context; earliest and latest start after the cycle was due, longest call. One row is one step of
        # the loop, which takes half as long as beside four lists.
        self._rows = [
            (place, call, given.get(index, 0), _NEVER, -_NEVER, 0)
            for place, (index, call) in enumerate(zip(indices, calls, strict=True))
        ]

    def run(self, due_ns: int) -> int:
        """Calls each member once; the time at which the last one returned.

        One reading of the clock a member: where it returns the next begins. Bounds that hold cost two comparisons.
        """
        now_ns = self._now_ns
        began = now_ns()
        for place, call, context, earliest, latest, longest in self._rows:
            try:
                call(context)
            except Exception as fault:  # noqa: BLE001 - a member that raises fails alone
                self._failed(self.indices[place], fault_reason(fault))
            ended = now_ns()
            if ended - began > longest or not earliest <= began - due_ns <= latest:
                self._widen(place, began - due_ns, ended - began)
            began = ended
        return began

    def _widen(self, place: int, late_ns: int, took_ns: int) -> None:
        self.changed = True
        _, call, context, earliest, latest, longest = self._rows[place]
        self._rows[place] = (
            place, call, context, min(earliest, late_ns), max(latest, late_ns), max(longest, took_ns)
        )  # fmt: skip

    def longest_us(self) -> tuple[int, ...]:
        """The longest call of each member port in microseconds, 0 where none is connected."""
        return self._spread([longest for *_, longest in self._rows])

    def jitter_us(self) -> tuple[int, ...]:
        """The latest less the earliest start of each member port within its cycles, in microseconds."""
        return self._spread([max(latest - earliest, 0) for *_, earliest, latest, _ in self._rows])

    def _spread(self, values_ns: Sequence[int]) -> tuple[Any, ...]:
        times = [0] * MEMBERS
        for index, value in zip(self.indices, values_ns, strict=True):
            times[index] = min(value // 1000, U32_MAX)
        return tuple(times)


class Cycles:
    """What active and passive rate groups have in common.

    `member_out` are a group's outputs, of which those in `connected` are called. `count` cycles were run, the longest
    took `longest_ns` from when it was due, the latest `latest_ns`; `slips` were late or never run.
    """

    def __init__(
        self, member_out: Sequence[Callable[[int], None]], connected: Sequence[int], contexts: Sequence[int],
        now_ns: Callable[[], int], failed: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        self.members = Members(connected, [member_out[index] for index in connected], contexts, now_ns, failed)
        self.count = self.slips = 0
        self.longest_ns = self.latest_ns = 0
        self.idle_until_ns = 0
        self._expected_ns = 0
        self._reported_ns = -REPORT_EVERY_NS
        self._ended_ns = 0
        self._idle_until_ns = dict.fromkeys(connected, 0)

    def run(self, due_ns: int, period_ns: int) -> int:
        """Runs the cycle due at `due_ns`; how many cycles slipped since the last: this one if it ended after the next
        was due, and those that were never run.
        """
        missed = (due_ns - self._expected_ns) // period_ns if self._expected_ns else 0
        ended_ns = self._ended_ns = self.members.run(due_ns)
        # After an idle member's word the cycles that stay away are not missed.
        self._expected_ns = 0 if self.idle_until_ns else due_ns + period_ns
        self.count += 1
        self.latest_ns = ended_ns - due_ns
        if self.latest_ns > self.longest_ns:
            self.longest_ns = self.latest_ns
        slips = max(missed, 0) + (ended_ns >= due_ns + period_ns)
        self.slips += slips
        return slips

    def is_report_due(self) -> bool:
        """Once a second after a cycle: in the first cycles the maxima change with each."""
        if self._ended_ns - self._reported_ns < REPORT_EVERY_NS:
            return False
        self._reported_ns = self._ended_ns
        return True

    def declare_idle(self, index: int, until_ns: int) -> bool:
        """Takes a member's word that it needs no cycle before `until_ns`; whether that changes the group's time.

        The group is idle until the earliest of its members' times, and not at all (0) while one has given none.
        """
        if index not in self._idle_until_ns:
            return False
        self._idle_until_ns[index] = until_ns
        before = self.idle_until_ns
        self.idle_until_ns = min(self._idle_until_ns.values())
        self._expected_ns = 0
        return self.idle_until_ns != before
