"""Wraps packets in the frames of the deployment's framing."""

from __future__ import annotations

from kittiwake.model import U32, WARNING_HI, Channel, OutputPort, PassiveComponent, Setting, event, sync_port
from kittiwake.model.fw import Com, Sched
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.transfer_frame import (
    MAX_TM_FRAME_SIZE,
    MIN_TM_FRAME_SIZE,
    SPACECRAFT_ID,
    TM_FRAME_SIZE,
    VIRTUAL_CHANNEL_ID,
)
from kittiwake_components.framer.settings import MAX_DOWNLINK_VCID, MAX_SPACECRAFT_ID, check_framing
from kittiwake_components.ports.link import Bytes, Flush

UNBOUNDED = 1 << 30


class Framer(PassiveComponent):
    """Downlink: F´ packets to frames, several to a frame where the framing allows it.

    Each call of `data_out` is one whole frame, so that a datagram never holds half of one.
    """

    data_out = OutputPort(Bytes, required=True, doc="One frame for the link.")
    flush_out = OutputPort(Flush, required=True, doc="No more frames come now: the link sends them.")

    frames_out = Channel(U32, on_change=True, doc="Frames handed to the link.")
    packets_refused = Channel(U32, on_change=True, doc="Packets that the framing cannot carry.")

    framing = Setting(str, default="ccsds", check=check_framing, doc="ccsds or fprime.")
    spacecraft_id = Setting(
        int, default=SPACECRAFT_ID, low=0, high=MAX_SPACECRAFT_ID, doc="CCSDS spacecraft identifier."
    )
    vcid = Setting(int, default=VIRTUAL_CHANNEL_ID, low=0, high=MAX_DOWNLINK_VCID, doc="CCSDS virtual channel.")
    frame_size = Setting(
        int, default=TM_FRAME_SIZE, low=MIN_TM_FRAME_SIZE, high=MAX_TM_FRAME_SIZE, doc="Size of TM frames in bytes."
    )

    @event(WARNING_HI, "A packet of {size} bytes was dropped: the framing cannot carry it", throttle=5, every_s=60.0)
    def packet_too_large(self, size: U32) -> None: ...

    def initialize(self) -> None:
        parameters = FramingParameters(self.spacecraft_id, self.vcid, self.frame_size)
        self._framer = FRAMINGS[self.framing].downlink_framer(parameters)
        self._size = self.frame_size if self.framing == "ccsds" else UNBOUNDED
        self._frames = self._refused = 0

    @sync_port(Com)
    def packet_in(self, data: bytes, context: int) -> None:
        """One packet."""
        try:
            frames = self._framer.frame(data)
        except ValueError:
            self._refused += 1
            self.packet_too_large(len(data))
            return
        if frames:
            self._hand_on(frames)

    @sync_port(Flush)
    def flush(self) -> None:
        """Completes the frame that is being filled."""
        frames = self._framer.flush()
        if frames:
            self._hand_on(frames)
        self.flush_out()

    def _hand_on(self, frames: bytes) -> None:
        if len(frames) <= self._size:
            self._frames += 1
            self.data_out(frames)
            return
        for start in range(0, len(frames), self._size):
            self._frames += 1
            self.data_out(frames[start : start + self._size])

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry."""
        self.frames_out = self._frames & 0xFFFFFFFF
        self.packets_refused = self._refused & 0xFFFFFFFF
