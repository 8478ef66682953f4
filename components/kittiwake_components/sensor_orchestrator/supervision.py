"""The sensors of a hive, each a state machine over a process: started, told to record, watched, ended if it hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import U32, After, Channel, On, OutputPortArray, Parameter, State, StateMachineArray
from kittiwake.model.fw import Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.hive import MAX_SENSORS, SensorState
from kittiwake_components.sensor_orchestrator.hearing import U32_MAX, SensorHearing
from kittiwake_components.sensor_orchestrator.messages import (
    Ready,
)
from kittiwake_components.sensor_orchestrator.sensor_process import SensorProcess
from kittiwake_components.sensor_orchestrator.states import SensorSignal
from kittiwake_components.sensor_orchestrator.supervised import Capture
from kittiwake_components.sensors.protocol import FINISH

if TYPE_CHECKING:
    from kittiwake_components.sensor_orchestrator.supervised import Supervised

POWER_SWITCHES = 8
TERM_GRACE_S = 5
KILL_GRACE_S = 5
SLEPT_NS = NS_PER_S
"""A deadline that was noticed so late has passed while nothing here ran."""


class SensorSupervision(SensorHearing):
    """The machines of the sensors and what they do; when a sensor records is for the class built on it to say.

    `sensors` are those that there are, by the number of their machine.
    """

    _last_capture: int

    sensor = StateMachineArray(
        MAX_SENSORS,
        SensorState,
        SensorSignal,
        State(SensorState.STOPPED, On(SensorSignal.START, SensorState.STARTING), entry="note_stopped"),
        State(
            SensorState.STARTING,
            On(SensorSignal.READY, SensorState.WAITING, do="note_ready"),
            On(SensorSignal.STOP, SensorState.STOPPING),
            On(SensorSignal.HUNG, SensorState.ENDING, do="note_hang"),
            After("ready_limit_s", do="judge_delay"),
            entry="start_process",
        ),
        State(
            SensorState.WAITING,
            On(SensorSignal.CAPTURE, SensorState.BEGINNING),
            On(SensorSignal.STOP, SensorState.STOPPING),
        ),
        State(
            SensorState.BEGINNING,
            On(SensorSignal.BEGUN, SensorState.RECORDING),
            On(SensorSignal.OVER, SensorState.WAITING),
            On(SensorSignal.STOP, SensorState.STOPPING),
            On(SensorSignal.HUNG, SensorState.ENDING, do="note_hang"),
            After("begin_limit_s", do="judge_delay"),
        ),
        State(
            SensorState.RECORDING,
            On(SensorSignal.OVER, SensorState.WAITING),
            On(SensorSignal.STOP, SensorState.STOPPING),
            On(SensorSignal.HUNG, SensorState.ENDING, do="note_hang"),
            After("record_limit_s", do="judge_delay"),
        ),
        State(
            SensorState.STOPPING,
            On(SensorSignal.STOP, do="order_stop"),
            On(SensorSignal.ENDED, SensorState.STARTING, guard="is_wanted"),
            On(SensorSignal.ENDED, SensorState.STOPPED),
            On(SensorSignal.HUNG, SensorState.ENDING, do="note_hang"),
            After("stop_limit_s", do="judge_delay"),
            entry="order_stop",
        ),
        State(
            SensorState.ENDING,
            On(SensorSignal.GIVEN_UP, SensorState.QUARANTINED),
            After(TERM_GRACE_S, SensorState.KILLING),
            entry="order_end",
        ),
        State(
            SensorState.KILLING,
            After(KILL_GRACE_S, SensorState.QUARANTINED, do="note_immortal"),
            entry="kill_process",
        ),
        State(
            SensorState.BACKING_OFF,
            On(SensorSignal.START, SensorState.STARTING, do="note_restart"),
            On(SensorSignal.STOP, SensorState.STOPPED),
            After("pause_s", SensorState.STARTING, do="note_restart"),
        ),
        State(
            SensorState.QUARANTINED,
            On(SensorSignal.START, SensorState.STARTING, guard="has_no_process"),
            On(SensorSignal.STOP, SensorState.STOPPED, guard="has_no_process"),
            On(SensorSignal.ENDED, SensorState.STOPPED, guard="is_unwanted"),
            entry="note_quarantine",
        ),
        anywhere=[
            On(SensorSignal.ENDED, SensorState.STOPPED, guard="is_unwanted"),
            On(SensorSignal.ENDED, SensorState.QUARANTINED, guard="is_spent"),
            On(SensorSignal.ENDED, SensorState.BACKING_OFF),
        ],
        changed="note_change",
        doc="Each of the sensors.",
    )

    power_cycle = OutputPortArray(
        Signal, POWER_SWITCHES, doc="Takes the power from a sensor that hangs and may not be killed, and gives it back."
    )

    restarts = Channel(U32, on_change=True, doc="Processes since the start that were started again after a failure.")

    hang_grace_s = Parameter(
        U32,
        default=10,
        low=1,
        high=600,
        unit="s",
        doc="How much longer a sensor may take, as to publish.",
    )
    ready_s = Parameter(U32, default=30, low=1, high=600, unit="s", doc="How long a process may take to be ready.")
    max_restarts = Parameter(U32, default=5, low=0, high=100, doc="So many restarts of a sensor in an hour; then none.")

    def command_of(self, one: Supervised) -> list[str]:
        """The command that starts a sensor's process."""
        raise NotImplementedError

    def power_switch_of(self, one: Supervised) -> int | None:
        """The place in `power_cycle` of a sensor's switch, if it has one."""
        raise NotImplementedError

    def sensor_changed(self, index: int) -> None:
        """A sensor is in another state."""
        raise NotImplementedError

    def report_sensor(self, index: int) -> None:
        """Tells the channels of a sensor how it is."""
        raise NotImplementedError

    def signal(self, index: int, signal: SensorSignal, *arguments: object) -> None:
        """Gives a sensor's machine a signal."""
        self.sensor[index].send(signal, *arguments)

    def state_of(self, index: int) -> SensorState:
        """The state of a sensor."""
        return self.sensor[index].state

    # Guards and limits

    def is_wanted(self, index: int) -> bool:
        """Whether the sensor is to run."""
        return self.sensors[index].is_wanted

    def is_unwanted(self, index: int) -> bool:
        """Whether it is not."""
        return not self.is_wanted(index)

    def is_spent(self, index: int) -> bool:
        """Whether its process is not to be started again."""
        return self.sensors[index].pause_s is None

    def has_no_process(self, index: int) -> bool:
        """Whether nothing of it runs any more."""
        return self.sensors[index].process is None

    def ready_limit_s(self, index: int) -> float:
        """How long until it is ready."""
        return self._limit_s(index, self.ready_s)

    def begin_limit_s(self, index: int) -> float:
        """How long until it records."""
        return self._limit_s(index, self.hang_grace_s)

    def record_limit_s(self, index: int) -> float:
        """How long until its recording is published."""
        return self._limit_s(index, self.sensors[index].duration_s + self.hang_grace_s)

    def stop_limit_s(self, index: int) -> float:
        """How long until it is stopped."""
        one = self.sensors[index]
        if one.capture is None or one.policy != FINISH:
            return self._limit_s(index, self.hang_grace_s)
        elapsed_s = (self.clock.now_ns() - one.capture.began_ns) / NS_PER_S
        return self._limit_s(index, max(0.0, one.duration_s - elapsed_s) + self.hang_grace_s)

    def _limit_s(self, index: int, limit_s: float) -> float:
        one, now_ns = self.sensors[index], self.clock.now_ns()
        one.overdue_ns = now_ns - one.deadline_ns
        one.deadline_ns = now_ns + round(limit_s * NS_PER_S)
        return limit_s

    def pause_s(self, index: int) -> float:
        """How long it is left alone after a failure."""
        return self.sensors[index].pause_s or 0

    # Actions

    def start_process(self, index: int) -> None:
        """Starts its process and gives it its options."""
        one = self.sensors[index]
        one.reason = ""
        try:
            one.process = SensorProcess(self._context, index, self.command_of(one), self)
        except OSError as fault:
            self.note_failure(index, f"cannot be started: {reason_of(fault)}")
            self.sensor[index].send(SensorSignal.ENDED)
            return
        one.process.send({"do": "configure", "options": dict(one.settings.options)})

    def note_ready(self, index: int, ready: Ready) -> None:
        """It waits for its captures."""
        self.sensors[index].described = ready
        self.sensor_started(self.sensors[index].name)

    def order_stop(self, index: int) -> None:
        """Has it end what it does, as its policy says, and leave."""
        one = self.sensors[index]
        if one.process is not None:
            if one.capture is not None:
                one.process.send({"do": "stop", "capture": one.capture.number, "policy": one.policy})
            one.process.end()

    def judge_delay(self, index: int) -> None:
        """It is late; after a sleep of the whole machine it gets its time once more, since it has slept as well."""
        if self.sensors[index].overdue_ns < SLEPT_NS:
            self.sensor[index].send(SensorSignal.HUNG)

    def note_hang(self, index: int) -> None:
        """It has not done in time what it was to do."""
        one, machine = self.sensors[index], self.sensor[index]
        seconds = (self.clock.now_ns() - machine.entered_ns) // NS_PER_S
        self.sensor_hung(one.name, machine.state, min(seconds, U32_MAX), one.may_be_killed)

    def order_end(self, index: int) -> None:
        """Asks it to end; where that is not safe, its power is cycled and it is left alone."""
        one = self.sensors[index]
        if one.process is None:
            return
        if one.may_be_killed:
            one.process.terminate()
            return
        one.process.end()  # should it come back to life
        one.reason = "it hangs, and may not be killed"
        switch = self.power_switch_of(one)
        if switch is not None and self.is_connected(SensorSupervision.power_cycle, switch):
            self.power_cycle[switch]()
        self.sensor[index].send(SensorSignal.GIVEN_UP)

    def kill_process(self, index: int) -> None:
        """Ends it."""
        process = self.sensors[index].process
        if process is not None:
            process.kill()

    def note_immortal(self, index: int) -> None:
        """Not even that has ended it: it waits for its device within the system."""
        self.sensors[index].reason = "it cannot be killed"

    def note_restart(self, index: int) -> None:
        """It is started again after a failure."""
        one = self.sensors[index]
        one.restarts += 1
        self.restarts = (self.restarts + 1) & U32_MAX
        self.sensor_restarted(one.name, one.restarts)

    def note_quarantine(self, index: int) -> None:
        """It is left alone."""
        self.sensor_quarantined(self.sensors[index].name, self.sensors[index].reason)

    def note_stopped(self, index: int) -> None:
        """It is stopped."""
        if index in self.sensors:
            self.sensor_stopped(self.sensors[index].name)

    def note_change(self, index: int, before: SensorState, after: SensorState) -> None:
        """What follows for the schedule and the channels."""
        if index in self.sensors:
            self.sensor_changed(index)

    # Captures

    def order_capture(self, index: int, path: str, start: str) -> None:
        """Has a sensor that waits record now."""
        one = self.sensors[index]
        assert one.process is not None, "a sensor that waits has a process"
        self._last_capture = self._last_capture % U32_MAX + 1
        one.capture = Capture(self._last_capture, path, self.clock.now_ns())
        self.sensor[index].send(SensorSignal.CAPTURE)
        order = {"capture": self._last_capture, "duration_s": one.duration_s, "path": path, "start": start}
        one.process.send({"do": "record", **order})

    def note_failure(self, index: int, how: str) -> None:
        """Takes note of a failure, and decides how it goes on."""
        one = self.sensors[index]
        if one.reason:  # it has refused its configuration, and would do so again
            one.pause_s = None
            return
        if self.sensor[index].state not in (SensorState.ENDING, SensorState.KILLING):
            self.sensor_died(one.name, how)
        one.pause_s = one.budget.failed(self.clock.now_ns(), self.max_restarts)
        if one.pause_s is None:
            one.reason = f"it has failed {self.max_restarts + 1} times within an hour"
