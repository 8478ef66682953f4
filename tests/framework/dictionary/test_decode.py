"""Decoding events and telemetry to typed values, and encoding commands."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent, Decoder, encode_command
from kittiwake.dictionary.entries import UnknownName
from kittiwake.dictionary.load import read_dictionary
from kittiwake.model.types import WireError
from tests.framework.dictionary.sample import TAG, TAG_BYTES, sample, sample_data
from tests.framework.dictionary.values import values

MODE: Any = sample().types["Sample.Mode"].python
STATE: Any = sample().types["Sample.State"].python
SLOTS_HEAD = "0002 00 65a0b0c0 0001e240 00000003"
"""Time tag and first slot of the sample's telemetry packet."""


def decoder() -> Decoder:
    return Decoder(sample())


def test_an_event_is_decoded_to_its_arguments_and_text() -> None:
    (event,) = decoder().decode(bytes.fromhex("0002 00000200") + TAG_BYTES + bytes.fromhex("00000003"))
    assert isinstance(event, DecodedEvent)
    assert (event.id, event.name, event.severity) == (512, "X.NoOpReceived", "ACTIVITY_HI")
    assert (event.tag, event.args) == (TAG, (3,))
    assert event.text == "NO_OP number 3"


def test_an_event_with_strings_and_constants_shows_them_as_words() -> None:
    packet = bytes.fromhex("0002 00000201") + TAG_BYTES + bytes.fromhex("0002 6869 05 3fc00000")
    event = decoder().decode_event(packet)
    assert event.args == ("hi", MODE.AUTO, 1.5)
    assert event.text == "hi in AUTO at 1.5 {}"


def test_an_event_without_a_format_shows_names_and_values() -> None:
    packet = bytes.fromhex("0002 00000202") + TAG_BYTES + bytes.fromhex("00000007 0001 7a")
    assert decoder().decode_event(packet).text == "[{'a': 7}, {'b': 'z'}]"


def test_an_event_without_arguments_is_decoded() -> None:
    event = decoder().decode_event(bytes.fromhex("0002 00000203") + TAG_BYTES)
    assert (event.args, event.text) == ((), "counted")


def test_a_channel_packet_may_hold_several_updates() -> None:
    packet = (
        bytes.fromhex("0001 00000300")
        + TAG_BYTES
        + bytes.fromhex("00000003 00000302")
        + TAG_BYTES
        + bytes.fromhex("0002 6162 00000301")
        + TAG_BYTES
        + bytes.fromhex("41ac0000")
    )
    updates = decoder().decode(packet)
    assert all(isinstance(update, DecodedChannel) for update in updates)
    assert [(update.name, update.tag, update.value) for update in decoder().decode_channels(packet)] == [
        ("X.Count", TAG, 3),
        ("X.Name", TAG, "ab"),
        ("X.Temp", TAG, 21.5),
    ]
    assert [update.text for update in updates] == ["3", "ab", "21.5 C"]


def test_a_struct_channel_shows_its_members_in_their_formats() -> None:
    packet = bytes.fromhex("0001 00000304") + TAG_BYTES + bytes.fromhex("000000ff 020304 01 0003 78797a ff")
    (update,) = decoder().decode_channels(packet)
    assert update.value == STATE(255, (2, 3, 4), MODE.ON, "xyz", True)
    assert update.text == "{'count': 'ff', 'bytes': [2, 3, 4], 'mode': 'ON', 'label': 'xyz', 'ok': True}"
    packet = bytes.fromhex("0001 00000305") + TAG_BYTES + bytes.fromhex("3f800000 40000000 40400000 fffb 00")
    (update,) = decoder().decode_channels(packet)
    assert update.value == ((1.0, 2.0, 3.0), -5, False)
    assert update.text == "{'position': ['1.00', '2.00', '3.00'], 'class': -5, 'sure': False}"


def test_packetised_telemetry_has_strings_at_their_greatest_size() -> None:
    packet = (
        bytes.fromhex("0004 0001") + TAG_BYTES + bytes.fromhex("00000003 0002 6162 00000000000000000000 41ac0000 01")
    )
    updates = decoder().decode(packet)
    assert [(update.name, update.tag) for update in updates] == [
        (name, TAG) for name in ("X.Count", "X.Name", "X.Temp", "X.Mode")
    ]
    assert [update.value for update in decoder().decode_packetised(packet)] == [3, "ab", 21.5, MODE.ON]


