"""Stops the tumbling of a satellite with its magnetic coils."""

from __future__ import annotations

from math import isnan
from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_LO,
    F64,
    U8,
    WARNING_LO,
    After,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    State,
    StateMachine,
    command,
    event,
    port,
    sync_port,
    wire_enum,
)
from kittiwake.model import On as At
from kittiwake.model.fw import TimeInterval
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.detumble_manager.bdot import DRIVE_MAX, OFF, Vector, coil_drives
from kittiwake_components.devices import REASON_SIZE, check_device, open_device
from kittiwake_components.ports.device import (
    AngularUnit,
    AngularVelocityMagnitudeGet,
    MagneticFieldGet,
)
from kittiwake_components.ports.mode import GetSystemMode, SystemMode, SystemModeChanged

IDLE_PAUSE_S = 1.0
"""The time between two looks at the rate while it is slow, or cannot be measured."""

SAMPLING_LOW_S, SAMPLING_HIGH_S = 0.02, 1.0


@wire_enum(U8, name="Components.DetumbleMode")
class DetumbleMode(IntEnum):
    """Whether the coils may pull."""

    DISABLED = 0
    AUTO = 1


@wire_enum(U8, name="Components.DetumbleState")
class DetumbleState(IntEnum):
    """What the detumbling does now."""

    COOLDOWN = 0
    SENSING_ANGULAR_VELOCITY = 1
    SENSING_MAGNETIC_FIELD = 2
    ACTUATING_BDOT = 3
    ACTUATING_HYSTERESIS = 4


class DetumbleSignal(IntEnum):
    """What a look at the rate or the field says."""

    SLOW = 0
    TUMBLING = 1
    SPINNING = 2
    BLIND = 3


@wire_enum(U8, name="Components.DetumbleStrategy")
class DetumbleStrategy(IntEnum):
    """How the coils are used."""

    IDLE = 0
    BDOT = 1
    HYSTERESIS = 2


@wire_enum(U8, name="Components.HysteresisAxis")
class HysteresisAxis(IntEnum):
    """The coil that pulls alone at rates that B-dot cannot follow."""

    X_AXIS = 0
    Y_AXIS = 1
    Z_AXIS = 2


@port("Components.SetDetumbleMode")
def SetDetumbleMode(mode: DetumbleMode) -> None:
    """Take this mode."""


def _check_coils(places: list[str]) -> None:
    if len(places) != len(HysteresisAxis):
        raise ValueError(f"coils for x, y and z are wanted, not {len(places)}")
    for place in places:
        check_device(place)


