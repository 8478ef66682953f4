"""The dashboard's commands, files and sequences, clicked through in a browser, with a deployment in real time."""

from __future__ import annotations

import random
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.keys import Keys

from tests.ports import free_port
from tests.system.browser import NARROW, WIDE, Browser
from tests.system.device import KITTIWAKE, Device
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver.remote.webelement import WebElement

UPLOAD_RATE = 25_000
"""Bytes a second: slow enough that an upload can be watched."""

MENDED = """R00:00:00 CdhCore.cmdDisp.CMD_NO_OP
R00:00:01 CdhCore.cmdDisp.CMD_NO_OP_STRING "half way"
R00:00:01 CdhCore.version.VERSION ALL
"""

DROP = """
const files = new DataTransfer();
files.items.add(new File(["x".repeat(3000)], "x.bin"));
document.querySelector(".kw-drop").dispatchEvent(
  new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
"""


class Station:
    """A reference deployment, its ground station with the dashboard, and a browser at it."""

    def __init__(self, device: Device, server: GroundServer, browser: Browser, folder: Path) -> None:
        """`folder` is where the browser saves files."""
        self.device = device
        self.server = server
        self.browser = browser
        self.folder = folder

    def open(self, page: str) -> Browser:
        """Opens a page of the deployment."""
        self.browser.open(f"{self.server.url}d/station/{page}")
        return self.browser

    def audited(self) -> list[str]:
        """What was done, the newest first."""
        return [one["action"] for one in self.server.get("audit")["entries"]]


@pytest.fixture(scope="module")
def station(
    require_browser: None, reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Station]:
    """One station for the tests of this module."""
    folder = tmp_path_factory.mktemp("station")
    port = free_port()
    configuration = folder / "ground.toml"
    configuration.write_text(
        f'[deployments.station]\ndictionary = "{reference[1]}"\nlink = "tcp://127.0.0.1:{port}"\n'
        f'rate = {UPLOAD_RATE}\nhazardous = ["*.RemoveDirectory"]\n'
    )
    with ExitStack() as stack:
        device = stack.enter_context(Device(reference[0], folder / "root", f"tcp-listen://127.0.0.1:{port}"))
        device.await_line("TimeQualityChanged")
        server = GroundServer(folder / "ground", [], ["--config", str(configuration)])
        server.command.remove("--no-dashboard")
        stack.enter_context(server)
        server.await_link("station")
        yield Station(device, server, stack.enter_context(Browser(folder)), folder)


@pytest.fixture(autouse=True)
def quiet(station: Station) -> Iterator[None]:
    """No page may write anything to its console, nor the server print anything but its address."""
    with station.browser.without_complaints():
        yield
    assert station.server.lines[1:] == []


def clicked(browser: Browser, selector: str) -> bool:
    """Clicks something, if it is there and is not being drawn anew."""
    try:
        browser.find(selector).click()
    except StaleElementReferenceException:
        return False
    return True


def clicked_at(browser: Browser, path: str) -> bool:
    """Clicks what an XPath leads to, if it is there."""
    found = browser.driver.find_elements("xpath", path)
    if found:
        found[0].click()
    return bool(found)


def taken_back(browser: Browser) -> bool:
    """Takes the newest command back."""
    newest_row(browser).find_element("css selector", "button[aria-label='Take back']").click()
    return True


def choose(browser: Browser, command: str) -> None:
    """Finds a command with the keyboard and chooses it with the mouse."""
    browser.find(".kw-picks")
    search = browser.find("input[data-key='/']")
    browser.script("document.activeElement.blur()")
    browser.find("body").send_keys("/")
    browser.until(lambda: browser.driver.switch_to.active_element == search, "the key / does not lead to the search")
    search.send_keys(command.rpartition(".")[2])
    browser.until(lambda: 1 <= len(browser.all("[data-command]")) < 10, "the search does not narrow the list down")
    browser.until(lambda: clicked(browser, f"[data-command='{command}']"), f"no {command} in the list")
    browser.until(lambda: command.rpartition(".")[2] in "".join(shown(browser, ".kw-command-name")), "no form")


def field(browser: Browser, argument: str) -> WebElement:
    """The input of an argument."""
    return browser.find(f"input[data-argument='{argument}']")


def shown(browser: Browser, selector: str) -> list[str]:
    """The texts of all elements of a selector at one moment: the page may draw them anew at the next."""
    found: list[str] = browser.script(
        "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector
    )
    return found


