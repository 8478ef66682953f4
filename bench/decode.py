"""From the bytes of the downlink to typed values, beside fprime-gds's own classes.

The recordings are made from the reference deployment's dictionary, again and again from its start to its end: under F´
framing every channel, as many to a packet as TelemetryStore sends, and after each such packet one of the events; under
CCSDS framing every telemetry packet. Both decoders get
the same bytes in the same pieces, in turn, each in a process of its own and in its own environment; starting up and
loading the dictionary do not count. Both must find the same number of values. A turn of ours would be over before the
caches that the peer's turn has emptied are filled again, and the peer's takes twenty times as long; so ours takes the
recording so many times over that the two last about as long.
"""

from __future__ import annotations

import subprocess
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Figure, faster
from bench.peers import peer_python
from bench.reference_device import ReferenceDevice
from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.packets import channel_entry, channel_packet, event_packet, telemetry_packet

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.model.types import WireType

ROUNDS = 7
PACKETS = 3_000
PACKET_BYTES = 900
CHUNK = 2048
TIMES_OVER = 20
TAG = 2 << 64 | 1_767_225_600_000_000


class OtherCount(AssertionError):
    """The two decoders did not find the same."""


def _packed(type: WireType) -> bytes:
    return type.pack(type.default)


def _single_items(dictionary: Dictionary) -> list[bytes]:
    entries = deque(
        [channel_entry(channel.id, TAG, _packed(channel.type)) for channel in dictionary.channels_by_id.values()]
    )
    packets = []
    for event in dictionary.events_by_id.values():
        held: list[bytes] = []
        while sum(map(len, held)) + len(entries[0]) <= PACKET_BYTES:
            held.append(entries[0])
            entries.rotate(-1)
        arguments = b"".join([_packed(formal.type) for formal in event.formals])
        packets += [channel_packet(held), event_packet(event.id, TAG, arguments)]
    return packets


def _packed_items(dictionary: Dictionary) -> list[bytes]:
    packets = []
    for packet in dictionary.packet_sets[0].packets:
        values = [_packed(channel.type).ljust(channel.type.max_size, b"\0") for channel in packet.channels]
        packets.append(telemetry_packet(packet.id, TAG, b"".join(values)))
    return packets


def _recording(packets: list[bytes], framing: str) -> bytes:
    framer = FRAMINGS[framing].downlink_framer(FramingParameters())
    frames = [framer.frame(packets[number % len(packets)]) for number in range(PACKETS)]
    return b"".join([*frames, framer.flush()])


def _decode(decoder: Decoder, framing: str, chunks: list[bytes]) -> tuple[float, int]:
    deframer = FRAMINGS[framing].downlink_deframer(FramingParameters())
    decode = decoder.decode
    began = time.perf_counter()
    count = 0
    for _ in range(TIMES_OVER):
        for chunk in chunks:
            for packet in deframer.feed(chunk):
                count += len(decode(packet))
    return (time.perf_counter() - began) / TIMES_OVER, count // TIMES_OVER


def _beside_peer(
    device: ReferenceDevice, name: str, framing: str, packets: list[bytes], budget: float, stretch: float
) -> Figure:
    decoder = Decoder(load_dictionary(str(device.dictionary)))
    data = _recording(packets, framing)
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    recording = device.folder / f"{framing}.bin"
    recording.write_bytes(data)
    script = str(Path(__file__).with_name("gds_decoder.py"))
    command = [str(peer_python()), script, str(device.dictionary), framing, str(recording), str(CHUNK)]
    peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert peer.stdin is not None
    assert peer.stdout is not None
    pairs = []
    try:
        for _ in range(ROUNDS + 1):
            ours, count = _decode(decoder, framing, chunks)
            peer.stdin.write("\n")
            peer.stdin.flush()
            theirs, their_count = peer.stdout.readline().split()
            if int(their_count) != count:
                raise OtherCount(f"{name}: we found {count} values, fprime-gds {their_count}")
            pairs.append((ours / count * 1e9, float(theirs) / count * 1e9))
    finally:
        peer.stdin.close()
        peer.wait()
        peer.stdout.close()
    return faster(name, pairs[1:], "ns", budget, stretch)


def figures() -> list[Figure]:
    """Both framings."""
    with ReferenceDevice() as device:
        dictionary = load_dictionary(str(device.dictionary))
        return [
            _beside_peer(device, "ground decode, F´ frames", "fprime", _single_items(dictionary), 15, 25),
            _beside_peer(device, "ground decode, packed CCSDS", "ccsds", _packed_items(dictionary), 25, 45),
        ]
