"""ModemBearer on the machine itself: a serial device that is a pseudo-terminal, and a modem in a thread behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake_components import ModemBearer
from kittiwake_components.modem_bearer.procedures import ModemPhase
from tests.components.connexion_manager.on_machine import StationOnMachine
from tests.components.modem_bearer.at_modem import AtModem, ModemOnPty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def line() -> Iterator[ModemOnPty]:
    with ModemOnPty(AtModem()) as line:
        yield line


@pytest.fixture
def station(line: ModemOnPty, tmp_path: Path) -> Iterator[StationOnMachine]:
    settings = {
        "url": f"serial://{line.device}?baud=115200", "pin_file": f"{tmp_path}/pin", "measure_s": 0.5, "answer_s": 1.0,
    }  # fmt: skip
    with StationOnMachine(ModemBearer, settings, tmp_path) as station:
        yield station


def test_the_manager_brings_a_modem_up_sees_it_lost_and_hangs_up(station: StationOnMachine, line: ModemOnPty) -> None:
    """REQ-MBR-001, REQ-MBR-005, REQ-MBR-003: over the kernel's serial layer, with the modem's own time."""
    assert station.comes_up()
    assert station.adapter.address == "10.64.1.2"
    assert station.manager.rssi == -71
    assert line.modem.heard[0] == "AT"

    line.modem.is_active = False
    line.say(b"\r\n+CGEV: NW DEACT\r\n")
    assert station.is_lost()
    assert station.until(lambda: bool(station.adapter.phase is ModemPhase.OFF))
    assert station.comes_up()
    assert line.modem.heard.count("AT+CGACT=1,1") == 2


def test_garbage_on_a_real_line_is_borne(station: StationOnMachine, line: ModemOnPty) -> None:
    """REQ-MBR-010: control characters reach the component as they are, for the line is raw."""
    for _ in range(20):
        line.say(bytes(range(256)))
        station.deployment.run_for(0.02)
    assert station.comes_up()
