"""Makes a device known to its administration: its identity, its signed configuration, and the way back."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.model import (
    U8,
    U32,
    After,
    Channel,
    CommandError,
    CommandResponse,
    On,
    OutputPort,
    Parameter,
    Setting,
    State,
    StateMachine,
    String,
    async_port,
    command,
    guarded_port,
    internal_port,
)
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.finding import move_aside
from kittiwake.storage.record import AtomicRecord
from kittiwake.storage.root import reason_of
from kittiwake.wire.enrollment_package import MAX_MACHINE_ID, MAX_PACKAGE, Enrolment, is_machine_id, read_package
from kittiwake.wire.update_package import MAX_KEY_FILE_SIZE, parse_update_keys
from kittiwake_components.enrollment.reports import EnrollmentReports
from kittiwake_components.enrollment.slots import ConfigSlots
from kittiwake_components.enrollment.states import EnrollSignal, EnrollState
from kittiwake_components.ports.enrollment import SERVER_SIZE, ConfigRequest
from kittiwake_components.ports.file import FileAnnounce
from kittiwake_components.ports.link import PacketRouted
from kittiwake_components.ports.service import CallService, ServiceFault, arguments_of, failed, succeeded
from kittiwake_components.ports.supervision import CycleStep, StepBegin, StepDone

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG_FILE = "config.json"
IDENTITY_BYTES = 8
MAX_DOUBLINGS = 16

S, G = EnrollState, EnrollSignal
_SETTLED = (EnrollState.CONNECTED, EnrollState.DISCONNECTED)


def _check_machine_id(text: str) -> None:
    if text and not is_machine_id(text):
        raise ValueError(f"a machine id is 1 to {MAX_MACHINE_ID} letters, digits, dots, dashes and underscores")


class Enrollment(EnrollmentReports):
    """The enrolment of a battery device (RustiqIOT's `enrollment_process`), as one declared state machine.

    A configuration is signed, made for this machine, and no older than the last. It counts on trial first, and is
    confirmed by a packet from the administration; else the one before it counts again.
    """

    enrolment = StateMachine(
        S,
        G,
        State(S.FACTORY, On(G.BEGIN, S.LISTENING, do="begin"), On(G.ARRIVED, S.FETCHING, do="begin")),
        State(
            S.LISTENING, On(G.BEGIN, do="request"), On(G.ARRIVED, S.FETCHING),
            After("left_s", S.FACTORY, do="time_out"), After("fetch_every_s", do="request"), entry="request",
        ),
        State(
            S.FETCHING, On(G.FETCHED, S.VERIFYING), On(G.REFUSED, S.ENROLLED, guard="is_on_trial"),
            On(G.REFUSED, S.DISCONNECTED, guard="is_enrolled"), On(G.REFUSED, S.LISTENING),
            After(10.0, do="take_too_long"), entry="fetch",
        ),
        State(
            S.VERIFYING, On(G.VERIFIED, S.ENROLLED), On(G.REFUSED, S.ENROLLED, guard="is_on_trial"),
            On(G.REFUSED, S.DISCONNECTED, guard="is_enrolled"), On(G.REFUSED, S.LISTENING),
            After(10.0, do="take_too_long"), entry="verify",
        ),
        State(
            S.ENROLLED, On(G.ARRIVED, S.FETCHING), On(G.CONTACT, S.CONNECTED, guard="may_confirm", do="confirm"),
            On(G.GIVEN_UP, S.DISCONNECTED, guard="is_enrolled"), On(G.GIVEN_UP, S.FACTORY),
            After("trial_left_s", do="give_up_trial"), After("trial_wait_s", do="wait_no_longer"), entry="apply",
        ),
        State(
            S.CONNECTED, On(G.ARRIVED, S.FETCHING), On(G.CONTACT, S.CONNECTED),
            After("disconnected_after_s", S.DISCONNECTED, do="lose"), entry="note_contact",
        ),
        State(
            S.DISCONNECTED, On(G.ARRIVED, S.FETCHING), On(G.CONTACT, S.CONNECTED),
            After("backoff_s", S.DISCONNECTED, do="request_seldom"),
        ),
        State(S.RESET, On(G.DONE, S.FACTORY), After(1.0, do="reset"), entry="reset"),
        anywhere=[On(G.RESET, S.RESET)],
        channel="state",
        changed="changed",
        doc="From the factory to an enrolled device, and back.",
    )  # fmt: skip

    step_done = OutputPort(StepDone, doc="Tells the supervisor how its step ENROLL went.")
    fetch_out = OutputPort(ConfigRequest, doc="Asks for the configuration, unless the ground uplinks it.")
    config_out = OutputPort(FileAnnounce, doc="A configuration counts now: the file has it as JSON.")

    state = Channel(EnrollState, on_change=True, doc="Where the enrolment stands.")
    attempts = Channel(U32, on_change=True, doc="Configurations that were read, since the start.")
    config_sequence = Channel(U32, on_change=True, doc="The sequence of the configuration that counts; 0 for none.")
    trial_starts_left = Channel(U8, on_change=True, doc="Starts that a configuration on trial has left.")

    enroll_timeout_s = Parameter(U32, default=900, low=1, high=86400, unit="s", doc="The longest wait in LISTENING.")
    fetch_every_s = Parameter(U32, default=60, low=1, high=86400, unit="s", doc="How often it is asked for there.")
    confirm_after_s = Parameter(
        U32, default=10, low=0, high=3600, unit="s", doc="A packet confirms a configuration after so long on trial."
    )
    confirm_timeout_s = Parameter(
        U32, default=3600, low=1, high=604_800, unit="s", doc="A start on trial that lasts longer is the last one."
    )
    trial_wait_s = Parameter(
        U32, default=120, low=1, high=3600, unit="s", doc="So long the supervisor waits for a packet on trial."
    )
    trial_starts = Parameter(U8, default=3, low=1, high=100, doc="Starts that a configuration has to be confirmed in.")
    disconnected_after_s = Parameter(
        U32, default=86_400, low=1, high=2_592_000, unit="s", doc="So long without a packet is a lost administration."
    )
    retry_s = Parameter(U32, default=3600, low=1, high=86400, unit="s", doc="The first pause in DISCONNECTED.")
    retry_max_s = Parameter(U32, default=86_400, low=1, high=2_592_000, unit="s", doc="Pauses double up to this.")
    arm_s = Parameter(U32, default=60, low=1, high=3600, unit="s", doc="FACTORY_RESET counts for so long.")
    server = Parameter(String(SERVER_SIZE), default="", doc="Where configurations are fetched from.")

    machine_id = Setting(
        str,
        default="",
        check=_check_machine_id,
        doc="The machine's id; empty: one is drawn at the first start.",
    )
    identity_file = Setting(str, default="/identity", doc="Record of an id that was drawn.")
    folder = Setting(str, default="/enrollment", doc="Where configurations are kept.")
    inbox = Setting(str, default="/incoming/enrollment.kwe", doc="The file as which a configuration comes.")
    keys = Setting(str, default="/keys/enrollment.keys", doc="The public keys of those who may sign one.")

    def initialize(self) -> None:
        files = self.platform.files
        self._slots = ConfigSlots(files, self.root.resolve(self.folder))
        self._identity_record = AtomicRecord(files, self.root.resolve(self.identity_file), 1, MAX_MACHINE_ID)
        self._id = ""
        self._config: Enrolment | None = None
        self._package = b""
        self._token: int | None = None
        self._deadline_ns = self._trial_ns = self._contact_ns = self._armed_until_ns = 0
        self._attempts = self._quiet_requests = 0
        self._is_stuck = False

    def start(self) -> None:
        self._id = self._known_identity()
        state = EnrollState.FACTORY
        try:
            self.report_findings(self._slots.read())
            state = self._running_state()
        except OSError as fault:
            self.report_fault(self.folder, fault)
        self._show()
        self.enrolment.start(state)

    def stop(self) -> None:
        self.enrolment.stop()

    def _known_identity(self) -> str:
        if self.machine_id:
            return self.machine_id
        try:
            reading = self._identity_record.read()
            self.report_findings(reading.findings)
            found = (reading.payload or b"").decode("ascii", "replace")
            if is_machine_id(found):
                return found
            found = self.platform.random.token_bytes(IDENTITY_BYTES).hex()
            self._identity_record.write(found.encode())
        except OSError as fault:
            self.report_fault(self.identity_file, fault)
            return "unknown"
        self.identity_made(found)
        return found

    def _running_state(self) -> EnrollState:
        """The state that this start begins in: the configuration on trial has one start less."""
        table = self._slots.table
        if table.trial:
            is_good = self._load(table.trial)
            if is_good and table.starts_left:
                self._trial_ns = self.clock.now_ns()
                self._slots.write(table._replace(starts_left=table.starts_left - 1))
                return EnrollState.ENROLLED
            sequence = self._sequence()
            self._slots.give_up_trial()
            self.config_rolled_back(sequence, "its starts are used up" if is_good else "it is damaged")
        self._load_running()
        self._publish()
        return EnrollState.FACTORY if self._config is None else EnrollState.DISCONNECTED

    def _load_running(self) -> None:
        slot = self._slots.table.running
        if not slot or not self._load(slot):
            self._config = None

    def _load(self, slot: int) -> bool:
        self._config = None
        try:
            self._config = self._slots.load(slot, self._public_keys())
        except (ValueError, FileNotFoundError) as fault:
            self.config_damaged(str(fault))
            return False
        return True

    # Ports

    @async_port(StepBegin, full="drop_oldest")
    def step_begin(self, step: CycleStep, token: int) -> None:
        """The supervisor's ENROLL: answered at once where the device is enrolled, else when it is, or will not be."""
        self._token = token
        if self.enrolment.state in _SETTLED:
            self._answer("")
        else:
            self.enrolment.send(EnrollSignal.BEGIN)

    @async_port(FileAnnounce, full="drop")
    def config_in(self, file: str) -> None:
        """A file has come; the one that `inbox` names is a configuration."""
        try:
            is_ours = self.root.resolve(file) == self.root.resolve(self.inbox)
        except OSError:
            return
        if is_ours:
            self._is_stuck = False
            self.enrolment.send(EnrollSignal.ARRIVED)

    @guarded_port(PacketRouted)
    def packet_routed(self, apid: int, authenticated: bool) -> None:
        """A packet came up: the administration reaches this device."""
        if self.clock.now_ns() - self._contact_ns >= NS_PER_S or self.enrolment.state is not EnrollState.CONNECTED:
            self.enrolment.send(EnrollSignal.CONTACT)

    @guarded_port(CallService)
    def call(self, method: str, arguments: bytes) -> bytes:
        """`get_machine_id`, `is_enrolled`, `get_state`, and `enroll_device`, which begins an enrolment."""
        try:
            given = arguments_of(arguments)
            if method == "get_machine_id":
                return succeeded(self._id)
            if method == "is_enrolled":
                return succeeded(self._is_done())
            if method == "get_state":
                return succeeded(self._described())
            if method == "enroll_device":
                if given not in ([], [self._id]):
                    raise ServiceFault(f"this machine is {self._id}")
                self._begin_later()
                return succeeded(self.enrolment.state.name)
            raise ServiceFault(f"the enrolment has no method {method}")
        except ServiceFault as fault:
            return failed(fault)

    @internal_port(full="drop")
    def _begin_later(self) -> None:
        self.enrolment.send(EnrollSignal.BEGIN)

    def _described(self) -> dict[str, object]:
        return {"machine_id": self._id, "state": self.enrolment.state.name, "sequence": self._sequence()}

    # Commands

    @command
    def enroll(self) -> None:
        """Begins an enrolment; answers OK once it waits for a configuration."""
        if not self.enrolment.send(EnrollSignal.BEGIN):
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"the device is {self.enrolment.state.name}")

    @command
    def arm_factory_reset(self) -> None:
        """Lets FACTORY_RESET count for ARM_S seconds."""
        self._armed_until_ns = self.clock.now_ns() + self.arm_s * NS_PER_S
        self.factory_reset_armed(self.arm_s)

    @command(hazardous=True)
    def factory_reset(self) -> None:
        """Removes configuration and token, so that the device is as it came. Must be armed."""
        if self.clock.now_ns() >= self._armed_until_ns:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "ARM_FACTORY_RESET comes first")
        self._armed_until_ns = 0
        self.enrolment.send(EnrollSignal.RESET)

    @command
    def get_state(self) -> None:
        """Reports where the enrolment stands."""
        self.enrollment_state(self._id, self.enrolment.state, self._sequence())

    # The machine's guards and actions

    def is_enrolled(self) -> bool:
        """Whether a configuration is confirmed."""
        return bool(self._slots.table.active) and self._config is not None

    def is_on_trial(self) -> bool:
        """Whether one counts that is not confirmed."""
        return bool(self._slots.table.trial) and self._config is not None

    def may_confirm(self) -> bool:
        """Whether a packet says something about the configuration on trial, and not about the one that it came by."""
        return self.clock.now_ns() - self._trial_ns >= self.confirm_after_s * NS_PER_S

    def left_s(self) -> float:
        """How much longer a configuration is waited for; one that is refused in between gives no more time."""
        return max(0.0, (self._deadline_ns - self.clock.now_ns()) / NS_PER_S)

    def trial_left_s(self) -> float:
        """How much longer this start may be on trial; one that is refused in between gives no more time."""
        return max(1.0, self.confirm_timeout_s - (self.clock.now_ns() - self._trial_ns) / NS_PER_S)

    def backoff_s(self) -> float:
        """The present pause in DISCONNECTED."""
        return float(min(self.retry_s << min(self._quiet_requests, MAX_DOUBLINGS), self.retry_max_s))

    def changed(self, before: EnrollState, after: EnrollState) -> None:
        """Tells the supervisor as soon as it is decided."""
        if after in _SETTLED:
            self._answer("")
        elif after is EnrollState.FACTORY:
            self._answer("the device is not enrolled")

    def wait_no_longer(self) -> None:
        """On trial the device stays awake for a while, so that somebody can be heard at all; then its cycle goes on."""
        self._answer("")

    def begin(self) -> None:
        """Begins an enrolment."""
        self._deadline_ns = self.clock.now_ns() + self.enroll_timeout_s * NS_PER_S
        self.enroll_started(self._id, self.enroll_timeout_s)

    def request(self) -> None:
        """Asks for the configuration, and looks whether it is there already."""
        if self.is_connected(Enrollment.fetch_out):
            self.fetch_out(self.server, self._id, self.inbox)
        try:
            is_there = self.platform.files.exists(self.root.resolve(self.inbox))
        except OSError:
            return
        if is_there and not self._is_stuck:
            self.enrolment.send(EnrollSignal.ARRIVED)

    def request_seldom(self) -> None:
        """Asks again, after pauses that double."""
        self._quiet_requests = min(self._quiet_requests + 1, MAX_DOUBLINGS)
        self.request()

    def time_out(self) -> None:
        """Nothing has come that would do."""
        self.enroll_timeout(self.enroll_timeout_s)

    def take_too_long(self) -> None:
        """What is done on entry has not sent the machine on."""
        self._refuse("it took too long")

    def fetch(self) -> None:
        """Reads what has come."""
        self._attempts += 1
        self.attempts = self._attempts & 0xFFFFFFFF
        try:
            self._package = self.platform.files.read(self.root.resolve(self.inbox), MAX_PACKAGE)
        except OSError as fault:
            self._refuse(reason_of(fault))
            return
        self.enrolment.send(EnrollSignal.FETCHED)

    def verify(self) -> None:
        """Checks it, and keeps it on trial."""
        package, self._package = self._package, b""
        try:
            self.report_findings(self._slots.require_read())
            config = read_package(package, self._public_keys())
            if config.machine_id != self._id:
                raise ValueError(f"it is for {config.machine_id}, this is {self._id}")
            if config.sequence < self._slots.table.lowest_sequence:
                raise ValueError(f"{config.sequence} is older than {self._slots.table.lowest_sequence}")
            self._slots.stage(package, self.trial_starts)
        except (ValueError, OSError) as fault:
            if self._config is not None and not self._slots.table.trial:
                self._load_running()  # a trial may have ended before the disk failed
            self._refuse(str(fault))
            return
        self._config = config
        self._trial_ns = self.clock.now_ns()
        self._discard(self.platform.files.remove)
        self.enrolment.send(EnrollSignal.VERIFIED)

    def _refuse(self, reason: str) -> None:
        self.enroll_failed(self.enrolment.state, reason)
        self._discard(lambda path: move_aside(self.platform.files, path, "was refused"))
        self.enrolment.send(EnrollSignal.REFUSED)

    def _discard(self, how: Callable[[str], object]) -> None:
        """Takes the file out of the inbox, so that it is looked at once."""
        path = self.root.resolve(self.inbox)
        try:
            if self.platform.files.exists(path):
                how(path)
                self.platform.files.sync_folder(posixpath.dirname(path))
            self._is_stuck = self.platform.files.exists(path)
        except OSError as fault:
            self._is_stuck = True
            self.report_fault(self.inbox, fault)

    def apply(self) -> None:
        """A configuration counts, on trial."""
        self._publish()
        self._show()
        self.config_on_trial(self._sequence(), self._slots.table.starts_left)

    def confirm(self) -> None:
        """The administration was heard with the configuration on trial: it stays."""
        try:
            self._slots.confirm(self._sequence())
        except OSError as fault:
            self.report_fault(self.folder, fault)
            return
        self._show()
        self.enroll_done(self._sequence())

    def give_up_trial(self) -> None:
        """Nobody was heard: the configuration before counts again."""
        sequence = self._sequence()
        try:
            self._slots.give_up_trial()
            self._load_running()
        except OSError as fault:
            self.report_fault(self.folder, fault)
            return
        self._publish()
        self._show()
        self.config_rolled_back(sequence, "nobody was heard")
        self.enrolment.send(EnrollSignal.GIVEN_UP)

    def note_contact(self) -> None:
        """The administration is there."""
        self._contact_ns = self.clock.now_ns()
        self._quiet_requests = 0

    def lose(self) -> None:
        """The administration was not heard for long: jobs go on and reports wait, as nothing here keeps them."""
        self.administration_lost(self.disconnected_after_s)

    def reset(self) -> None:
        """Removes what makes the device an enrolled one. Where the disk fails it is tried again each second."""
        try:
            self.report_findings(self._slots.require_read())
            self._slots.forget()
            self._slots.remove(CONFIG_FILE)
        except OSError as fault:
            self.report_fault(self.folder, fault)
            return
        self._config = None
        self._discard(self.platform.files.remove)
        self._show()
        self.factory_reset_done()
        self.enrolment.send(EnrollSignal.DONE)

    # How they work

    def _sequence(self) -> int:
        return 0 if self._config is None else self._config.sequence

    def _is_done(self) -> bool:
        return self.enrolment.state in (EnrollState.ENROLLED, EnrollState.CONNECTED, EnrollState.DISCONNECTED)

    def _answer(self, reason: str) -> None:
        token, self._token = self._token, None
        if token is not None and self.is_connected(Enrollment.step_done):
            self.step_done(token, not reason, reason)

    def _publish(self) -> None:
        """Writes the configuration that counts as JSON, and tells of it. Made anew at each start, it cannot be torn."""
        import json

        try:
            if self._config is None:
                self._slots.remove(CONFIG_FILE)
                return
            self._slots.place(CONFIG_FILE, json.dumps(self._config.config).encode())
        except OSError as fault:
            self.report_fault(self.folder, fault)
            return
        if self.is_connected(Enrollment.config_out):
            self.config_out(posixpath.join(self.folder, CONFIG_FILE))

    def _public_keys(self) -> dict[int, bytes]:
        try:
            data = self.platform.files.read(self.root.resolve(self.keys), MAX_KEY_FILE_SIZE)
        except FileNotFoundError:
            return {}
        return parse_update_keys(data, self.keys)

    def _show(self) -> None:
        self.config_sequence = self._sequence()
        self.trial_starts_left = self._slots.table.starts_left
