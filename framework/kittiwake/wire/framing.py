"""The framings by name: for each, both ends of the uplink and both ends of the downlink.

The device holds the uplink's deframer and the downlink's framer, the ground the other two. All four have one shape,
whatever the framing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.fprime_frame import MAX_FPRIME_DATA_SIZE, FprimeDeframer, FprimeFramer
from kittiwake.wire.link_counters import LinkCounters
from kittiwake.wire.space_packet import (
    MAX_SPACE_DATA_SIZE,
    SPACE_HEADER_SIZE,
    TELECOMMAND,
    TELEMETRY,
    SpacePacketDeframer,
    SpacePacketFramer,
)
from kittiwake.wire.transfer_frame import (
    MAX_TC_FRAME_SIZE,
    SPACECRAFT_ID,
    TC_OVERHEAD,
    TM_FRAME_SIZE,
    VIRTUAL_CHANNEL_ID,
    TcDeframer,
    TcFramer,
    TmDeframer,
    TmFramer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Seal = Callable[[bytes], bytes]
    Unseal = Callable[[bytes], bytes | None]


class Framer(Protocol):
    """Turns F´ packets into the bytes of a link."""

    def frame(self, packet: bytes, apid: int | None = None) -> bytes:
        """What to send now, possibly nothing yet. Raises `ValueError` for a packet that the framing cannot carry."""

    def flush(self) -> bytes:
        """What is still to be sent for every packet so far to arrive."""


class Deframer(Protocol):
    """Finds F´ packets in the bytes of a link, whatever else these are and however they are cut."""

    counters: LinkCounters

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame; bounded."""

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that `data` completes, descriptors included. Raises nothing."""

    def reset(self) -> None:
        """Drops what waits, as when a connexion ended."""


class CcsdsUplinkFramer:
    """Packet -> TC space packet -> `seal` if given -> TC frame."""

    def __init__(
        self,
        spacecraft_id: int = SPACECRAFT_ID,
        vcid: int = VIRTUAL_CHANNEL_ID,
        max_size: int | None = None,
        *,
        seal: Seal | None = None,
    ) -> None:
        frame_size = _tc_frame_size(max_size)
        self._packets = SpacePacketFramer(TELECOMMAND, frame_size - TC_OVERHEAD - SPACE_HEADER_SIZE)
        self._seal = seal
        self._frames = TcFramer(spacecraft_id, vcid, frame_size)

    def frame(self, packet: bytes, apid: int | None = None) -> bytes:
        """The TC frame around `packet`; without `apid` the packet's descriptor is taken. Raises `PacketSizeError`."""
        data = self._packets.frame(packet, apid)
        return self._frames.frame(data if self._seal is None else self._seal(data))

    def flush(self) -> bytes:
        """Nothing: no frame waits to be filled."""
        return b""


class CcsdsUplinkDeframer:
    """TC frame -> `unseal` if given, which returns None to refuse -> TC space packet -> packet."""

    def __init__(
        self,
        spacecraft_id: int = SPACECRAFT_ID,
        vcid: int = VIRTUAL_CHANNEL_ID,
        max_size: int | None = None,
        *,
        unseal: Unseal | None = None,
    ) -> None:
        self.counters = LinkCounters()
        self._frames = TcDeframer(spacecraft_id, vcid, _tc_frame_size(max_size), self.counters)
        self._unseal = unseal
        self._packets = SpacePacketDeframer(TELECOMMAND, self.counters)

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return self._frames.held_bytes

    def reset(self) -> None:
        """Drops what waits for the rest of its frame; the next packet may have any sequence count."""
        self._frames.reset()
        self._packets.reset()

    def feed(self, data: bytes) -> list[bytes]:
        """The F´ packets that `data` completes, descriptors included."""
        packets: list[bytes] = []
        for field in self._frames.feed(data):
            if self._unseal is not None:
                opened = self._unseal(field)
                if opened is None:
                    self.counters.refused += 1
                    continue
                field = opened
            packet = self._packets.unpack(field)
            if packet is not None:
                packets.append(packet)
        return packets


