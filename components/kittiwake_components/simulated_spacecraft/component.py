"""Launches the simulated satellite that the deployment's devices belong to, and lets the ground change its fate."""

from __future__ import annotations

from math import pi
from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    F32,
    WARNING_LO,
    Bool,
    Channel,
    PassiveComponent,
    Range,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.attitude import length
from kittiwake.simulation.spacecraft import Spacecraft, launch
from kittiwake.storage.record import AtomicRecord
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.file import PATH_SIZE

VERSION = 1
STATE_LIMIT = 1024
SAVE_INTERVAL_NS = 60 * NS_PER_S

Percent = Annotated[F32, Range(0.0, 100.0)]


class SimulatedSpacecraft(PassiveComponent):
    """The satellite around a deployment whose devices are simulated; without an instance it has the defaults.

    It goes on over restarts where it stood, except that every switch is open.
    """

    state_of_charge = Channel(F32, unit="%", format="{:.2f}", doc="Charge of the battery, as no sensor knows it.")
    in_sunlight = Channel(Bool, on_change=True, doc="Whether the satellite is in the light.")
    antenna_released = Channel(Bool, on_change=True, doc="Whether a burn wire has let the antenna go.")
    body_rate = Channel(F32, unit="deg/s", format="{:.3f}", doc="How fast the satellite turns.")

    seed = Setting(int, default=1, doc="Decides about which axis it tumbles.")
    charge_percent = Setting(float, default=80.0, low=0, high=100, doc="Charge at launch.")
    capacity_wh = Setting(float, default=38.0, low=0.1, high=1e6, doc="Energy of a full battery.")
    panel_w = Setting(float, default=6.0, low=0, high=1e4, doc="Power of the panel in the light.")
    base_w = Setting(float, default=1.2, low=0, high=1e4, doc="What is drawn with all switches open.")
    orbit_s = Setting(float, default=5560.0, low=60, high=1e7, doc="Length of an orbit.")
    eclipse_share = Setting(float, default=0.36, low=0, high=1, doc="Share of an orbit that is dark.")
    release_s = Setting(float, default=4.0, low=0, high=1e4, doc="Heat that lets the antenna go.")
    antenna_stuck = Setting(bool, default=False, doc="Whether no heat lets the antenna go.")
    rate_deg_s = Setting(float, default=12.0, low=0, high=360, doc="How fast it tumbles at launch.")
    file = Setting(str, default="/simulated_spacecraft", doc="Record of the satellite; empty: none is kept.")

    @event(ACTIVITY_HI, "Simulation: {what}")
    def fate_changed(self, what: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(120)]) -> None: ...

    def initialize(self) -> None:
        self._craft = Spacecraft(
            self.platform.clock, seed=self.seed, charge=self.charge_percent / 100.0, capacity_wh=self.capacity_wh,
            base_w=self.base_w, panel_w=self.panel_w, orbit_s=self.orbit_s, eclipse_share=self.eclipse_share,
            release_s=self.release_s, is_stuck=self.antenna_stuck, rate_deg_s=self.rate_deg_s,
        )  # fmt: skip
        launch(self.platform, self._craft)
        self._save_due_ns = 0
        self._record: AtomicRecord | None = None
        self._restore()

    def _restore(self) -> None:
        """Before any other instance starts, so that none sees a satellite that then changes."""
        if not self.file:
            return
        self._record = AtomicRecord(self.platform.files, self.root.resolve(self.file), VERSION, STATE_LIMIT)
        try:
            reading = self._record.read()
            if reading.payload is not None:
                self._craft.restore(reading.payload)
        except (OSError, ValueError) as fault:
            self._report(fault)
            return
        for finding in reading.findings:
            self.file_fault(self.file, finding.reason)

    def stop(self) -> None:
        self._save()

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Lets the satellite go on and updates the telemetry."""
        craft = self._craft
        was_released = self.antenna_released
        craft.update()
        self._show()
        if self.clock.now_ns() >= self._save_due_ns or self.antenna_released != was_released:
            self._save()

    def _show(self) -> None:
        craft = self._craft
        self.state_of_charge = craft.battery.charge * 100.0
        self.in_sunlight = craft.sun.is_shining
        self.antenna_released = craft.antenna_released
        self.body_rate = length(craft.attitude.rate) * 180.0 / pi

    def _changed(self, what: str) -> None:
        self._show()
        self._save()
        self.fate_changed(what)

    @command
    def set_charge(self, percent: Percent) -> None:
        """Drains or charges the battery at once."""
        self._craft.update()
        self._craft.battery.charge = percent / 100.0
        self._changed(f"the battery is at {percent:g} %")

    @command
    def set_panel(self, watts: Annotated[F32, Range(0.0, 10000.0)]) -> None:
        """Changes the power of the panel in the light, until a restart."""
        self._craft.update()
        self._craft.panel_w = watts
        self._changed(f"the panel gives {watts:g} W")

    @command
    def set_antenna(self, released: Bool) -> None:
        """Lets the antenna go, or folds it up again."""
        self._craft.update()
        self._craft.antenna_released = released
        self._craft.heat_s = 0.0
        self._changed("the antenna is released" if released else "the antenna is folded")

    def _save(self) -> None:
        self._save_due_ns = self.clock.now_ns() + SAVE_INTERVAL_NS
        if self._record is None:
            return
        try:
            self._record.write(self._craft.pack(), supersedes=True)
        except OSError as fault:
            self._report(fault)

    def _report(self, fault: OSError | ValueError) -> None:
        self.file_fault(self.file, reason_of(fault))
