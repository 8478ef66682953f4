"""A component that measures and makes data products of it."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import F32, U8, U16, U32, Container, OutputPort, PassiveComponent, Range, Record, command
from kittiwake.model.fw import DpSend, TimeInterval


class Survey(PassiveComponent):
    """Measures what nobody wants to know."""

    product_send_out = OutputPort(DpSend, required=True, doc="Products for the manager.")

    gain = Record(F32, doc="How much it was amplified.")
    took = Record(TimeInterval, doc="How long it took.")
    samples = Record(U16, array=True, doc="What was measured.")
    urgent = Container(priority=1, doc="A survey that the ground waits for.")
    routine = Container(priority=9, doc="A survey like any other.")

    def initialize(self) -> None:
        self._taken = 0

    @command
    def measure(self, samples: Annotated[U32, Range(0, 5000)], priority: U8) -> None:
        """Measures so many samples; priority 1 is urgent."""
        self._taken += 1
        product = self.urgent() if priority == 1 else self.routine()
        product.add(self.gain, 2.5)
        product.add(self.took, TimeInterval(3, 500_000))
        product.add(self.samples, [self._taken + index for index in range(samples)])
        self.product_send_out(product.container, product.pack())
