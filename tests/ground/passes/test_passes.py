"""Passes as a whole: rates that earlier ones have shown, the budget, wakes that a device predicts, and a full disk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes.contact import Contact
from kittiwake_ground.passes.outcome import Outcome
from kittiwake_ground.passes.passes import Passes
from kittiwake_ground.passes.shown import budget_object
from kittiwake_ground.server.hub import Hub
from kittiwake_ground.server.samples import Sample
from tests.ground.passes.rig import T0, Rig, S, within
from tests.ground.passes.test_outcome import DOWN
from tests.ground.server.foreign import DICTIONARY, U32

if TYPE_CHECKING:
    from collections.abc import Callable

WAKE, CYCLE, STORED = "Sat.sup.NextWakeTime", "Sat.sup.LastCycleMs", "Sat.store.StoredBytes"


class Whole:
    """The passes of a rig, with a deployment that tells of its next wake."""

    def __init__(self, rig: Rig) -> None:
        names = (WAKE, CYCLE, STORED)
        channels = [
            {"name": name, "type": U32, "id": number, "telemetryUpdate": "always"}
            for number, name in enumerate(names, 1)
        ]
        plain: dict[str, Any] = {**DICTIONARY, "telemetryChannels": channels}
        self.hub = Hub("ref", read_dictionary(plain, "whole"), 10)
        self.report = DOWN
        self.clocks, self.store = rig.clocks, rig.store
        self.passes = Passes(
            "ref", rig.store, self.hub, rig.commands, rig.transfers.records.values, rig.ways, lambda: self.report,
            rig.clocks,
        )  # fmt: skip
        self.passes.open()

    def tell(self, name: str, value: Any) -> None:
        """Has a channel have a value."""
        self.hub.latest[name] = Sample(self.hub.dictionary.channel(name), 0, value, T0)

    def tick(self, seconds: float = 0.0) -> None:
        """Lets time pass."""
        self.clocks.advance(seconds)
        self.passes.tick()


def whole(test: Callable[[Whole], None]) -> None:
    """Runs a test."""

    async def run(rig: Rig) -> None:
        test(Whole(rig))
        await asyncio.sleep(0)

    within(run)


def test_the_budget_reckons_with_the_rates_that_earlier_passes_have_shown() -> None:
    def test(one: Whole) -> None:
        for number, peak in enumerate((4000, 8000, 16000)):
            shown = Outcome(T0 - (9 - number) * 1000 * S, T0, "n", "lora", "hand", last_frame_us=T0)
            shown.peak_down_bps, shown.telemetry_bps = peak, 800
            one.store.keep_outcome("ref", shown)
        one.passes.schedule.add(Contact(T0 + 100 * S, 100, "given", "lora", 1600, 80, efficiency=0.5))
        one.passes.schedule.add(Contact(T0 + 900 * S, 100, "measured", "lora", efficiency=0.5))
        one.tell(STORED, 30_000)
        found = budget_object(one.passes.budget(5))
        given, measured = found["passes"]
        assert (given["down_bps"], given["down_measured"]) == (1600, False)
        assert (measured["down_bps"], measured["down_measured"], measured["up_bps"]) == (8000, True, 0)
        # Half of the bits are data, of telemetry's as well.
        assert (given["down"]["capacity_bytes"], given["down"]["background_bytes"]) == (10_000, 5_000)
        assert (measured["down"]["capacity_bytes"], measured["down"]["background_bytes"]) == (50_000, 5_000)
        (stored,) = found["down"]
        assert [share["bytes"] for share in stored["shares"]] == [5_000, 25_000]
        assert (stored["verdict"], stored["done_start_us"]) == ("later", T0 + 900 * S)

    whole(test)


@pytest.mark.parametrize(
    "link, due, verdict", [("none", 0, "no pass"), ("lora", 150, "unknown"), ("dish", 150, "fits")]
)
def test_what_finds_no_place_is_told_why(link: str, due: int, verdict: str) -> None:
    async def run(rig: Rig) -> None:
        one = Whole(rig)
        if link != "none":
            one.passes.schedule.add(Contact(T0 + 100 * S, 100, "p", link, up_bps=9600 if link == "dish" else 0))
        rig.planner = one.passes.planner
        rig.plan(at_us=T0 + due * S)
        (planned,) = budget_object(one.passes.budget(3))["up"]
        assert planned["verdict"] == verdict

    within(run)


def test_the_next_wake_that_the_device_tells_is_a_pass() -> None:
    def test(one: Whole) -> None:
        one.tell(WAKE, {"seconds": T0 // S + 3600, "useconds": 0})
        one.tell(CYCLE, 400_000)
        one.tick(3)
        (wake,) = one.passes.coming(5)
        assert (wake.found.start_us, wake.found.duration_s) == (T0 + 3600 * S, 400)
        one.tell(WAKE, {"seconds": 0, "useconds": 0})
        one.tick(3)
        assert one.passes.coming(5) == []
        one.tell(WAKE, {"seconds": T0 // S + 3600, "useconds": 0})
        one.tick(3500)
        one.report = DOWN._replace(state="up")
        one.tick()
        current = one.passes.current
        assert current is not None
        assert (current.origin, current.start_us) == ("predicted", one.clocks.wall)

    whole(test)


def test_a_disk_that_is_full_is_told_and_got_over() -> None:
    def test(one: Whole) -> None:
        one.passes.schedule.add(Contact(T0 + 10 * S, 60, "p"))
        keep = one.store.keep_outcome

        def full(*arguments: Any) -> None:
            raise StoreFault("no space left")

        one.store.keep_outcome = full  # type: ignore[method-assign,assignment]
        one.tick(10)
        one.tick(20)
        one.tick(60)
        assert one.passes.fault == "no space left"
        one.store.keep_outcome = keep  # type: ignore[method-assign]
        one.tick(1)
        assert one.passes.fault == ""
        (kept,) = one.passes.outcomes()
        assert kept.is_over

    whole(test)
