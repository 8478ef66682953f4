"""A deployment of C++ F´ in miniature: its dictionary as FPP's tools write it, and what it answers over TCP."""

from __future__ import annotations

import asyncio
import json
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from kittiwake.wire.file_packets import DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake.wire.file_packets import decode as decode_file_packet
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
from kittiwake_ground.server.ground import Ground

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from kittiwake_ground.archive import Archive

U32 = {"name": "U32", "kind": "integer", "size": 32, "signed": False}
U16 = {"name": "U16", "kind": "integer", "size": 16, "signed": False}
F32 = {"name": "F32", "kind": "float", "size": 32}
RESPONSE = {"name": "Fw.CmdResponse", "kind": "qualifiedIdentifier"}
BLOCK = {"name": "Svc.CmdSequencer.BlockState", "kind": "qualifiedIdentifier"}


def text(size: int) -> dict[str, Any]:
    return {"name": "string", "kind": "string", "size": size}


def formals(**types: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "type": form, "ref": False} for name, form in types.items()]


def enum(name: str, *words: str) -> dict[str, Any]:
    constants = [{"name": word, "value": number} for number, word in enumerate(words)]
    representation = {"name": "U8", "kind": "integer", "size": 8, "signed": False}
    return {
        "kind": "enum", "qualifiedName": name, "representationType": representation,
        "enumeratedConstants": constants, "default": f"{name}.{words[0]}",
    }  # fmt: skip


def event(name: str, id: int, severity: str, format: str, **types: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "severity": severity, "formalParams": formals(**types), "id": id, "format": format}


def command(name: str, opcode: int, **types: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "commandKind": "async", "opcode": opcode, "formalParams": formals(**types)}


DISPATCHED, COMPLETED, FAILED, INVALID, TOO_MANY, RECEIVED, COMPLETE, LOADED, STEP = range(0x501, 0x50A)
NO_OP, RUN, SEND, PRM_SET, PRM_SAVE, STOP = 0x500, 0x600, 0x700, 0x800, 0x801, 0x602
TEMPERATURE = 0x900

DICTIONARY: dict[str, Any] = {
    "metadata": {
        "deploymentName": "Ref", "projectVersion": "v4.0.0", "frameworkVersion": "v4.0.0", "libraryVersions": [],
        "dictionarySpecVersion": "1.0.0",
    },
    "typeDefinitions": [
        enum("Fw.CmdResponse", "OK", "INVALID_OPCODE", "VALIDATION_ERROR", "FORMAT_ERROR", "EXECUTION_ERROR", "BUSY"),
        enum("Svc.CmdSequencer.BlockState", "BLOCK", "NO_BLOCK"),
    ],
    "constants": [],
    "commands": [
        command("Ref.dispatcher.CMD_NO_OP", NO_OP),
        command("Ref.sequencer.CS_RUN", RUN, fileName=text(60), block=BLOCK),
        command("Ref.sequencer.CS_CANCEL", STOP),
        command("Ref.down.SendFile", SEND, sourceFileName=text(100), destFileName=text(100)),
        {**command("Ref.heater.SETPOINT_PRM_SET", PRM_SET, val=F32), "commandKind": "set"},
        {**command("Ref.heater.SETPOINT_PRM_SAVE", PRM_SAVE), "commandKind": "save"},
    ],
    "events": [
        event("Ref.dispatcher.OpCodeDispatched", DISPATCHED, "COMMAND", "Opcode 0x{x} to {}", Opcode=U32, port=U16),
        event("Ref.dispatcher.OpCodeCompleted", COMPLETED, "COMMAND", "Opcode 0x{x} completed", Opcode=U32),
        event("Ref.dispatcher.OpCodeError", FAILED, "COMMAND", "Opcode 0x{x}: {}", Opcode=U32, error=RESPONSE),
        event("Ref.dispatcher.InvalidCommand", INVALID, "WARNING_HI", "Invalid opcode 0x{x}", Opcode=U32),
        event("Ref.up.FileReceived", RECEIVED, "ACTIVITY_HI", "Received file {}", fileName=text(40)),
        event("Ref.sequencer.CS_SequenceComplete", COMPLETE, "ACTIVITY_HI", "{} complete", fileName=text(60)),
        event("Ref.sequencer.CS_SequenceLoaded", LOADED, "ACTIVITY_LO", "Loaded {}", fileName=text(60)),
        event(
            "Ref.sequencer.CS_CommandComplete", STEP, "ACTIVITY_LO", "{}: {} ({})", fileName=text(60),
            recordNumber=U32, opCode=U32,
        ),
    ],
    "telemetryChannels": [
        {
            "name": "Ref.heater.Temperature", "type": F32, "id": TEMPERATURE, "telemetryUpdate": "always",
            "limits": {"high": {"yellow": 30, "red": 50}, "low": {"red": -10}},
        }
    ],
    "parameters": [{"name": "Ref.heater.SETPOINT", "type": F32, "id": 0x810, "default": 21.5}],
    "records": [], "containers": [], "telemetryPacketSets": [],
}  # fmt: skip

