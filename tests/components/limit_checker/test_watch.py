"""Watchpoints against an obvious model: a list of all that was seen, looked through from the end."""

from __future__ import annotations

import struct
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.limits.table import Comparison, Watchpoint
from kittiwake.wire.time_tag import pack_tag
from kittiwake_components.limit_checker.watch import Watch, holds

SECOND = 10**9


class Seen(NamedTuple):
    """One cycle: its time, whether the value was new, and whether it was below 0 (None: it was NaN)."""

    at_s: int
    is_new: bool
    found: bool | None


def says(seen: list[Seen], samples: int, hold_s: int) -> bool | None:
    """What a watchpoint says after all of it.

    It turned where the last cycles, since it turned before or since an invalid one, all contradict it, hold enough
    new values and lie far enough apart.
    """
    said = False
    begin = 0
    for end, now in enumerate(seen):
        if now.found is None or now.found is said:
            begin = end + 1
            continue
        run = seen[begin : end + 1]
        if sum(one.is_new for one in run) >= samples and now.at_s - run[0].at_s >= hold_s:
            said, begin = now.found, end + 1
    return None if not seen or seen[-1].found is None else said


@given(
    st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.sampled_from((1.0, -1.0, float("nan")))), max_size=40),
    st.integers(1, 4), st.integers(0, 5),
)  # fmt: skip
def test_a_watchpoint_turns_when_the_model_says_so(
    steps: list[tuple[int, bool, float]], samples: int, hold_s: int
) -> None:
    """REQ-LC-006."""
    watch = Watch(Watchpoint("w", 1, 0, "f", Comparison.LESS, 0.0, 0.0, samples, hold_s * 1000), 0)
    seen: list[Seen] = []
    now_s, value, tag = 0, 1.0, 0
    for wait_s, is_new, drawn in steps:
        now_s += wait_s
        is_new = is_new or not seen
        if is_new:
            value, tag = drawn, tag + 1
        reading = pack_tag(2 << 64 | tag) + struct.pack(">f", value)
        seen.append(Seen(now_s, is_new, None if value != value else value < 0))
        assert watch.look(reading, now_s * SECOND) is says(seen, samples, hold_s)


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=30), st.integers(1, 8))
def test_silence_is_the_time_since_the_last_new_value(steps: list[tuple[int, bool]], hold_s: int) -> None:
    """REQ-LC-007."""
    watch = Watch(Watchpoint("w", 1, 0, "B", Comparison.SILENT, 0, 0, 1, hold_s * 1000), 0)
    now_s = last_s = tag = 0
    for wait_s, is_new in steps:
        now_s += wait_s
        if is_new:
            last_s, tag = now_s, tag + 1
        assert watch.look(pack_tag(tag and 2 << 64 | tag) + b"\0", now_s * SECOND) is (now_s - last_s >= hold_s)


@given(st.sampled_from(Comparison), st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3))
def test_a_comparison_and_its_contrary_share_all_numbers(kind: Comparison, number: int, low: int, high: int) -> None:
    contrary = {
        Comparison.LESS: Comparison.GREATER_OR_EQUAL, Comparison.GREATER: Comparison.LESS_OR_EQUAL,
        Comparison.EQUAL: Comparison.NOT_EQUAL, Comparison.WITHIN: Comparison.OUTSIDE,
    }  # fmt: skip
    both = contrary | {second: first for first, second in contrary.items()}
    if kind in both:
        assert holds(kind, number, low, high) is not holds(both[kind], number, low, high)
    else:
        assert not holds(kind, number, low, high)
