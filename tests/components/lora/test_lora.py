"""Lora: one packet at a time, as long as it takes, and not all of them arrive."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.simulation.lora_air import time_on_air_s
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ComQueue, Lora
from kittiwake_components.lora.settings import LoRaBandwidth, LoRaDataRate, TransmitState
from kittiwake_components.ports.link import LinkState
from tests.components.flight import Flight

Tester = ComponentTester[Lora]

FRAME = bytes(range(248))
AIR_S = time_on_air_s(248, 8, 125e3, 1)


def radio(**settings: Any) -> Tester:
    """A radio that may send."""
    tester = ComponentTester(Lora, settings=settings)
    assert tester.send("TRANSMIT", TransmitState.ENABLED).response is CommandResponse.OK
    return tester


def transmitting(tester: Tester) -> bool:
    return "transmitter" in spacecraft_of(tester.platform).loads.on


def test_after_a_start_it_listens_and_is_silent() -> None:
    """REQ-LORA-001."""
    with ComponentTester(Lora) as tester:
        assert tester.ports.uplink_status_out == [(LinkState.UP,)]
        assert tester.call.room() == 0
        tester.call.data_in(FRAME)
        tester.call.air_in(b"hello")
        tester.advance(10)
        assert tester.ports.air_out == []
        assert tester.ports.data_out == [(b"hello",)]
        tester.call.enable_transmit()
        tester.advance(AIR_S + 0.01)
        assert tester.ports.air_out == [(FRAME,)]


def test_a_packet_is_on_the_air_as_long_as_the_formula_says() -> None:
    """REQ-LORA-002, REQ-LORA-009."""
    with radio() as tester:
        tester.call.data_in(FRAME)
        assert transmitting(tester)
        tester.advance(AIR_S - 0.001)
        assert tester.ports.air_out == []
        tester.advance(0.002)
        assert tester.ports.air_out == [(FRAME,)]
        assert not transmitting(tester)


def test_parameters_change_the_rate() -> None:
    """REQ-LORA-002: what radio-fast.seq sets."""
    with radio() as tester:
        tester.set_parameter("DATA_RATE", LoRaDataRate.SF_7)
        tester.set_parameter("BANDWIDTH_TX", LoRaBandwidth.BW_500_KHZ)
        tester.call.data_in(FRAME)
        tester.advance(time_on_air_s(248, 7, 500e3, 1) + 0.001)
        assert tester.ports.air_out == [(FRAME,)]
        tester.call.air_in(b"x" * 100)
        tester.advance(time_on_air_s(100, 7, 125e3, 1) - 0.001)
        assert tester.ports.data_out == []
        tester.advance(0.002)
        assert tester.ports.data_out == [(b"x" * 100,)]


def test_a_stop_lets_the_last_packet_end() -> None:
    """REQ-LORA-001."""
    with radio() as tester:
        tester.call.data_in(FRAME)
        tester.call.data_in(FRAME)
        assert tester.send("TRANSMIT", TransmitState.DISABLED).response is CommandResponse.OK
        assert tester.channels["TransmitState"] is TransmitState.DISABLING
        assert tester.call.room() == 0
        tester.advance(10)
        assert len(tester.ports.air_out) == 1
        assert tester.channel("TransmitState").history[-1] is TransmitState.DISABLED
        states = [call[0] for call in tester.ports.status_out]
        assert (states[0], states[-1]) == (LinkState.UP, LinkState.DOWN)
        tester.call.disable_transmit()
        tester.advance(10)
        assert len(tester.ports.air_out) == 1


def test_there_is_room_for_one_packet_and_the_next_is_asked_for() -> None:
    """REQ-LORA-005."""
    with radio() as tester:
        assert tester.call.room() == 255
        tester.call.data_in(FRAME)
        assert tester.call.room() == 0
        tester.clear_history()
        tester.advance(AIR_S + 0.01)
        assert tester.ports.status_out == [(LinkState.UP,)]
        assert tester.call.room() == 255


def test_who_sends_hears_nothing() -> None:
    """REQ-LORA-003: a ground that does not listen first is talked over, and so is the satellite."""
    with radio(ground_listens=False) as tester:
        tester.call.data_in(FRAME)
        tester.advance(0.1)
        tester.call.air_in(b"command")
        tester.advance(5)
        assert tester.ports.data_out == []
        assert tester.ports.air_out == []
        tester.call.run(0)
        assert tester.channels["PacketsLost"] == 2


def test_the_two_sides_take_turns_where_both_listen() -> None:
    """REQ-LORA-003."""
    with radio() as tester:
        for _ in range(3):
            tester.call.data_in(FRAME)
        tester.call.air_in(b"one")
        tester.call.air_in(b"two")
        tester.advance(20)
        order = [entry[1] for entry in tester.trace if entry[0] == "port" and entry[1] in ("air_out", "data_out")]
        assert order == ["air_out", "data_out", "air_out", "data_out", "air_out"]
        tester.call.run(0)
        assert tester.channels["PacketsLost"] == 0


@pytest.mark.parametrize("percent, low, high", [(0.0, 0, 0), (30.0, 20, 40), (100.0, 100, 100)])
def test_packets_are_lost_by_the_seed(percent: float, low: int, high: int) -> None:
    """REQ-LORA-004."""
    outcomes = []
    for _ in range(2):
        with radio(loss_percent=percent, seed=5) as tester:
            for number in range(100):
                tester.call.air_in(bytes([number]))
                tester.advance(0.2)
            tester.call.run(0)
            assert low <= tester.channels["PacketsLost"] <= high
            outcomes.append([call[0] for call in tester.ports.data_out])
    assert outcomes[0] == outcomes[1]


def test_what_is_too_long_or_too_much_is_refused() -> None:
    """REQ-LORA-006."""
    with radio() as tester:
        tester.call.data_in(bytes(256))
        assert tester.events.named("SendFailed")[0].args == (-90,)
        for _ in range(20):
            tester.call.data_in(FRAME)
        assert tester.events.named("SendFailed")[1].args == (-105,)
        tester.call.air_in(bytes(255 * 70))
        assert tester.events.named("AllocationFailed")[0].args == (255 * 6,)
        tester.advance(300)
        assert len(tester.ports.air_out) == 9
        assert len(tester.ports.data_out) == 64


def test_a_carrier_takes_the_air_and_leaves_the_radio_usable() -> None:
    """REQ-LORA-007."""
    with radio(ground_listens=False) as tester:
        for _ in range(2):
            assert tester.send("CONTINUOUS_WAVE", 5).response is CommandResponse.OK
            assert tester.send("CONTINUOUS_WAVE", 5).response is CommandResponse.BUSY
            assert transmitting(tester)
            tester.call.air_in(b"unheard")
            tester.advance(5.1)
            assert not transmitting(tester)
        assert tester.ports.data_out == []
        assert tester.ports.air_out == []
        tester.call.data_in(FRAME)
        tester.advance(1)
        assert tester.ports.air_out == [(FRAME,)]


def test_bytes_and_strength_are_in_the_telemetry() -> None:
    """REQ-LORA-008."""
    with radio() as tester:
        tester.call.data_in(FRAME)
        tester.call.air_in(b"12345")
        tester.advance(5)
        tester.call.run(0)
        assert (tester.channels["BytesSent"], tester.channels["BytesReceived"]) == (248, 5)
        assert -121 <= tester.channels["LastRssi"] <= -104
        assert -9 <= tester.channels["LastSnr"] <= 9


def test_a_queue_in_front_of_it_is_emptied_at_the_rate_of_the_air() -> None:
    """REQ-LORA-005, with ComQueue."""
    made = Flight({"radio": Lora, "queue": ComQueue}, ["radio.status_out -> queue.link_status"], [])
    arrived: list[bytes] = []
    queue, radio = made["queue"], made["radio"]
    queue.room, radio.air_out = radio.room, arrived.append
    queue.data_out = lambda data, context: radio.data_in(data)
    queue.flush_out = lambda: None
    for number in range(30):
        queue.com_packet_in(2, bytes([number]) * 248, 0)
    made.run(10)
    assert arrived == []
    radio.transmit(TransmitState.ENABLED)
    made.run(10)
    assert len(arrived) == int(10 / AIR_S)
    assert [packet[0] for packet in arrived] == list(range(len(arrived)))
    made.stop()


def test_settings_that_make_no_sense_are_refused() -> None:
    """REQ-LORA-004."""
    for name, value in (("device", "/dev/ttyUSB0"), ("loss_percent", 120.0)):
        check = Lora.__declarations__.settings[name].check
        with pytest.raises(ValueError, match=r"not|is outside"):
            check(value)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Lora) == []
