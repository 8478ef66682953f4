"""The data budget: never more than a pass can carry, nothing overtakes, and everything is accounted for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.passes.budget import Demand, Window, share_out

S = 1_000_000


def window(start_s: float, end_s: float, bps: float = 8.0, efficiency: float = 1.0, background: float = 0.0) -> Window:
    """A window; by default a byte a second."""
    return Window(round(start_s * S), round(end_s * S), bps, efficiency, background)


@st.composite
def windows(draw: st.DrawFn) -> list[Window]:
    """Windows behind one another."""
    found, at_s = [], 0
    for _ in range(draw(st.integers(0, 5))):
        start_s = at_s + draw(st.integers(0, 50))
        at_s = start_s + draw(st.integers(1, 100))
        bps = draw(st.sampled_from([0.0, 8.0, 80.0, 1200.0]))
        found.append(window(start_s, at_s, bps, draw(st.sampled_from([0.3, 0.85, 1.0])), draw(st.floats(0, 100))))
    return found


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    """Demands, some of them bound to times."""
    found = []
    for _ in range(draw(st.integers(0, 12))):
        from_s = draw(st.sampled_from([0, 0, 40, 120]))
        until_s = draw(st.sampled_from([1 << 40, 1 << 40, from_s + 60]))
        found.append(Demand(draw(st.integers(0, 3000)), draw(st.booleans()), from_s * S, until_s * S))
    return found


@given(windows(), demands())
def test_no_window_carries_more_than_it_can_and_every_byte_is_named(ws: list[Window], ds: list[Demand]) -> None:
    budget = share_out(ws, ds)
    assert [one.capacity_bytes() for one in ws] == list(budget.capacity_bytes)
    for index, one in enumerate(ws):
        shared = sum(each.shares.get(index, 0) for each in budget.allotments)
        assert shared == budget.used_bytes[index]
        assert shared + budget.background_bytes[index] <= budget.capacity_bytes[index]
        assert budget.capacity_bytes[index] <= (one.end_us - one.start_us) / S * one.bps * one.efficiency / 8
    for demand, each in zip(ds, budget.allotments, strict=True):
        assert sum(each.shares.values()) + each.left_bytes == demand.bytes
        assert (each.done_in is None) == (each.left_bytes > 0)
        for index, share in each.shares.items():
            assert 0 < share <= ws[index].capacity_bytes(demand.from_us, demand.until_us)
        if demand.whole:
            assert list(each.shares.values()) in ([], [demand.bytes])
        if each.fits_nowhere:
            assert not each.shares


@given(windows(), demands())
def test_nothing_overtakes_what_is_before_it(ws: list[Window], ds: list[Demand]) -> None:
    budget = share_out(ws, ds)
    gone = [0] * len(ds)
    for index, one in enumerate(ws):
        free = budget.capacity_bytes[index] - budget.background_bytes[index]
        held_up = False
        for number, (demand, each) in enumerate(zip(ds, budget.allotments, strict=True)):
            share = each.shares.get(index, 0)
            assert not (held_up and share), "something was carried past what found no room"
            gone[number] += share
            room = min(free, one.capacity_bytes(demand.from_us, demand.until_us))
            waits = demand.bytes - gone[number]
            held_up = held_up or (0 < waits <= room if demand.whole else waits > 0 and share < room)


@given(windows(), demands(), st.integers(0, 3000))
def test_what_is_added_behind_changes_nothing_before_it(ws: list[Window], ds: list[Demand], more: int) -> None:
    assert share_out(ws, [*ds, Demand(more)]).allotments[: len(ds)] == share_out(ws, ds).allotments


@given(windows(), st.integers(1, 5000))
def test_what_is_alone_and_may_be_cut_fills_the_windows_in_their_order(ws: list[Window], wanted: int) -> None:
    budget = share_out(ws, [Demand(wanted)])
    (only,) = budget.allotments
    left = wanted
    for index in range(len(ws)):
        taken = min(left, budget.capacity_bytes[index] - budget.background_bytes[index])
        assert only.shares.get(index, 0) == taken
        left -= taken
    assert only.left_bytes == left


def test_a_file_goes_on_in_later_passes_and_what_is_whole_waits_for_one_that_has_room() -> None:
    passes = [window(0, 100), window(200, 300), window(400, 1400)]
    budget = share_out(passes, [Demand(50, whole=True), Demand(120, whole=True), Demand(130), Demand(2000, whole=True)])
    small, large, file, never = budget.allotments
    assert (small.shares, small.done_in) == ({0: 50}, 0)
    assert large.shares == {2: 120}, "it fits into none of the first two, and holds nothing up there"
    assert (file.shares, file.done_in) == ({0: 50, 1: 80}, 1)
    assert (never.fits_nowhere, never.left_bytes, never.done_in) == (True, 2000, None)


def test_telemetry_is_served_first_and_takes_no_more_than_there_is() -> None:
    budget = share_out([window(0, 100, 80, 0.5, 16), window(100, 200, 8, 1.0, 99)], [Demand(400)])
    assert budget.capacity_bytes == (500, 100)
    assert budget.background_bytes == (200, 100)
    assert budget.allotments[0].shares == {0: 300}
    assert budget.allotments[0].left_bytes == 100


def test_a_time_of_its_own_lets_others_go_first() -> None:
    """What is planned for a later pass holds nothing up before it, and only the rest of a pass counts for it."""
    passes = [window(0, 100), window(200, 300)]
    late, other = share_out(passes, [Demand(60, True, 250 * S), Demand(80)]).allotments
    assert (late.fits_nowhere, other.shares) == (True, {0: 80})
    late, other = share_out(passes, [Demand(40, True, 250 * S), Demand(180)]).allotments
    assert (late.shares, other.shares, other.left_bytes) == ({1: 40}, {0: 100, 1: 60}, 20)
    expired, _ = share_out(passes, [Demand(10, False, 0, 5 * S), Demand(1)]).allotments
    assert (expired.shares, expired.left_bytes) == ({0: 5}, 5)
