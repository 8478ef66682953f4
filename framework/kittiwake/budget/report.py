"""A data budget as text for people and as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.budget.fields import BITS, type_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.budget.links import Link
    from kittiwake.budget.plan import Budget, PacketBudget

Row = tuple[str, ...]

SECONDS_PER_HOUR = 3600


class Rates:
    """The bits a second of the links, of which a byte takes `bits_per_byte`: 8, or 10 on a UART with start and stop."""

    def __init__(self, default: float | None, by_link: Mapping[str, float], bits_per_byte: int = BITS) -> None:
        self._default = default
        self._by_link = dict(by_link)
        self._bits_per_byte = bits_per_byte

    def of(self, link: Link) -> float | None:
        """Bits a second, or `None` where no rate is given."""
        return self._by_link.get(link.name, self._default)

    def seconds(self, link: Link, size: float) -> float | None:
        """How long bytes take on a link."""
        rate = self.of(link)
        return None if rate is None else size * self._bits_per_byte / rate


def budget_json(budget: Budget, rates: Rates, pass_s: float | None) -> dict[str, Any]:
    """Everything that the text says, and each channel's bytes and place."""
    return {
        "deployment": budget.name,
        "level": budget.level,
        "cycle_s": budget.schedule.cycle_s,
        "events_per_minute": budget.events_per_minute,
        "packets": [
            {
                "name": packet.message.name,
                "id": packet.id,
                "group": packet.group,
                "every_cycles": packet.every or None,
                "values_bytes": packet.values_size,
                "packet_bytes": packet.size,
                "channels": _channels_json(packet),
            }
            for packet in budget.packets
        ],
        "single_channels": [{"name": one.name, "packet_bytes": one.size} for one in budget.single],
        "omitted": list(budget.omitted),
        "events": [{"name": one.name, "packet_bytes": one.size} for one in budget.events],
        "links": [_link_json(budget, link, rates, pass_s) for link in budget.links],
    }


def _channels_json(packet: PacketBudget) -> list[dict[str, Any]]:
    return [
        {"name": channel.name, "type": type_text(channel.type), "offset": offset, "bytes": channel.type.max_size}
        for offset, channel in _placed(packet)
    ]


def _placed(packet: PacketBudget) -> list[tuple[int, Any]]:
    """The channels of a packet with their offsets in it."""
    offset = packet.size - packet.values_size
    placed = []
    for channel in packet.channels:
        placed.append((offset, channel))
        offset += channel.type.max_size
    return placed


def _link_json(budget: Budget, link: Link, rates: Rates, pass_s: float | None) -> dict[str, Any]:
    load = budget.load(link)
    total = load.telemetry + load.events
    made: dict[str, Any] = {
        "name": link.name,
        "framing": link.framing,
        "frame_bytes": link.parameters.frame_size if link.framing == "ccsds" else None,
        "telemetry": link.has_telemetry,
        "events": link.has_events,
        "bits_per_s": rates.of(link),
        "packets": [_cost(link, one.message.name, [one], rates) for one in budget.packets],
        "groups": [_cost(link, group, members, rates) for group, members in budget.groups().items()],
        "each_once": _cost(link, budget.level, budget.sent(), rates),
        "event_bytes": link.alone(budget.event_size) if budget.event_size else 0,
        "telemetry_bytes_per_s": load.telemetry,
        "event_bytes_per_s": load.events,
        "fullest_cycle_bytes": load.fullest_cycle,
        "load": rates.seconds(link, total),
    }
    if pass_s is not None and rates.of(link) is not None:
        made["pass"] = _pass(link, rates, pass_s, total)
    return made


def _cost(link: Link, what: str | int, members: Sequence[PacketBudget], rates: Rates) -> dict[str, Any]:
    size = link.together([packet.size for packet in members])
    return {"of": what, "link_bytes": size, "seconds": rates.seconds(link, size)}


def _pass(link: Link, rates: Rates, pass_s: float, bytes_per_s: float) -> dict[str, float]:
    per_byte = rates.seconds(link, 1)
    assert per_byte is not None, "the caller asks only where there is a rate"
    room = pass_s / per_byte
    return {
        "seconds": pass_s,
        "bytes": room,
        "live_bytes": bytes_per_s * pass_s,
        "left_bytes": room - bytes_per_s * pass_s,
    }


# Text


def budget_text(budget: Budget, rates: Rates, pass_s: float | None, *, verbose: bool = False) -> str:
    """The budget as tables, with every channel if `verbose`."""
    packed = sum([len(packet.channels) for packet in budget.packets])
    counts = f"{len(budget.packets)} packets with {packed} channels, {len(budget.single)} channels by themselves"
    lines = [
        f"{budget.name}: {counts}, {len(budget.events)} events",
        f"a telemetry cycle every {budget.schedule.cycle_s:g} s; sent are packets up to level {budget.level}",
    ]
    for link in budget.links:
        lines += ["", *_link_lines(budget, link, rates, pass_s)]
    if verbose:
        lines += _verbose_lines(budget)
    return "\n".join(lines) + "\n"


