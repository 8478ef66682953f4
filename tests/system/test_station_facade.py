"""The seed's own example of a supervisor, unchanged, runs a whole cycle against a deployment through the facade.

`seed/supervisor.txt` is its text with the indentation put back. The five modules that it imports and does not show are
thin clients of the facade here.
"""

from __future__ import annotations

import json
import re
import sys
import time
import xmlrpc.client
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_components.caller_connection import MAX_CALLERS
from tests.peers import ROOT
from tests.system.device import Device, build
from tests.system.station_wake import ENROLLED, MACHINE, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = Path(__file__).with_name("seed") / "supervisor.txt"
STATUS = "status/monitoring-1.0"
JOB = f'{PREFIX}scheduler.JOB_ADD "noop" "every 2s" "" COMMAND "CdhCore.cmdDisp.CMD_NO_OP" ONCE AT_MOST_ONCE'
OUTSIDE = {
    "{component: kittiwake_components.Supervisor,": "{component: kittiwake_components.Supervisor, parameters: "
    "{FORCE_POWERED: true, POWERED_PAUSE_S: 86400},",
    "component: kittiwake_components.Scheduler\n": "component: kittiwake_components.Scheduler\n"
    "    parameters: {AUTO_RUN: false}\n",
}
"""Where somebody outside leads the cycle, the device's own supervisor pauses, and no job begins by itself."""


class PowerManager:
    """Drives the power unit. The device's own supervisor renews the watchdog while it is powered by force."""

    def __init__(self, admin: Any, fast: Any) -> None:
        self._admin, self._fast = admin, fast

    def is_power_module_available(self) -> bool:
        try:
            self._fast.execute_command(f"{PREFIX}powerManager.GET_ENERGY_BUDGET")
        except xmlrpc.client.Fault:
            return False
        return True

    def ensure_battery_mode(self) -> None:
        self._admin.execute_command(f"{PREFIX}powerManager.SET_MODE BATTERY")

    def start_watchdog(self) -> None:
        self._admin.execute_command(f"{PREFIX}supervisor.SET_FORCE_POWERED true")

    def stop_watchdog(self) -> None:
        """Nothing but an acknowledged powerdown releases it."""

    def schedule_powerdown(self, wake: datetime) -> None:
        sleep_s = max(0, round((wake - datetime.now(UTC)).total_seconds()))
        self._admin.execute_command(f"{PREFIX}powerManager.SCHEDULE_POWERDOWN {sleep_s}")


class Enrollment:
    """Asks the device about its enrolment."""

    def __init__(self, config: Any, admin: Any, display: Any, network: Any, fast: Any) -> None:
        self._admin = admin

    def is_enrolled(self) -> bool:
        return json.loads(self._admin.call_service("enrollment", "is_enrolled")) is True

    def enroll_device(self, machine_id: str) -> None:
        self._admin.call_service("enrollment", "enroll_device", machine_id)


def seed_supervisor(monkeypatch: pytest.MonkeyPatch, port: int, connections: list[HTTPConnection]) -> Any:
    """The seed's class, with its five modules around it, and its port replaced; notes the connections it makes."""

    class Noted(HTTPConnection):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            connections.append(self)

    config = SimpleNamespace(from_env=lambda: SimpleNamespace(force_powered_mode=False))
    modules: dict[str, dict[str, Any]] = {
        "config": {"SupervisorConfig": config},
        "power_manager": {"PowerManager": PowerManager},
        "network_manager": {"NetworkManager": lambda admin: None},
        "display_manager": {"DisplayManager": lambda admin: None},
        "enrollment_manager": {"EnrollmentManager": Enrollment},
    }
    monkeypatch.setitem(sys.modules, "seed_device", ModuleType("seed_device"))
    for name, members in modules.items():
        module = ModuleType(f"seed_device.{name}")
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    namespace: dict[str, Any] = {"__name__": "seed_device.supervisor", "__package__": "seed_device"}
    text = SEED.read_text(encoding="utf-8").replace(":8003/", f":{port}/")
    exec(compile(text, str(SEED), "exec"), namespace)
    namespace["HTTPConnection"] = Noted
    namespace["time"] = SimpleNamespace(sleep=lambda seconds: None)
    return namespace["Supervisor"]()


def topology(folder: Path) -> Path:
    """The station with its cycle led from outside."""
    text = (ROOT / "topologies/station.yaml").read_text(encoding="utf-8")
    for own, other in OUTSIDE.items():
        assert own in text
        text = text.replace(own, other)
    for name in re.findall(r"\w+\.yaml", text.split("instances:")[0].split("imports:")[1]):
        text = text.replace(name, str(ROOT / "topologies" / name), 1)
    path = folder / "station.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    image, _ = build(topology(tmp_path), tmp_path / "build")
    options = [
        "--set", f"{PREFIX}adminFacade.url=tcp-listen://127.0.0.1:0",
        "--set", f"{PREFIX}enrollment.machine_id={MACHINE}",
    ]  # fmt: skip
    with Device(image, tmp_path / "root", "none", options) as running:
        yield running


def facade_port(device: Device) -> int:
    device.await_line("Administration listens on")
    [line] = [line for line in device.lines if "Administration listens on" in line]
    return int(line.rsplit(":", 1)[1])


def test_the_seeds_supervisor_runs_a_whole_cycle(
    device: Device, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """REQ-ADM-002"""
    port = facade_port(device)
    connections: list[HTTPConnection] = []
    supervisor = seed_supervisor(monkeypatch, port, connections)
    with xmlrpc.client.ServerProxy(f"http://localhost:{port}/") as admin:
        supervisor.run()
        assert json.loads(str(admin.call_service("enrollment", "get_state")))["state"] == "LISTENING"
        orders = {"incoming/monitoring-1.0/commands.json": json.dumps([{"id": "1", "command": JOB}]).encode()}
        for name, data in {**orders, **ENROLLED}.items():
            path = device.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        admin.execute_command(f"{PREFIX}enrollment.ENROLL")
        device.await_line("Configuration 1 is on trial")
        admin.execute_command(f"{PREFIX}monitoring.PROCESS_ADMINISTRATIVE_COMMANDS")
        await_due(admin)
        supervisor.run()
    for connection in connections:  # the example closes none of them
        connection.close()
    assert len(connections) > MAX_CALLERS

    device.await_line("Job noop is done")
    device.await_line("the simulated power unit cut the power")
    out = capsys.readouterr()
    assert "SUPERVISOR EXECUTING JOB noop - CdhCore.cmdDisp.CMD_NO_OP" in out.out
    assert "error" not in out.out
    assert out.err == ""
    status = json.loads((device.root / STATUS / "last_monitoring_status.json").read_bytes())
    assert [one["status"] for one in status["commands"]] == ["OK"]
    assert list((device.root / STATUS).glob("report-*.json"))


def await_due(admin: Any) -> None:
    """Waits until the job's time has come."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        [job] = json.loads(admin.call_service("scheduler", "get_next_execution_time_for_all_jobs"))
        if datetime.fromisoformat(job["next_execution_time"]) + timedelta(seconds=0.1) < datetime.now(UTC):
            return
        time.sleep(0.1)
    raise AssertionError("the job was never due")
