"""Heats the burn wires, and never longer than its hard timer allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U32,
    WARNING_HI,
    CommandError,
    CommandResponse,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import On, Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.devices import check_device, open_device

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

MAX_WIRES = 8


def _check_wires(places: list[str]) -> None:
    if not 1 <= len(places) <= MAX_WIRES:
        raise ValueError(f"1 to {MAX_WIRES} wires are wanted, not {len(places)}")
    for place in places:
        check_device(place)


class Burnwire(PassiveComponent):
    """The burn wires (PROVES Burnwire). At every start, at shutdown and when its timer has run out they are off.

    The timer is the loop's own: neither a rate group that stands still nor whoever forgets to stop keeps a wire hot.
    """

    safety_timer = Parameter(U32, default=10, low=1, high=60, unit="s", doc="The longest time that a wire is hot.")

    devices = Setting(
        list[str], default=["simulated/burnwires/0", "simulated/burnwires/1"], check=_check_wires,
        doc="The folders of the wires' switches; all are switched together.",
    )  # fmt: skip

    @event(ACTIVITY_HI, "Burnwire State: {burnwire_state}")
    def set_burnwire_state(self, burnwire_state: On) -> None: ...

    @event(ACTIVITY_HI, "Safety Timer State: {burnwire_state}")
    def safety_timer_status(self, burnwire_state: On) -> None: ...

    @event(ACTIVITY_HI, "Safety Timer Will Burn For: {burnwire_status} Seconds")
    def safety_timer_state(self, burnwire_status: U32) -> None: ...

    @event(ACTIVITY_LO, "Burnwire Burned for {end_count} Seconds")
    def burnwire_end_count(self, end_count: U32) -> None: ...

    @event(WARNING_HI, "Burnwire could not be switched {wanted}: {reason}", throttle=10, every_s=600.0)
    def burnwire_failed(self, wanted: On, reason: Annotated[str, Size(80)]) -> None: ...

    def initialize(self) -> None:
        self._wires = [open_device(self.platform, place) for place in self.devices]
        self._began_ns: int | None = None
        self._deadline_ns = 0
        self._timer: Timer | None = None
        self._is_off_due = False

    def start(self) -> None:
        self._switch_off()

    def stop(self) -> None:
        self._switch_off()

    @sync_port(Signal)
    def burn_start(self) -> None:
        """Starts to heat; wires that are hot already get no more time."""
        self._heat()

    @sync_port(Signal)
    def burn_stop(self) -> None:
        """Stops heating."""
        self._end()

    @command
    def start_burnwire(self) -> None:
        """Starts to heat, for SAFETY_TIMER seconds at most; wires that are hot already get no more time."""
        if not self._heat():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the wires could not be switched on; they are off")

    @command
    def stop_burnwire(self) -> None:
        """Stops heating."""
        if not self._end():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "a wire could not be switched off; it is tried again")

    @sync_port(Sched)
    def sched_in(self, context: int) -> None:
        """Looks after the timer, and tries again what could not be switched off."""
        is_over = self._began_ns is not None and self.clock.now_ns() >= self._deadline_ns
        if is_over or self._is_off_due:
            self._end()

    def _heat(self) -> bool:
        if self._began_ns is not None:
            return True
        limit_s = self.safety_timer
        # The timer first: there is no instant at which a wire is hot without it.
        self._began_ns = self.clock.now_ns()
        self._deadline_ns = self._began_ns + limit_s * NS_PER_S
        self._timer = self.clock.call_after(limit_s, self._expired)
        try:
            for wire in self._wires:
                wire.write("value", 1)
        except OSError as fault:
            self.burnwire_failed(On.ON, reason_of(fault))
            self._end()
            return False
        self.set_burnwire_state(On.ON)
        self.safety_timer_status(On.ON)
        self.safety_timer_state(limit_s)
        return True

    def _expired(self) -> None:
        self._timer = None
        self.safety_timer_status(On.OFF)
        self._end()

    def _end(self) -> bool:
        """Switches all wires off; false if one did not follow, which is then tried again each second."""
        is_off = self._switch_off()
        burned_ns = 0 if self._began_ns is None else self.clock.now_ns() - self._began_ns
        if not is_off:
            if self._timer is None:
                self._timer = self.clock.call_after(1.0, self._retry)
            return False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._began_ns = None
        self.set_burnwire_state(On.OFF)
        self.burnwire_end_count(round(burned_ns / NS_PER_S))
        return True

    def _retry(self) -> None:
        self._timer = None
        self._end()

    def _switch_off(self) -> bool:
        self._is_off_due = False
        for wire in self._wires:
            try:
                wire.write("value", 0)
            except OSError as fault:
                self._is_off_due = True
                self.burnwire_failed(On.OFF, reason_of(fault))
        return not self._is_off_due
