"""ComSplitter: every packet to every downlink."""

from __future__ import annotations

from kittiwake.model import OutputPort, PassiveComponent
from kittiwake.model.fw import Com
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ComQueue, ComSplitter
from tests.components.flight import Flight


def test_each_packet_goes_to_every_output_as_it_came() -> None:
    """REQ-CSP-001."""
    with ComponentTester(ComSplitter) as tester:
        for number in range(3):
            tester.call.com_in(bytes([number]), number)
        expected = [(bytes([number]), number) for number in range(3)]
        assert all(tester.ports.com_out[index] == expected for index in range(8))


def test_outputs_may_be_open() -> None:
    """REQ-CSP-002."""
    made = Flight({"splitter": ComSplitter, "queue": ComQueue}, ["splitter.com_out[3] -> queue.com_packet_in[1]"], [])
    made["splitter"].com_in(b"packet", 0)
    made["queue"].run(0)
    assert made["queue"].com_queue_depth == (0, 1, 0, 0)
    with ComponentTester(ComSplitter, open_ports=["com_out"]) as tester:
        tester.call.com_in(b"packet", 0)


class Early(PassiveComponent):
    """Has something to say when it starts."""

    com_out = OutputPort(Com)

    def start(self) -> None:
        self.com_out(b"packet", 0)


def test_what_is_reported_before_it_has_started_arrives() -> None:
    """REQ-CSP-001. Upstream: what was done at boot vanished, because the way to the ground was not connected yet."""
    wires = ["early.com_out -> splitter.com_in", "splitter.com_out[3] -> queue.com_packet_in[1]"]
    made = Flight({"early": Early, "splitter": ComSplitter, "queue": ComQueue}, wires, [])
    assert made["queue"].pending() == 1


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(ComSplitter) == []
