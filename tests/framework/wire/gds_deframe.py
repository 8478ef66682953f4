"""Run by the Python of fprime-gds: deframes what comes in on standard input, with fprime-gds's own classes.

Arguments: the framing's name and the TM frame size. Each line in is a piece of the stream in hexadecimal; each line
out is a packet. `frame` as a third argument turns it round: packets in, frames out.
"""

from __future__ import annotations

import sys

from fprime_gds.common.communication.ccsds.chain import SpacePacketSpaceDataLinkFramerDeframer
from fprime_gds.common.communication.framing import FpFramerDeframer

framing, frame_size = sys.argv[1], int(sys.argv[2])
if framing == "ccsds":
    peer = SpacePacketSpaceDataLinkFramerDeframer(scid=0x44, vcid=1, frame_size=frame_size)
else:
    peer = FpFramerDeframer()
rest = b""
for line in sys.stdin:
    data = bytes.fromhex(line)
    if sys.argv[3:] == ["frame"]:
        sys.stdout.write(f"{peer.frame(data).hex()}\n")
    else:
        packets, rest, _ = peer.deframe_all(rest + data, no_copy=True)
        for packet in packets:
            sys.stdout.write(f"{bytes(packet).hex()}\n")
