"""A supervisor that hangs, raises, loops or says nothing at each of its steps never holds the battery on for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.wire.power_link import WakeReason
from kittiwake_components.supervisor.states import CycleState
from tests.system.station_flight import StationFlight, Stuck
from tests.system.station_jobs import judge, with_jobs
from tests.system.station_wake import built

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.virtual_time

ACTIONS = {
    CycleState.BOOT: "_resume",
    CycleState.ENROLL: "do_enroll",
    CycleState.POWER: "do_power",
    CycleState.COMMANDS: "do_commands",
    CycleState.JOBS: "do_jobs",
    CycleState.REPORT: "do_report",
    CycleState.PLAN_WAKE: "do_plan_wake",
    CycleState.POWERDOWN: "do_powerdown",
    CycleState.FAULT: "do_fault",
}
"""What the supervisor does when it enters a step; BOOT is left by the first call of its rate group."""

HARD_LIMIT_S = 300
STARTS = 3
SPIN_NS = 100_000_000
HOT_PERIOD_NS = 1


def hang(flight: StationFlight) -> None:
    """The handler never returns; nothing else runs on its loop."""
    raise Stuck


def fail(flight: StationFlight) -> None:
    """The handler raises."""
    raise OSError("the bus is stuck")


def loop(flight: StationFlight) -> None:
    """The step is begun again and again, as fast as the loop lets it; everything else has its turn, too."""
    supervisor = flight.instance("supervisor")
    if not getattr(supervisor, "is_spinning", False):  # a step that is entered anew spins no faster
        supervisor.is_spinning = True
        spin(flight)


def spin(flight: StationFlight) -> None:
    """One turn of such a loop."""
    deployment = flight.deployment
    assert deployment is not None
    flight.platform.clock.advance(SPIN_NS)
    deployment.main.call_at(flight.platform.clock.now_ns() + HOT_PERIOD_NS, spin, flight)


def keep_silent(flight: StationFlight) -> None:
    """Nothing is done, and nobody is asked."""


KINDS = [hang, fail, loop, keep_silent]


def broken(step: CycleState, how: Callable[[StationFlight], None]) -> Callable[[StationFlight], None]:
    """What makes the supervisor of a device that has just started go wrong at a step."""

    def breaks(flight: StationFlight) -> None:
        supervisor: Any = flight.instance("supervisor")
        if step is CycleState.FAULT:  # which is reached where no powerdown is to be had
            supervisor.do_powerdown = lambda: None
        setattr(supervisor, ACTIONS[step], lambda: how(flight))

    return breaks


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", KINDS, ids=lambda how: how.__name__)
@pytest.mark.parametrize("step", ACTIONS, ids=lambda step: step.name)
def test_a_supervisor_that_goes_wrong_never_holds_the_power_and_makes_up_for_it(
    step: CycleState, how: Callable[[StationFlight], None]
) -> None:
    """Upstream: a supervisor that hung kept the device powered until its battery was empty."""
    flight = with_jobs(built(), 0)
    assert flight.hard_limit_s == HARD_LIMIT_S
    for _ in range(STARTS):
        flight.awake(first=broken(step, how))
    unasked = [reason for reason in flight.cuts() if reason is not WakeReason.TIMER]
    assert set(unasked) <= {WakeReason.WATCHDOG, WakeReason.HARD_LIMIT}
    assert flight.longest_awake_s() <= HARD_LIMIT_S
    flight.fly(0.1)
    assert flight.cuts()[-1] is WakeReason.TIMER, "it works again as soon as the fault is gone"
    judge(flight)
