"""A power unit at the other end of a simulated serial line, in virtual time."""

from __future__ import annotations

from typing import Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.simulation.power import Battery
from kittiwake.simulation.power_unit import Change, PowerUnit
from kittiwake.testing import ComponentTester
from kittiwake.testing.sent_command import SentCommand
from kittiwake_components import PowerManager

DEVICE = "/dev/ttyPOWER"
URL = f"serial://{DEVICE}"


class Rig:
    """A power manager and its power unit, which may be `deaf`; `loss` is the share of frames that get lost."""

    def __init__(self, charge: float = 0.8, supply_w: float = 0.0, seed: int = 0, **options: Any) -> None:
        self.supply_w = supply_w
        self.deaf = False
        self.asked = 0
        self.loss = 0.0
        self.changes: list[Change] = []
        platform = options.pop("platform", None) or SimulatedPlatform(seed)
        self.base_ns = options.pop("base_ns", 0)
        """The power unit's time when the main unit's clock began; it goes on over the main unit's starts."""
        now_ns = self.base_ns + platform.clock.now_ns()
        self.unit: PowerUnit = options.pop("unit", None) or PowerUnit(
            Battery(38.0, charge, 0.1), supply_w=lambda _: self.supply_w, now_ns=now_ns
        )
        self.unit.advance(now_ns)
        self.far = platform.network.attach_serial(DEVICE)
        self.tester = ComponentTester(PowerManager, platform=platform, settings={"unit": URL}, **options)
        self._poller = self.tester.deployment.main.poller
        self._poller.add(self.far.fileno(), self._readable, None)
        self._follow()
        self.tester.settle()

    def _clock_ns(self) -> int:
        return int(self.base_ns + self.tester.platform.clock.now_ns())

    def _lost(self) -> bool:
        return bool(self.loss and self.tester.platform.random.uniform(0, 1) < self.loss)

    def _readable(self) -> None:
        data = self.far.receive(4096)
        if not data:
            self._poller.remove(self.far.fileno())
            return
        self.changes += self.unit.advance(self._clock_ns())
        self.asked += 1
        if self.deaf or self._lost():
            return
        reply = self.unit.receive(data)
        if reply and not self._lost():
            self.far.send(reply)

    def _follow(self) -> None:
        self.changes += self.unit.advance(self._clock_ns())
        said = self.unit.notices()
        if said and not self.deaf:
            self.far.send(said)
        self.tester.deployment.main.call_at(self._clock_ns() + NS_PER_S, self._follow)

    def run(self, seconds: int) -> None:
        """So many cycles of a second, each with the time in it that the line takes."""
        for _ in range(seconds):
            self.tester.advance(0.9)
            self.tester.call.run(0)
            self.tester.advance(0.1)

    def send(self, name: str, *arguments: Any) -> SentCommand:
        """Sends a command and lets its requests go over the line."""
        sent = self.tester.send(name, *arguments)
        self.tester.advance(0.1)
        return sent

    def ask_powerdown(self, wake_us: int, token: int) -> list[tuple[int, bool, int]]:
        """Asks for a powerdown as a supervisor does; the answers so far."""
        self.tester.call.powerdown_in(wake_us, token)
        self.tester.advance(0.1)
        return list(self.tester.ports.powerdown_answer)