@pytest.mark.parametrize(
    "packet, message",
    [
        ("00", "too short for its descriptor"),
        ("0003", "neither events nor telemetry"),
        ("0002 0000", "cut off"),
        ("0002 00000999", "no event with the id 2457"),
        ("0002 00000200 0002 00 65a0b0c0 0001e240", "cut off"),
        ("0002 00000200 0002 00 65a0b0c0 0001e240 00000003 00", "cut off|another size"),
        ("0002 00000201 0002 00 65a0b0c0 0001e240 0002 6869 06 3fc00000", "6 at 21 is no constant of Sample.Mode"),
        ("0002 00000201 0002 00 65a0b0c0 0001e240 0002 6869 05 3fc00000 00", "1 bytes stand behind the arguments"),
        ("0001", "holds no update"),
        ("0001 00000300 0002 00 65a0b0c0 0001e240 000000", "cut off"),
        ("0001 00000300 0002 00 65a0b0c0 0001e240 00000003 ff", "cut off"),
        ("0001 00000303 0002 00 65a0b0c0 0001e240 09", "9 is no value of an enum or bool"),
        ("0001 00000777", "no channel with the id 1911"),
        ("0004 0009", "no telemetry packet with the id 9"),
        ("0004 0001 0002 00 65a0b0c0 0001e240", "another size than its channels"),
        (
            f"0004 0001 {SLOTS_HEAD} 000d 616200000000000000000000 41ac0000 01",
            "string of 13 bytes is longer than the 12",
        ),
        (f"0004 0001 {SLOTS_HEAD} 0002 fffe00000000000000000000 41ac0000 01", "a string is not UTF-8"),
        (f"0004 0001 {SLOTS_HEAD} 0002 616200000000000000000000 41ac0000 09", "9 is no value of an enum or bool"),
    ],
)
def test_a_bad_packet_is_refused_whole(packet: str, message: str) -> None:
    with pytest.raises(WireError, match=message):
        decoder().decode(bytes.fromhex(packet))


def test_what_was_decoded_is_copied_and_changed_as_any_named_tuple() -> None:
    (update,) = decoder().decode(bytes.fromhex("0001 00000300") + TAG_BYTES + bytes.fromhex("00000003"))
    assert isinstance(update, DecodedChannel)
    plain = DecodedChannel(update.channel, TAG, 3, update.formats)
    assert copy(update) == update == plain
    assert repr(update) == repr(plain)
    assert update._replace(value=4).value == 4


def test_a_packet_is_refused_for_its_size_the_second_time_as_well() -> None:
    packet = bytes.fromhex(f"0004 0001 {SLOTS_HEAD} 0002 616200000000000000000000 41ac0000 01")
    reading = decoder()
    assert reading.decode(packet) == reading.decode(packet)
    for wrong in (packet[:-1], packet + b"\0", packet[:4]):
        with pytest.raises(WireError, match="another size than its channels"):
            reading.decode(wrong)


def test_reading_a_packet_without_regard_to_its_descriptor_leaves_other_packets_alone() -> None:
    packet = bytes.fromhex(f"0004 0001 {SLOTS_HEAD} 0002 616200000000000000000000 41ac0000 01")
    reading = decoder()
    assert len(reading.decode_packetised(b"\0\3" + packet[2:])) == 4
    with pytest.raises(WireError, match="neither events nor telemetry"):
        reading.decode(b"\0\3" + packet[2:])


@given(st.data())
def test_every_channel_decodes_what_its_type_packed(data: st.DataObject) -> None:
    channels = data.draw(st.lists(st.sampled_from(list(sample().channels.values())), min_size=1, max_size=5))
    drawn = [data.draw(values(channel.type)) for channel in channels]
    packet = b"\x00\x01" + b"".join(
        [
            channel.id.to_bytes(4, "big") + TAG_BYTES + channel.type.pack(value)
            for channel, value in zip(channels, drawn, strict=True)
        ]
    )
    updates = decoder().decode_channels(packet)
    assert [(update.channel, update.value) for update in updates] == list(zip(channels, drawn, strict=True))


