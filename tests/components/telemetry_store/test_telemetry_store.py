"""TelemetryStore: which packets go out and when, byte for byte, and what it says about limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import F32, U32, Bool, CommandResponse, Limits, String
from kittiwake.model.codec import packer
from kittiwake.model.types import wire_type
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import parse_channel_entry, parse_telemetry
from kittiwake.wire.time_tag import TAG_SIZE, pack_tag
from kittiwake_components.telemetry_store.component import AWAITED_CYCLES, MAX_RATE_CYCLES, TelemetryStore
from kittiwake_components.telemetry_store.limits import LimitState, LimitWatch
from tests.components.telemetry_store.station import BASE, FIRST, SECOND, Label, Mode, Station

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = CommandResponse.OK
INVALID = CommandResponse.VALIDATION_ERROR


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station()
    made.cycle(AWAITED_CYCLES)
    yield made
    made.finish()


@pytest.fixture
def alone() -> Iterator[Station]:
    """A deployment without packets."""
    made = Station([])
    made.cycle(AWAITED_CYCLES)
    yield made
    made.finish()


def ids(packets: list[bytes]) -> list[int]:
    return [parse_telemetry(packet)[0] for packet in packets]


def channels(packet: bytes, sizes: dict[int, int]) -> list[int]:
    """The ids in a packet of single channels."""
    assert packet[:2] == b"\0\1"
    found, offset = [], 2
    while offset < len(packet):
        id, _, at = parse_channel_entry(packet, offset)
        found.append(id)
        offset = at + sizes[id]
    return found


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(TelemetryStore) == []


def test_a_packet_goes_out_in_the_cycle_in_which_one_of_its_channels_was_written(station: Station) -> None:
    """REQ-TLM-001."""
    assert station.cycle() == []
    station.first.count = 7
    assert ids(station.cycle()) == [3]
    assert station.cycle() == []
    station.first.count = 7
    station.first.volts = 7.5
    assert ids(station.cycle()) == [3]


def test_a_channel_sent_on_change_alone_makes_no_packet_while_it_stays(station: Station) -> None:
    """REQ-TLM-001."""
    station.first.ready = True
    assert ids(station.cycle()) == [3]
    station.first.ready = True
    assert station.cycle() == []


def test_a_packet_has_each_value_at_its_greatest_size_and_one_time_tag(station: Station) -> None:
    """REQ-TLM-002: the example of the interoperability notes, with padded strings in ASCII."""
    station.first.count = 3
    station.first.title = "ab"
    station.first.volts = 7.5
    station.first.ready = True
    (packet,) = station.cycle()
    id, tag, values = parse_telemetry(packet)
    assert id == 3
    assert tag > station.store._known[FIRST + 3].tag
    assert values == bytes.fromhex("0000000300026162" + "00" * 10 + "40f00000ff")
    assert packet[:4] == b"\0\4\0\3"


@given(st.lists(st.tuples(st.sampled_from(["count", "title", "volts", "ready", ""]), st.integers(0, 2)), max_size=12))
def test_a_packet_has_what_was_written_last_whatever_went_before(steps: list[tuple[str, int]]) -> None:
    """REQ-TLM-002: only what was written is packed anew."""
    station = Station()
    kinds: dict[str, Any] = {"count": int, "title": str, "volts": float, "ready": bool}
    pack = packer([wire_type(kind) for kind in (U32, String(12), F32, Bool)])
    for name, number in steps:
        if name:
            setattr(station.first, name, kinds[name](number))
        elif number:
            station.cycle()
        else:
            station.send("SEND_PKT", 3)
            first = station.first
            wanted = pack(first.count, first.title, first.volts, first.ready)
            assert unpadded(parse_telemetry(station.take()[-1])[2]) == wanted
    station.finish()


def unpadded(values: bytes) -> bytes:
    """Without what follows the title up to its greatest size."""
    end = 6 + int.from_bytes(values[4:6], "big")
    return values[:end] + values[4 + 2 + 12 :]


def test_strings_on_the_downlink_are_ascii_within_structs_too(station: Station) -> None:
    """REQ-TLM-002."""
    station.first.title = "é" * 6
    station.first.label = Label("aé", Mode.ON)
    assert station.send("SEND_PKT", 4) is OK
    assert parse_telemetry(station.take()[0])[2] == bytes(4) + b"\0\2a?\1" + bytes(4)
    assert parse_telemetry(station.cycle()[0])[2][4:12] == b"\0\6??????"


def test_channels_that_were_never_written_have_their_defaults(station: Station) -> None:
    """REQ-TLM-002."""
    assert station.send("SEND_PKT", 4) is OK
    assert parse_telemetry(station.take()[0])[2] == bytes(4 + 9)


def test_a_packet_waits_for_the_values_that_have_limits_but_not_for_ever() -> None:
    """REQ-TLM-011: a voltage of zero that nobody has measured would be a red alarm at the ground."""
    station = Station()
    station.first.count = 7
    assert 3 not in ids(station.cycle())
    station.first.volts = 7.5
    assert 3 in ids(station.cycle())
    station.finish()
    station = Station()
    station.first.count = 7
    for _ in range(AWAITED_CYCLES - 1):
        assert 3 not in ids(station.cycle())
    assert 3 in ids(station.cycle())
    station.finish()


def test_packets_above_the_level_wait(station: Station) -> None:
    """REQ-TLM-003."""
    station.second.count = 1
    assert station.cycle() == []
    assert station.send("SET_LEVEL", 2) is OK
    assert ids(station.cycle()) == [4, 5]
    assert station.events[-1].name == "LevelSet"
    assert station.events[-1].args == (2,)
    assert station.store.send_level == 2
    station.cycle()
    assert station.send("SET_LEVEL", 0) is OK
    station.first.count = 1
    assert station.cycle() == []


def test_a_level_above_all_packets_is_taken_with_a_warning(station: Station) -> None:
    """REQ-TLM-003."""
    assert station.send("SET_LEVEL", 9) is OK
    assert [event.name for event in station.events] == ["MaxLevelExceed", "LevelSet"]
    assert station.events[0].args == (9, 2)


def test_the_level_after_boot_is_a_parameter(station: Station) -> None:
    """REQ-TLM-003."""
    assert station.send("LEVEL_PRM_SET", 2) is OK
    station.second.count = 1
    assert 4 in ids(station.cycle())


def test_a_packet_is_sent_on_command_whatever_its_level(station: Station) -> None:
    """REQ-TLM-004."""
    assert station.send("SEND_PKT", 4) is OK
    assert ids(station.take()) == [4]
    assert (station.events[-1].name, station.events[-1].args) == ("PacketSent", (4,))
    assert station.send("SEND_PKT", 99) is INVALID
    assert (station.events[-1].name, station.events[-1].args) == ("PacketNotFound", (99,))


def test_a_packet_with_a_rate_goes_out_at_it_changed_or_not(station: Station) -> None:
    """REQ-TLM-005."""
    assert station.send("SET_RATE", 3, 3) is OK
    assert [len(station.cycle()) for _ in range(7)] == [0, 0, 1, 0, 0, 1, 0]
    station.first.count = 1
    assert [len(station.cycle()) for _ in range(2)] == [0, 1]
    assert station.send("SET_RATE", 3, 0) is OK
    station.first.count = 1
    assert ids(station.cycle()) == [3]
    assert station.send("SET_RATE", 9, 1) is INVALID
    assert station.send("SET_RATE", 3, MAX_RATE_CYCLES + 1) is INVALID


def test_rates_stand_in_the_topology() -> None:
    """REQ-TLM-005."""
    station = Station(rates={"Fast": 2, "Fats": 1})
    assert [event.args for event in station.events.named("RateUnknown")] == [("Fats",)]
    station.first.volts = 7.0  # packet 3 waits for it
    assert [ids(station.cycle()) for _ in range(4)] == [[5], [3], [], [3]]
    station.finish()


def test_counting_packets_makes_no_packet(station: Station) -> None:
    """REQ-TLM-006."""
    station.first.count = 1
    assert ids(station.cycle()) == [3]
    assert station.cycle(5) == []
    assert station.store.packets_sent == 2
    assert station.send("SEND_PKT", 5) is OK
    assert parse_telemetry(station.take()[0])[2] == bytes.fromhex("000000010000000200000000")


def test_a_channel_in_no_packet_is_sent_when_asked_for_only() -> None:
    """REQ-TLM-007."""
    station = Station([("Fast", 3, 1, [FIRST])])
    station.cycle()
    station.second.count = 5
    assert station.cycle() == []
    assert station.send("QUERY", SECOND) is OK
    (packet,) = station.take()
    assert channels(packet, {SECOND: 4}) == [SECOND]
    assert packet[-4:] == b"\0\0\0\5"
    assert station.send("QUERY", 0x9999) is INVALID
    assert (station.events[-1].name, station.events[-1].args) == ("NoChan", (0x9999,))
    station.finish()


def test_without_packets_channels_go_one_by_one_with_their_own_tags(alone: Station) -> None:
    """REQ-TLM-007."""
    alone.first.count = 1
    alone.first.count = 2
    alone.second.count = 3
    (packet,) = alone.cycle()
    assert channels(packet, {BASE + 1: 4, FIRST: 4, SECOND: 4}) == [FIRST, SECOND, BASE + 1]
    _, tag, at = parse_channel_entry(packet, 2)
    assert tag == alone.store._known[FIRST].tag
    assert packet[at : at + 4] == b"\0\0\0\2"
    assert alone.cycle(3) == []


def test_single_channels_are_divided_into_packets_of_bounded_size() -> None:
    """REQ-TLM-007."""
    station = Station([], packet_bytes=64)
    station.cycle(2)
    for source in (station.first, station.second):
        source.count = 1
        source.volts = 7.0
        source.title = "abcdefghijkl"
    packets = station.cycle()
    sizes = {FIRST: 4, FIRST + 1: 14, FIRST + 2: 4, SECOND: 4, SECOND + 1: 14, SECOND + 2: 4, BASE + 1: 4}
    assert sorted(id for packet in packets for id in channels(packet, sizes)) == sorted(sizes)
    assert max(len(packet) for packet in packets) <= 66
    station.finish()


def test_a_query_of_a_channel_that_was_never_written_has_a_time_tag(station: Station) -> None:
    """REQ-TLM-007."""
    assert station.send("QUERY", FIRST) is OK
    assert parse_channel_entry(station.take()[0], 2)[1] > 2 << 64


def test_others_read_the_latest_value(station: Station) -> None:
    """REQ-TLM-008."""
    assert station.store.tlm_get(FIRST) == bytes(TAG_SIZE + 4)
    station.first.count = 9
    assert station.store.tlm_get(FIRST) == pack_tag(station.store._known[FIRST].tag) + b"\0\0\0\x09"
    assert station.store.tlm_get(0x9999) == b""


def test_a_value_beyond_its_limits_is_reported_once_and_when_it_is_back(station: Station) -> None:
    """REQ-TLM-009."""
    for value in (7.0, 8.75, 8.8, 9.5, 11.0, 7.0, 7.1, 5.0):
        station.first.volts = value
        station.cycle()
    assert [(event.name, *event.args) for event in station.events] == [
        ("LimitViolated", "first.Volts", LimitState.YELLOW, 8.75),
        ("LimitViolated", "first.Volts", LimitState.ORANGE, 9.5),
        ("LimitViolated", "first.Volts", LimitState.RED, 11.0),
        ("LimitRestored", "first.Volts", 7.0),
        ("LimitViolated", "first.Volts", LimitState.RED, 5.0),
    ]
    assert station.store.limits_violated == 1


def test_a_value_that_hovers_at_a_limit_is_reported_once(station: Station) -> None:
    """REQ-TLM-009."""
    for value in (8.51, 8.49, 8.51, 8.47, 8.52):
        station.first.volts = value
        station.cycle()
    assert [event.name for event in station.events] == ["LimitViolated"]
    station.first.volts = 8.45
    station.cycle()
    assert station.events[-1].name == "LimitRestored"


@given(st.lists(st.floats(-20, 20), max_size=30), st.floats(0, 0.1))
def test_a_state_is_never_better_than_the_limits_say_nor_worse_than_those_with_the_margin(
    values: list[float], hysteresis: float
) -> None:
    """REQ-TLM-009."""
    limits = Limits(low_red=-10, low_yellow=-5, high_yellow=5, high_orange=8, high_red=10)
    watch = LimitWatch(limits, hysteresis)
    for value in values:
        before = watch.state
        assert watch.judge(value) is (watch.state is not before)
        assert watch.state >= plain_state(value, 0)
        assert watch.state <= plain_state(value, 20 * hysteresis)


def plain_state(value: float, margin: float) -> LimitState:
    if value > 10 - margin or value < -10 + margin:
        return LimitState.RED
    if value > 8 - margin:
        return LimitState.ORANGE
    return LimitState.YELLOW if value > 5 - margin or value < -5 + margin else LimitState.GREEN


def test_one_limit_alone_has_a_margin_of_its_own_size() -> None:
    """REQ-TLM-009."""
    watch = LimitWatch(Limits(low_red=10.0), 0.1)
    assert [watch.judge(value) for value in (10.0, 9.9, 10.5, 11.0)] == [False, True, False, True]


@pytest.mark.parametrize(
    "setting, good, bad",
    [
        ("packet_bytes", [64, 1008], [63, 1009]),
        ("hysteresis_percent", [0.0, 10.0], [-0.1, 10.1]),
        ("rates", [{}, {"Fast": 0, "Slow": 86_400}], [{"Fast": -1}, {"Fast": 86_401}]),
    ],
)
def test_settings_have_limits(setting: str, good: list[object], bad: list[object]) -> None:
    """REQ-TLM-005, REQ-TLM-007."""
    check = TelemetryStore.__declarations__.settings[setting].check
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(ValueError, match=r"is outside (0|64) to"):
            check(value)
