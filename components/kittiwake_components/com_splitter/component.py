"""Hands each packet to several downlinks."""

from __future__ import annotations

from kittiwake.model import OutputPortArray, PassiveComponent, sync_port
from kittiwake.model.fw import Com

OUTPUTS = 8


class ComSplitter(PassiveComponent):
    """One packet in, the same packet out of every connected output (F´ Svc.ComSplitter)."""

    com_out = OutputPortArray(Com, OUTPUTS, doc="Where the packets go.")

    def initialize(self) -> None:
        # Not in `start`: what others report in theirs would be lost.
        self._connected = [index for index in range(OUTPUTS) if self.is_connected(ComSplitter.com_out, index)]

    @sync_port(Com)
    def com_in(self, data: bytes, context: int) -> None:
        """A packet for all."""
        for index in self._connected:
            self.com_out[index](data, context)
