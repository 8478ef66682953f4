"""`kittiwake ground serve` with running deployments, each in a process of its own, over loopback."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

from tests.ports import free_port
from tests.system.device import KITTIWAKE
from tests.system.ground_server import GroundServer, ServerFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

    from tests.system.device import Device

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
NO_OP_STRING = "CdhCore.cmdDisp.CMD_NO_OP_STRING"
STEPS = ["queued", "sent", "dispatched", "completed"]


class Pair:
    """A deployment and the ground station that serves it as `reference`."""

    def __init__(self, device: Device, server: GroundServer) -> None:
        self.device = device
        self.server = server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., GroundServer]]:
    """Starts ground stations; they are killed when the test ends."""
    with ExitStack() as stack:

        def start(*deployments: str, options: tuple[str, ...] = (), folder: str = "ground") -> GroundServer:
            return stack.enter_context(GroundServer(tmp_path / folder, deployments, options))

        yield start


@pytest.fixture
def pair(reference: tuple[Path, Path], start_device: Callable[..., Device], serve: Callable[..., GroundServer]) -> Pair:
    """The reference deployment, served."""
    port = free_port()
    device = start_device(f"tcp-listen://127.0.0.1:{port}")
    server = serve(f"reference={reference[1]},tcp://127.0.0.1:{port}")
    server.await_link("reference")
    return Pair(device, server)


def messages(socket: ClientConnection, kind: str, count: int) -> list[dict[str, Any]]:
    """So many subjects of a kind, as they come."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = json.loads(socket.recv(timeout=15))
        found += [one["subject"] for one in message.get("updates", []) if one["kind"] == kind]
    return found


@contextmanager
def listen(server: GroundServer, **subscription: Any) -> Iterator[ClientConnection]:
    """A WebSocket with one subscription, confirmed."""
    with connect(server.url.replace("http", "ws") + "api/v1/ws") as socket:
        socket.send(json.dumps({"type": "subscribe", "id": 1, "deployment": "reference", **subscription}))
        assert json.loads(socket.recv(timeout=10)) == {"type": "subscribed", "id": 1}
        yield socket


def test_a_command_goes_through_its_life_and_its_events_are_there(pair: Pair) -> None:
    server = pair.server
    with listen(server, kinds=["commands", "events"], names=["CdhCore.cmdDisp.*"]) as socket:
        sent = server.send("reference", NO_OP_STRING, "hello")
        assert sent["state"] == "completed"
        assert sent["arguments"] == {"arg1": "hello"}
        assert [step["state"] for step in sent["steps"]] == STEPS
        event = next(one for one in messages(socket, "events", 3) if one["name"].endswith("NoOpStringReceived"))
        assert event["arguments"] == {"message": "hello"}
        assert event["time"].endswith("Z")
    kept = server.get("deployments/reference/events", name="*.NoOpStringReceived")["events"]
    assert [one["text"] for one in kept] == ["Received a NO-OP string=hello"]
    assert server.get("deployments/reference/commands")["commands"][0] == sent


def test_a_command_that_the_deployment_fails_says_how(pair: Pair) -> None:
    failed = pair.server.send("reference", "ReferenceDeployment.cmdSeq.CS_RUN", "/none.bin", "BLOCK")
    assert failed["state"] == "failed"
    assert failed["response"] == "EXECUTION_ERROR"


def test_channels_come_over_the_websocket_and_stay_as_history(pair: Pair) -> None:
    server = pair.server
    name = "CdhCore.cmdDisp.CommandsDispatched"
    with listen(server, kinds=["channels"], names=[name], recent=10) as socket:
        server.send("reference", NO_OP)
        values = [messages(socket, "channels", 1)[0]["value"]]
        while values[-1] < 1:
            values += [one["value"] for one in messages(socket, "channels", 1)]
    latest = server.get(f"deployments/reference/channels/{name}")
    assert latest["value"] == 1
    history = server.get(f"deployments/reference/channels/{name}/history")
    assert history["values"][-1] == 1
    archived = server.await_that(
        f"deployments/reference/channels/{name}/history?start_us=0", lambda found: 1 in found["values"]
    )
    assert archived["source"] == "archive"
    assert len(archived["values"]) == len(archived["time_us"]) == len(archived["received_us"])
    buckets = server.get(f"deployments/reference/channels/{name}/history", buckets=10)
    assert max(buckets["max"]) == 1


