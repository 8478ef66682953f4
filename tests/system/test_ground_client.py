"""The Python client and the command line through `kittiwake ground serve` with the reference deployment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kittiwake_ground.client import CommandFailed, ExpectationFailed, Ground, History, SequenceFailed, TransferFailed
from tests.ports import free_port
from tests.system.device import KITTIWAKE
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kittiwake_ground.client import Deployment
    from tests.system.device import Device

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
RECEIVED = "CdhCore.cmdDisp.NoOpReceived"
DOWN = "ComCcsds.link.BytesDown"
SEQUENCE = f'R00:00:00 {NO_OP}\nR00:00:00 CdhCore.cmdDisp.CMD_NO_OP_STRING "second"\n'
TIMEOUT_S = 50.0


class Served(NamedTuple):
    """The device, the server, and the deployment as the client has it."""

    device: Device
    server: GroundServer
    ground: Ground
    station: Deployment


@pytest.fixture
def served(reference: tuple[Path, Path], start_device: Callable[..., Device], tmp_path: Path) -> Iterator[Served]:
    """The reference deployment, served, with its link up."""
    port = free_port()
    device = start_device(f"tcp-listen://127.0.0.1:{port}")
    deployment = f"reference={reference[1]},tcp://127.0.0.1:{port}"
    with GroundServer(tmp_path / "ground", [deployment]) as server:
        server.await_link("reference")
        with Ground(server.url) as ground:
            yield Served(device, server, ground, ground.deployment("reference"))


@pytest.fixture
def run(served: Served, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `kittiwake ground` with that server, in a process of its own."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [KITTIWAKE, "ground", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S,
            check=False, env={**os.environ, "KITTIWAKE_GROUND": served.server.url}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return call


def test_a_procedure_commands_waits_and_leaves_its_log(served: Served, tmp_path: Path) -> None:
    with served.ground.procedure("commissioning", tmp_path / "logs") as log:
        log.step("The dispatcher answers")
        assert served.station.send(NO_OP, timeout_s=60).completed
        served.station.expect(RECEIVED, timeout_s=60)
        log.step("Telemetry grows")
        served.station.wait_for(DOWN, lambda value: value > 0, timeout_s=60)
        log.step("A sequence runs")
        served.station.run_sequence(SEQUENCE, timeout_s=20)
    entries = [json.loads(line) for line in log.path.read_text().splitlines()]
    kinds = [one["kind"] for one in entries]
    assert kinds[:6] == ["begin", "step", "command", "expectation", "step", "wait"]
    assert [one["number"] for one in entries if "command" in one and one["kind"] == "sequence"] == [1, 2]
    assert entries[-1]["outcome"] == "passed"


def test_what_is_expected_in_vain_is_told_with_what_was_seen(served: Served) -> None:
    with pytest.raises(ExpectationFailed, match=f"{DOWN} was not -1 within 2 s: it was") as caught:
        served.station.expect(DOWN, -1, timeout_s=2)
    assert caught.value.seen
    with pytest.raises(CommandFailed, match="failed: EXECUTION_ERROR"):
        served.station.send("FileHandling.fileManager.RemoveFile", "/missing", False)


def test_history_grows_with_the_device(served: Served) -> None:
    first = served.station.wait_for(DOWN, timeout_s=60)
    served.station.wait_for(DOWN, lambda value: value > first.value, timeout_s=60)  # type: ignore[union-attr]
    history = served.station.history(DOWN)
    assert isinstance(history, History)
    assert len(history) >= 2
    assert list(history.values) == sorted(history.values)
    assert list(history.time_us) == sorted(history.time_us)


def test_a_file_goes_up_and_comes_back_the_same_with_its_progress(served: Served, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(200_001)
    told: list[tuple[int, int]] = []
    result = served.station.upload(content, "/kept.bin", lambda done, size: told.append((done, size)))
    assert (result.state, told[-1]) == ("completed", (200_001, 200_001))
    assert (served.device.root / "kept.bin").read_bytes() == content
    served.station.download("/kept.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content == served.station.read("/kept.bin")
    with pytest.raises(TransferFailed, match="leads outside the root"):
        served.station.upload(b"x", "../../outside")
    with pytest.raises(TransferFailed, match="EXECUTION_ERROR"):
        served.station.download("/missing", tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_a_sequence_is_run_and_followed_step_by_step(served: Served) -> None:
    begun = served.station.run_sequence(SEQUENCE, remote="/steps.bin", wait=False)
    steps = list(served.station.follow(begun, timeout_s=20))
    assert [(one.number, one.total, one.failed) for one in steps] == [(1, 2, False), (2, 2, False)]
    assert steps[0].command == NO_OP
    assert served.station.run(begun.id).completed
    with pytest.raises(SequenceFailed, match="not found"):
        served.station.run_sequence(remote="/missing.bin", timeout_s=20)
    failing = 'R00:00:00 FileHandling.fileManager.RemoveFile "/missing", False\n'
    failed = served.station.run_sequence(failing, timeout_s=20, check=False)
    assert (failed.completed, failed.failed_steps) == (False, (0,))


def test_a_parameter_is_set_and_told(served: Served) -> None:
    parameters = served.station.parameters
    assert parameters.refresh().completed
    assert parameters.get("CdhCore.tlmSend.LEVEL").value == 1
    assert parameters.differences() == []
    parameters.set("CdhCore.tlmSend.LEVEL", 2, save=True)
    assert [one.name for one in parameters.differences()] == ["CdhCore.tlmSend.LEVEL"]


def test_a_device_that_is_killed_ends_the_wait_for_its_answer(served: Served) -> None:
    killing = threading.Timer(0.5, served.device.kill)
    killing.start()
    with pytest.raises(ExpectationFailed, match=r"none came; the link is (down|connecting)"):
        served.station.expect(RECEIVED, timeout_s=2)
    killing.join()
    with pytest.raises(CommandFailed, match=r"taken back after 1 s in the queue; the link is") as caught:
        served.station.send(NO_OP, timeout_s=1)
    assert caught.value.result.state == "cancelled"
    served.device.start()
    assert served.station.send(NO_OP, timeout_s=20).completed


def test_the_command_line_sends_prints_and_tells_failures_by_its_status(
    run: Callable[..., subprocess.CompletedProcess[str]], served: Served, tmp_path: Path
) -> None:
    sent = run("send", NO_OP)
    assert (sent.returncode, sent.stderr) == (0, "")
    events = [line.split()[2].rpartition(".")[2] for line in sent.stdout.splitlines() if " CdhCore.cmdDisp." in line]
    assert sorted(events) == ["NoOpReceived:", "OpCodeCompleted:", "OpCodeDispatched:"]
    assert run("send", "FileHandling.fileManager.RemoveFile", "/missing", "false").returncode == 1
    assert run("send", "CdhCore.cmdDisp.CMD_NOOP").returncode == 2
    (tmp_path / "two.seq").write_text(SEQUENCE)
    ran = run("seq", "run", "two.seq")
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "/two.bin: completed"), ran.stderr
    assert run("seq", "run", "--remote", "/missing.bin").returncode == 1
    assert run("upload", "two.seq", "/two.seq").returncode == 0
    assert run("download", "/two.seq", "back").returncode == 0
    assert (tmp_path / "back").read_text() == SEQUENCE
    served.device.kill()
    served.server.await_link("reference", "down")
    lost = run("send", NO_OP, "--timeout", "0.5")
    assert (lost.returncode, lost.stdout) == (1, "")
    assert "taken back after 0.5 s in the queue; the link is" in lost.stderr


def test_what_is_followed_comes_as_it_happens_until_the_interrupt(served: Served) -> None:
    process = subprocess.Popen(
        [KITTIWAKE, "ground", "events", "--follow", "--json", "--server", served.server.url, RECEIVED],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        served.station.send(NO_OP)
        assert json.loads(process.stdout.readline())["name"] == RECEIVED
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=TIMEOUT_S)[1]
    assert (process.returncode, said) == (130, "")


def test_what_is_followed_goes_on_after_the_server_came_back(
    reference: tuple[Path, Path], start_device: Callable[..., Device], tmp_path: Path
) -> None:
    link, port = free_port(), free_port()
    start_device(f"tcp-listen://127.0.0.1:{link}")
    deployment = f"reference={reference[1]},tcp://127.0.0.1:{link}"
    options = ["--port", str(port)]
    with GroundServer(tmp_path / "ground", [deployment], options) as server:
        process = subprocess.Popen(
            [KITTIWAKE, "ground", "channels", "--follow", "--server", server.url, DOWN],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert DOWN in process.stdout.readline()
            server.stop(signal.SIGKILL)
            with GroundServer(tmp_path / "ground", [deployment], options) as again:
                again.await_link("reference")
                assert process.stderr is not None
                assert process.stderr.readline().endswith("connecting again\n")
                assert process.stderr.readline() == "connected again\n"
                assert DOWN in process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
