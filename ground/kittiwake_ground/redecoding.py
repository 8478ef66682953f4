"""Decodes raw frames of the archive again by another dictionary, says what that changes, and puts it in its place."""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.dictionary.decode import DecodedEvent, Decoder
from kittiwake.model.types import WireError
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_ground.archive import ArchiveFault, ChannelDeclaration, NewEvent
from kittiwake_ground.archive.replacing import Replacement
from kittiwake_ground.archive.tags import row_time, tag_of
from kittiwake_ground.archive.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.archive import Archive, Frame, History
    from kittiwake_ground.archive.sampling import NewSample

MAX_ITEMS = 150_000
"""Samples and events of one period: they are held in memory, and written in one transaction."""

LEAD_IN_US = 60_000_000
LEAD_IN_FRAMES = 100
"""Frames before the period that are read first, as its first frame may end a packet that they begin."""

PAGE = 10_000
FLUSH_TIMEOUT_S = 120.0
MAX_CHANGES = 50
"""Channels and events whose change is told one by one."""

_TOO_MANY = f"more than {MAX_ITEMS} samples and events are in this time: choose a shorter one, and then the next"


class NothingToDecode(ValueError):
    """There are no raw frames of the period."""


class Change(NamedTuple):
    """What becomes of a channel's samples, or of an event: how many there are, how many there will be, and are alike.

    `example` is a value or text before and after, where one changes.
    """

    name: str
    before: int
    after: int
    same: int
    example: str = ""


class Redecoding(NamedTuple):
    """What another dictionary makes of a period: `frames` in it, `undecodable` packets, and what that changes.

    `kept` are samples of channels that the dictionary does not have, which stay as they are.
    """

    deployment: str
    replacement: Replacement
    dictionary_hash: str
    frames: int
    undecodable: int
    kept: int
    samples: list[Change]
    events: list[Change]
    new_channels: list[ChannelDeclaration]

    @property
    def is_change(self) -> bool:
        """Whether anything would be another than it is."""
        return any(one.before != one.same or one.after != one.same for one in (*self.samples, *self.events))

    def summary(self) -> dict[str, Any]:
        """The summary in JSON's terms."""
        changed = {
            kind: [one for one in changes if one.before != one.same or one.after != one.same]
            for kind, changes in (("samples", self.samples), ("events", self.events))
        }
        totals = {
            f"{kind}_{side}": sum(getattr(one, side) for one in getattr(self, kind))
            for kind in ("samples", "events")
            for side in ("before", "after", "same")
        }
        return {
            "deployment": self.deployment, "dictionary_hash": self.dictionary_hash, "frames": self.frames,
            "undecodable": self.undecodable, "kept": self.kept, **totals, "changes": self.is_change,
            "new_channels": [one.name for one in self.new_channels][:MAX_CHANGES],
            "changed_channels": [one._asdict() for one in changed["samples"][:MAX_CHANGES]],
            "changed_events": [one._asdict() for one in changed["events"][:MAX_CHANGES]],
        }  # fmt: skip


def redecode(
    history: History,
    deployment: str,
    dictionary: Dictionary,
    start_us: int,
    end_us: int,
    framing: str = "ccsds",
    packet_set: str = "",
) -> Redecoding:
    """Decodes the frames that were received in [start, end), and compares; nothing is written.

    Raises `NothingToDecode`, and `ValueError` for a period of too much, or a dictionary whose packet set is not named.
    """
    if not 0 <= start_us < end_us:
        raise ValueError("the time ends before it begins")
    samples: list[NewSample] = []
    events: list[NewEvent] = []
    received: set[int] = set()
    undecodable = frames = 0
    decoding = _Decoding(dictionary, framing, packet_set)
    for frame in _lead_in(history, deployment, start_us):
        decoding.take(frame.bytes)
    for frame in _frames(history, deployment, start_us, end_us):
        frames += 1
        received.add(frame.received_us)
        found, bad = decoding.take(frame.bytes)
        undecodable += bad
        for item in found:
            if isinstance(item, DecodedEvent):
                named = {formal.name: value for formal, value in zip(item.event.formals, item.args, strict=True)}
                events.append(NewEvent(item.name, item.severity, item.tag, frame.received_us, item.text, named))
            else:
                samples.append((item.name, item.tag, frame.received_us, item.value))
        if len(samples) + len(events) > MAX_ITEMS:
            raise ValueError(_TOO_MANY)
    if not frames:
        raise NothingToDecode(
            f"the archive has no raw frames of {deployment} in this time: they are kept where raw_frames is set"
        )
    times = [row_time(tag, at_us)[0] for _, tag, at_us, _ in samples]
    names = frozenset(dictionary.channels)
    low_us, high_us = min([start_us, *times]), max([end_us, *times])
    new = Replacement(frozenset(received), names, low_us, high_us, samples, events)
    return _compared(history, deployment, dictionary, new, frames, undecodable)


