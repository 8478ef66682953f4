"""Bugs that are put in on purpose are found, each within 200 seeds, by the invariant that is there for them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandError
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated_files import SimulatedFile
from kittiwake.runtime.command_port import CommandPort
from kittiwake.simulation.collection import collected_rarely
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Scenario
from kittiwake_components.cmd_sequencer.run import Run
from tests.framework.simulation.flights import image_of

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = 200
LENGTH_NS = 100 * NS_PER_S
"""A short mission has as many faults as a longer one, closer together."""


def mission_of(seed: int) -> Mission:
    return Mission(image_of("reference"), Scenario(seed=seed, length_ns=LENGTH_NS))


def found_by(kind: str) -> tuple[str, int]:
    """The invariant that breaks in the first seed's mission that finds something, and that seed.

    Missions without a fault of a kind need not be flown. Raises `AssertionError` if none of them finds anything.
    """
    with collected_rarely():
        for seed in range(1, SEEDS + 1):
            gc.collect()
            mission = mission_of(seed)
            if not any(kind in str(fault) for fault in mission.faults):
                continue
            broken = mission.fly().broken
            if broken is not None:
                return broken.invariant, seed
    raise AssertionError(f"nothing was found with {SEEDS} seeds")


def invariant_broken_by(bug: Callable[[pytest.MonkeyPatch], None], kind: str) -> str:
    """The invariant by which a bug is found; without it, the same mission breaks nothing."""
    with pytest.MonkeyPatch.context() as patch:
        bug(patch)
        invariant, seed = found_by(kind)
    assert mission_of(seed).fly().broken is None, "it was something else that was found"
    return invariant


def missing_fsync(patch: pytest.MonkeyPatch) -> None:
    """Uploaded files are acknowledged before their bytes are durable."""
    sync = SimulatedFile.sync

    def forgotten(self: SimulatedFile) -> None:
        if not self._path.endswith(".part"):
            sync(self)

    patch.setattr(SimulatedFile, "sync", forgotten)


def lost_response(patch: pytest.MonkeyPatch) -> None:
    """A command that its handler refuses is never answered."""
    failed = CommandPort._failed

    def lost(self: CommandPort, opcode: int, sequence: int, label: str, fault: BaseException) -> None:
        if not isinstance(fault, CommandError):
            failed(self, opcode, sequence, label, fault)

    patch.setattr(CommandPort, "_failed", lost)


def wall_clock_delay(patch: pytest.MonkeyPatch) -> None:
    """The delays of sequences count on the time of day, which steps."""
    ends_us: dict[tuple[int, int], int] = {}
    begin = Run.await_record

    def begun(self: Run, now_ns: int) -> None:
        ends_us.pop((id(self), self.index), None)
        begin(self, now_ns)

    def remaining_ns(self: Run, now_ns: int, time_us: int) -> int:
        end_us: Any = ends_us.setdefault((id(self), self.index), time_us + self._time_us())
        return int(end_us - time_us) * 1000

    patch.setattr(Run, "await_record", begun)
    patch.setattr(Run, "remaining_ns", remaining_ns)
    patch.setattr(Run, "is_absolute", True)  # so that it looks at the time of day again and again


@pytest.mark.parametrize(
    "bug, kind, invariant",
    [
        (missing_fsync, "power cut", "no_acknowledged_data_lost"),
        (lost_response, "", "one_response"),
        (wall_clock_delay, "clock step", "delays_on_boot_clock"),
    ],
)
def test_a_bug_is_found_by_its_invariant(bug: Callable[[pytest.MonkeyPatch], None], kind: str, invariant: str) -> None:
    assert invariant_broken_by(bug, kind) == invariant


def test_where_there_is_no_bug_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.framework.simulation.test_bugs_are_found.SEEDS", 5)
    with pytest.raises(AssertionError, match="nothing was found"):
        found_by("")