def test_a_file_goes_up_is_listed_and_comes_back_the_same(pair: Pair) -> None:
    server = pair.server
    content = random.Random(4).randbytes(150_001)
    up = server.upload("reference", content, "/kept.bin")
    assert (up["state"], up["done_bytes"]) == ("completed", len(content))
    assert (pair.device.root / "kept.bin").read_bytes() == content
    listing = server.post("deployments/reference/listings", {"path": "/"})
    assert {"name": "kept.bin", "is_folder": False, "size": len(content)} in listing["entries"]
    assert listing["complete"]
    begun = server.post("deployments/reference/downloads", {"remote": "/kept.bin"})
    down = server.get(f"deployments/reference/transfers/{begun['id']}", wait_s=20)
    assert down["state"] == "completed"
    response = server.http.get(f"deployments/reference/transfers/{begun['id']}/content")
    assert response.content == content
    assert "attachment" in response.headers["content-disposition"]


def test_a_download_of_nothing_fails_and_leaves_nothing(pair: Pair, tmp_path: Path) -> None:
    begun = pair.server.post("deployments/reference/downloads", {"remote": "/no/such"})
    down = pair.server.get(f"deployments/reference/transfers/{begun['id']}", wait_s=20)
    assert down["state"] == "failed"
    assert "SendFile" in down["reason"]
    assert not [one for one in (tmp_path / "ground/files/reference").glob("*") if one.is_file()]


