"""What is said to a modem to bring a connexion up, to watch it, and to end it (3GPP TS 27.007, ITU-T V.250)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum
from kittiwake.named_tuple import NamedTuple
from kittiwake_components.modem_bearer.exchange import Answer, Ask, ModemFault, Pause, Say
from kittiwake_components.ports.bearer import UNKNOWN_RSSI

if TYPE_CHECKING:
    from collections.abc import Generator

    from kittiwake_components.modem_bearer.setup import ModemSetup

    Dialogue = Generator[Ask | Say | Pause, Answer, None]

CONTEXT = 1
"""The packet data context that is used (27.007 `<cid>`)."""

QUIET_S = 0.2
GUARD_S = 1.1
"""The silence on both sides of the escape sequence (V.250 and S12: a second)."""

ATTEMPTS_AT_ATTENTION = 6
SILENCES_MAX = 3
REGISTRATION_POLL_S = 2.0
SIM_POLL_S = 1.0
SIM_WAIT_POLLS = 20
ADDRESS_SIZE = 45


@wire_enum(U8, name="Components.ModemPhase")
class ModemPhase(IntEnum):
    """What a modem is being asked."""

    OFF = 0
    ATTENTION = 1
    """Whether it is there."""
    SIM = 2
    REGISTRATION = 3
    """It looks for a network."""
    CONNECTION = 4
    """It connects."""
    ONLINE = 5
    HANG_UP = 6


class Limits(NamedTuple):
    """How long a modem may take: for an answer, to register, to attach or connect; and how often it is looked at.

    With `rests` its radio is off while it is down (27.007 +CFUN).
    """

    answer_s: float
    register_s: float
    connect_s: float
    measure_s: float
    rests: bool = False


class Listener(Protocol):
    """Who wants to know how it goes."""

    def entered(self, phase: ModemPhase) -> None:
        """The dialogue is at a new phase."""

    def measured(self, rssi_dbm: int) -> None:
        """The strength of the signal."""

    def addressed(self, address: str) -> None:
        """The network gave an address."""

    def may_try_pin(self, pin: str) -> bool:
        """Whether a PIN may be told to the SIM; that it is about to be is durable then."""

    def pin_tried(self, pin: str, *, is_taken: bool) -> None:
        """What the SIM said to it."""


def bring_up(setup: ModemSetup, limits: Limits, listener: Listener) -> Dialogue:
    """Has the modem connect. Ends once it has. Raises `ModemFault`."""
    listener.entered(ModemPhase.ATTENTION)
    yield from _attention(limits)
    yield Ask("ATE0", limits.answer_s)
    yield Ask("AT+CMEE=1", limits.answer_s)
    if limits.rests:
        yield from _told("AT+CFUN=1", limits.connect_s, "to switch its radio on")
    listener.entered(ModemPhase.SIM)
    yield from _sim(setup, limits, listener)
    listener.entered(ModemPhase.REGISTRATION)
    yield from _registration(setup, limits, listener)
    listener.entered(ModemPhase.CONNECTION)
    if setup.apn:
        yield from _define(f'AT+CGDCONT={CONTEXT},"IP","{setup.apn}"', limits)
    if setup.user:
        login = f'{CONTEXT},{setup.authentication},"{setup.user}","{setup.password}"'
        yield from _told(f"AT+CGAUTH={login}", limits.answer_s, "the user")
    if setup.dial:
        answer = yield Ask(f"ATD{setup.dial}", limits.connect_s)
        if not answer.is_connected:
            raise ModemFault(f"the call was not connected: {answer.why()}")
    else:
        yield from _told("AT+CGATT=1", limits.connect_s, "to attach")
        yield from _told(f"AT+CGACT=1,{CONTEXT}", limits.connect_s, "to connect")
        listener.addressed((yield from _address(limits)))
    listener.entered(ModemPhase.ONLINE)


def _attention(limits: Limits) -> Dialogue:
    """A modem that was left in a call, is waking up, or has an answer of long ago to give, is brought to listen."""
    yield Pause(QUIET_S)
    for attempt in range(ATTEMPTS_AT_ATTENTION):
        answer = yield Ask("AT", min(limits.answer_s, 1.0))
        if answer.is_ok:
            return
        if attempt == 1:
            yield from _escape()
            yield Ask("ATH", limits.answer_s)
    raise ModemFault("the modem does not answer")


def _escape() -> Dialogue:
    yield Pause(GUARD_S)
    yield Say(b"+++")
    yield Pause(GUARD_S)


def _told(command: str, timeout_s: float, what: str) -> Dialogue:
    answer = yield Ask(command, timeout_s)
    if not answer.is_ok:
        raise ModemFault(f"it was told {what}: {answer.why()}")


def _define(command: str, limits: Limits) -> Dialogue:
    """Defines the context; one that a killed process left active is ended first where the modem wants that."""
    answer = yield Ask(command, limits.answer_s)
    if not answer.is_ok:
        yield Ask(f"AT+CGACT=0,{CONTEXT}", limits.answer_s)
        yield from _told(command, limits.answer_s, "the APN")


def _sim(setup: ModemSetup, limits: Limits, listener: Listener) -> Dialogue:
    for _ in range(SIM_WAIT_POLLS):
        answer = yield Ask("AT+CPIN?", limits.answer_s)
        state = answer.value("+CPIN")
        if state == "READY":
            return
        if state == "SIM PIN":
            yield from _enter_pin(setup, limits, listener)
        elif state is not None:
            raise ModemFault(f"the SIM wants {_shown(state)}")
        elif answer.final not in ("", "+CME ERROR: 14"):  # 14: the SIM is busy
            raise ModemFault(f"the SIM cannot be used: {answer.why()}")
        yield Pause(SIM_POLL_S)
    raise ModemFault("the SIM does not get ready")


def _enter_pin(setup: ModemSetup, limits: Limits, listener: Listener) -> Dialogue:
    if not setup.pin:
        raise ModemFault("the SIM wants a PIN, and the setup has none")
    if not listener.may_try_pin(setup.pin):
        raise ModemFault("this PIN was tried before: it is not tried again")
    answer = yield Ask(f'AT+CPIN="{setup.pin}"', limits.connect_s)
    if not answer.final:
        raise ModemFault("the SIM did not answer to the PIN")
    listener.pin_tried(setup.pin, is_taken=answer.is_ok)
    if not answer.is_ok:
        raise ModemFault(f"the SIM refused the PIN: {answer.why()}")


def _registration(setup: ModemSetup, limits: Limits, listener: Listener) -> Dialogue:
    silences = 0
    for _ in range(max(round(limits.register_s / REGISTRATION_POLL_S), 1)):
        for name in ("+CEREG", "+CREG"):
            answer = yield Ask(f"AT{name}?", limits.answer_s)
            silences = 0 if answer.final else silences + 1
            if silences > SILENCES_MAX:
                raise ModemFault("the modem does not answer")
            if _is_registered(answer.value(name), setup):
                listener.measured((yield from signal(limits)))
                return
        yield Pause(REGISTRATION_POLL_S, True)
    raise ModemFault(f"no network in {limits.register_s:g} s")


def _is_registered(value: str | None, setup: ModemSetup) -> bool:
    """By `<n>,<stat>` of 27.007. Raises `ModemFault` where waiting is of no use."""
    fields = [] if value is None else value.split(",")
    stat = fields[1].strip() if len(fields) > 1 else ""
    if stat == "5" and not setup.may_roam:
        raise ModemFault("the network is not its own, and the setup forbids roaming")
    if stat == "3":
        raise ModemFault("the network refused the registration")
    return stat in ("1", "5")


def signal(limits: Limits) -> Generator[Ask | Say | Pause, Answer, int]:
    """The strength of the signal in dBm by +CSQ: -113 for 0, 2 more each."""
    answer = yield Ask("AT+CSQ", limits.answer_s)
    level = (answer.value("+CSQ") or "").split(",")[0].strip()
    is_known = level.isascii() and level.isdecimal() and len(level) < 3 and int(level) <= 31  # 99: unknown
    return 2 * int(level) - 113 if is_known else UNKNOWN_RSSI


def _address(limits: Limits) -> Generator[Ask | Say | Pause, Answer, str]:
    answer = yield Ask(f"AT+CGPADDR={CONTEXT}", limits.answer_s)
    fields = (answer.value("+CGPADDR") or "").split(",")
    address = fields[1].strip().strip('"') if len(fields) > 1 else ""
    if not address.strip("0.:"):
        raise ModemFault("the network gave no address")
    return _shown(address)[:ADDRESS_SIZE]


def _shown(text: str) -> str:
    return "".join([one if one.isascii() and one.isprintable() else "?" for one in text])[:ADDRESS_SIZE]


def watch(limits: Limits, listener: Listener) -> Dialogue:
    """Looks at a connexion that is up, without an end. Raises `ModemFault` when it is gone."""
    silences = 0
    while True:
        yield Pause(limits.measure_s, True)
        strength_dbm = yield from signal(limits)
        answer = yield Ask("AT+CGACT?", limits.answer_s)
        silences = 0 if answer.final else silences + 1
        if silences >= SILENCES_MAX:
            raise ModemFault("the modem does not answer any more")
        if _is_lost(answer):
            raise ModemFault("the network ended the connexion")
        if answer.final:
            listener.measured(strength_dbm)


def _is_lost(answer: Answer) -> bool:
    """Whether the modem says that the context is not active."""
    states = [line.partition(":")[2].strip().split(",") for line in answer.lines if line.startswith("+CGACT:")]
    own = [state for state in states if len(state) == 2 and state[0].strip() == str(CONTEXT)]
    return answer.is_ok and (not states or any(state[1].strip() == "0" for state in own))


def look(limits: Limits, listener: Listener) -> Dialogue:
    """Measures the signal of a modem that is not wanted."""
    yield from _attention(limits)
    listener.measured((yield from signal(limits)))


def hang_up(setup: ModemSetup, limits: Limits, *, is_connected: bool) -> Dialogue:
    """Ends what there is, whether the modem answers or not."""
    if setup.dial:
        if is_connected:
            yield from _escape()
        answer = yield Ask("ATH", limits.answer_s)
    else:
        answer = yield Ask(f"AT+CGACT=0,{CONTEXT}", limits.answer_s)
    if limits.rests and answer.final:
        yield Ask("AT+CFUN=4", limits.answer_s)