class DetumbleManager(PassiveComponent):
    """B-dot in rounds of measuring and pulling (PROVES DetumbleManager). The rounds are the loop's timers."""

    angular_velocity_magnitude_get = OutputPort(AngularVelocityMagnitudeGet, required=True, doc="How fast it turns.")
    magnetic_field_get = OutputPort(MagneticFieldGet, required=True, doc="The magnetic field.")
    get_system_mode = OutputPort(GetSystemMode, doc="The system's mode: in safe mode no coil pulls.")

    detumbling = StateMachine(
        DetumbleState,
        DetumbleSignal,
        State(DetumbleState.COOLDOWN, After("pause_s", DetumbleState.SENSING_ANGULAR_VELOCITY)),
        State(
            DetumbleState.SENSING_ANGULAR_VELOCITY,
            At(DetumbleSignal.SLOW, DetumbleState.COOLDOWN),
            At(DetumbleSignal.TUMBLING, DetumbleState.SENSING_MAGNETIC_FIELD),
            At(DetumbleSignal.SPINNING, DetumbleState.ACTUATING_HYSTERESIS),
            At(DetumbleSignal.BLIND, DetumbleState.COOLDOWN),
            entry="sense_rate",
        ),
        State(
            DetumbleState.SENSING_MAGNETIC_FIELD,
            At(DetumbleSignal.BLIND, DetumbleState.COOLDOWN),
            After("sampling_s", DetumbleState.ACTUATING_BDOT),
            entry="sense_field",
        ),
        State(
            DetumbleState.ACTUATING_BDOT,
            At(DetumbleSignal.BLIND, DetumbleState.COOLDOWN),
            After("torque_s", DetumbleState.COOLDOWN),
            entry="pull_against_change", exit="let_go",
        ),
        State(
            DetumbleState.ACTUATING_HYSTERESIS, After("torque_s", DetumbleState.COOLDOWN),
            entry="pull_alone", exit="let_go",
        ),
        channel="state",
        doc="A round: the rate, the field twice, the coils, and a pause in which the field settles.",
    )  # fmt: skip

    mode = Channel(DetumbleMode, on_change=True, doc="Whether the coils may pull.")
    state = Channel(DetumbleState, on_change=True, doc="What the detumbling does now.")
    detumble_strategy = Channel(DetumbleStrategy, on_change=True, doc="How the coils are used.")
    angular_velocity_magnitude = Channel(F64, unit="deg/s", format="{:.3f}", doc="How fast the satellite turns.")

    deadband_lower_threshold = Parameter(
        F64, default=5.0, low=0.0, high=3600.0, unit="deg/s", id=1, doc="Slower than this, the detumbling is complete."
    )
    cooldown_duration = Parameter(TimeInterval, default=TimeInterval(0, 20_000), id=3, doc="Pause after each pull.")
    torque_duration = Parameter(TimeInterval, default=TimeInterval(0, 320_000), id=38, doc="How long the coils pull.")
    gain = Parameter(
        F64, default=3.0, low=0.0, high=1e6, unit="A m^2 s", id=39, doc="Dipole by the field's relative change."
    )
    bdot_max_threshold = Parameter(
        F64, default=720.0, low=0.0, high=36000.0, unit="deg/s", id=40, doc="Faster than this, one coil pulls alone."
    )
    deadband_upper_threshold = Parameter(
        F64, default=8.0, low=0.0, high=3600.0, unit="deg/s", id=41, doc="Faster than this, the detumbling begins."
    )
    hysteresis_axis = Parameter(HysteresisAxis, default=HysteresisAxis.X_AXIS, id=42, doc="The coil that pulls alone.")
    dipole_max = Parameter(
        F64, default=0.04, low=1e-6, high=1e3, unit="A m^2", id=43, doc="The dipole of a coil at its full drive."
    )

    coils = Setting(
        list[str], default=["simulated/torquers/x", "simulated/torquers/y", "simulated/torquers/z"],
        check=_check_coils, doc="The coils' folders; the attribute `value` takes -127 to 127.",
    )  # fmt: skip
    sampling_deg = Setting(
        float, default=10.0, low=0.1, high=90.0, doc="How far the satellite turns between the two looks at the field."
    )

    @event(WARNING_LO, "Failed to enable detumbling because system is in SAFE_MODE.", throttle=5, every_s=600.0)
    def enable_failed_safe_mode(self) -> None: ...

    @event(ACTIVITY_LO, "Detumble started. Angular velocity magnitude: {rate} deg/s")
    def detumble_started(self, rate: F64) -> None: ...

    @event(ACTIVITY_LO, "Detumble complete. Angular velocity magnitude: {rate} deg/s")
    def detumble_completed(self, rate: F64) -> None: ...

    @event(WARNING_LO, "Failed to retrieve magnetic field.", throttle=5, every_s=3600.0)
    def magnetic_field_retrieval_failed(self) -> None: ...

    @event(WARNING_LO, "Failed to retrieve angular velocity.", throttle=5, every_s=3600.0)
    def angular_velocity_retrieval_failed(self) -> None: ...

    @event(WARNING_LO, "A coil does not answer: {reason}", throttle=5, every_s=3600.0)
    def coil_failed(self, reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    def initialize(self) -> None:
        self._coils = [open_device(self.platform, place) for place in self.coils]
        self._field: Vector | None = None
        self._field_ns = self._before_ns = 0

    def start(self) -> None:
        self.mode = DetumbleMode.DISABLED
        self.detumble_strategy = DetumbleStrategy.IDLE
        self.let_go()

    def stop(self) -> None:
        self._disable()

    # Modes

    @command(name="SET_MODE")
    def set_detumble_mode(self, mode: DetumbleMode) -> None:
        """Lets the coils pull while the satellite tumbles, or keeps them off."""
        if not self._take(mode):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the system is in safe mode")

    @sync_port(SetDetumbleMode)
    def set_mode(self, mode: DetumbleMode) -> None:
        """As the command."""
        self._take(mode)

    @sync_port(SystemModeChanged)
    def system_mode_changed(self, mode: SystemMode) -> None:
        """In safe mode and in hibernation the coils are off."""
        if mode in (SystemMode.SAFE_MODE, SystemMode.HIBERNATE):
            self._disable()

    def _take(self, mode: DetumbleMode) -> bool:
        if mode is DetumbleMode.DISABLED:
            self._disable()
            return True
        connected = self.is_connected(DetumbleManager.get_system_mode)
        if connected and self.get_system_mode() is SystemMode.SAFE_MODE:
            self.enable_failed_safe_mode()
            return False
        if self.mode is not DetumbleMode.AUTO:
            self.mode = DetumbleMode.AUTO
            self.detumbling.start()
        return True

    def _disable(self) -> None:
        self.mode = DetumbleMode.DISABLED
        self.detumble_strategy = DetumbleStrategy.IDLE
        self.detumbling.stop()
        self.let_go()

    # A round

    def pause_s(self) -> float:
        """How long until the next look at the rate."""
        if self.detumble_strategy is DetumbleStrategy.IDLE:
            return IDLE_PAUSE_S
        return self.cooldown_duration.in_ns() / NS_PER_S

    def sampling_s(self) -> float:
        """How long between the two looks at the field: more than the sensor's steps must change."""
        turning_s = self.sampling_deg / max(self.angular_velocity_magnitude, 1e-3)
        return min(max(turning_s, SAMPLING_LOW_S), SAMPLING_HIGH_S)

    def torque_s(self) -> float:
        """How long the coils pull."""
        return self.torque_duration.in_ns() / NS_PER_S

    def sense_rate(self) -> None:
        """Looks how fast the satellite turns, and chooses what to do about it."""
        rate: float = self.angular_velocity_magnitude_get(AngularUnit.DEG_PER_SEC)
        self.angular_velocity_magnitude = rate
        was_idle = self.detumble_strategy is DetumbleStrategy.IDLE
        if isnan(rate):
            self.angular_velocity_retrieval_failed()
            self.detumble_strategy = DetumbleStrategy.IDLE
            self.detumbling.send(DetumbleSignal.BLIND)
        elif rate < (self.deadband_upper_threshold if was_idle else self.deadband_lower_threshold):
            self.detumble_strategy = DetumbleStrategy.IDLE
            if not was_idle:
                self.detumble_completed(rate)
            self.detumbling.send(DetumbleSignal.SLOW)
        else:
            spins = rate > self.bdot_max_threshold
            self.detumble_strategy = DetumbleStrategy.HYSTERESIS if spins else DetumbleStrategy.BDOT
            if was_idle:
                self.detumble_started(rate)
            self.detumbling.send(DetumbleSignal.SPINNING if spins else DetumbleSignal.TUMBLING)

    def sense_field(self) -> None:
        """The first look at the field."""
        self._field = self._look_at_field()

    def _look_at_field(self) -> Vector | None:
        now = self.magnetic_field_get()
        field = (now.x, now.y, now.z)
        if any(map(isnan, field)):
            self.magnetic_field_retrieval_failed()
            self.detumbling.send(DetumbleSignal.BLIND)
            return None
        self._field_ns, self._before_ns = self.clock.now_ns(), self._field_ns
        return field

    def pull_against_change(self) -> None:
        """The second look at the field, and the coils against what has changed."""
        before = self._field
        after = self._look_at_field()
        if before is None or after is None:
            return
        seconds = (self._field_ns - self._before_ns) / NS_PER_S
        self._drive(coil_drives(before, after, seconds, self.gain, self.dipole_max))

    def pull_alone(self) -> None:
        """One coil at its full drive."""
        drives = [0, 0, 0]
        drives[self.hysteresis_axis] = DRIVE_MAX
        self._drive(drives)

    def let_go(self) -> None:
        """All coils off."""
        self._drive(OFF)

    def _drive(self, drives: list[int]) -> None:
        for coil, drive in zip(self._coils, drives, strict=True):
            try:
                coil.write("value", drive)
            except OSError as fault:
                self.coil_failed(reason_of(fault))
