"""The modem's lines and dialogues, for any bytes at any time: they end, in bounded memory, and say what they said."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.bearer_setup import parse_setup
from kittiwake_components.modem_bearer.exchange import ANSWER_LINES, Answer, Ask, Exchange, ModemFault, Pause, Say
from kittiwake_components.modem_bearer.lines import LINE_LIMIT, CallEnd, LineReader
from kittiwake_components.modem_bearer.procedures import Limits, ModemPhase, bring_up, hang_up, signal, watch
from kittiwake_components.modem_bearer.setup import ModemSetup, parse_modem_setup
from kittiwake_components.ports.bearer import UNKNOWN_RSSI

LIMITS = Limits(answer_s=1.0, register_s=20.0, connect_s=5.0, measure_s=5.0)
NS = 1_000_000_000


class Witness:
    """Keeps what a dialogue tells."""

    def __init__(self) -> None:
        self.phases: list[ModemPhase] = []
        self.strengths: list[int] = []
        self.addresses: list[str] = []

    def entered(self, phase: ModemPhase) -> None:
        self.phases.append(phase)

    def measured(self, rssi_dbm: int) -> None:
        self.strengths.append(rssi_dbm)

    def addressed(self, address: str) -> None:
        self.addresses.append(address)

    def may_try_pin(self, pin: str) -> bool:
        return True

    def pin_tried(self, pin: str, *, is_taken: bool) -> None:
        return


def _lines(reader: LineReader, *pieces: bytes) -> list[str]:
    found = []
    for piece in pieces:
        reader.add(piece)
        while (line := reader.next_line()) is not None:
            found.append(line)
    return found


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *[cut % (len(data) + 1) for cut in cuts]})
    return [data[begin:end] for begin, end in pairwise(places)]


# Lines


def test_lines_end_in_any_way_and_empty_ones_are_left_out() -> None:
    """REQ-MBR-010."""
    assert _lines(LineReader(), b"AT\r\r\nOK\r\n\n  \r+CSQ: 1,2 \nrest") == ["AT", "OK", "+CSQ: 1,2"]


@given(
    texts=st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=40)),
    cuts=st.lists(st.integers(0, 10_000)),
)
def test_lines_come_whole_however_they_are_cut(texts: list[str], cuts: list[int]) -> None:
    """REQ-MBR-010."""
    data = b"".join([f"\r\n{text}\r\n".encode() for text in texts])
    assert _lines(LineReader(), *_cut(data, cuts)) == [text.strip() for text in texts if text.strip()]


@given(pieces=st.lists(st.binary(max_size=2000), max_size=20))
def test_whatever_comes_is_read_in_bounded_memory(pieces: list[bytes]) -> None:
    """REQ-MBR-010: and a line after garbage is read."""
    reader = LineReader()
    for piece in pieces:
        for line in _lines(reader, piece):
            assert 0 < len(line) <= LINE_LIMIT
            assert line.isascii() or "\N{REPLACEMENT CHARACTER}" in line
        assert len(reader._held) <= LINE_LIMIT
    assert _lines(reader, b"\r\nOK\r\n")[-1:] == ["OK"]


def test_a_line_that_is_too_long_is_left_out_to_its_end() -> None:
    """REQ-MBR-010."""
    for pieces in ([b"x" * 600 + b"\rOK\r"], [b"x" * 600, b"yOK", b"\rOK\r"], [b"x" * 400, b"x" * 400 + b"\nOK\n"]):
        reader = LineReader()
        assert _lines(reader, *pieces) == ["OK"]
        assert reader.skipped == 1


def test_the_end_of_a_call_is_known_in_pieces() -> None:
    """REQ-MBR-008."""
    call = CallEnd()
    assert [call.take(piece) for piece in (b"x\r\nNO CAR", b"RIER\r", b"\n", b"!")] == [False, False, True, False]


# Dialogues


def _asking(*steps: Any, answers: list[Answer]) -> Any:
    for step in steps:
        answers.append((yield step))


def test_unsolicited_lines_and_echoes_do_not_disturb_an_answer() -> None:
    """REQ-MBR-010: nor does what belongs to no question."""
    answers: list[Answer] = []
    exchange = Exchange(_asking(Ask("AT+CSQ", 5.0), Pause(1.0), Ask("AT", 5.0), answers=answers), 0)
    assert exchange.output == b"AT+CSQ\r"
    exchange.receive(b'AT+CSQ\r\r\nRING\r\n\r\n+CSQ: 9,9\r\n\r\n+CMTI: "SM",1\r\n\r\nOK\r\n', 1)
    assert answers[0].value("+CSQ") == "9,9"
    assert answers[0].is_ok
    exchange.receive(b"\r\nOK\r\n\r\n^BOOT:1\r\n", 2)
    assert exchange.unsolicited == 2
    assert not exchange.is_done
    exchange.tick(2 * NS)
    exchange.receive(b"ERROR\r", 2 * NS)
    assert answers[2].final == "ERROR"
    assert exchange.is_done


def test_silence_is_an_answer_in_its_time() -> None:
    """REQ-MBR-002."""
    answers: list[Answer] = []
    exchange = Exchange(_asking(Ask("AT", 2.0), answers=answers), 0)
    exchange.tick(2 * NS - 1)
    assert not answers
    exchange.tick(2 * NS)
    assert answers == [Answer()]
    assert answers[0].why() == "the modem does not answer"


def test_no_carrier_ends_a_call_alone() -> None:
    """REQ-MBR-010: elsewhere it is an unsolicited word."""
    answers: list[Answer] = []
    exchange = Exchange(_asking(Ask("AT+CSQ", 2.0), Ask("ATD1", 2.0), answers=answers), 0)
    exchange.receive(b"\r\nNO CARRIER\r\n\r\nOK\r\n\r\nNO CARRIER\r\n", 1)
    assert [one.final for one in answers] == ["OK", "NO CARRIER"]


def test_an_answer_without_end_is_kept_in_part() -> None:
    """REQ-MBR-010."""
    answers: list[Answer] = []
    exchange = Exchange(_asking(Ask("AT+COPS=?", 2.0), answers=answers), 0)
    exchange.receive(b"x\r\n" * 1000 + b"OK\r\n", 1)
    assert len(answers[0].lines) == ANSWER_LINES
    assert exchange.unsolicited == 1000 - ANSWER_LINES


def test_what_follows_connect_is_data() -> None:
    """REQ-MBR-008."""
    exchange = Exchange(_asking(Ask("ATD1", 2.0), answers=[]), 0)
    exchange.receive(b"\r\nCONNECT 9600\r\n\x00\x01data", 1)
    assert exchange.is_done
    assert exchange.rest() == b"\x00\x01data"


def test_a_say_and_a_fault_end_a_dialogue() -> None:
    """REQ-MBR-002."""

    def dialogue() -> Any:
        yield Say(b"+++")
        yield Pause(1.0)
        raise ModemFault("enough")

    exchange = Exchange(dialogue(), 0)
    assert exchange.output == b"+++"
    exchange.tick(NS)
    assert exchange.is_done
    assert exchange.fault == "enough"


@pytest.mark.parametrize(
    "line, strength_dbm",
    [("0,0", -113), ("31,99", -51), ("99,99", UNKNOWN_RSSI), ("32", UNKNOWN_RSSI), ("", UNKNOWN_RSSI),
     ("x", UNKNOWN_RSSI), ("-1", UNKNOWN_RSSI), ("\N{SUPERSCRIPT TWO}", UNKNOWN_RSSI), ("9999999999", UNKNOWN_RSSI)],
)  # fmt: skip
def test_the_signal_is_told_in_dbm(line: str, strength_dbm: int) -> None:
    """REQ-MBR-005: by the table of 27.007, 8.5."""
    asked = signal(LIMITS)
    next(asked)
    with pytest.raises(StopIteration) as stopped:
        asked.send(Answer("OK", (f"+CSQ: {line}",)))
    assert stopped.value.value == strength_dbm


WORDS = st.sampled_from(
    [b"OK", b"ERROR", b"+CME ERROR: 14", b"CONNECT", b"NO CARRIER", b"+CPIN: READY", b"+CPIN: SIM PIN", b"+CPIN:",
     b"+CREG: 0,1", b"+CEREG: 0,5", b"+CREG: 2", b"+CSQ: 12,99", b"+CSQ: 99", b"+CGACT: 1,0", b"+CGACT: 1,1",
     b'+CGPADDR: 1,"10.0.0.1"', b"+CGPADDR: 1", b"RING", b"\xff\xfe", b"AT"]
)  # fmt: skip
SAID = st.one_of(st.binary(max_size=60), WORDS.map(lambda word: b"\r\n" + word + b"\r\n"))
SETUPS = st.builds(
    ModemSetup, apn=st.sampled_from(["", "net"]), user=st.sampled_from(["", "me"]), pin=st.sampled_from(["", "1234"]),
    dial=st.sampled_from(["", "*99#"]), may_roam=st.booleans(),
)  # fmt: skip


@given(setup=SETUPS, said=st.lists(st.tuples(SAID, st.integers(0, 2 * NS)), max_size=60), what=st.integers(0, 2))
def test_every_dialogue_bears_whatever_comes(setup: ModemSetup, said: list[tuple[bytes, int]], what: int) -> None:
    """REQ-MBR-010: no fault but its own, no endless output, and with a modem that falls silent it ends in time."""
    witness = Witness()
    dialogue = [
        lambda: bring_up(setup, LIMITS, witness), lambda: watch(LIMITS, witness),
        lambda: hang_up(setup, LIMITS, is_connected=True),
    ][what]()  # fmt: skip
    now_ns, exchange = 0, Exchange(dialogue, 0)
    for data, wait_ns in said:
        exchange.receive(data, now_ns)
        now_ns += wait_ns
        exchange.tick(now_ns)
        assert len(exchange.output) < 100_000
    for _ in range(200):
        if exchange.is_done:
            break
        assert exchange.deadline_ns > now_ns
        now_ns = exchange.deadline_ns
        exchange.tick(now_ns)
    assert exchange.is_done
    if what == 0 and not exchange.fault:
        assert witness.phases[-1] is ModemPhase.ONLINE
    for address in witness.addresses:
        assert address.isascii()
        assert address.isprintable()


# Setups


@given(text=st.text(max_size=120))
def test_no_text_breaks_the_setup(text: str) -> None:
    """REQ-MBR-002: a setup that a modem can be told, or a reason."""
    setup, reason = ModemSetup(), ""
    try:
        setup = parse_modem_setup(text)
    except ValueError as fault:
        reason = str(fault)
    assert len(reason) < 200
    assert "\r" not in "".join([setup.apn, setup.user, setup.password, setup.pin, setup.dial])


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_value_can_be_said(value: str) -> None:
    """A semicolon or a backslash with a backslash before it."""
    said = value.replace("\\", "\\\\").replace(";", "\\;")
    assert parse_setup(f"a=1;b={said};c=", ["a", "b", "c"]) == {"a": "1", "b": value, "c": ""}
