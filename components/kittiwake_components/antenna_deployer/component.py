"""Deploys the antenna: burns, waits, tries again, and believes only the sensor or the ground."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U8,
    U32,
    WARNING_HI,
    After,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    On,
    OutputPort,
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
from kittiwake.storage.record import AtomicRecord
from kittiwake.storage.root import reason_of
from kittiwake_components.devices import Instrument, check_device
from kittiwake_components.ports.file import PATH_SIZE

VERSION = 1
DEPLOYED, FOLDED = b"\x01", b"\x00"


@wire_enum(U8, name="Components.DeployResult")
class DeployResult(IntEnum):
    """How a deployment ended."""

    DEPLOY_RESULT_SUCCESS = 0
    DEPLOY_RESULT_ABORT = 1
    DEPLOY_RESULT_FAILED = 2


@wire_enum(U8, name="Components.DeployState")
class DeployState(IntEnum):
    """What the deployer does now."""

    IDLE = 0
    BURNING = 1
    WAITING = 2


class DeploySignal(IntEnum):
    """What the deployer hears."""

    ASKED = 0
    STOPPED = 1
    SEEN = 2
    EXHAUSTED = 3


_SEEN = On(DeploySignal.SEEN, DeployState.IDLE, do="succeeded")
_STOPPED = On(DeploySignal.STOPPED, DeployState.IDLE, do="aborted")


def _check_sensor(place: str) -> None:
    if place:
        check_device(place)


class AntennaDeployer(PassiveComponent):
    """The antenna's deployment (PROVES AntennaDeployer); burns last by the clock since boot."""

    burn_start = OutputPort(Signal, required=True, doc="To the burn wire: heat.")
    burn_stop = OutputPort(Signal, required=True, doc="To the burn wire: stop.")

    deployment = StateMachine(
        DeployState,
        DeploySignal,
        State(DeployState.IDLE, On(DeploySignal.ASKED, DeployState.BURNING, do="begin")),
        State(
            DeployState.BURNING, _SEEN, _STOPPED, After("burn_duration_sec", DeployState.WAITING),
            entry="heat", exit="cool",
        ),
        State(
            DeployState.WAITING, _SEEN, _STOPPED, On(DeploySignal.EXHAUSTED, DeployState.IDLE, do="failed"),
            After("retry_delay_sec", DeployState.BURNING), entry="judge",
        ),
        channel="deploy_state",
        doc="One deployment: attempts until the sensor sees the antenna, the ground stops it, or none is left.",
    )  # fmt: skip

    deploy_attempt_count = Channel(U32, on_change=True, doc="Attempts of the present or last deployment.")
    deploy_state = Channel(DeployState, on_change=True, doc="What the deployer does now.")
    deployed = Channel(Bool, on_change=True, doc="Whether the antenna is known to be deployed.")

    retry_delay_sec = Parameter(U32, default=30, low=0, high=86400, unit="s", doc="Time between two attempts.")
    max_deploy_attempts = Parameter(U32, default=3, low=1, high=100, doc="Attempts before a deployment has failed.")
    burn_duration_sec = Parameter(U32, default=8, low=1, high=60, unit="s", doc="How long each attempt burns.")

    sensor = Setting(
        str, default="simulated/antenna", check=_check_sensor,
        doc="The deployment sensor's folder; its attribute `value` is 1 once the antenna is out. Empty: there is none.",
    )  # fmt: skip
    file = Setting(str, default="/antenna_deployed", doc="Record of whether the antenna is deployed.")

    @event(ACTIVITY_HI, "Antenna deployment attempt {attempt} started")
    def deploy_attempt(self, attempt: U32) -> None: ...

    @event(ACTIVITY_HI, "Antenna deployment succeeded on attempt {attempt}")
    def deploy_success(self, attempt: U32) -> None: ...

    @event(ACTIVITY_HI, "Antenna deployment finished with result {result} after {attempts} attempts")
    def deploy_finish(self, result: DeployResult, attempts: U32) -> None: ...

    @event(ACTIVITY_LO, "Burn signal active for {ticks} scheduler ticks")
    def antenna_burn_signal_count(self, ticks: U32) -> None:
        """Ticks of 1 Hz, which are seconds."""

    @event(ACTIVITY_HI, "Antenna deployment skipped - antenna already deployed")
    def deployment_already_complete(self) -> None: ...

    @event(WARNING_HI, "File operation failed: {file_path}: {operation}", throttle=5, every_s=600.0)
    def file_operation_error(
        self, file_path: Annotated[str, Size(PATH_SIZE)], operation: Annotated[str, Size(120)]
    ) -> None: ...

    @event(WARNING_HI, "The deployment sensor does not answer: {reason}", throttle=3, every_s=3600.0)
    def sensor_not_ready(self, reason: Annotated[str, Size(80)]) -> None: ...

    def initialize(self) -> None:
        self._record = AtomicRecord(self.platform.files, self.root.resolve(self.file), VERSION, len(DEPLOYED))
        self._sensor = (
            Instrument(self.platform, self.clock, self.sensor, self.sensor_not_ready) if self.sensor else None
        )
        self._attempt = 0

    def start(self) -> None:
        is_deployed = False
        try:
            reading = self._record.read()
            is_deployed = reading.payload == DEPLOYED
            for finding in reading.findings:
                self.file_operation_error(self.file, f"read: {finding.reason}")
        except OSError as fault:
            self._report("read", fault)
        self.deployed = is_deployed
        self.deployment.start()

    def stop(self) -> None:
        self.burn_stop()

    @sync_port(Sched)
    def sched_in(self, context: int) -> None:
        """Looks at the sensor while a deployment goes on."""
        if self.deployment.state is not DeployState.IDLE and self._is_out():
            self.deployment.send(DeploySignal.SEEN)

    # Commands

    @command(hazardous=True)
    def deploy(self) -> None:
        """Starts the deployment. Events say how it goes on."""
        if self.deployed or self._is_out():
            if not self.deployed:
                self._remember(is_deployed=True)
            self.deployment_already_complete()
            return
        if not self.deployment.send(DeploySignal.ASKED):
            raise CommandError(CommandResponse.BUSY, "a deployment goes on already")

    @command
    def deploy_stop(self) -> None:
        """Ends the deployment; the wire is switched off in any case."""
        if not self.deployment.send(DeploySignal.STOPPED):
            self.burn_stop()

    @command
    def reset_deployment_state(self) -> None:
        """Forgets that the antenna is deployed, for tests on the ground."""
        self._command_state(is_deployed=False)

    @command
    def set_deployment_state(self, deployed: Bool) -> None:
        """Says whether the antenna is deployed; where that ends a deployment, the wire is switched off."""
        self._command_state(is_deployed=deployed)

    def _command_state(self, *, is_deployed: bool) -> None:
        if is_deployed:
            self.deployment.send(DeploySignal.STOPPED)
        if not self._remember(is_deployed=is_deployed):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "it holds until a restart, but could not be saved")

    # What the deployment does

    def begin(self) -> None:
        """A new deployment."""
        self._attempt = 0

    def heat(self) -> None:
        """A new attempt."""
        self._attempt += 1
        self.deploy_attempt_count = self._attempt
        self.deploy_attempt(self._attempt)
        self.burn_start()

    def cool(self) -> None:
        """The attempt's burn is over, for whatever reason."""
        self.burn_stop()
        self.antenna_burn_signal_count(round((self.clock.now_ns() - self.deployment.entered_ns) / NS_PER_S))

    def judge(self) -> None:
        """After a burn: whether it was the last one."""
        if self._is_out():
            self.deployment.send(DeploySignal.SEEN)
        elif self._attempt >= self.max_deploy_attempts:
            self.deployment.send(DeploySignal.EXHAUSTED)

    def succeeded(self) -> None:
        """The sensor has seen the antenna."""
        self._remember(is_deployed=True)
        self.deploy_success(self._attempt)
        self.deploy_finish(DeployResult.DEPLOY_RESULT_SUCCESS, self._attempt)

    def aborted(self) -> None:
        """The ground has ended the deployment."""
        self.deploy_finish(DeployResult.DEPLOY_RESULT_ABORT, self._attempt)

    def failed(self) -> None:
        """No attempt is left."""
        self.deploy_finish(DeployResult.DEPLOY_RESULT_FAILED, self._attempt)

    # What is known

    def _is_out(self) -> bool:
        """Whether the sensor says that the antenna is out; one that is silent says no such thing."""
        return self._sensor is not None and self._sensor.read("value") == 1.0

    def _remember(self, *, is_deployed: bool) -> bool:
        self.deployed = is_deployed
        try:
            self._record.write(DEPLOYED if is_deployed else FOLDED, supersedes=True)
        except OSError as fault:
            self._report("write", fault)
            return False
        return True

    def _report(self, operation: str, fault: OSError) -> None:
        self.file_operation_error(self.file, f"{operation}: {reason_of(fault)}")
