"""The page of the fleet in a browser: a deployment that is up, one that sleeps, and one that should have been heard."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.load import load_dictionary
from kittiwake_ground.server.session import now_us
from tests.framework.cli.conftest import SMALL
from tests.ground.client.scripted_deployment import ScriptedDeployment
from tests.ground.fleet.planned_wake import write_past
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import REFERENCE, build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_US = 3_600_000_000
NOBODY = "tcp://127.0.0.1:1"
DOWN = "ComCcsds.link.BytesDown"
NAMES = "return [...document.querySelectorAll('.kw-member[data-deployment]')].map((one) => one.dataset.deployment)"


class Yard:
    """A ground station with three deployments, of which one is there and says what it is told to, and a browser."""

    def __init__(self, mains: ScriptedDeployment, server: GroundServer, browser: Browser) -> None:
        self.mains = mains
        self.server = server
        self.browser = browser

    def open(self, query: str = "") -> Browser:
        self.browser.open(f"{self.server.url}fleet{query}")
        return self.browser

    def await_order(self, *names: str) -> None:
        self.browser.until(lambda: self.browser.script(NAMES) == list(names), f"the order does not become {names}")


@pytest.fixture(scope="module")
def yard(require_browser: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("fleet")
    _, small = build(SMALL, folder / "build")
    _, reference = build(REFERENCE, folder / "build")
    (folder / "ground" / "archive").mkdir(parents=True)
    for name, wake_us in (("overdue", now_us() - HOUR_US), ("sleeper", now_us() + HOUR_US)):
        write_past(folder / "ground" / "archive", name, now_us() - 2 * HOUR_US, wake_us)
    mains = ScriptedDeployment(load_dictionary(str(small)))
    with ExitStack() as stack:
        stack.callback(mains.close)
        deployments = [f"mains={small},{mains.link},fprime"]
        deployments += [f"{name}={reference},{NOBODY}" for name in ("sleeper", "overdue")]
        server = GroundServer(folder / "ground", deployments)
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        server.await_link("mains")
        yield Yard(mains, server, stack.enter_context(Browser()))


@pytest.fixture(autouse=True)
def quiet(yard: Yard) -> Iterator[None]:
    """No page may write to its console; the deployment that is there is heard just now, and so not silent."""
    yard.mains.tell(DOWN, 1)
    with yard.browser.without_complaints():
        yield


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_fleet_is_the_first_page_and_renders_on_every_screen(yard: Yard, size: tuple[int, int], dark: bool) -> None:
    yard.browser.resize(*size)
    yard.browser.set_dark(dark)
    yard.browser.open(yard.server.url)
    yard.browser.await_address("fleet")
    yard.await_order("overdue", "mains", "sleeper")
    for text in ("missed its planned contact", "asleep as planned", "as expected", "80.0 %", "1 red"):
        yard.browser.await_text(text)
    assert yard.browser.script("return document.documentElement.scrollWidth") <= size[0]


def test_filters_narrow_the_fleet_and_stand_in_the_address(yard: Yard) -> None:
    browser = yard.open("?show=asleep")
    yard.await_order("sleeper")
    browser.script("[...document.querySelectorAll('[data-filter=fleet] button')].at(1).click()")
    yard.await_order("overdue")
    browser.until(lambda: browser.driver.current_url.endswith("?show=attention"), "the address does not say it")
    browser.script("[...document.querySelectorAll('[data-filter=fleet] button')].at(0).click()")
    browser.find("input[aria-label='Search the fleet']").send_keys("MAIN")
    yard.await_order("mains")
    browser.find("input[aria-label='Search the fleet']").send_keys("x")
    browser.await_text("None of them")


def test_a_deployment_comes_to_the_front_when_its_alarm_is_raised_and_goes_back_when_it_is_acknowledged(
    yard: Yard,
) -> None:
    yard.open()
    yard.await_order("overdue", "mains", "sleeper")
    yard.server.ok(yard.server.http.put(f"deployments/mains/limits/{DOWN}", json={"high": {"red": 10}}))
    yard.mains.tell(DOWN, 11)
    yard.await_order("mains", "overdue", "sleeper")
    yard.browser.click("[data-deployment=mains] .kw-why-RED a")
    yard.browser.await_address("d/mains/alarms")
    yard.browser.click(".kw-nav[href='/fleet']")
    yard.browser.await_address("fleet")
    (alarm,) = yard.server.get("deployments/mains/alarms")["alarms"]
    yard.server.post(f"deployments/mains/alarms/{alarm['id']}/acknowledge", {})
    yard.await_order("overdue", "mains", "sleeper")
    yard.browser.await_text("1 acknowledged alarm")
