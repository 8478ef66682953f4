"""Where the power comes from: the mains, or a battery behind a power unit."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.power import Battery
from kittiwake.simulation.power_unit import Limits, PowerUnit
from kittiwake.simulation.surroundings.base import Part, instances_of, own_settings
from kittiwake.wire.power_link import PowerMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.platform.simulated_network import SimulatedStream
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.machine import Machine
    from kittiwake.simulation.power_unit import Change

DEVICE = "/dev/ttyPOWER"
READ_BYTES = 4096
HALF_DAY_NS = 12 * 3600 * NS_PER_S


class Power:
    """The mains: always there, but for the faults of a simulation."""

    is_on = True
    hard_limit_s = inf
    slice_s = inf
    """Whoever lets time pass looks at the power so often."""

    def next_ns(self) -> int | None:
        """When something is due."""
        return None

    def advance(self, now_ns: int) -> None:
        """Lets time pass."""

    def awake_s(self, now_ns: int) -> float:
        """How long the main unit has had its power, where that has a limit."""
        return 0.0


class UnitPower(Power):
    """A power unit with its battery. `changes` are all wakes and cuts; `said` is told of what the device sends it."""

    slice_s = 0.5

    def __init__(
        self, said: Callable[[bytes], None] = lambda data: None, *, charge: float = 0.9, panel_w: float = 0.5,
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.panel_w = panel_w
        self.is_silent = False
        self.unit = PowerUnit(Battery(38.0, charge, 0.1), limits=limits or Limits(), supply_w=self._supply_w)
        self.hard_limit_s = float(self.unit.limits.hard_limit_s)
        self.changes: list[Change] = []
        self.now_ns = 0
        self._said = said
        self._since_ns = 0
        self._far: SimulatedStream | None = None
        self._poller: Any = None

    @property
    def is_on(self) -> bool:  # type: ignore[override]
        """Whether the main unit has its power."""
        return self.unit.is_on

    def _supply_w(self, now_ns: int) -> float:
        """A small panel in the light of half the day."""
        return self.panel_w if now_ns // HALF_DAY_NS % 2 == 0 else 0.0

    def next_ns(self) -> int | None:
        return self.unit.next_ns()

    def advance(self, now_ns: int) -> None:
        self.now_ns = max(now_ns, self.now_ns)
        for change in self.unit.advance(self.now_ns):
            self.changes.append(change)
            if change.is_on:
                self._since_ns = change.time_ns
        if self.unit.mode is PowerMode.POWERED and self._supply_w(self.now_ns) > 0.0:
            self._since_ns = self.now_ns  # while there is a supply the limit does not hold

    def awake_s(self, now_ns: int) -> float:
        return (now_ns - self._since_ns) / NS_PER_S if self.unit.is_on else 0.0

    # The line

    def attach(self, platform: SimulatedPlatform) -> None:
        """Plugs the line into a machine."""
        self._far = platform.network.attach_serial(DEVICE)

    def listen(self, machine: Machine) -> None:
        """Answers what the deployment says, within its own loop."""
        assert machine.deployment is not None
        assert self._far is not None
        far, poller = self._far, machine.deployment.main.poller

        def readable() -> None:
            data = far.receive(READ_BYTES)
            if not data:
                poller.remove(far.fileno())
                return
            self._said(data)
            if self.is_silent:
                return
            self.advance(machine.now_ns())
            reply = self.unit.receive(data)
            if reply:
                far.send(reply)

        poller.add(far.fileno(), readable, None)

    def turn(self) -> None:
        """Says what is to be said unasked."""
        notices = self.unit.notices()
        if notices and self._far is not None and not self.is_silent:
            self._far.send(notices)


class PowerUnitPart(Part):
    """The power unit of a deployment whose PowerManager has no supply: it lives on a battery."""

    def __init__(self, image: Image, random: Any) -> None:
        super().__init__(image, random)
        self.power = UnitPower()

    @classmethod
    def fits(cls, image: Image) -> bool:
        return any(not own_settings(image, name).get("simulated_supply_w") for name in _managers(image))

    def settings(self) -> dict[str, dict[str, Any]]:
        return {name: {"unit": f"serial://{DEVICE}"} for name in _managers(self.image)}

    def meet(self, platform: SimulatedPlatform) -> None:
        self.power.attach(platform)

    def started(self, machine: Machine) -> None:
        self.power.listen(machine)

    def turn(self, machine: Machine, now_ns: int) -> None:
        self.power.turn()

    def devices(self) -> list[str]:
        return ["power_unit:silent"]

    def fail(self, device: str) -> None:
        self.power.is_silent = True

    def mend(self, device: str) -> None:
        self.power.is_silent = False

    def values(self) -> Mapping[str, Callable[[float], None]]:
        def set_charge(value: float) -> None:
            self.power.unit.battery.charge = value

        def set_panel(value: float) -> None:
            self.power.panel_w = value

        return {"battery.charge": set_charge, "panel_w": set_panel}

    def gauges(self) -> Mapping[str, float]:
        battery = self.power.unit.battery
        return {"charge %": battery.charge * 100, "battery V": battery.open_circuit_v()}


def _managers(image: Image) -> list[str]:
    return instances_of(image, "PowerManager")[:1]


__all__ = ["DEVICE", "Power", "PowerUnitPart", "UnitPower"]