def put_in_place(archive: Archive, found: Redecoding) -> None:
    """Writes what was decoded, all at once. Raises `ArchiveFault` if it was not written."""
    rejected = archive.statistics.rejected
    if found.new_channels:
        archive.declare(found.deployment, found.dictionary_hash, found.new_channels)
    if not archive.replace(found.deployment, found.replacement):
        raise ArchiveFault("the archive has too much to write just now; nothing was changed")
    archive.flush(FLUSH_TIMEOUT_S)
    if archive.statistics.rejected != rejected:
        raise ArchiveFault("the archive could not take what was decoded; nothing was changed")


class _Decoding:
    """Frames to samples and events, as a session decodes them."""

    def __init__(self, dictionary: Dictionary, framing: str, packet_set: str) -> None:
        config = dictionary.config
        parameters = FramingParameters(config.spacecraft_id, frame_size=config.frame_size)
        self._deframer = FRAMINGS[framing].downlink_deframer(parameters)
        self._decoder = Decoder(dictionary, packet_set)
        codes = (config.descriptors[name] for name in ("FW_PACKET_LOG", "FW_PACKET_TELEM", "FW_PACKET_PACKETIZED_TLM"))
        self._wanted = tuple(struct.pack(f">{config.descriptor.code}", code) for code in codes)

    def take(self, data: bytes) -> tuple[list[Any], int]:
        """What came with some bytes, and how many packets cannot be decoded; files are not looked at."""
        found: list[Any] = []
        bad = 0
        for packet in self._deframer.feed(data):
            if not packet.startswith(self._wanted):
                continue
            try:
                found += self._decoder.decode(packet)
            except WireError:
                bad += 1
        return found, bad


def _lead_in(history: History, deployment: str, start_us: int) -> list[Frame]:
    found = history.frames(deployment, max(start_us - LEAD_IN_US, 0), start_us, PAGE, "down")
    return found[-LEAD_IN_FRAMES:]


def _frames(history: History, deployment: str, start_us: int, end_us: int) -> Iterator[Frame]:
    while page := history.frames(deployment, start_us, end_us, PAGE, "down"):
        if len(page) < PAGE or page[0].received_us == page[-1].received_us:
            yield from page
            if len(page) < PAGE:
                return
            start_us = page[-1].received_us + 1
        else:
            # The next page begins with all that came at the last moment of this one.
            start_us = page[-1].received_us
            yield from (frame for frame in page if frame.received_us < start_us)


def _compared(
    history: History, deployment: str, dictionary: Dictionary, new: Replacement, frames: int, undecodable: int
) -> Redecoding:
    old_samples, old_events, horizon_us = history.replaced(deployment, new)
    if len(old_samples) + len(old_events) > 2 * MAX_ITEMS:
        raise ValueError(_TOO_MANY)
    before: dict[str, Counter[Any]] = {}
    kept = 0
    for _, name, time_us, _, _, base, device_us, kind, number, text in old_samples:
        if name not in new.channels:
            kept += 1
        elif time_us >= horizon_us:
            before.setdefault(name, Counter())[(tag_of(time_us, base, device_us), _said(kind, number, text))] += 1
    after: dict[str, Counter[Any]] = {}
    for name, tag, received_us, value in new.samples:
        if row_time(tag, received_us)[0] >= horizon_us:
            after.setdefault(name, Counter())[(tag, _said(*encode(value)))] = 1  # the archive keeps each once
    told_before: dict[str, Counter[Any]] = {}
    for _, _, name, severity, base, device_us, time_us, text in old_events:
        told_before.setdefault(name, Counter())[(tag_of(time_us, base, device_us), f"{severity} {text}")] += 1
    told_after: dict[str, Counter[Any]] = {}
    for event in new.events:
        told_after.setdefault(event.name, Counter())[(event.tag, f"{event.severity} {event.text}")] += 1
    known = {one.name for one in history.channels(deployment)}
    unknown = [dictionary.channels[name] for name in after if name not in known]
    declared = [ChannelDeclaration(one.name, one.type.name, one.unit) for one in unknown]
    return Redecoding(
        deployment, new, dictionary.hash, frames, undecodable, kept, _changes(before, after),
        _changes(told_before, told_after), declared,
    )  # fmt: skip


def _said(kind: int, number: Any, text: str | None) -> str:
    """A value as text, alike for what is alike."""
    return text if text is not None else str(decode(kind, number, text))


def _changes(before: dict[str, Counter[Any]], after: dict[str, Counter[Any]]) -> list[Change]:
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, Counter()), after.get(name, Counter())
        same = old & new
        gone, come = sorted(old - same), sorted(new - same)
        example = ""
        if gone or come:
            example = f"{gone[0][1] if gone else 'nothing'} -> {come[0][1] if come else 'nothing'}"[:200]
        found.append(Change(name, old.total(), new.total(), same.total(), example))
    return found
