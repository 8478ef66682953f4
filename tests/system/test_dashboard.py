"""The dashboard's overview, channels, charts and events in a browser, with deployments in real time."""

from __future__ import annotations

import csv
import json
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By

from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import KITTIWAKE, Device
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = {"overview": "Boot count", "channels": "CommandsDispatched", "charts": "History", "events": "FrameworkVersion"}
EXPECTED_LINES = ("Ground station: ", "deployment other was built with the dictionary ")
DISPATCHED = "CdhCore.cmdDisp.CommandsDispatched"
BOOTS = "ReferenceDeployment.startupManager.BootCount"


class Station:
    """Two reference deployments, the ground station that serves them, and a browser at its dashboard.

    `other` is decoded with a dictionary that is not the one it was built with, and in which every boot is an alarm.
    """

    def __init__(self, server: GroundServer, browser: Browser) -> None:
        self.server = server
        self.browser = browser

    def open(self, page: str, deployment: str = "station") -> Browser:
        """Opens a page of a deployment."""
        self.browser.open(f"{self.server.url}d/{deployment}/{page}")
        return self.browser


@pytest.fixture(scope="module")
def station(
    require_browser: None, reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Station]:
    """One station for the tests of this module."""
    image, dictionary = reference
    folder = tmp_path_factory.mktemp("dashboard")
    other = folder / "other.json"
    other.write_text(json.dumps(altered(json.loads(dictionary.read_text()))))
    ports = [free_port(), free_port()]
    deployments = [
        f"{name}={path},tcp://127.0.0.1:{port}"
        for name, path, port in zip(("station", "other"), (dictionary, other), ports, strict=True)
    ]
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(Device(image, folder / f"root{port}", f"tcp-listen://127.0.0.1:{port}"))
        server = GroundServer(folder / "ground", deployments)
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        for name in ("station", "other"):
            server.await_link(name)
            server.await_that(
                f"deployments/{name}/channels", lambda found: any(one["name"] == BOOTS for one in found["channels"])
            )
        yield Station(server, stack.enter_context(Browser()))


def altered(dictionary: dict[str, Any]) -> dict[str, Any]:
    """The dictionary of another build."""
    for key, value in dictionary["metadata"].items():
        if isinstance(value, str) and len(value) == 64:
            dictionary["metadata"][key] = value[::-1]
    for channel in dictionary["telemetryChannels"]:
        if channel["name"] == BOOTS:
            channel["limits"] = {"high": {"red": 0}}
        if channel["name"] == DISPATCHED:
            channel["limits"] = {"high": {"yellow": 99_999}}
    return dictionary


@pytest.fixture(autouse=True)
def quiet(station: Station) -> Iterator[None]:
    """No page may write to its console, nor the server print anything unexpected."""
    with station.browser.without_complaints():
        yield
    unexpected = [one for one in station.server.lines if not one.startswith(EXPECTED_LINES)]
    assert not unexpected, "\n".join(unexpected)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_renders_on_every_screen(station: Station, page: str, size: tuple[int, int], dark: bool) -> None:
    browser = station.browser
    browser.resize(*size)
    browser.set_dark(dark)
    station.open(page)
    browser.await_text(PAGES[page])
    browser.await_text("Link up")
    assert browser.script("return document.body.classList.contains('body--dark')") is dark
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]
    hosts = browser.script("return [...new Set(performance.getEntries().filter((one) => one.name.startsWith('http'))"
                           ".map((one) => new URL(one.name).origin + '/'))]")  # fmt: skip
    assert hosts == [station.server.url]


def test_the_overview_says_what_there_is_to_know(station: Station) -> None:
    browser = station.open("overview")
    for text in ("RUNNING", "Queued commands", "LinkEstablished", "PingLateWarnings", "the same", "Last packet"):
        browser.await_text(text)