def test_a_sequence_is_checked_brought_up_run_and_followed(pair: Pair) -> None:
    server = pair.server
    base = "deployments/reference/sequences"
    bad = server.post(f"{base}/check", {"text": f"R00:00:00 {NO_OP}\nR00:00:00 {NO_OP_STRING}X 3\n"})
    assert [(one["line"], one["column"]) for one in bad["faults"]] == [(2, 11)]
    text = f'R00:00:00 {NO_OP}\nR00:00:00.2 {NO_OP_STRING} "two"\nR00:00:00.2 {NO_OP}\n'
    checked = server.post(f"{base}/check", {"text": text, "start_us": 0})
    assert [step["offset_us"] for step in checked["steps"]] == [0, 200_000, 400_000]
    up = server.post(f"{base}/upload", {"text": text, "remote": "/three.bin"})
    assert server.get(f"deployments/reference/transfers/{up['id']}", wait_s=20)["state"] == "completed"
    with listen(server, kinds=["sequences"]) as socket:
        begun = server.post(f"{base}/runs", {"remote": "/three.bin"})
        ended = server.get(f"{base}/runs/{begun['id']}", wait_s=20)
        assert (ended["state"], ended["step"], ended["total"]) == ("completed", 3, 3)
        assert [one["step"] for one in messages(socket, "sequences", 1)]
    refused = server.http.post(f"{base}/upload", json={"text": "nonsense", "remote": "/x.bin"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["line"] == 1


def test_a_running_sequence_is_stopped(pair: Pair) -> None:
    server = pair.server
    base = "deployments/reference/sequences"
    up = server.post(f"{base}/upload", {"text": f"R01:00:00 {NO_OP}\n", "remote": "/long.bin"})
    server.get(f"deployments/reference/transfers/{up['id']}", wait_s=20)
    begun = server.post(f"{base}/runs", {"remote": "/long.bin"})
    server.await_that(f"{base}/runs/{begun['id']}", lambda run: run["state"] == "loaded")
    server.post(f"{base}/runs/{begun['id']}/stop")
    assert server.get(f"{base}/runs/{begun['id']}", wait_s=20)["state"] == "cancelled"


def test_a_sequence_whose_command_fails_has_failed_at_that_step(pair: Pair) -> None:
    server = pair.server
    base = "deployments/reference/sequences"
    text = f'R00:00:00 {NO_OP}\nR00:00:00 FileHandling.fileManager.FileSize "/none"\nR00:00:00 {NO_OP}\n'
    up = server.post(f"{base}/upload", {"text": text, "remote": "/fails.bin"})
    server.get(f"deployments/reference/transfers/{up['id']}", wait_s=20)
    begun = server.post(f"{base}/runs", {"remote": "/fails.bin"})
    ended = server.get(f"{base}/runs/{begun['id']}", wait_s=20)
    assert (ended["state"], ended["step"], ended["failed_steps"]) == ("failed", 2, [1])
    assert "completed with error" in ended["reason"]
    server.send("reference", "ReferenceDeployment.cmdSeq.ON_ERROR_PRM_SET", "CONTINUE")
    begun = server.post(f"{base}/runs", {"remote": "/fails.bin"})
    ended = server.await_that(f"{base}/runs/{begun['id']}", lambda run: run["step"] == 3 and run["final"])
    assert (ended["state"], ended["failed_steps"]) == ("failed", [1])


def test_a_parameter_is_unknown_until_it_is_set_or_asked_for(pair: Pair) -> None:
    server = pair.server
    path = "deployments/reference/parameters/CdhCore.tlmSend.LEVEL"
    assert server.get(path)["known"] == "unknown"
    done = server.ok(server.http.put(path, json={"value": 2, "wait": True}))
    assert done["state"] == "completed"
    assert (server.get(path)["known"], server.get(path)["value"]) == ("set", 2)
    refused = server.http.put(path, json={"value": 256})
    assert refused.status_code == 422
    assert "255" in refused.json()["detail"]
    server.post("deployments/reference/parameters/refresh")
    dumped = server.await_that(path, lambda one: one["known"] == "dump")
    assert (dumped["value"], dumped["origin"]) == (2, "CHANGED")


def test_a_deployment_that_is_killed_comes_back_and_gets_what_was_held(pair: Pair) -> None:
    server, device = pair.server, pair.device
    device.kill()
    assert server.await_link("reference", "down")["reason"]
    held = server.post("deployments/reference/commands", {"name": NO_OP})
    assert held["state"] == "queued"
    dropped = server.post("deployments/reference/commands", {"name": NO_OP_STRING, "arguments": ["never"]})
    assert server.ok(server.http.delete(f"deployments/reference/commands/{dropped['id']}"))["state"] == "cancelled"
    device.start()
    assert server.await_link("reference")["connections"] >= 2
    ended = server.get(f"deployments/reference/commands/{held['id']}", wait_s=30)
    assert ended["state"] == "completed"
    assert not any("never" in line for line in device.lines)


def test_a_command_that_must_not_wait_is_refused_while_the_link_is_down(
    reference: tuple[Path, Path], serve: Callable[..., GroundServer], tmp_path: Path
) -> None:
    port = free_port()
    file = tmp_path / "ground.toml"
    file.write_text(
        f'[deployments.reference]\ndictionary = "{reference[1]}"\nlink = "tcp://127.0.0.1:{port}"\nqueue = "refuse"\n'
    )
    server = serve(options=("--config", str(file), "--no-archive"))
    refused = server.send("reference", NO_OP)
    assert (refused["state"], refused["reason"]) == ("refused", "the link is down, and commands are not held")


def test_two_deployments_are_served_at_once_and_a_wrong_dictionary_is_seen(
    reference: tuple[Path, Path], start_device: Callable[..., Device], serve: Callable[..., GroundServer],
    tmp_path: Path,
) -> None:  # fmt: skip
    one, two = free_port(), free_port()
    start_device(f"tcp-listen://127.0.0.1:{one}", tmp_path / "one")
    start_device(f"tcp://127.0.0.1:{two}", tmp_path / "two", ["--framing", "fprime"])
    other = tmp_path / "other.json"
    changed = json.loads(reference[1].read_text())
    changed["events"][0]["annotation"] = "Something else."
    other.write_text(json.dumps(changed))
    server = serve(f"right={reference[1]},tcp://127.0.0.1:{one}", f"wrong={other},tcp-listen://127.0.0.1:{two},fprime")
    for name, matches in (("right", "true"), ("wrong", "false")):
        found = server.await_that(f"deployments/{name}", lambda found: found["dictionary_matches"] != "unknown")
        assert found["dictionary_matches"] == matches
        assert server.send(name, NO_OP)["state"] == "completed"
    assert [line.split()[1] for line in server.lines if "may be misread" in line] == ["wrong"]
    names = [one["name"] for one in server.get("deployments")["deployments"]]
    assert names == ["right", "wrong"]


def test_what_was_before_a_kill_of_the_server_is_in_the_archive(
    reference: tuple[Path, Path], start_device: Callable[..., Device], serve: Callable[..., GroundServer]
) -> None:
    port = free_port()
    start_device(f"tcp-listen://127.0.0.1:{port}")
    deployment = f"reference={reference[1]},tcp://127.0.0.1:{port}"
    before = serve(deployment)
    sent = before.send("reference", NO_OP_STRING, "kept")
    archived = "deployments/reference/channels/CdhCore.cmdDisp.CommandsDispatched/history?start_us=0"
    before.await_that(archived, lambda found: 1 in found["values"])
    assert before.stop(signal.SIGKILL) == -signal.SIGKILL
    after = serve(deployment)
    events = after.get("deployments/reference/events", name="*.NoOpStringReceived")["events"]
    assert [one["arguments"] for one in events] == [{"message": "kept"}]
    commands = after.get("deployments/reference/commands")["commands"]
    assert [(one["id"], one["state"]) for one in commands] == [(sent["id"], "completed")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_in_order_when_asked(pair: Pair, number: int) -> None:
    with listen(pair.server, kinds=["events"]):
        assert pair.server.stop(number) == 0
    assert len(pair.server.lines) == 1


def test_signals_that_come_while_the_server_ends_change_nothing(
    reference: tuple[Path, Path], serve: Callable[..., GroundServer]
) -> None:
    server = serve(f"reference={reference[1]},tcp://127.0.0.1:1")
    process = server.process
    assert process is not None
    while process.poll() is None:  # up to its very end
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    server.__exit__()
    assert process.returncode == 0
    assert not [line for line in server.lines if "Traceback" in line or "Error" in line], server.lines


@pytest.mark.parametrize("delay_s", [0.6, 0.9, 1.2, 1.5, 1.8, 2.4])
def test_an_interrupt_at_any_moment_of_the_start_ends_it_without_a_traceback(
    reference: tuple[Path, Path], tmp_path: Path, delay_s: float
) -> None:
    deployment = f"reference={reference[1]},tcp://127.0.0.1:1"
    command = [KITTIWAKE, "ground", "serve", "--port", "0", "--folder", str(tmp_path), "--deployment", deployment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        time.sleep(delay_s)
        server.send_signal(signal.SIGINT)
        said, _ = server.communicate(timeout=20)
    assert "Traceback" not in said
    assert server.returncode in (0, 130), said


def test_the_server_is_not_open_to_others_without_a_password(
    reference: tuple[Path, Path], serve: Callable[..., GroundServer]
) -> None:
    with pytest.raises(ServerFault, match="there must be somebody with a password"):
        serve(f"reference={reference[1]},tcp://127.0.0.1:1", options=("--host", "0.0.0.0"))


def test_a_users_file_with_nobody_in_it_opens_nothing(
    reference: tuple[Path, Path], serve: Callable[..., GroundServer], tmp_path: Path
) -> None:
    mistyped = str(tmp_path / "user.json")
    with pytest.raises(ServerFault, match=f"{mistyped}: nobody is in it; `kittiwake ground users add NAME --users"):
        serve(f"reference={reference[1]},tcp://127.0.0.1:1", options=("--users", mistyped))


def test_people_and_tokens_are_made_on_the_command_line_and_used(
    reference: tuple[Path, Path], serve: Callable[..., GroundServer], tmp_path: Path
) -> None:
    users = ["--users", str(tmp_path / "users.json")]

    def ground(*arguments: str, text: str = "") -> str:
        command = [KITTIWAKE, "ground", *arguments, *users]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=30).stdout

    ground("users", "add", "ada", "--role", "operator", "--stdin", text="long enough\n")
    token = ground("tokens", "add", "tests", "--user", "ada", "--role", "viewer").strip()
    assert ground("users", "list").split() == ["ada", "operator"]
    port = free_port()
    server = serve(f"reference={reference[1]},tcp://127.0.0.1:{port}", options=("--host", "127.0.0.1", *users))
    assert server.http.get("deployments").status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert server.http.get("deployments", headers=bearer).status_code == 200
    refused = server.http.post("deployments/reference/commands", headers=bearer, json={"name": NO_OP})
    assert refused.status_code == 403
    ground("tokens", "remove", "tests")
    assert server.http.get("deployments", headers=bearer).status_code == 401
