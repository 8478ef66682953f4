"""DpManager: products go on in their order, and what finds no room is counted."""

from __future__ import annotations

from kittiwake.model.commands import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.dp_manager.component import DpManager


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(DpManager) == []


def test_products_are_handed_on_and_counted() -> None:
    """REQ-DPM-001, REQ-DPM-002."""
    with ComponentTester(DpManager) as tester:
        for number in range(3):
            tester.call.product_send_in(7, bytes([number]) * 10)
        assert tester.ports.product_send_out == [(bytes([number]) * 10,) for number in range(3)]
        assert tester.channels["NumDataProducts"] == tester.channels["NumSuccessfulAllocations"] == 3
        assert tester.channels["NumBytes"] == 30


def test_a_product_that_finds_no_room_is_refused_and_counted() -> None:
    """REQ-DPM-003."""
    with ComponentTester(DpManager, queue=4) as tester:
        with tester.held():
            for _ in range(6):
                tester.call.product_send_in(7, b"product")
        assert len(tester.ports.product_send_out) == 4
        assert tester.channels["NumFailedAllocations"] == 2
        assert tester.events.named("BufferAllocationFailed")[0].args == (7,)


def test_the_throttle_is_cleared_by_command() -> None:
    """REQ-DPM-004."""
    with ComponentTester(DpManager, queue=1) as tester:

        def overflow() -> None:
            with tester.held():
                for _ in range(20):
                    tester.call.product_send_in(7, b"product")

        overflow()
        assert len(tester.events.named("BufferAllocationFailed")) == 10
        assert tester.send("CLEAR_EVENT_THROTTLE").response is CommandResponse.OK
        overflow()
        assert len(tester.events.named("BufferAllocationFailed")) == 20
