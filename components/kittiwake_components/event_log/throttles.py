"""What the throttles of all instances have held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.runtime.deployment import Deployment

REPORTED_MAX = 10


class Throttles:
    """Counts, for a report of what has come since the one before.

    They are read from copies: instances on other threads may add to theirs.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._all = [component._context.throttles for component in deployment.instances.values()]
        self._reported: dict[int, int] = {}

    def total(self) -> int:
        """How many events were held back since boot."""
        return sum([state.suppressed for throttles in self._all if throttles for state in list(throttles.values())])

    def counts(self) -> dict[int, int]:
        """Event id -> how often it was held back since boot, for those that were."""
        found = {}
        for component in self._deployment.instances.values():
            context = component._context
            for name, state in list(context.throttles.items()):
                if state.suppressed:
                    number = type(component).__declarations__.events[name].number
                    found[context.base_id + (number or 0)] = state.suppressed
        return found

    def report(self) -> list[tuple[int, int]]:
        """Event id and how often it was held back since it was last reported; at most 10, the others next time."""
        more = [(id, count - self._reported.get(id, 0)) for id, count in self.counts().items()]
        chosen = [(id, count) for id, count in more if count][:REPORTED_MAX]
        for id, count in chosen:
            self._reported[id] = self._reported.get(id, 0) + count
        return chosen
