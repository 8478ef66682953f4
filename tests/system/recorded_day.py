"""A day of the reference deployment in virtual time, recorded, with a ground that commands it and exchanges files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedEvent, Decoder
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system_files import SystemFiles
from kittiwake.replay.flight import RecordedFlight
from kittiwake.runtime.image import load_image
from kittiwake.sequence.command_line import command_packet
from kittiwake.sequence.compile import compile_text
from kittiwake.wire.file_packets import DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kittiwake.runtime.image import Image

HOST, PORT = "127.0.0.1", 50_000
ROOT = "/device"
SEQUENCE = """\
R00:00:01 CdhCore.cmdDisp.CMD_NO_OP_STRING "the sequence begins"
R00:10:00 CdhCore.version.VERSION ALL
R00:00:01 CdhCore.cmdDisp.CMD_NO_OP
"""
TICK_US = 55_000_000
"""A tick of the day: nothing of interest comes twice in half a minute, and every turn costs the test its time."""

SETTINGS: dict[str, dict[str, Any]] = {
    "ComCcsds.link": {"url": f"tcp-listen://{HOST}:{PORT}"},
    "ReferenceDeployment.rateGroupDriver": {"tick_us": TICK_US, "dividers": [1, 1, 1]},
    "ReferenceDeployment.wifi": {"measure_s": 600.0},
    "ReferenceDeployment.platformDriver": {"simulated_points": {}},
}


class RecordedDay:
    """`events` are what came down, `files` what was downlinked: the bytes of the file packets' data."""

    def __init__(self, image: Path, dictionary: Path, recording: Path, **options: Any) -> None:
        self.image: Image = load_image(image.read_bytes())
        self.dictionary = load_dictionary(str(dictionary))
        self.platform = SimulatedPlatform(8)
        self.platform.files.make_folder(ROOT)
        self.events: list[DecodedEvent] = []
        self.downlinked = bytearray()
        self.flight = RecordedFlight(
            self.image,
            self.platform,
            ROOT,
            SystemFiles(),
            str(recording),
            settings=SETTINGS,
            keyframe_s=4 * 3600.0,
            **options,
        )
        self._decoder = Decoder(self.dictionary)
        self._framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
        self._deframer = FRAMINGS["ccsds"].downlink_deframer(FramingParameters())

    def fly(self, hours: float = 24.0) -> None:
        """The whole day, or a shorter one; in the first hours the ground is there."""
        self.flight.start()
        self._wait(1)
        self._stream = self.platform.network.connect_tcp(HOST, PORT)
        self._wait(1)
        for line in (
            'CdhCore.cmdDisp.CMD_NO_OP_STRING "good morning"',
            "CdhCore.version.VERSION ALL",
            "CdhCore.cmdDisp.COMMAND_TIMEOUT_S_PRM_SET 20",
            "FileHandling.prmDb.PRM_SAVE_FILE",
            'FileHandling.fileManager.CreateDirectory "/kept"',
        ):
            self.command(line)
            self._wait(1)
        self._upload("/kept/day.bin", compile_text(SEQUENCE, "day.seq", self.dictionary))
        self.command('ReferenceDeployment.cmdSeq.CS_RUN "/kept/day.bin" NO_BLOCK')
        self._wait(20)
        self._upload("/kept/up.bin", bytes(range(256)) * 40)
        self.command('FileHandling.fileDownlink.SendFile "/kept/up.bin" "down.bin"')
        self._wait(30)
        self._stream.close()
        self.flight.run_for(hours * 3600 - 60 * 60)
        self.flight.stop()
        self.flight.close()

    def command(self, line: str) -> None:
        """Sends a command line."""
        self._send(command_packet(line, self.flight.deployment.instances))

    def _send(self, packet: bytes) -> None:
        frame: bytes = self._framer.frame(packet)
        assert self._stream.send(frame) == len(frame)

    def _upload(self, name: str, content: bytes) -> None:
        for packet in file_packets(name, content):
            self._send(packet)
            self.flight.run_for(1.0)
        self._wait(1)

    def _wait(self, minutes: float) -> None:
        self.flight.run_for(minutes * 60)
        if not hasattr(self, "_stream"):
            return
        while data := self._stream.receive(1 << 16):
            for packet in self._deframer.feed(data):
                if packet.startswith(b"\x00\x03\x01"):
                    self.downlinked += packet[13:]
                elif not packet.startswith(b"\x00\x03"):
                    self.events += [one for one in self._decoder.decode(packet) if isinstance(one, DecodedEvent)]

    def names(self) -> list[str]:
        """The names of the events."""
        return [event.name.rpartition(".")[2] for event in self.events]


def file_packets(name: str, content: bytes) -> Iterator[bytes]:
    """The packets of a file for the deployment."""
    yield StartPacket(0, len(content), "ground", name).encode()
    checksum, index = FileChecksum(), 1
    for offset in range(0, len(content), 500):
        data = content[offset : offset + 500]
        checksum.update(offset, data)
        yield DataPacket(index, offset, data).encode()
        index += 1
    yield EndPacket(index, checksum.value).encode()
