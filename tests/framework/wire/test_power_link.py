"""The power link: every message comes through, whatever stands around it, and a second description agrees."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import construct
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import wire_type
from kittiwake.power_unit.layout import LAYOUTS, FrameLayout
from kittiwake.testing.strategies import values_of
from kittiwake.wire.power_link import (
    MAX_PAYLOAD,
    PAYLOADS,
    CutWarning,
    Kind,
    Message,
    Powerdown,
    PowerdownAccepted,
    PowerLinkReader,
    PowerMode,
    Refusal,
    RefusalReason,
    SetMode,
    Status,
    WakeReason,
    Watchdog,
    frame,
)
from tests.peers import ROOT

VECTORS = [
    (Message(Kind.GET_STATUS, 1, None), "b54b01010100399f"),
    (
        Message(Kind.STATUS, 7, Status(1, WakeReason.TIMER, PowerMode.BATTERY, 1, 2, 3, 4, 5, 6)),
        "b54b01810718000101010000000100000002000000030004000500000006fa58",
    ),
    (Message(Kind.WATCHDOG, 2, Watchdog(60)), "b54b01040202003cec6f"),
    (Message(Kind.SET_MODE, 3, SetMode(PowerMode.BATTERY)), "b54b0105030101bffb"),
    (Message(Kind.POWERDOWN, 4, Powerdown(3600)), "b54b0106040400000e1069eb"),
    (Message(Kind.POWERDOWN_ACCEPTED, 4, PowerdownAccepted(3600, 500)), "b54b0186040600000e1001f4be0c"),
    (Message(Kind.REFUSAL, 5, Refusal(Kind.WATCHDOG, RefusalReason.OUT_OF_RANGE)), "b54b01bf0502040374fb"),
    (Message(Kind.CUT_WARNING, 1, CutWarning(WakeReason.HARD_LIMIT, 10)), "b54b01c0010303000acbb7"),
]
"""The test vectors of docs/power-unit.md."""


@st.composite
def messages(draw: st.DrawFn) -> Message:
    kind = draw(st.sampled_from(list(PAYLOADS)))
    payload = PAYLOADS[kind]
    return Message(kind, draw(st.integers(0, 255)), None if payload is None else draw(values_of(payload)))


@pytest.mark.parametrize("message, wire", VECTORS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_test_vectors(message: Message, wire: str) -> None:
    assert frame(message).hex() == wire
    assert PowerLinkReader().feed(bytes.fromhex(wire)) == [message]


@given(st.lists(messages(), max_size=5), st.binary(max_size=20), st.lists(st.integers(0, 200), max_size=6))
def test_messages_come_through_garbage_and_any_cuts(sent: list[Message], garbage: bytes, cuts: list[int]) -> None:
    garbage = garbage.replace(b"\xb5", b"")
    line = garbage.join([b"", *[frame(message) for message in sent], b""])
    places = sorted({0, *[cut % (len(line) + 1) for cut in cuts], len(line)})
    reader = PowerLinkReader()
    found = [one for start, end in pairwise(places) for one in reader.feed(line[start:end])]
    assert found == sent


def slow_reading(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """What construct's description finds, byte by byte."""
    found, start = [], 0
    while start < len(data):
        try:
            stream = construct.Struct("frame" / FrameLayout, "end" / construct.Tell).parse(data[start:])
        except construct.ConstructError:
            start += 1
            continue
        checked = stream.frame.checked.value
        found.append((checked.version, checked.kind, checked.sequence, checked.payload))
        start += stream.end
    return found


pieces = st.one_of(
    st.binary(max_size=12),
    messages().map(frame),
    st.tuples(messages().map(frame), st.integers(0, 30), st.integers(1, 255)).map(
        lambda hurt: bytes(byte ^ (hurt[2] if place == hurt[1] else 0) for place, byte in enumerate(hurt[0]))
    ),
)


@given(st.lists(pieces, max_size=6).map(b"".join))
def test_a_frame_is_taken_exactly_when_the_description_takes_it(data: bytes) -> None:
    reader = PowerLinkReader()
    # What follows is longer than any frame, so that none waits for its rest.
    taken = reader.feed(data + bytes(2 * MAX_PAYLOAD))
    assert [(one.version, one.kind, one.sequence) for one in taken] == [
        head[:3] for head in slow_reading(data + bytes(2 * MAX_PAYLOAD))
    ]


@given(messages())
def test_payloads_are_as_described(message: Message) -> None:
    kind = Kind(message.kind)
    payload = frame(message)[6:-2]
    parsed: Any = LAYOUTS[kind].parse(payload)
    if message.payload is None:
        assert payload == b""
        return
    members = wire_type(PAYLOADS[kind]).members  # type: ignore[attr-defined]
    for name in members:
        assert int(parsed[name]) == int(getattr(message.payload, name))
    assert LAYOUTS[kind].sizeof() == len(payload)


def test_a_sound_frame_with_a_payload_that_is_not_its_kinds_is_given_as_bytes() -> None:
    reader = PowerLinkReader()
    wrong = Message(Kind.WATCHDOG, 9, b"\1")
    assert reader.feed(frame(wrong)) == [wrong]
    assert reader.counters.malformed == 1
    other = Message(0x7A, 9, b"abc", version=9)
    assert reader.feed(frame(other)) == [other]
    assert reader.counters.malformed == 1


def test_what_does_not_fit_its_kind_is_not_sent() -> None:
    with pytest.raises(TypeError):
        frame(Message(Kind.GET_STATUS, 1, Watchdog(1)))
    with pytest.raises(ValueError, match="outside U16"):
        frame(Message(Kind.WATCHDOG, 1, Watchdog(70_000)))
    with pytest.raises(ValueError, match="at most 64 bytes"):
        frame(Message(Kind.GET_STATUS, 1, bytes(65)))


def test_the_page_for_authors_of_firmware_has_the_kinds_and_the_vectors() -> None:
    page = (ROOT / "docs/power-unit.md").read_text(encoding="utf-8")
    for kind, payload in PAYLOADS.items():
        members = {} if payload is None else wire_type(payload).members  # type: ignore[attr-defined]
        shown = ", ".join(f"`{name}` {form.name.rpartition('.')[2]}" for name, form in members.items()) or "none"
        assert f"| {kind.name} | {kind:#04x} | {shown} |" in page
    for message, wire in VECTORS:
        assert re.search(rf"^\| {Kind(message.kind).name}.* \| {message.sequence} \| `{wire}` \|$", page, re.MULTILINE)
    for enum in (WakeReason, PowerMode, RefusalReason):
        assert f"{enum.__name__}: " + ", ".join(f"{int(one)} {one.name}" for one in enum) in page
