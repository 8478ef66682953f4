"""A cellular or satellite modem on a serial line, brought up by AT commands."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    U32,
    WARNING_HI,
    WARNING_LO,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Setting,
    Size,
    String,
    command,
    event,
    guarded_port,
    sync_port,
)
from kittiwake.storage.root import reason_of
from kittiwake.wire.link_address import parse_link
from kittiwake_components.bearer_adapter import BearerAdapter
from kittiwake_components.interface_traffic import InterfaceTraffic, check_interface
from kittiwake_components.modem_bearer.call import Call
from kittiwake_components.modem_bearer.exchange import Exchange
from kittiwake_components.modem_bearer.pin_tries import PinTries
from kittiwake_components.modem_bearer.procedures import (
    ADDRESS_SIZE,
    Limits,
    ModemPhase,
    bring_up,
    hang_up,
    look,
    watch,
)
from kittiwake_components.modem_bearer.serial_line import SerialLine
from kittiwake_components.modem_bearer.setup import ModemSetup, parse_modem_setup
from kittiwake_components.ports.bearer import UNKNOWN_RSSI, BearerCondition
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.link import Bytes, Flush, LinkState, LinkStatus, Room

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer
    from kittiwake.storage.finding import Finding
    from kittiwake_components.modem_bearer.procedures import Dialogue

LISTENERS = 4
FAULT_SIZE = 160
U32_MAX = 0xFFFFFFFF


class Doing(Enum):
    """What the adapter is at."""

    NOTHING = 0
    LOOKING = 1
    COMING_UP = 2
    WATCHING = 3
    IN_CALL = 4
    HANGING_UP = 5


def check_url(url: str) -> None:
    """Raises `ValueError` for what is no serial line; empty means no modem."""
    if url and parse_link(url).kind != "serial":
        raise ValueError(f"a modem is at serial:///dev/NAME?baud=N, not {url!r}")


def check_setup(text: str) -> None:
    """Raises `ValueError` for what is no setup."""
    parse_modem_setup(text)


class ModemBearer(BearerAdapter):
    """Registers, connects, watches and hangs up (3GPP TS 27.007, ITU-T V.250).

    A packet data connexion is the modem's, whose network interface the system uses. The bytes of a call that is
    dialled go through this component, which then is the link.
    """

    link_out = OutputPortArray(LinkStatus, LISTENERS, doc="Whether the bearer carries, or has room: to who sends.")
    data_out = OutputPort(Bytes, doc="What came in a call.")

    phase = Channel(ModemPhase, on_change=True, doc="What the modem is being asked.")
    address = Channel(String(ADDRESS_SIZE), on_change=True, doc="What the network gave; empty: none.")
    bringups = Channel(U32, on_change=True, doc="Times that it was ordered up.")

    url = Setting(str, default="", check=check_url, doc="The modem: serial:///dev/NAME?baud=N; empty: there is none.")
    setup = Setting(
        str, default="", check=check_setup, doc="What it is brought up with where the manager has no setup for it."
    )
    interface = Setting(
        str,
        default="",
        check=check_interface,
        doc="The modem's network interface, whose bytes are counted; empty: none.",
    )
    answer_s = Setting(float, default=5.0, low=0.1, high=60.0, doc="For an answer to what needs no network.")
    register_s = Setting(float, default=120.0, low=2.0, high=3600.0, doc="For the modem to find a network.")
    connect_s = Setting(float, default=60.0, low=1.0, high=300.0, doc="For an answer to what the network has to do.")
    measure_s = Setting(float, default=10.0, low=0.5, high=3600.0, doc="How often a connexion is looked at.")
    degraded_dbm = Setting(int, default=-107, low=-200, high=0, doc="Below it the bearer is degraded.")
    radio_off = Setting(bool, default=False, doc="The modem's radio is switched off while the bearer is down.")
    pin_file = Setting(str, default="/modem_pin", doc="Record of the PIN's tries.")

    @event(WARNING_HI, "The SIM did not take the PIN: it is not told again before RETRY_PIN, or another PIN")
    def pin_refused(self) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Annotated[str, Size(FAULT_SIZE)]) -> None: ...

    # Life

    def initialize(self) -> None:
        poller = self._context.loop.poller
        self._line = (
            SerialLine(parse_link(self.url), self.platform.network, poller, self._received, self._drained, self._broke)
            if self.url
            else None
        )
        self._limits = Limits(self.answer_s, self.register_s, self.connect_s, self.measure_s, self.radio_off)
        self._tries = PinTries(self.platform.files, self.root.resolve(self.pin_file))
        self._traffic = InterfaceTraffic(self.platform.files, self.interface)
        self._doing = Doing.NOTHING
        self._exchange: Exchange | None = None
        self._setup = ModemSetup()
        self._next: ModemSetup | None = None
        self._strength_dbm = UNKNOWN_RSSI
        self._timer: Timer | None = None
        self._call: Call | None = None
        self._bringups = 0

    def start(self) -> None:
        self.show(BearerCondition.DOWN)
        self.phase = ModemPhase.OFF
        self._tell_link(LinkState.DOWN)

    def stop(self) -> None:
        self._stop_waiting()
        if self._line is not None:
            self._line.close()  # the modem hangs up by that, or with the next order

    # Orders

    def bring_up(self, setup: str) -> None:
        """Has the modem connect, or tells why it cannot."""
        self._bringups = (self._bringups + 1) & U32_MAX
        self.bringups = self._bringups
        try:
            wanted = parse_modem_setup(setup or self.setup)
        except ValueError as fault:
            self.take_down()
            self.tell(BearerCondition.DOWN, reason=str(fault))
            return
        if self._doing in (Doing.NOTHING, Doing.LOOKING):
            self._begin(wanted)
        elif self._doing is Doing.HANGING_UP:
            self._next = wanted
        elif wanted != self._setup:
            self._hang_up()
            self._next = wanted
        elif self._doing is not Doing.COMING_UP:
            self._look_now()

    def take_down(self) -> None:
        """Hangs up; the line is closed once the modem has."""
        self._next = None
        self.show(BearerCondition.DOWN)
        if self._doing is Doing.LOOKING:
            self._close()
        elif self._doing not in (Doing.NOTHING, Doing.HANGING_UP):
            self._hang_up()

    def scan(self) -> None:
        """Measures the signal, but of a modem in a call, which has other things to say."""
        if self._doing in (Doing.WATCHING, Doing.IN_CALL):
            self._look_now()
        elif self._doing is Doing.NOTHING and self._open():
            self._run(Doing.LOOKING, look(self._limits, self))

    def _look_now(self) -> None:
        """Tells how it is, of a connexion after a look at it."""
        if self._exchange is None:
            self._tell_present()
        else:
            self._exchange.hurry(self.clock.now_ns())
            self._go_on()

    @command
    def retry_pin(self) -> None:
        """Lets the PIN be told to the SIM again, twice at most; a third refusal locks the SIM."""
        try:
            self._tries.forget()
        except OSError as fault:
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None

    # The modem

    def _open(self) -> bool:
        """Whether there is a line; tells why not."""
        if self._line is None:
            self.tell(BearerCondition.DOWN, reason="no modem is set (setting url)")
            return False
        try:
            self._line.open()
        except (OSError, ValueError) as fault:
            self.tell(BearerCondition.DOWN, reason=reason_of(fault))
            return False
        return True

    def _begin(self, setup: ModemSetup) -> None:
        self._setup = setup
        self._strength_dbm = UNKNOWN_RSSI
        if self._open():
            self._run(Doing.COMING_UP, bring_up(setup, self._limits, self))
        else:
            self._close()

    def _run(self, doing: Doing, dialogue: Dialogue) -> None:
        self._doing = doing
        self._exchange = Exchange(dialogue, self.clock.now_ns())
        self._go_on()

    def _go_on(self) -> None:
        """Sends what the dialogue has to say, sees to its end, and waits for its time."""
        exchange, line = self._exchange, self._line
        if exchange is None or line is None:
            return
        if exchange.output:
            line.add(bytes(exchange.output))
            exchange.output.clear()
            line.flush()
        if self._exchange is not exchange:
            return  # the line broke
        if exchange.is_done:
            self._ended(exchange)
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.call_at(exchange.deadline_ns, self._tick)

    def _tick(self) -> None:
        if self._exchange is not None:
            self._exchange.tick(self.clock.now_ns())
            self._go_on()

    def _received(self, data: bytes) -> None:
        if self._call is not None:
            self._call.receive(data)
        elif self._exchange is not None:
            self._exchange.receive(data, self.clock.now_ns())
            self._go_on()

    def _ended(self, exchange: Exchange) -> None:
        doing, self._exchange = self._doing, None
        if doing is Doing.HANGING_UP:
            self._close()
        elif doing is Doing.LOOKING:
            strength_dbm = self._strength_dbm
            self._close()
            self.tell(BearerCondition.DOWN, strength_dbm, exchange.fault or "it is not wanted")
        elif exchange.fault:
            self._fail(exchange.fault)
        else:
            self._came_up(exchange)

    def _came_up(self, exchange: Exchange) -> None:
        self._traffic.begin()
        if self._setup.dial:
            self._pick_up()
        else:
            self._run(Doing.WATCHING, watch(self._limits, self))
        self._tell_present()
        self._tell_link(LinkState.UP)
        if self._call is not None and (rest := exchange.rest()):
            self._call.receive(rest)

    def _pick_up(self) -> None:
        assert self._line is not None
        self._doing = Doing.IN_CALL
        self._call = Call(self._line, self.clock, self._heard, self._report_traffic, self._call_ended)

    def _heard(self, data: bytes) -> None:
        if self.is_connected(ModemBearer.data_out):
            self.data_out(data)

    def _call_ended(self) -> None:
        self._fail("the call ended")

    def _fail(self, reason: str) -> None:
        """It could not be brought up, or is lost: whatever is left of it is ended."""
        self._hang_up()
        self.tell(BearerCondition.DOWN, reason=reason)

    def _broke(self, reason: str) -> None:
        """The line is gone, and the modem with it."""
        was_ending = self._doing is Doing.HANGING_UP
        self._close()
        if not was_ending:
            self.tell(BearerCondition.DOWN, reason=reason)

    def _hang_up(self) -> None:
        was_up = self._doing in (Doing.WATCHING, Doing.IN_CALL)
        self._end()
        self.entered(ModemPhase.HANG_UP)
        self._run(Doing.HANGING_UP, hang_up(self._setup, self._limits, is_connected=was_up))

    def _close(self) -> None:
        """Nothing is left to say; what was ordered meanwhile begins."""
        self._end()
        if self._line is not None:
            self._line.close()
        self.entered(ModemPhase.OFF)
        self.address = ""
        wanted, self._next = self._next, None
        if wanted is not None:
            self._begin(wanted)

    def _end(self) -> None:
        """Whatever it is at is over."""
        was_up = self._doing in (Doing.WATCHING, Doing.IN_CALL)
        if was_up:
            self._report_traffic()
        self._stop_waiting()
        self._exchange, self._doing = None, Doing.NOTHING
        if was_up:
            self._tell_link(LinkState.DOWN)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._call is not None:
            self._call.close()
            self._call = None

    # What the dialogue tells

    def entered(self, phase: ModemPhase) -> None:
        """The dialogue is at a new phase."""
        self.phase = phase

    def measured(self, rssi_dbm: int) -> None:
        """The strength of the signal."""
        self._strength_dbm = rssi_dbm
        if self._doing is Doing.WATCHING:
            self._report_traffic()
            self._tell_present()

    def addressed(self, address: str) -> None:
        """The network gave an address."""
        self.address = address

    def may_try_pin(self, pin: str) -> bool:
        """Whether the PIN may be told once more; that it is about to be is durable then."""
        try:
            is_spent, findings = self._tries.is_spent(pin)
            self._report_findings(findings)
            if not is_spent:
                self._tries.count(pin)
        except OSError as fault:
            self.file_fault(self.pin_file, reason_of(fault))
            return False
        return not is_spent

    def pin_tried(self, pin: str, *, is_taken: bool) -> None:
        """What the SIM said to it. A record that cannot be written still counts the try, which is the safe side."""
        try:
            if is_taken:
                self._tries.forget()
            else:
                self._tries.count(pin, is_refused=True)
        except OSError as fault:
            self.file_fault(self.pin_file, reason_of(fault))
        if not is_taken:
            self.pin_refused()

    def _report_findings(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            self.file_fault(self.pin_file, finding.detail)

    # What is told

    def _tell_present(self) -> None:
        is_weak = self._strength_dbm != UNKNOWN_RSSI and self._strength_dbm < self.degraded_dbm
        self.tell(BearerCondition.DEGRADED if is_weak else BearerCondition.UP, self._strength_dbm)

    def _tell_link(self, state: LinkState) -> None:
        for listener in range(LISTENERS):
            if self.is_connected(ModemBearer.link_out, listener):
                self.link_out[listener](state)

    def _report_traffic(self) -> None:
        sent, received = self._traffic.since_last()
        call_sent, call_received = (0, 0) if self._call is None else self._call.take_counts()
        self.tell_traffic(sent + call_sent, received + call_received)

    # A call

    @guarded_port(Room)
    def room(self) -> int:
        """How many bytes may be handed over now; 0 while there is no call."""
        return 0 if self._call is None else self._call.room()

    def _drained(self) -> None:
        if self._call is not None and self._call.has_news_of_room():
            self._tell_link(LinkState.UP)

    @sync_port(Bytes)
    def data_in(self, data: bytes) -> None:
        """One whole frame to send in the call; without one it is lost."""
        if self._call is not None:
            self._call.send(data)

    @sync_port(Flush)
    def flush(self) -> None:
        """Sends what waits, as far as there is room."""
        if self._line is not None and self._call is not None:
            self._line.flush()
