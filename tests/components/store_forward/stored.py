"""A store-and-forward under test, with a queue of the test's own behind it."""

from __future__ import annotations

from typing import Any

from kittiwake.testing import ComponentTester
from kittiwake.wire.packets import event_packet, telemetry_packet
from kittiwake_components.ports.link import LinkState
from kittiwake_components.store_forward.component import StoreForward

UP, DOWN = LinkState.UP, LinkState.DOWN
EVENTS, TELEMETRY = 0, 1

Tester = ComponentTester[StoreForward]


def new_tester(**options: Any) -> Tester:
    parameters = {"grace_s": 0, "sync_s": 1, "forward_rate": 100_000, **options.pop("parameters", {})}
    return ComponentTester(StoreForward, parameters=parameters, **options)


def packet(number: int, size: int = 20) -> bytes:
    """An event that is known by its number."""
    return event_packet(0x900, number, number.to_bytes(4, "big").ljust(size, b"\0"))


def telemetry(id: int, number: int = 0) -> bytes:
    """A telemetry packet."""
    return telemetry_packet(id, number, b"value")


def put(tester: Tester, *numbers: int, size: int = 20) -> None:
    """Sends events in."""
    for number in numbers:
        tester.call.packet_in[EVENTS](packet(number, size), 0)


def numbers_of(packets: Any) -> list[int]:
    """The numbers of events that went out through a port."""
    return [int.from_bytes(data[17:21], "big") for data, _ in packets]


def live(tester: Tester) -> list[int]:
    """The numbers of the events that passed."""
    return numbers_of(tester.ports.packet_out[EVENTS])


def stored(tester: Tester) -> list[int]:
    """The numbers of the events that came from the disk."""
    return numbers_of(tester.ports.stored_out)


def cycles(tester: Tester, count: int = 1, *, gone: bool = True) -> None:
    """Lets cycles pass; what comes from the disk leaves the queue behind at once, with `gone`."""
    for _ in range(count):
        tester.advance(1)
        before = len(tester.ports.stored_out)
        tester.call.run(0)
        if gone and (more := len(tester.ports.stored_out) - before):
            tester.call.packets_gone(more)


def store(tester: Tester, *numbers: int, size: int = 20) -> None:
    """Stores events while the link is down."""
    cycles(tester)
    put(tester, *numbers, size=size)
    cycles(tester, 2)
