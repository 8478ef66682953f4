"""A component that misbehaves in a step of the supervisor's cycle, as a topology's setting says."""

from __future__ import annotations

from kittiwake.model import PassiveComponent, Setting, sync_port
from kittiwake_components.ports.supervision import StepBegin


class Hog(PassiveComponent):
    """Hangs, raises, loops, or keeps silent when it is asked to do its step."""

    how = Setting(str, default="silent", doc="hang, raise, loop or silent.")

    @sync_port(StepBegin)
    def step_in(self, step: int, token: int) -> None:
        """Misbehaves."""
        if self.how == "raise":
            raise ValueError("the bus is stuck")
        if self.how == "loop":
            self._spin()
        while self.how == "hang":
            pass

    def _spin(self) -> None:
        """Begins again and again, as fast as the loop lets it; everything else has its turn, too."""
        self._context.loop.post(self._spin)
