"""Ends the deployment after a FATAL event, so that whoever supervises it starts it afresh."""

from __future__ import annotations

from kittiwake.model import U32, Channel, PassiveComponent, Setting, sync_port

from kittiwake_components.ports import FatalEvent

GRACE_S = 0.5


class FatalHandler(PassiveComponent):
    """On a FATAL event the deployment stops in order: queues are flushed, files closed, and `run` exits with an error.

    It is not stopped at once: the event itself, and what led to it, shall reach the ground first.
    """

    fatal_events = Channel(U32, on_change=True, doc="FATAL events since boot.")

    stop_on_fatal = Setting(bool, default=True, doc="Stop the deployment; else FATAL events are only counted.")

    def initialize(self) -> None:
        self._count = 0

    @sync_port(FatalEvent)
    def fatal_receive(self, id: int) -> None:
        """A FATAL event was reported."""
        self._count += 1
        self.fatal_events = self._count
        if self.stop_on_fatal and self._count == 1:
            self.clock.call_after(GRACE_S, self._context.deployment.request_stop, f"FATAL event {id:#x}")