def test_a_dictionary_of_another_build_and_an_alarm_are_seen_and_acknowledged(station: Station) -> None:
    browser = station.open("overview", "other")
    browser.await_text("built with another dictionary")
    browser.await_text("red above 0")
    browser.open(f"{station.server.url}d/other/channels")
    browser.find("input[aria-label='Search channels']").send_keys("BootCount")
    assert browser.find(f".ag-row[row-id='{BOOTS}'] .kw-cell-RED").text.startswith("1")
    browser.click(f".ag-row[row-id='{BOOTS}'] [col-id='n']")
    browser.await_text("Gravest since acknowledged")
    button = browser.find(".kw-dialog").find_element(By.XPATH, ".//button[contains(., 'Acknowledge')]")
    browser.script("arguments[0].click()", button)  # the dialog may still be opening
    audited = station.server.await_that("audit", lambda found: found["entries"])
    assert [audited["entries"][0][key] for key in ("who", "action", "detail")] == ["local", "acknowledge", BOOTS]
    # The value is still beyond its limit, so that the alarm is latched again at once.
    browser.find(f".ag-row[row-id='{BOOTS}'] .kw-latched")


def test_the_search_finds_channels_by_key_and_shows_their_values(station: Station) -> None:
    browser = station.open("channels")
    browser.find(".ag-row")
    count = int(browser.find("#kw-count").text)
    assert count > 90
    browser.find("body").send_keys("/")
    browser.driver.switch_to.active_element.send_keys("startup boot")
    browser.until(lambda: browser.find("#kw-count").text == f"2 of {count}", "the search does not filter")
    assert sorted(one.get_attribute("row-id") or "" for one in browser.all(".ag-row")) == [
        BOOTS, "ReferenceDeployment.startupManager.EarlyBoots",
    ]  # fmt: skip
    assert browser.find(f".ag-row[row-id='{BOOTS}'] [col-id='x']").text == "1"


def test_a_value_and_its_age_change_by_themselves(station: Station) -> None:
    browser = station.open("channels")

    def cell(column: str) -> str:
        place = f"[row-id='{DISPATCHED}'] [col-id='{column}']"
        return str(browser.script("return document.querySelector(arguments[0])?.innerText || ''", place))

    first = browser.until(lambda: cell("x"), "no value")
    age = browser.until(lambda: cell("age"), "no age")
    browser.until(lambda: cell("age") != age, "the age does not change")
    station.server.send("station", "CdhCore.cmdDisp.CMD_NO_OP")
    browser.until(lambda: cell("x") != first, "the value does not change")


def test_a_chart_moves(station: Station) -> None:
    browser = station.open(f"charts?channels={DISPATCHED}&span=60")
    first = browser.until(lambda: browser.script("return kittiwakeCharts.summary()"), "no chart")
    pixels = "return document.querySelector('.kw-chart canvas')?.toDataURL()"
    picture = browser.until(lambda: browser.script(pixels), "no canvas")
    station.server.send("station", "CdhCore.cmdDisp.CMD_NO_OP")

    def moved() -> bool:
        now = browser.script("return kittiwakeCharts.summary()")
        return bool(now["points"][0] > first["points"][0] and now["range"]["max"] > first["range"]["max"])

    browser.until(moved, "the chart got no new points")
    assert browser.script(pixels) != picture


def test_what_a_chart_shows_is_saved_as_csv(station: Station, tmp_path: Path) -> None:
    browser = station.open(f"charts?channels={DISPATCHED}&span=300")
    browser.until(lambda: browser.script("return kittiwakeCharts.summary()"), "no chart")
    station.server.await_that(
        f"deployments/station/channels/{DISPATCHED}/history?start_us=0", lambda found: bool(found["values"])
    )
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.click("[data-action=export]")
    target = tmp_path / "station-samples.csv"
    browser.until(target.exists, "no file was saved")
    rows = list(csv.DictReader(target.read_text().splitlines()))
    assert {row["channel"] for row in rows} == {DISPATCHED}


def test_the_table_says_the_limits_of_a_channel_that_is_within_them(station: Station) -> None:
    browser = station.open("channels", "other")
    browser.await_text("yellow above 99999")


