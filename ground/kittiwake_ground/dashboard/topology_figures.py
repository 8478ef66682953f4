"""What a deployment reported of its wiring: calls of each connection, queues and slips, and whether that is of now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.dashboard.readings import channels_called
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.samples import Sample

METER = "WiringMeter"
"""The component that counts."""
SLIPS = ("RgCycleSlips", "CycleSlips")
"""Channels in which rate groups count their slips; the first is F´'s."""
PAGES = 4
MAX_COUNT = 0xFFFF
"""A count that is as great may be greater."""
PATIENCE = 3
"""A report that is older than so many of its periods is no longer of now."""
LEAST_PATIENCE_S = 5.0
SLIP_FRESH_S = 60.0

NO_METER, OTHER_BUILD, NEVER, ENDED, LIVE, STALE = "no meter", "other build", "never", "ended", "live", "stale"


class QueueFigures(NamedTuple):
    """The most that waited in the time of the report, and ever; what found no room since boot."""

    peak: int
    high: int
    drops: int


class SlipFigures(NamedTuple):
    """The cycles of a rate group that slipped since boot, and whether one did within `SLIP_FRESH_S`."""

    total: int
    is_fresh: bool


class WiringFigures(NamedTuple):
    """What is known now. `rates` are calls a second by connection, in the order of the topology.

    With the state LIVE they are of now; with STALE they were reported `age_s` ago; else there are none. `full` are the
    connections whose rate may be greater.
    """

    state: str
    text: str
    age_s: float = 0.0
    rates: tuple[float, ...] = ()
    full: frozenset[int] = frozenset()
    queues: dict[str, QueueFigures] = {}  # noqa: RUF012 - never changed
    slips: dict[str, SlipFigures] = {}  # noqa: RUF012


def meter_of(hub: Hub) -> str:
    """The instance that counts, or nothing."""
    topology = hub.dictionary.topology
    return next((one.name for one in topology.instances if one.component == METER), "") if topology else ""


def wiring_figures(hub: Hub) -> WiringFigures:
    """What was reported last."""
    slips = slips_of(hub)
    meter = meter_of(hub)
    if not meter:
        return WiringFigures(NO_METER, "Nothing in this deployment counts what goes over its connections.", slips=slips)
    if hub.dictionary_matches is False:
        return WiringFigures(
            OTHER_BUILD, "The deployment was built with another dictionary: its counts would be of other connections."
        )
    sample = hub.latest.get(f"{meter}.Report")
    if sample is None:
        return WiringFigures(NEVER, "Not metered: what goes over the connections is counted on demand.", slips=slips)
    return _reported(hub, meter, sample)._replace(slips=slips)


def _reported(hub: Hub, meter: str, sample: Sample) -> WiringFigures:
    topology = hub.dictionary.topology
    assert topology is not None
    age_s = max(hub.now_us() - sample.received_us, 0) / 1e6
    ago = f"{age_text(sample.received_us, hub.now_us())} ago"
    span_s = _member(sample.value, "span_ms") / 1000
    remaining_s = _member(sample.value, "remaining_s")
    count = _member(sample.value, "connections")
    if not span_s:
        return WiringFigures(ENDED, f"Not metered: it ended {ago}.", age_s)
    patience_s = max(PATIENCE * span_s, LEAST_PATIENCE_S)
    if age_s > remaining_s + patience_s:
        return WiringFigures(ENDED, f"Not metered any more: the last report came {ago}.", age_s)
    if count > len(topology.connections):
        return WiringFigures(OTHER_BUILD, "The reports are of more connections than the dictionary has.", age_s)
    counts = [one for page in range(PAGES) for one in _array(hub, f"{meter}.Calls{page}")][:count]
    figures = WiringFigures(
        LIVE,
        f"Metered: calls of {span_s:.1f} s, {ago}; {max(remaining_s - round(age_s), 0)} s left.",
        age_s,
        tuple([one / span_s for one in counts]),
        frozenset(at for at, one in enumerate(counts) if one >= MAX_COUNT),
        _queues(hub, meter),
    )
    if age_s > patience_s:
        return figures._replace(state=STALE, text=f"These figures are old: the last report came {ago}.")
    return figures


def _queues(hub: Hub, meter: str) -> dict[str, QueueFigures]:
    assert hub.dictionary.topology is not None
    names = [one.name for one in hub.dictionary.topology.queues()]
    columns = [_array(hub, f"{meter}.Queue{what}") or [0] * len(names) for what in ("Peaks", "Highs", "Drops")]
    return {name: QueueFigures(*row) for name, row in zip(names, zip(*columns, strict=False), strict=False)}


def slips_of(hub: Hub) -> dict[str, SlipFigures]:
    """The slips of each rate group that has reported any."""
    found = {}
    for name in channels_called(hub, *SLIPS):
        sample = hub.latest.get(name)
        if sample is not None and isinstance(sample.value, int):
            since_us = _changed_us(hub.history(name))
            is_fresh = sample.value > 0 and hub.now_us() - since_us < SLIP_FRESH_S * 1e6
            found[name.rpartition(".")[0]] = SlipFigures(sample.value, is_fresh)
    return found


def _changed_us(history: list[Sample]) -> int:
    """When the last value came for the first time."""
    at_us = history[-1].received_us
    for sample in reversed(history):
        if sample.value != history[-1].value:
            break
        at_us = sample.received_us
    return at_us


def _member(value: Any, name: str) -> int:
    """A member of a struct: live ones are named tuples, archived ones tables."""
    return int(value[name] if isinstance(value, dict) else getattr(value, name))


def _array(hub: Hub, name: str) -> list[int]:
    """The latest value of a channel that is an array; nothing where none came."""
    value = hub.value_of(name)
    return [int(one) for one in value] if value is not None else []
