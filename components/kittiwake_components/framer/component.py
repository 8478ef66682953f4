"""Wraps packets in the frames of the deployment's framing."""

from __future__ import annotations

from kittiwake.model import U32, WARNING_LO, Channel, OutputPort, PassiveComponent, Setting, event, sync_port
from kittiwake.model.fw import Com, Sched
from kittiwake.wire.framing import FRAMINGS, FramingParameters

from kittiwake_components.ports import Bytes, Flush


def check_framing(name: str) -> None:
    """Raises `ValueError` for a framing that is not known."""
    if name not in FRAMINGS:
        raise ValueError(f"the framings are {', '.join(FRAMINGS)}, not {name!r}")


class Framer(PassiveComponent):
    """Downlink: F´ packets to frames, several to a frame where the framing allows it."""

    data_out = OutputPort(Bytes, required=True, doc="Frames for the link.")

    frames_out = Channel(U32, on_change=True, doc="Portions of frames handed to the link.")

    framing = Setting(str, default="ccsds", check=check_framing, doc="ccsds or fprime.")
    spacecraft_id = Setting(int, default=0x44, doc="CCSDS spacecraft identifier.")
    vcid = Setting(int, default=1, doc="CCSDS virtual channel.")
    frame_size = Setting(int, default=1024, doc="Size of TM frames in bytes.")

    @event(WARNING_LO, "A packet of {size} bytes does not fit the framing", throttle=5, every_s=60.0)
    def packet_too_large(self, size: U32) -> None: ...

    def initialize(self) -> None:
        parameters = FramingParameters(self.spacecraft_id, self.vcid, self.frame_size)
        self._framer = FRAMINGS[self.framing].downlink_framer(parameters)
        self._frames = 0

    @sync_port(Com)
    def packet_in(self, data: bytes, context: int) -> None:
        """One packet."""
        try:
            frames = self._framer.frame(data)
        except ValueError:
            self.packet_too_large(len(data))
            return
        if frames:
            self._frames += 1
            self.data_out(frames)

    @sync_port(Flush)
    def flush(self) -> None:
        """Completes the frame that is being filled."""
        frames = self._framer.flush()
        if frames:
            self._frames += 1
            self.data_out(frames)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry."""
        self.frames_out = self._frames & 0xFFFFFFFF