def test_a_chart_of_the_past_is_zoomed_into_with_finer_buckets(station: Station) -> None:
    browser = station.open(f"charts?channels={DISPATCHED}&live=0&span=900")
    browser.until(lambda: (browser.script("return kittiwakeCharts.summary()") or {"points": [0]})["points"][0], "empty")
    browser.script("performance.clearResourceTimings()")
    whole = browser.script("return kittiwakeCharts.summary().view")
    browser.script(
        "const chart = getElement(document.querySelector('.kw-chart').id.slice(1)).chart;"
        "chart.dispatchAction({ type: 'dataZoom', start: 90, end: 100 });"
    )
    asked = browser.until(
        lambda: browser.script(
            "return performance.getEntriesByType('resource').map((one) => one.name)"
            ".filter((one) => one.includes('history'))"
        ),
        "nothing was loaded",
    )
    assert "start_us=" in asked[-1]
    zoomed = browser.script("return kittiwakeCharts.summary().view")
    assert zoomed[0] > whole[0]
    assert zoomed[1] - zoomed[0] < 0.2 * (whole[1] - whole[0])


def test_an_event_appears_is_filtered_and_waits_while_the_page_is_paused(station: Station) -> None:
    browser = station.open("events")
    browser.find(".ag-row")

    def say(text: str) -> None:
        station.server.send("station", "CdhCore.cmdDisp.CMD_NO_OP_STRING", text)

    say("first word")
    browser.await_text("first word")
    browser.find("input[aria-label='Filter by text']").send_keys("second")
    browser.until(lambda: "first word" not in browser.text, "the filter shows it still")
    say("second word")
    browser.await_text("second word")
    browser.driver.switch_to.active_element.send_keys("\ue00c")  # Escape leaves the field
    browser.find("body").send_keys("p")
    browser.await_text("Go on")
    say("second thought")
    browser.until(lambda: "Go on (" in browser.text and "(0 new)" not in browser.text, "nothing waits")
    assert "second thought" not in browser.text
    browser.find("body").send_keys("p")
    browser.await_text("second thought")


def test_the_keyboard_leads_to_every_page_and_turns_the_light_off(station: Station) -> None:
    browser = station.open("overview")
    for key, page in enumerate(PAGES, 1):
        browser.find("body").send_keys(str(key))
        browser.await_address(page)
        browser.find(f".kw-active[href$='{page}']")
        browser.await_text("Link up")
    browser.await_text("UTC")  # the clock comes last: the page has taken its theme and will keep the next one
    browser.find("body").send_keys("d")
    browser.until(lambda: browser.script("return Quasar.Dark.isActive"), "it is not dark")
    station.open("overview")
    assert browser.script("return Quasar.Dark.isActive")
    browser.find("body").send_keys("d")
    browser.driver.delete_all_cookies()


def test_without_a_log_in_nothing_is_seen_and_a_viewer_may_not_act(
    station: Station, reference: tuple[Path, Path], tmp_path: Path
) -> None:
    users = tmp_path / "users.json"
    command = [KITTIWAKE, "ground", "users", "add", "vera", "--role", "viewer", "--users", str(users), "--stdin"]
    subprocess.run(command, input="correct horse battery\n", check=True, text=True, capture_output=True, timeout=30)
    deployment = f"far={reference[1]},tcp://127.0.0.1:{free_port()}"
    server = GroundServer(tmp_path / "ground", [deployment], ["--users", str(users)])
    server.command.remove("--no-dashboard")
    browser = station.browser
    with server:
        browser.open(f"{server.url}d/far/overview")
        browser.await_text("Log in")
        assert "tcp://" not in browser.text
        for password in ("wrong", "correct horse battery"):
            for name, text in (("name", "vera"), ("password", password)):
                field = browser.find(f"#log-in input[name={name}]")
                field.clear()
                field.send_keys(text)
            browser.click("#log-in button")
            browser.await_text("is wrong" if password == "wrong" else "Queued commands")
        browser.await_text("Link down")
        assert not [one for one in browser.all("button") if "cknowledge" in one.text]
        # The refusal of the wrong password is the one thing that a browser writes down by itself.
        assert all("401" in one for one in browser.complaints())
        browser.driver.delete_all_cookies()
        browser.open("about:blank")
