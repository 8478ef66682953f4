"""Flights of the reference deployment, recorded and flown again: all that they put out is the same, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.cli import replay as replay_command
from tests.system.recorded_day import RecordedDay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def day(reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedDay, Path]:
    """A day that was flown, and its recording."""
    path = tmp_path_factory.mktemp("day") / "day.flight"
    flown = RecordedDay(*reference, path)
    flown.fly()
    return flown, path


def test_the_day_had_commands_files_both_ways_and_a_sequence(day: tuple[RecordedDay, Path]) -> None:
    flown, path = day
    names = flown.names()
    for name in ("NoOpStringReceived", "FileReceived", "FileSent", "CS_SequenceComplete", "PrmFileSaveComplete"):
        assert name in names, names
    assert bytes(flown.downlinked) == bytes(range(256)) * 40
    assert flown.flight.recorder.dropped == 0
    assert path.stat().st_size < 4_000_000


def test_a_day_is_replayed_byte_for_byte(day: tuple[RecordedDay, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_command.main([str(day[1])]) == 0
    assert "equal: " in capsys.readouterr().out
