"""Bugs that are put in on purpose are found, each within 200 seeds, by the invariant that is there for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandError
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated_files import SimulatedFile
from kittiwake.runtime.command_port import CommandPort
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Scenario
from kittiwake_components.cmd_sequencer.run import Run
from tests.framework.simulation.flights import image_of

if TYPE_CHECKING:
    from kittiwake.simulation.mission import Broken

SEEDS = 200
LENGTH_NS = 100 * NS_PER_S
"""A short mission has as many faults as a longer one, closer together."""


def first_broken(kind: str) -> Broken:
    """What the first seed's mission finds that breaks; those without a fault of a kind need not be flown.

    Raises `AssertionError` if none of them does.
    """
    for seed in range(1, SEEDS + 1):
        mission = Mission(image_of("reference"), Scenario(seed=seed, length_ns=LENGTH_NS))
        if not any(kind in str(fault) for fault in mission.faults):
            continue
        broken = mission.fly().broken
        if broken is not None:
            return broken
    raise AssertionError(f"nothing was found with {SEEDS} seeds")


def test_a_missing_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploaded files are acknowledged before their bytes are durable."""
    sync = SimulatedFile.sync

    def forgotten(self: SimulatedFile) -> None:
        if not self._path.endswith(".part"):
            sync(self)

    monkeypatch.setattr(SimulatedFile, "sync", forgotten)
    assert first_broken("power cut").invariant == "no_acknowledged_data_lost"


def test_a_lost_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that its handler refuses is never answered."""
    failed = CommandPort._failed

    def lost(self: CommandPort, opcode: int, sequence: int, label: str, fault: BaseException) -> None:
        if not isinstance(fault, CommandError):
            failed(self, opcode, sequence, label, fault)

    monkeypatch.setattr(CommandPort, "_failed", lost)
    assert first_broken("").invariant == "one_response"


def test_a_delay_on_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The delays of sequences count on the time of day, which steps."""
    ends_us: dict[tuple[int, int], int] = {}
    begin = Run.await_record

    def begun(self: Run, now_ns: int) -> None:
        ends_us.pop((id(self), self.index), None)
        begin(self, now_ns)

    def remaining_ns(self: Run, now_ns: int, time_us: int) -> int:
        end_us: Any = ends_us.setdefault((id(self), self.index), time_us + self._time_us())
        return int(end_us - time_us) * 1000

    monkeypatch.setattr(Run, "await_record", begun)
    monkeypatch.setattr(Run, "remaining_ns", remaining_ns)
    monkeypatch.setattr(Run, "is_absolute", True)  # so that it looks at the time of day again and again
    assert first_broken("clock step").invariant == "delays_on_boot_clock"
