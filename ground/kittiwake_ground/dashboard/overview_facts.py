"""What the overview says of a deployment. Channels are found by the last part of their name, in any deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.dashboard.alarm_html import alarm_fact
from kittiwake_ground.dashboard.link_state import link_level, link_text
from kittiwake_ground.dashboard.live_html import Fact, meter_html
from kittiwake_ground.dashboard.readings import channels_called, first_sample, reading_text, with_unit
from kittiwake_ground.server.timeline import MODES
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.links import LinkReport
    from kittiwake_ground.server.source import Source

TROUBLES = (
    "PingLateWarnings", "HandlerFailures", "MessagesDropped", "CommandErrors", "EventsDropped", "PacketsDropped",
    "RgCycleSlips", "CyclesSkipped", "FatalEvents", "LimitsViolated", "FileErrors",
)  # fmt: skip
"""Counters that stay at 0 in a healthy deployment."""

MEASURES = ("WorstPingUs", "SlowestHandlerUs", "MaxLateUs", "TimeQuality")


def _reading(hub: Hub, *endings: str) -> str:
    sample = first_sample(hub, *endings)
    return "-" if sample is None else with_unit(sample, hub)


def _age(hub: Hub, *endings: str) -> str:
    sample = first_sample(hub, *endings)
    return "no value yet" if sample is None else f"{age_text(sample.received_us, hub.now_us())} ago"


def tile_facts(deployment: Source, is_past: bool = False) -> list[Fact]:
    """The few things to see first; whether commands were signed is not archived."""
    hub, report = deployment.hub, deployment.link
    link = link_text(report, hub.now_us())
    queued = sum(one.state == "queued" for one in deployment.commands.records.values())
    tiles = [Fact("Link", link.state, link_level(report), link.reason)]
    if not is_past:
        tiles.append(_uplink_fact(deployment))
    if channels_called(hub, *MODES):
        tiles.append(Fact("Mode", _reading(hub, *MODES), "", _age(hub, *MODES)))
    if channels_called(hub, "BootCount"):
        reason = _reading(hub, "LastResetReason", "ResetReason")
        hint = _age(hub, "BootCount") if reason == "-" else f"last reset: {reason.lower().replace('_', ' ')}"
        tiles.append(Fact("Boot count", _reading(hub, "BootCount"), "", hint))
    tiles.append(alarm_fact(hub))
    policy = "held while the link is down" if deployment.configuration.queue == "hold" else "refused without a link"
    tiles.append(Fact("Queued commands", str(queued), "warning" if queued else "", policy))
    return tiles


def _uplink_fact(deployment: Source) -> Fact:
    """Whether commands are signed here, and whether the deployment insists on it."""
    sample = first_sample(deployment.hub, "UplinkSecurity")
    insists = None if sample is None else reading_text(sample, deployment.hub) == "AUTHENTICATED"
    return uplink_fact(deployment.link, insists)


def uplink_fact(report: LinkReport, insists: bool | None) -> Fact:
    """The same in words; `insists` is `None` while the deployment has not said whether it accepts unsigned commands."""
    if report.spi is None:
        if insists:
            return Fact("Uplink", "Unsigned", "bad", "the deployment accepts signed commands alone: serve with --keys")
        return Fact("Uplink", "Open", "warning", "whoever reaches the link may command the deployment")
    if insists is False:
        return Fact("Uplink", "Open", "bad", "commands are signed here, and the deployment takes only unsigned ones")
    again = report.resynchronisations
    note = f", put right {again} times" if again > 1 else ", put right once" if again else ""
    number = "not said yet" if report.accepted is None else f"{report.accepted:,}"
    level = "good" if insists else ""
    return Fact("Uplink", f"Signed, key {report.spi}", level, f"last number accepted: {number}{note}")


def link_facts(deployment: Source, is_past: bool = False) -> list[Fact]:
    """The link in detail; its counters are not archived."""
    report, now_us = deployment.link, deployment.hub.now_us()
    bad = {True: "warning", False: ""}
    facts = [
        Fact("Address", report.address),
        Fact("State", f"{report.state} for {age_text(report.since_us, now_us)}", link_level(report), report.reason),
        Fact("Last packet", age_text(report.last_packet_us, now_us) + (" ago" if report.last_packet_us else "")),
    ]
    if is_past:
        return facts
    return [
        *facts,
        Fact("Connections", f"{report.connections:,}"),
        Fact("Received", f"{report.packets:,} packets, {size_text(report.received_bytes)}"),
        Fact("Sent", size_text(report.sent_bytes)),
        Fact("Gaps", f"{report.gaps:,}", bad[report.gaps > 0], "frames that were lost on the way"),
        Fact("Damaged frames", f"{report.crc_errors:,}", bad[report.crc_errors > 0], "by their checksum"),
        Fact("Not decodable", f"{report.undecodable:,}", bad[report.undecodable > 0], "packets"),
    ]


def health_facts(deployment: Source) -> list[Fact]:
    """Counters of trouble, and how late things were."""
    hub = deployment.hub
    facts = []
    for name in channels_called(hub, *TROUBLES):
        sample = hub.latest.get(name)
        if sample is not None:
            text = reading_text(sample, hub)
            level = "good" if not any(character in "123456789" for character in text) else "warning"
            facts.append(Fact(_short(name), text, level, name))
    for name in channels_called(hub, *MEASURES):
        sample = hub.latest.get(name)
        if sample is not None:
            facts.append(Fact(_short(name), with_unit(sample, hub), "", name))
    return facts


def deployment_facts(deployment: Source) -> list[Fact]:
    """What it is and by which dictionary it is decoded."""
    hub, dictionary = deployment.hub, deployment.dictionary
    matches = {True: ("the same", "good"), False: ("another one", "bad"), None: ("not said yet", "")}
    said, level = matches[hub.dictionary_matches]
    return [
        Fact("Deployment", dictionary.deployment),
        Fact("Framework", _reading(hub, "FrameworkVersion")),
        Fact("Project", _reading(hub, "ProjectVersion")),
        Fact("Dictionary here", dictionary.hash[:12], "", dictionary.hash),
        Fact("Dictionary there", said, level, hub.dictionary_reported),
        Fact("Channels", f"{len(hub.latest):,} of {len(dictionary.channels):,} have a value"),
        Fact("Samples", f"{hub.sample_count:,}"),
        Fact("Events", f"{hub.event_count:,}"),
    ]


def resources_html(deployment: Source) -> str:
    """Bars of what the device has used up, as far as it says so."""
    hub = deployment.hub
    bars = []
    for label, ending in (("Processor", "CPU"), ("This process", "PROCESS_CPU")):
        sample = first_sample(hub, ending)
        if sample is not None:
            bars.append(meter_html(label, sample.value / 100, with_unit(sample, hub)))
    memory = _pair(hub, "MEMORY_USED", "MEMORY_TOTAL")
    if memory is not None:
        bars.append(meter_html("Memory", memory[0] / memory[1], f"{_kilo(memory[0])} of {_kilo(memory[1])}"))
    disk = _pair(hub, "NON_VOLATILE_FREE", "NON_VOLATILE_TOTAL")
    if disk is not None:
        used = disk[1] - disk[0]
        bars.append(meter_html("Storage", used / disk[1], f"{_kilo(used)} of {_kilo(disk[1])}"))
    return "".join(bars)


def _pair(hub: Hub, part: str, whole: str) -> tuple[float, float] | None:
    one, other = first_sample(hub, part), first_sample(hub, whole)
    return None if one is None or other is None or not other.value else (one.value, other.value)


def _kilo(kilobytes: float) -> str:
    return size_text(int(kilobytes * 1024))


def size_text(size: int) -> str:
    """A number of bytes: `512 B`, `1.5 KiB`, `20 MiB`."""
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"


def _short(name: str) -> str:
    """`rateGroup1Hz.RgCycleSlips` of a full name."""
    return ".".join(name.split(".")[-2:])
