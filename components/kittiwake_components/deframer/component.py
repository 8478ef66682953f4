"""Finds packets in the bytes of the uplink."""

from __future__ import annotations

from kittiwake.model import U32, WARNING_LO, Channel, OutputPort, PassiveComponent, Setting, event, sync_port
from kittiwake.model.fw import Sched
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.security_association import unverified_data
from kittiwake.wire.transfer_frame import SPACECRAFT_ID, VIRTUAL_CHANNEL_ID
from kittiwake_components.framer.settings import MAX_SPACECRAFT_ID, MAX_UPLINK_VCID, check_framing
from kittiwake_components.ports.link import REFUSED, Bytes, Frame, LinkState, LinkStatus
from kittiwake_components.ports.security import GetUplinkSecurity, Unseal, UplinkSecurity


class Deframer(PassiveComponent):
    """Uplink: bytes, however they are cut and whatever else they are, to F´ packets.

    Where an authenticator says so, the data of each frame goes through it before a packet is looked for.
    """

    frame_out = OutputPort(Frame, required=True, doc="Packets for the router.")
    security_get = OutputPort(GetUplinkSecurity, doc="Asks the authenticator whether frames are to be signed.")
    unseal = OutputPort(Unseal, doc="Has the authenticator take the signature off a frame's data.")

    frames_in = Channel(U32, on_change=True, doc="Frames that passed their checks.")
    crc_errors = Channel(U32, on_change=True, doc="Frames whose checksum was wrong.")
    bytes_skipped = Channel(U32, on_change=True, doc="Bytes that belonged to no frame.")
    frames_foreign = Channel(U32, on_change=True, doc="Sound frames of another spacecraft or virtual channel.")
    sequence_gaps = Channel(U32, on_change=True, doc="Gaps in the sequence counts of space packets.")
    frames_rejected = Channel(U32, on_change=True, doc="Frames that are too long, and sound ones without a packet.")
    uplink_security = Channel(UplinkSecurity, doc="OPEN while unsigned packets are accepted; sent at each link-up.")

    framing = Setting(str, default="ccsds", check=check_framing, doc="ccsds or fprime.")
    spacecraft_id = Setting(
        int, default=SPACECRAFT_ID, low=0, high=MAX_SPACECRAFT_ID, doc="CCSDS spacecraft identifier."
    )
    vcid = Setting(int, default=VIRTUAL_CHANNEL_ID, low=0, high=MAX_UPLINK_VCID, doc="CCSDS virtual channel.")

    @event(WARNING_LO, "{count} uplinked frames failed their checksum", throttle=5, every_s=60.0)
    def bad_checksum(self, count: U32) -> None: ...

    @event(WARNING_LO, "{count} uplinked frames were for somebody else", throttle=5, every_s=60.0)
    def foreign_frames(self, count: U32) -> None: ...

    @event(WARNING_LO, "{count} gaps in the uplink's sequence counts: packets were lost", throttle=5, every_s=60.0)
    def sequence_gap(self, count: U32) -> None: ...

    @event(WARNING_LO, "{count} uplinked frames were too long or held no packet", throttle=5, every_s=60.0)
    def bad_frame(self, count: U32) -> None: ...

    def initialize(self) -> None:
        self._secured = False
        self._make_deframer()
        self._reported = [0, 0, 0, 0]

    def start(self) -> None:
        self._ask_for_security()
        if self._secured:
            self._make_deframer()

    def _make_deframer(self) -> None:
        framing = FRAMINGS[self.framing]
        unseal = self._unseal if self._secured else None
        self._deframer = framing.uplink_deframer(FramingParameters(self.spacecraft_id, self.vcid, unseal=unseal))
        self._packet_in = framing.uplink_packet

    def _ask_for_security(self) -> None:
        security = UplinkSecurity.OPEN
        if self.is_connected(Deframer.security_get):
            security = self.security_get()
        self.uplink_security = security
        self._secured = security is UplinkSecurity.AUTHENTICATED

    @sync_port(Bytes)
    def data_in(self, data: bytes) -> None:
        """Bytes of the link."""
        authenticated = self._secured
        for packet in self._deframer.feed(data):
            self.frame_out(packet, 0, authenticated)

    def _unseal(self, field: bytes) -> bytes | None:
        """The data that was signed. What was refused goes to the router, which knows what may come in unsigned."""
        data = self.unseal(field)
        if data:
            return data
        wrapped = unverified_data(field)
        packet = None if wrapped is None else self._packet_in(wrapped)
        if packet is None:
            packet = self._packet_in(field)
        if packet is not None:
            self.frame_out(packet, REFUSED, False)
        return None

    @sync_port(LinkStatus)
    def link_status(self, state: LinkState) -> None:
        """A link that went down leaves no half frame behind; one that came up hears how commands are taken."""
        if state is LinkState.DOWN:
            self._deframer.reset()
        else:
            self._ask_for_security()

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry and reports what is new among the errors."""
        counters = self._deframer.counters
        rejected = counters.oversize + counters.malformed
        self.frames_in = counters.frames & 0xFFFFFFFF
        self.crc_errors = counters.crc_errors & 0xFFFFFFFF
        self.bytes_skipped = counters.skipped_bytes & 0xFFFFFFFF
        self.frames_foreign = counters.foreign_frames & 0xFFFFFFFF
        self.sequence_gaps = counters.packet_gaps & 0xFFFFFFFF
        self.frames_rejected = rejected & 0xFFFFFFFF
        now = [counters.crc_errors, counters.foreign_frames, counters.packet_gaps, rejected]
        events = (self.bad_checksum, self.foreign_frames, self.sequence_gap, self.bad_frame)
        for report, count, before in zip(events, now, self._reported, strict=True):
            if count > before:
                report(count - before)
        self._reported = now
