"""Takes data products from whoever makes them, and hands them on to be written."""

from __future__ import annotations

from kittiwake.model import (
    U32,
    U64,
    WARNING_HI,
    ActiveComponent,
    Channel,
    OutputPort,
    async_port,
    command,
    event,
)
from kittiwake.model.fw import DpSend
from kittiwake_components.ports.product import BufferSend

U32_MAX = 0xFFFFFFFF
U64_MAX = 0xFFFFFFFFFFFFFFFF


class DpManager(ActiveComponent):
    """F´'s data product manager. What it bounds is its queue: a product that finds no room is refused and counted."""

    product_send_out = OutputPort(BufferSend, required=True, doc="Products for the writer.")

    num_successful_allocations = Channel(U32, on_change=True, doc="Products that found room.")
    num_failed_allocations = Channel(U32, on_change=True, doc="Products that found none, and are lost.")
    num_data_products = Channel(U32, on_change=True, doc="Products handed on.")
    num_bytes = Channel(U64, on_change=True, unit="B", doc="Bytes handed on.")

    @event(WARNING_HI, "Buffer allocation failed for container id {id}", throttle=10, id=0)
    def buffer_allocation_failed(self, id: U32) -> None: ...

    def initialize(self) -> None:
        self._taken = self._refused = self._bytes = 0

    @async_port(DpSend, full="hook")
    def product_send_in(self, id: int, buffer: bytes) -> None:
        """A filled product."""
        self._taken += 1
        self._bytes += len(buffer)
        self.num_successful_allocations = self.num_data_products = self._taken & U32_MAX
        self.num_bytes = self._bytes & U64_MAX
        self.product_send_out(buffer)

    def product_send_in_overflow(self, id: int, buffer: bytes) -> None:
        """A product for which the queue has no room."""
        self._refused += 1
        self.num_failed_allocations = self._refused & U32_MAX
        self.buffer_allocation_failed(id)

    @command(name="CLEAR_EVENT_THROTTLE", opcode=0)
    def clear_event_throttle(self) -> None:
        """Lets BufferAllocationFailed be reported again."""
        self.clear_throttle("buffer_allocation_failed")
