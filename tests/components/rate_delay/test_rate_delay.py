"""RateDelay: one cycle in many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import RateDelay


@given(st.integers(0, 255), st.integers(1, 600))
def test_one_cycle_in_divider_plus_one_goes_through(divider: int, cycles: int) -> None:
    """REQ-RD-001."""
    with ComponentTester(RateDelay, parameters={"DIVIDER": divider}) as tester:
        for number in range(cycles):
            tester.call.run_in(number)
        assert [call[0] for call in tester.ports.run_out] == list(range(0, cycles, divider + 1))


def test_a_new_divider_is_reported_and_followed_at_once() -> None:
    """REQ-RD-002."""
    with ComponentTester(RateDelay) as tester:
        tester.call.run_in(0)
        tester.call.run_in(0)
        assert tester.send("DIVIDER_PRM_SET", 1).response is CommandResponse.OK
        assert tester.events.named("DividerSet")[0].args == (1,)
        for _ in range(4):
            tester.call.run_in(0)
        assert len(tester.ports.run_out) == 3


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(RateDelay) == []
