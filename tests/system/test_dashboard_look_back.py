"""An hour is replayed on the pages of the dashboard, in a browser, while the deployment goes on living."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from kittiwake_ground.server.views import iso_time
from tests.ports import free_port
from tests.system.browser import Browser
from tests.system.device import Device
from tests.system.ground_server import GroundServer
from tests.system.past_hour import DISPATCHED, NO_OP, OUTAGE, SECOND_US, PastHour, write_past_hour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Station:
    """A ground station with an hour in its archive, the living deployment that it serves, and a browser."""

    def __init__(self, server: GroundServer, browser: Browser, hour: PastHour) -> None:
        self.server = server
        self.browser = browser
        self.hour = hour

    def open(self, page: str, second: int | None = None, query: str = "") -> Browser:
        """Opens a page at a second of the hour, or live."""
        at = "" if second is None else f"at={iso_time(self.hour.start_us + second * SECOND_US)}&"
        self.browser.open(f"{self.server.url}d/station/{page}?{at}{query}")
        return self.browser


@pytest.fixture(scope="module")
def station(
    require_browser: None, reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Station]:
    """One station for the tests of this module."""
    image, dictionary = reference
    folder = tmp_path_factory.mktemp("look-back")
    hour = write_past_hour(folder / "ground", dictionary, time.time_ns() // 1000)
    port = free_port()
    server = GroundServer(folder / "ground", [f"station={dictionary},tcp://127.0.0.1:{port}"])
    server.command.remove("--no-dashboard")
    with Device(image, folder / "root", f"tcp-listen://127.0.0.1:{port}"), server, Browser() as browser:
        server.await_link("station")
        yield Station(server, browser, hour)
        assert [one for one in server.lines if not one.startswith("Ground station: ")] == []


@pytest.fixture(autouse=True)
def quiet(station: Station) -> Iterator[None]:
    """No page may write to its console."""
    with station.browser.without_complaints():
        yield


def test_an_hour_is_replayed_on_one_page_after_the_other_and_nothing_can_be_sent(station: Station) -> None:
    browser = station.open("channels", 60, "speed=60")
    value = f".ag-row[row-id='{DISPATCHED}'] [col-id='x']"
    first = int(browser.find(value).text.replace(",", "").split()[0])
    assert first >= 59
    # A minute of then in a second: the value of each second is the second's number.
    browser.until(lambda: int(browser.find(value).text.replace(",", "").split()[0]) > first + 60, "it does not go on")
    assert "PAST" in browser.text
    assert browser.script("return document.body.classList.contains('kw-in-past')")
    browser.click(".kw-nav[href*='/commands']")
    browser.await_text("This is the past: nothing can be sent from here.")
    browser.await_text("by ada")
    assert "speed=60" in browser.driver.current_url
    browser.script("document.querySelector('[data-command=\"" + NO_OP + "\"]').click()")
    browser.await_text("opcode")
    assert browser.all("[data-action=send]") == []
    browser.find("body").send_keys("k")
    browser.await_text("paused")
    stood = browser.find("#kw-past-time").text
    before_us = station.server.get("deployments/station/commands")["commands"][0]["id"]
    assert station.hour.start_us <= before_us < station.hour.end_us  # nothing was sent since
    browser.click(".kw-nav[href*='/overview']")
    browser.await_address("overview")
    stood_us = datetime.fromisoformat(stood.replace(" UTC, paused", "+00:00")).timestamp() * SECOND_US
    second = int(stood_us - station.hour.start_us) // SECOND_US
    browser.await_text("Link down" if second in OUTAGE else "Link up")
    assert browser.find("#kw-past-time").text == stood
    browser.find("body").send_keys("l")
    browser.until(lambda: not browser.all(".kw-past"), "the past goes on")
    browser.await_text("RUNNING")


def test_a_moment_is_chosen_and_scrubbed_to_and_its_link_shown(station: Station) -> None:
    browser = station.open("overview")
    browser.click("[aria-label='Look back']")
    field = browser.find("input[type=datetime-local]")
    asked = iso_time(station.hour.start_us + 1_600 * SECOND_US)[:19]
    browser.script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', { bubbles: true }))",
        field, asked,
    )  # fmt: skip
    browser.click("[data-action=look-back]")
    browser.until(lambda: browser.all(".kw-past"), "no past")
    browser.await_text("out of sight")
    browser.await_text("no-op of second 1560")
    assert "no-op of second 1620" not in browser.text
    browser.script(
        "const slider = document.getElementById('kw-past-slider'); slider.value = Number(slider.min) + 900000;"
        "slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change'))"
    )
    browser.await_text("no-op of second 2460")
    browser.await_text("Link up")


def test_a_time_that_is_none_and_one_to_come_are_refused_in_words(station: Station) -> None:
    for at, words in (("yesterday", "is no time"), ("2999-01-01T00:00:00Z", "yet to come")):
        station.browser.open(f"{station.server.url}d/station/overview?at={at}")
        station.browser.await_text(words)


def test_looking_back_changes_nothing_of_what_is_live(station: Station) -> None:
    """While a replay runs fast, the living deployment's samples are archived as before."""
    browser = station.open("charts", 0, f"speed=300&channels={DISPATCHED}")
    browser.until(
        lambda: (browser.script("return kittiwakeCharts.summary()") or {"points": [0]})["points"][0] > 100, ""
    )
    before = station.server.get("deployments/station")["samples"]
    station.server.send("station", NO_OP)
    station.server.await_that("deployments/station", lambda found: found["samples"] > before)
    assert station.server.get("deployments/station/link")["state"] == "up"
    view = browser.script("return kittiwakeCharts.summary()")
    assert view["range"]["max"] < station.hour.end_us / 1000


