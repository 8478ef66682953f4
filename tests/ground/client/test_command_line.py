"""`kittiwake ground` through a server: the real application with a scripted deployment."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kittiwake.cli.main import main
from kittiwake_ground.client import Ground, TransferFailed
from kittiwake_ground.commands.progress import progress_bar
from kittiwake_ground.server.sequence_files import SequenceFiles
from kittiwake_ground.server.sequences import SequenceRun, Sequences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.ground.client.scripted_deployment import ScriptedDeployment
    from tests.ground.client.served import Served

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
TEST_CMD = "CdhCore.cmdDisp.CMD_TEST_CMD_1"
RECEIVED = "CdhCore.cmdDisp.NoOpReceived"
DOWN = "ComCcsds.link.BytesDown"
LEVEL = "CdhCore.tlmSend.LEVEL"


class Done(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def run(
    served: Served, station: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Runs `kittiwake ground` with the server of the fixtures; nobody is there to be asked."""
    monkeypatch.setenv("KITTIWAKE_GROUND", served.url)
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        try:
            status = main(["ground", *[str(one) for one in arguments]])
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Done(status, *capsys.readouterr())

    return call


def test_send_prints_the_events_and_ends_with_0(run: Callable[..., Done], device: ScriptedDeployment) -> None:
    def script() -> None:
        device.say(RECEIVED)
        device.complete(NO_OP)

    device.script[NO_OP] = script
    done = run("send", NO_OP)
    names = [line.split()[2] for line in done.out.splitlines()]
    assert (done.status, done.err) == (0, "")
    assert names == ["CdhCore.cmdDisp.OpCodeDispatched:", f"{RECEIVED}:", "CdhCore.cmdDisp.OpCodeCompleted:"]


def test_send_ends_with_1_if_the_command_fails_or_is_not_answered(
    run: Callable[..., Done], device: ScriptedDeployment
) -> None:
    device.script[NO_OP] = lambda: device.fail(NO_OP, "EXECUTION_ERROR")
    done = run("send", NO_OP)
    assert (done.status, done.err) == (1, f"kittiwake ground send: {NO_OP} failed: EXECUTION_ERROR\n")
    device.script[NO_OP] = lambda: None
    done = run("send", NO_OP, "--timeout", "0.3")
    assert (done.status, done.err) == (1, f"kittiwake ground send: {NO_OP} was not answered within 0.3 s\n")


def test_send_says_that_a_command_is_held_while_the_link_is_down(
    run: Callable[..., Done], device: ScriptedDeployment, station: Deployment
) -> None:
    device.close()
    until_s = time.monotonic() + 10
    while station.link().state == "up":
        assert time.monotonic() < until_s
    done = run("send", NO_OP, "--timeout", "0.3")
    held, ended = done.err.splitlines()
    assert held.startswith("The link is ")
    assert held.endswith(": the command is held for up to 0.3 s")
    assert (done.status, ended.startswith(f"kittiwake ground send: {NO_OP} ")) == (1, True)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["CdhCore.cmdDisp.CMD_NOOP"], "did you mean CdhCore.cmdDisp.CMD_NO_OP?"),
        ([NO_OP, "5"], "takes 0 arguments"),
        ([NO_OP, "--deployment", "other"], "no deployment 'other'; there are small"),
        ([NO_OP, "--link", "tcp://127.0.0.1:1", "--server", "http://127.0.0.1:1"], "either through a server, or"),
        ([TEST_CMD, "1", "2", "3"], "is hazardous; say --yes to send it"),
    ],
)
def test_send_ends_with_2_where_nothing_can_be_sent(
    arguments: list[str], said: str, run: Callable[..., Done], device: ScriptedDeployment
) -> None:
    done = run("send", *arguments)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert device.received == []


