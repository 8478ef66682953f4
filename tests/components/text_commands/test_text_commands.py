"""Beemon's text protocol: its three commands, their answers, and what it does with whatever else comes."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse, OutputPort, PassiveComponent, command, guarded_port, sync_port
from kittiwake.model.fw import CmdResponse, Com
from kittiwake.platform.system import SystemPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import parse_command as parse_packet
from kittiwake_components import TextCommands
from kittiwake_components.caller_connection import MAX_CALLERS
from kittiwake_components.ports.hive import MAX_SENSORS, STATUS_SIZE, SensorStatus
from kittiwake_components.text_commands.component import STATUSES
from kittiwake_components.text_commands.lines import LineFault, LineReader, parse_command
from tests.framework.runtime.wired import deploy

if TYPE_CHECKING:
    from collections.abc import Callable

OK, FAILED = CommandResponse.OK, CommandResponse.VALIDATION_ERROR
URL = "tcp-listen://127.0.0.1:8080"
SENSORS = ("audio", "video")
LINE = "tested.{}_S_PRM_SET 5"
"""Command lines that the tester's one instance takes, in place of those of an orchestrator."""


def status(target: str, place: int) -> str:
    meant = [f"{name}: waiting" for name in SENSORS if target in ("", name)]
    return meant[place] if place < len(meant) else ""


def text_tester(status: Callable[[str, int], str] = status, **settings: Any) -> ComponentTester[TextCommands]:
    lines = {"start_line": LINE.format("COMMAND_TIMEOUT"), "stop_line": LINE.format("REQUEST_TIMEOUT")}
    return ComponentTester(
        TextCommands,
        settings={"url": URL, **lines, **settings},
        returns={"status_out": status},
    )


class Caller:
    """Somebody who asks."""

    def __init__(self, tester: ComponentTester[TextCommands], *, answers: CommandResponse | None = OK) -> None:
        self.tester = tester
        self.answers = answers
        self.is_closed = False
        self.stream = tester.platform.network.connect_tcp("127.0.0.1", 8080)
        tester.advance(0.05)

    def say(self, data: bytes, seconds: float = 0.05) -> bytes:
        """Sends, lets the dispatcher answer, and gives all that has come; `b"closed"` at the end."""
        sent = len(self.tester.ports.com_cmd_out)
        if data:
            self.stream.send(data)
        received = b""
        for _ in range(8):
            self.tester.advance(seconds / 8)
            while len(self.tester.ports.com_cmd_out) > sent and self.answers is not None:
                packet, context = self.tester.ports.com_cmd_out[sent]
                self.tester.call.cmd_response_in(parse_packet(packet)[0], context, self.answers)
                sent += 1
            received += self._receive()
        return received

    def _receive(self) -> bytes:
        received = b""
        while not self.is_closed and (data := self.stream.receive(65536)) is not None:
            received += data or b"closed"
            self.is_closed = not data
        return received


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(TextCommands) == []


def test_it_is_off_unless_it_is_switched_on() -> None:
    """REQ-TC-001."""
    with text_tester(url="") as tester:
        assert tester.component.listening_port() == 0


@pytest.mark.parametrize("url", ["tcp-listen://0.0.0.0:8080", "tcp-listen://127.example.org:8080"])
def test_the_network_is_refused_unless_it_is_allowed(url: str) -> None:
    """REQ-TC-001. Upstream: unauthenticated TCP was all that stood between a network and the hive."""
    with text_tester(url=url) as tester:
        assert tester.component.listening_port() == 0
        assert "open_network" in tester.events.named("TextFailed")[0].args[0]


def test_what_is_open_to_the_network_is_said() -> None:
    """REQ-TC-001."""
    with text_tester(url="tcp-listen://0.0.0.0:8080", open_network=True) as tester:
        assert tester.events.named("TextExposed")


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:8080", "8080", "udp://127.0.0.1:1?listen=2"])
def test_places_that_make_no_sense_are_refused(url: str) -> None:
    """REQ-TC-001."""
    check: Any = TextCommands.__declarations__.settings["url"].check
    with pytest.raises(ValueError, match=r"listens|no link"):
        check(url)


def test_command_lines_that_the_deployment_does_not_have_are_found_at_the_start() -> None:
    """REQ-TC-001."""
    with text_tester(start_line='hive.START "{target}"') as tester:
        assert tester.component.listening_port() == 0
        assert "no instance 'hive'" in tester.events.named("TextFailed")[0].args[0]


def test_start_and_stop_are_commands_and_are_answered() -> None:
    """REQ-TC-002, REQ-TC-003. Upstream: commands got no answer."""
    with text_tester() as tester:
        caller = Caller(tester)
        assert caller.say(b"start audio\n") == b"ok\n"
        assert caller.say(b"stop audio\r\n") == b"ok\n"
        assert caller.say(b"stop\n") == b"ok\n"
        assert len(tester.ports.com_cmd_out) == 3
        caller.answers = FAILED
        assert caller.say(b"start video\n") == b"error: VALIDATION_ERROR\n"
        assert tester.channels["Requests"] == 4
        assert tester.channels["Refused"] == 1