def test_the_timeline_is_zoomed_into_and_leads_to_the_other_pages_at_its_time(station: Station) -> None:
    hour = station.hour
    browser = station.open("timeline", query=f"start={hour.start_us}&end={hour.end_us}")
    browser.await_text("60 events, 6 commands")
    assert [one.text for one in browser.all(".kw-span-mark")] == ["up", "down", "up", "1", "2"]
    lane = browser.find(".kw-lane-events")
    ActionChains(browser.driver).move_to_element_with_offset(lane, -200, 20).click_and_hold().move_by_offset(
        100, 0
    ).release().perform()
    browser.until(lambda: len(browser.all(".kw-event-mark")) < 20, "the drag does not zoom")
    mark = browser.find(".kw-event-mark")
    second = (int(mark.get_attribute("data-at") or 0) - hour.start_us) // SECOND_US
    mark.click()
    browser.await_text(f"no-op of second {second}")
    browser.click(".kw-lead[href*='/events?']")
    browser.await_address("events")
    browser.await_text("PAST")
    browser.await_text(f"no-op of second {second - 60}")
    browser.await_text(f"no-op of second {second}")  # five seconds later


def test_two_times_lie_over_one_another_and_the_layout_is_saved(station: Station) -> None:
    end_s = station.hour.start_us // 1_000_000 + 2_700
    browser = station.open("charts", query=f"live=0&span=900&over=900&end={end_s}&channels={DISPATCHED}")

    def drawn() -> list[float | None]:
        found: list[float | None] = browser.script(
            "const id = document.querySelector('.kw-chart')?.id.slice(1), chart = id && getElement(id)?.chart;"
            "const series = chart?.getOption()?.series ?? [];"
            "return ['line 0', 'then 0'].map((id) => (series.find((one) => one.id === id)?.data ?? []).at(-1)?.[1])"
        )
        return found

    # A quarter of an hour earlier the value was smaller by the seconds of a quarter of an hour.
    browser.until(lambda: all(drawn()), "not both times are drawn")
    late, early = drawn()
    assert late is not None
    assert early is not None
    assert late - early == 900
    browser.click("[data-action=save-layout]")
    browser.find("[data-field=layout]").send_keys("quarters")
    browser.click("[data-action=keep-layout]")
    browser.await_text("quarters is saved")
    (saved,) = station.server.get("deployments/station/layouts")["layouts"]
    assert (saved["name"], saved["over_s"], saved["live"], saved["version"]) == ("quarters", 900, False, 1)
    station.open("charts")
    browser.find("button:has(.q-icon)")
    browser.script("[...document.querySelectorAll('button')].find((one) => one.innerText.includes('Layouts')).click()")
    browser.click(".kw-layout-name")
    browser.until(lambda: "over=900" in browser.driver.current_url, "the layout is not opened")
