"""What became of passes: what went up and came down, when the first and the last frame came, and how fast it was."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake_ground.passes.contact import Pass
    from kittiwake_ground.server.links import LinkReport

BIN_US = 10_000_000
"""Rates are those of stretches of so long."""

SAVE_US = 10_000_000
"""How often what is known of a pass that is under way is kept."""

MAX_BINS = 360
RATED_PASSES = 5
"""Rates that are suggested are the median of so many passes of a link, the last ones."""


@dataclass
class Outcome:
    """What became of one pass. Times are microseconds since 1970, 0 for what never was; rates bits a second.

    Peaks are the fastest ten seconds; `telemetry_bps` is the median of them, which files on their way do not move as
    long as they are fewer. `watched_s` is how long the server was there, `linked_s` for how much of that the link was.
    """

    start_us: int
    end_us: int
    name: str
    link: str
    origin: str
    bytes_up: int = 0
    bytes_down: int = 0
    frames: int = 0
    commands: int = 0
    first_frame_us: int = 0
    last_frame_us: int = 0
    peak_up_bps: float = 0.0
    peak_down_bps: float = 0.0
    telemetry_bps: float = 0.0
    watched_s: float = 0.0
    linked_s: float = 0.0
    is_over: bool = False


class RateWatch:
    """The rates of the link by its counters, in bins of ten seconds, as long as something sound comes."""

    def __init__(self) -> None:
        self._bins: deque[float] = deque(maxlen=MAX_BINS)
        self._begun_us = 0
        self._up = self._down = 0

    def take(self, boot_us: int, up: int, down: int) -> tuple[float, float] | None:
        """Takes bytes that went since the last call; gives the rates up and down where a bin is full."""
        self._up += up
        self._down += down
        if not self._begun_us:
            self._begun_us = boot_us
        span_us = boot_us - self._begun_us
        if span_us < BIN_US:
            return None
        rates = self._up * 8e6 / span_us, self._down * 8e6 / span_us
        if self._down:
            self._bins.append(rates[1])
        self._up = self._down = 0
        self._begun_us = boot_us
        return rates

    @property
    def telemetry_bps(self) -> float:
        """What comes down as a rule, 0 where nothing is known."""
        return median(self._bins) if self._bins else 0.0

    def restart(self) -> None:
        """Forgets: another pass begins."""
        self._bins.clear()
        self._begun_us = self._up = self._down = 0


class PassWatch:
    """Watches one link, and accounts what goes over it to the pass that is under way.

    `kept` is told of what is to be kept. The counters of a link begin anew with the server; what an earlier server has
    kept of the same pass is gone on with.
    """

    def __init__(self, find: Callable[[int], Outcome | None], kept: Callable[[Outcome], None]) -> None:
        self.current: Outcome | None = None
        self.rates = RateWatch()
        self._find = find
        self._kept = kept
        self._seen: LinkReport | None = None
        self._commands = 0
        self._looked_us = 0
        self._saved_us = 0

    def look(self, found: Pass | None, wall_us: int, boot_us: int, report: LinkReport, commands: int) -> None:
        """Looks at the link now: `found` is the pass under way, `commands` how many were sent since the start."""
        current = self.current
        if current is not None and (found is None or found.start_us != current.start_us):
            self._end(wall_us)
            current = None
        before = self._seen or report
        up, down = report.sent_bytes - before.sent_bytes, report.received_bytes - before.received_bytes
        sent, frames = commands - self._commands, report.frames - before.frames
        span_s = (boot_us - self._looked_us) / 1e6 if self._looked_us else 0.0
        self._seen, self._commands, self._looked_us = report, commands, boot_us
        if found is not None and current is None:
            current = self._begin(found)
            span_s = 0.0
            up = down = sent = frames = 0
        rates = self.rates.take(boot_us, up, down)
        if current is None or found is None:
            return
        current.end_us = found.end_us
        current.bytes_up += up
        current.bytes_down += down
        current.frames += frames
        current.commands += sent
        current.watched_s += span_s
        current.linked_s += span_s if report.state == "up" else 0.0
        if report.last_packet_us >= current.start_us:
            current.first_frame_us = current.first_frame_us or report.last_packet_us
            current.last_frame_us = report.last_packet_us
        if rates is not None:
            current.peak_up_bps = max(current.peak_up_bps, rates[0])
            current.peak_down_bps = max(current.peak_down_bps, rates[1])
            current.telemetry_bps = self.rates.telemetry_bps
        if boot_us - self._saved_us >= SAVE_US:
            self._saved_us = boot_us
            self._kept(current)

    def _begin(self, found: Pass) -> Outcome:
        known = self._find(found.start_us)
        contact = found.contact
        self.current = known or Outcome(found.start_us, found.end_us, contact.name, contact.link, contact.origin)
        self.current.is_over = False
        self.rates.restart()
        self._saved_us = 0
        return self.current

    def _end(self, wall_us: int) -> None:
        assert self.current is not None
        self.current.is_over = True
        self.current.end_us = min(self.current.end_us, max(wall_us, self.current.start_us))
        self._kept(self.current)
        self.current = None

    def close(self) -> None:
        """Keeps what is known of the pass that is under way; the next server goes on with it."""
        if self.current is not None:
            self._kept(self.current)


@dataclass(frozen=True)
class MeasuredRates:
    """What earlier passes have shown, bits a second, 0 for nothing."""

    down_bps: float = 0.0
    up_bps: float = 0.0
    telemetry_bps: float = 0.0


def measured_rates(outcomes: Iterable[Outcome], link: str) -> MeasuredRates:
    """The rates of a link by its earlier passes, the newest of which come first: the median of the last ones.

    A peak is what the link has carried, so that it may be able to do more; passes without contact count for nothing.
    """
    found = [one for one in outcomes if one.link == link and one.last_frame_us][:RATED_PASSES]

    def middle(values: list[float]) -> float:
        told = [one for one in values if one > 0]
        return median(told) if told else 0.0

    return MeasuredRates(
        middle([one.peak_down_bps for one in found]),
        middle([one.peak_up_bps for one in found]),
        middle([one.telemetry_bps for one in found]),
    )
