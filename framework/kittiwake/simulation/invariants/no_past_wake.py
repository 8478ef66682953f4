"""Nobody asks to be woken at a time that has passed: the device would never sleep, or never wake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.simulation.invariants.base import Invariant

if TYPE_CHECKING:
    from kittiwake.runtime.metering import Edge


class NoPastWake(Invariant):
    """Looks at the powerdowns that are asked for."""

    name = "no_wake_in_the_past"
    ports = frozenset({"powerdown_in"})

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        if not edge.input.startswith("powerdown_in"):
            return
        wake_us, _ = arguments
        now_us = self.view.machine.platform.clock.wall_ns() // 1000
        if wake_us <= now_us:
            self.broken(f"{edge.source} wants to be woken {(now_us - wake_us) / 1e6:.3f} s ago")


__all__ = ["NoPastWake"]
