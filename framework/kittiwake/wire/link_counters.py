"""What a deframer has seen of its link."""

from __future__ import annotations


class LinkCounters:
    """Counts since the deframer was made; plain integers, read at any time.

    `frames` accepted and `packets` handed on; `crc_errors` of frames whose check failed; `skipped_bytes` that were part
    of no accepted frame or packet; `foreign_frames` sound but of another spacecraft or virtual channel (at least so
    many: between garbage some go unrecognised); `oversize` frames that announce more than the limit; `refused` by the
    security hook; `malformed` contents of sound frames; `frame_gaps` in the virtual channel's frame count;
    `packet_gaps` in the sequence counts of space packets.
    """

    __slots__ = (
        "crc_errors",
        "foreign_frames",
        "frame_gaps",
        "frames",
        "malformed",
        "oversize",
        "packet_gaps",
        "packets",
        "refused",
        "skipped_bytes",
    )

    def __init__(self) -> None:
        self.frames = 0
        self.packets = 0
        self.crc_errors = 0
        self.skipped_bytes = 0
        self.foreign_frames = 0
        self.oversize = 0
        self.refused = 0
        self.malformed = 0
        self.frame_gaps = 0
        self.packet_gaps = 0

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={getattr(self, name)}" for name in self.__slots__ if getattr(self, name))
        return f"LinkCounters({counts})"
