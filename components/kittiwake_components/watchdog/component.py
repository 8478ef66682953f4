"""Strokes the watchdogs while Health is satisfied, and lets them expire when the ground or another component wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    U8,
    U32,
    WARNING_HI,
    WARNING_LO,
    After,
    Channel,
    CommandError,
    CommandResponse,
    On,
    OutputPort,
    OutputPortArray,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    State,
    StateMachine,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.lifecycle import WatchDog

if TYPE_CHECKING:
    from kittiwake.platform.interface import WatchdogTimer

STROKES = 4
NAME_SIZE = 60
OPENING_RETRY_S = 10
GATE_SLACK_NS = NS_PER_S
"""The gate's stroke may come so much later than a period: rate groups slip."""


@wire_enum(U8, name="Components.WatchdogState")
class WatchdogState(IntEnum):
    """What the watchdogs are given."""

    RUNNING = 0
    """Strokes, while the gate is open."""
    ARMED = 1
    """Strokes still; the next STOP_WATCHDOG counts."""
    STOPPED = 2
    """None: the power is about to be cycled."""
    CONFIRMED = 3
    """None, however long nothing happens."""


class WatchdogSignal(IntEnum):
    """What changes that."""

    START = 0
    ARM = 1
    STOP = 2
    """By command."""
    STOP_NOW = 3
    """By another component: a FATAL event, or commands that are lost."""