def _link_lines(budget: Budget, link: Link, rates: Rates, pass_s: float | None) -> list[str]:
    rate = rates.of(link)
    framing = f"CCSDS, TM frames of {link.parameters.frame_size} B" if link.framing == "ccsds" else "F´ frames"
    speed = f", {rate:g} bit/s" if rate is not None else ""
    if not link.has_telemetry and not link.has_events:
        return [f"{link.name}: {framing}{speed}; neither telemetry nor events reach it"]
    lines = [f"{link.name}: {framing}{speed}"]
    timed = rate is not None
    if link.has_telemetry and budget.packets:
        lines += _packet_table(budget, link, rates, timed)
        lines += ["", *_group_table(budget, link, rates, timed)]
    elif link.has_telemetry and budget.single:
        sizes = budget.single_packets()
        lines.append(f"  every channel once: {len(sizes)} packets, {_measured(link, link.together(sizes), rates)}")
    lines += ["", *_load_lines(budget, link, rates)]
    if pass_s is not None and timed:
        room = _pass(link, rates, pass_s, sum(budget.load(link)[:2]))
        lines.append(
            f"  a pass of {pass_s:g} s carries {room['bytes']:,.0f} B: {room['live_bytes']:,.0f} B live, "
            f"{max(room['left_bytes'], 0):,.0f} B left for files and what was stored"
        )
    return lines


def _packet_table(budget: Budget, link: Link, rates: Rates, timed: bool) -> list[str]:
    rows: list[Row] = [("packet", "id", "level", "channels", "values B", "packet B", "alone B", "every s", "s")]
    for packet in budget.packets:
        alone = link.alone(packet.size)
        period = f"{packet.period_cycles * budget.schedule.cycle_s:g}"
        rows.append(
            (
                packet.message.name, str(packet.id), str(packet.group), str(len(packet.channels)),
                str(packet.values_size), str(packet.size), str(alone), period if packet.every else f"≥ {period}",
                _seconds(rates.seconds(link, alone)),
            )
        )  # fmt: skip
    return table(rows if timed else [row[:-1] for row in rows])


def _group_table(budget: Budget, link: Link, rates: Rates, timed: bool) -> list[str]:
    rows: list[Row] = [("level", "packets", "values B", "packets B", "together B", "s")]
    named = [(str(group), members) for group, members in budget.groups().items()]
    for group, members in [*named, (f"up to {budget.level}", budget.sent())]:
        together = link.together([packet.size for packet in members])
        rows.append(
            (
                group, str(len(members)), str(sum([packet.values_size for packet in members])),
                str(sum([packet.size for packet in members])), str(together), _seconds(rates.seconds(link, together)),
            )
        )  # fmt: skip
    return table(rows if timed else [row[:-1] for row in rows])


def _load_lines(budget: Budget, link: Link, rates: Rates) -> list[str]:
    load = budget.load(link)
    total = load.telemetry + load.events
    lines = [f"  telemetry: at most {load.telemetry:.1f} B/s, {load.fullest_cycle} B in the fullest cycle"]
    if link.has_events and budget.event_size:
        lines.append(
            f"  events: {load.events:.1f} B/s at {budget.events_per_minute:g} a minute, of {budget.event_size} B each "
            f"(the mean), {link.alone(budget.event_size)} B on the link"
        )
    share = rates.seconds(link, total)
    if share is not None:
        note = "" if share <= 1 else "; the link cannot carry it"
        hour = _seconds(share * SECONDS_PER_HOUR)
        lines.append(f"  together: {total:.1f} B/s, {share:.1%} of the link{note}; an hour of it takes {hour} s")
    return lines


def _measured(link: Link, size: int, rates: Rates) -> str:
    seconds = rates.seconds(link, size)
    return f"{size} B" + ("" if seconds is None else f", {_seconds(seconds)} s")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value < 100 else f"{value:.0f}"


def _verbose_lines(budget: Budget) -> list[str]:
    lines = []
    for packet in budget.packets:
        lines += ["", f"{packet.message.name} (id {packet.id}, level {packet.group}): {packet.size} B"]
        rows: list[Row] = [("at B", "B", "channel", "type")]
        rows += [(str(at), str(one.type.max_size), one.name, type_text(one.type)) for at, one in _placed(packet)]
        lines += table(rows, left=(2, 3))
    omitted = set(budget.omitted)
    for title, found in (
        ("In no packet", [one for one in budget.single if one.name in omitted]),
        ("By themselves", [one for one in budget.single if one.name not in omitted]),
        ("Events, at most", list(budget.events)),
    ):
        if found:
            lines += ["", f"{title}:", *table([(str(one.size), one.name) for one in found], left=(1,))]
    return lines


def table(rows: Sequence[Row], left: Sequence[int] = (0,)) -> list[str]:
    """Rows of equally wide columns, indented; the columns `left` begin at their left edge."""
    widths = [max([len(row[index]) for row in rows]) for index in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            [
                cell.ljust(width) if index in left else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
        ).rstrip()
        for row in rows
    ]
