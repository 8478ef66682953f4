"""`kittiwake up`: one command for the deployment and the ground station in front of it."""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from kittiwake.cli.key_file import add_key, changing_keys
from kittiwake.cli.root_claim import claim_root, release_root
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import KITTIWAKE, REFERENCE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number,is_signed", [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_both_start_meet_and_end_together(tmp_path: Path, number: int, is_signed: bool) -> None:
    command = [KITTIWAKE, "up", str(REFERENCE), "--port", "0", "--link-port", "0", "--quiet"]
    for option in ("build", "root", "folder"):
        command += [f"--{option}", str(tmp_path / option)]
    if is_signed:
        with changing_keys(tmp_path / "uplink.keys") as keys:
            add_key(keys)
        command += ["--keys", str(tmp_path / "uplink.keys")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            lines = _lines_until(process, "Ground station: ")
            url = lines[-1].split()[-1]
            with httpx.Client(base_url=url, timeout=20) as http:
                sent = http.post(
                    "api/v1/deployments/station/commands", json={"name": "CdhCore.cmdDisp.CMD_NO_OP", "wait": True}
                )
                assert sent.json()["state"] == "completed", sent.text
                link = http.get("api/v1/deployments/station/link").json()
                assert link["spi"] == (1 if is_signed else None)
                assert "Kittiwake" in http.get("d/station/overview").text
            device = int(next(one for one in lines if one.startswith("Deployment: ")).split()[-1])
            os.kill(device, 0)
            process.send_signal(number)
            assert process.wait(20) == 0
            with pytest.raises(ProcessLookupError):
                os.kill(device, 0)
        finally:
            process.send_signal(signal.SIGINT)


def test_settings_and_the_api_of_a_building_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "root/keys").mkdir(parents=True)
    (tmp_path / "root/keys/building.tokens").write_text("screen viewer 0123456789abcdef\n")
    (tmp_path / "screen.token").write_text("0123456789abcdef\n")
    port = free_port()
    command = [KITTIWAKE, "up", str(ROOT / "topologies/building.yaml"), "--port", "0", "--link-port", "0", "--quiet"]
    command += ["--set", f"BuildingDeployment.buildingApi.address=127.0.0.1:{port}"]
    command += ["--building", f"http://127.0.0.1:{port},{tmp_path / 'screen.token'}"]
    for option in ("build", "root", "folder"):
        command += [f"--{option}", str(tmp_path / option)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            url = _lines_until(process, "Ground station: ")[-1].split()[-1]
            with httpx.Client(base_url=url, timeout=20) as http:
                assert "Devices and points" in http.get("d/station/building").text
            headers = {"Authorization": "Bearer 0123456789abcdef"}
            with httpx.Client(transport=httpx.HTTPTransport(retries=5), headers=headers, timeout=20) as http:
                assert http.get(f"http://127.0.0.1:{port}/api/v1/devices").status_code == 200
        finally:
            process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("fault", ["setting", "root in use"])
def test_it_ends_where_the_deployment_cannot_start(tmp_path: Path, fault: str) -> None:
    """Or there would be a ground station for hours in front of nothing."""
    command = [KITTIWAKE, "up", str(REFERENCE), "--port", "0", "--link-port", "0"]
    for option in ("build", "root", "folder"):
        command += [f"--{option}", str(tmp_path / option)]
    said = "another deployment keeps its files"
    with contextlib.ExitStack() as stack:
        if fault == "setting":
            command += ["--set", "nothing=1"]
            said = "--set wants INSTANCE.SETTING=VALUE"
        else:
            (tmp_path / "root").mkdir()
            stack.callback(release_root, claim_root(str(tmp_path / "root")))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_the_deployment_goes_with_it_however_it_ends(tmp_path: Path, number: int) -> None:
    """Killed, or with its terminal closed: else the next one would find root and port in use."""
    command = [KITTIWAKE, "up", str(REFERENCE), "--port", "0", "--link-port", "0", "--quiet"]
    for option in ("build", "root", "folder"):
        command += [f"--{option}", str(tmp_path / option)]
    command = ["env", "--default-signal=HUP", *command]  # which nohup(1) around the tests changes
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            device = int(_lines_until(process, "Deployment: ")[-1].split()[-1])
            ended = os.pidfd_open(device)
            process.send_signal(number)
            assert process.wait(60) == -number
            assert select.select([ended], [], [], 60)[0], "the deployment goes on"
            os.close(ended)
        finally:
            process.kill()


def test_a_topology_with_faults_starts_nothing(tmp_path: Path) -> None:
    topology = tmp_path / "bad.yaml"
    topology.write_text("name: Bad\ninstances: 3\n")
    done = subprocess.run([KITTIWAKE, "up", str(topology)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "bad.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option, other", [("--link-port", "--port"), ("--port", "--link-port")])
def test_a_port_that_is_taken_is_refused_before_anything_starts(tmp_path: Path, option: str, other: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = str(listener.getsockname()[1])
        command = [KITTIWAKE, "up", str(REFERENCE), "--build", str(tmp_path), other, "0", option, taken]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"kittiwake up: {option} {taken}: Address already in use; name another one, or 0 for a free one"
    )
    assert "Deployment:" not in done.stdout


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_a_link_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    command = [KITTIWAKE, "up", str(REFERENCE), "--build", str(tmp_path), "--link-port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in (1, 2)
    assert f"--link-port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def _lines_until(process: subprocess.Popen[str], start: str) -> list[str]:
    assert process.stdout is not None
    stream, news, lines = process.stdout, queue.SimpleQueue[str](), list[str]()

    def read() -> None:
        for line in stream:
            news.put(line.rstrip("\n"))
        news.put("")

    threading.Thread(target=read, daemon=True).start()
    while True:
        line = news.get(timeout=30)
        assert line, lines
        lines.append(line)
        if line.startswith(start):
            return lines
