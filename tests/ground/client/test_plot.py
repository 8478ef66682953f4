"""`kittiwake ground plot`: how plots look, for any values, and through the real application."""

from __future__ import annotations

import time
from math import inf, nan
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.cli.main import main
from kittiwake_ground.commands.plot.panel import Limit, Panel, Point
from kittiwake_ground.commands.plot.picture import PANEL_HEIGHT, plot_png, plot_svg
from kittiwake_ground.commands.plot.text import plot_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment
    from tests.ground.client.served import Served

DOWN = "ComCcsds.link.BytesDown"
SECOND_US = 1_000_000
START_US = 1_795_737_600 * SECOND_US

PLAIN = """\
Pump.Flow [l/min]  0 .. 19
     19.95|------------------------#####- red
          |                   ######
          |              ######
     9.975|         ######
          |    ######
         0|#####
           2026-11-27 00:00:00   00:00:20
"""
BRAILLE = """\
Pump.Flow [l/min]  0 .. 19
     19.95┤                        ⢀⣀⡤⠖⠂
          ┤                   ⢀⣠⠤⠖⠚⠉
          ┤              ⢀⣠⠤⠖⠋⠉
     9.975┤         ⢀⣀⡤⠖⠚⠉
          ┤    ⢀⣠⠤⠖⠋⠉
         0┤⣠⠴⠒⠋⠉
           2026-11-27 00:00:00   00:00:20
"""

numbers = st.floats() | st.sampled_from([nan, inf, -inf, 0.0, 1.7e308, -1.7e308, 5e-324])
points = st.builds(Point, st.integers(-(10**6), 10**11), numbers, numbers, numbers)
limits = st.builds(Limit, numbers, st.sampled_from(["yellow", "orange", "red", "purple"]))
panels = st.builds(
    Panel, st.text(max_size=20), st.sampled_from(["", "V", "°C"]), st.just(0), st.integers(1, 10**11),
    st.integers(1, 10**9), st.lists(points, max_size=12).map(lambda found: sorted(found, key=lambda one: one.time_us)),
    st.lists(limits, max_size=3),
)  # fmt: skip


def ramp(*values: float, limits: tuple[Limit, ...] = ()) -> Panel:
    made = [Point(START_US + number * SECOND_US, value, value, value) for number, value in enumerate(values)]
    return Panel("Pump.Flow", "l/min", START_US, START_US + 20 * SECOND_US, SECOND_US, made, limits)


def test_a_plot_as_text() -> None:
    plain = plot_text([ramp(*range(20), limits=(Limit(19, "red"), Limit(1e9, "yellow")))], 48, 9, braille=False)
    assert plain == PLAIN
    assert plot_text([ramp(*range(20))], 48, 9) == BRAILLE


def test_a_gap_stays_and_extremes_are_seen() -> None:
    rows = plot_text([ramp(*[1.0] * 5, *[nan] * 8, *[3.0] * 7)], 58, 9, braille=False).splitlines()[1:-1]
    drawn = {column for row in rows for column, letter in enumerate(row[11:51]) if letter == "#"}
    assert max(column for column in drawn if column < 15) < 10
    assert min(column for column in drawn if column > 15) > 24
    spike = Panel("A", "", 0, 10, 1, [Point(at, 0.0, 0.1, 5.0 if at == 5 else 0.2) for at in range(10)])
    shown = [row for row in plot_text([spike], 58, 9, braille=False).splitlines()[1:-1] if "#" in row]
    assert len(shown) == 6


def test_a_constant_and_nothing_are_plots_too() -> None:
    rows = plot_text([ramp(5.0, 5.0)], 48, 9, braille=False).splitlines()
    assert rows[0] == "Pump.Flow [l/min]  5 .. 5"
    assert ["#" in row for row in rows[1:-1]].count(True) == 1
    assert plot_text([ramp()], 48, 9).startswith("Pump.Flow [l/min]  no numbers in this time\n")


@settings(max_examples=40, deadline=None)
@given(st.lists(panels, max_size=3), st.integers(-5, 120), st.integers(-5, 40), st.booleans())
def test_anything_can_be_drawn(drawn: list[Panel], columns: int, rows: int, braille: bool) -> None:
    text = plot_text(drawn, columns, rows, braille)
    wanted = max((rows - 1) // max(len(drawn), 1) - 2, 3) + 2
    assert text.count("\n") >= wanted * len(drawn)


@settings(max_examples=20, deadline=None)
@given(st.lists(panels.filter(lambda panel: panel.name.isprintable()), min_size=1, max_size=2))
def test_anything_can_be_a_picture(drawn: list[Panel]) -> None:
    root = ET.fromstring(plot_svg(drawn))
    assert root.get("height") == str(PANEL_HEIGHT * len(drawn))
    for one in root.iter("{http://www.w3.org/2000/svg}polyline"):
        places = [tuple(map(float, place.split(","))) for place in one.get("points", "").split()]
        assert all(0 <= x <= 960 and 0 <= y <= PANEL_HEIGHT * len(drawn) for x, y in places)
    assert plot_png(drawn).startswith(b"\x89PNG")


@pytest.fixture
def plot(
    served: Served, station: Deployment, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["ground", "plot", "--server", served.url, *[str(one) for one in arguments]])
        return (status, *capsys.readouterr())

    return call


def test_an_archived_channel_is_plotted(
    plot: Callable[..., tuple[int, str, str]], station: Deployment, device: ScriptedDeployment, tmp_path: Path
) -> None:
    for value in (100, 900, 400):
        device.tell(DOWN, value)
    station.alarms.set_limits(DOWN, {"high": {"red": 950.0}})
    until_s = time.monotonic() + 10
    status, out, err = plot(DOWN, "--from", "5m", "--width", 60, "--height", 12)
    while "100 .. 900" not in out:  # the archive writes what came about each second
        assert time.monotonic() < until_s, (out, err)
        status, out, err = plot(DOWN, "--from", "5m", "--width", 60, "--height", 12)
    assert (status, err) == (0, "")
    rows = out.splitlines()
    assert rows[0].startswith(DOWN)
    assert len(rows) == 11
    assert any(row.endswith(" red") for row in rows)

    svg, png = tmp_path / "down.svg", tmp_path / "down.png"
    assert plot(DOWN, "--from", "5m", "--svg", svg, "--png", png) == (0, f"{svg}\n{png}\n", "")
    assert DOWN in svg.read_text()
    assert png.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_plotted_is_said(plot: Callable[..., tuple[int, str, str]]) -> None:
    assert plot("ComCcsds.link.BytesDwn")[0] == 2
    status, out, err = plot(DOWN, "--from", "1m", "--to", "2m")
    assert (status, out, err) == (2, "", "kittiwake ground plot: --from is before --to\n")
    assert plot(DOWN, "--from", "yesterday")[0] == 1