@given(st.data())
def test_every_telemetry_packet_decodes_what_its_types_packed(data: st.DataObject) -> None:
    packet = data.draw(st.sampled_from(sample().packet_sets[0].packets))
    drawn = [data.draw(values(channel.type)) for channel in packet.channels]
    slots = [
        channel.type.pack(value).ljust(channel.type.max_size, b"\0")
        for channel, value in zip(packet.channels, drawn, strict=True)
    ]
    updates = decoder().decode_packetised(b"\x00\x04" + packet.id.to_bytes(2, "big") + TAG_BYTES + b"".join(slots))
    assert [update.value for update in updates] == drawn


@given(st.binary(max_size=60), st.sampled_from(["0001", "0002", "0004", ""]))
def test_random_bytes_are_decoded_or_refused_and_nothing_else_happens(tail: bytes, head: str) -> None:
    try:
        found = decoder().decode(bytes.fromhex(head) + tail)
    except WireError:
        return
    assert all(isinstance(item.text, str) for item in found)


def test_a_dictionary_with_several_packet_sets_needs_the_name_of_one() -> None:
    data = sample_data()
    data["telemetryPacketSets"].append({"name": "Other", "members": [], "omitted": []})
    dictionary = read_dictionary(data, "two")
    with pytest.raises(ValueError, match="name one of Packets, Other"):
        Decoder(dictionary)
    with pytest.raises(ValueError, match="no packet set 'Third'"):
        Decoder(dictionary, "Third")
    with pytest.raises(WireError, match="no telemetry packet with the id 1"):
        Decoder(dictionary, "Other").decode(bytes.fromhex("0004 0001"))


def test_commands_are_encoded_from_text_arguments() -> None:
    assert encode_command(sample(), "X.CMD_NO_OP", []) == bytes.fromhex("0000 00000100")
    assert encode_command(sample(), "X.CMD_STR", ["hi"]) == bytes.fromhex("0000 00000102 0002 6869")
    assert encode_command(sample(), "X.SET_EVENT_FILTER", ["X.Count", "ON"]) == bytes.fromhex(
        "0000 00000103 00000203 01"
    )
    shapes = ["[1, 2, 3]", '["ON", "OFF"]', '{"count": 1, "bytes": [1,2,3], "mode": "ON", "label": "a", "ok": true}']
    assert encode_command(sample(), "X.SHAPES", [*shapes, "HIGH", "x"]) == bytes.fromhex(
        "0000 00000105 3f800000 40000000 40400000 01 00 00000001 010203 01 0001 61 ff 00000007 0001 78"
    )
    numbers = ["0x10", "-1", "0b11", "-2", "3", "-4", "5", "-6", "1.5", "-2.25", "yes"]
    assert encode_command(sample(), "X.NUMBERS", numbers) == bytes.fromhex(
        "0000 00000104 10 ff 0003 fffe 00000003 fffffffc 0000000000000005 fffffffffffffffa 3fc00000 c002000000000000 ff"
    )


@pytest.mark.parametrize(
    "name, args, message",
    [
        ("X.CMD_STR", [], r"X.CMD_STR takes 1 arguments \(text: string size 40\), not 0"),
        ("X.CMD_NO_OP", ["1"], r"takes 0 arguments \(none\), not 1"),
        ("X.CMD_STR", ["x" * 41], "X.CMD_STR: text: text of 41 bytes is longer than the 40"),
        ("X.CMD_STR", ["é" * 21], "text of 42 bytes"),
        ("X.GAIN_PRM_SET", ["-1"], "X.GAIN_PRM_SET: val: -1 is outside U32"),
        ("X.GAIN_PRM_SET", ["seven"], "'seven' is neither a whole number nor a name with an id"),
        ("X.GAIN_PRM_SET", ["1.5"], "val: '1.5' is neither a whole number nor a name with an id"),
        ("X.SET_EVENT_FILTER", ["1", "ONN"], r"mode: 'ONN' is no constant of Sample.Mode: .*did you mean ON\?"),
        ("X.SHAPES", ["[1]", "", "", "", ""], r"vector: Sample.Vector has 3 values, not 1"),
        ("X.SHAPES", ["[1, 2, 1e39]", "", "", "", ""], r"vector: \[2\]: 1e\+39 is outside F32"),
    ],
)
def test_a_bad_argument_is_named(name: str, args: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_command(sample(), name, args)


def test_an_unknown_command_is_no_command() -> None:
    with pytest.raises(UnknownName, match=r"did you mean X\.CMD_NO_OP"):
        encode_command(sample(), "X.NO_OP", [])
