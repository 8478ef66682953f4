"""A LoRa radio in a simulated air, with a modem on the ground at its other end."""

from __future__ import annotations

import errno
from collections import deque
from typing import Annotated

from kittiwake.model import (
    I8,
    I16,
    I32,
    U16,
    U32,
    WARNING_HI,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    PassiveComponent,
    Range,
    Setting,
    command,
    event,
    guarded_port,
    sync_port,
)
from kittiwake.model.fw import FwSizeType, Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.simulation.lora_air import PACKET_MAX, Air, time_on_air_s
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake_components.lora.settings import (
    LoRaBandwidth,
    LoRaCodingRate,
    LoRaDataRate,
    LoRaMode,
    TransmitState,
)
from kittiwake_components.ports.link import Bytes, Flush, LinkState, LinkStatus, Room

SATELLITE, GROUND = True, False

DOWN_LIMIT = 8
UP_LIMIT = 64
"""The most packets that wait in the radio, and in the modem on the ground."""

TRANSMITTER = "switches/transmitter/value"


def _check_device(device: str) -> None:
    if device != "simulated":
        raise ValueError(f"only `simulated` is built in, not {device!r}; a modem on a serial line is a Link")


class Lora(PassiveComponent):
    """Takes the place of a Link (fprime-zephyr's LoRa): a frame is a packet, and takes its time on the air.

    After a start it listens, and sends nothing until TRANSMIT ENABLED.
    """

    data_out = OutputPort(Bytes, required=True, doc="A packet that came from the ground.")
    status_out = OutputPort(LinkStatus, doc="Tells the downlink's queue that it may send, or may not.")
    uplink_status_out = OutputPort(LinkStatus, doc="Tells the deframer that the radio listens.")
    air_out = OutputPort(Bytes, doc="A packet that has reached the ground: to the Link that is its modem.")

    air_flush_out = OutputPort(Flush, doc="To the same Link: the packet is whole.")

    bytes_received = Channel(FwSizeType, on_change=True, unit="B", doc="Bytes received.")
    bytes_sent = Channel(FwSizeType, on_change=True, unit="B", doc="Bytes sent, whether they arrived or not.")
    last_rssi = Channel(I16, on_change=True, unit="dBm", doc="Strength of the last packet received.")
    last_snr = Channel(I8, on_change=True, unit="dB", doc="Its distance from the noise.")
    transmit_state = Channel(TransmitState, on_change=True, doc="Whether the radio may send.")
    packets_lost = Channel(U32, on_change=True, doc="Packets lost either way, as no radio knows it.")

    coding_rate = Parameter(LoRaCodingRate, default=LoRaCodingRate.CR_4_5, doc="Bits that protect four bits.")
    data_rate = Parameter(LoRaDataRate, default=LoRaDataRate.SF_8, doc="The spreading factor.")
    bandwidth_tx = Parameter(LoRaBandwidth, default=LoRaBandwidth.BW_125_KHZ, doc="Bandwidth of what is sent.")
    bandwidth_rx = Parameter(LoRaBandwidth, default=LoRaBandwidth.BW_125_KHZ, doc="Bandwidth of what is received.")

    device = Setting(str, default="simulated", check=_check_device, doc="The radio; the simulated one is built in.")
    seed = Setting(int, default=1, doc="Decides which packets are lost.")
    loss_percent = Setting(float, default=0.0, low=0, high=100, doc="Share of packets that are lost, either way.")
    ground_listens = Setting(bool, default=True, doc="Whether the ground's modem waits for a free channel.")

    @event(WARNING_HI, "Failed to configure LoRa into mode: {mode}", throttle=2)
    def configuration_failed(self, mode: LoRaMode) -> None:
        """A real radio's; the simulated one can always be set."""

    @event(WARNING_HI, "Failed to send LoRa message: {status}", throttle=2, every_s=600.0)
    def send_failed(self, status: I32) -> None:
        """-90: longer than a packet; -105: too many wait."""

    @event(WARNING_HI, "Failed to allocate buffer of: {allocation_size} bytes", throttle=2, every_s=600.0)
    def allocation_failed(self, allocation_size: FwSizeType) -> None:
        """The ground sends faster than the air takes it."""

    def initialize(self) -> None:
        self._air = Air(SeededRandom(self.seed), self.loss_percent / 100.0)
        self._state = TransmitState.DISABLED
        self._down: deque[bytes] = deque()
        self._up: deque[bytes] = deque()
        self._is_sending = self._is_ground_sending = self._wants_room = False
        self._received = self._sent = self._lost = 0

    def start(self) -> None:
        self.transmit_state = self._state
        if self.is_connected(Lora.uplink_status_out):
            self.uplink_status_out(LinkState.UP)

    def stop(self) -> None:
        self._key(is_on=False)

    # Commands

    @command
    def transmit(self, enabled: TransmitState) -> None:
        """Lets the radio send, or not; a packet that is on the air is sent to its end."""
        self._allow(enabled is TransmitState.ENABLED)

    @command
    def continuous_wave(self, seconds: Annotated[U16, Range(1, 600)]) -> None:
        """Sends a carrier without data; nothing else is sent or heard meanwhile."""
        if self._is_sending:
            raise CommandError(CommandResponse.BUSY, "the radio is sending")
        self._occupy(float(seconds), b"")

    @sync_port(Signal)
    def enable_transmit(self) -> None:
        """Lets the radio send."""
        self._allow(True)

    @sync_port(Signal)
    def disable_transmit(self) -> None:
        """Keeps the radio silent."""
        self._allow(False)

    def _allow(self, is_allowed: bool) -> None:
        if is_allowed:
            self._enter(TransmitState.ENABLED)
            self._send_next()
        else:
            self._enter(TransmitState.DISABLING if self._is_sending else TransmitState.DISABLED)

    def _enter(self, state: TransmitState) -> None:
        was_enabled = self._state is TransmitState.ENABLED
        self._state = self.transmit_state = state
        is_enabled = state is TransmitState.ENABLED
        if is_enabled is not was_enabled:
            self._tell(LinkState.UP if is_enabled else LinkState.DOWN)

    def _tell(self, state: LinkState) -> None:
        if self.is_connected(Lora.status_out):
            self.status_out(state)

    # Down

    @guarded_port(Room)
    def room(self) -> int:
        """One packet while nothing waits to be sent; else 0."""
        if self._state is TransmitState.ENABLED and not self._is_sending and not self._down:
            return PACKET_MAX
        self._wants_room = True
        return 0

    @sync_port(Bytes)
    def data_in(self, data: bytes) -> None:
        """One frame to send."""
        if len(data) > PACKET_MAX:
            self.send_failed(-errno.EMSGSIZE)
        elif len(self._down) >= DOWN_LIMIT:
            self.send_failed(-errno.ENOBUFS)
        else:
            self._down.append(data)
            self._send_next()

    @sync_port(Flush)
    def flush(self) -> None:
        """Nothing is held back here."""

    def _send_next(self) -> None:
        if self._is_sending or self._state is not TransmitState.ENABLED:
            return
        if self._is_ground_sending:
            return  # it would neither hear the ground nor be heard: the end of that packet calls here again
        if self._down:
            self._occupy(self._air_time_s(self._down[0], self.bandwidth_tx), self._down.popleft())
        elif self._wants_room:
            self._wants_room = False
            self._tell(LinkState.UP)

    def _air_time_s(self, packet: bytes, bandwidth: LoRaBandwidth) -> float:
        return time_on_air_s(len(packet), self.data_rate, bandwidth.hertz, self.coding_rate)

    def _occupy(self, duration_s: float, packet: bytes) -> None:
        """Sends for a time."""
        now_ns = self.clock.now_ns()
        self._is_sending = True
        self._air.send(SATELLITE, now_ns, now_ns + round(duration_s * NS_PER_S))
        self._key(is_on=True)
        self.clock.call_after(duration_s, self._sent_whole, packet, now_ns)

    def _key(self, *, is_on: bool) -> None:
        spacecraft_of(self.platform).write(TRANSMITTER, int(is_on))

    def _sent_whole(self, packet: bytes, began_ns: int) -> None:
        self._is_sending = False
        self._key(is_on=False)
        self._sent += len(packet)
        if packet:
            if not self._air.arrives(SATELLITE, began_ns, self.clock.now_ns()):
                self._lost += 1
            elif self.is_connected(Lora.air_out):
                self.air_out(packet)
                if self.is_connected(Lora.air_flush_out):
                    self.air_flush_out()
        if self._state is TransmitState.DISABLING:
            self._enter(TransmitState.DISABLED)
        # The ground has its turn between two packets, or it would wait for as long as there is something to send.
        self._ground_next()
        self._send_next()

    # Up

    @sync_port(Bytes)
    def air_in(self, data: bytes) -> None:
        """What the ground's modem is given to send, in packets of 255 bytes."""
        for begin in range(0, len(data), PACKET_MAX):
            packet = data[begin : begin + PACKET_MAX]
            if len(self._up) >= UP_LIMIT:
                self.allocation_failed(len(data) - begin)
                return
            self._up.append(packet)
        self._ground_next()

    def _ground_next(self) -> None:
        if self._is_ground_sending or not self._up or (self.ground_listens and self._is_sending):
            return
        packet = self._up.popleft()
        duration_s = self._air_time_s(packet, self.bandwidth_rx)
        now_ns = self.clock.now_ns()
        self._is_ground_sending = True
        self._air.send(GROUND, now_ns, now_ns + round(duration_s * NS_PER_S))
        self.clock.call_after(duration_s, self._ground_sent, packet, now_ns)

    def _ground_sent(self, packet: bytes, began_ns: int) -> None:
        self._is_ground_sending = False
        if self._air.arrives(GROUND, began_ns, self.clock.now_ns()):
            self._received += len(packet)
            self.last_rssi, self.last_snr = self._air.strength()
            self.data_out(packet)
        else:
            self._lost += 1
        self._send_next()
        self._ground_next()

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry."""
        self.bytes_received = self._received
        self.bytes_sent = self._sent
        self.packets_lost = self._lost & 0xFFFFFFFF
