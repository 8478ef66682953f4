"""What a summary draws and says: legible and bounded, however long the mission was."""

from __future__ import annotations

import re

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.fault_plan import Fault
from kittiwake.simulation.mission import MOST_LINES
from kittiwake.simulation.samples import COUNT, Samples
from kittiwake.simulation.summary import Line, draw, length_text, write_summary
from tests.framework.simulation.flights import fly

MONTH_NS = 30 * 86_400 * NS_PER_S


@pytest.mark.parametrize(
    "length_s, text",
    [(30 * 86_400, "30 d"), (5400, "1 h 30 min"), (200, "3 min 20 s"), (12.5, "12.5 s"), (0, "0 s")],
)
def test_a_length_is_said_in_the_units_in_which_it_is_asked_for(length_s: float, text: str) -> None:
    assert length_text(round(length_s * NS_PER_S)) == text


def test_modes_are_named_and_each_plot_is_a_file_of_the_page() -> None:
    files = write_summary("Proves", fly("proves", seconds=30, draws="nothing"))
    assert ">NORMAL</text>" in files["modes.svg"]
    assert set(re.findall(r'src="([^"]+)"', files["index.html"])) == set(files) - {"index.html"}


def ticks(svg: str) -> list[str]:
    return re.findall(r'text-anchor="end" fill="#475569">([^<]*)<', svg)


def test_what_varies_little_far_from_zero_is_drawn_without_the_zero() -> None:
    outcome = fly("reference", seconds=2, draws="nothing")
    near = draw("Volts", [Line("battery V", [(0, 8.2), (NS_PER_S, 8.41)])], outcome)
    assert (ticks(near)[0], ticks(near)[-1]) == ("8.2", "8.5")
    far = draw("Charge", [Line("charge %", [(0, 3.0), (NS_PER_S, 97.0)])], outcome)
    assert (ticks(far)[0], ticks(far)[-1]) == ("0", "100")
    flat = draw("Volts", [Line("battery V", [(0, 8.0), (NS_PER_S, 8.0)])], outcome)
    assert len(ticks(flat)) >= 2


def test_the_marks_of_many_faults_do_not_hide_the_lines() -> None:
    outcome = fly("reference", seconds=2, draws="nothing")
    many = tuple([Fault(at * NS_PER_S, "link_outage", for_s=1) for at in range(80)])
    few = draw("Charge", [Line("charge %", [(0, 3.0)])], outcome._replace(faults=many[:5]))
    crowded = draw("Charge", [Line("charge %", [(0, 3.0)])], outcome._replace(faults=many))
    ends = [set(re.findall(r'y2="(\d+)" stroke="#94a3b8"', svg)) for svg in (few, crowded)]
    assert ends == [{"192"}, {"34"}]


def test_a_month_has_as_many_points_and_lines_as_a_page_can_hold() -> None:
    samples = Samples(MONTH_NS)
    samples.rows = [(round(MONTH_NS * at / COUNT), {"charge %": 50.0, "battery V": 8.0}) for at in range(COUNT)]
    outcome = fly("reference", seconds=2, draws="nothing")
    outcome = outcome._replace(samples=samples, lines=("x" * 120,) * MOST_LINES)
    files = write_summary("Month", outcome._replace(scenario=outcome.scenario._replace(length_ns=MONTH_NS)))
    assert all(len(text) < 300_000 for text in files.values())
