"""Procedures on a real server with a real deployment: run to their end, failing, stopped, killed with the server."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from kittiwake.cli.main import main
from kittiwake_ground.client import Ground, RequestRefused
from tests.ports import free_port
from tests.system.browser import NARROW, Browser
from tests.system.device import Device
from tests.system.ground_server import GroundServer
from tests.system.procedure_files import write_configuration, write_procedures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kittiwake_ground.client import ProcedureRun

WAIT_S = 30.0


class Station:
    """A deployment, and ground stations for it, one after the other, on the same folder."""

    def __init__(self, folder: Path, dictionary: Path, link: str) -> None:
        self.folder = folder
        procedures = write_procedures(folder / "procedures")
        self._options = ["--config", str(write_configuration(folder / "ground.toml", dictionary, link, procedures))]

    def server(self, name: str = "ground") -> GroundServer:
        """A ground station that is not started yet, with a folder of its own."""
        return GroundServer(self.folder / name, [], self._options)


@pytest.fixture(scope="module")
def station(reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    image, dictionary = reference
    folder = tmp_path_factory.mktemp("procedures")
    port = free_port()
    with Device(image, folder / "root", f"tcp-listen://127.0.0.1:{port}"):
        yield Station(folder, dictionary, f"tcp://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def server(station: Station) -> Iterator[GroundServer]:
    made = station.server()
    made.command.remove("--no-dashboard")
    with made:
        made.await_link("station")
        yield made
        assert [one for one in made.lines if not one.startswith("Ground station: ")] == []


@pytest.fixture(scope="module")
def ground(server: GroundServer) -> Iterator[Ground]:
    with Ground(server.url) as made:
        yield made


def ended(ground: Ground, run: ProcedureRun) -> ProcedureRun:
    found = ground.procedures.run(run.id, wait_s=WAIT_S)
    assert found.final, found
    return found


def kinds(entries: list[dict[str, Any]]) -> list[str]:
    return [one["kind"] for one in entries]


def await_note(ground: Ground, run: ProcedureRun) -> str:
    """The first note of a run that is under way."""
    return next(str(one["text"]) for one in ground.procedures.follow(run.id) if one["kind"] == "note")


class Terminal:
    """`kittiwake ground procedure` in this process."""

    def __init__(self, server: GroundServer, printed: pytest.CaptureFixture[str]) -> None:
        self._server = server
        self._printed = printed

    def __call__(self, *words: str, status: int = 0) -> list[str]:
        """Runs a sub-command, and gives the lines that it printed, or those of the errors where it fails."""
        assert main(["ground", "procedure", *words, "--server", self._server.url]) == status
        printed = self._printed.readouterr()
        return (printed.out or printed.err).splitlines()


def await_end(pid: int) -> None:
    deadline = time.monotonic() + WAIT_S
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        pytest.fail(f"process {pid} goes on")


def test_a_run_leaves_its_log_its_output_and_a_trace_in_the_audit_trail(server: GroundServer, ground: Ground) -> None:
    run = ground.procedures.start("check_out", "station", {"rounds": "3"})
    entries = list(ground.procedures.follow(run.id))
    done = ended(ground, run)
    assert (done.state, done.by, dict(done.arguments)) == ("passed", "local", {"rounds": 3, "mode": "quick"})
    assert kinds(entries) == ["begin", *["step", "command", "expectation"] * 3, "wait", "end"]
    assert (entries[0]["by"], entries[0]["deployment"], entries[0]["run"]) == ("local", "station", run.id)
    assert entries[2]["life"][-1]["state"] == "completed"
    assert (entries[3]["met"], entries[-1]["outcome"]) == (True, "passed")
    assert ground.procedures.log(run.id) == entries
    assert ground.procedures.output(run.id) == "mode quick None\n"
    sent = server.get("deployments/station/commands")["commands"][0]
    assert sent["by"] == f"local/check_out#{run.id}"
    trail = [one["action"] for one in server.get("audit")["entries"] if "check_out" in one["detail"]]
    assert "procedure started" in trail


def test_a_procedure_that_cannot_be_started_is_listed_with_its_fault(ground: Ground) -> None:
    found = {one.name: one for one in ground.procedures.all()}
    assert set(found) == {"check_out", "fails", "waits", "stubborn", "dangerous", "broken"}
    assert found["broken"].fault == "line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'"
    rounds, mode = found["check_out"].arguments
    assert (rounds["default"], rounds["type"]["low"], rounds["type"]["high"]) == (2, 1, 5)
    assert (rounds["annotation"], mode["type"]["constants"]) == ("How often it is asked.", ["quick", "full"])
    assert found["dangerous"].hazards == {"station": ["CdhCore.cmdDisp.CMD_NO_OP_STRING"]}
    for name, given, words in (
        ("broken", {}, "cannot be started: line 1"),
        ("nothing", {}, "no procedure 'nothing'"),
        ("fails", {}, "the argument 'remote' is missing"),
        ("check_out", {"rounds": 6}, "rounds: 6 is outside 1 to 5"),
        ("check_out", {"mode": "slow"}, "mode: 'slow' is no constant of mode"),
        ("check_out", {"round": 1}, "has no argument 'round'"),
    ):
        with pytest.raises(RequestRefused, match=words):
            ground.procedures.start(name, "station", given)


def test_a_procedure_that_fails_says_why(ground: Ground) -> None:
    run = ended(ground, ground.procedures.start("fails", "station", {"remote": "/nothing"}))
    assert run.state == "failed"
    assert run.reason.startswith("CommandFailed: FileHandling.fileManager.RemoveFile")
    assert kinds(ground.procedures.log(run.id)) == ["begin", "command", "end"]
    assert "CommandFailed" in ground.procedures.output(run.id)


def test_hazardous_commands_are_confirmed_at_the_start_and_others_refused(ground: Ground) -> None:
    with pytest.raises(RequestRefused, match=r"are to be confirmed: CdhCore\.cmdDisp\.CMD_NO_OP_STRING") as refused:
        ground.procedures.start("dangerous", "station")
    assert refused.value.status == 409
    run = ended(ground, ground.procedures.start("dangerous", "station", confirm=True))
    assert list(run.confirmed) == ["CdhCore.cmdDisp.CMD_NO_OP_STRING"]
    assert run.state == "failed"
    assert "CdhCore.version.VERSION is hazardous, and dangerous does not declare that it sends it" in run.reason
    assert [one["name"] for one in ground.procedures.log(run.id) if one["kind"] == "command"] == list(run.confirmed)


def test_a_stopped_run_tidies_up_and_a_stubborn_one_is_killed_with_its_children(
    server: GroundServer, ground: Ground
) -> None:
    waiting = ground.procedures.start("waits", "station")
    stubborn = ground.procedures.start("stubborn", "station")
    await_note(ground, waiting)
    assert await_note(ground, stubborn) == "deaf"
    with pytest.raises(RequestRefused, match="2 procedures run already"):
        ground.procedures.start("check_out", "station")
    began = time.monotonic()
    for run in (stubborn, waiting):
        ground.procedures.stop(run.id)
    stopped = ended(ground, waiting)
    assert (stopped.state, stopped.reason) == ("stopped", "by local")
    assert [one.get("text", one.get("outcome")) for one in ground.procedures.log(waiting.id)][2:] == [
        "tidied up",
        "aborted",
    ]
    assert ended(ground, stubborn).state == "stopped"
    assert time.monotonic() - began < 15
    assert len(ground.procedures.output(stubborn.id)) <= 256 << 10
    with pytest.raises(RequestRefused, match="has ended: stopped"):
        ground.procedures.stop(waiting.id)


def test_the_command_line_lists_runs_watches_and_shows(
    server: GroundServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())
    cli = Terminal(server, capsys)
    listed = cli("list")
    assert "check_out: Check that the dispatcher answers." in listed
    assert "  rounds = 2  I64 from 1 to 5  How often it is asked." in listed
    assert any(one.startswith("broken: cannot be started: line 1") for one in listed)
    ran = cli("run", "check_out", "rounds=1")
    assert "command      station: CdhCore.cmdDisp.CMD_NO_OP completed (queued" in ran[2]
    assert ran[-1].startswith("check_out #")
    assert cli("log") == ran[:-1]
    assert cli("watch") == ran
    assert cli("log", "--output") == ["mode quick None"]
    assert cli("list", "--runs")[0].split()[1] == "passed"
    assert "say --yes to confirm them" in cli("run", "dangerous", status=2)[0]
    assert cli("run", "fails", "remote=/nothing", status=1)[-1].split(": ")[1] == "failed"
    assert "is missing" in cli("run", "fails", status=2)[0]
    assert cli("run", "waits", "--no-follow")[0].split()[1] == "running"
    assert cli("stop")[0].split()[1] == "stopped"
    assert "has ended" in cli("stop", status=1)[0]


def test_a_procedure_is_run_watched_and_stopped_and_a_command_looked_up_in_a_browser(
    require_browser: None, server: GroundServer, ground: Ground
) -> None:
    with Browser() as browser, browser.without_complaints():
        browser.open(f"{server.url}d/station/procedures")
        browser.click("[data-procedure=check_out]")
        browser.await_text("Check that the dispatcher answers.")
        field = browser.find("[data-argument=rounds]")
        field.send_keys(Keys.BACKSPACE, "9")
        browser.click("[data-action=start]")
        browser.await_text("rounds: 9 is outside 1 to 5")
        field.send_keys(Keys.BACKSPACE, "3")
        browser.click("[data-action=start]")
        browser.await_text("3. Round 3")
        browser.until(lambda: "passed" in browser.find("[data-run-state]").text, "the run does not pass")
        log = browser.find(".kw-log").text
        assert log.count("CdhCore.cmdDisp.CMD_NO_OP completed (queued") == 3
        browser.click("[data-procedure=waits]")
        browser.await_text("Wait for what does not come")
        browser.click("[data-action=start]")
        browser.await_text("process ")
        browser.click("[aria-label=Stop]")
        browser.await_text("tidied up")
        browser.await_text("by local")
        browser.click("[data-procedure=dangerous]")
        browser.await_text("Sends hazardous commands: CdhCore.cmdDisp.CMD_NO_OP_STRING")
        browser.click("[data-action=start]")
        browser.await_text("armed, for")
        browser.click("[data-procedure=broken]")
        browser.await_text("No module named 'nothing_of_that_name'")
        assert ground.procedures.runs(1)[0].procedure == "waits"
        _look_up(browser, server)


def _look_up(browser: Browser, server: GroundServer) -> None:
    """The handbook's search finds a command, and its address leads to it."""
    browser.open(f"{server.url}handbook")
    browser.find("#search").send_keys("no_op_string string size 40")
    browser.until(lambda: browser.find("#count").text.startswith("1 of "), "the search finds more or less than one")
    found = browser.find("article:not([hidden])")
    assert "CdhCore.cmdDisp.CMD_NO_OP_STRING" in found.text
    assert "hazardous" in found.text  # this ground station says so, not the dictionary
    browser.open(f"{server.url}handbook/station#channel:ReferenceDeployment.systemResources.CPU")
    top = "return document.querySelector(':target').getBoundingClientRect().top"
    browser.until(lambda: 0 < browser.script(top) < 300, "the address does not lead there")
    browser.resize(*NARROW)
    assert browser.script("return document.documentElement.scrollWidth") == NARROW[0]


def test_runs_end_with_the_server_and_stay_in_the_list_as_interrupted(station: Station) -> None:
    """Once it is killed, once it ends in order; the processes of the runs end both times."""
    before: list[ProcedureRun] = []
    for number in (signal.SIGKILL, signal.SIGTERM):
        with station.server("killed") as server, Ground(server.url) as ground:
            for one in before:
                run = ground.procedures.run(one.id)
                assert (run.state, run.reason) == ("interrupted", "the ground station ended meanwhile")
                entries = ground.procedures.log(one.id)
                assert kinds(entries)[:2] == ["begin", "note"]
                assert entries[-1]["outcome"] in ("aborted", "failed")
            before.append(ground.procedures.start("waits", "station"))
            pid = int(await_note(ground, before[-1]).split()[1])
            server.stop(number)
        await_end(pid)
    record = json.loads((station.folder / "killed/procedures" / str(before[-1].id) / "run.json").read_text())
    assert (record["state"], record["reason"]) == ("interrupted", "the ground station ended meanwhile")
