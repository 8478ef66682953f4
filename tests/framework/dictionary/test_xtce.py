"""The XTCE document is valid by the OMG's schema, and another reader decodes our packets by it to the same values."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import space_packet_parser
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from space_packet_parser.xtce.definitions import XtcePacketDefinition

from kittiwake.dictionary.entries import Dictionary
from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.dictionary.xtce import xtce_text
from kittiwake.dictionary.xtce_document import NAMESPACE
from kittiwake.model.codec import downlink_packer
from kittiwake.model.types import Array, Struct, holds_text, resolved
from kittiwake.testing.strategies import values_of
from kittiwake.wire.packets import Apid, channel_entry, channel_packet, event_packet, telemetry_packet
from kittiwake.wire.space_packet import TELEMETRY, SpacePacketFramer
from tests.framework.budget.downlink import Downlink, reference
from tests.framework.dictionary.rich import rich_topology
from tests.framework.dictionary.sample import sample

TAG = 2 << 64 | 1_700_000_000_123_456
NAMES = {"x": NAMESPACE}
XML_BASE = """<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/XML/1998/namespace">
<attribute name="base" type="anyURI"/><attribute name="lang" type="language"/></schema>"""


class WithoutNetwork(etree.Resolver):  # type: ignore[misc]
    """Gives the schema of `xml:base`, which the OMG's schema imports from the web."""

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:
        return self.resolve_string(XML_BASE, context) if system_url.endswith("xml.xsd") else None


@cache
def schema() -> Any:
    """The OMG's schema of XTCE 1.2, from space_packet_parser's wheel."""
    parser = etree.XMLParser()
    parser.resolvers.add(WithoutNetwork())
    path = Path(space_packet_parser.__file__).parent / "xtce" / "schemas" / "SpaceSystem.xsd"
    return etree.XMLSchema(etree.parse(str(path), parser))


@cache
def rich() -> Dictionary:
    """A dictionary with every kind of declaration."""
    return read_dictionary(export_dictionary(rich_topology(), "1"), "rich")


NAMED: dict[str, Callable[[], Dictionary]] = {"reference": lambda: reference()[1], "rich": rich, "sample": sample}


@cache
def peer(name: str) -> XtcePacketDefinition:
    """The independent reader of one dictionary's flat document."""
    dictionary = NAMED[name]()
    return XtcePacketDefinition.from_xtce(io.StringIO(xtce_text(dictionary, flat=True).partition("\n")[2]))


def space_packet(packet: bytes) -> bytes:
    """The space packet around an F´ packet."""
    return SpacePacketFramer(TELEMETRY).frame(packet)


def flat(name: str, form: Any, value: Any) -> dict[str, Any]:
    """A value's parts as the flat document names them, as space_packet_parser shows them."""
    base = resolved(form)
    if isinstance(base, Struct):
        return {
            key: part
            for (member, one), item in zip(base.members.items(), value, strict=True)
            for key, part in flat(f"{name}_{member}", one, item).items()
        }
    if isinstance(base, Array):
        return {
            key: part
            for index, item in enumerate(value)
            for key, part in flat(f"{name}_{index}", base.element, item).items()
        }
    return {name.replace(".", "_"): value.name if isinstance(value, IntEnum) else value}


def same(shown: Any, sent: Any) -> bool:
    if isinstance(sent, float):
        return math.isclose(shown, sent, rel_tol=1e-6) or (math.isnan(shown) and math.isnan(sent)) or shown == sent
    return bool(shown == sent)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("is_flat", [False, True])
def test_the_document_is_valid_by_the_schema(name: str, is_flat: bool) -> None:
    document = etree.fromstring(xtce_text(NAMED[name](), flat=is_flat).encode())
    assert schema().validate(document), str(schema().error_log)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("is_flat", [False, True])
