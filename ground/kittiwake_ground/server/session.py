"""The session with one deployment: the link is made and made again, and what comes is decoded and handed on."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import TYPE_CHECKING, Protocol

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent, Decoder
from kittiwake.model.types import WireError
from kittiwake.wire.file_packets import decode as decode_file_packet
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.link_address import parse_link
from kittiwake.wire.packets import DESCRIPTOR_SIZE
from kittiwake_ground.server.links import (
    CONNECTING,
    DOWN,
    SILENT_AFTER_S,
    UP,
    AsyncLink,
    LinkDown,
    LinkReplaced,
    LinkReport,
)
from kittiwake_ground.uplink_signing import (
    AcceptanceWatch,
    SignedUplink,
    choose_key,
    number_folder,
    usable_association,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.platform.interface import Network
    from kittiwake.wire.file_packets import FilePacket
    from kittiwake_ground.configuration import DeploymentConfiguration

FIRST_RETRY_S = 0.2
LONGEST_RETRY_S = 10.0
STABLE_S = 5.0
"""A connection that lasted so long makes the next attempt start at once again."""

QUIET_S = 0.3
SETTLE_LIMIT_S = 3.0
"""What a deployment kept for whoever connects has come once it is quiet for `QUIET_S`, or after this long."""

REPORT_EVERY_S = 1.0
PAUSE_S = 0.01
LONGEST_PAUSE_S = 5.0
"""How long a link stays unread where the archive is behind; then reading goes on, and the archive counts its losses."""


class Receiver(Protocol):
    """What a session hands on to."""

    @property
    def is_behind(self) -> bool:
        """Whether more comes than can be kept: the link is then left unread for a while, and TCP slows the sender."""

    def take_samples(self, items: Sequence[DecodedChannel], received_us: int) -> None:
        """Channel values that came together."""

    def take_events(self, items: Sequence[DecodedEvent], received_us: int) -> None:
        """Events that came together."""

    def take_file_packet(self, packet: FilePacket) -> None:
        """A piece of a file that comes down."""

    def take_cfdp_packet(self, packet: bytes) -> None:
        """A packet of the APID of CFDP."""

    def take_raw(self, up: bool, data: bytes, at_us: int) -> None:
        """What the link carried; told only where it is to be kept."""

    def link_changed(self, report: LinkReport) -> None:
        """The state of the link changed, or its counters did (once a second)."""

    def link_ready(self) -> None:
        """Commands may be sent: the link is there and what the deployment had kept has come."""


class SessionSigning:
    """What signs a session's frames, and the last number that the deployment has said it accepted."""

    def __init__(self, configuration: DeploymentConfiguration, dictionary: Dictionary, folder: Path | None) -> None:
        """Raises `OSError` and `ValueError` if commands cannot be signed as configured."""
        assert configuration.keys is not None
        association = usable_association(choose_key(configuration.keys, configuration.spi))
        self._watch = AcceptanceWatch(dictionary, association.spi, configuration.authenticator)
        numbers = number_folder(configuration.keys) if folder is None else folder
        self.uplink = SignedUplink(association, numbers, configuration.link, configuration.window)
        self.accepted: int | None = None

    @property
    def waits_for_report(self) -> bool:
        """Whether a report is still to come on this connection."""
        return self._watch.expects_report and self.accepted is None

    def forget_report(self) -> None:
        """Another connection begins; the deployment may have started anew."""
        self.accepted = None

    def take(self, items: Sequence[object]) -> None:
        """Looks for reports among what came; a signer whose next frame would be refused moves."""
        for item in items:
            number = self._watch.number_in(item)
            if number is not None:
                self.accepted = number
                self.uplink.signer.take_report(number)


def now_us() -> int:
    """The ground's wall clock in microseconds since 1970."""
    return time.time_ns() // 1000


