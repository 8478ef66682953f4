"""Switches the power of one load, and believes only what it reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    WARNING_HI,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPortArray,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import On, Signal
from kittiwake.storage.root import reason_of
from kittiwake_components.devices import check_device, open_device
from kittiwake_components.ports.device import LoadSwitchStateChanged, SwitchGet

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

LISTENERS = 3


class LoadSwitch(PassiveComponent):
    """One load switch (PROVES LoadSwitch). At every start the load is off."""

    load_switch_state_changed = OutputPortArray(
        LoadSwitchStateChanged, LISTENERS, doc="Tells the load's drivers that it got or lost its power."
    )

    is_on = Channel(On, on_change=True, doc="Whether the load has power, as read back.")

    device = Setting(
        str, default="simulated/switches/face0", check=check_device,
        doc="The switch's folder; its attribute `value` is 1 or 0.",
    )  # fmt: skip

    off_s = Setting(int, default=5, low=1, high=600, doc="How long a power cycle leaves the load without power.")

    @event(ACTIVITY_HI, "Load switch state changed to {state}", id=1)
    def status_changed(self, state: On) -> None: ...

    @event(ACTIVITY_LO, "Current load switch state: {state}", name="IsOn")
    def is_on_reading(self, state: On) -> None: ...

    @event(WARNING_HI, "Load switch could not be turned {wanted}: {reason}", throttle=5, every_s=600.0)
    def switch_failed(self, wanted: On, reason: Annotated[str, Size(80)]) -> None: ...

    def initialize(self) -> None:
        self._state: On | None = None
        self._power_back: Timer | None = None
        self._device = open_device(self.platform, self.device)

    def start(self) -> None:
        self._turn(On.OFF)

    @command
    def turn_on(self) -> None:
        """Gives the load its power."""
        self._expect(On.ON)

    @command
    def turn_off(self) -> None:
        """Takes the load's power away."""
        self._expect(On.OFF)

    @command
    def get_is_on(self) -> None:
        """Reports whether the load has power."""
        try:
            state = self._read()
        except OSError as fault:
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self._saw(state)
        self.is_on_reading(state)

    def _expect(self, wanted: On) -> None:
        if not self._turn(wanted):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the switch did not do so; the event has the reason")

    @sync_port(Signal)
    def turn_on_in(self) -> None:
        """Gives the load its power."""
        self._turn(On.ON)

    @sync_port(Signal)
    def turn_off_in(self) -> None:
        """Takes the load's power away."""
        self._turn(On.OFF)

    @sync_port(Signal)
    def power_cycle_in(self) -> None:
        """Takes the load's power away and gives it back a little later, unless it is switched otherwise meanwhile."""
        self._turn(On.OFF)
        self._power_back = self.clock.call_after(self.off_s, self.turn_on_in)

    @sync_port(SwitchGet)
    def is_on_get(self) -> Bool:
        """Whether the load has power, as read back now; as last known if that cannot be read."""
        try:
            self._saw(self._read())
        except OSError:
            pass
        return self._state is On.ON

    def _turn(self, wanted: On) -> bool:
        if self._power_back is not None:
            self._power_back.cancel()
            self._power_back = None
        try:
            self._device.write("value", int(wanted))
            state = self._read()
        except OSError as fault:
            self.switch_failed(wanted, reason_of(fault))
            return False
        self._saw(state)
        if state is not wanted:
            self.switch_failed(wanted, f"it reads back as {state.name}")
        return state is wanted

    def _read(self) -> On:
        return On.ON if self._device.read("value") else On.OFF

    def _saw(self, state: On) -> None:
        """Takes note of what was read back, and tells whoever is concerned if it is new."""
        if state is self._state:
            return
        is_news = self._state is not None or state is On.ON
        self._state = self.is_on = state
        if is_news:
            self.status_changed(state)
        for index, tell in enumerate(self.load_switch_state_changed):
            if self.is_connected(LoadSwitch.load_switch_state_changed, index):
                tell(state)
