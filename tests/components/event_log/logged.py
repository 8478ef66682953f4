"""What the tests of EventLog send into it and read from it."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import COMMAND, FATAL, Size, event
from kittiwake.model.events import Severity
from kittiwake.testing import ComponentTester
from kittiwake.wire.packets import parse_event
from kittiwake_components.event_log.component import EventLog, QueryScope

BASE = 2 << 64
FOLDER = "/events"


class Logged(EventLog):
    """An event log that also declares events that no filter may hold back."""

    @event(FATAL, "dead", id=0x80)
    def dead(self) -> None: ...

    @event(COMMAND, "answered", id=0x81)
    def answered(self, why: Annotated[str, Size(10)]) -> None: ...


Tester = ComponentTester[Logged]


def log(
    tester: Tester, number: int, severity: Severity = Severity.ACTIVITY_HI, id: int = 0x900, size: int = 4
) -> None:  # fmt: skip
    """Sends one event, whose arguments begin with its number."""
    tester.call.log_recv(id, BASE + number, severity, number.to_bytes(4, "big").ljust(size, b"\0"))


def sent(tester: Tester) -> list[int]:
    """The numbers of the events that went to the ground."""
    return [int.from_bytes(parse_event(packet)[2][:4], "big") for packet, _ in tester.ports.pkt_send]


def kept(tester: Tester, scope: QueryScope = QueryScope.ALL, severity: Severity = Severity.DIAGNOSTIC) -> list[int]:
    """The numbers of the events that a query finds."""
    tester.ports.pkt_send.clear()
    query = tester.send("QUERY", 2000, severity, scope)
    tester.advance(120)
    assert query.responses, "the query has not ended"
    return sent(tester)
