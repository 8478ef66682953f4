"""A session with one deployment: packets out, and what comes back, decoded by its dictionary."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent, Decoder, encode_command
from kittiwake.model.types import WireError
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, StartPacket, decode
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.wire.file_packets import FilePacket
    from kittiwake_ground.link import GroundLink
    from kittiwake_ground.uplink_signing import AcceptanceWatch, SignedUplink

REPORT_LIMIT_S = 3.0
"""How long a deployment that connects has to say where its sequence number stands."""

QUIET_S = 0.3
SETTLE_LIMIT_S = 3.0

Item = DecodedEvent | DecodedChannel | StartPacket | DataPacket | EndPacket | CancelPacket


class StationSigning:
    """What signs a station's frames, and what tells it where the deployment's number stands."""

    def __init__(self, uplink: SignedUplink, watch: AcceptanceWatch) -> None:
        self.uplink = uplink
        self.watch = watch
        self.reports = 0
        """How many reports came since the link was made."""

    def take(self, items: Sequence[Item], complain: Callable[[str], None]) -> None:
        """Looks for reports among items that came, and says if the signer had to move."""
        for item in items:
            number = self.watch.number_in(item)
            if number is not None:
                self.reports += 1
                before = self.uplink.signer.last
                if self.uplink.signer.take_report(number) and before:
                    complain(f"sequence number {before} became {number}, where the deployment stands")


class Station:
    """Sends and receives over a link that is connected. `complain` is told of packets that cannot be decoded."""

    def __init__(
        self,
        link: GroundLink,
        dictionary: Dictionary,
        framing: str,
        complain: Callable[[str], None],
        signing: StationSigning | None = None,
    ) -> None:
        """Raises `ValueError` for a dictionary with several packet sets."""
        self.dictionary = dictionary
        self.link = link
        self._decoder = Decoder(dictionary)
        self._complain = complain
        ends = FRAMINGS[framing]
        config = dictionary.config
        seal = None if signing is None else signing.uplink.signer.seal
        parameters = FramingParameters(config.spacecraft_id, frame_size=config.frame_size, seal=seal)
        self._framer = ends.uplink_framer(parameters)
        self._deframer = ends.downlink_deframer(parameters)
        self.max_packet = ends.max_uplink_packet - (0 if signing is None else signing.uplink.overhead)
        self._signing = signing
        self._is_synchronised = False
        self._held: list[Item] = []
        self._file_descriptor = struct.pack(f">{config.descriptor.code}", config.descriptors["FW_PACKET_FILE"])

    def connect(self, timeout_s: float) -> None:
        """Makes the link, or makes it anew. Raises `LinkLost`."""
        self.link.connect(timeout_s)
        self._deframer.reset()
        self._is_synchronised = False
        if self._signing is not None:
            self._signing.reports = 0

    def send_packet(self, packet: bytes) -> int:
        """Sends an F´ packet and gives the bytes it took on the link.

        Raises `LinkLost`, and `ValueError` for a packet that the framing cannot carry, or that cannot be signed.
        """
        if self._signing is not None and not self._is_synchronised:
            self._await_report(self._signing)
        data = self._framer.frame(packet) + self._framer.flush()
        self.link.send(data)
        return len(data)

    def _await_report(self, signing: StationSigning) -> None:
        """Hears where the deployment's number stands before the first frame is signed; what else comes is held."""
        self._is_synchronised = True
        deadline = time.monotonic() + REPORT_LIMIT_S
        while signing.watch.expects_report and not signing.reports:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                self._complain("the deployment has not said where its sequence number stands; going on with ours")
                return
            self._held += self._receive(left_s)

    def send_command(self, name: str, arguments: Sequence[Any]) -> int:
        """Sends a command and gives its opcode. Raises `LinkLost`, `UnknownName`, or `ValueError` for the arguments."""
        packet = encode_command(self.dictionary, name, arguments)
        self.send_packet(packet)
        return self.dictionary.command(name).opcode

    def receive(self, timeout_s: float) -> list[Item]:
        """What came, in its order; waits up to `timeout_s` if nothing has, and gives none then. Raises `LinkLost`."""
        if self._held:
            held, self._held = self._held, []
            return held
        return self._receive(timeout_s)

    def _receive(self, timeout_s: float) -> list[Item]:
        items: list[Item] = []
        for packet in self._deframer.feed(self.link.receive(timeout_s)):
            try:
                items += self._decode(packet)
            except WireError as fault:
                self._complain(f"a packet is left out: {fault}")
        if self._signing is not None:
            self._signing.take(items, self._complain)
        return items

    def _decode(self, packet: bytes) -> Sequence[Item]:
        if packet.startswith(self._file_descriptor):
            file_packet: FilePacket = decode(packet)
            return [file_packet]
        return self._decoder.decode(packet)

    def settle(self, take: Callable[[Item], None]) -> None:
        """Hands over what the deployment has kept for whoever connects, until it is quiet for `QUIET_S`.

        What comes later is then an answer to what is sent later. Raises `LinkLost`.
        """
        limit = time.monotonic() + SETTLE_LIMIT_S
        while items := self.receive(QUIET_S):
            for item in items:
                take(item)
            if time.monotonic() >= limit:
                return