@pytest.mark.parametrize("answer, status, sent", [("y\n", 0, [TEST_CMD]), ("n\n", 2, []), ("", 2, [])])
def test_a_hazardous_command_asks(
    answer: str,
    status: int,
    sent: list[str],
    run: Callable[..., Done],
    device: ScriptedDeployment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    done = run("send", TEST_CMD, "1", "2", "3")
    assert (done.status, device.received) == (status, sent)
    assert "is hazardous: Does nothing but repeat its arguments." in done.err
    assert run("send", TEST_CMD, "1", "2", "3", "--yes").status == 0


@pytest.mark.parametrize("way", ["server", "dictionary"])
def test_the_arguments_of_a_command_are_explained(way: str, run: Callable[..., Done], dictionary_file: Path) -> None:
    options = [] if way == "server" else ["-d", dictionary_file]
    done = run("send", TEST_CMD, "--help-arguments", *options)
    assert done.status == 0
    assert done.out.startswith(f"{TEST_CMD} arg1 arg2 arg3")
    assert "arg3  U8 from 0 to 255" in done.out
    assert (
        "Svc.VersionType: PROJECT | FRAMEWORK"
        in run("send", "CdhCore.version.VERSION", "--help-arguments", *options).out
    )


def test_events_and_channels_are_printed_in_every_form(
    run: Callable[..., Done], station: Deployment, device: ScriptedDeployment
) -> None:
    station.send(NO_OP)
    device.tell(DOWN, 5)
    station.wait_for(DOWN, 5, timeout_s=60)
    assert "OpCodeCompleted: " in run("events", "--last", "1").out
    assert json.loads(run("events", "--json", "--last", "1", "*.OpCodeDispatched").out)["arguments"]["port"] == 0
    rows = list(csv.DictReader(io.StringIO(run("events", "--csv", "--severity", "COMMAND").out)))
    assert [row["severity"] for row in rows] == ["COMMAND", "COMMAND"]
    assert run("channels").out.endswith(f"{DOWN} = 5 B\n")
    assert json.loads(run("channels", "--json", DOWN).out)["value"] == 5
    assert list(csv.reader(io.StringIO(run("channels", "--csv", DOWN).out)))[1][1:] == [DOWN, "5", "B", ""]
    wrong = run("events", "CdhCore.cmdDisp.NoOpReceivd")
    assert (wrong.status, wrong.out) == (1, "")
    assert "did you mean" in wrong.err


def test_history_is_printed_as_values_and_as_buckets(
    run: Callable[..., Done], station: Deployment, device: ScriptedDeployment
) -> None:
    for value in (1, 2, 3):
        device.tell(DOWN, value)
    station.wait_for(DOWN, 3, timeout_s=60)
    assert [line.split()[1] for line in run("history", DOWN).out.splitlines()] == ["1", "2", "3"]
    assert [json.loads(line)["value"] for line in run("history", DOWN, "--json").out.splitlines()] == [1, 2, 3]
    assert run("history", DOWN, "--csv").out.startswith("time,time_us,received_us,value\n")
    assert run("history", DOWN, "--buckets", "5", "--csv").out.startswith("start,start_us,count,min,avg,max\n")
    assert run("history", "ComCcsds.link.Bytes").status == 2
    assert run("history", DOWN, "--start", "soon").status == 1
    assert run("history", DOWN, "--buckets", "1").status == 2


def test_a_parameter_is_set_saved_and_compared(run: Callable[..., Done], device: ScriptedDeployment) -> None:
    assert run("params", "get", LEVEL).out == f"{LEVEL} = ?  (default 1)\n"
    assert run("params", "set", LEVEL, "2", "--save").status == 0
    assert device.received[-2:] == [f"{LEVEL}_PRM_SET", f"{LEVEL}_PRM_SAVE"]
    assert run("params", "diff")[:2] == (3, f"{LEVEL} = 2  (default 1)\n")
    assert json.loads(run("params", "get", LEVEL, "--json").out)["value"] == 2
    device.script[f"{LEVEL}_PRM_SET"] = lambda: device.fail(f"{LEVEL}_PRM_SET", "VALIDATION_ERROR")
    assert run("params", "set", LEVEL, "3").status == 1
    assert [run("params", *words).status for words in (("get",), ("set", LEVEL), ("set", LEVEL, "x"))] == [2, 2, 2]
    assert run("params", "get", "CdhCore.tlmSend.LEVL").status == 2


def test_parameters_are_compared_between_times_and_deployments(run: Callable[..., Done], station: Deployment) -> None:
    assert run("params", "diff", LEVEL).status == 1, "what is not known is not the same"
    station.parameters.set(LEVEL, 2)
    middle_us = station.parameters.get(LEVEL).known_us + 1
    middle = datetime.fromtimestamp(middle_us / 1e6, UTC).isoformat()
    station.parameters.set(LEVEL, 3)
    deadline_s = time.monotonic() + 10
    while True:  # the archive has it within a second
        shown = next(one for one in station.parameters.diff(middle_us, "small") if one.name == LEVEL)
        if shown.verdict != "unknown" or time.monotonic() > deadline_s:
            break
        time.sleep(0.05)
    assert shown.first is not None
    assert shown.second is not None
    assert (shown.verdict, shown.first.value, shown.second.value) == ("different", 2, 3)
    done = run("params", "diff", LEVEL, "--from", middle)
    assert done[:2] == (3, f"{LEVEL}: 2 -> 3\n")
    assert json.loads(run("params", "diff", LEVEL, "--from", middle, "--json").out)["second"]["value"] == 3
    assert run("params", "diff", LEVEL, "--from", middle, "--to", middle)[:2] == (0, "")
    assert run("params", "diff", LEVEL, "--with", "small")[:2] == (0, "")
    assert [run("params", "diff", *words).status for words in (("--with", "x"), ("--to", "1h"), ("x",))] == [2, 2, 2]
    assert run("params", "diff", "--from", "soon").status == 1


def test_a_sequence_is_compiled_or_its_faults_are_shown(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.seq").write_text(f"R00:00:00 {NO_OP}\n")
    (tmp_path / "bad.seq").write_text(f"R00:00:00 {NO_OP} 1\nR00:00:00 CdhCore.x\n")
    assert run("seq", "compile", "good.seq") == (0, "good.bin\n", "")
    assert (tmp_path / "good.bin").stat().st_size > 0
    done = run("seq", "compile", "bad.seq")
    assert (done.status, done.out) == (1, "")
    assert f"    R00:00:00 {NO_OP} 1\n" in done.err
    assert "bad.seq:2:11: " in done.err
    assert [run("seq", action).status for action in ("compile", "upload", "run")] == [2, 2, 2]
    assert run("seq", "follow").err == "kittiwake ground seq: the server knows of no such run\n"


@pytest.mark.parametrize("answer", ["n\n", "", None])
def test_a_sequence_with_hazardous_commands_asks(
    answer: str | None,
    run: Callable[..., Done],
    device: ScriptedDeployment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "try.seq").write_text(f"R00:00:00 {TEST_CMD} 1 2 3\n")
    terminal = io.StringIO(answer or "")
    monkeypatch.setattr(terminal, "isatty", lambda: answer is not None)
    monkeypatch.setattr(sys, "stdin", terminal)
    for action in ("upload", "run"):
        done = run("seq", action, tmp_path / "try.seq")
        assert (done.status, done.out, device.received) == (2, "", [])
        assert f"/try.bin sends hazardous commands: {TEST_CMD}" in done.err
        assert ("say --yes to confirm them" in done.err) == (answer is None)


@pytest.mark.parametrize("answer, words", [("y\n", ()), (None, ("--yes",))])
def test_a_run_of_a_known_sequence_asks_too_and_goes_on_once_it_is_meant(
    answer: str | None,
    words: tuple[str, ...],
    run: Callable[..., Done],
    station: Deployment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def begin(sequences: Sequences, remote: str, *rest: object) -> SequenceRun:
        asked.append(remote)
        return SequenceRun(1, "sequencer", remote, "ada")

    monkeypatch.setattr(Sequences, "run", begin)
    monkeypatch.setattr(SequenceFiles, "commands_of", lambda self, remote: (TEST_CMD,))
    terminal = io.StringIO(answer or "")
    monkeypatch.setattr(terminal, "isatty", lambda: answer is not None)
    monkeypatch.setattr(sys, "stdin", terminal)
    done = run("seq", "run", "--remote", "/try.bin", "--no-follow", *words)
    assert (done.status, done.out, asked) == (0, "/try.bin: requested\n", ["/try.bin"]), done.err


@pytest.mark.parametrize("answer, status", [("y\n", 0), ("n\n", 2), (None, 2)])
def test_a_planned_run_of_a_known_sequence_asks(
    answer: str | None, status: int, run: Callable[..., Done], station: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sequences, "run_command", lambda self, remote, sequencer: (NO_OP, []))
    monkeypatch.setattr(SequenceFiles, "commands_of", lambda self, remote: (TEST_CMD,))
    terminal = io.StringIO(answer or "")
    monkeypatch.setattr(terminal, "isatty", lambda: answer is not None)
    monkeypatch.setattr(sys, "stdin", terminal)
    done = run("plan", "run", "/try.bin", "--in", "1h")
    assert (done.status, f"{TEST_CMD} is hazardous" in done.err) == (status, True), done
    assert [one.subject for one in station.plans.all()] == ([] if status else ["/try.bin"])


def test_links_end_with_0_only_if_all_are_up(
    run: Callable[..., Done], station: Deployment, device: ScriptedDeployment
) -> None:
    up = run("links")
    assert (up.status, up.out.split()[:3]) == (0, ["small", "up", device.link])
    assert json.loads(run("links", "--json").out)["state"] == "up"
    watched = station.watch("links")
    device.close()
    next(one for one in watched if one.subject.state == "down")
    assert run("links").status == 1


def test_the_fleet_ends_with_0_only_if_none_wants_attention(
    run: Callable[..., Done], served: Served, station: Deployment, device: ScriptedDeployment
) -> None:
    head, row, *_ = run("fleet").out.splitlines()
    assert head.split() == ["DEPLOYMENT", "STATE", "HEARD", "NEXT", "MODE", "BATTERY", "BOOTS", "ALARMS", "WAITING"]
    assert row.split()[:3] == ["ok", "small", "up"]
    assert (run("fleet").status, run("fleet", "--attention").out.splitlines()) == (0, [head])
    station.alarms.set_limits(DOWN, {"high": {"red": 10}})
    device.tell(DOWN, 11)
    station.wait_for(DOWN, 11)
    while not (done := run("fleet", "--attention")).status:
        time.sleep(0.05)  # one look serves all who ask within a quarter of a second
    assert (done.status, done.out.splitlines()[1].split()[:2]) == (1, ["RED", "small"])
    assert "red alarm not acknowledged: link.BytesDown" in done.out
    shown = json.loads(run("fleet", "--json").out)
    assert (shown["name"], shown["reasons"][0]["concern"], shown["unseen"]) == ("small", "RED_ALARM", {"RED": 1})
    with Ground(served.url) as ground:
        (found,) = ground.fleet()
    assert (found.level, found.reasons[0].page, found.state) == ("RED", "alarms", "up")


def test_a_file_by_cfdp_goes_through_a_server_and_is_listed_and_given_up(
    run: Callable[..., Done], station: Deployment, device: ScriptedDeployment, tmp_path: Path
) -> None:
    device.close()
    (tmp_path / "a").write_bytes(b"abc")
    straight = run("upload", "--cfdp", tmp_path / "a", "a", "--link", "tcp://127.0.0.1:1")
    assert (straight.status, straight.out) == (2, "")
    assert "--cfdp goes through a server" in straight.err
    with pytest.raises(TransferFailed) as given_up:  # the link is down
        station.upload(b"abc", "notes/a", way="cfdp", timeout_s=0.2)
    assert (given_up.value.result.state, given_up.value.result.way) == ("cancelled", "cfdp")
    done = run("transfers")
    assert (done.status, done.err) == (0, "")
    assert done.out.split()[1:5] == ["cancelled", "cfdp", "^", "notes/a"]
    [listed] = station.transfers()
    assert json.loads(run("transfers", "--json").out)["sha256"] == listed.sha256
    nothing = run("transfers", "--save", str(listed.id), tmp_path / "b")
    assert (nothing.status, (tmp_path / "b").exists()) == (1, False)
    assert "brought no file down" in nothing.err
    assert run("transfers", "--save", "x", "b").status == 2


def test_no_server_is_said(run: Callable[..., Done]) -> None:
    done = run("links", "--server", "http://127.0.0.1:1")
    assert (done.status, done.out) == (1, "")
    assert "no ground station answers at http://127.0.0.1:1: Connection refused; start one with" in done.err
    assert run("upload", "absent", "/x").err == "kittiwake ground upload: absent: No such file or directory\n"


def test_without_server_and_link_it_goes_straight_and_says_so(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KITTIWAKE_GROUND")
    monkeypatch.setattr("kittiwake_ground.commands.server_option.DEFAULT_URL", "http://127.0.0.1:1")
    done = run("send", NO_OP)
    assert done.status == 2
    assert done.err.startswith("No ground station at http://127.0.0.1:1: straight over tcp://127.0.0.1:50000.\n")
    assert "which dictionary?" in done.err


@pytest.mark.parametrize("watched", [True, False])
def test_progress_is_shown_only_where_somebody_watches(watched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: watched)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("/file.bin") as told:
        if told is not None:
            told(0, 0)
            told(500, 1000)
    assert ("/file.bin" in terminal.getvalue(), "0.5/1.0 kB" in terminal.getvalue()) == (watched, watched)


def test_export_writes_every_archived_sample_as_csv(
    run: Callable[..., Done], device: ScriptedDeployment, station: Deployment, tmp_path: Path
) -> None:
    for value in (5, 6):
        device.tell(DOWN, value)
    station.wait_for(DOWN, 6, timeout_s=60)
    target = tmp_path / "down.csv"

    def exported() -> list[dict[str, str]]:
        done = run("export", "ComCcsds.link.*", "-o", target)
        assert (done.status, done.err) == (0, ""), done
        return list(csv.DictReader(target.read_text().splitlines()))

    until_s = time.monotonic() + 10
    while len(rows := exported()) < 2:  # what came is archived within a second
        assert time.monotonic() < until_s
    assert [(row["channel"], row["value"]) for row in rows] == [(DOWN, "5"), (DOWN, "6")]
    assert list(tmp_path.glob("*.part")) == []
    assert run("export", DOWN, "--start", "2099-01-01").out.splitlines() == [target.read_text().splitlines()[0]]


def test_export_of_events_and_what_cannot_be_exported(run: Callable[..., Done], device: ScriptedDeployment) -> None:
    device.say(RECEIVED)
    until_s = time.monotonic() + 10
    while RECEIVED not in (done := run("export", "--events")).out:
        assert time.monotonic() < until_s
    assert done.out.startswith("time,time_us,severity,name,text,")
    assert run("export", "Nothing.*").status == 2
    assert run("export", DOWN, "--events").status == 2
    assert run("export", DOWN, "--start", "yesterday").status == 1
