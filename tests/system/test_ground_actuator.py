"""`kittiwake ground actuator` with a real deployment of topologies/building.yaml."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kittiwake.cli.main import main
from tests.system.building_device import OPERATOR, RIVAL, VIEWER, ZONE, Api
from tests.system.device import KITTIWAKE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300)]

DEVICE = str(ZONE["name"])
POINT = f"{DEVICE}/SetPoint"


class Done(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = Api(tmp_path_factory.mktemp("building"))
    made.start()
    made.add_zone()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def run(api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Done]]:
    """Runs `kittiwake ground actuator` as the operator whose token is in the environment."""
    monkeypatch.setenv("KITTIWAKE_BUILDING", api.url)
    monkeypatch.setenv("KITTIWAKE_BUILDING_TOKEN", OPERATOR)

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        try:
            status = main(["ground", "actuator", *[str(one) for one in arguments]])
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Done(status, *capsys.readouterr())

    yield call
    for task in api.operator.get("/schedules").json()["tasks"]:
        token = {"agent": OPERATOR, "rival": RIVAL}[task["owner"]]
        api.client(token).delete(f"/schedules/{task['task']}")


@pytest.fixture
def rival(tmp_path: Path) -> list[str]:
    """The options of somebody else, whose token is in a file."""
    (tmp_path / "rival.token").write_text(RIVAL + "\n")
    return ["--token-file", str(tmp_path / "rival.token")]


def slot(begin_min: float = -1, end_min: float = 10) -> list[str]:
    now = datetime.now(UTC)
    return ["--slot", DEVICE, *[(now + timedelta(minutes=one)).isoformat() for one in (begin_min, end_min)]]


def test_who_holds_a_device_writes_to_it_and_reverts(run: Callable[..., Done]) -> None:
    done = run("set", POINT, "19.5")
    assert (done.status, done.out) == (1, "")
    assert "LockError" in done.err
    assert "kittiwake ground actuator new" in done.err
    assert run("new", "cooling", *slot()) == (0, "cooling: SUCCESS\n", "")
    assert run("set", POINT, "19.5") == (0, f"{POINT} = 19.5\n", "")
    assert run("get", POINT, "--json") == (0, json.dumps({"point": POINT, "value": 19.5}) + "\n", "")
    assert run("set", POINT, "0", "--priority", "8", "--json").out == json.dumps({"point": POINT, "value": 0}) + "\n"
    assert run("revert", POINT) == (0, f"{POINT}: reverted\n", "")
    assert run("revert", DEVICE, "--device", "--json") == (0, json.dumps({"reverted": DEVICE}) + "\n", "")
    assert run("get", DEVICE, "--all").out.splitlines()[1].split() == [POINT, "21.0"]
    assert run("cancel", "cooling") == (0, "cooling: SUCCESS\n", "")


def test_tasks_and_holders_are_listed(run: Callable[..., Done]) -> None:
    assert run("list") == (0, "", "Nothing is scheduled.\n")
    assert run("list", "--json") == (0, "", "")
    assert run("list", "--holders") == (0, "", "Nobody holds a device.\n")
    assert run("new", "day", *slot(), *slot(20, 30), "--priority", "LOW_PREEMPT", "--on-release", "revert").status == 0
    head, first, second = run("list").out.splitlines()
    assert head.split() == ["TASK", "OWNER", "PRIORITY", "STATE", "DEVICE", "START", "END"]
    assert first.split()[:5] == ["day", "agent", "LOW_PREEMPT", "RUNNING", DEVICE]
    assert second.split()[0] == DEVICE
    assert first.index(DEVICE) == second.index(DEVICE)
    listed = json.loads(run("list", "--json").out)
    assert (listed["task"], listed["on_release"], len(listed["slots"])) == ("day", "revert", 2)
    held = json.loads(run("list", "--holders", "--json").out)
    assert (held["device"], held["owner"], held["task"]) == (DEVICE, "agent", "day")
    assert 0 < held["window"] <= 600
    assert run("list", "--holders").out.splitlines()[1].split()[:3] == [DEVICE, "agent", "day"]


def test_conflicts_are_shown_and_high_preempts(run: Callable[..., Done], rival: list[str]) -> None:
    assert run("new", "day", *slot(-1, 10)).status == 0
    refused = run("new", "other", *slot(5, 20), *rival)
    assert (refused.status, refused.err) == (1, "other: CONFLICTS_WITH_EXISTING_SCHEDULES\n")
    assert refused.out.splitlines()[1].split()[:3] == ["agent", "day", DEVICE]
    told = json.loads(run("new", "other", *slot(5, 20), *rival, "--json").out)
    assert "day" in told["data"]["agent"]
    assert run("cancel", "day", *rival).err == "day: AGENT_ID_TASK_ID_MISMATCH\n"
    assert run("cancel", "nothing").status == 1
    assert run("cancel", "day").status == 0
    assert run("new", "weak", *slot(), "--priority", "LOW_PREEMPT").status == 0
    strong = run("new", "strong", *slot(), "--priority", "HIGH", *rival)
    assert (strong.status, strong.out.splitlines()[0]) == (0, "strong: SUCCESS (TASK_WERE_PREEMPTED)")
    assert strong.out.splitlines()[2].split() == ["agent", "weak"]


def test_a_request_can_be_a_file(run: Callable[..., Done], tmp_path: Path) -> None:
    path = tmp_path / "preheat.json"
    path.write_text(json.dumps({"task": "preheat", "priority": "HIGH", "slots": [slot()[1:]]}))
    assert run("new", "--file", path).out == "preheat: SUCCESS\n"
    assert run("new", "later", "--file", path, *slot(20, 30)).out == "later: SUCCESS\n"
    path.write_text('{"task": "x", "when": 3}')
    assert run("new", "--file", path).status == 2
    path.write_text("[")
    assert run("new", "--file", path).status == 2
    assert run("new", "--file", tmp_path / "none").status == 1


def test_an_override_keeps_everybody_out(run: Callable[..., Done]) -> None:
    assert run("new", "day", *slot()).status == 0
    assert run("override", "list") == (0, "", "Nothing is overridden.\n")
    shown = run("override", "on", "campus/b1/*", "--duration", "600").out
    assert [line.split() for line in shown.splitlines()[1:]] == [["pattern", "campus/b1/*"], ["device", DEVICE]]
    refused = run("set", POINT, "18")
    assert (refused.status, refused.out) == (1, "")
    assert json.loads(run("override", "list", "--json").out) == {"patterns": ["campus/b1/*"], "devices": [DEVICE]}
    assert run("override", "off", "campus/b2/*").status == 1
    assert run("override", "off", "campus/b1/*").status == 0
    assert run("override", "on", "campus/*", "--keep", "--staggered").status == 0
    assert run("override", "clear").err == "Nothing is overridden.\n"
    assert run("set", POINT, "18").status == 0


@pytest.mark.parametrize(
    "words",
    [
        ["new"], ["new", "task"], ["new", "task", "--slot", DEVICE, "never", "later"], ["new", "task", *slot(10, -1)],
        ["override", "on"], ["set", POINT, "1", "--priority", "17"], ["list", "--api", "ftp://127.0.0.1/"],
        ["get", ""], ["misspelt"], [],
    ],
)  # fmt: skip
def test_what_makes_no_sense_ends_with_2(run: Callable[..., Done], words: list[str]) -> None:
    done = run(*words)
    assert (done.status, done.out) == (2, "")
    assert "Traceback" not in done.err


def test_a_point_that_is_not_there_does_not_hide_the_others(run: Callable[..., Done]) -> None:
    done = run("get", POINT, f"{DEVICE}/Nothing")
    assert (done.status, done.out.splitlines()[1].split()[0]) == (1, POINT)
    assert done.err.startswith(f"{DEVICE}/Nothing: ")


def test_a_viewer_looks_and_nothing_else(run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITTIWAKE_BUILDING_TOKEN", VIEWER)
    assert run("get", POINT).status == 0
    refused = run("new", "task", *slot())
    assert (refused.status, refused.out) == (1, "")
    assert "may look, and nothing else" in refused.err


def test_who_is_not_known_or_asks_nowhere_is_told_so(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A token is never an argument, and no message shows one."""
    secret = "nobodys-token-whatever"
    monkeypatch.setenv("KITTIWAKE_BUILDING_TOKEN", secret)
    unknown = run("list")
    assert (unknown.status, unknown.out) == (1, "")
    assert "does not know this token" in unknown.err
    assert secret not in unknown.err
    monkeypatch.delenv("KITTIWAKE_BUILDING_TOKEN")
    assert run("list").status == 2
    assert run("list", "--token-file", tmp_path / "none").status == 1
    (tmp_path / "two").write_text("me operator 0123456789abcdef\n")
    assert "a token is wanted there, and nothing else" in run("list", "--token-file", tmp_path / "two").err
    monkeypatch.setenv("KITTIWAKE_BUILDING_TOKEN", OPERATOR)
    monkeypatch.setenv("KITTIWAKE_BUILDING", "http://127.0.0.1:9")
    gone = run("list")
    assert (gone.status, gone.out) == (1, "")
    assert "no building API answers at http://127.0.0.1:9: Connection refused" in gone.err
    monkeypatch.delenv("KITTIWAKE_BUILDING")
    assert run("list").status == 2