class CcsdsDownlinkDeframer:
    """TM frames -> TM space packets -> packets."""

    def __init__(
        self, spacecraft_id: int = SPACECRAFT_ID, vcid: int = VIRTUAL_CHANNEL_ID, frame_size: int = TM_FRAME_SIZE
    ) -> None:
        self.counters = LinkCounters()
        self._frames = TmDeframer(spacecraft_id, vcid, frame_size, self.counters)
        self._packets = SpacePacketDeframer(TELEMETRY, self.counters)

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame or packet."""
        return self._frames.held_bytes

    def reset(self) -> None:
        """Drops what waits for the rest of its frame or packet; the next one may have any sequence count."""
        self._frames.reset()
        self._packets.reset()

    def feed(self, data: bytes) -> list[bytes]:
        """The F´ packets that `data` completes, descriptors included."""
        packets: list[bytes] = []
        for run in self._frames.feed(data):
            packets += self._packets.split(run)
        return packets


class FramingParameters(NamedTuple):
    """What both ends of a link must agree on; F´ framing has neither addresses nor a frame size.

    `max_uplink_size` is the most bytes in the data of an uplink frame, None for the framing's own limit. `seal` turns
    that data into what is sent and `unseal` turns it back, or into None to refuse it: the place of uplink security.
    """

    spacecraft_id: int = SPACECRAFT_ID
    vcid: int = VIRTUAL_CHANNEL_ID
    frame_size: int = TM_FRAME_SIZE
    max_uplink_size: int | None = None
    seal: Seal | None = None
    unseal: Unseal | None = None


class Framing(NamedTuple):
    """One framing: how large packets may be, factories of the four ends, and how an uplink frame's data holds a packet.

    `uplink_packet(data)` is the packet, or `None` if there is none; it keeps no counts.
    """

    max_uplink_packet: int
    max_downlink_packet: int
    uplink_framer: Callable[[FramingParameters], Framer]
    uplink_deframer: Callable[[FramingParameters], Deframer]
    downlink_framer: Callable[[FramingParameters], Framer]
    downlink_deframer: Callable[[FramingParameters], Deframer]
    uplink_packet: Callable[[bytes], bytes | None]


def _lone_telecommand(data: bytes) -> bytes | None:
    return SpacePacketDeframer(TELECOMMAND, LinkCounters()).unpack(data)


def _tc_frame_size(max_size: int | None) -> int:
    return MAX_TC_FRAME_SIZE if max_size is None else min(max_size + TC_OVERHEAD, MAX_TC_FRAME_SIZE)


def _fprime_size(max_size: int | None) -> int:
    return MAX_FPRIME_DATA_SIZE if max_size is None else min(max_size, MAX_FPRIME_DATA_SIZE)


FRAMINGS: dict[str, Framing] = {
    "ccsds": Framing(
        max_uplink_packet=MAX_TC_FRAME_SIZE - TC_OVERHEAD - SPACE_HEADER_SIZE,
        max_downlink_packet=MAX_SPACE_DATA_SIZE,
        uplink_framer=lambda p: CcsdsUplinkFramer(p.spacecraft_id, p.vcid, p.max_uplink_size, seal=p.seal),
        uplink_deframer=lambda p: CcsdsUplinkDeframer(p.spacecraft_id, p.vcid, p.max_uplink_size, unseal=p.unseal),
        downlink_framer=lambda p: TmFramer(p.spacecraft_id, p.vcid, p.frame_size),
        downlink_deframer=lambda p: CcsdsDownlinkDeframer(p.spacecraft_id, p.vcid, p.frame_size),
        uplink_packet=_lone_telecommand,
    ),
    "fprime": Framing(
        max_uplink_packet=MAX_FPRIME_DATA_SIZE,
        max_downlink_packet=MAX_FPRIME_DATA_SIZE,
        uplink_framer=lambda p: FprimeFramer(_fprime_size(p.max_uplink_size), seal=p.seal),
        uplink_deframer=lambda p: FprimeDeframer(_fprime_size(p.max_uplink_size), unseal=p.unseal),
        downlink_framer=lambda _: FprimeFramer(),
        downlink_deframer=lambda _: FprimeDeframer(),
        uplink_packet=lambda data: data or None,
    ),
}
"""The framings that `--framing` names."""
