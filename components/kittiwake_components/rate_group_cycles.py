"""The cycles of a rate group: what each calls, how long that takes, which ones slip, and when none is needed."""

from __future__ import annotations

from operator import sub
from typing import TYPE_CHECKING, Any

from kittiwake.model import U32, wire_array
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.monitor import fault_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.platform.interface import Clock

MEMBERS = 20
REPORT_EVERY_NS = NS_PER_S
U32_MAX = 0xFFFFFFFF

MemberTimes = wire_array("Svc.RateGroupMemberTimes", U32, MEMBERS)

CYCLES_TOGETHER_MAX = 32
"""Cycles whose notes are worked out together: one by one that would cost as much as the members themselves."""

_NEVER = 1 << 62


def check_contexts(contexts: list[int]) -> None:
    """Raises `ValueError` unless a setting `contexts` fits the members."""
    if len(contexts) > MEMBERS or not all(0 <= one <= U32_MAX for one in contexts):
        raise ValueError(f"at most {MEMBERS} contexts of 32 bits are wanted, not {contexts}")


class Members:
    """Calls connected members in their order and measures them.

    `indices` are the ports that are connected, `calls` what they are bound to. `failed(port index, reason)` is told of
    a member that raised; the others are called all the same. A cycle only notes the time after each call; what that
    says about maxima and jitter is worked out for many cycles together. `changed` says that one of them grew since
    `measures` was last asked.
    """

    def __init__(
        self, indices: Sequence[int], calls: Sequence[Callable[[int], None]], contexts: Sequence[int],
        clock: Clock, failed: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        given = dict(enumerate(contexts))
        self.indices = list(indices)
        self._call_all = _unrolled(indices, calls, [given.get(index, 0) for index in indices], failed)
        self._clock = clock
        self._dues_ns: list[int] = []
        self._stamps_ns: list[tuple[int, ...]] = []
        self._longest_ns = [0] * len(self.indices)
        self._earliest_ns = [_NEVER] * len(self.indices)
        self._latest_ns = [-_NEVER] * len(self.indices)
        self.changed = False
        # The first cycles are shown soon, the later ones in ever larger portions.
        self._together = 1

    def run(self, due_ns: int) -> int:
        """Calls each member once; the time at which the last one returned."""
        began_ns = self._clock.now_ns()
        stamps = self._call_all(self._clock.meter_ns)
        first_ns = stamps[0]
        self._dues_ns.append(due_ns - began_ns + first_ns)
        self._stamps_ns.append(stamps)
        if len(self._dues_ns) >= self._together:
            self._evaluate()
        return began_ns + stamps[-1] - first_ns

    def _evaluate(self) -> None:
        """Takes the cycles noted so far into the bounds: a member begins where the one before it has returned."""
        columns = list(zip(*self._stamps_ns, strict=True))
        for place in range(len(self.indices)):
            began = columns[place]
            longest = max(map(sub, columns[place + 1], began))
            late = list(map(sub, began, self._dues_ns))
            earliest, latest = min(late), max(late)
            if (
                longest > self._longest_ns[place]
                or earliest < self._earliest_ns[place]
                or latest > self._latest_ns[place]
            ):
                self._longest_ns[place] = max(longest, self._longest_ns[place])
                self._earliest_ns[place] = min(earliest, self._earliest_ns[place])
                self._latest_ns[place] = max(latest, self._latest_ns[place])
                self.changed = True
        self._dues_ns.clear()
        self._stamps_ns.clear()
        self._together = min(2 * self._together, CYCLES_TOGETHER_MAX)

    def measures(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """For each member port the longest call, and the latest less the earliest start within its cycles.

        In microseconds, 0 where none is connected; all but the last few cycles are in it.
        """
        self.changed = False
        jitter = [max(late - early, 0) for late, early in zip(self._latest_ns, self._earliest_ns, strict=True)]
        return self._spread(self._longest_ns), self._spread(jitter)

    def _spread(self, values_ns: Sequence[int]) -> tuple[Any, ...]:
        times = [0] * MEMBERS
        for index, value in zip(self.indices, values_ns, strict=True):
            times[index] = min(value // 1000, U32_MAX)
        return tuple(times)


def _unrolled(
    indices: Sequence[int], calls: Sequence[Callable[[int], None]], contexts: Sequence[int],
    failed: Callable[[int, str], None],
) -> Callable[[Callable[[], int]], tuple[int, ...]]:  # fmt: skip
    """A function that calls each member once and gives the times before the first and after each.

    It is written out for these members: a loop would cost a third more than the calls, and a `try` costs nothing.
    """
    names: dict[str, Any] = {"failed": failed, "reason": fault_reason}
    lines = ["def call_all(meter_ns):", "    t0 = meter_ns()"]
    for place, (index, call, context) in enumerate(zip(indices, calls, contexts, strict=True)):
        names[f"call{place}"] = call
        lines += [
            f"    try: call{place}({context})",
            f"    except Exception as fault: failed({index}, reason(fault))",
            f"    t{place + 1} = meter_ns()",
        ]
    lines.append(f"    return ({', '.join(f't{place}' for place in range(len(calls) + 1))},)")
    exec("\n".join(lines), names)
    made: Callable[[Callable[[], int]], tuple[int, ...]] = names["call_all"]
    return made


class Cycles:
    """What active and passive rate groups have in common.

    `member_out` are a group's outputs, of which those in `connected` are called. `count` cycles were run, the longest
    took `longest_ns` from when it was due, the latest `latest_ns`; `slips` were late or never run.
    """

    def __init__(
        self, member_out: Sequence[Callable[[int], None]], connected: Sequence[int], contexts: Sequence[int],
        clock: Clock, failed: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        self.members = Members(connected, [member_out[index] for index in connected], contexts, clock, failed)
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