def test_follow_prints_what_is_published_until_interrupted(run: Callable[..., Done], api: Api) -> None:
    process = subprocess.Popen(
        [KITTIWAKE, "ground", "actuator", "follow", "--json"], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "KITTIWAKE_BUILDING": api.url, "KITTIWAKE_BUILDING_TOKEN": VIEWER, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        # It says nothing once it listens: ask until something is heard.
        lines: list[dict[str, object]] = []
        for number in range(100):
            assert run("new", f"day{number}", *slot()).status == 0
            assert run("set", POINT, str(number)).status == 0
            assert run("cancel", f"day{number}").status == 0
            if _has_printed(process):
                lines = [json.loads(process.stdout.readline())]
                break
        assert str(lines[0]["topic"]).startswith("devices/actuators/")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.communicate()


def _has_printed(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0.2)[0])


def test_follow_shows_messages_in_one_line_each() -> None:
    from kittiwake_ground.commands.actuator.follow import message_line

    headers = {"time": "2026-05-06T08:01:00.250000+00:00", "requesterID": "agent", "taskID": "day", "window": 4.5}
    line = message_line({"topic": "devices/actuators/schedule/announce/a/b", "headers": headers})
    assert line.split() == [
        "08:01:00.250", "devices/actuators/schedule/announce/a/b", "requesterID=agent", "taskID=day", "window=4.5"
    ]  # fmt: skip
    assert message_line({"topic": "a", "headers": {}, "body": 0}).split() == ["a", "0"]
    assert "\x1b" not in message_line({"topic": "a\x1b[2J", "headers": {}})
