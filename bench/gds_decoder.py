"""Decodes a recorded downlink with fprime-gds's own classes; runs with the Python of the peers' environment.

Arguments: the dictionary, the framing (`fprime` or `ccsds`), the file with the bytes, and the size of a read. For each
line on standard input the file is decoded once, and the seconds and the number of values are written as a line.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from fprime_gds.common.communication.ccsds.chain import SpacePacketSpaceDataLinkFramerDeframer
from fprime_gds.common.communication.framing import FpFramerDeframer
from fprime_gds.common.decoders.ch_decoder import ChDecoder
from fprime_gds.common.decoders.event_decoder import EventDecoder
from fprime_gds.common.decoders.pkt_decoder import PktDecoder
from fprime_gds.common.models.dictionaries import Dictionaries


def main() -> None:
    """Decodes as often as it is asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dictionary")
    parser.add_argument("framing", choices=["fprime", "ccsds"])
    parser.add_argument("recording", type=Path)
    parser.add_argument("chunk", type=int)
    options = parser.parse_args()
    dictionaries = Dictionaries.load_dictionaries_into_config(options.dictionary)
    decoders = {
        1: ChDecoder(dictionaries.channel_id),
        2: EventDecoder(dictionaries.event_id),
        4: PktDecoder(dictionaries.packet, dictionaries.channel_id),
    }
    data = options.recording.read_bytes()
    chunks = [data[start : start + options.chunk] for start in range(0, len(data), options.chunk)]
    for _ in sys.stdin:
        if options.framing == "fprime":
            deframer = FpFramerDeframer()
        else:
            deframer = SpacePacketSpaceDataLinkFramerDeframer(scid=None, vcid=1, frame_size=None)
        began = time.perf_counter()
        count = decode(deframer, decoders, chunks)
        print(time.perf_counter() - began, count, flush=True)


def decode(deframer: Any, decoders: dict[int, Any], chunks: list[bytes]) -> int:
    """Decodes all of it to typed values, as the ground system's receiver and distributor do, and counts them."""
    pool = b""
    count = 0
    for chunk in chunks:
        packets, pool, _ = deframer.deframe_all(pool + chunk, True)
        for packet in packets:
            count += len(decoders[int.from_bytes(packet[:2], "big")].decode_api(packet[2:]))
    return count


if __name__ == "__main__":
    main()
