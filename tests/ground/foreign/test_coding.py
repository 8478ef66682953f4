"""The ground decodes what fprime-gds encodes to the values that fprime-gds decodes, by a dictionary of FPP's tools."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent, Decoder, encode_command
from kittiwake.dictionary.display import plain_value
from kittiwake.dictionary.entries import Dictionary
from kittiwake.testing.strategies import values_of
from tests.ground.foreign.aurora import GdsCoder

pytestmark = pytest.mark.peer

EVENTS = tuple(f"Aurora.camera.{name}" for name in ("Exposed", "Integers", "Mixed", "Warm"))
CHANNELS = tuple(
    f"Aurora.camera.{name}"
    for name in (
        "Temperature", "Latest", "History", "Sites", "Site", "Looking", "Filter", "Exposures", "IsOpen", "Drift",
        "Spectrum",
    )
)  # fmt: skip
PACKETS = ("Commanding", "Camera", "Sky", "Past")
COMMANDS = ("Aurora.cmdDisp.CMD_NO_OP_STRING", "Aurora.camera.EXPOSE", "Aurora.camera.LAMPS")

shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
times = st.tuples(
    st.sampled_from([0, 1, 2, 3, 0xFFFF]), st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(0, 999_999)
)


def drawn(data: st.DataObject, forms: list[Any]) -> list[Any]:
    """Plain values of types; in ASCII, since fprime-gds counts characters, not bytes, behind a string."""
    return [plain_value(data.draw(values_of(form, ascii_only=True))) for form in forms]


def tag_of(time: tuple[int, int, int, int]) -> int:
    base, _, seconds, useconds = time
    return base << 64 | seconds * 1_000_000 + useconds


def alike(ours: Any, theirs: Any) -> bool:
    """Equality in which NaN equals itself."""
    return repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", EVENTS)
@shared
@given(data=st.data(), time=times)
def test_events(aurora: Dictionary, gds: GdsCoder, name: str, data: st.DataObject, time: Any) -> None:
    values = drawn(data, [formal.type for formal in aurora.events[name].formals])
    theirs = gds.code("event", name, values, time)
    (found,) = Decoder(aurora).decode(theirs.packet)
    assert isinstance(found, DecodedEvent)
    assert (found.name, found.tag) == (name, tag_of(time))
    assert alike([plain_value(one) for one in found.args], theirs.values)
    assert found.text == theirs.text


@pytest.mark.parametrize("name", CHANNELS)
@shared
@given(data=st.data(), time=times)
def test_channels(aurora: Dictionary, gds: GdsCoder, name: str, data: st.DataObject, time: Any) -> None:
    theirs = gds.code("channel", name, drawn(data, [aurora.channels[name].type]), time)
    (found,) = Decoder(aurora).decode(theirs.packet)
    assert isinstance(found, DecodedChannel)
    assert (found.name, found.tag) == (name, tag_of(time))
    assert alike([plain_value(found.value)], theirs.values)


@pytest.mark.parametrize("name", PACKETS)
@shared
@given(data=st.data(), time=times)
def test_telemetry_packets(aurora: Dictionary, gds: GdsCoder, name: str, data: st.DataObject, time: Any) -> None:
    packet = next(one for one in aurora.packet_sets[0].packets if one.name == name)
    theirs = gds.code("packet", name, drawn(data, [channel.type for channel in packet.channels]), time)
    found = Decoder(aurora).decode(theirs.packet)
    assert [one.name for one in found] == [channel.name for channel in packet.channels]
    assert {one.tag for one in found} == {tag_of(time)}
    assert alike([plain_value(one.value) for one in found if isinstance(one, DecodedChannel)], theirs.values)


@pytest.mark.parametrize("name", COMMANDS)
@shared
@given(data=st.data())
def test_commands_are_the_same_bytes(aurora: Dictionary, gds: GdsCoder, name: str, data: st.DataObject) -> None:
    values = drawn(data, [formal.type for formal in aurora.commands[name].formals])
    assert encode_command(aurora, name, values) == gds.code("command", name, values).packet