class Watchdog(PassiveComponent):
    """Strokes only in periods in which Health has stroked `gate_in` (PROVES Watchdog, with a gate).

    What it strokes: a watchdog of the kernel or the service manager (`backend`), and whatever is at `stroke_out`, a
    power unit say. A stop has to be armed, and is taken back after STOP_MAX_S, when the power should have been cycled.
    """

    # Set aside it would leave the machine unwatched: where it keeps failing the whole run starts anew.
    RESTARTABLE = False

    watchdog = StateMachine(
        WatchdogState,
        WatchdogSignal,
        State(
            WatchdogState.RUNNING,
            On(WatchdogSignal.START, do="watchdog_start"),
            On(WatchdogSignal.ARM, WatchdogState.ARMED, do="stop_armed"),
            On(WatchdogSignal.STOP, WatchdogState.STOPPED, guard="needs_no_arming", do="announce"),
        ),
        State(
            WatchdogState.ARMED,
            On(WatchdogSignal.ARM, WatchdogState.ARMED),
            On(WatchdogSignal.STOP, WatchdogState.STOPPED, do="announce"),
            After("arm_s", WatchdogState.RUNNING, do="stop_disarmed"),
        ),
        State(
            WatchdogState.STOPPED,
            On(WatchdogSignal.STOP, WatchdogState.CONFIRMED, do="stop_confirmed"),
            On(WatchdogSignal.STOP_NOW),
            After("stop_max_s", WatchdogState.RUNNING, do="stop_taken_back"),
            entry="watchdog_stop",
        ),
        State(WatchdogState.CONFIRMED, On(WatchdogSignal.STOP_NOW)),
        anywhere=[
            On(WatchdogSignal.START, WatchdogState.RUNNING, do="watchdog_start"),
            On(WatchdogSignal.STOP_NOW, WatchdogState.STOPPED),
        ],
        channel="watchdog_state",
        doc="Whether strokes are given.",
    )

    stroke_out = OutputPortArray(Signal, STROKES, doc="One stroke, for watchdogs that are not the machine's own.")
    prepare_for_reboot = OutputPort(Signal, doc="The ground stops the watchdog: the reboot that follows is intended.")

    watchdog_transitions = Channel(U32, on_change=True, doc="Strokes given since the start.")
    withheld = Channel(U32, on_change=True, doc="Strokes not given because the gate was shut.")
    watchdog_state = Channel(WatchdogState, on_change=True, doc="What the watchdogs are given.")
    timeout_in_force = Channel(U32, on_change=True, unit="s", doc="How long the backend waits; 0: there is none.")

    period = Parameter(U32, default=1, low=1, high=60, unit="s", doc="Time between two strokes.")
    timeout = Parameter(
        U32, default=30, low=2, high=3600, unit="s", doc="How long a device shall wait; a change counts at a restart."
    )
    stop_max_s = Parameter(
        U32,
        default=120,
        low=3,
        high=86_400,
        unit="s",
        doc="When a stop that is not confirmed is taken back.",
    )
    arm_s = Parameter(U32, default=30, low=1, high=3600, unit="s", doc="How long ARM_STOP_WATCHDOG counts.")

    backend = Setting(str, default="notify", doc="notify (service manager), a device such as /dev/watchdog, or empty.")
    gate = Setting(str, default="health", doc="Who strokes gate_in, for the reports; empty: there is no gate.")
    arm_first = Setting(bool, default=True, doc="Whether STOP_WATCHDOG needs ARM_STOP_WATCHDOG before it.")

    @event(ACTIVITY_HI, "Watchdog strokes are given")
    def watchdog_start(self) -> None: ...

    @event(ACTIVITY_HI, "Watchdog strokes are stopped")
    def watchdog_stop(self) -> None: ...

    @event(WARNING_HI, "Watchdog stroke withheld: {component} is not satisfied", throttle=5, every_s=60.0)
    def watchdog_withheld(self, component: Annotated[str, Size(NAME_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "The stop of the watchdog is armed")
    def stop_armed(self) -> None: ...

    @event(ACTIVITY_HI, "The stop of the watchdog is not armed any more")
    def stop_disarmed(self) -> None: ...

    @event(ACTIVITY_HI, "The watchdog stays stopped until it is started")
    def stop_confirmed(self) -> None: ...

    @event(WARNING_LO, "The power was not cycled; watchdog strokes are given again")
    def stop_taken_back(self) -> None: ...

    @event(WARNING_HI, "Watchdog {backend} does not work: {reason}", throttle=5, every_s=600.0)
    def backend_fault(self, backend: Annotated[str, Size(NAME_SIZE)], reason: Annotated[str, Size(80)]) -> None: ...

    def initialize(self) -> None:
        self._timer: WatchdogTimer | None = None
        self._opening_due_ns = 0
        self._stroke_due_ns = 0
        self._gate_ns: int | None = None
        self._given = self._kept = 0
        self._stroked = [index for index in range(STROKES) if self.is_connected(Watchdog.stroke_out, index)]

    def start(self) -> None:
        self.watchdog.start()
        self._open(self.clock.now_ns())

    def stop(self) -> None:
        """After an orderly end nobody will stroke it; in any other case the next process will, or it expires."""
        gives = self.watchdog.state in (WatchdogState.RUNNING, WatchdogState.ARMED)
        self._close(disarm=gives and not self._context.deployment.exit_status)

    def parameter_updated(self, name: str) -> None:
        if not self.period < self.timeout < self.stop_max_s:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "PERIOD < TIMEOUT < STOP_MAX_S is wanted")

    # What the state machine does

    def needs_no_arming(self) -> bool:
        """Whether a stop counts at once."""
        return not self.arm_first

    def announce(self) -> None:
        """The ground wants the power cycled."""
        if self.is_connected(Watchdog.prepare_for_reboot):
            self.prepare_for_reboot()

    # Ports

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One stroke each PERIOD, if the gate is open and nobody has stopped it."""
        now = self.clock.now_ns()
        if self.backend and self._timer is None and now >= self._opening_due_ns:
            self._open(now)
        if now < self._stroke_due_ns:
            return
        # Half a second of slack: cycles that come a little early must not lose a stroke.
        self._stroke_due_ns = now + self.period * NS_PER_S - NS_PER_S // 2
        if self.watchdog.state in (WatchdogState.STOPPED, WatchdogState.CONFIRMED):
            return
        if self.gate and not self._is_open(now):
            self._kept += 1
            self.withheld = self._kept & 0xFFFFFFFF
            self.watchdog_withheld(self.gate)
            return
        self._stroke()

    def _is_open(self, now_ns: int) -> bool:
        limit_ns = self.period * NS_PER_S + GATE_SLACK_NS
        return self._gate_ns is not None and now_ns - self._gate_ns <= limit_ns

    @sync_port(WatchDog)
    def gate_in(self, code: int) -> None:
        """Health is satisfied with this cycle."""
        self._gate_ns = self.clock.now_ns()

    @sync_port(Signal)
    def start_in(self) -> None:
        """Strokes are given again."""
        self.watchdog.send(WatchdogSignal.START)

    @sync_port(Signal)
    def stop_in(self) -> None:
        """Another component wants the power cycled: no strokes from now on, and the end is not announced."""
        self.watchdog.send(WatchdogSignal.STOP_NOW)

    # Commands

    @command
    def start_watchdog(self) -> None:
        """Gives strokes again."""
        self.watchdog.send(WatchdogSignal.START)

    @command
    def stop_watchdog(self) -> None:
        """Stops the strokes, so that the power is cycled. Must be armed; once more, it is not taken back any more."""
        if not self.watchdog.send(WatchdogSignal.STOP) and self.watchdog.state is WatchdogState.RUNNING:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "ARM_STOP_WATCHDOG comes first")

    @command
    def arm_stop_watchdog(self) -> None:
        """Lets STOP_WATCHDOG count for ARM_S seconds."""
        self.watchdog.send(WatchdogSignal.ARM)

    # The backend

    def _open(self, now_ns: int) -> None:
        self._opening_due_ns = now_ns + OPENING_RETRY_S * NS_PER_S
        if not self.backend:
            return
        try:
            self._timer = self.platform.open_watchdog(self.backend, self.timeout)
            if self._timer is not None:
                self._timer.stroke()
                self.timeout_in_force = round(self._timer.timeout_s)
        except OSError as fault:
            self._give_up(fault)

    def _stroke(self) -> None:
        self._given += 1
        self.watchdog_transitions = self._given & 0xFFFFFFFF
        for index in self._stroked:
            self.stroke_out[index]()
        if self._timer is not None:
            try:
                self._timer.stroke()
            except OSError as fault:
                self._give_up(fault)

    def _give_up(self, fault: OSError) -> None:
        """The backend does not work: it is opened anew in a while."""
        self.backend_fault(self.backend, reason_of(fault))
        self.timeout_in_force = 0
        self._close(disarm=False)

    def _close(self, *, disarm: bool) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            try:
                timer.close(disarm=disarm)
            except OSError as fault:
                self.backend_fault(self.backend, reason_of(fault))


__all__ = ["Watchdog", "WatchdogSignal", "WatchdogState"]