def test_every_reference_leads_to_what_it_names(name: str, is_flat: bool) -> None:
    root = ET.fromstring(xtce_text(NAMED[name](), flat=is_flat))
    known: set[str] = set()

    def collect(system: ET.Element, path: str) -> None:
        here = f"{path}/{system.get('name')}"
        for tag in ("ParameterTypeSet", "ParameterSet", "ContainerSet", "ArgumentTypeSet", "MetaCommandSet"):
            for holder in system.findall(f"x:TelemetryMetaData/x:{tag}", NAMES) + system.findall(
                f"x:CommandMetaData/x:{tag}", NAMES
            ):
                known.update(f"{here}/{one.get('name')}" for one in holder)
        for child in system.findall("x:SpaceSystem", NAMES):
            collect(child, here)

    collect(root, "")
    prefix = f"/{root.get('name')}/" if is_flat else ""
    references = [
        value
        for element in root.iter()
        for key, value in element.attrib.items()
        if key.endswith("Ref") and key != "argumentRef" and value != "_yamcs_ignore"
    ]
    assert references
    assert {prefix + one for one in references} - known == set()


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize("name", ["reference", "rich"])
def test_another_reader_decodes_telemetry_packets_to_the_same_values(name: str, data: Any) -> None:
    dictionary = NAMED[name]()
    packet = data.draw(st.sampled_from(dictionary.packet_sets[0].packets))
    values = [data.draw(values_of(channel.type)) for channel in packet.channels]
    packed = [
        downlink_packer([channel.type])(value).ljust(channel.type.max_size, b"\0")
        for channel, value in zip(packet.channels, values, strict=True)
    ]
    sent = telemetry_packet(packet.id, TAG, b"".join(packed))
    shown = peer(name).parse_bytes(space_packet(sent))
    assert (shown["CCSDS_APID"], shown["FPrime_PacketId"]) == (Apid.PACKETIZED_TLM, packet.id)
    assert (shown["FPrime_Seconds"], shown["FPrime_Microseconds"]) == (1_700_000_000, 123_456)
    for channel, raw in zip(packet.channels, packed, strict=True):
        value, _ = channel.type.unpack(raw)
        if isinstance(resolved(channel.type), (Array, Struct)) and holds_text(channel.type):
            assert shown[channel.name.replace(".", "_")] == raw
            continue
        for key, part in flat(channel.name, channel.type, value).items():
            assert same(shown[key], part), key


@settings(max_examples=60)
@given(st.data())
@pytest.mark.parametrize("name", ["reference", "rich"])
def test_another_reader_decodes_events_and_single_channels(name: str, data: Any) -> None:
    dictionary = NAMED[name]()
    event = data.draw(st.sampled_from(list(dictionary.events.values())))
    values = [data.draw(values_of(formal.type)) for formal in event.formals]
    packed = b"".join([formal.type.pack(value) for formal, value in zip(event.formals, values, strict=True)])
    shown = peer(name).parse_bytes(space_packet(event_packet(event.id, TAG, packed)))
    for formal, value in zip(event.formals, values, strict=True):
        for key, part in flat(f"{event.name}_{formal.name}", formal.type, value).items():
            assert same(shown[key], part), key
    channel = data.draw(st.sampled_from(list(dictionary.channels.values())))
    value = data.draw(values_of(channel.type))
    packed = downlink_packer([channel.type])(value)
    value, _ = channel.type.unpack(packed)
    sent = channel_packet([channel_entry(channel.id, TAG, packed)])
    shown = peer(name).parse_bytes(space_packet(sent))
    in_packet = any(channel in packet.channels for packet in dictionary.packet_sets[0].packets)
    suffix = "_single" if in_packet and holds_text(channel.type) else ""
    scale, offset = channel.conversion or (1, 0)
    for key, part in flat(f"{channel.name}{suffix}", channel.type, value).items():
        assert same(shown[key], part * scale + offset if channel.conversion else part), key


