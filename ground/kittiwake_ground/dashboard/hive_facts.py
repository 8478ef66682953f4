"""How a hive is now: its sensors, its disk and its uploads, found by names of channels and commands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.dashboard.live_html import Fact
from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.dashboard.power_facts import span_text
from kittiwake_ground.dashboard.readings import channels_called, with_unit
from kittiwake_ground.server.instances import commands_called
from kittiwake_ground.server.samples import moment_s

if TYPE_CHECKING:
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.samples import Sample
    from kittiwake_ground.server.source import Source

OWN = ("State", "NextStart", "Captures", "Misses", "Restarts", "LastGood", "BadSince")
"""The channels that every SensorChannels has; its readings follow."""

RUNS = frozenset({"STARTING", "WAITING", "BEGINNING", "RECORDING"})
LEVELS = {
    "WAITING": "good", "RECORDING": "moving", "BEGINNING": "moving", "STARTING": "moving", "STOPPING": "idle",
    "STOPPED": "idle", "BACKING_OFF": "warning",
}  # fmt: skip
"""How a state is coloured; the others are bad."""


class SensorFacts(NamedTuple):
    """A sensor as its channels show it; times are seconds since 1970, 0 where there is none."""

    name: str
    state: str
    state_s: float
    """When that was heard."""
    next_start_s: float
    captures: int
    misses: int
    restarts: int
    readings: tuple[tuple[str, str], ...]
    """The latest good values, with their units."""
    last_good_s: float
    bad_since_s: float

    @property
    def is_quiet(self) -> bool:
        """Whether it is stopped and has done nothing: it may not be configured at all."""
        return self.state in ("-", "STOPPED") and not (self.captures or self.misses or self.restarts)


def orchestrator_of(hub: Hub) -> str:
    """The instance of the sensors' orchestrator, the first if there are several; empty without one."""
    for command in commands_called(hub.dictionary, "TAKE_NOW", 1):
        instance = command.name.rpartition(".")[0]
        if f"{instance}.CaptureDone" in hub.dictionary.events:
            return instance
    return ""


def sensors_of(hub: Hub) -> list[SensorFacts]:
    """The sensors that have channels of their own, in the order of the dictionary."""
    instances = [name.rpartition(".")[0] for name in channels_called(hub, "BadSince")]
    return [_sensor(hub, one) for one in instances if f"{one}.LastGood" in hub.dictionary.channels]


def _sensor(hub: Hub, instance: str) -> SensorFacts:
    latest = {
        name.rpartition(".")[2]: hub.latest[name]
        for name in hub.dictionary.channels
        if name.rpartition(".")[0] == instance and name in hub.latest
    }
    state = latest.get("State")
    last_good_s = moment_s(latest.get("LastGood"))
    bad_since_s = moment_s(latest.get("BadSince"))
    own = [(name, one) for name, one in latest.items() if name not in OWN] if last_good_s else []
    readings = [(name, _reading(one, bool(bad_since_s))) for name, one in own]
    return SensorFacts(
        name=instance.rpartition(".")[2],
        state=_word(state, hub),
        state_s=state.received_us / 1e6 if state is not None else 0.0,
        next_start_s=moment_s(latest.get("NextStart")),
        captures=_whole(latest.get("Captures")),
        misses=_whole(latest.get("Misses")),
        restarts=_whole(latest.get("Restarts")),
        readings=tuple(readings),
        last_good_s=last_good_s,
        bad_since_s=bad_since_s,
    )


def _reading(sample: Sample, is_bad: bool) -> str:
    """A sensor's numbers are measures: six digits are enough. Packets have a 0 for a channel that was never written."""
    if is_bad and sample.value == 0:
        return "none yet"
    return f"{sample.value:.6g} {sample.channel.unit}".rstrip()


def _word(sample: Sample | None, hub: Hub) -> str:
    return "-" if sample is None else with_unit(sample, hub)


def _whole(sample: Sample | None) -> int:
    return int(sample.value) if sample is not None and isinstance(sample.value, int) else 0


def ahead_text(moment: float, now_s: float) -> str:
    """How long until a moment, or how long it is past."""
    ahead = moment - now_s
    return f"in {span_text(ahead)}" if ahead >= 0 else f"{span_text(-ahead)} ago"


