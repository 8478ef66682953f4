"""Which bearer is the best for what is wanted: by order or by cost, within what is left of energy and data volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

JOULES_A_MWH = 3.6


@wire_enum(U8, name="Components.LinkStrategy")
class LinkStrategy(IntEnum):
    """What makes one bearer better than another."""

    ORDER = 0
    """It comes first in the order."""
    COST = 1
    """The bytes and the energy of what is wanted cost less over it."""


class Demand(NamedTuple):
    """What a connexion is wanted for: so many bytes, within so many seconds."""

    size_bytes: int
    deadline_s: float


class Bearer(NamedTuple):
    """What is known of a bearer, for the choice.

    `place` is its place in the order, `rate_bps` 0 if nobody knows how fast it is, `data_left_bytes` `None` if there is
    no limit.
    """

    number: int
    place: int
    cost_per_byte: float
    rate_bps: float
    power_mw: float
    data_left_bytes: int | None
    is_degraded: bool


class Budget(NamedTuple):
    """The price of a joule, and how many there are left: `None` if nobody knows."""

    cost_per_joule: float
    energy_left_j: float | None


def duration_s(bearer: Bearer, size_bytes: int) -> float:
    """How long the bearer takes for so many bytes, 0 if nobody knows."""
    return size_bytes * 8 / bearer.rate_bps if bearer.rate_bps > 0 else 0.0


def energy_j(bearer: Bearer, demand: Demand) -> float:
    """What it takes to send the demand's bytes over the bearer."""
    return bearer.power_mw / 1000.0 * duration_s(bearer, demand.size_bytes)


def cost(bearer: Bearer, demand: Demand, budget: Budget) -> float:
    """What it costs to send the demand's bytes over the bearer."""
    return demand.size_bytes * bearer.cost_per_byte + energy_j(bearer, demand) * budget.cost_per_joule


def obstacle(bearer: Bearer, demand: Demand, budget: Budget) -> str:
    """Why the bearer cannot carry the demand, or an empty text."""
    if bearer.data_left_bytes is not None and (
        bearer.data_left_bytes <= 0 or bearer.data_left_bytes < demand.size_bytes
    ):
        return f"{max(bearer.data_left_bytes, 0)} bytes of its volume are left"
    if duration_s(bearer, demand.size_bytes) > demand.deadline_s:
        return f"it is too slow for {demand.size_bytes} bytes in {demand.deadline_s:g} s"
    if budget.energy_left_j is not None and energy_j(bearer, demand) > budget.energy_left_j:
        return f"{max(budget.energy_left_j, 0.0):.0f} J are left"
    return ""


def ranked(
    bearers: Iterable[Bearer], demand: Demand, budget: Budget, strategy: LinkStrategy, preferred: int
) -> list[Bearer]:
    """The bearers that can carry the demand, the best first.

    One that is degraded comes behind those that are not; then the preferred one comes first (its number; none: -1).
    """
    able = [bearer for bearer in bearers if not obstacle(bearer, demand, budget)]

    def key(bearer: Bearer) -> tuple[bool, bool, float, int]:
        price = cost(bearer, demand, budget) if strategy is LinkStrategy.COST else 0.0
        return bearer.is_degraded, bearer.number != preferred, price, bearer.place

    return sorted(able, key=key)
