"""The cycles of a rate group: what each calls, how long that takes, which ones slip, and when none is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.compiled import compiled
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

_NEVER = 1 << 62


def check_contexts(contexts: list[int]) -> None:
    """Raises `ValueError` for more contexts than members."""
    if len(contexts) > MEMBERS:
        raise ValueError(f"at most {MEMBERS} contexts are wanted, not {len(contexts)}")


class Members:
    """Calls connected members in their order and measures them.

    `indices` are the ports that are connected, `calls` what they are bound to. `failed(port index, reason)` is told of
    a member that raised; the others are called all the same. `run` takes the meter's reading at the start and how late
    that is, and gives the reading at which the last member returned. `changed` says that a measure grew since
    `measures` was last asked. The measures of the same members `before` go on.
    """

    def __init__(
        self, indices: Sequence[int], calls: Sequence[Callable[[int], None]], contexts: Sequence[int],
        clock: Clock, failed: Callable[[int, str], None], before: Members | None = None,
    ) -> None:  # fmt: skip
        given = dict(enumerate(contexts))
        self.indices = list(indices)
        self._longest_ns: list[int] = [0] * len(self.indices) if before is None else before._longest_ns
        self._earliest_ns: list[int] = [_NEVER] * len(self.indices) if before is None else before._earliest_ns
        self._latest_ns: list[int] = [-_NEVER] * len(self.indices) if before is None else before._latest_ns
        self.changed: bool = before is not None and before.changed
        bound = [(index, call, given.get(index, 0)) for index, call in zip(self.indices, calls, strict=True)]
        bounds = list(zip(self._longest_ns, self._earliest_ns, self._latest_ns, strict=True))
        self.run = _written_out(bound, clock, failed, self._note, bounds)

    def _note(self, place: int, duration_ns: int, late_ns: int) -> tuple[int, int, int]:
        """Takes a call into the measures of a member; gives its longest call, its earliest and its latest start."""
        self.changed = True
        longest = self._longest_ns[place] = max(duration_ns, self._longest_ns[place])
        earliest = self._earliest_ns[place] = min(late_ns, self._earliest_ns[place])
        latest = self._latest_ns[place] = max(late_ns, self._latest_ns[place])
        return longest, earliest, latest

    def longest_ns(self) -> dict[int, int]:
        """Port index -> the longest call of each member that is connected."""
        return dict(zip(self.indices, self._longest_ns, strict=True))

    def measures(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """For each member port the longest call, and the latest less the earliest start within its cycles.

        In microseconds, 0 where none is connected.
        """
        self.changed = False
        jitter = [max(late - early, 0) for late, early in zip(self._latest_ns, self._earliest_ns, strict=True)]
        return self._spread(self._longest_ns), self._spread(jitter)

    def _spread(self, values_ns: Sequence[int]) -> tuple[Any, ...]:
        times = [0] * MEMBERS
        for index, value in zip(self.indices, values_ns, strict=True):
            times[index] = min(value // 1000, U32_MAX)
        return tuple(times)


def _written_out(
    members: Sequence[tuple[int, Callable[[int], None], int]], clock: Clock,
    failed: Callable[[int, str], None], note: Callable[[int, int, int], tuple[int, int, int]],
    measures: Sequence[tuple[int, int, int]],
) -> Callable[[int, int], int]:  # fmt: skip
    """A function (time of the start, lateness) -> time of the end, by the meter, that calls each member once.

    It is written out for these members (port index, call, context): a loop would cost a third more than the calls,
    and a `try` costs nothing. A member begins where the one before it has returned; what is within its bounds needs no
    note. Where time stands still, in a simulation, they all begin as late as the first: if that was so before, and
    just as late, there is nothing to look at.
    """
    names: dict[str, Any] = {"failed": failed, "reason": fault_reason, "note": note, "measures": measures}
    names |= {"clock": clock, "meter_ns": clock.meter_ns}
    places = range(len(members))
    bounds = [f"longest{place}, earliest{place}, latest{place}" for place in places]
    lines = ["def make():", "    still = None"]
    lines += [f"    {bound} = measures[{place}]" for place, bound in enumerate(bounds)]
    lines += [
        "    def call_all(first, late):",
        f"        nonlocal {', '.join(['still', *bounds])}",
        "        began, due, look = first, first - late, late != still",
    ]
    for place, (index, call, context) in enumerate(members):
        names[f"call{place}"] = call
        lines += [
            f"        try: call{place}({context})",
            f"        except Exception as fault: failed({index}, reason(fault))",
            f"        ended = {clock.meter_source}",
            "        if look or ended is not first:",
            f"            if ended - began > longest{place} or not earliest{place} <= began - due <= latest{place}:",
            f"                {bounds[place]} = note({place}, ended - began, began - due)",
            "            began = ended",
        ]
    lines += ["        if began is first: still = late", "        return began", "    return call_all"]
    exec(compiled("\n".join(lines), "<rate group>", "exec"), names)
    made: Callable[[int, int], int] = names["make"]()
    return made


class Cycles:
    """What active and passive rate groups have in common.

    `member_out` are a group's outputs, of which those in `connected` are called. `count` cycles were run, the longest
    took `longest_ns` from when it was due, the latest `latest_ns`; `slips` were late or never run. A cycle that is due
    at `report_ns` or later is to be reported. `bind_members` comes before the first.
    """

    def __init__(
        self, member_out: Sequence[Callable[[int], None]], connected: Sequence[int], contexts: Sequence[int],
        clock: Clock, failed: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        self._member_out = member_out
        self._connected = connected
        self._contexts = contexts
        self._clock = clock
        self._failed = failed
        self._now_ns, self._meter_ns = clock.now_ns, clock.meter_ns
        self.count = self.slips = 0
        self.longest_ns = self.latest_ns = 0
        self.report_ns = self.idle_until_ns = 0
        self._expected_ns = 0
        self._idle_until_ns = dict.fromkeys(connected, 0)

    def bind_members(self) -> None:
        """Calls from now on what the outputs are bound to now; the members' measures go on."""
        calls = [self._member_out[index] for index in self._connected]
        before = getattr(self, "members", None)
        self.members = Members(self._connected, calls, self._contexts, self._clock, self._failed, before)
        self._call_members = self.members.run

    def run(self, due_ns: int, period_ns: int) -> int:
        """Runs the cycle due at `due_ns`; how many cycles slipped since the last: this one if it ended after the next
        was due, and those that were never run.
        """
        late_ns = self._now_ns() - due_ns
        began_ns = self._meter_ns()
        # From when it was due to its end.
        self.latest_ns = latest_ns = late_ns + self._call_members(began_ns, late_ns) - began_ns
        self.count += 1
        if latest_ns > self.longest_ns:
            self.longest_ns = latest_ns
        expected_ns = self._expected_ns
        # After an idle member's word the cycles that stay away are not missed.
        self._expected_ns = 0 if self.idle_until_ns else due_ns + period_ns
        if latest_ns < period_ns and (due_ns <= expected_ns or not expected_ns):
            return 0
        missed = max(due_ns - expected_ns, 0) // period_ns if expected_ns and period_ns else 0
        slips = missed + (latest_ns >= period_ns)
        self.slips += slips
        return slips

    def evidence(self, target_of: Callable[[str, int], tuple[str, str]]) -> dict[str, Any]:
        """What the group knows of its cycles: how late they ended, and whose calls took longest."""
        members = sorted(self.members.longest_ns().items(), key=lambda one: -one[1])
        return {
            "cycles": self.count, "slips": self.slips, "longest_us": self.longest_ns // 1000,
            "latest_us": self.latest_ns // 1000,
            "members": [
                {"member": ".".join(target_of("member_out", index)), "longest_us": took_ns // 1000}
                for index, took_ns in members
            ],
        }  # fmt: skip

    def note_report(self, due_ns: int) -> None:
        """Leaves a second until the next report: in the first cycles the maxima change with each."""
        self.report_ns = due_ns + REPORT_EVERY_NS

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
