"""ModemBearer: how it brings a modem up, watches it and hangs up, on virtual time."""

from __future__ import annotations

from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ModemBearer
from kittiwake_components.modem_bearer.procedures import ModemPhase
from kittiwake_components.ports.bearer import UNKNOWN_RSSI, BearerCondition, BearerOrder
from kittiwake_components.ports.link import LinkState
from tests.components.modem_bearer.at_modem import AtModem

UP, DEGRADED, DOWN = BearerCondition.UP, BearerCondition.DEGRADED, BearerCondition.DOWN
DEVICE = "/dev/ttyUSB2"
STEP_S = 0.05


class Bench:
    """The component at a simulated line, with a modem that answers at once."""

    def __init__(self, *, setup: str = "apn=internet", **settings: Any) -> None:
        self.modem = AtModem()
        self.setup = setup
        self.platform = SimulatedPlatform(3)
        self.far: Any = None
        self.plug_in()
        self.tester = ComponentTester(
            ModemBearer, settings={"url": f"serial://{DEVICE}?baud=115200", **settings}, platform=self.platform
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.tester.finish()

    def plug_in(self) -> None:
        """The modem's line is there, and may be opened once."""
        self.far = self.platform.network.attach_serial(DEVICE)

    def order(self, order: BearerOrder, setup: str | None = None) -> None:
        self.tester.call.control_in(order, self.setup if setup is None else setup)

    def live(self, seconds: float) -> None:
        """Lets time pass, in which the modem answers."""
        for _ in range(round(seconds / STEP_S)):
            self.tester.advance(STEP_S)
            while data := self._heard():
                self.say(self.modem.feed(data, self.tester.platform.clock.now_ns() / 1e9))

    def _heard(self) -> bytes:
        data: bytes | None = self.far.receive(4096)
        return data or b""

    @property
    def is_closed(self) -> bool:
        """Whether the component has closed its end."""
        line: Any = self.tester.component._line
        return not line.is_open

    def say(self, data: bytes) -> None:
        if data:
            self.far.send(data)
            self.tester.settle()

    def bring_up(self) -> None:
        self.order(BearerOrder.BRING_UP)
        self.live(5)

    @property
    def told(self) -> list[tuple[BearerCondition, int, str]]:
        return list(self.tester.ports.status_out)

    @property
    def reason(self) -> str:
        condition, _, reason = self.told[-1]
        assert condition is DOWN
        return reason


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(ModemBearer) == []


# Coming up


def test_it_registers_and_connects() -> None:
    """REQ-MBR-001."""
    with Bench() as bench:
        bench.modem.registration = ["2", "2", "2", "1"]
        bench.bring_up()
        assert bench.told == [(UP, -71, "")]
        assert bench.tester.channels["Phase"] is ModemPhase.ONLINE
        assert bench.tester.channel("Phase").history[:5] == [
            ModemPhase.OFF, ModemPhase.ATTENTION, ModemPhase.SIM, ModemPhase.REGISTRATION, ModemPhase.CONNECTION,
        ]  # fmt: skip
        assert bench.tester.channels["Address"] == "10.64.1.2"
        assert bench.modem.is_active
        assert bench.modem.heard == [
            "AT", "ATE0", "AT+CMEE=1", "AT+CPIN?", "AT+CEREG?", "AT+CREG?", "AT+CEREG?", "AT+CREG?", "AT+CSQ",
            'AT+CGDCONT=1,"IP","internet"', "AT+CGATT=1", "AT+CGACT=1,1", "AT+CGPADDR=1",
        ]  # fmt: skip


def test_user_and_password_go_to_the_modem_and_nowhere_else() -> None:
    """REQ-MBR-001, REQ-MBR-009."""
    with Bench(setup=r"apn=net;user=me;password=a\;b;auth=chap;pin=4321") as bench:
        bench.modem.answers["AT+CGAUTH*"] = "ERROR"
        bench.bring_up()
        assert 'AT+CGAUTH=1,2,"me","a;b"' in bench.modem.heard
        assert bench.reason == "it was told the user: ERROR"
        shown = str([*bench.tester.events, *bench.told, bench.tester.trace])
        assert "a;b" not in shown.replace(bench.setup, "")
        assert "4321" not in shown.replace(bench.setup, "")


@pytest.mark.parametrize(
    "answers, reason",
    [
        ({"*": ""}, "the modem does not answer"),
        ({"AT+CPIN?": "+CPIN: SIM PUK\r\n\r\nOK"}, "the SIM wants SIM PUK"),
        ({"AT+CPIN?": "+CME ERROR: 10"}, "the SIM cannot be used: +CME ERROR: 10"),
        ({"AT+CPIN?": "+CME ERROR: 14"}, "the SIM does not get ready"),
        ({"AT+CPIN?": "+CPIN: SIM PIN\r\n\r\nOK"}, "the SIM wants a PIN, and the setup has none"),
        ({"AT+CEREG?": "+CEREG: 0,3\r\n\r\nOK"}, "the network refused the registration"),
        ({"AT+CEREG?": "ERROR", "AT+CREG?": "+CREG: 0,2\r\n\r\nOK"}, "no network in 30 s"),
        ({"AT+C*REG?": "", "AT+CEREG?": "", "AT+CREG?": ""}, "the modem does not answer"),
        ({"AT+CGATT*": "+CME ERROR: 148"}, "it was told to attach: +CME ERROR: 148"),
        ({"AT+CGACT=1*": ""}, "it was told to connect: the modem does not answer"),
        ({"AT+CGPADDR*": 'OK'}, "the network gave no address"),
        ({"AT+CGPADDR*": '+CGPADDR: 1,"0.0.0.0"\r\n\r\nOK'}, "the network gave no address"),
    ],
)  # fmt: skip
def test_each_step_that_fails_is_told_with_its_reason(answers: dict[str, str], reason: str) -> None:
    """REQ-MBR-002: in its time, once, and the line is given back."""
    with Bench(register_s=30.0, connect_s=10.0, answer_s=2.0) as bench:
        bench.modem.answers = answers
        bench.order(BearerOrder.BRING_UP)
        bench.live(90)
        assert len(bench.told) == 1
        assert bench.reason == reason
        assert bench.tester.channels["Phase"] is ModemPhase.OFF
        assert bench.far.receive(10) == b""  # closed


def test_it_knows_the_older_registration_too() -> None:
    """REQ-MBR-001: a modem without LTE answers ERROR to +CEREG."""
    with Bench() as bench:
        bench.modem.answers["AT+CEREG?"] = "ERROR"
        bench.bring_up()
        assert bench.told[-1][0] is UP


def test_roaming_can_be_forbidden() -> None:
    """REQ-MBR-002: for it costs."""
    for setup, condition in (("apn=net;roaming=no", DOWN), ("apn=net", UP)):
        with Bench(setup=setup) as bench:
            bench.modem.registration = ["5"]
            bench.bring_up()
            assert bench.told[-1][0] is condition


@pytest.mark.parametrize(
    "setup, reason",
    [
        ("apn", "the setup is KEY=VALUE"),
        ("colour=blue", "not 'colour'"),
        ("apn=a;apn=b", "apn twice"),
        ('apn=a"b', "apn has a character"),
        ("apn=a\r\nAT+CFUN=0", "apn has a character"),
        ("pin=12", "pin has 4 to 8 digits"),
        ("dial=@", "dial is a number"),
        ("auth=md5", "auth is pap or chap"),
        ("roaming=maybe", "roaming is yes or no"),
        ("apn=net;password=x;secret-rest", "the setup is KEY=VALUE"),
    ],
)
def test_a_setup_that_makes_no_sense_is_told_and_not_tried(setup: str, reason: str) -> None:
    """REQ-MBR-002, REQ-MBR-009: no command can be brought in by it, and no value is shown."""
    with Bench() as bench:
        bench.order(BearerOrder.BRING_UP, setup)
        assert reason in bench.reason
        assert "secret-rest" not in bench.reason
        bench.live(1)
        assert bench.modem.heard == []


def test_without_a_device_it_says_so() -> None:
    """REQ-MBR-002: whether none is set or none is plugged in."""
    with Bench(url="") as bench:
        bench.order(BearerOrder.BRING_UP)
        assert bench.reason == "no modem is set (setting url)"
        bench.order(BearerOrder.SCAN)
        assert len(bench.told) == 2
    with Bench(url="serial:///dev/ttyUSB9?baud=115200") as bench:
        bench.order(BearerOrder.BRING_UP)
        assert "No such file" in bench.reason
        bench.order(BearerOrder.TAKE_DOWN)
        bench.live(2)
        assert len(bench.told) == 1


def test_a_modem_that_was_left_in_a_call_is_brought_back() -> None:
    """REQ-MBR-003: the device lost its power in a call that the modem went on with."""
    with Bench() as bench:
        bench.modem.is_in_call = True
        bench.order(BearerOrder.BRING_UP)
        bench.live(20)
        assert bench.told[-1][0] is UP
        assert not bench.modem.is_in_call


def test_a_connexion_that_a_killed_process_left_is_ended_first() -> None:
    """REQ-MBR-003: a modem may refuse another access point for one that is active."""
    with Bench() as bench:
        bench.modem.is_active = bench.modem.is_strict = True
        bench.bring_up()
        assert bench.told[-1][0] is UP
        assert bench.modem.heard.count('AT+CGDCONT=1,"IP","internet"') == 2
        assert bench.modem.heard.count("AT+CGACT=0,1") == 1


def test_the_radio_is_off_while_it_is_down() -> None:
    """REQ-MBR-003."""
    with Bench(radio_off=True) as bench:
        bench.bring_up()
        assert "AT+CFUN=1" in bench.modem.heard
        bench.order(BearerOrder.TAKE_DOWN)
        bench.live(2)
        assert bench.modem.heard[-1] == "AT+CFUN=4"


# The PIN


def test_a_wrong_pin_is_told_once_over_restarts_and_a_new_one_is_tried() -> None:
    """REQ-MBR-004: the third refusal would lock the SIM."""
    with Bench(setup="apn=net;pin=9999") as bench:
        bench.modem.sim = "SIM PIN"
        for _ in range(3):
            bench.plug_in()
            bench.bring_up()
            bench.order(BearerOrder.TAKE_DOWN)
            bench.live(5)
            bench.tester.crash()
            bench.platform = bench.tester.platform
        bench.plug_in()
        bench.bring_up()
        assert [one for one in bench.modem.heard if one.startswith("AT+CPIN=")] == ['AT+CPIN="9999"']
        assert bench.reason == "this PIN was tried before: it is not tried again"
        bench.live(5)
        bench.plug_in()
        bench.setup = "apn=net;pin=1234"
        bench.bring_up()
        assert bench.told[-1][0] is UP


def test_a_power_cut_before_the_answer_costs_one_try() -> None:
    """REQ-MBR-004: a right PIN is tried once more after it, and not a third time."""
    with Bench(setup="apn=net;pin=1234") as bench:
        bench.modem.sim = "SIM PIN"
        bench.modem.answers["AT+CPIN=*"] = ""
        for _ in range(4):
            bench.bring_up()
            bench.tester.crash()
            bench.platform = bench.tester.platform
            bench.plug_in()
        assert len([one for one in bench.modem.heard if one.startswith("AT+CPIN=")]) == 2
        bench.modem.answers.clear()
        assert bench.tester.send("RETRY_PIN").response is CommandResponse.OK
        bench.bring_up()
        assert bench.told[-1][0] is UP
        assert bench.tester.events.named("PinRefused") == []


def test_a_pin_whose_tries_cannot_be_kept_is_not_told() -> None:
    """REQ-MBR-004."""
    with Bench(setup="apn=net;pin=1234", pin_file="/no/such/folder/pin") as bench:
        bench.modem.sim = "SIM PIN"
        bench.bring_up()
        assert not [one for one in bench.modem.heard if one.startswith("AT+CPIN=")]
        assert bench.tester.events.named("FileFault")
        assert bench.tester.send("RETRY_PIN").response is CommandResponse.EXECUTION_ERROR


def test_a_damaged_record_counts_as_one_try() -> None:
    """REQ-MBR-004."""
    with Bench(setup="apn=net;pin=9999") as bench:
        bench.tester.write_file("/modem_pin.a", b"rubbish")
        bench.modem.sim = "SIM PIN"
        bench.bring_up()
        assert len([one for one in bench.modem.heard if one.startswith("AT+CPIN=")]) == 1
        assert "FileFault" in bench.tester.events.names()
        assert "PinRefused" in bench.tester.events.names()


# Up


def test_a_connexion_is_watched() -> None:
    """REQ-MBR-005: its signal is told, and a weak one is degraded."""
    with Bench() as bench:
        bench.bring_up()
        bench.modem.csq = "1,99"
        bench.live(11)
        assert bench.told[-1] == (DEGRADED, -111, "")
        bench.modem.csq = "99,99"
        bench.live(11)
        assert bench.told[-1] == (UP, UNKNOWN_RSSI, "")
        assert bench.tester.channels["Rssi"] == UNKNOWN_RSSI


@pytest.mark.parametrize("said", [b"\r\n+CGEV: NW DEACT IP\r\n", b"\r\nNO CARRIER\r\n", b"\r\n+CREG: 0\r\n"])
def test_the_modems_word_that_it_is_lost_is_looked_into_at_once(said: bytes) -> None:
    """REQ-MBR-005."""
    with Bench() as bench:
        bench.bring_up()
        bench.say(said)
        bench.live(1)
        assert bench.told[-1][0] is UP
        bench.modem.is_active = False
        bench.say(said)
        bench.live(1)
        assert bench.reason == "the network ended the connexion"


def test_a_modem_that_falls_silent_or_is_unplugged_is_lost() -> None:
    """REQ-MBR-005."""
    with Bench(answer_s=1.0) as bench:
        bench.bring_up()
        bench.modem.answers["*"] = ""
        bench.live(60)
        assert bench.reason == "the modem does not answer any more"
        bench.live(5)
        bench.modem.answers.clear()
        bench.plug_in()
        bench.bring_up()
        assert bench.told[-1][0] is UP
        bench.far.close()
        bench.tester.settle()
        assert bench.reason == "the modem is gone"
        assert bench.tester.channels["Condition"] is DOWN


def test_what_the_interface_carried_is_told() -> None:
    """REQ-MBR-006: from the time it is up, by the kernel's counters."""
    with Bench(interface="wwan0") as bench:
        folder = "/sys/class/net/wwan0/statistics"
        bench.platform.files.make_folders(folder)

        def counted(sent: int, received: int) -> None:
            for name, count in (("tx_bytes", sent), ("rx_bytes", received)):
                with bench.platform.files.open(f"{folder}/{name}", "w") as file:
                    file.truncate(0)
                    file.write_at(0, b"%d\n" % count)

        counted(1000, 2000)
        bench.bring_up()
        counted(1100, 2050)
        bench.live(11)
        counted(7, 3)  # the interface came anew
        bench.live(11)
        bench.live(11)
        assert list(bench.tester.ports.traffic_out) == [(100, 50), (7, 3)]


# Down


def test_it_hangs_up_and_closes_the_line() -> None:
    """REQ-MBR-003: nothing is told, as nobody asks how a bearer is that he took down."""
    with Bench() as bench:
        bench.bring_up()
        bench.order(BearerOrder.TAKE_DOWN)
        assert bench.tester.channels["Condition"] is DOWN
        bench.live(2)
        assert bench.modem.heard[-1] == "AT+CGACT=0,1"
        assert not bench.modem.is_active
        assert bench.tester.channels["Phase"] is ModemPhase.OFF
        assert bench.far.receive(10) == b""
        assert len(bench.told) == 1
        assert [int(call[0]) for call in bench.tester.ports.link_out[0]] == [0, 1, 0]


def test_an_order_that_comes_while_it_hangs_up_waits_for_that() -> None:
    """REQ-MBR-003: the last one counts."""
    with Bench() as bench:
        bench.bring_up()
        bench.order(BearerOrder.TAKE_DOWN)
        bench.order(BearerOrder.BRING_UP)
        bench.order(BearerOrder.BRING_UP, "apn=other")
        assert len(bench.told) == 1
        line = bench.far
        bench.plug_in()
        bench.far, line = line, bench.far
        bench.live(0.1)
        bench.far = line
        bench.live(5)
        assert bench.told[-1][0] is UP
        assert 'AT+CGDCONT=1,"IP","other"' in bench.modem.heard


def test_another_setup_is_tried_after_a_hang_up_and_the_same_one_is_looked_at_anew() -> None:
    """REQ-MBR-003: so a candidate configuration is really tried."""
    with Bench() as bench:
        bench.bring_up()
        bench.order(BearerOrder.BRING_UP)
        bench.live(0.2)
        assert [one[0] for one in bench.told] == [UP, UP]
        bench.order(BearerOrder.BRING_UP, "apn=other")
        bench.live(0.1)
        assert bench.modem.heard[-1] == "AT+CGACT=0,1"


def test_a_bring_up_can_be_taken_back_at_any_time() -> None:
    """REQ-MBR-003."""
    for after_s in (0.05, 0.15, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8):
        with Bench() as bench:
            bench.order(BearerOrder.BRING_UP)
            bench.live(after_s)
            bench.order(BearerOrder.TAKE_DOWN)
            bench.live(8)
            assert bench.tester.channels["Phase"] is ModemPhase.OFF
            assert not bench.modem.is_active
            assert bench.tester.channels["Condition"] is DOWN


def test_a_scan_measures_a_modem_that_is_down_and_gives_it_back() -> None:
    """REQ-MBR-007."""
    with Bench() as bench:
        bench.order(BearerOrder.SCAN)
        bench.live(2)
        assert bench.told == [(DOWN, -71, "it is not wanted")]
        assert bench.far.receive(10) == b""
        bench.plug_in()
        bench.bring_up()
        bench.modem.csq = "31,99"
        bench.order(BearerOrder.SCAN)
        bench.live(0.2)
        assert bench.told[1:] == [(UP, -71, ""), (UP, -51, "")]


def test_a_scan_gives_way_to_an_order() -> None:
    """REQ-MBR-007."""
    with Bench() as bench:
        bench.order(BearerOrder.SCAN)
        bench.bring_up()
        assert [one[0] for one in bench.told] == [UP]


# A call


def test_the_bytes_of_a_call_are_the_links() -> None:
    """REQ-MBR-008: what is dialled carries the deployment's frames, and they are counted."""
    with Bench(setup="dial=*99#") as bench:
        assert bench.tester.call.room() == 0
        bench.bring_up()
        assert bench.modem.heard[-1] == "ATD*99#"
        assert bench.told == [(UP, -71, "")]
        assert bench.tester.call.room() > 1000
        bench.tester.call.data_in(b"frame down")
        bench.tester.call.flush()
        bench.say(b"frame up")
        bench.live(2)
        assert bench.modem.data == b"frame down"
        assert b"".join(call[0] for call in bench.tester.ports.data_out) == b"frame up"
        assert list(bench.tester.ports.traffic_out) == [(10, 8)]
        bench.order(BearerOrder.TAKE_DOWN)
        assert bench.tester.call.room() == 0
        bench.live(5)
        assert not bench.modem.is_in_call
        assert bench.modem.heard[-1] == "ATH"
        assert bench.modem.data == b"frame down"


def test_a_call_that_the_other_side_ends_is_lost() -> None:
    """REQ-MBR-008: and one whose data hold the same words is not."""
    with Bench(setup="dial=*99#") as bench:
        bench.bring_up()
        bench.say(b"\r\nNO CARRIER\r\n and so on")
        bench.live(3)
        bench.say(b"\r\nNO CARRIER\r\n")
        bench.live(0.5)
        bench.say(b" is what it said")
        bench.live(3)
        assert bench.told[-1][0] is UP
        bench.say(bench.modem.hang_up())
        bench.live(1.1)
        assert bench.reason == "the call ended"
        assert [int(call[0]) for call in bench.tester.ports.link_out[0]] == [0, 1, 0]


@pytest.mark.parametrize("word", ["NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "ERROR"])
def test_a_call_that_is_not_connected_says_why(word: str) -> None:
    """REQ-MBR-008."""
    with Bench(setup="dial=5551234") as bench:
        bench.modem.answers["ATD*"] = word
        bench.bring_up()
        assert bench.reason == f"the call was not connected: {word}"


def test_a_full_line_asks_to_wait_and_says_when_there_is_room() -> None:
    """REQ-MBR-008: nothing is lost on the way out."""
    with Bench(setup="dial=1") as bench:
        bench.bring_up()
        bench.platform.network.buffer_size = 100
        sent = b""
        while room := bench.tester.call.room():
            frame = b"%04d" % len(sent) * 25
            sent += frame[:room]
            bench.tester.call.data_in(frame[:room])
            bench.tester.call.flush()
        assert bench.tester.ports.link_out[0] == [(LinkState.DOWN,), (LinkState.UP,)]
        bench.live(5)
        assert bench.modem.data == sent
        assert bench.tester.ports.link_out[0] == [(LinkState.DOWN,), (LinkState.UP,), (LinkState.UP,)]
        assert bench.tester.call.room() == 4096


# Anything


SETUPS = ["apn=net", "apn=other;pin=1234", "dial=*99#", "nonsense"]
ACTIONS = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(list(BearerOrder)), st.sampled_from(SETUPS)),
    st.tuples(st.just("say"), st.binary(max_size=40) | st.just(b"\r\nNO CARRIER\r\n"), st.just("")),
    st.tuples(st.just("live"), st.sampled_from([0.05, 0.4, 3.0, 15.0]), st.just("")),
    st.tuples(st.just("silence"), st.booleans(), st.just("")),
    st.tuples(st.just("unplug"), st.just(0), st.just("")),
)


def _act(bench: Bench, what: str, one: Any, setup: str) -> None:
    if what == "order":
        if bench.is_closed:
            bench.plug_in()
        bench.order(one, setup)
    elif what == "say" and not bench.is_closed:
        bench.say(one)
    elif what == "silence":
        bench.modem.start_anew()
        bench.modem.answers = {"*": ""} if one else {}
    elif what == "unplug":
        bench.far.close()
        bench.tester.settle()
        bench.modem.start_anew()
        bench.plug_in()
    elif what == "live":
        bench.live(one)


@given(actions=st.lists(ACTIONS, max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_it_can_be_brought_up_afterwards(actions: list[tuple[str, Any, str]]) -> None:
    """REQ-MBR-003, REQ-MBR-010: no handler fails, an order down ends in OFF, and the next one up is served."""
    with Bench(answer_s=1.0, register_s=10.0, connect_s=5.0) as bench:
        for action in actions:
            _act(bench, *action)
        bench.modem.answers.clear()
        bench.order(BearerOrder.TAKE_DOWN)
        bench.live(30)
        assert bench.modem.is_active is False
        assert bench.tester.channel("Phase").history[-1] is ModemPhase.OFF
        bench.plug_in()
        bench.order(BearerOrder.BRING_UP)
        bench.live(30)
        assert bench.told[-1][0] is UP
        assert bench.tester.channel("Phase").history[-1] is ModemPhase.ONLINE
