"""The passes of one deployment: its contacts and what became of them, what is planned, and the data budget."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes.budget import Demand, Window, share_out
from kittiwake_ground.passes.clocks import MachineClocks
from kittiwake_ground.passes.contact import ContactRefused
from kittiwake_ground.passes.outcome import MeasuredRates, Outcome, PassWatch, measured_rates
from kittiwake_ground.passes.planner import Planner
from kittiwake_ground.passes.schedule import Schedule
from kittiwake_ground.passes.waiting import waiting_down, waiting_up
from kittiwake_ground.server.instances import channels_called
from kittiwake_ground.server.samples import moment_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kittiwake_ground.passes.budget import Budget
    from kittiwake_ground.passes.clocks import Clocks
    from kittiwake_ground.passes.contact import Pass
    from kittiwake_ground.passes.leaving import Ways
    from kittiwake_ground.passes.store import PassStore
    from kittiwake_ground.passes.waiting import Waiting
    from kittiwake_ground.server.commands import Commands
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.links import LinkReport
    from kittiwake_ground.server.transfer import Transfer

_log = logging.getLogger(__name__)

PREDICT_US = 2_000_000
"""How often it is looked what the device says of its next wake."""

RATED = 200
"""Rates are suggested by so many passes at most, of all links."""


@dataclass(frozen=True)
class RatedPass:
    """A pass with the rates that are reckoned with, bits a second, and whether they were measured and not given."""

    found: Pass
    down_bps: float
    up_bps: float
    down_measured: bool
    up_measured: bool


@dataclass(frozen=True)
class Direction:
    """The budget one way: what waits with its size known, what becomes of it in which window, and what has no size."""

    waiting: Sequence[Waiting]
    windows: Sequence[Window]
    budget: Budget
    unsized: Sequence[Waiting]


@dataclass(frozen=True)
class DataBudget:
    """The budget of the passes to come, from `now_us` on. `telemetry_bps` is what flows down all the time."""

    now_us: int
    passes: Sequence[RatedPass]
    telemetry_bps: float
    up: Direction
    down: Direction


class Passes:
    """The passes of one deployment. Everything here happens in the event loop's thread; `open` it first."""

    def __init__(
        self,
        deployment: str,
        store: PassStore,
        hub: Hub,
        commands: Commands,
        transfers: Callable[[], Iterable[Transfer]],
        ways: Ways,
        report: Callable[[], LinkReport],
        clocks: Clocks | None = None,
    ) -> None:
        self.clocks = clocks or MachineClocks()
        self.schedule = Schedule(deployment, store, self.clocks.wall_us)
        self.planner = Planner(deployment, store, self.schedule, ways, self.clocks)
        self.ways = ways
        self.deployment = deployment
        self._store = store
        self._hub = hub
        self._commands = commands
        self._transfers = transfers
        self._report = report
        self._watch = PassWatch(
            lambda start_us: store.outcome(deployment, start_us),
            lambda outcome: store.keep_outcome(deployment, outcome),
        )
        self._was_up = False
        self._predicted_us = 0
        self.fault = ""
        """Why something cannot be kept, if so."""

    def open(self) -> None:
        """Reads what is planned. Raises `StoreFault`."""
        self.planner.open()

    def tick(self) -> None:
        """Looks what time it is, and does what is due. What cannot be kept is in `fault`, and tried again."""
        self.planner.tick()
        try:
            self._look()
        except (StoreFault, ContactRefused) as fault:
            if str(fault) != self.fault:
                _log.error("deployment %s: %s", self.deployment, fault)
            self.fault = str(fault)
        else:
            self.fault = ""

    def _look(self) -> None:
        """Looks at the link and at what the device says of its next wake."""
        report, boot_us = self._report(), self.clocks.boot_us()
        is_up = report.state == "up"
        if is_up and not self._was_up:
            self.schedule.link_came()
        self._was_up = is_up
        if boot_us - self._predicted_us >= PREDICT_US:
            self._predicted_us = boot_us
            self._predict()
        now_us = self.clocks.wall_us()
        self._watch.look(self.schedule.under_way(now_us), now_us, boot_us, report, self._commands.sent_count)

    def _predict(self) -> None:
        """Takes what the device says of its next wake, by the first channel that does."""
        for name in channels_called(self._hub.dictionary, "NextWakeTime"):
            sample = self._hub.latest.get(name)
            if sample is not None:
                cycle_ms = self._hub.value_of(f"{name.rpartition('.')[0]}.LastCycleMs")
                self.schedule.predict(
                    round(moment_s(sample) * 1e6), cycle_ms / 1000 if isinstance(cycle_ms, int) else 0.0
                )
                return

    def close(self) -> None:
        """Keeps what is known. Raises `StoreFault`."""
        self.planner.close()
        self._watch.close()

    # What people look at

    @property
    def current(self) -> Outcome | None:
        """What has become of the pass that is under way, so far."""
        return self._watch.current

    def outcomes(self, limit: int = 100, before_us: int = 1 << 62) -> list[Outcome]:
        """What became of the last passes, the newest first, the one that is under way with what is known."""
        found = self._store.outcomes(self.deployment, limit, before_us)
        current = self._watch.current
        if current is not None and current.start_us < before_us:
            found = [current, *(one for one in found if one.start_us != current.start_us)][:limit]
        return found

    def coming(self, count: int, from_us: int | None = None) -> list[RatedPass]:
        """The pass that is under way, and the next ones, with the rates that are reckoned with."""
        now_us = self.clocks.wall_us() if from_us is None else from_us
        outcomes = self._store.outcomes(self.deployment, RATED)
        measured: dict[str, MeasuredRates] = {}
        rated = []
        for one in self.schedule.passes(now_us, at_most=count):
            contact = one.contact
            rates = measured.setdefault(contact.link, measured_rates(outcomes, contact.link))
            rated.append(
                RatedPass(
                    one,
                    contact.down_bps or rates.down_bps, contact.up_bps or rates.up_bps,
                    not contact.down_bps, not contact.up_bps,
                )
            )  # fmt: skip
        return rated

    def telemetry_bps(self, link: str) -> float:
        """What flows down all the time: by the last minutes with contact, or by earlier passes of the link."""
        return (
            self._watch.rates.telemetry_bps
            or measured_rates(self._store.outcomes(self.deployment, RATED), link).telemetry_bps
        )

    def budget(self, count: int) -> DataBudget:
        """What of all that waits fits into the next passes, and in which."""
        now_us = self.clocks.wall_us()
        coming = self.coming(count)
        telemetry_bps = self.telemetry_bps(coming[0].found.contact.link) if coming else 0.0
        plans = [(one, self.planner.due(one)) for one in self.planner.plans.values() if not one.is_final]
        transfers = list(self._transfers())
        up = waiting_up(self._commands.records.values(), plans, transfers)
        down = waiting_down(self._hub, transfers)
        return DataBudget(
            now_us,
            coming,
            telemetry_bps,
            _direction(up, [_window(one, one.up_bps, now_us) for one in coming]),
            _direction(down, [_window(one, one.down_bps, now_us, telemetry_bps) for one in coming]),
        )


def _window(one: RatedPass, bps: float, now_us: int, flowing_bps: float = 0.0) -> Window:
    """A pass in one direction. What flows was measured on the link, with its headers, as its rate is."""
    found, share = one.found, one.found.contact.efficiency
    return Window(max(found.start_us, now_us), found.end_us, bps, share, flowing_bps * share)


def _direction(waiting: Sequence[Waiting], windows: Sequence[Window]) -> Direction:
    sized = [one for one in waiting if one.bytes is not None]
    demands = [Demand(one.bytes or 0, one.whole, one.from_us, one.until_us) for one in sized]
    return Direction(sized, windows, share_out(windows, demands), [one for one in waiting if one.bytes is None])
