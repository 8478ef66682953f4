"""The budget's sizes are those of the bytes that a deployment really sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.budget.fields import channel_message, event_message, framed_fields, size_of, telemetry_message
from kittiwake.budget.links import Link, Schedule, links_of, schedule_of
from kittiwake.budget.plan import make_budget
from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.fields import DictionaryFault
from kittiwake.dictionary.load import read_dictionary
from kittiwake.model.codec import downlink_packer
from kittiwake.testing.strategies import values_of
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.packets import Apid, channel_entry, channel_packet, event_packet
from tests.framework.budget.downlink import Downlink, reference
from tests.framework.dictionary.sample import sample, sample_data

CCSDS = Link("down", "ccsds", FramingParameters())
FPRIME = Link("down", "fprime", FramingParameters())
TAG = 2 << 64 | 1_700_000_000_123_456


@pytest.mark.parametrize("framing", ["ccsds", "fprime"])
def test_each_packet_has_the_size_that_comes_down(framing: str) -> None:
    """Upstream: the data budget had the wrong descriptor width and left the time tag out."""
    downlink = Downlink(framing)
    dictionary = downlink.dictionary
    for packet in dictionary.packet_sets[0].packets:
        downlink.send("CdhCore.tlmSend.SEND_PKT", packet.id)
        _, packets = downlink.receive(0.3)
        sent = [one for one in packets if one[:4] == bytes([0, Apid.PACKETIZED_TLM, 0, packet.id])]
        assert {len(one) for one in sent} == {telemetry_message(dictionary, packet).size}, packet.name


@pytest.mark.parametrize("framing", ["ccsds", "fprime"])
@pytest.mark.parametrize("most", [1, 4])
def test_bytes_a_second_are_those_on_the_link(framing: str, most: int) -> None:
    """Upstream: overheads of frames, the frame error control field among them, were left out."""
    topology, dictionary = reference()
    names = [packet.name for packet in dictionary.packet_sets[0].packets]
    rates = {name: 1 + place % most for place, name in enumerate(names)}
    downlink = Downlink(framing, rates, level=3)
    downlink.receive(20)
    total, packets = downlink.receive(24)
    assert {one[1] for one in packets} == {Apid.PACKETIZED_TLM}, "other than telemetry came down"
    link = links_of(topology, framing)[0]
    budget = make_budget(dictionary, [link], schedule_of(topology)._replace(rates=rates), level=3)
    assert total == budget.load(link).telemetry * 24


def test_a_packet_that_changes_goes_out_at_most_once_a_cycle() -> None:
    topology, dictionary = reference()
    link = links_of(topology)[0]
    budget = make_budget(dictionary, [link], schedule_of(topology))
    downlink = Downlink()
    downlink.receive(20)
    total, packets = downlink.receive(20)
    assert packets
    assert total <= 20 * budget.load(link).telemetry
    assert budget.level == 1


def test_events_are_never_larger_than_the_budget_says() -> None:
    downlink = Downlink()
    events = {event.id: event_message(downlink.dictionary, event) for event in downlink.dictionary.events.values()}
    downlink.send("CdhCore.cmdDisp.CMD_NO_OP_STRING", "x" * 40)
    _, packets = downlink.receive(2)
    seen = [one for one in packets if one[1] == Apid.LOG]
    for packet in seen:
        assert len(packet) <= events[int.from_bytes(packet[2:6], "big")].size
    longest = events[downlink.dictionary.event("CdhCore.cmdDisp.NoOpStringReceived").id].size
    assert longest in {len(packet) for packet in seen}, "a full string takes all its bytes"


@given(st.data())
def test_a_channel_and_an_event_take_at_most_their_fields(data: Any) -> None:
    dictionary = sample()
    for channel in dictionary.channels.values():
        value = downlink_packer([channel.type])(data.draw(values_of(channel.type)))
        sent = channel_packet([channel_entry(channel.id, TAG, value)])
        message = channel_message(dictionary, channel)
        least = message.size - sum([field.bits // 8 for field in message.fields if field.varies])
        assert least <= len(sent) <= message.size
    for event in dictionary.events.values():
        values = [data.draw(values_of(formal.type)) for formal in event.formals]
        packed = b"".join([formal.type.pack(value) for formal, value in zip(event.formals, values, strict=True)])
        assert len(event_packet(event.id, TAG, packed)) <= event_message(dictionary, event).size


@given(st.lists(st.integers(1, 3000), max_size=12), st.integers(16, 2048))
def test_together_is_what_the_framer_sends(sizes: list[int], frame_size: int) -> None:
    for link in (CCSDS._replace(parameters=FramingParameters(frame_size=frame_size)), FPRIME):
        framer = FRAMINGS[link.framing].downlink_framer(link.parameters)
        sent = b"".join([framer.frame(bytes(size), 4) for size in sizes]) + framer.flush()
        assert link.together(sizes) == len(sent)
    assert FPRIME.together(sizes) == sum(sizes) + 12 * len(sizes), "start word, size and CRC-32 of each"


@pytest.mark.parametrize("size", [1, 15, 63, 1002, 1003, 1004, 1009, 1010, 1011, 3000])
def test_the_drawn_frame_is_as_long_as_the_sent_one(size: int) -> None:
    dictionary = sample()
    message = telemetry_message(dictionary, dictionary.packet_sets[0].packets[0])
    grown = message._replace(fields=(message.fields[0]._replace(bits=8 * size),))
    assert grown.size == size
    for link in (CCSDS, FPRIME):
        fields, remark = framed_fields(grown, link)
        if remark:
            assert link.alone(size) > CCSDS.parameters.frame_size
        else:
            assert size_of(fields) == link.alone(size)


def test_the_fields_of_headers_stand_where_the_frame_has_them() -> None:
    """Every value that a drawing calls constant is found at its bit in a frame that the framer made."""
    topology, dictionary = reference()
    packet = dictionary.packet_sets[0].packets[0]
    message = telemetry_message(dictionary, packet)
    body = bytes([0, Apid.PACKETIZED_TLM, 0, packet.id]).ljust(message.size, b"\0")
    for framing in ("ccsds", "fprime"):
        link = links_of(topology, framing)[0]
        framer = FRAMINGS[framing].downlink_framer(link.parameters)
        sent = framer.frame(body) + framer.flush()
        bits = int.from_bytes(sent, "big")
        left = len(sent) * 8
        fields, _ = framed_fields(message, link)
        assert size_of(fields) == len(sent)
        for field in fields:
            left -= field.bits
            if field.value:
                assert bits >> left & (1 << field.bits) - 1 == int(field.value, 0), field.name


# Foreign dictionaries


def widened(**widths: int) -> Any:
    """The sample's dictionary with other widths of F´'s configurable types."""
    data = sample_data()
    for name, bits in widths.items():
        form = {"name": f"U{bits}", "kind": "integer", "size": bits, "signed": False}
        data["typeDefinitions"] = [one for one in data["typeDefinitions"] if one["qualifiedName"] != name]
        data["typeDefinitions"].append({"kind": "alias", "qualifiedName": name, "type": form, "underlyingType": form})
    return data


def test_descriptor_and_packet_id_have_the_dictionary_s_widths() -> None:
    """Upstream: the width of the descriptor was a constant, and the wrong one."""
    plain = telemetry_message(sample(), sample().packet_sets[0].packets[0]).size
    dictionary = read_dictionary(widened(FwPacketDescriptorType=32, FwTlmPacketizeIdType=32), "wide")
    packet = dictionary.packet_sets[0].packets[0]
    message = telemetry_message(dictionary, packet)
    assert message.size == plain + 4
    head = (4).to_bytes(4, "big") + packet.id.to_bytes(4, "big") + bytes.fromhex("0002 00 65a0b0c0 0001e240")
    values = b"".join(
        [one.type.pack(one.type.default).ljust(one.type.max_size, b"\0") for one in packet.channels]
    )  # fmt: skip
    assert len(head + values) == message.size
    decoded = Decoder(dictionary, dictionary.packet_sets[0].name).decode(head + values)
    assert [one.name for one in decoded] == [channel.name for channel in packet.channels]


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
def test_an_enumeration_takes_the_bytes_of_its_representation(bits: int) -> None:
    """Upstream: the sizes of enumerations were guessed."""
    data = sample_data()
    for one in data["typeDefinitions"]:
        if one["qualifiedName"] == "Sample.Mode":
            one["representationType"] = {"name": f"U{bits}", "kind": "integer", "size": bits, "signed": False}
    name = "Sample.mode.Of"
    form = {"name": "Sample.Mode", "kind": "qualifiedIdentifier"}
    data["telemetryChannels"].append({"name": name, "type": form, "id": 0xFFF0, "telemetryUpdate": "always"})
    dictionary = read_dictionary(data, "modes")
    message = channel_message(dictionary, dictionary.channel(name))
    assert message.fields[-1].bits == bits
    assert message.size == 17 + bits // 8


def test_a_packet_that_names_an_unknown_channel_is_refused() -> None:
    """Upstream: 21 references that the budget did not understand were dropped in silence."""
    data = sample_data()
    data["telemetryPacketSets"][0]["members"][0]["members"].append("Sample.nowhere.Nothing")
    with pytest.raises(DictionaryFault, match=r"no channel 'Sample.nowhere.Nothing'"):
        read_dictionary(data, "broken")


def test_every_channel_and_event_is_accounted_for() -> None:
    """Upstream: what was not understood was in no sum and in no list."""
    topology, dictionary = reference()
    budget = make_budget(dictionary, links_of(topology), schedule_of(topology))
    packed = {channel.name for packet in budget.packets for channel in packet.channels}
    assert sorted([*packed, *[one.name for one in budget.single]]) == sorted(dictionary.channels)
    assert [one.name for one in budget.events] == list(dictionary.events)


def test_channels_without_packets_share_them_as_the_store_packs_them() -> None:
    dictionary = _without_packets()
    budget = make_budget(dictionary, [FPRIME], Schedule(packet_bytes=64))
    entries = [one.size - 2 for one in budget.single]
    assert sum(budget.single_packets()) == sum(entries) + 2 * len(budget.single_packets())
    assert max(budget.single_packets()) <= max(64, *entries) + 2


def _without_packets() -> Any:
    data = sample_data()
    data["telemetryPacketSets"] = []
    return read_dictionary(data, "single")
