"""ModemBearer on the machine itself: a serial device that is a pseudo-terminal, and a modem in a thread behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.system import SystemPlatform
from kittiwake_components import ConnexionManager, ModemBearer
from kittiwake_components.connexion_manager.states import BearerState
from kittiwake_components.modem_bearer.procedures import ModemPhase
from tests.components.modem_bearer.at_modem import AtModem, ModemOnPty
from tests.framework.runtime.wired import deploy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kittiwake.runtime.deployment import Deployment

WAIT_S = 20.0
TICK_S = 0.1


@pytest.fixture
def line() -> Iterator[ModemOnPty]:
    with ModemOnPty(AtModem()) as line:
        yield line


@pytest.fixture
def station(line: ModemOnPty, tmp_path: Path) -> Iterator[Deployment]:
    """The real connexion manager, with the modem as its bearer, on the machine's own clock."""
    files = {name: f"{tmp_path}/{name}" for name in ("configuration_file", "usage_file")}
    modem = {"url": f"serial://{line.device}?baud=115200", "pin_file": f"{tmp_path}/pin", "measure_s": 0.5}
    deployment, findings = deploy(
        {
            "manager": (ConnexionManager, {"settings": {"bearers": ["modem"], **files}}),
            "modem": (ModemBearer, {"settings": {**modem, "answer_s": 1.0}}),
        },
        [("manager", "control", 0, "modem", "control_in", 0), ("modem", "status_out", 0, "manager", "status_in", 0)],
        platform=SystemPlatform(),
    )
    deployment.start()
    manager: Any = deployment.instances["manager"]

    def tick() -> None:
        manager.run(0)
        deployment.main.call_at(deployment.main.clock.now_ns() + round(TICK_S * 1e9), tick)

    tick()
    yield deployment
    deployment.stop()
    assert not findings


def _until(deployment: Deployment, condition: Callable[[], bool]) -> bool:
    """Lives until something holds; whether it did so in time."""
    loop = deployment.main
    end_ns = loop.clock.now_ns() + round(WAIT_S * 1e9)
    while not condition() and loop.clock.now_ns() < end_ns:
        deployment.run_for(0.05)
    return condition()


def test_the_manager_brings_a_modem_up_sees_it_lost_and_hangs_up(station: Deployment, line: ModemOnPty) -> None:
    """REQ-MBR-001, REQ-MBR-005, REQ-MBR-003: over the kernel's serial layer, with the modem's own time."""
    manager: Any = station.instances["manager"]
    modem: Any = station.instances["modem"]
    assert _until(station, lambda: manager.current_bearer == "modem")
    assert modem.address == "10.64.1.2"
    assert manager.rssi == -71
    assert line.modem.heard[0] == "AT"

    line.modem.is_active = False
    line.say(b"\r\n+CGEV: NW DEACT\r\n")
    assert _until(station, lambda: manager.bearer[0].state is BearerState.BACKOFF)
    assert _until(station, lambda: modem.phase is ModemPhase.OFF)
    assert _until(station, lambda: manager.current_bearer == "modem")
    assert line.modem.heard.count("AT+CGACT=1,1") == 2


def test_garbage_on_a_real_line_is_borne(station: Deployment, line: ModemOnPty) -> None:
    """REQ-MBR-010: control characters reach the component as they are, for the line is raw."""
    manager: Any = station.instances["manager"]
    for _ in range(20):
        line.say(bytes(range(256)))
        station.run_for(0.02)
    assert _until(station, lambda: manager.current_bearer == "modem")
