"""The dashboard's page of power and energy in a browser, with a battery device and one that has none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.framework.cli.conftest import SMALL
from tests.ports import free_port
from tests.system.battery_device import battery_device
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import Device, build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMETERS = "{FORCE_POWERED: true, POWERED_PAUSE_S: 2}"
"""The device stays on between its cycles; the simulated unit has no supply, so that each has a step that fails."""


class Station:
    """A battery device and one without power components, the ground station that serves them, and a browser."""

    def __init__(self, server: GroundServer, browser: Browser) -> None:
        self.server = server
        self.browser = browser

    def open(self, deployment: str, page: str) -> Browser:
        self.browser.open(f"{self.server.url}d/{deployment}/{page}")
        return self.browser


@pytest.fixture(scope="module")
def station(require_browser: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("power")
    topologies = {"battery": battery_device(folder, PARAMETERS), "mains": SMALL}
    builds = {name: build(topology, folder / "build") for name, topology in topologies.items()}
    ports = dict(zip(builds, [free_port(), free_port()], strict=True))
    with ExitStack() as stack:
        for name, (image, _) in builds.items():
            stack.enter_context(Device(image, folder / name, f"tcp-listen://127.0.0.1:{ports[name]}"))
        server = GroundServer(
            folder / "ground", [f"{name}={path},tcp://127.0.0.1:{ports[name]}" for name, (_, path) in builds.items()]
        )
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        for name in builds:
            server.await_link(name)
        yield Station(server, stack.enter_context(Browser()))


@pytest.fixture(autouse=True)
def quiet(station: Station) -> Iterator[None]:
    """No page may write to its console."""
    with station.browser.without_complaints():
        yield


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_page_renders_on_every_screen(station: Station, size: tuple[int, int], dark: bool) -> None:
    browser = station.browser
    browser.resize(*size)
    browser.set_dark(dark)
    station.open("battery", "power?span=3600")
    for text in ("Time credit", "Next wake", "Battery voltage", "Consumed", "Last cycles", "of the time"):
        browser.await_text(text)
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]


def test_cycles_come_by_themselves_with_energy_and_failed_steps(station: Station) -> None:
    browser = station.open("battery", "power")

    def cells() -> list[str]:
        rows = "[...document.querySelectorAll('.kw-cycles tbody tr:first-child td')].map((one) => one.innerText)"
        return list(browser.script(f"return {rows}"))

    first = browser.until(cells, "no cycle is shown")
    browser.until(lambda: int(cells()[0]) > int(first[0]), "no new cycle comes")
    newest = cells()
    assert newest[3].endswith(" mWh")
    assert newest[4] == "Power: POWERED: NO_SUPPLY"


def test_the_strip_shows_when_the_device_was_awake_and_the_chart_its_battery(station: Station) -> None:
    browser = station.open("battery", "power?span=3600")
    assert len(browser.until(lambda: browser.all(".kw-awake > span"), "nobody was awake")) == 1
    browser.await_text("Awake 1 time,")
    summary = browser.until(lambda: browser.script("return kittiwakeCharts.summary()"), "no chart")
    assert len(summary["points"]) == 4


def test_only_a_deployment_with_such_channels_has_the_page(station: Station) -> None:
    browser = station.open("mains", "overview")
    browser.find(".kw-nav[href$='sequences']")
    assert not browser.all(".kw-nav[href$='power']")
    station.open("mains", "power").await_text("no power manager and no supervisor")
    station.open("battery", "overview").click(".kw-nav[href$='power']")
    browser.await_address("power")
