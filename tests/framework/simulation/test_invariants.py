"""Each invariant breaks where what it is about does not hold: components are made to go wrong, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.metering import Edge
from kittiwake.runtime.queue import MessageQueue
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Contact, Order, Scenario
from kittiwake_components.command_dispatcher.component import CommandDispatcher
from kittiwake_components.startup_manager.component import StartupManager
from kittiwake_components.watchdog.component import Watchdog
from tests.framework.simulation.flights import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

NO_OP = Order(2 * NS_PER_S, "CdhCore.cmdDisp.CMD_NO_OP")
RESET = Order(5 * NS_PER_S, "ReferenceDeployment.resetManager.WARM_RESET")


def broken_of(topology: str = "reference", seconds: float = 30, orders: tuple[Order, ...] = (NO_OP, RESET)) -> str:
    """The invariant that a quiet mission breaks, or an empty text."""
    scenario = Scenario(
        length_ns=round(seconds * NS_PER_S), draws="nothing", orders=orders, contacts=(Contact(0, seconds),)
    )
    outcome = Mission(image_of(topology), scenario).fly()
    return outcome.broken.invariant if outcome.broken is not None else ""


def test_a_quiet_mission_breaks_nothing() -> None:
    assert broken_of() == ""


def _twice(answer: Callable[..., None]) -> Callable[..., None]:
    def answered(*arguments: Any) -> None:
        answer(*arguments)
        answer(*arguments)

    return answered


def test_a_second_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CommandDispatcher, "_answer", _twice(CommandDispatcher._answer))
    assert broken_of() == "one_response"


def test_a_boot_count_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    start = StartupManager.run

    def forgetful(self: StartupManager, context: int) -> None:
        start(self, context)
        self.boot_count = 1

    monkeypatch.setattr(StartupManager, "run", forgetful)
    assert broken_of() == "boot_count_monotone"


def test_a_boot_count_that_a_full_disk_did_not_take_is_excused_though_there_is_room_when_it_is_looked_at() -> None:
    scenario = Scenario(seed=10739, length_ns=180 * NS_PER_S)
    assert Mission(image_of("reference"), scenario).fly().broken is None


@pytest.mark.parametrize("seed", [20227, 30363])
def test_no_start_counts_less_than_one_that_was_saved_whatever_the_disk_does(seed: int) -> None:
    """20227: for minutes nothing can be read. 30363: no folder can be synced, so that two starts in a row are lost."""
    scenario = Scenario(seed=seed, length_ns=180 * NS_PER_S)
    assert Mission(image_of("reference"), scenario).fly().broken is None


def test_a_count_that_begins_anew_is_found_though_the_disk_is_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the device did once: where it could read nothing it counted from 1."""
    count_boot = StartupManager._count_boot

    def from_one(self: StartupManager, last_try: bool) -> None:
        try:
            count_boot(self, last_try)
        except OSError:
            self._boots = 1

    monkeypatch.setattr(StartupManager, "_count_boot", from_one)
    broken = Mission(image_of("reference"), Scenario(seed=20227, length_ns=180 * NS_PER_S)).fly().broken
    assert broken is not None
    assert broken.invariant == "boot_count_monotone"


def test_a_file_that_came_whole_and_was_not_acknowledged_may_stand_in_the_place_of_one_that_was() -> None:
    """Its folder could not be synced, which was reported, and others of its name were sent since."""
    scenario = Scenario(seed=10312, length_ns=180 * NS_PER_S)
    assert Mission(image_of("building"), scenario).fly().broken is None


def test_a_handler_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(self: Watchdog, context: int) -> None:
        raise ValueError("not today")

    monkeypatch.setattr(Watchdog, "run", raising)
    assert broken_of() == "no_unhandled_fault"


def test_an_awake_time_over_its_limit() -> None:
    mission = Mission(image_of("station"), Scenario(draws="nothing", length_ns=30 * NS_PER_S))
    mission.world.power.hard_limit_s = 2.0
    broken = mission.fly().broken
    assert broken is not None
    assert broken.invariant == "battery_never_held"


def test_a_wake_that_is_asked_for_in_the_past() -> None:
    mission = Mission(image_of("station"), Scenario(draws="nothing"))
    [invariant] = [one for one in mission._invariants if one.name == "no_wake_in_the_past"]
    edge = Edge("supervisor", "powerdown_out", "powerManager", "powerdown_in")
    invariant.saw_call(edge, (mission.machine.platform.clock.wall_ns() // 1000 + 1, 0))
    assert mission.broken is None
    invariant.saw_call(edge, (1, 0))
    assert mission.broken is not None
    assert mission.broken.invariant == "no_wake_in_the_past"


def test_drops_that_nobody_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        MessageQueue, "_make_room", lambda self, port, *_: self.monitor.queue_full(self.name, port, "drop")
    )
    mission = Mission(image_of("reference"), Scenario(draws="nothing", length_ns=5 * NS_PER_S))
    mission._start()
    deployment = mission.machine.deployment
    assert deployment is not None
    uplink = deployment.instances["FileHandling.fileUplink"]
    router = deployment.instances["ComCcsds.router"]
    for _ in range(200):
        router.file_out(b"\0\3", 0, True)  # type: ignore[attr-defined]
    assert uplink._context.queue is not None
    for invariant in mission._invariants:
        invariant.turn()
    assert mission.broken is not None
    assert mission.broken.invariant == "drops_counted"
