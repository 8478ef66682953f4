"""Finds packets in the bytes of the uplink."""

from __future__ import annotations

from kittiwake.model import U32, WARNING_LO, Channel, OutputPort, PassiveComponent, Setting, event, sync_port
from kittiwake.model.fw import Sched
from kittiwake.wire.framing import FRAMINGS, FramingParameters

from kittiwake_components.framer.component import check_framing
from kittiwake_components.ports import Bytes, Frame, LinkState, LinkStatus


class Deframer(PassiveComponent):
    """Uplink: bytes, however they are cut and whatever else they are, to F´ packets."""

    frame_out = OutputPort(Frame, required=True, doc="Packets for the router.")

    frames_in = Channel(U32, on_change=True, doc="Frames that passed their checks.")
    crc_errors = Channel(U32, on_change=True, doc="Frames whose checksum was wrong.")
    bytes_skipped = Channel(U32, on_change=True, doc="Bytes that belonged to no frame.")
    frames_foreign = Channel(U32, on_change=True, doc="Sound frames of another spacecraft or virtual channel.")
    sequence_gaps = Channel(U32, on_change=True, doc="Gaps in the sequence counts of space packets.")

    framing = Setting(str, default="ccsds", check=check_framing, doc="ccsds or fprime.")
    spacecraft_id = Setting(int, default=0x44, doc="CCSDS spacecraft identifier.")
    vcid = Setting(int, default=1, doc="CCSDS virtual channel.")

    @event(WARNING_LO, "{count} uplinked frames failed their checksum", throttle=5, every_s=60.0)
    def bad_checksum(self, count: U32) -> None: ...

    def initialize(self) -> None:
        parameters = FramingParameters(self.spacecraft_id, self.vcid)
        self._deframer = FRAMINGS[self.framing].uplink_deframer(parameters)

    @sync_port(Bytes)
    def data_in(self, data: bytes) -> None:
        """Bytes of the link."""
        for packet in self._deframer.feed(data):
            self.frame_out(packet, 0, False)

    @sync_port(LinkStatus)
    def link_status(self, state: LinkState) -> None:
        """A link that went down leaves no half frame behind."""
        if state is LinkState.DOWN:
            self._deframer.reset()

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry and reports new checksum errors."""
        counters = self._deframer.counters
        errors = counters.crc_errors - self.crc_errors
        if errors > 0:
            self.bad_checksum(errors)
        self.frames_in = counters.frames & 0xFFFFFFFF
        self.crc_errors = counters.crc_errors & 0xFFFFFFFF
        self.bytes_skipped = counters.skipped_bytes & 0xFFFFFFFF
        self.frames_foreign = counters.foreign_frames & 0xFFFFFFFF
        self.sequence_gaps = counters.packet_gaps & 0xFFFFFFFF
