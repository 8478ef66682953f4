"""Alarms on the dashboard with a running deployment: one goes red, recovers, and stays until it is acknowledged.

The ground station is killed in between: what was latched is latched.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import Device
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.remote.webelement import WebElement

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
DISPATCHED = "CdhCore.cmdDisp.CommandsDispatched"
CONFIGURATION = """
[deployments.station]
dictionary = "{dictionary}"
link = "tcp://127.0.0.1:{port}"
alarm_events = []   # a busy machine has the deployment warn of late cycles
"""
CPU = "ReferenceDeployment.systemResources.CPU"
PARITY = "Ground.commands.Parity"
"""1 after each odd command, so that a command has it go over its limit, and the next one back."""


class Station:
    """A deployment, the ground station that serves it, and a browser at its page of alarms."""

    def __init__(self, start: Callable[[], GroundServer], browser: Browser) -> None:
        self._start = start
        self.server = start()
        self.browser = browser

    def kill(self) -> None:
        """Kills the ground station, and starts it anew."""
        self.browser.driver.get("about:blank")  # a page would complain of the connection that is gone
        self.server.stop(signal.SIGKILL)
        self.server = self._start()

    def open(self, page: str) -> Browser:
        self.browser.open(f"{self.server.url}d/station/{page}")
        return self.browser

    def turn(self, parity: int) -> None:
        """Sends a command, and waits until the channel says so."""
        self.server.send("station", NO_OP)
        self.server.await_that(f"deployments/station/channels/{PARITY}", lambda found: found["value"] == parity)


@pytest.fixture(scope="module")
def station(
    require_browser: None, reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("alarms")
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(Device(reference[0], folder / "root", f"tcp-listen://127.0.0.1:{port}"))
        configuration = folder / "ground.toml"
        configuration.write_text(CONFIGURATION.format(dictionary=reference[1], port=port))

        def start() -> GroundServer:
            server = GroundServer(folder / "ground", [], ("--config", str(configuration)))
            server.command.remove("--no-dashboard")
            return stack.enter_context(server)

        station = Station(start, stack.enter_context(Browser()))
        station.server.await_link("station")
        station.server.await_that(
            "deployments/station/channels", lambda found: any(one["name"] == DISPATCHED for one in found["channels"])
        )
        station.server.ok(station.server.http.put(f"deployments/station/limits/{CPU}", json={}))
        yield station


def picture(browser: Browser, name: str) -> None:
    """Keeps a picture of the page where somebody wants to look at it."""
    folder = os.environ.get("KITTIWAKE_PICTURES")
    if folder:
        browser.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


def test_a_limit_goes_red_recovers_and_stays_latched_until_it_is_acknowledged(station: Station) -> None:
    with station.browser.without_complaints():
        browser = station.open("alarms")
        station.server.post("deployments/station/alarms/acknowledge", {})
        browser.await_text("No alarm is open")
        browser.await_text("Nobody: see [notify.NAME]")
        derive(browser)
        is_odd = station.server.get(f"deployments/station/channels/{DISPATCHED}")["value"] % 2
        if is_odd:
            station.turn(0)
        limit(station)
        station.turn(1)
        browser = station.open("alarms")
        browser.find(".kw-alarm-active")
        assert browser.find(".kw-alarm-pill").text == "⚑ 1"
        station.turn(0)
        browser.find(".kw-alarm-latched")
        for text in ("has recovered, wants to be acknowledged", "red above 0.5", "recovered", "limits set by local"):
            browser.await_text(text)
        station.kill()
        for dark, size in ((False, WIDE), (True, WIDE), (True, NARROW)):
            browser.set_dark(dark)
            browser.resize(*size)
            station.open("alarms").find(".kw-alarm-latched")
            assert browser.script("return document.documentElement.scrollWidth") <= size[0]
            picture(browser, f"alarms-{'dark' if dark else 'light'}-{size[0]}")
        browser.resize(*WIDE)
        station.open("channels").find("input[aria-label='Search channels']").send_keys("Parity")
        browser.find(f".ag-row[row-id='{PARITY}'] .kw-latched")
        station.open("overview").await_text("1 to acknowledge")
        picture(browser, "alarms-overview")
        browser.click(".kw-alarm button")
        browser.await_text("No alarm is open")
        station.open("alarms").await_text("acknowledged by local")
        assert not browser.all(".kw-alarm-pill")
        assert station.server.get("deployments/station/alarms")["alarms"] == []


def press(browser: Browser, text: str) -> None:
    """Presses the button with a text once it is there; a dialog may still be opening."""
    found = "[...document.querySelectorAll('button')].find((one) => one.innerText.includes(arguments[0]))"
    browser.until(lambda: browser.script(f"const found = {found}; found?.click(); return !!found", text), f"no {text}")


def both(browser: Browser) -> list[WebElement]:
    """The two fields of the dialog, once it is open."""
    found = [one for one in browser.all(".kw-dialog input") if one.is_displayed()]
    return found if len(found) == 2 else []


def derive(browser: Browser) -> None:
    """Makes the channel in the dialog; a wrong expression is refused with its place."""
    press(browser, "Derive a channel")
    name, unit = browser.until(lambda: both(browser), "the dialog does not open")
    name.send_keys(PARITY)
    unit.send_keys("odd")
    text = browser.find(".kw-dialog textarea")
    text.send_keys("CdhCore.cmdDisp.CommandsDispatch % 2")
    browser.click("[data-action='derive']")
    browser.await_text("column 1: there is no channel CdhCore.cmdDisp.CommandsDispatch")
    browser.script("document.querySelector('.q-notification button')?.click()")
    text.send_keys(Keys.CONTROL, "a")
    text.send_keys(f"{DISPATCHED} % 2")
    browser.click("[data-action='derive']")
    picture(browser, "derive")
    browser.until(lambda: PARITY in browser.text and "odd" in browser.text, "the channel is not listed")


def limit(station: Station) -> None:
    """Sets the channel's red limit in the dialog of the channel list."""
    browser = station.open("channels")
    browser.find("input[aria-label='Search channels']").send_keys("Parity")
    browser.click(f".ag-row[row-id='{PARITY}'] [col-id='n']")
    press(browser, "Limits")
    field = browser.until(
        lambda: [one for one in browser.all("input[aria-label='Red above']") if one.is_displayed()], "no dialog"
    )[0]
    field.send_keys("0.5")
    browser.click("[data-action='save']")
    path = f"deployments/station/limits/{PARITY}"
    station.server.await_that(path, lambda found: found["high"] == {"red": 0.5})
