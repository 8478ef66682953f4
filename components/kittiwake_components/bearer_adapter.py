"""What every adapter of a bearer has: it takes the connexion manager's orders, and says how its bearer is."""

from __future__ import annotations

from kittiwake.model import I16, Channel, OutputPort, PassiveComponent, sync_port
from kittiwake.model.codec import clip
from kittiwake_components.ports.bearer import (
    REASON_SIZE,
    UNKNOWN_RSSI,
    BearerCondition,
    BearerControl,
    BearerOrder,
    BearerStatus,
    BearerTraffic,
)


class BearerAdapter(PassiveComponent):
    """Built upon by the adapters: they say what `bring_up`, `take_down` and `scan` do, and call `tell`."""

    status_out = OutputPort(BearerStatus, doc="How the bearer is: to the connexion manager.")
    traffic_out = OutputPort(BearerTraffic, doc="How much went over the bearer: to the connexion manager.")

    condition = Channel(BearerCondition, on_change=True, doc="How the bearer is.")
    rssi = Channel(I16, on_change=True, unit="dBm", doc="The strength of its signal; -32768: unknown.")

    def bring_up(self, setup: str) -> None:
        """Brings the bearer up, or brings about that `tell` says why it cannot."""
        raise NotImplementedError

    def take_down(self) -> None:
        """Takes the bearer down, or gives up bringing it up; nothing is told."""
        raise NotImplementedError

    def scan(self) -> None:
        """Measures the signal and tells, unless a bring-up is under way, which tells by itself."""
        raise NotImplementedError

    @sync_port(BearerControl)
    def control_in(self, order: BearerOrder, setup: str) -> None:
        """An order of the connexion manager."""
        if order is BearerOrder.BRING_UP:
            self.bring_up(setup)
        elif order is BearerOrder.TAKE_DOWN:
            self.take_down()
        else:
            self.scan()

    def show(self, condition: BearerCondition, rssi_dbm: int = UNKNOWN_RSSI) -> None:
        """Sets the channels."""
        self.condition = condition
        self.rssi = rssi_dbm

    def tell(self, condition: BearerCondition, rssi_dbm: int = UNKNOWN_RSSI, reason: str = "") -> None:
        """Sets the channels and tells the connexion manager."""
        self.show(condition, rssi_dbm)
        if self.is_connected(BearerAdapter.status_out):
            self.status_out(condition, rssi_dbm, clip(reason, REASON_SIZE))

    def tell_traffic(self, sent_bytes: int, received_bytes: int) -> None:
        """Tells how much went over the bearer since this was last called."""
        if (sent_bytes or received_bytes) and self.is_connected(BearerAdapter.traffic_out):
            self.traffic_out(sent_bytes, received_bytes)