class Session:
    """One deployment's link, for as long as `run` runs."""

    def __init__(
        self,
        configuration: DeploymentConfiguration,
        dictionary: Dictionary,
        receiver: Receiver,
        network: Network | None = None,
        folder: Path | None = None,
    ) -> None:
        """`folder` keeps the sequence numbers of signed links.

        Raises `ValueError` for a dictionary with several packet sets of which none is named, and `OSError` or
        `ValueError` if commands are to be signed and cannot be.
        """
        self.link = AsyncLink(parse_link(configuration.link), network)
        self.ready = False
        """Whether commands may be sent now."""
        self._receiver = receiver
        self._decoder = Decoder(dictionary, configuration.packet_set)
        ends = FRAMINGS[configuration.framing]
        config = dictionary.config
        self._signing = SessionSigning(configuration, dictionary, folder) if configuration.keys is not None else None
        seal = None if self._signing is None else self._signing.uplink.signer.seal
        parameters = FramingParameters(config.spacecraft_id, frame_size=config.frame_size, seal=seal)
        self._framer = ends.uplink_framer(parameters)
        self._deframer = ends.downlink_deframer(parameters)
        self.max_packet = ends.max_uplink_packet - (0 if self._signing is None else self._signing.uplink.overhead)
        self._file_descriptor = struct.pack(f">{config.descriptor.code}", config.descriptors["FW_PACKET_FILE"])
        self._cfdp_descriptor = configuration.cfdp.apid.to_bytes(DESCRIPTOR_SIZE, "big")
        self._keeps_raw = configuration.raw_frames
        self._state = DOWN
        self._since_us = now_us()
        self._reason = "not started"
        self._last_packet_us = 0
        self._connections = 0
        self._undecodable = 0
        self._last_event = 0.0
        self._settling: asyncio.TimerHandle | None = None
        self._settle_limit = 0.0

    def report(self) -> LinkReport:
        """How the link stands."""
        counters = self._deframer.counters
        return LinkReport(
            address=str(self.link.address),
            state=self._state,
            since_us=self._since_us,
            reason=self._reason,
            last_packet_us=self._last_packet_us,
            silent=self._state != UP or self.quiet_s > SILENT_AFTER_S,
            connections=self._connections,
            sent_bytes=self.link.sent_bytes,
            received_bytes=self.link.received_bytes,
            frames=counters.frames,
            packets=counters.packets,
            crc_errors=counters.crc_errors,
            gaps=counters.frame_gaps + counters.packet_gaps,
            skipped_bytes=counters.skipped_bytes,
            undecodable=self._undecodable,
            spi=None if self._signing is None else self._signing.uplink.signer.spi,
            accepted=None if self._signing is None else self._signing.accepted,
            resynchronisations=0 if self._signing is None else self._signing.uplink.signer.resynchronisations,
        )

    @property
    def quiet_s(self) -> float:
        """For how long nothing sound has come on this connection."""
        return (now_us() - max(self._last_packet_us, self._since_us)) / 1e6

    def close(self) -> None:
        """Keeps the number of a signed link as it stands. Raises `SigningFault`."""
        if self._signing is not None:
            self._signing.uplink.close()

    async def run(self) -> None:
        """Keeps the link until it is cancelled."""
        reporting = asyncio.ensure_future(self._report_on())
        retry_s = FIRST_RETRY_S
        try:
            while True:
                started = time.monotonic()
                await self._live()
                if time.monotonic() - started > STABLE_S:
                    retry_s = FIRST_RETRY_S
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
        finally:
            reporting.cancel()
            self._not_ready()
            self.link.close()
            self._enter(DOWN, "stopped")

    async def _live(self) -> None:
        """One connection, from the attempt to its end."""
        self._enter(CONNECTING, self._reason if self._connections or self._state == DOWN else "")
        try:
            await self.link.connect()
            while True:
                self._connected()
                try:
                    while True:
                        self._take(await self.link.receive())
                        if self._receiver.is_behind:
                            await self._pause()
                except LinkReplaced as replaced:
                    self._not_ready()
                    self._enter(CONNECTING, str(replaced))
        except LinkDown as fault:
            self._not_ready()
            self._enter(DOWN, str(fault))

    async def _pause(self) -> None:
        """Leaves the link unread until what came is kept."""
        until_s = time.monotonic() + LONGEST_PAUSE_S
        while self._receiver.is_behind and time.monotonic() < until_s:
            await asyncio.sleep(PAUSE_S)

    def _connected(self) -> None:
        self._connections += 1
        self._deframer.reset()
        if self.link.has_connections:
            self._enter(UP, "")
        else:
            self._enter(CONNECTING, "open, and nothing has come yet")
        now = time.monotonic()
        self._last_event = now
        self._settle_limit = now + SETTLE_LIMIT_S
        if self._signing is not None:
            self._signing.forget_report()
        self._settle()

    def _settle(self) -> None:
        """Is ready once nothing more comes of what the deployment had kept: its old answers are not to new commands.

        A signed link also waits to hear where the deployment's sequence number stands.
        """
        now = time.monotonic()
        waits = self._signing is not None and self._signing.waits_for_report
        due = self._settle_limit if waits else min(self._last_event + QUIET_S, self._settle_limit)
        if now >= due:
            self._settling = None
            self.ready = True
            self._receiver.link_ready()
        else:
            wait_s = min(due - now, QUIET_S) + 0.001
            self._settling = asyncio.get_running_loop().call_later(wait_s, self._settle)

    def _not_ready(self) -> None:
        self.ready = False
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    def _enter(self, state: str, reason: str) -> None:
        changed = state != self._state
        if changed:
            self._since_us = now_us()
        if changed or reason != self._reason:
            self._state, self._reason = state, reason
            self._receiver.link_changed(self.report())

    async def _report_on(self) -> None:
        before = None
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            report = self.report()
            if report != before:
                self._receiver.link_changed(report)
                before = report

    def _take(self, data: bytes) -> None:
        received_us = now_us()
        if self._keeps_raw:
            self._receiver.take_raw(False, data, received_us)
        packets = self._deframer.feed(data)
        if not packets:
            return
        self._last_packet_us = received_us
        if self._state != UP:
            self._enter(UP, "")
        samples: list[DecodedChannel] = []
        events: list[DecodedEvent] = []
        for packet in packets:
            if packet.startswith(self._cfdp_descriptor):
                self._receiver.take_cfdp_packet(packet)
                continue
            try:
                if packet.startswith(self._file_descriptor):
                    self._receiver.take_file_packet(decode_file_packet(packet))
                    continue
                items = self._decoder.decode(packet)
            except WireError:
                self._undecodable += 1
                continue
            if items and isinstance(items[0], DecodedEvent):
                events += items  # type: ignore[arg-type]
            else:
                samples += items  # type: ignore[arg-type]
        if self._signing is not None:
            self._signing.take([*samples, *events])
        if samples:
            self._receiver.take_samples(samples, received_us)
        if events:
            self._last_event = time.monotonic()
            self._receiver.take_events(events, received_us)

    async def send_packet(self, packet: bytes) -> int:
        """Sends an F´ packet and gives the bytes it took on the link.

        Raises `LinkDown`, and `ValueError` for a packet that the framing cannot carry.
        """
        data = self._framer.frame(packet) + self._framer.flush()
        if self._keeps_raw:
            self._receiver.take_raw(True, data, now_us())
        await self.link.send(data)
        return len(data)
