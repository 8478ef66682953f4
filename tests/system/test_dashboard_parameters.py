"""The dashboard's page of parameters in a browser: one is edited and saved, deployments and times are compared."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.views import iso_time
from tests.framework.cli.conftest import SMALL
from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import Device, build
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

LEVEL = "CdhCore.tlmSend.LEVEL"
SAVE_FILE = "FileHandling.prmDb.PRM_SAVE_FILE"


def test_a_parameter_is_edited_saved_and_compared(require_browser: None, tmp_path: Path) -> None:
    """Between deployments, with its default, and between two times."""
    image, dictionary = build(SMALL, tmp_path / "build")
    ports = dict(zip(("one", "two"), [free_port(), free_port()], strict=True))
    plans = [f"{name}={dictionary},tcp://127.0.0.1:{port}" for name, port in ports.items()]
    server = GroundServer(tmp_path / "ground", plans)
    server.command.remove("--no-dashboard")
    with ExitStack() as stack:
        for name, port in ports.items():
            stack.enter_context(Device(image, tmp_path / name, f"tcp-listen://127.0.0.1:{port}"))
        browser = stack.enter_context(Browser())
        stack.enter_context(server)
        for name in ports:
            server.await_link(name)
        with browser.without_complaints():
            before = _edit_and_save(browser, server)
            _compare(browser, server, before)
            _look(browser, server)


def _edit_and_save(browser: Browser, server: GroundServer) -> str:
    """Gives a time between the dump and the change."""
    browser.open(f"{server.url}d/one/parameters")
    row = f"[data-parameter='{LEVEL}']"
    assert "?" in browser.find(row).text, "what nobody has told is not shown as the default"
    browser.click("[data-action=PRM_DUMP]")
    browser.until(lambda: browser.find(row).get_attribute("data-verdict") == "same", "the dump tells nothing")
    before = iso_time(now_us())
    browser.click(row)
    field = browser.find("[data-argument=val] input, input[data-argument=val]")
    browser.await_text("U32, 0 to 255")
    field.send_keys("\b2999")
    browser.await_text("2999")
    browser.click("[data-action=send]")
    browser.find(".kw-panel .kw-bad")
    assert f"{LEVEL}_PRM_SET" not in _sent(server), "a value out of range was sent"
    field.send_keys("\b\b\b")
    browser.click("[data-action=send]")
    browser.find("[data-sent][data-state=completed]")
    browser.until(lambda: browser.find(row).get_attribute("data-verdict") == "different", "it does not differ")
    assert browser.find(row).text.split() == ["LEVEL", "2", "default", "1"]
    browser.await_text("set by command")
    for action, command in (("save-parameter", f"{LEVEL}_PRM_SAVE"), ("PRM_SAVE_FILE", SAVE_FILE)):
        browser.click(f"[data-action={action}]")
        browser.await_text(f"Last sent: {command}")
        browser.find("[data-sent][data-state=completed]")
        assert _sent(server)[command] == "completed"
    return before


def _sent(server: GroundServer) -> dict[str, str]:
    """The commands that were sent to the first deployment, with their states."""
    return {one["name"]: one["state"] for one in server.get("deployments/one/commands")["commands"]}


def _choose(browser: Browser, other: str) -> None:
    browser.click("[data-field=compare-with]")

    def named() -> list[WebElement]:
        return [one for one in browser.all(".q-menu .q-item") if one.is_displayed() and one.text.lower() == other]

    browser.until(named, f"{other} cannot be chosen")[0].click()
    browser.until(lambda: not browser.all(".q-menu"), "the menu stays")


def _compare(browser: Browser, server: GroundServer, before: str) -> None:
    server.send("two", "FileHandling.prmDb.PRM_DUMP")
    _choose(browser, "two")
    browser.click("[data-action=compare]")
    browser.find(f"[data-compared='{LEVEL}'][data-verdict=different]")
    assert [one.text for one in browser.all(f"[data-compared='{LEVEL}'] td b")] == ["2", "1"]
    assert browser.find("[data-count=different]").text == "1 different"
    _choose(browser, "one")
    browser.find("input[data-field=compare-from], [data-field=compare-from] input").send_keys(before)
    browser.click("[data-action=compare]")
    browser.until(
        lambda: [one.text for one in browser.all(f"[data-compared='{LEVEL}'] td b")] == ["1", "2"], "not then and now"
    )


def _look(browser: Browser, server: GroundServer) -> None:
    """No screen is too narrow; and in the past nothing can be edited, and nothing is known before it was told."""
    for size in (NARROW, WIDE):
        browser.resize(*size)
        browser.until(partial(_fits, browser, size[0]), f"it does not fit on {size}")
    browser.open(f"{server.url}d/one/parameters?at=1d&paused=1")
    browser.click(f"[data-parameter='{LEVEL}'][data-verdict=unknown]")
    browser.await_text("This is the past: nothing can be sent from here.")
    browser.await_text("not told yet")
    assert browser.all("[data-action=send], [data-action=PRM_DUMP], [data-action=save-parameter]") == []
    browser.open(f"{server.url}d/one/parameters?at={iso_time(now_us() - 1_000_000)}&paused=1")
    browser.find(f"[data-parameter='{LEVEL}'][data-verdict=different]")
    browser.find("[data-parameter='CdhCore.cmdDisp.MAX_PENDING'][data-verdict=same]")


def _fits(browser: Browser, width: int) -> bool:
    return bool(browser.script("return document.documentElement.scrollWidth") <= width)
