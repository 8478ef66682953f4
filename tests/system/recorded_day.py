"""A day of the reference deployment in virtual time, recorded, with a ground that commands it and exchanges files.

With its own ticks a day takes a minute to fly and one to replay: it has slower ones, and only a part of it its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedEvent, Decoder
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.interface import NS_PER_S
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

    from kittiwake.platform.interface import Stream
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

OWN_TICKS: dict[str, dict[str, Any]] = {"ComCcsds.link": {"url": f"tcp-listen://{HOST}:{PORT}"}}
SLOW_TICKS: dict[str, dict[str, Any]] = {
    **OWN_TICKS,
    "ReferenceDeployment.rateGroupDriver": {"tick_us": TICK_US, "dividers": [1, 1, 1]},
    "ReferenceDeployment.wifi": {"measure_s": 600.0},
    "ReferenceDeployment.platformDriver": {"simulated_points": {}},
}


class RecordedDay:
    """`events` are what came down, `downlinked` the bytes of the file packets' data.

    `settings` are those of the deployment; the ground reads what has come every `reads_s` seconds.
    """

    def __init__(
        self, image: Path, dictionary: Path, recording: Path, settings: dict[str, dict[str, Any]] = SLOW_TICKS,
        reads_s: float = 60.0,
    ) -> None:  # fmt: skip
        self.image: Image = load_image(image.read_bytes())
        self.dictionary = load_dictionary(str(dictionary))
        self.platform = SimulatedPlatform(8)
        self.platform.files.make_folder(ROOT)
        self.events: list[DecodedEvent] = []
        self.downlinked = bytearray()
        self._reads_s = reads_s
        self._stream: Stream | None = None
        self.flight = RecordedFlight(
            self.image,
            self.platform,
            ROOT,
            SystemFiles(),
            str(recording),
            settings=settings,
            keyframe_s=4 * 3600.0,
        )
        self._decoder = Decoder(self.dictionary)
        self._framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
        self._deframer = FRAMINGS["ccsds"].downlink_deframer(FramingParameters())

    def fly(self, hours: float = 24.0, *, sequence_min: float = 20, downlink_min: float = 30) -> None:
        """The whole day, or a shorter one; in the first hour the ground is there.

        It waits so long for the sequence to run and for the file to come down.
        """
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
        self._wait(sequence_min)
        self._upload("/kept/up.bin", bytes(range(256)) * 40)
        self.command('FileHandling.fileDownlink.SendFile "/kept/up.bin" "down.bin"')
        self._wait(downlink_min)
        self._stream.close()
        self._stream = None
        self.flight.run_for(hours * 3600 - self.platform.clock.now_ns() / NS_PER_S)
        self.flight.stop()
        self.flight.close()

    def command(self, line: str) -> None:
        """Sends a command line."""
        self._send(command_packet(line, self.flight.deployment.instances))

    def _send(self, packet: bytes) -> None:
        assert self._stream is not None
        frame: bytes = self._framer.frame(packet)
        assert self._stream.send(frame) == len(frame)

    def _upload(self, name: str, content: bytes) -> None:
        for packet in file_packets(name, content):
            self._send(packet)
            self.flight.run_for(1.0)
        self._wait(1)

    def _wait(self, minutes: float) -> None:
        for _ in range(round(minutes * 60 / self._reads_s)):
            self.flight.run_for(self._reads_s)
            if self._stream is not None:
                self._read(self._stream)

    def _read(self, stream: Stream) -> None:
        while data := stream.receive(1 << 16):
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
