"""The harness itself, against a flight process of sixty lines: whatever fails here is not Kittiwake's fault."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from binascii import crc_hqx
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port
from tests.system.gds import GdsFailure, GdsTimeout
from tests.system.serial_cable import SerialCable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.system.gds import Gds

pytestmark = pytest.mark.peer

FRAME_SIZE = 64
NO_OP_CCSDS = bytes.fromhex("2044041200 1000c0000005 000000000100 b77b")
SECOND_NO_OP_CCSDS = bytes.fromhex("2044041200 1000c0010005 000000000100 5c58")
NO_OP_FPRIME = bytes.fromhex("deadbeef 00000006 000000000100 b9b9df44")
EVENT_CCSDS = bytes.fromhex(
    "044200001800 0002c0000014 0002 00000200 000200 65a0b0c0 0001e240 00000003 07ffc0000016" + "44" * 23 + "53a5"
)
EVENT_FPRIME = bytes.fromhex("deadbeef 00000015 0002 00000200 000200 65a0b0c0 0001e240 00000003 0f70b39e")
EVENT_TIME = (2, 0, 0x65A0B0C0, 123456)
FRAMES = {"ccsds": (NO_OP_CCSDS, EVENT_CCSDS), "fprime": (NO_OP_FPRIME, EVENT_FPRIME)}
DEADLINE_S = 20.0


def frame_of(packet: bytes, count: int) -> bytes:
    """A TM frame with one space packet and its idle fill."""
    space_packet = packet[:2] + (0xC000 | count).to_bytes(2) + (len(packet) - 1).to_bytes(2) + packet
    room = FRAME_SIZE - 8 - len(space_packet)
    idle = bytes.fromhex("07ffc000") + (room - 7).to_bytes(2) + b"\x44" * (room - 6)
    body = bytes.fromhex("0442") + bytes([count, count]) + bytes.fromhex("1800") + space_packet + idle
    return body + crc_hqx(body, 0xFFFF).to_bytes(2)


class Wire:
    """The flight end of any link, as one blocking reader and writer."""

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], Any], close: Callable[[], None]) -> None:
        self.read, self.write, self.close = read, write, close

    def await_bytes(self, wanted: bytes) -> bytes:
        """All that came, up to and with the wanted bytes."""
        received = b""
        while wanted not in received:
            chunk = self.read()
            assert chunk, f"the link closed after {received.hex()}"
            received += chunk
        return received


def connect(port: int) -> Wire:
    """Connects as a flight process does, again and again until the station listens."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            link = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    else:
        pytest.fail("the station does not listen")
    return Wire(lambda: link.recv(4096), link.sendall, link.close)


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    """A dictionary with one command, one event and one channel."""
    u32 = {"name": "U32", "kind": "integer", "size": 32, "signed": False}

    def event(name: str, number: int, text: str, *parameters: str) -> dict[str, Any]:
        formal = [{"name": parameter, "type": u32, "ref": False} for parameter in parameters]
        return {"name": name, "id": number, "severity": "ACTIVITY_HI", "format": text, "formalParams": formal}

    events = [
        event("X.NoOp", 512, "no-op {}", "count"),
        event("X.FileReceived", 513, "received"),
        event("X.cmdDisp.OpCodeDispatched", 514, "dispatched {} to {}", "Opcode", "port"),
        event("X.cmdDisp.OpCodeCompleted", 515, "completed {}", "Opcode"),
    ]
    sections = {
        "metadata": {"deploymentName": "X", "projectVersion": "0", "frameworkVersion": "0", "libraryVersions": []},
        "typeDefinitions": [],
        "constants": [{"qualifiedName": "ComCfg.TmFrameFixedSize", "type": u32, "value": FRAME_SIZE}],
        "commands": [{"name": "X.CMD_NO_OP", "opcode": 256, "commandKind": "async", "formalParams": []}],
        "parameters": [],
        "events": events,
        "telemetryChannels": [{"name": "X.Count", "id": 768, "type": u32}],
        "records": [],
        "containers": [],
        "telemetryPacketSets": [],
    }
    path = tmp_path / "XTopologyDictionary.json"
    path.write_text(json.dumps(sections))
    return path


@pytest.fixture(params=["tcp-server ccsds", "tcp-client fprime", "udp ccsds", "serial fprime", "ip fprime"])
def pair(
    request: pytest.FixtureRequest, start_gds: Callable[..., Gds], dictionary: Path
) -> Iterator[tuple[Gds, Wire, str]]:
    """A running station and the flight end of its link, for each kind of link."""
    link, framing = request.param.split()
    if link == "tcp-client":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(DEADLINE_S)
            gds = start_gds(dictionary, link=link, framing=framing, port=listener.getsockname()[1])
            stream, _ = listener.accept()
        stream.settimeout(DEADLINE_S)
        wire = Wire(lambda: stream.recv(4096), stream.sendall, stream.close)
    elif link == "udp":
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(DEADLINE_S)
        gds = start_gds(dictionary, link=link, framing=framing, port=datagrams.getsockname()[1])
        station = ("127.0.0.1", gds.receive_port)
        wire = Wire(lambda: datagrams.recv(4096), lambda data: datagrams.sendto(data, station), datagrams.close)
    elif link == "serial":
        cable = SerialCable()
        device = os.open(cable.ends[1], os.O_RDWR | os.O_NOCTTY)
        gds = start_gds(dictionary, link=link, framing=framing, device=cable.ends[0])

        def unplug() -> None:
            os.close(device)
            cable.close()

        wire = Wire(lambda: os.read(device, 4096), lambda data: os.write(device, data), unplug)
    else:
        gds = start_gds(dictionary, link=link, framing=framing)
        wire = connect(gds.port)
    yield gds, wire, framing
    wire.close()


