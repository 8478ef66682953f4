"""Makes a failing mission's list of faults as short as it can be: delta debugging.

The list is cut into parts, and what fails without a part goes on without it, with finer parts each time, until no
single fault can be left out (A. Zeller, R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002).
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeVar

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.mission import Mission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from kittiwake.runtime.image import Image
    from kittiwake.simulation.mission import Outcome
    from kittiwake.simulation.scenario import Scenario

    Fly = Callable[[Scenario], Outcome]

T = TypeVar("T")

MOST_FLIGHTS = 200


def minimal(items: Sequence[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """A part of `items`, in their order, for which `fails` holds, and does not if any single one is left out."""
    kept = list(items)
    if fails([]):
        return []
    parts = 2
    while len(kept) >= 2:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and fails(rest):
                kept = rest
                parts = max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    return kept


def minimise(outcome: Outcome, fly: Fly) -> Scenario:
    """The shortest scenario found that breaks the same invariant as a mission did, after at most 200 flights."""
    broken = outcome.broken
    assert broken is not None, "what holds cannot be minimised"
    flights = 0
    base = outcome.scenario._replace(draws="work" if outcome.scenario.draws == "all" else outcome.scenario.draws)
    base = base._replace(contacts=outcome.contacts)  # so that a shorter mission has the same

    def breaks(scenario: Scenario) -> bool:
        nonlocal flights
        if flights >= MOST_FLIGHTS:
            return False
        flights += 1
        found = fly(scenario).broken
        return found is not None and found.invariant == broken.invariant

    came = [fault for fault in outcome.faults if fault.at_ns <= broken.at_ns]
    least = base._replace(faults=tuple(minimal(came, lambda faults: breaks(base._replace(faults=tuple(faults))))))
    without_work = least._replace(draws="nothing")
    if breaks(without_work):
        least = without_work
    found = fly(least).broken
    if found is not None:
        contacts = tuple([contact for contact in least.contacts if contact.at_ns <= found.at_ns])
        short = least._replace(length_ns=found.at_ns + NS_PER_S, contacts=contacts)
        if breaks(short):
            least = short
    return least


def flyer(image: Image, settings: Mapping[str, Mapping[str, Any]] | None = None) -> Fly:
    """The function that flies scenarios on an image, many of them within `collected_rarely`."""

    def fly(scenario: Scenario) -> Outcome:
        gc.collect()  # the deployments of the flight before hold each other
        return Mission(image, scenario, settings=settings).fly()

    return fly


__all__ = ["flyer", "minimal", "minimise"]
