"""The dashboard's page of a hive in a browser, with simulated sensors that record in processes of their own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from kittiwake_ground.server.views import iso_time
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import Device, build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300)]

PATIENCE_S = 40.0
CONFIGURATION = """
[global]
pytz_time_zone = "Asia/Kathmandu"
capture_window_start_time = "0000"
capture_window_end_time = "2359"
capture_duration_seconds = 1
capture_interval_seconds = 4
[audio]
device = "simulated"
[temp]
device = "simulated"
"""


def texts(browser: Browser, selector: str) -> list[str]:
    """What the elements say, read in one go: they are drawn anew all the time."""
    found = browser.script("return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector)
    return [str(one) for one in found]


@pytest.mark.usefixtures("require_browser")
def test_captures_come_by_themselves_and_a_sensor_is_stopped_from_the_page(tmp_path: Path) -> None:
    image, dictionary = build(ROOT / "topologies/hive.yaml", tmp_path / "build")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/hive.toml").write_text(CONFIGURATION)
    port = free_port()
    options = ["--set", "HiveDeployment.textCommands.url=", "--set", "HiveDeployment.uploader.remote=bucket_name=/out"]
    server = GroundServer(tmp_path / "ground", [f"hive={dictionary},tcp://127.0.0.1:{port}"])
    server.command.remove("--no-dashboard")
    device = Device(image, tmp_path / "root", f"tcp-listen://127.0.0.1:{port}", options)
    with device, server, Browser() as browser, browser.without_complaints():
        server.await_link("hive")
        browser.open(f"{server.url}d/hive/hive?span=3600")
        browser.await_text("2 of 2 run", PATIENCE_S)
        browser.until(lambda: texts(browser, ".kw-slot-track .kw-capture-done"), "no capture is drawn", PATIENCE_S)
        assert texts(browser, ".kw-slot-device") == ["audio", "temp"]
        assert len(texts(browser, ".kw-slot-track .kw-hive-window")) == 2
        browser.await_text("dBFS")
        browser.await_text("Oldest waits for")
        row = browser.until(lambda: texts(browser, ".kw-hive-latest tbody tr"), "nothing is listed")[0]
        assert "@" in row
        assert "bytes" in row
        recorded_us = time.time_ns() // 1000

        _stop_by_keyboard(browser)
        browser.until(lambda: browser.all("[data-state=completed]"), "the stop is not answered")
        asked = server.get("deployments/hive/commands")["commands"][0]
        assert asked["arguments"] == {"target": "audio", "policy": "DISCARD"}
        device.await_line("SensorStopped: audio", PATIENCE_S)
        browser.until(lambda: "stopped" in texts(browser, ".kw-row")[0], "it does not look stopped")
        browser.await_text("1 of 2 run")
        browser.find(".kw-row[data-record='-1'] [aria-label='Start']").send_keys(Keys.ENTER)
        browser.find("[data-action=agree]").send_keys(Keys.ENTER)
        browser.await_text("START refused: there is no sensor video")

        for dark in (False, True):
            for size in (WIDE, NARROW):
                browser.resize(*size)
                browser.set_dark(dark)
                browser.await_text("Disk and uploads")
                _await_width(browser, size[0])
        browser.open(f"{server.url}d/hive/hive?at={iso_time(recorded_us)}&paused=1")
        browser.await_text("This is the past: nothing can be sent from here.")
        browser.until(lambda: texts(browser, ".kw-slot-track .kw-capture-done"), "nothing is drawn of the past")
        assert "stopped" not in texts(browser, ".kw-row")[0]
        assert not browser.all("[aria-label='Stop']")


def _await_width(browser: Browser, width: int) -> None:
    """Waits until nothing is wider than the screen, which has just changed under an open page."""
    reached = "return document.documentElement.scrollWidth <= arguments[0]"
    browser.until(lambda: browser.script(reached, width), f"the page is wider than {width}")


def _stop_by_keyboard(browser: Browser) -> None:
    """Stops the first sensor, throwing away what it records."""
    browser.find(".kw-row [aria-label='Stop']").send_keys(Keys.ENTER)
    browser.await_text("Stop audio")
    browser.find(".q-dialog [role=radio][aria-label='Throw away']").send_keys(Keys.SPACE)
    browser.find("[data-action=agree]").send_keys(Keys.ENTER)
