"""A device with three bearers whose adapters the test plays."""

from __future__ import annotations

from typing import Any, Self

from kittiwake.testing import ComponentTester
from kittiwake_components import ConnexionManager
from kittiwake_components.connexion_manager.states import BearerState
from kittiwake_components.ports.bearer import BearerCondition, BearerOrder

WIFI, RADIO, LORA = range(3)
BEARERS = ["wifi", "radio", "lora"]


class Device:
    """Lives second by second. `works` says which bearers come up, at once, when they are ordered up."""

    def __init__(self, *, parameters: dict[str, Any] | None = None, seed: int = 0, **settings: Any) -> None:
        self.tester = ComponentTester(
            ConnexionManager, settings={"bearers": BEARERS, **settings}, seed=seed,
            parameters={"JITTER": 0.0, **(parameters or {})},
            returns={"energy_left": float("nan")}, open_ports=["get_mode"], queue=50,
        )  # fmt: skip
        self.works = {WIFI, RADIO, LORA}
        self._answered = [0] * len(BEARERS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.tester.finish()

    def live(self, seconds: int) -> None:
        """Lets time pass with a cycle each second."""
        for _ in range(seconds):
            self.tester.call.run(0)
            self.answer()
            self.tester.advance(1)

    def answer(self) -> None:
        """What the adapters answer to the orders since the last answer."""
        for index in range(len(BEARERS)):
            orders = self.orders(index)
            if len(orders) > self._answered[index]:
                self._answered[index] = len(orders)
                if orders[-1] is BearerOrder.BRING_UP and index in self.works:
                    self.says(index, BearerCondition.UP)

    def says(self, index: int, condition: BearerCondition, rssi_dbm: int = -60, reason: str = "") -> None:
        """An adapter reports."""
        self.tester.call.status_in[index](condition, rssi_dbm, reason)

    def breaks(self, index: int) -> None:
        """A bearer is lost, and does not come up any more."""
        self.works.discard(index)
        self.says(index, BearerCondition.DOWN, reason="no carrier")

    def contact(self) -> None:
        """A packet with a valid signature comes."""
        self.tester.call.packet_routed(0, True)

    def orders(self, index: int) -> list[BearerOrder]:
        """What the adapter was ordered."""
        return [call[0] for call in self.tester.ports.control[index]]

    def setups(self, index: int) -> list[str]:
        """The setups it was to bring its bearer up with."""
        return [call[1] for call in self.tester.ports.control[index] if call[0] is BearerOrder.BRING_UP]

    @property
    def current(self) -> str:
        """The bearer in use."""
        return str(self.tester.channels["CurrentBearer"] or "")

    def state(self, index: int) -> BearerState:
        """Where a bearer stands."""
        state: BearerState = self.tester.component.bearer[index].state
        return state

    def events(self) -> list[str]:
        """The names of the events since the last look."""
        names = [event.name for event in self.tester.events]
        self.tester.events.clear()
        return names

    def restart(self, *, crash: bool = False) -> None:
        """The device starts anew."""
        if crash:
            self.tester.crash()
        else:
            self.tester.reboot()
        self._answered = [0] * len(BEARERS)
