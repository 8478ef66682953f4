"""The data budget: bytes of every packet, bytes a second, and seconds on a link, from the dictionary itself.

Nothing is estimated but how often things happen: a packet without a rate of its own may go out in every cycle of the
telemetry store, and is counted so, and how many events come is the caller's guess.
"""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING, NamedTuple

from kittiwake.budget.fields import Message, channel_message, entry_size, event_message, telemetry_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.budget.links import Link, Schedule
    from kittiwake.dictionary.entries import Channel, Dictionary, PacketSet

MAX_CYCLES = 86_400
"""The most cycles that are looked at to find the mean; rates that repeat later are close to it by then."""


class PacketBudget(NamedTuple):
    """One telemetry packet; `every` is its rate in cycles, 0 where it goes out when it changes."""

    message: Message
    id: int
    group: int
    every: int
    channels: tuple[Channel, ...]

    @property
    def size(self) -> int:
        """Bytes of the packet without framing, which is always this."""
        return self.message.size

    @property
    def values_size(self) -> int:
        """Bytes of its channels."""
        return sum([channel.type.max_size for channel in self.channels])

    @property
    def period_cycles(self) -> int:
        """Cycles from one to the next at most."""
        return self.every or 1


class Load(NamedTuple):
    """What a link carries: bytes a second of telemetry and of events, and bytes of the fullest telemetry cycle."""

    telemetry: float
    events: float
    fullest_cycle: int


class Budget(NamedTuple):
    """The budget of a deployment. `single` are the channels in no packet, by their samples; `events` all events."""

    name: str
    packets: tuple[PacketBudget, ...]
    single: tuple[Message, ...]
    events: tuple[Message, ...]
    omitted: tuple[str, ...]
    links: tuple[Link, ...]
    schedule: Schedule
    level: int
    events_per_minute: float

    def sent(self) -> list[PacketBudget]:
        """The packets up to the send level."""
        return [packet for packet in self.packets if packet.group <= self.level]

    def groups(self) -> dict[int, list[PacketBudget]]:
        """The packets of each level."""
        found: dict[int, list[PacketBudget]] = {}
        for packet in sorted(self.packets, key=lambda one: one.group):
            found.setdefault(packet.group, []).append(packet)
        return found

    @property
    def event_size(self) -> int:
        """The mean size of the deployment's events at their greatest, rounded up."""
        sizes = [message.size for message in self.events]
        return -(-sum(sizes) // len(sizes)) if sizes else 0

    def load(self, link: Link) -> Load:
        """The bytes a second that a link carries."""
        telemetry, fullest = self._telemetry(link) if link.has_telemetry else (0.0, 0)
        events = 0.0
        if link.has_events and self.event_size:
            events = self.events_per_minute / 60 * link.alone(self.event_size)
        return Load(telemetry, events, fullest)

    def _telemetry(self, link: Link) -> tuple[float, int]:
        """Bytes a second, and those of the fullest cycle; packets of one cycle share frames.

        Rates count from the boot, so that packets of equal rates come in one cycle.
        """
        if not self.packets:
            total = link.together(self.single_packets())
            return total / self.schedule.cycle_s, total
        sent = self.sent()
        cycles = min(lcm(*[packet.period_cycles for packet in sent]), MAX_CYCLES)
        total = fullest = 0
        due = ([one.size for one in sent if cycle % one.period_cycles == 0] for cycle in range(1, cycles + 1))
        for size in link.in_turn(due):
            total += size
            fullest = max(fullest, size)
        return total / cycles / self.schedule.cycle_s, fullest

    def single_packets(self) -> list[int]:
        """The packets' sizes when every channel of a deployment without packets is written in one cycle."""
        sizes: list[int] = []
        held = 0
        for message in self.single:
            entry = entry_size(message)
            if held and held + entry > self.schedule.packet_bytes:
                sizes.append(held)
                held = 0
            held += entry
        if held:
            sizes.append(held)
        head = self.single[0].size - entry_size(self.single[0]) if self.single else 0
        return [size + head for size in sizes]


def make_budget(
    dictionary: Dictionary,
    links: Sequence[Link],
    schedule: Schedule,
    *,
    level: int | None = None,
    packet_set: str = "",
    events_per_minute: float = 6.0,
    name: str = "",
) -> Budget:
    """The budget of a dictionary's packets over these links. Without a level all packets are counted.

    Raises `ValueError` for rates of packets that do not exist, and if the packet set is not named where there are
    several.
    """
    chosen = _packet_set(dictionary, packet_set)
    packets = chosen.packets if chosen is not None else ()
    _check_rates(schedule.rates, [packet.name for packet in packets])
    budgets = tuple(
        PacketBudget(
            telemetry_message(dictionary, packet), packet.id, packet.group, schedule.rates.get(packet.name, 0),
            packet.channels,
        )
        for packet in packets
    )  # fmt: skip
    packed = {channel.name for packet in packets for channel in packet.channels}
    single = [channel_message(dictionary, one) for one in dictionary.channels.values() if one.name not in packed]
    if level is None:
        level = schedule.level
    if level is None:
        level = max([packet.group for packet in budgets], default=0)
    return Budget(
        name or dictionary.deployment,
        budgets,
        tuple(single),
        tuple([event_message(dictionary, event) for event in dictionary.events.values()]),
        chosen.omitted if chosen is not None else (),
        tuple(links),
        schedule,
        level,
        events_per_minute,
    )


def _packet_set(dictionary: Dictionary, name: str) -> PacketSet | None:
    sets = {one.name: one for one in dictionary.packet_sets}
    if name and name not in sets:
        raise ValueError(f"there is no packet set {name!r}; there are {', '.join(sets) or 'none'}")
    if not name and len(sets) > 1:
        raise ValueError(f"there are several packet sets; name one of {', '.join(sets)}")
    return sets[name] if name else next(iter(sets.values()), None)


def _check_rates(rates: dict[str, int], names: Iterable[str]) -> None:
    from kittiwake.faults import did_you_mean

    known = list(names)
    for name in rates:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"there is no packet {name!r} to set a rate of" + (f" ({hint})" if hint else ""))