def test_commands_and_events_cross_every_link(pair: tuple[Gds, Wire, str]) -> None:
    gds, wire, framing = pair
    command, event = FRAMES[framing]
    gds.send("X.CMD_NO_OP")
    received = wire.await_bytes(command)
    assert received.replace(b"sitting well", b"") == command
    wire.write(event)
    assert gds.await_event("NoOp", [3]).time == EVENT_TIME
    assert [event.text for event in gds.events()] == ["no-op 3"]


def test_the_stock_api_command_line_and_file_transfer_work_through_the_harness(
    start_gds: Callable[..., Gds], dictionary: Path, tmp_path: Path
) -> None:
    gds = start_gds(dictionary)
    wire = connect(gds.port)
    gds.cli("command-send", "X.CMD_NO_OP")
    assert wire.await_bytes(NO_OP_CCSDS) == NO_OP_CCSDS

    wire.write(EVENT_CCSDS)
    assert gds.call("await_event", "X.NoOp", [3], start=0, severity="ACTIVITY_HI", timeout=10)["args"] == [3]
    assert "no-op 3" in next((gds.folder / "console-logs").rglob("event.log")).read_text()

    tag = bytes.fromhex("000200 65a0b0c0 0001e241")
    wire.write(frame_of(bytes.fromhex("0001 00000300") + tag + (7).to_bytes(4), 1))
    assert gds.await_channel("X.Count", 7).time == (2, 0, 0x65A0B0C0, 123457)

    for count, packet in enumerate(
        [
            "000300 00000000 00000004 022f61 022f62",
            "000301 00000001 00000000 0004 6b697474",
            "000302 00000002 6b697474",
        ],
        start=2,
    ):
        wire.write(frame_of(bytes.fromhex(packet), count))
    assert gds.await_downlink("/b").read_bytes() == b"kitt"

    source = tmp_path / "up.bin"
    source.write_bytes(b"01234567")
    gds.call("uplink_file", str(source), "/up.bin")
    assert b"01234567" in wire.await_bytes(b"/up.bin") + wire.await_bytes(b"01234567")

    sequence = tmp_path / "s.seq"
    sequence.write_text("R00:00:00 X.CMD_NO_OP\n")
    assert bytes.fromhex("000000000100") in gds.compile_sequence(sequence, tmp_path / "s.bin").read_bytes()
    sequence.write_text("R00:00:00 X.MISSPELT\n")
    with pytest.raises(GdsFailure, match="MISSPELT"):
        gds.compile_sequence(sequence, tmp_path / "t.bin")
    wire.close()


def test_completed_commands_and_received_files_are_awaited(
    start_gds: Callable[..., Gds], dictionary: Path, tmp_path: Path
) -> None:
    gds = start_gds(dictionary)
    wire = connect(gds.port)
    source = tmp_path / "up.bin"
    source.write_bytes(b"01234567")

    def event(number: int, count: int, *arguments: int) -> bytes:
        tag = bytes.fromhex("000200 65a0b0c0") + count.to_bytes(4)
        body = b"".join(argument.to_bytes(4) for argument in arguments)
        return frame_of(b"\x00\x02" + number.to_bytes(4) + tag + body, count)

    def fly() -> None:
        wire.await_bytes(NO_OP_CCSDS)
        wire.write(event(514, 0, 256, 0) + event(515, 1, 256))
        wire.await_bytes(bytes.fromhex("000302 00000002"))  # the END packet of a file of one chunk
        wire.write(event(513, 2))

    flight = threading.Thread(target=fly)
    flight.start()
    answers = gds.send_and_complete("X.CMD_NO_OP")
    assert [answer.text for answer in answers] == ["dispatched 256 to 0", "completed 256"]
    gds.uplink(source, "/up.bin")
    flight.join()
    assert gds.event_count() == 3
    with pytest.raises(GdsTimeout, match=r"/late\.bin was not received within 0.3 s"):
        gds.uplink(source, "/late.bin", timeout_s=0.3)
    wire.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_station_that_ended_starts_again_on_its_port(
    start_gds: Callable[..., Gds], dictionary: Path, end: str
) -> None:
    gds = start_gds(dictionary)
    wire = connect(gds.port)
    wire.write(EVENT_CCSDS)
    gds.await_event("NoOp")
    getattr(gds, end)()
    assert wire.read() == b""
    wire.close()

    gds.start()
    wire = connect(gds.port)
    wire.write(EVENT_CCSDS)
    assert gds.await_event("NoOp", since=1).args == (3,)
    wire.close()


def test_what_does_not_come_or_is_unknown_is_said_plainly(start_gds: Callable[..., Gds], dictionary: Path) -> None:
    gds = start_gds(dictionary, port=free_port())
    with pytest.raises(GdsTimeout, match=r"no event NoOp \{'args': \[4\]\} within 0.1 s"):
        gds.await_event("NoOp", [4], timeout_s=0.1)
    with pytest.raises(GdsFailure, match=r"X\.NONE"):
        gds.send("X.NONE")


def test_a_station_that_cannot_start_tells_why(start_gds: Callable[..., Gds], dictionary: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        start_gds(dictionary.with_name("none.json"))
    dictionary.write_text('{"metadata": {}}')
    with pytest.raises(GdsFailure, match="missing 'events' field"):
        start_gds(dictionary)