def clock_text(moment: float) -> str:
    """A time of day, UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(moment))


def hive_tiles(hub: Hub, now_s: float) -> list[Fact]:
    """The few things to see first."""
    latest = _latest_of(hub, orchestrator_of(hub))
    if "Sensors" not in latest:
        return [Fact("Sensors", "-", "", "nothing was heard of them yet")]
    counts = {name: _whole(one) for name, one in latest.items()}
    known, runs, left_alone = counts["Sensors"], counts.get("Running", 0), counts.get("Quarantined", 0)
    if not known:
        return [Fact("Sensors", "None", "warning", "no configuration is in force"), *_place_tiles(hub)]
    next_s = moment_s(latest.get("NextStart"))
    misses, restarts = counts.get("Misses", 0), counts.get("Restarts", 0)
    return [
        Fact(
            "Sensors", f"{runs} of {known} run", "bad" if left_alone else "good" if runs == known else "warning",
            f"{left_alone} in quarantine" if left_alone else f"{counts.get('Recording', 0)} record now",
        ),
        Fact(
            "Next start", clock_text(next_s) if next_s else "None", "",
            ahead_text(next_s, now_s) if next_s else "no start is ahead",
        ),
        Fact(
            "Captures", f"{counts.get('Captures', 0):,}", "",
            f"{misses} missed, {restarts} restarts" if misses or restarts else "none missed, no restarts",
        ),
        *_place_tiles(hub),
    ]  # fmt: skip


def _place_tiles(hub: Hub) -> list[Fact]:
    """Where the recordings are, and where they go."""
    tiles = []
    upload = _latest_of(hub, _uploader_of(hub))
    if "UploadQueue" in upload:
        queue, failed = _whole(upload["UploadQueue"]), _whole(upload.get("FailedUploads"))
        hint = f"{failed} given up" if failed else f"the oldest for {span_text(_whole(upload.get('OldestPendingAge')))}"
        tiles.append(Fact("Uploads", f"{queue} waiting", "bad" if failed else "", hint if queue or failed else "idle"))
    free = upload.get("DiskFree")
    if free is not None:
        tiles.append(Fact("Disk", f"{size_text(_whole(free))} free", "", _used_text(upload)))
    return tiles


def _used_text(upload: dict[str, Sample]) -> str:
    return f"recordings take {size_text(_whole(upload['DiskUsed']))}" if "DiskUsed" in upload else ""


def _uploader_of(hub: Hub) -> str:
    found = channels_called(hub, "OldestPendingAge")
    return found[0].rpartition(".")[0] if found else ""


def _latest_of(hub: Hub, instance: str) -> dict[str, Sample]:
    names = [name for name in hub.dictionary.channels if instance and name.rpartition(".")[0] == instance]
    return {name.rpartition(".")[2]: hub.latest[name] for name in names if name in hub.latest}


def upload_facts(source: Source) -> list[Fact]:
    """The disk and the queue of uploads."""
    hub = source.hub
    instance = _uploader_of(hub)
    latest = _latest_of(hub, instance)
    if "UploadQueue" not in latest:
        return []
    failed, dropped = _whole(latest.get("FailedUploads")), _whole(latest.get("Dropped"))
    oldest_s = _whole(latest.get("OldestPendingAge"))
    running = latest.get("Running")
    facts = [
        Fact("Uploads", *(("running", "good") if running is not None and running.value else ("stopped", "warning"))),
        Fact("Waiting", str(_whole(latest["UploadQueue"]))),
        Fact("Oldest waits for", span_text(oldest_s) if oldest_s else "-", "warning" if oldest_s > 86_400 else ""),
        Fact("Given up", str(failed), "bad" if failed else "", "They wait for the command RETRY."),
        Fact("Uploaded", f"{_whole(latest.get('Uploaded')):,}", "", size_text(_whole(latest.get("BytesSent")))),
        Fact("Failed attempts", f"{_whole(latest.get('Retries')):,}"),
        Fact("Dropped for room", str(dropped), "bad" if dropped else "", "Recordings that went without an upload."),
        Fact("Recordings take", size_text(_whole(latest.get("DiskUsed")))),
        Fact("Free", size_text(_whole(latest.get("DiskFree")))),
    ]
    for label, name in (("Quota", "QUOTA_BYTES"), ("Kept free", "DISK_LOW"), ("Warned below", "DISK_WARN")):
        record = source.parameters.records.get(f"{instance}.{name}")
        if record is None:
            continue
        is_known = record.known != "unknown"
        value = record.value if is_known else record.parameter.default
        hint = "As it was set." if is_known else "The dictionary's default: what the station uses was not asked for."
        facts.append(Fact(label, size_text(int(value)) if value else "none", "", hint))
    return facts


def quota_of(source: Source) -> tuple[int, int]:
    """What recordings take and what they may take, in bytes; 0 for no limit."""
    instance = _uploader_of(source.hub)
    record = source.parameters.records.get(f"{instance}.QUOTA_BYTES")
    if record is None:
        return 0, 0
    value = record.value if record.known != "unknown" else record.parameter.default
    return _whole(_latest_of(source.hub, instance).get("DiskUsed")), int(value or 0)
