"""Says how much room the file system of the deployment's files has."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import WARNING_LO, Channel, PassiveComponent, Size, event, sync_port
from kittiwake.model.fw import FwSizeType, Sched
from kittiwake.storage.root import reason_of


class FsSpace(PassiveComponent):
    """Free and total room (PROVES FsSpace)."""

    free_space = Channel(FwSizeType, on_change=True, unit="B", doc="Free room of the file system.")
    total_space = Channel(FwSizeType, on_change=True, unit="B", doc="Size of the file system.")

    @event(WARNING_LO, "The file system does not say its room: {reason}", throttle=3, every_s=3600.0)
    def space_unknown(self, reason: Annotated[str, Size(80)]) -> None: ...

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Asks the file system and updates the telemetry."""
        try:
            free, total = self.platform.files.space(self.root.path)
        except OSError as fault:
            self.space_unknown(reason_of(fault))
            return
        self.free_space = free
        self.total_space = total