def appears(browser: Browser, selector: str) -> None:
    """Waits for something that the page may draw anew at any time."""
    browser.until(lambda: shown(browser, selector), f"no {selector}")


def newest(browser: Browser) -> str:
    """The text of the newest row."""
    return next(iter(shown(browser, ".kw-rows .kw-row")), "")


def newest_row(browser: Browser) -> WebElement:
    """The newest row, with its buttons."""
    return browser.find(".kw-rows .kw-row")


def replace_text(browser: Browser, text: str) -> None:
    """Types a text over what is in the editor."""
    editor = browser.find(".cm-content")
    editor.click()
    editor.send_keys(Keys.CONTROL, "a")
    editor.send_keys(Keys.DELETE)
    editor.send_keys(text)


def test_a_command_sent_by_clicks_shows_its_life_and_its_event(station: Station) -> None:
    browser = station.open("commands")
    choose(browser, "CdhCore.cmdDisp.CMD_TEST_CMD_1")
    field(browser, "arg1").send_keys("-7")
    field(browser, "arg2").send_keys("2.5")
    field(browser, "arg3").send_keys("300")
    browser.await_text("300 is outside U8 (0 to 255)")
    browser.click("[data-action=send]")
    browser.await_text("arg3: 300 is outside U8")
    assert browser.all("[data-sent]") == []
    field(browser, "arg3").send_keys(Keys.BACKSPACE)
    browser.until(lambda: "outside U8" not in browser.find(".kw-fields").text, "the mended field is still wrong")
    browser.click("[data-action=send]")
    appears(browser, "[data-sent][data-state=completed]")
    browser.until(lambda: "I32: -7" in shown(browser, ".kw-events")[0], "the command's event is not shown")
    life = shown(browser, ".kw-result .kw-steps")[0]
    assert [word for word in life.split() if word.isalpha() and word != "ms"] == [
        "queued", "sent", "dispatched", "completed",
    ]  # fmt: skip
    browser.until(lambda: "completed" in newest(browser), "the history does not show its end")
    row = newest(browser)
    assert "CMD_TEST_CMD_1" in row
    assert "by local" in row
    assert "arg3 30" in row
    assert station.audited()[0] == "command"


def test_enter_sends_and_a_command_of_the_history_is_sent_again(station: Station) -> None:
    browser = station.open("commands")
    choose(browser, "CdhCore.cmdDisp.CMD_NO_OP_STRING")
    field(browser, "arg1").send_keys("by the keyboard", Keys.ENTER)
    appears(browser, "[data-sent][data-state=completed]")
    browser.until(lambda: "by the keyboard" in newest(browser), "the history does not show it")
    before = newest_row(browser).get_attribute("data-record")
    newest_row(browser).find_element("css selector", "button[aria-label='Send again']").click()
    browser.until(lambda: newest_row(browser).get_attribute("data-record") != before, "nothing was sent")
    browser.until(lambda: "completed" in newest(browser), "the history does not show its end")
    assert newest(browser).count("by the keyboard") == 1
    browser.until(
        lambda: sum("NoOpStringReceived" in line and "by the keyboard" in line for line in station.device.lines) == 2,
        "the deployment did not get it twice",
    )


def test_a_hazardous_command_is_armed_before_it_is_sent_and_its_failure_is_told(station: Station) -> None:
    browser = station.open("commands")
    choose(browser, "FileHandling.fileManager.RemoveDirectory")
    browser.await_text("hazardous")
    name = field(browser, "dirName")
    name.send_keys("/absent")
    send = browser.find("[data-action=send]")
    send.click()
    browser.await_text("Send now")
    assert browser.all("[data-sent]") == []
    name.send_keys("er")
    browser.until(lambda: send.text.endswith("Arm"), "another value is armed without a word")
    send.click()
    browser.await_text("Send now")
    send.click()
    appears(browser, "[data-sent][data-state=failed]")
    browser.await_text("EXECUTION_ERROR")


def test_a_form_has_nested_fields_for_structs(station: Station) -> None:
    browser = station.open("commands")
    choose(browser, "ReferenceDeployment.startupManager.QUIESCENCE_TIME_PRM_SET")
    seconds = field(browser, "seconds")
    assert "Fw.TimeIntervalValue" in browser.find("fieldset.kw-group legend").text
    seconds.send_keys(Keys.CONTROL, "a")
    seconds.send_keys("5")
    browser.click("[data-action=send]")
    appears(browser, "[data-sent][data-state=completed]")
    browser.until(lambda: "seconds: 5" in newest(browser), "the history shows another value")


