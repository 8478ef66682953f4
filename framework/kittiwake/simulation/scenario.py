"""What a mission is made of: its length, its seed, what is drawn from that, and the steps that somebody has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from kittiwake.simulation.fault_plan import Fault

DRAWS = ("all", "work", "nothing")
"""What is drawn from the seed besides the steps: faults and the ground's work, its work alone, or nothing."""


class Order(NamedTuple):
    """A command line that the ground sends at a time, or as soon after it as the device can be heard."""

    at_ns: int
    line: str


class Change(NamedTuple):
    """A value of the surroundings that changes."""

    at_ns: int
    name: str
    value: float


class Contact(NamedTuple):
    """The ground calls for so long."""

    at_ns: int
    for_s: float

    @property
    def end_ns(self) -> int:
        """When it is over."""
        return self.at_ns + round(self.for_s * NS_PER_S)


class Scenario(NamedTuple):
    """A mission to fly. Without contacts of its own they are drawn; `draws` is one of `DRAWS`."""

    name: str = ""
    seed: int = 1
    length_ns: int = 900 * 1_000_000_000
    draws: str = "all"
    faults: tuple[Fault, ...] = ()
    orders: tuple[Order, ...] = ()
    changes: tuple[Change, ...] = ()
    contacts: tuple[Contact, ...] = ()


__all__ = ["DRAWS", "Change", "Contact", "Order", "Scenario"]