def test_another_reader_decodes_what_a_deployment_sends() -> None:
    downlink = Downlink()
    downlink.send("CdhCore.cmdDisp.CMD_NO_OP_STRING", "read by another")
    _, packets = downlink.receive(3)
    shown = [peer("reference").parse_bytes(space_packet(one)) for one in packets if one[1] != Apid.FILE]
    texts = [one.get("CdhCore_cmdDisp_NoOpStringReceived_message") for one in shown]
    assert texts.count("read by another") == 1
    boots = [one.get("ReferenceDeployment_startupManager_BootCount") for one in shown]
    assert 1 in boots


def element(dictionary: Dictionary, tag: str, name: str) -> ET.Element:
    """The one element of a tag and name."""
    root = ET.fromstring(xtce_text(dictionary))
    found = [one for one in root.iter(f"{{{NAMESPACE}}}{tag}") if one.get("name") == name]
    assert len(found) >= 1, name
    return found[0]


def test_commands_have_opcodes_ranges_enumerations_and_warnings() -> None:
    erase = element(rich(), "MetaCommand", "ERASE")
    opcodes = {one.get("name"): one.get("binaryValue") for one in erase.iter(f"{{{NAMESPACE}}}FixedValueEntry")}
    assert opcodes == {"opcode": "00002010"}
    assert erase.find("x:DefaultSignificance", NAMES).get("consequenceLevel") == "critical"  # type: ignore[union-attr]
    ranged = element(rich(), "IntegerArgumentType", "U8_1_to_9").find("x:ValidRangeSet/x:ValidRange", NAMES)
    assert ranged is not None
    assert (ranged.get("minInclusive"), ranged.get("maxInclusive")) == ("1", "9")
    yes = [(one.get("label"), one.get("value")) for one in element(rich(), "EnumeratedArgumentType", "bool")[1]]
    assert yes == [("true", "255"), ("false", "0")], "F´'s true is no XTCE boolean's"
    base = element(rich(), "MetaCommand", "FPrimeCommand")
    header = "".join([one.get("binaryValue", "") for one in base.iter(f"{{{NAMESPACE}}}FixedValueEntry")])
    assert header == "1000C00000000000"


def test_channels_have_units_limits_and_conversions() -> None:
    voltage = element(rich(), "FloatParameterType", "Voltage_type")
    assert voltage.findtext("x:UnitSet/x:Unit", namespaces=NAMES) == "V"
    ranges = voltage.find("x:DefaultAlarm/x:StaticAlarmRanges", NAMES)
    assert ranges is not None
    assert {one.tag.rpartition("}")[2]: dict(one.attrib) for one in ranges} == {
        "WarningRange": {"minInclusive": "2.0", "maxInclusive": "7.0"},
        "DistressRange": {"minInclusive": "1.0", "maxInclusive": "8.0"},
        "CriticalRange": {"minInclusive": "-6.5", "maxInclusive": "1000000000.0"},
    }
    raw = element(rich(), "FloatParameterType", "Raw_type")
    terms = [(one.get("exponent"), one.get("coefficient")) for one in raw.iter(f"{{{NAMESPACE}}}Term")]
    assert terms == [("0", "-10.0"), ("1", "0.5")]
    critical = raw.find("x:DefaultAlarm/x:StaticAlarmRanges/x:CriticalRange", NAMES)
    assert critical is not None
    assert dict(critical.attrib) == {"maxInclusive": "440.0"}, "a limit of 900 counts, in the channel's unit"


def test_arrays_and_structs_are_arrays_and_aggregates() -> None:
    members = element(rich(), "AggregateParameterType", "Rich_Reading").find("x:MemberList", NAMES)
    assert members is not None
    assert [one.get("name") for one in members] == ["mode", "counts", "type", "rates", "ready", "level"]
    rates = element(rich(), "ArrayParameterType", "Rich_Rates")
    assert rates.findtext("x:DimensionList/x:Dimension/x:EndingIndex/x:FixedValue", namespaces=NAMES) == "2"
