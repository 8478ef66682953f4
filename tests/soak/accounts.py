"""What deployments counted as sent, against what the archive has of it: exact, from each start to its last count.

A start of a deployment begins to count at nought, so that its first packet is accounted for as well. Until when depends
on the counter: PacketsSent is told before the packets of its own cycle are counted, and EventsSent somewhat before its
packet goes out, so that it is exact where the next one says the same. After the last such count there may be a few
packets more, which nobody counted: those on their way when a deployment was killed.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from kittiwake.dictionary.entries import Packet

PACKETS = "CdhCore.tlmSend.PacketsSent"
EVENTS = "CdhCore.events.EventsSent"
BURST_GAP_US = 200_000
"""Packets of one cycle follow each other at once; a longer gap is between two cycles."""


class Start(NamedTuple):
    """One start of a deployment: from when on its packets are its own, and until when, by the wall clock in us."""

    deployment: str
    number: int
    began_us: int
    ended_us: int


class Account(NamedTuple):
    """What one start counted, and what is archived of it.

    `seconds` is how long its telemetry is accounted for. `samples` are those of the counted packets, as the dictionary
    says what is in each.
    """

    start: Start
    seconds: float
    packets_sent: int
    packets_archived: int
    events_sent: int
    events_archived: int
    samples: int
    samples_archived: int

    @property
    def faults(self) -> list[str]:
        """What is missing, or is there without having been sent."""
        name = f"{self.start.deployment}, start {self.start.number}"
        kinds = (
            ("telemetry packets", self.packets_sent, self.packets_archived),
            ("events", self.events_sent, self.events_archived),
            ("samples", self.samples, self.samples_archived),
        )
        return [
            f"{name}: {sent} {kind} were sent, and {archived} are archived"
            for kind, sent, archived in kinds
            if sent != archived
        ]


class Uncounted(ValueError):
    """A start of which no count has come that can be held against the archive."""


def account(database: Path, packets: Sequence[Packet], start: Start) -> Account:
    """Settles one start's account, of a deployment that sends these packets. Raises `Uncounted`."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        archive = _Archive(connection, start)
        came = comings(packets, archive.times)
        times = sorted([time_us for found in came.values() for time_us in found])
        until_us, packets_sent = counted_packets(archive.values(PACKETS), times, start)
        events_until_us, events_sent = counted_events(archive.values(EVENTS), start)
        samples = sum(bisect_left(came[packet.id], until_us) * len(packet.channels) for packet in packets)
        names = {channel.name for packet in packets for channel in packet.channels}
        counts = archive.counts(until_us)
        found = Account(
            start,
            (until_us - start.began_us) / 1e6,
            packets_sent,
            bisect_left(times, until_us),
            events_sent,
            archive.events(events_until_us),
            samples,
            sum(counts.get(name, 0) for name in names),
        )
    connection.close()
    return found


class _Archive:
    """What is archived of one start."""

    def __init__(self, connection: sqlite3.Connection, start: Start) -> None:
        self._connection = connection
        self._start = start
        self._bounds = (start.deployment, start.began_us, start.ended_us)

    def times(self, channel: str) -> list[int]:
        """When the samples of a channel were taken."""
        return [time_us for time_us, _ in self.values(channel)]

    def values(self, channel: str) -> list[tuple[int, int]]:
        """The times and values of a channel."""
        query = f"SELECT time_us, number {_SAMPLES} AND channels.name = ? ORDER BY time_us, position"
        return self._connection.execute(query, (*self._bounds, channel)).fetchall()

    def counts(self, until_us: int) -> dict[str, int]:
        """How many samples of each channel there are before a time."""
        query = f"SELECT channels.name, count(*) {_SAMPLES} GROUP BY channels.id"
        return dict(self._connection.execute(query, (self._start.deployment, self._start.began_us, until_us)))

    def events(self, until_us: int) -> int:
        """How many events there are before a time."""
        bounds = (self._start.deployment, self._start.began_us, until_us)
        return int(self._connection.execute(_EVENTS, bounds).fetchone()[0])


_SAMPLES = """
FROM deployments JOIN channels ON channels.deployment = deployments.id JOIN samples ON samples.channel = channels.id
WHERE deployments.name = ? AND time_us >= ? AND time_us < ?
"""
_EVENTS = """
SELECT count(*) FROM deployments JOIN events ON events.deployment = deployments.id
WHERE deployments.name = ? AND time_us >= ? AND time_us < ?
"""


def comings(packets: Sequence[Packet], times_of: Callable[[str], Sequence[int]]) -> dict[int, list[int]]:
    """When each packet came, by its id: as often as the channel says of which most samples are there.

    `times_of` gives the times of a channel's samples. Where several packets have a channel, those that came with the
    others are taken off. Raises `Uncounted` for packets that cannot be told apart.
    """
    holders: dict[str, list[Packet]] = {}
    for packet in packets:
        for channel in packet.channels:
            holders.setdefault(channel.name, []).append(packet)
    found: dict[int, list[int]] = {}
    left = list(packets)
    while left:
        for packet in left:
            sharing = {channel.name: _others(holders[channel.name], packet) for channel in packet.channels}
            telling = [(name, others) for name, others in sharing.items() if all(one.id in found for one in others)]
            if telling:
                found[packet.id] = max([_without(times_of(name), others, found) for name, others in telling], key=len)
                left.remove(packet)
                break
        else:
            raise Uncounted(f"packets cannot be told apart: {', '.join(packet.name for packet in left)}")
    return found


def _others(holders: Iterable[Packet], packet: Packet) -> list[Packet]:
    return [one for one in holders if one is not packet]


def _without(times: Iterable[int], others: Iterable[Packet], found: Mapping[int, Sequence[int]]) -> list[int]:
    rest = Counter(times)
    for one in others:
        rest.subtract(found[one.id])
    return sorted(rest.elements())


def counted_packets(values: Sequence[tuple[int, int]], times: Sequence[int], start: Start) -> tuple[int, int]:
    """Until when the packets of a start are counted, and how many they are.

    `values` are the times and values of PacketsSent and `times` those of all packets, in their order. A value counts
    what was sent before its cycle began. Raises `Uncounted`.
    """
    bursts: list[tuple[int, int]] = []
    """Where each cycle's packets begin and end."""
    for time_us in times:
        if bursts and time_us - bursts[-1][1] < BURST_GAP_US:
            bursts[-1] = (bursts[-1][0], time_us)
        else:
            bursts.append((time_us, time_us))
    for first_us, last_us in reversed(bursts):
        told = [value for time_us, value in values if first_us <= time_us <= last_us]
        if len(told) == 1:  # two would be two cycles, which came so close together that they cannot be told apart
            return first_us, told[0]
    raise Uncounted(f"{start.deployment}, start {start.number}: its telemetry packets were not counted")


def counted_events(values: Sequence[tuple[int, int]], start: Start) -> tuple[int, int]:
    """Until when the events of a start are counted, and how many they are. Raises `Uncounted`."""
    for (time_us, value), (_, following) in zip(reversed(values[:-1]), reversed(values[1:]), strict=True):
        if value == following:
            return time_us, value
    raise Uncounted(f"{start.deployment}, start {start.number}: its events were not counted")
