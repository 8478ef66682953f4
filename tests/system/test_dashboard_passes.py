"""The dashboard's page of passes in a browser: contacts are added, something is planned, and it is seen to go."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from tests.framework.cli.conftest import SMALL
from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import Device, build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from pathlib import Path

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
HERE = "deployments/small"
MINUTE_US = 60_000_000


def test_passes_are_seen_and_a_command_is_planned_for_one(require_browser: None, tmp_path: Path) -> None:
    """What fits into which pass, and the life of a plan until it is carried out."""
    image, dictionary = build(SMALL, tmp_path / "build")
    port = free_port()
    server = GroundServer(tmp_path / "ground", [f"small={dictionary},tcp://127.0.0.1:{port}"])
    server.command.remove("--no-dashboard")
    with ExitStack() as stack:
        stack.enter_context(Device(image, tmp_path / "small", f"tcp-listen://127.0.0.1:{port}"))
        browser = stack.enter_context(Browser())
        stack.enter_context(server)
        server.await_link("small")
        now_us = time.time_ns() // 1000
        passes = {"duration_s": 600, "down_bps": 9600, "up_bps": 1200}
        for name, start_us in (("north", now_us - MINUTE_US), ("south", now_us + 60 * MINUTE_US)):
            server.post(f"{HERE}/passes/contacts", {**passes, "name": name, "link": "lora", "start_us": start_us})
        plan = {"kind": "upload", "subject": "/large.bin", "content": "A" * 96_000, "pass_offset_s": 0}
        server.post(f"{HERE}/plans", plan)
        with browser.without_complaints():
            browser.open(f"{server.url}d/small/passes")
            _see(browser)
            _add_contact(browser)
            _plan(browser, server)
            _change(browser, server)
            _take_back(browser, server)
            for size in (NARROW, WIDE):
                browser.resize(*size)
                browser.until(partial(_fits, browser, size[0]), f"it does not fit on {size}")
            browser.open(f"{server.url}d/small/passes?at=1d&paused=1")
            browser.await_text("leave the past to see it")


def _fits(browser: Browser, width: int) -> bool:
    return int(browser.script("return document.documentElement.scrollWidth")) <= width


def _see(browser: Browser) -> None:
    """The pass that is under way, the next one with its room, and the file that waits for it."""
    browser.find(".kw-pass.kw-pass-under-way")
    browser.find(".kw-pass-row .kw-in.kw-good")
    rooms = browser.all("[data-way=up]")
    assert len(rooms) == 2
    assert "9.6 kbit/s" in str(browser.all("[data-way=down]")[0].get_attribute("title"))
    browser.find("[data-waiting='/large.bin'][data-verdict=later]")
    browser.await_text("pass 2")


def _add_contact(browser: Browser) -> None:
    for key, text in (("start", "2099-01-01 00:00:00"), ("name", "far")):
        browser.find(f"input[data-field=contact-{key}]").send_keys("\b" * 20 + text)
    browser.click("[data-action=add-contact]")
    browser.find("[data-contact] b")
    browser.await_text("far")
    browser.click("[aria-label='Remove far']")
    browser.until(lambda: not browser.all("[aria-label='Remove far']"), "the contact stays")


def _plan(browser: Browser, server: GroundServer) -> None:
    field = browser.find("input[data-field=plan-command]")
    field.send_keys(NO_OP)
    browser.until(lambda: [one for one in browser.all(".q-menu .q-item") if one.is_displayed()], "no choice")[0].click()
    browser.find(".kw-plan-when button:nth-of-type(2)").click()
    browser.find("input[data-field=plan-time]").send_keys("\b" * 5 + "1s")
    browser.click("[data-action=plan]")
    browser.find("[data-plan-state=completed]")
    (command,) = [one for one in server.get(f"{HERE}/commands")["commands"] if one["name"] == NO_OP]
    assert command["steps"][0]["state"] == "planned"


def _change(browser: Browser, server: GroundServer) -> None:
    """The plan for the next pass gets a date."""
    browser.find("[aria-label='Another time']").click()
    browser.find(".q-dialog .kw-plan-when button:nth-of-type(3)").click()
    browser.find(".q-dialog input[data-field=plan-time]").send_keys("\b" * 20 + "2099-01-02 03:04:05")
    browser.find("[data-action=save-plan]").click()
    browser.await_text("02 Jan 03:04:05")
    (plan,) = server.get(f"{HERE}/plans", waiting=True)["plans"]
    assert (plan["when"], plan["revision"]) == ("at", 2)
    browser.until(lambda: not browser.all(".q-dialog"), "the dialog stays")


def _take_back(browser: Browser, server: GroundServer) -> None:
    browser.find("[data-plan-state=planned]")
    browser.click("[aria-label='Take back']")
    browser.find("[data-plan-state=cancelled]")
    assert server.get(f"{HERE}/plans", waiting=True)["plans"] == []