def test_a_command_is_held_while_the_link_is_down_and_can_be_taken_back(station: Station) -> None:
    browser = station.open("commands")
    choose(browser, "CdhCore.cmdDisp.CMD_NO_OP")
    station.device.kill()
    try:
        browser.until(lambda: "Link up" not in browser.find(".kw-link-text").text, "the link seems up")
        browser.click("[data-action=send]")
        appears(browser, "[data-sent][data-state=queued]")
        browser.until(lambda: "waiting" in newest(browser), "the history does not show it")
        browser.until(lambda: taken_back(browser), "it cannot be taken back")
        appears(browser, "[data-sent][data-state=cancelled]")
    finally:
        station.device.start()
        station.server.await_link("station")
    assert station.audited()[0] == "command taken back"


def test_an_upload_shows_its_progress_and_arrives_byte_identical(station: Station, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(60_001)
    (tmp_path / "map.bin").write_bytes(content)
    browser = station.open("files")
    browser.find(".kw-drop")
    browser.all("input[type=file]")[0].send_keys(str(tmp_path / "map.bin"))
    browser.await_text("ready to be sent")
    assert browser.find("[data-field=remote]").get_attribute("value") == "/map.bin"
    browser.click("[data-action=upload]")
    shares: list[int] = []

    def is_over() -> bool:
        now = browser.script("return document.querySelector('.kw-progress')?.getAttribute('aria-valuenow')")
        shares.append(int(now or 0))
        return "completed" in newest(browser)

    browser.until(is_over, "the upload did not end")
    assert shares == sorted(shares)
    assert any(0 < share < 100 for share in shares)
    assert (station.device.root / "map.bin").read_bytes() == content

    browser.click("[data-action=list]")
    browser.until(lambda: "map.bin" in shown(browser, ".kw-tree")[0], "the remote folder does not show the file")
    node = next(one for one in browser.all(".kw-node") if "map.bin" in one.text)
    node.find_element("css selector", "button[aria-label=Download]").click()
    browser.until(lambda: "down from" in newest(browser), "no download")
    browser.until(lambda: "completed" in newest(browser), "the download did not end")
    transfer = station.server.get("deployments/station/transfers")["transfers"][0]
    assert transfer["direction"] == "down"
    newest_row(browser).find_element("css selector", "button[aria-label=Save]").click()
    saved = station.folder / "map.bin"
    browser.until(lambda: saved.exists() and saved.read_bytes() == content, "the browser has saved nothing")

    node = next(one for one in browser.all(".kw-node") if "map.bin" in one.text)
    node.find_element("css selector", "button[aria-label=Remove]").click()
    browser.click("[data-action=remove]")
    browser.await_text("/map.bin is removed.")
    assert not (station.device.root / "map.bin").exists()
    browser.until(lambda: "map.bin" not in shown(browser, ".kw-tree")[0], "the tree still shows the file")
    assert station.audited()[:5] == ["folder listed", "command", "download", "folder listed", "upload"]


def test_a_file_goes_by_cfdp_under_its_name_in_the_inbox_and_is_given_up(station: Station, tmp_path: Path) -> None:
    """The reference deployment has nobody who would take it."""
    (tmp_path / "radio.json").write_bytes(b"{}")
    browser = station.open("files")
    browser.find(".kw-drop")
    browser.all("input[type=file]")[0].send_keys(str(tmp_path / "radio.json"))
    browser.await_text("ready to be sent")
    remote = browser.find("[data-field=remote]")
    assert remote.get_attribute("value") == "/radio.json"
    browser.click("[data-field=cfdp]")
    browser.until(lambda: remote.get_attribute("value") == "radio.json", "the name does not count from the inbox")
    browser.click("[data-action=upload]")
    browser.until(lambda: "by CFDP" in newest(browser) and "running" in newest(browser), "it does not go")
    newest_row(browser).find_element("css selector", "button[aria-label='Give up']").click()
    browser.until(lambda: "cancelled" in newest(browser), "it was not given up")


def test_a_file_that_is_dropped_and_refused_says_why(station: Station) -> None:
    browser = station.open("files")
    browser.find(".kw-drop")
    browser.script(DROP)
    browser.await_text("ready to be sent")
    remote = browser.find("[data-field=remote]")
    remote.send_keys(Keys.CONTROL, "a")
    remote.send_keys("/no/such/folder/x.bin", Keys.ENTER)
    browser.until(lambda: "failed" in newest(browser), "nothing is said of the failure")
    assert "Could not open file" in newest(browser)


def test_a_sequence_is_edited_fails_inline_is_mended_uploaded_run_and_watched(station: Station) -> None:
    browser = station.open("sequences")
    browser.find("[data-field=name]").send_keys("watched")
    replace_text(browser, MENDED.replace("CMD_NO_OP\n", "CMD_NO_OPP\n"))
    browser.until(
        lambda: any("CMD_NO_OPP" in one for one in shown(browser, ".kw-fault-line .kw-fault-text")),
        "no fault at its line",
    )
    assert shown(browser, ".kw-fault-word") == ["CdhCore.cmdDisp.CMD_NO_OPP"]
    browser.await_text("1 fault")
    assert not browser.find("[data-action=upload]").is_enabled()
    replace_text(browser, MENDED)
    browser.await_text("compiles to")
    assert browser.all(".kw-fault-text") == []
    assert "+00:00:02" in browser.find(".kw-timeline").text
    browser.click("[data-action=save]")
    browser.await_text("watched.seq is saved.")
    assert browser.find("[data-open='watched.seq']").is_displayed()

    browser.click("[data-action=upload]")
    appears(browser, "[data-transfer=completed]")
    assert (station.device.root / "watched.bin").exists()
    browser.click("[data-action=run]")
    seen: list[tuple[str, ...]] = []

    def is_over() -> bool:
        states = tuple(shown(browser, ".kw-run-steps li i"))
        if states and (not seen or seen[-1] != states):
            seen.append(states)
        return bool(browser.all("[data-run=completed]"))

    browser.until(is_over, "the run did not end")
    assert any("current" in states for states in seen), seen
    assert shown(browser, ".kw-run-steps li i") == ["done", "done", "done"]
    assert "3 of 3 steps answered" in newest(browser)
    assert station.audited()[:3] == ["sequence run", "sequence upload", "sequence text saved"]


def test_a_run_is_stopped(station: Station) -> None:
    browser = station.open("sequences")
    browser.find("[data-field=name]").send_keys("long")
    replace_text(browser, "R00:10:00 CdhCore.cmdDisp.CMD_NO_OP\n")
    browser.await_text("compiles to")
    browser.click("[data-action=upload]")
    appears(browser, "[data-transfer=completed]")
    browser.click("[data-action=run]")
    browser.until(lambda: "/long.bin" in newest(browser), "no run")
    browser.until(lambda: bool(browser.all("[data-run=loaded], [data-run=running]")), "it does not run")
    browser.click("button[aria-label=Stop]")
    appears(browser, "[data-run=cancelled]")
    assert shown(browser, ".kw-run-steps li i")[0] == "not run"


def test_a_sequence_with_a_hazardous_command_asks_before_it_goes_up_and_before_it_runs(station: Station) -> None:
    browser = station.open("sequences")
    browser.find("[data-field=name]").send_keys("danger")
    replace_text(browser, 'R00:00:00 FileHandling.fileManager.RemoveDirectory "/nothing"\n')
    browser.await_text("It sends hazardous commands: FileHandling.fileManager.RemoveDirectory")
    browser.click("[data-action=upload]")
    appears(browser, "[data-action=agree]")
    assert not (station.device.root / "danger.bin").exists()
    browser.click("[data-action=agree]")
    appears(browser, "[data-transfer=completed]")
    browser.until(lambda: not browser.all("[data-action=agree]"), "the question stays")
    browser.click("[data-action=run]")
    browser.await_text("/danger.bin sends hazardous commands")
    assert not browser.all("[data-run]") or "/danger.bin" not in newest(browser)
    browser.click("[data-action=agree]")
    browser.until(lambda: "/danger.bin" in newest(browser), "no run")


def test_a_sequence_is_planned_from_the_remote_folder_and_asked_for_and_so_is_a_file(
    station: Station, tmp_path: Path
) -> None:
    browser = station.open("passes")
    browser.find("[data-field=plan-command]")
    browser.click(".kw-plan-kinds button:nth-of-type(2)")
    browser.find("input[data-field=plan-remote]").send_keys("/other.bin")
    browser.await_text("What is in it is not known here.")
    browser.click("[data-action=browse]")
    browser.click(".q-dialog [data-action=list]")
    picked = "//div[contains(@class, 'kw-node')][.//span[text()='danger.bin']]//button[@aria-label='Choose']"
    browser.until(lambda: clicked_at(browser, picked), "danger.bin is not listed")
    browser.await_text("It sends hazardous commands: FileHandling.fileManager.RemoveDirectory")
    assert browser.find("input[data-field=plan-remote]").get_attribute("value") == "/danger.bin"
    browser.until(lambda: not browser.all(".q-dialog"), "the folder stays")
    browser.click(".kw-plan-when button:nth-of-type(2)")
    browser.click("[data-action=plan]")
    browser.await_text("/danger.bin sends hazardous commands")
    assert station.server.get("deployments/station/plans")["plans"] == []
    browser.click("[data-action=agree]")
    browser.find("[data-plan-state=planned]")
    (plan,) = station.server.get("deployments/station/plans")["plans"]
    assert (plan["kind"], plan["subject"], plan["confirmed"]) == ("sequence", "/danger.bin", True)
    browser.until(lambda: not browser.all(".q-dialog"), "the question stays")
    browser.click(".kw-plan-kinds button:nth-of-type(3)")
    browser.click("[data-action=plan]")
    browser.await_text("file: choose one")
    (tmp_path / "map.txt").write_text("north")
    browser.all("input[type=file]")[0].send_keys(str(tmp_path / "map.txt"))
    browser.await_text("map.txt, 5 B: ready to be sent")
    field = browser.find("input[data-field=plan-time]")
    field.send_keys("\b" * 5 + "0s")
    browser.click("[data-action=plan]")
    browser.find("[data-plan-state=completed]")
    assert (station.device.root / "map.txt").read_text() == "north"
    assert "plan made" in station.audited()


def test_a_text_is_opened_again_and_deleted(station: Station) -> None:
    browser = station.open("sequences")
    browser.find("[data-field=name]").send_keys("kept")
    replace_text(browser, "R00:00:00 CdhCore.cmdDisp.CMD_NO_OP\n")
    browser.await_text("compiles to")
    browser.find(".cm-content").send_keys(Keys.CONTROL, "s")
    browser.await_text("kept.seq is saved.")
    browser = station.open("sequences")
    browser.click("[data-open='kept.seq']")
    browser.until(lambda: "CMD_NO_OP" in browser.find(".cm-content").text, "the text is not shown")
    browser.click("[data-delete='kept.seq']")
    browser.click("[data-action=delete]")
    browser.until(lambda: not browser.all("[data-open='kept.seq']"), "it is still in the list")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("page, title", [("commands", "History"), ("files", "Transfers"), ("sequences", "Runs")])
def test_every_page_renders_on_every_screen(
    page: str, title: str, size: tuple[int, int], dark: bool, station: Station
) -> None:
    station.browser.resize(*size)
    station.browser.set_dark(dark)
    browser = station.open(page)
    browser.await_text(title)
    browser.await_text("Link up")
    assert browser.script("return document.body.classList.contains('body--dark')") is dark
    assert browser.script("return document.documentElement.scrollWidth") <= size[0]


def test_a_viewer_sees_everything_and_is_offered_nothing(
    reference: tuple[Path, Path], station: Station, tmp_path: Path
) -> None:
    users = tmp_path / "users.json"
    adding = [KITTIWAKE, "ground", "users", "add", "vera", "--role", "viewer", "--users", str(users), "--stdin"]
    subprocess.run(adding, input="a long password\n", text=True, check=True, capture_output=True, timeout=30)
    nobody = f"station={reference[1]},tcp://127.0.0.1:{free_port()}"
    server = GroundServer(tmp_path / "ground", [nobody], ["--users", str(users)])
    server.command.remove("--no-dashboard")
    with server:
        browser = station.browser
        browser.open(f"{server.url}d/station/commands")
        browser.find("input[name=name]").send_keys("vera")
        browser.find("input[name=password]").send_keys("a long password", Keys.ENTER)
        browser.until(lambda: clicked(browser, "[data-command='CdhCore.cmdDisp.CMD_NO_OP']"), "no commands")
        browser.await_text("Only an operator sends commands.")
        assert browser.all("[data-action]") == []
        browser.open(f"{server.url}d/station/files")
        browser.await_text("Only an operator moves files")
        assert browser.all("[data-action], input[type=file]") == []
        browser.open(f"{server.url}d/station/sequences")
        replace_text(browser, "R00:00:00 CdhCore.cmdDisp.CMD_NO_OP\n")
        browser.await_text("compiles to")
        assert {one.get_attribute("data-action") for one in browser.all("[data-action]") if one.is_displayed()} == {
            "new"
        }
