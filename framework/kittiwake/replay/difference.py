"""Why a replay stops: the recording is over, or the deployment does something else than it did in flight."""

from __future__ import annotations

import sys
from typing import Any

from kittiwake.model.component import Component
from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S

SHOWN_BYTES = 32


class RecordingOver(BaseException):
    """There are no more records: all was as it was, up to here."""


class ReplayEnded(BaseException):
    """Whoever watches the replay wants no more of it; the message says why."""


class Place(NamedTuple):
    """Where a replay stands: the time since boot and of the flight, the record's number, the dispatch's two names."""

    time_ns: int
    flight_ns: int
    record: int
    instance: str
    call: str
    chain: tuple[str, ...]
    """The components whose methods are under way, as `instance.method`, the innermost first."""


class Difference(BaseException):
    """The first difference of a replay: `expected` is what the flight did, `found` what the replay does."""

    def __init__(self, place: Place, what: str, expected: str, found: str) -> None:
        super().__init__(what)
        self.place = place
        self.what = what
        self.expected = expected
        self.found = found
        self.channel = ""
        """Which channel of a telemetry packet it is, if it is one."""

    def report(self) -> str:
        """Lines that say where, when, and both sides."""
        place = self.place
        lines = [
            f"first difference: {self.what}",
            f"  component  {place.chain[0] if place.chain else place.instance or 'none'}",
            f"  message    {place.instance}.{place.call}"
            if place.instance
            else "  message    none: at the start or the end",
            f"  time       {place.flight_ns / NS_PER_S:.6f} s, {place.time_ns / NS_PER_S:.6f} s since boot",
            f"  record     {place.record}",
            f"  in flight  {self.expected}",
            f"  now        {self.found}",
        ]
        if self.channel:
            lines.insert(3, f"  channel    {self.channel}")
        if len(place.chain) > 1:
            lines.insert(2, f"  called by  {', '.join(place.chain[1:])}")
        return "\n".join(lines)


def components_under_way() -> tuple[str, ...]:
    """The methods of components on this thread's stack, the innermost first, each component once."""
    return tuple(f"{name}.{method}" for name, method in instances_under_way().items())


def instances_under_way() -> dict[str, str]:
    """The instances on this thread's stack, the innermost first, and of each the method by which it was entered."""
    found: dict[str, str] = {}
    frame: Any = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, Component):
            found[owner.name] = frame.f_code.co_name  # the outermost method of each is its port
        frame = frame.f_back
    return found


def shown(value: Any) -> str:
    """A value for people: long bytes by their number and their first ones."""
    if isinstance(value, (bytes, bytearray)) and len(value) > SHOWN_BYTES:
        return f"{len(value)} bytes {bytes(value[:SHOWN_BYTES]).hex(' ')}..."
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes {bytes(value).hex(' ')}".rstrip()
    if isinstance(value, (tuple, list)):
        return f"({', '.join([shown(one) for one in value])})"
    return repr(value)


def first_unlike(expected: Any, found: Any) -> tuple[str, str]:
    """Both sides of two values, of bytes only what is around the first that differs."""
    if isinstance(expected, (tuple, list)) and isinstance(found, (tuple, list)) and len(expected) == len(found):
        for one, other in zip(expected, found, strict=True):
            if one != other:
                return first_unlike(one, other)
    if isinstance(expected, bytes) and isinstance(found, bytes):
        return _around_first(expected, found)
    return shown(expected), shown(found)


def _around_first(expected: bytes, found: bytes) -> tuple[str, str]:
    at = next((place for place, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other), None)
    if at is None:
        at = min(len(expected), len(found))
    begin = max(at - 8, 0)
    end = begin + SHOWN_BYTES
    sides = [f"byte {at} of {len(side)}, from {begin}: {side[begin:end].hex(' ')}" for side in (expected, found)]
    return sides[0], sides[1]
