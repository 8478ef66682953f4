"""The results file, the ratchet and the exit status of a run; what is measured here is made up."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from bench.__main__ import GROUPS, main
from bench.measure import Figure, dearer, faster
from bench.results import read_ratchet, slipped, tightened

if TYPE_CHECKING:
    from pathlib import Path

COST = Figure("a call", 75.0, "ns", 50.0, 1.5, 2.0, 1.2)
SPEED = Figure("a decoder", 10.0, "ns", 200.0, 20.0, 15.0, 25.0, more_is_better=True)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """Runs the benchmark on one group that has the given figures."""

    def measured(figures: list[Figure], *arguments: str) -> int:
        group = ModuleType("bench.made_up")
        group.__dict__["figures"] = lambda: figures
        monkeypatch.setitem(sys.modules, "bench.made_up", group)
        return main(list(arguments), tmp_path, ["made_up"])

    return measured


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_figures(group: str) -> None:
    assert callable(import_module(f"bench.{group}").figures)


def test_the_results_are_a_list_of_objects_with_the_promised_names(run: object, tmp_path: Path) -> None:
    assert callable(run)
    assert run([COST, SPEED]) == 0
    rows = json.loads((tmp_path / "results.json").read_text())
    names = ["name", "value", "unit", "reference", "ratio", "budget", "stretch", "within_budget"]
    assert [list(row) for row in rows] == [names, names]
    assert rows[1]["ratio"] == 20.0
    assert rows[1]["within_budget"] is True


@pytest.mark.parametrize(
    "figure",
    [
        Figure("a call", 105.0, "ns", 50.0, 2.1, 2.0, 1.2),
        Figure("a decoder", 20.0, "ns", 200.0, 10.0, 15.0, 25.0, more_is_better=True),
    ],
)
def test_a_figure_out_of_its_budget_fails_the_run(
    run: object, figure: Figure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(run)
    assert run([figure]) == 1
    assert "OVER BUDGET" in capsys.readouterr().out


def test_a_figure_worse_than_the_ratchet_fails_the_run_within_its_budget(
    run: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(run)
    (tmp_path / "ratchet.json").write_text('{"a call": 1.4}')
    assert run([COST]) == 1
    assert "WORSE" in capsys.readouterr().out


def test_tightening_keeps_the_better_of_what_stood_and_what_was_reached(run: object, tmp_path: Path) -> None:
    assert callable(run)
    assert run([COST, SPEED], "--tighten") == 0
    first = read_ratchet(tmp_path / "ratchet.json")
    assert first == {"a call": 1.8, "a decoder": 16.0}
    worse = Figure("a call", 80.0, "ns", 50.0, 1.6, 2.0, 1.2)
    better = Figure("a decoder", 5.0, "ns", 200.0, 40.0, 15.0, 25.0, more_is_better=True)
    assert tightened([worse, better], first) == {"a call": 1.8, "a decoder": 32.0}


def test_the_margin_allows_nothing_that_the_budget_does_not() -> None:
    close = Figure("a call", 95.0, "ns", 50.0, 1.9, 2.0, 1.2)
    ratchet = tightened([close], {})
    assert ratchet == {"a call": 2.0}
    assert not slipped(close, ratchet)


def test_an_unknown_group_is_refused(run: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(run)
    with pytest.raises(SystemExit):
        run([], "boat")
    assert "there is no group 'boat'; there are made_up" in capsys.readouterr().err


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_can_be_loaded(group: str) -> None:
    assert callable(import_module(f"bench.{group}").figures)


def test_what_others_add_to_some_repetitions_changes_no_figure() -> None:
    quiet = [(30.0 + number % 3, 10.0 + number % 2) for number in range(36)]
    disturbed = [(one * 3, other * 2) if number % 2 else (one, other) for number, (one, other) in enumerate(quiet)]
    wanted = dearer("a trip", quiet, "us", 4, 3).ratio
    assert dearer("a trip", disturbed, "us", 4, 3).ratio == pytest.approx(wanted, rel=0.1)
    assert faster("a trip", disturbed, "us", 4, 3).ratio == pytest.approx(1 / wanted, rel=0.1)
