"""What a deployment shows at a glance, found by names of channels: what its dictionary does not have stays empty."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake_ground.fleet.standing import Glance, GraveEvent
from kittiwake_ground.passes.contact import PREDICTED
from kittiwake_ground.server.commands import QUEUED
from kittiwake_ground.server.instances import channels_called
from kittiwake_ground.server.samples import moment_us
from kittiwake_ground.server.timeline import MODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.entries import Channel
    from kittiwake_ground.passes.schedule import Schedule
    from kittiwake_ground.server.deployment import Deployment
    from kittiwake_ground.server.samples import Sample

BATTERY = ("StateOfCharge", "BatteryVoltage", "ina219SysManager.Voltage")
"""What stands for the battery: the first of these that there is."""

WANTED: Mapping[str, tuple[str, ...]] = {
    "mode": MODES,
    "battery": BATTERY,
    "battery_level": ("BatteryLevel",),
    "boot_count": ("BootCount",),
    "reset_reason": ("LastResetReason", "ResetReason"),
    "next_contact": ("NextWakeTime",),
}
"""What is looked for, by the last part of channels' names."""

GRAVE = ("FATAL", "WARNING_HI", "WARNING_LO")
"""Severities of events that are worth to be seen from afar."""

MAX_TEXT = 80


@dataclass
class Remembered:
    """What is known from before this server started, of one deployment."""

    samples: Mapping[str, Sample] = field(default_factory=dict)
    event: GraveEvent | None = None
    heard_us: int = 0


class Reader:
    """Takes glances of one deployment. It looks at each event once, and for names only when there are others."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.remembered = Remembered()
        self._names: dict[str, list[str]] = {}
        self._named = -1
        self._events_seen = 0
        self._event: GraveEvent | None = None

    @property
    def names(self) -> Mapping[str, list[str]]:
        """The channels of each thing that is looked for, the best first."""
        channels = self.deployment.dictionary.channels
        if len(channels) != self._named:
            self._named = len(channels)
            self._names = {
                what: channels_called(self.deployment.dictionary, *endings) for what, endings in WANTED.items()
            }
        return self._names

    def glance(self, now_us: int, served_us: int) -> Glance:
        """What is known now; `served_us` is when the server started."""
        one = self.deployment
        report, book = one.link, one.hub.alarms
        unseen, seen = {"RED": 0, "ORANGE": 0, "YELLOW": 0}, {"RED": 0, "ORANGE": 0, "YELLOW": 0}
        current = [alarm for alarm in book.current() if not book.is_shelved(alarm)]
        for alarm in current:
            counts = seen if alarm.acknowledged_by else unseen
            counts[alarm.level] += 1
        waiting_alarms = [alarm for alarm in current if not alarm.acknowledged_by]
        boots = self._sample("boot_count")
        heard_us = max(report.last_packet_us, self.remembered.heard_us)
        is_scheduled = any(one.origin != PREDICTED for one in self.deployment.passes.schedule.contacts.values())
        if is_scheduled:
            next_us = next_pass_us(self.deployment.passes.schedule, heard_us or served_us, now_us)
        else:
            next_us = moment_us(self._sample("next_contact"))
        return Glance(
            name=one.name,
            now_us=now_us,
            link=report.state,
            is_silent=report.silent,
            reason=report.reason,
            link_since_us=report.since_us,
            heard_us=heard_us,
            served_us=served_us,
            next_contact_us=next_us,
            is_scheduled=is_scheduled,
            dictionary_matches=one.hub.dictionary_matches,
            unseen=_counted(unseen),
            seen=_counted(seen),
            worst_alarm=waiting_alarms[0].source if waiting_alarms else "",
            event=self._grave_event(),
            waiting=sum(record.state == QUEUED for record in one.commands.records.values()),
            mode=self._text("mode"),
            battery=self._text("battery"),
            battery_level=self._text("battery_level"),
            boot_count=boots.value if boots is not None and isinstance(boots.value, int) else None,
            reset_reason=self._text("reset_reason"),
        )

    def _sample(self, what: str) -> Sample | None:
        latest, before = self.deployment.hub.latest, self.remembered.samples
        names = self.names[what]
        found = next((latest[name] for name in names if name in latest), None)
        return found or next((before[name] for name in names if name in before), None)

    def _text(self, what: str) -> str:
        sample = self._sample(what)
        if sample is None:
            return ""
        formats = self.deployment.dictionary.formats
        shown = DecodedChannel(sample.channel, sample.tag, sample.value, formats).text
        return f"{shown} {sample.channel.unit}".strip()[:MAX_TEXT]

    def _grave_event(self) -> GraveEvent | None:
        hub = self.deployment.hub
        for record in reversed(hub.events):
            if record.number <= self._events_seen:
                break
            event = record.decoded
            if event.severity in GRAVE:
                self._event = self.grave(event.severity, event.name, event.text, record.received_us)
                break
        self._events_seen = hub.event_count
        return self._event or self.remembered.event

    def grave(self, severity: str, name: str, text: str, received_us: int) -> GraveEvent:
        """An event of weight of this deployment."""
        is_alarm = severity in self.deployment.configuration.alarm_events
        return GraveEvent(severity, name, text[:MAX_TEXT], received_us, is_alarm)


def next_pass_us(schedule: Schedule, heard_us: int, now_us: int) -> int:
    """When the first pass starts that had not begun when a deployment was last heard; 0 for none, and in a pass.

    It may be past: then the deployment was not heard in it.
    """
    for one in schedule.passes(heard_us, at_most=2):
        if one.start_us > heard_us:
            return one.start_us
        if one.is_under_way(now_us):
            return 0
    return 0


def wanted_channels(reader: Reader) -> Mapping[str, Channel]:
    """The channels of which the last values are worth to be remembered from before the start."""
    channels = reader.deployment.dictionary.channels
    return {name: channels[name] for names in reader.names.values() for name in names}


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    return {level: count for level, count in counts.items() if count}
