"""Counts the calls of the connections of a deployment while it runs, for as long as somebody wants to know.

Outputs are attributes of instances, so that a connection can be replaced by one that counts, and put back. Before and
after it calls are as plain as ever. Imported only when it is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.runtime.metering import counted, uncounted
from kittiwake.runtime.wiring import bind_output, bound_output

if TYPE_CHECKING:
    from kittiwake.runtime.deployment import Deployment


class CountedWiring:
    """The first `limit` connections of a deployment, in the order of its image: they count from `attach` to `detach`.

    Both are called on the main loop. An instance on another thread may make one more call of the kind it made before.
    """

    def __init__(self, deployment: Deployment, limit: int) -> None:
        self._components = list(deployment.instances.values())
        self._connections = deployment.image["connections"][:limit]
        self._counts = [0] * len(self._connections)
        self._taken = [0] * len(self._connections)

    def attach(self) -> None:
        """Has every connection counted that is not; one that was made anew in the meantime is not."""
        changed: set[int] = set()
        for at, (source, output, index, *_) in enumerate(self._connections):
            caller = self._components[source]
            call = bound_output(caller, output, index)
            if uncounted(call) is call:
                bind_output(caller, output, index, counted(call, self._counts, at))
                changed.add(source)
        self._tell(changed)

    def take(self) -> list[int]:
        """The calls of each connection since the last time this was asked."""
        now = list(self._counts)
        taken = [count - before for count, before in zip(now, self._taken, strict=True)]
        self._taken = now
        return taken

    def detach(self) -> None:
        """Makes every connection as plain as it was."""
        for source, output, index, *_ in self._connections:
            caller = self._components[source]
            bind_output(caller, output, index, uncounted(bound_output(caller, output, index)))
        self._tell({source for source, *_ in self._connections})

    def _tell(self, callers: set[int]) -> None:
        for caller in sorted(callers):
            component = self._components[caller]
            component._context.loop.post(component.connections_changed)
