"""A component that misbehaves in a step of the supervisor's cycle, as a topology's setting says."""

from __future__ import annotations

from kittiwake.model import PassiveComponent, Setting, sync_port
from kittiwake_components.supervision_ports import StepBegin


class Hog(PassiveComponent):
    """Hangs, raises, or keeps silent when it is asked to do its step."""

    how = Setting(str, default="silent", doc="hang, raise or silent.")

    @sync_port(StepBegin)
    def step_in(self, step: int, token: int) -> None:
        """Misbehaves."""
        if self.how == "raise":
            raise ValueError("the bus is stuck")
        while self.how == "hang":
            pass
