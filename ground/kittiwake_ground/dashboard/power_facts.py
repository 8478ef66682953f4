"""What a battery device tells of its power, found by names of channels and events, whatever the instances are."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.dashboard.live_html import Fact
from kittiwake_ground.dashboard.readings import channels_called, first_sample, with_unit
from kittiwake_ground.server.samples import moment_s
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake_ground.server.hub import Hub

WANTED = ("StateOfCharge", "TimeCredit", "CycleState", "NextWakeTime")
"""Channels of a power manager and of a supervisor: with any of them there is a page for them."""
CHARTED = ("StateOfCharge", "BatteryVoltage", "BatteryPower", "SupplyPower")
CYCLE_EVENTS = ("CycleStarted", "CycleFinished", "CycleStepFailed", "CycleStepTimeout")
NEVER_S = 0xFFFFFFFF
MAX_CYCLES = 12
_LEVELS = {"NORMAL": "good", "GOOD": "good", "LOW": "warning", "CRITICAL": "bad"}


def tells_of_power(hub: Hub) -> bool:
    """Whether the deployment has such channels at all."""
    return bool(channels_called(hub, *WANTED))


def charted(hub: Hub) -> list[str]:
    """The channels of the chart."""
    return [found[0] for ending in CHARTED if (found := channels_called(hub, ending))]


def span_text(seconds: float) -> str:
    """A length of time in its two largest units: `45 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    whole = int(seconds)
    for size, unit, part, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {smaller}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def _number(hub: Hub, ending: str) -> float | None:
    sample = first_sample(hub, ending)
    return float(sample.value) if sample is not None and isinstance(sample.value, (int, float)) else None


def _text(hub: Hub, ending: str) -> str:
    sample = first_sample(hub, ending)
    return "-" if sample is None else with_unit(sample, hub)


def _energy(hub: Hub, ending: str) -> str:
    sample = first_sample(hub, ending)
    return "-" if sample is None else f"{sample.value:,.3f} {sample.channel.unit}".rstrip()


def _age(hub: Hub, ending: str) -> str:
    sample = first_sample(hub, ending)
    return "no value yet" if sample is None else f"{age_text(sample.received_us, hub.now_us())} ago"


def power_tiles(hub: Hub, now_s: float) -> list[Fact]:
    """The few things to see first."""
    tiles = []
    if channels_called(hub, "StateOfCharge"):
        word = _text(hub, "BatteryLevel")
        level = _LEVELS.get(word, "")
        tiles.append(
            Fact("Battery", _text(hub, "StateOfCharge"), level, f"{_text(hub, 'BatteryVoltage')}, {_words(word)}")
        )
    credit = _number(hub, "TimeCredit")
    if credit is not None:
        tiles.append(Fact("Time credit", span_text(credit), "", "for a sleep and one wake"))
    if channels_called(hub, "NextWakeTime"):
        tiles.append(next_wake(hub, now_s))
    awake = _number(hub, "AwakeSeconds")
    if awake is not None:
        left = _number(hub, "AwakeLeft")
        hint = "no hard limit" if left is None or left >= NEVER_S else f"cut off in {span_text(left)}"
        level = "warning" if left is not None and left < 60 else ""
        tiles.append(Fact("Awake", span_text(awake), level, hint))
    if channels_called(hub, "CycleState"):
        tiles.append(Fact("Cycle", _words(_text(hub, "CycleState")), "", f"number {_text(hub, 'CycleCount')}"))
    ready = first_sample(hub, "ModuleReady")
    if ready is not None:
        text, level = ("Answers", "good") if ready.value else ("Silent", "bad")
        tiles.append(Fact("Power unit", text, level, f"lives on {_words(_text(hub, 'PowerMode')).lower()}"))
    return tiles


def next_wake(hub: Hub, now_s: float) -> Fact:
    """When the next cycle is to begin, and how long until then."""
    sample = first_sample(hub, "NextWakeTime")
    seconds = int(moment_s(sample))
    if not seconds:
        return Fact("Next wake", "Not planned", "", _age(hub, "NextWakeTime"))
    clock = time.strftime("%d %b %H:%M", time.gmtime(seconds))
    ahead = seconds - now_s
    hint = f"in {span_text(ahead)}" if ahead >= 0 else f"{span_text(-ahead)} overdue"
    return Fact("Next wake", clock, "" if ahead > -300 else "warning", hint)


def _words(name: str) -> str:
    return name if name == "-" else name.replace("_", " ").capitalize()


def failed_step_text(name: str) -> str:
    """The step that failed last; a supervisor whose steps all went well names BOOT, which is none of them."""
    return "None" if name == "BOOT" else _words(name)


def total_facts(hub: Hub) -> list[Fact]:
    """What has come together, and how the last things ended."""
    facts = [
        Fact(label, show(hub, ending), "", _age(hub, ending))
        for label, ending, show in (
            ("Consumed", "TotalPowerConsumption", _energy), ("Generated", "TotalPowerGenerated", _energy),
            ("Last cycle", "LastCycleEnergy", _energy), ("Cycles", "CycleCount", _text), ("Jobs run", "JobsRun", _text),
            ("Jobs failed", "JobsFailed", _text), ("Failed steps", "FailedSteps", _text),
            ("Requests repeated", "RequestsRepeated", _text),
        )
        if first_sample(hub, ending) is not None
    ]  # fmt: skip
    slept = _number(hub, "SleptSeconds")
    if slept is not None:
        facts.append(Fact("Slept before", span_text(slept), "", _age(hub, "SleptSeconds")))
    facts += [
        Fact(label, show(_text(hub, ending)), "", _age(hub, ending))
        for label, ending, show in (
            ("Woken by", "WakeReason", _words), ("Lives on", "PowerMode", _words),
            ("Last failed step", "LastError", failed_step_text),
        )
        if first_sample(hub, ending) is not None
    ]  # fmt: skip
    return facts


def measure_facts(hub: Hub) -> list[Fact]:
    """The battery and the supply, now."""
    facts = []
    for label, ending in (
        ("Battery voltage", "BatteryVoltage"), ("Battery current", "BatteryCurrent"), ("Battery power", "BatteryPower"),
        ("Battery temperature", "BatteryTemperature"), ("Supply voltage", "SupplyVoltage"),
        ("Supply power", "SupplyPower"),
    ):  # fmt: skip
        sample = first_sample(hub, ending)
        if sample is not None:
            facts.append(Fact(label, with_unit(sample, hub), "", f"{sample.channel.name}, {_age(hub, ending)}"))
    return facts


class Cycle(NamedTuple):
    """A cycle that has ended: when, how long, on how much energy, and what failed in it."""

    number: int
    end_us: int
    duration_ms: int
    energy_mwh: float
    failed: int
    steps: tuple[str, ...]


def cycles_of(events: Iterable[Mapping[str, Any]]) -> list[Cycle]:
    """The cycles that a device's events tell of, the oldest first; the events are as the API shows them."""
    found: list[Cycle] = []
    steps: list[str] = []
    for event in events:
        arguments = event["arguments"]
        match event["name"].rpartition(".")[2]:
            case "CycleStarted":
                steps = []
            case "CycleStepFailed":
                steps.append(f"{_words(str(arguments['step']))}: {arguments['reason']}")
            case "CycleStepTimeout":
                steps.append(f"{_words(str(arguments['step']))}: not done within {arguments['limit_s']} s")
            case "CycleFinished":
                numbers = int(arguments["cycle"]), int(event["time_us"]), int(arguments["duration_ms"])
                found.append(Cycle(*numbers, float(arguments["energy"]), int(arguments["failed"]), tuple(steps)))
                steps = []
    return found


def cycles_html(cycles: list[Cycle]) -> str:
    """A table of the newest cycles."""
    if not cycles:
        return '<p class="kw-nothing">No cycle has ended yet.</p>'
    rows = "".join(
        f"<tr><td>{one.number}</td><td>{_clock_html(one.end_us)}</td><td>{one.duration_ms / 1000:,.1f} s</td>"
        f"<td>{one.energy_mwh:,.3f} mWh</td>"
        f'<td class="kw-{"bad" if one.failed else "good"}">{escape(_failed_text(one))}</td></tr>'
        for one in reversed(cycles[-MAX_CYCLES:])
    )
    heads = "".join(f"<th>{word}</th>" for word in ("Cycle", "Ended", "Took", "Energy", "Failed steps"))
    table = f'<table class="kw-cycles"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="kw-scroll">{table}</div>'


def _failed_text(cycle: Cycle) -> str:
    return "; ".join(cycle.steps) or (str(cycle.failed) if cycle.failed else "none")


def _clock_html(time_us: int) -> str:
    day, _, clock = _clock(time_us).rpartition(" ")
    return f'<span class="kw-day">{day} </span>{clock}'


def _clock(time_us: int) -> str:
    return time.strftime("%d %b %H:%M:%S", time.gmtime(time_us / 1e6))


def awake_spans(buckets: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The stretches in seconds since 1970 in which a device was awake, from buckets of its AwakeSeconds.

    Each value says since when it is awake, so that a contact at the end of a long wake shows the whole of it.
    """
    spans: list[tuple[float, float]] = []
    width = buckets["width_us"] / 1e6
    for start_us, most in zip(buckets["start_us"], buckets["max"], strict=True):
        if not isinstance(most, (int, float)):
            continue
        end = start_us / 1e6 + width
        begin = min(end - most, end - min(width, 1.0))
        while spans and begin <= spans[-1][1] + width:
            begin = min(begin, spans.pop()[0])
        spans.append((begin, end))
    return spans


def timeline_html(spans: list[tuple[float, float]], start_s: float, end_s: float) -> str:
    """When it was awake, as a strip, with the share of the time."""
    length = end_s - start_s
    bars, awake = [], 0.0
    for begin, end in spans:
        left, right = max(begin, start_s), min(end, end_s)
        if right <= left:
            continue
        awake += right - left
        title = f"awake from {_clock(round(left * 1e6))} to {_clock(round(right * 1e6))} UTC"
        bars.append(
            f'<span title="{title}" style="left:{(left - start_s) / length * 100:.3f}%;'
            f'width:max(2px,{(right - left) / length * 100:.3f}%)"></span>'
        )
    shape = "%H:%M" if length <= 86_400 else "%d %b %H:%M"
    ticks = "".join(
        f"<i>{time.strftime(shape, time.gmtime(start_s + length * share))}</i>" for share in (0, 0.25, 0.5, 0.75)
    )
    count = len(bars)
    times = f"{count} time{'s' if count != 1 else ''}"
    return (
        f'<div class="kw-awake" role="img" aria-label="Awake {times}">{"".join(bars)}</div>'
        f'<div class="kw-awake-ticks">{ticks}<i>now</i></div>'
        f'<p class="kw-muted kw-awake-note">Awake {times}, {span_text(awake)} in all, {awake / length * 100:.1f} % of '
        "the time. The rest of the strip: asleep, or not heard.</p>"
    )