def test_status_is_a_line() -> None:
    """REQ-TC-002. Upstream: there was no status query."""
    with text_tester() as tester:
        caller = Caller(tester)
        assert caller.say(b"status video\n").startswith(b"video: waiting")
        line = caller.say(b"status\n")
        assert line.startswith(b"audio: waiting; video: waiting")
        assert line.count(b"\n") == 1
        assert len(tester.ports.com_cmd_out) == 0


def test_the_status_of_the_most_sensors_is_whole() -> None:
    """REQ-TC-002: of all 32 of each who is asked, however much is said of each; here too, in one line."""
    texts = [f"s{number}: ".ljust(STATUS_SIZE, "x") for number in range(MAX_SENSORS)]
    with text_tester(lambda _, place: texts[place] if place < len(texts) else "") as tester:
        assert Caller(tester).say(b"status\n") == "; ".join(texts * STATUSES).encode() + b"\n"


@pytest.mark.parametrize(
    "line, reason",
    [
        (b"start nobody", "there is no nobody"),
        (b"status nobody", "there is no nobody"),
        (b"start", "start what"),
        (b"restart audio", "a command is start TARGET"),
        (b"START audio", "a command is start TARGET"),
        (b"start audio now", "a command is start TARGET"),
        (b"\xff\xfe", "UTF-8"),
        (b'start a"b', "a target has"),
        (b"start ../etc", "a target has"),
        ("start größe".encode(), "a target has"),
        (b"status " + b"x" * 41, "a target has"),
        (b"GET / HTTP/1.1", "a command is"),
    ],
)
def test_what_is_no_command_is_an_error_that_says_why(line: bytes, reason: str) -> None:
    """REQ-TC-003: and the connection goes on."""
    with text_tester() as tester:
        caller = Caller(tester)
        answer = caller.say(line + b"\n").decode()
        assert answer.startswith("error: ")
        assert reason in answer
        assert answer.count("\n") == 1
        assert caller.say(b"start audio\n") == b"ok\n"


def test_a_line_in_pieces_is_one_command() -> None:
    """REQ-TC-004."""
    with text_tester() as tester:
        caller = Caller(tester)
        assert caller.say(b"sto", 0.1) == b""
        assert caller.say(b"p aud", 0.1) == b""
        assert caller.say(b"io\n", 0.1) == b"ok\n"
        assert len(tester.ports.com_cmd_out) == 1


def test_a_command_without_a_line_end_is_taken_after_a_pause() -> None:
    """REQ-TC-004: the original's clients sent none."""
    with text_tester() as tester:
        caller = Caller(tester)
        assert caller.say(b"start audio", 0.2) == b""
        assert caller.say(b"", 0.2) == b"ok\n"
        assert caller.say(b"stop", 0.5) == b"ok\n"


def test_a_caller_who_says_no_more_is_answered_all_the_same() -> None:
    """REQ-TC-004."""
    with text_tester() as tester:
        caller = Caller(tester)
        caller.stream.send(b"start audio")
        caller.stream.close()
        tester.advance(0.1)
        assert len(tester.ports.com_cmd_out) == 1
        tester.call.cmd_response_in(0, tester.ports.com_cmd_out[0][1], OK)
        tester.advance(0.1)
        assert tester.channels["Connections"] == 0


def test_several_commands_are_answered_one_after_the_other() -> None:
    """REQ-TC-004."""
    with text_tester() as tester:
        caller = Caller(tester)
        first, second, third = caller.say(b"start audio\n\n\nrubbish\nstop video\n").splitlines()
        assert (first, third) == (b"ok", b"ok")
        assert second == b"error: a command is start TARGET, stop [TARGET] or status [TARGET]"


def test_a_line_that_is_too_long_ends_the_connection() -> None:
    """REQ-TC-005."""
    with text_tester() as tester:
        caller = Caller(tester)
        assert caller.say(b"x" * 1025, 0.1) == b"error: a command has at most 1024 bytes\nclosed"
        assert Caller(tester).say(b"status" + b" " * 1018 + b"\n").startswith(b"audio")


def test_a_connection_without_a_command_is_closed_after_three_seconds() -> None:
    """REQ-TC-005: whatever it trickles."""
    with text_tester() as tester:
        caller = Caller(tester)
        for _ in range(14):
            assert caller.say(b"\n", 0.2) == b""
        assert caller.say(b"\n", 0.5) == b"closed"
        assert tester.channels["Connections"] == 0


