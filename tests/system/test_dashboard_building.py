"""The dashboard's page of a building in a browser, with a deployment that has a BuildingApi and one that has none."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.framework.cli.conftest import SMALL
from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.building_device import RIVAL, VIEWER, Api
from tests.system.device import build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.timeout(300)]

ZONE = "campus/b1/zone"


class Station:
    """The building, the ground station in front of it, and a browser."""

    def __init__(self, api: Api, server: GroundServer, browser: Browser) -> None:
        self.api = api
        self.server = server
        self.browser = browser

    def open(self, deployment: str, page: str) -> Browser:
        self.browser.open(f"{self.server.url}d/{deployment}/{page}")
        return self.browser

    def schedule(self, task: str, begin_h: float, end_h: float, token: str = "", **options: Any) -> str:
        now = datetime.now(UTC)
        times = [(now + timedelta(hours=one)).isoformat() for one in (begin_h, end_h)]
        asked = {"task_id": task, "priority": "LOW", "requests": [[ZONE, *times]], **options}
        client = self.api.client(token) if token else self.api.operator
        return str(client.post("/schedules", json=asked).json()["result"])


@pytest.fixture(scope="module")
def station(require_browser: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("building")
    with ExitStack() as stack:
        ports = [free_port(), free_port(), free_port()]
        api = stack.enter_context(closing(Api(folder / "device", ports[0])))
        api.start()
        api.add_zone()
        token = folder / "screen.token"
        token.write_text(f"{VIEWER}\n")
        _, mains = build(SMALL, folder / "build")
        deployments = [f"site={api.dictionary},tcp://127.0.0.1:{ports[1]}", f"mains={mains},tcp://127.0.0.1:{ports[2]}"]
        server = GroundServer(folder / "ground", deployments, ["--building", f"site={api.url},{token}"])
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        yield Station(api, server, stack.enter_context(Browser()))


@pytest.fixture(autouse=True)
def quiet(station: Station) -> Iterator[None]:
    """No page may write to its console."""
    with station.browser.without_complaints():
        yield


def bars(browser: Browser) -> dict[str, tuple[str, str]]:
    """Task -> how its bar is coloured and what it says on hovering."""
    found = browser.script(
        "return [...document.querySelectorAll('.kw-slot')].map((one) => [one.innerText, one.className, one.title])"
    )
    return {text.split()[0]: (kind.split(" ", 1)[1], title) for text, kind, title in found}


def test_devices_points_and_schedules_come_by_themselves(station: Station) -> None:
    browser = station.open("site", "building")
    browser.await_text("SetPoint")
    browser.await_text("1 of 1 run")
    browser.await_text("Nothing is scheduled in this time.")
    cells = "return [...document.querySelectorAll('.kw-points td')].map((one) => one.innerText)"
    name, value, quality, age = browser.script(cells)
    assert (name, value, quality) == ("SetPoint", "21", "good")
    assert age.endswith(" s")
    assert station.schedule("night", 1, 3, priority="HIGH") == "SUCCESS"
    assert station.schedule("day", -0.1, 0.5, RIVAL, priority="LOW_PREEMPT") == "SUCCESS"
    assert station.schedule("later", 5, 6) == "SUCCESS"
    browser.until(lambda: len(bars(browser)) == 3, "no three bars")
    shown = bars(browser)
    assert shown["night"][0] == "kw-slot-high"
    assert shown["later"][0] == "kw-slot-low"
    assert shown["day"][0] == "kw-slot-preemptible"
    assert shown["day"][1].startswith("day of rival, LOW_PREEMPT, running, ")
    browser.await_text("held by rival")
    browser.await_text("3 tasks are scheduled")


def test_what_is_written_and_overridden_is_shown(station: Station) -> None:
    browser = station.open("site", "building?span=21600")
    station.schedule("work", 0, 0.2)
    with station.api.agent() as agent:
        agent.send('{"jsonrpc": "2.0", "method": "set_override_on", "params": ["campus/*"], "id": 1}')
        browser.await_text("campus/*")
        browser.await_text("overridden")
        agent.send('{"jsonrpc": "2.0", "method": "clear_overrides", "id": 2}')
        browser.await_text("nobody overrides")


def test_points_are_searched(station: Station) -> None:
    browser = station.open("site", "building")
    browser.await_text("SetPoint")
    browser.find(".kw-search input").send_keys("nothing like it")
    browser.await_text("No device or point is called that.")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_page_renders_on_every_screen(station: Station, size: tuple[int, int], dark: bool) -> None:
    browser = station.browser
    browser.resize(*size)
    browser.set_dark(dark)
    station.open("site", "building")
    for text in ("Devices and points", "Schedules", "SetPoint", "preempted", "now"):
        browser.await_text(text)
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]


def test_only_a_deployment_whose_api_is_known_has_the_page(station: Station) -> None:
    browser = station.open("mains", "overview")
    browser.find(".kw-nav[href$='sequences']")
    assert not browser.all(".kw-nav[href$='building']")
    station.open("mains", "building").await_text("No building's API is known")
    station.open("site", "overview").click(".kw-nav[href$='building']")
    browser.await_address("building")


def test_it_says_when_the_api_cannot_be_reached_and_goes_on_when_it_is_back(station: Station) -> None:
    """What was read stays, with its age, and is not taken for the present."""
    browser = station.open("site", "building")
    browser.await_text("SetPoint")
    station.api.device.kill()
    browser.await_text("cannot be read")
    browser.await_text("Connection refused, for ")
    browser.await_text("What is below was read ")
    assert browser.all(".kw-building.kw-old")
    assert "SetPoint" in browser.text
    station.api.start()
    browser.until(lambda: "cannot be read" not in browser.text, "the notice stays")
    browser.until(lambda: not browser.all(".kw-building.kw-old"), "it stays grey")
