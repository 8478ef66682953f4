"""The topology page in a browser: a deployment in real time that is metered, and one of which little is known."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.peers import ROOT
from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import Device
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOREIGN = ROOT / "tests" / "framework" / "dictionary" / "SampleTopologyDictionary.json"
LIVE = ".kw-wiring-state[data-state=live]"
DRIVEN = "CdhCore.tlmSend → ComCcsds.comQueue"
"""A line that carries something in every second."""


class Station:
    """A reference deployment, one with a dictionary of F´ that nobody serves, and a browser at their ground station."""

    def __init__(self, device: Device, server: GroundServer, browser: Browser) -> None:
        self.device = device
        self.server = server
        self.browser = browser

    def open(self, deployment: str = "station", query: str = "") -> Browser:
        """Opens the page of a deployment, and waits for the drawing."""
        self.browser.open(f"{self.server.url}d/{deployment}/topology{query}")
        self.browser.until(lambda: self.browser.all("svg.kw-topology .kw-node[aria-pressed]"), "no drawing")
        return self.browser

    def lit(self) -> dict[str, str]:
        """The level of each line that is lit, by the place of its edge."""
        found: Any = self.browser.script(
            "return Object.fromEntries([...document.querySelectorAll('svg.kw-topology .kw-line')]"
            ".map((line) => [line.dataset.edge, line.dataset.level || '']))"
        )
        return {edge: level for edge, level in found.items() if level not in ("", "0")}


@pytest.fixture(scope="module")
def station(
    require_browser: None, reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Station]:
    """One station for the tests of this module."""
    folder = tmp_path_factory.mktemp("topology")
    port, nobody = free_port(), free_port()
    with ExitStack() as stack:
        device = stack.enter_context(Device(reference[0], folder / "root", f"tcp-listen://127.0.0.1:{port}"))
        server = GroundServer(
            folder / "ground",
            [f"station={reference[1]},tcp://127.0.0.1:{port}", f"foreign={FOREIGN},tcp://127.0.0.1:{nobody}"],
        )
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        server.await_link("station")
        yield Station(device, server, stack.enter_context(Browser()))


@pytest.fixture(autouse=True)
def quiet(station: Station) -> Iterator[None]:
    """No page may write to its console."""
    with station.browser.without_complaints():
        yield


def test_the_topology_lights_up_while_it_is_metered_and_goes_out_again(station: Station) -> None:
    browser = station.open()
    browser.await_text("Not metered")
    assert station.lit() == {}
    drawing = browser.find("svg.kw-topology")
    browser.click("[data-action=meter]")
    browser.until(lambda: browser.all(LIVE), "nothing is metered")
    browser.until(station.lit, "no line is lit")
    browser.await_text("s left.")
    # A line tells what goes over it, and a box of its queue.
    driven = browser.script(
        "const [a, b] = arguments[0].split(' → ');"
        "const place = (name) => [...document.querySelectorAll('.kw-node')]"
        ".find((one) => one.getAttribute('aria-label').startsWith(name + ',')).getAttribute('aria-label');"
        "return [place(a), place(b)];",
        DRIVEN,
    )
    assert "calls " in driven[0]
    assert "of 20 waited" in driven[1]
    assert "to 11" in browser.text
    assert browser.all(".kw-tag[data-level='2']"), "the rate groups' members are not lit"
    # The drawing is the one that was there before: only its colours have changed.
    assert drawing.is_displayed()
    browser.click("[data-action=meter]")
    browser.await_text("Not metered: it ended")
    browser.until(lambda: not station.lit(), "lines are lit that nothing is known of")


def test_a_device_that_stood_still_has_old_figures_and_then_rate_groups_that_slipped(station: Station) -> None:
    browser = station.open()
    browser.click("[data-action=meter]")
    browser.until(lambda: browser.all(LIVE), "nothing is metered")
    os.kill(station.device.pid, signal.SIGSTOP)
    try:
        browser.find("svg.kw-topology[data-state=stale]")
        browser.await_text("These figures are old: the last report came")
    finally:
        os.kill(station.device.pid, signal.SIGCONT)
    slipped = browser.until(lambda: browser.all(".kw-node[data-slip=fresh]"), "no slip is shown")
    assert any("rateGroup1Hz" in str(one.get_attribute("aria-label")) for one in slipped)
    assert any(one.text.endswith(("slip", "slips")) for one in browser.all(".kw-badge"))
    browser.until(lambda: browser.all(LIVE), "no new report lights up")


def test_an_instance_is_found_chosen_and_told_and_the_keyboard_goes_on_from_it(station: Station) -> None:
    browser = station.open()
    search = browser.find("input[aria-label='Search instances']")
    search.send_keys("commanddisp")
    browser.until(lambda: len(browser.all(".kw-node.kw-found")) == 1, "the search finds something else")
    search.send_keys(Keys.ENTER)
    browser.await_text("CommandDispatcher, active")
    browser.await_text("seq_cmd_status[1] → cmd_response_in[0]")
    browser.script("document.querySelector('.kw-node[tabindex=\"0\"]').focus()")
    ActionChains(browser.driver).send_keys(Keys.ARROW_DOWN, Keys.ENTER).perform()
    browser.await_text("EventLog, active")
    browser.click(".kw-go[data-instance='CdhCore.textLogger']")
    browser.await_text("TextLog, passive")
    ActionChains(browser.driver).send_keys("+").perform()
    browser.click("[aria-label='Zoom in']")
    browser.find("svg.kw-zoomed")
    browser.click("[aria-label='Show all']")
    browser.until(lambda: not browser.all("svg.kw-zoomed"), "it does not show all")
    station.open(query="?instance=CdhCore.cmdDisp").click("a[href$='CdhCore.cmdDisp.CMD_NO_OP_STRING']")
    browser.await_address("/commands")
    browser.find(".kw-panel input")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_graph_and_table_render_on_every_screen(station: Station, size: tuple[int, int], dark: bool) -> None:
    browser = station.browser
    browser.resize(*size)
    browser.set_dark(dark)
    station.open()
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]
    next(one for one in browser.all(".kw-spans .q-btn") if one.text == "Table").click()
    browser.until(lambda: len(browser.all(".kw-instances tbody tr")) == 36, "the table has other instances")
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]
    next(one for one in browser.all(".kw-spans .q-btn") if one.text == "Graph").click()
    browser.find("svg.kw-topology .kw-node[aria-pressed]")


def test_a_dictionary_without_connections_is_shown_as_far_as_it_goes(station: Station) -> None:
    browser = station.open("foreign")
    browser.await_text("The link is down: nothing new comes.")
    browser.await_text("This dictionary does not say what is connected")
    assert browser.all(".kw-node")
    assert not browser.all("svg.kw-topology .kw-line")
    assert not browser.all("[data-action=meter]")