def test_a_command_without_an_answer_is_an_error_in_time() -> None:
    """REQ-TC-005."""
    with text_tester() as tester:
        tester.set_parameter("COMMAND_TIMEOUT_S", 2)
        caller = Caller(tester, answers=None)
        assert caller.say(b"start audio\n", 1.9) == b""
        assert caller.say(b"", 0.2) == b"error: no answer within 2 s\n"


def test_connections_are_limited_and_an_idle_one_makes_room() -> None:
    """REQ-TC-005."""
    with text_tester() as tester:
        callers = [Caller(tester, answers=None) for _ in range(MAX_CALLERS)]
        for caller in callers[1:]:
            caller.say(b"start audio\n")
        late = Caller(tester, answers=None)
        assert callers[0].say(b"") == b"closed"
        late.say(b"start audio\n")
        assert Caller(tester).say(b"") == b"closed"
        assert tester.channels["Connections"] == MAX_CALLERS


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_whatever_comes_is_read_by_lines_or_refused(pieces: list[bytes]) -> None:
    """REQ-TC-003, REQ-TC-005."""
    reader, lines = LineReader(), []
    for piece in [*pieces, b""]:
        reader.feed(piece)
        try:
            while (line := reader.line()) is not None:
                lines.append(line)
        except LineFault:
            return
    reader.end()
    last = reader.line()
    whole = [line for line in b"".join(pieces).split(b"\n") if line.strip()]
    assert lines + ([last] if last is not None else []) == whole
    for line in whole:
        try:
            verb = parse_command(line).verb
        except LineFault:
            verb = "none"
        assert verb in ("start", "stop", "status", "none")


class Hive(PassiveComponent):
    """A dispatcher that takes every command, an orchestrator of two sensors, and a process of its own."""

    response_out = OutputPort(CmdResponse)

    def initialize(self) -> None:
        self.opcodes: list[int] = []

    @command(name="START")
    def begin(self) -> None:
        """Stands for an uploader's."""

    @command(name="STOP")
    def end(self) -> None:
        """Likewise."""

    @sync_port(Com)
    def com_in(self, data: bytes, context: int) -> None:
        self.opcodes.append(parse_packet(data)[0])
        self.response_out(self.opcodes[-1], context, OK)

    @guarded_port(SensorStatus)
    def status_in(self, target: str, place: int) -> str:
        return status(target, place) or ("uploader: idle" if (target, place) == ("uploader", 0) else "")


HOSTILE = (b"x" * 500_000, b"\xff\x00" * 300 + b"\n", b"status\n" * 500, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
RESET = b"\1\0\0\0\0\0\0\0"


def talk(place: tuple[str, int], answers: list[bytes]) -> None:
    """Floods, sends garbage, resets; then asks properly."""
    try:
        for hostile in HOSTILE:
            with socket.create_connection(place, 5) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                try:
                    one.sendall(hostile)
                except OSError:
                    continue  # cut off in the midst of its flood
        with socket.create_connection(place, 5) as one, one.makefile("rb") as received:
            for line in (b"start audio", b"status video", b"start uploader", b"stop", b"start nobody"):
                one.sendall(line + b"\n")
                answers.append(received.readline())
    finally:
        answers.append(b"")


def test_over_real_tcp_with_hostile_callers() -> None:
    """REQ-TC-005, REQ-TC-003, REQ-TC-002: others are served meanwhile, and `stop` stops processes as well."""
    lines = {"start_line": "text.REQUEST_TIMEOUT_S_PRM_SET 1", "stop_line": "text.REQUEST_TIMEOUT_S_PRM_SET 2"}
    settings = {"url": "tcp-listen://127.0.0.1:0", "processes": {"uploader": "hive"}, **lines}
    connections = [
        ("text", "com_cmd_out", 0, "hive", "com_in", 0),
        ("hive", "response_out", 0, "text", "cmd_response_in", 0),
        ("text", "status_out", 0, "hive", "status_in", 0),
    ]
    instances = {"text": (TextCommands, {"settings": settings, "depth": 20}), "hive": (Hive, {"id": 0x9000})}
    deployment, findings = deploy(instances, connections, services={}, platform=SystemPlatform())
    text: Any = deployment.instances["text"]
    hive: Any = deployment.instances["hive"]
    deployment.start()
    answers: list[bytes] = []
    thread = Thread(target=talk, args=(("127.0.0.1", text.listening_port()), answers))
    thread.start()
    while b"" not in answers:
        deployment.run_for(0.02)
    thread.join()
    deployment.run_for(0.1)
    assert answers == [b"ok\n", b"video: waiting\n", b"ok\n", b"ok\n", b"error: there is no nobody\n", b""]
    assert [opcode >= 0x9000 for opcode in hive.opcodes] == [False, True, False, True]
    assert text.connections == 0
    assert not text._waiting
    deployment.stop()
    assert not findings.faults()
