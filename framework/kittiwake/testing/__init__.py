"""The test kit: components under test with real wiring, on a machine in memory.

    from kittiwake.testing import ComponentTester

    with ComponentTester(StartupManager) as tester:
        tester.call.run(0)
        assert tester.ports.run_sequence == [("/startup.bin", 1)]

`kittiwake.testing.plugin` has the pytest fixtures, `kittiwake.testing.strategies` the Hypothesis strategies.
"""

from __future__ import annotations

from kittiwake.testing.histories import ChannelHistory, EmittedEvent, EventHistory, Finding, Findings, PortHistory
from kittiwake.testing.sent_command import SentCommand
from kittiwake.testing.tester import ComponentTester

__all__ = [
    "ComponentTester", "SentCommand", "EmittedEvent", "EventHistory", "ChannelHistory", "PortHistory", "Finding",
    "Findings",
]  # fmt: skip