_TIME = struct.pack(">HBII", 2, 0, 1_700_000_000, 250_000)


def said(id: int, arguments: bytes = b"") -> bytes:
    """An event packet."""
    return struct.pack(">HI", 2, id) + _TIME + arguments


def measured(value: float) -> bytes:
    """A packet with a temperature."""
    return struct.pack(">HI", 1, TEMPERATURE) + _TIME + struct.pack(">f", value)


def wire_text(value: str) -> bytes:
    """A string as it is on the wire."""
    return len(value).to_bytes(2, "big") + value.encode()


class Foreign:
    """The deployment. `mute` opcodes are not answered; `refused` ones fail with EXECUTION_ERROR."""

    def __init__(self, framing: str = "fprime") -> None:
        self.sent: list[bytes] = []
        self.opcodes: list[int] = []
        self.files: dict[str, bytes] = {}
        self.mute: set[int] = set()
        self.refused: set[int] = set()
        self.unknown: set[int] = set()
        self.port = 0
        self._framing = FRAMINGS[framing]
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._downlink = self._framing.downlink_framer(FramingParameters())
        self._incoming = bytearray()
        self._remote = ""

    async def start(self) -> None:
        """Listens, on the port of before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Vanishes."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        deframer = self._framing.uplink_deframer(FramingParameters())
        while data := await reader.read(65536):
            for packet in deframer.feed(data):
                self._take(packet)
        self._writers.discard(writer)
        writer.close()

    def say(self, *packets: bytes) -> None:
        """Sends packets to whoever is connected."""
        data = b"".join([self._downlink.frame(packet) for packet in packets]) + self._downlink.flush()
        for writer in self._writers:
            writer.write(data)

    def _take(self, packet: bytes) -> None:
        self.sent.append(packet)
        if packet[:2] == b"\x00\x03":
            self._take_file(decode_file_packet(packet))
            return
        (opcode,) = struct.unpack_from(">I", packet, 2)
        self.opcodes.append(opcode)
        number = struct.pack(">I", opcode)
        if opcode in self.mute:
            return
        if opcode in self.unknown:
            self.say(said(INVALID, number))
            return
        self.say(said(DISPATCHED, number + b"\x00\x01"))
        if opcode in self.refused:
            self.say(said(FAILED, number + b"\x04"))
            return
        if opcode == SEND:
            self._send_file(packet[6:])
        if opcode == RUN:
            name = packet[6:-1]
            self.say(said(LOADED, name))
            self.say(said(STEP, name + struct.pack(">II", 0, NO_OP)), said(COMPLETE, name))
        self.say(said(COMPLETED, number))

    def _take_file(self, packet: Any) -> None:
        if isinstance(packet, StartPacket):
            self._incoming, self._remote = bytearray(), packet.destination_path
        elif isinstance(packet, DataPacket):
            self._incoming += packet.data
        elif isinstance(packet, EndPacket):
            self.files[self._remote] = bytes(self._incoming)
            self.say(said(RECEIVED, wire_text(self._remote)))

    def _send_file(self, arguments: bytes) -> None:
        size = int.from_bytes(arguments[:2], "big")
        source = arguments[2 : 2 + size].decode()
        destination = arguments[4 + size :].decode()
        self.send_file(source, destination, self.files[source])

    def send_file(self, source: str, destination: str, content: bytes, checksum: int | None = None) -> None:
        """Sends a file down."""
        self.say(StartPacket(0, len(content), source, destination).encode())
        sum_ = FileChecksum()
        sum_.update(0, content)
        for index, offset in enumerate(range(0, len(content), 500), 1):
            self.say(DataPacket(index, offset, content[offset : offset + 500]).encode())
        index = -(-len(content) // 500) + 1
        self.say(EndPacket(index, sum_.value if checksum is None else checksum).encode())


@asynccontextmanager
async def served(
    folder: Path,
    others: Iterable[DeploymentConfiguration] = (),
    users: Path | None = None,
    archive: Archive | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Ground, Foreign]]:
    """A ground station with a foreign deployment called `ref`, connected."""
    path = folder / "dictionary.json"
    path.write_text(json.dumps(DICTIONARY))
    foreign = Foreign(settings.get("framing", "fprime"))
    await foreign.start()
    settings = {"framing": "fprime", **settings}
    own = DeploymentConfiguration("ref", path, f"tcp://127.0.0.1:{foreign.port}", **settings)
    ground = Ground(GroundConfiguration((own, *others), folder=folder / "ground", users=users), archive)
    await ground.start()
    try:
        await until(lambda: ground.deployment("ref").session.ready)
        yield ground, foreign
    finally:
        await ground.stop()
        await foreign.stop()


async def until(holds: Any, timeout_s: float = 30.0) -> None:
    """Waits until something holds."""
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.005)
