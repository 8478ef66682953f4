"""Killed at any moment and started again: the boot count is what it must be, and nothing is broken."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.link_address import parse_link
from kittiwake_components.parameter_db.database_file import parse_database
from kittiwake_ground.commanding import command_and_wait
from kittiwake_ground.link import GroundLink, LinkLost
from kittiwake_ground.station import Station
from kittiwake_ground.uplink import Uplink
from tests.ports import free_port
from tests.system.device import Device

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary

STARTS = 100
LONGEST_LIFE_S = 0.7
FIRST_TICK = "FrameworkVersion"
"""Version reports in the first tick, behind the StartupManager: whoever has printed this has counted its boot."""


def boot_count(root: Path) -> int:
    """The boot count on the disk; 0 if there is none yet."""
    path = root / "boot_count.bin"
    if not path.exists():
        previous = root / "boot_count.bin.prev"
        return int.from_bytes(previous.read_bytes(), "big") if previous.exists() else 0
    content = path.read_bytes()
    assert len(content) == 8
    return int.from_bytes(content, "big")


def life_until_first_tick_s(image: Path, root: Path) -> float:
    """Twice what a start takes to its first tick here and now: half of lives so long at most end before it."""
    device = Device(image, root, "none")
    began_s = time.monotonic()
    device.start()
    device.await_line(FIRST_TICK)
    took_s = time.monotonic() - began_s
    device.kill()
    return max(LONGEST_LIFE_S, 2 * took_s)


@pytest.mark.timeout(600)
def test_a_hundred_starts_that_end_in_sigkill_count_every_boot(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-SM-001: +1 for each start that reached its first tick, 0 or +1 for one killed earlier."""
    chance = random.Random(20261121)
    root = tmp_path / "root"
    root.mkdir()
    reached = 0
    longest_s = life_until_first_tick_s(reference[0], root)
    for _ in range(STARTS):
        before = boot_count(root)
        device = Device(reference[0], root, "none")
        device.start()
        time.sleep(chance.uniform(0.0, longest_s))  # the moment of death is the subject of the test
        device.kill()
        ticked = any(FIRST_TICK in line for line in device.lines)
        reached += ticked
        assert boot_count(root) - before in ((1,) if ticked else (0, 1))
        assert not any("Traceback" in line for line in device.lines)
    assert 0 < reached < STARTS, "the lives should end on both sides of the first tick"
    assert not list(root.rglob("*.bad.*"))


LIVES = 25
PARAMETER = "CdhCore.cmdDisp.COMMAND_TIMEOUT_S"
FILTERED = "CdhCore.cmdDisp.NoOpReceived"


class Operator:
    """Changes things until the device dies; knows what was acknowledged and what was only asked for."""

    def __init__(self, dictionary: Dictionary, port: int) -> None:
        self._dictionary = dictionary
        self._address = parse_link(f"tcp://127.0.0.1:{port}")
        self.step = 0
        self.saved: int | None = None
        self.asked: list[int] = []
        self.content: bytes | None = None
        self.offered: list[bytes] = []
        self.filter_set = False

    def work(self) -> None:
        """One life: parameters saved, a filter set, files uploaded, over and over, until the link is lost."""
        with GroundLink(self._address) as link:
            station = Station(link, self._dictionary, "ccsds", complain=lambda _: None)
            try:
                station.connect(timeout_s=60)
                while True:
                    self._save_parameter(station)
                    self._set_filter(station)
                    self._upload(station)
            except LinkLost:
                return

    def _command(self, station: Station, name: str, *arguments: object) -> None:
        answer = command_and_wait(station, name, arguments, 10.0, lambda _: None)
        assert answer.completed, f"{name}: {answer.reason}"

    def _save_parameter(self, station: Station) -> None:
        self.step += 1
        self._command(station, f"{PARAMETER}_PRM_SET", self.step)
        self._command(station, f"{PARAMETER}_PRM_SAVE")
        self.asked.append(self.step)
        self._command(station, "FileHandling.prmDb.PRM_SAVE_FILE")
        self.saved, self.asked = self.step, []

    def _set_filter(self, station: Station) -> None:
        self._command(station, "CdhCore.events.SET_ID_FILTER", self._dictionary.event(FILTERED).id, "ENABLED")
        self.filter_set = True

    def _upload(self, station: Station) -> None:
        content = bytes([self.step & 0xFF]) * 5000
        self.offered.append(content)
        Uplink(station, 10.0, 0.0, lambda _: None).send(content, "here", "/file.bin")
        self.content, self.offered = content, []


@pytest.mark.timeout(300)
def test_what_was_acknowledged_survives_sigkill_and_nothing_is_ever_half(
    reference: tuple[Path, Path], tmp_path: Path
) -> None:
    chance = random.Random(7)
    dictionary = load_dictionary(str(reference[1]))
    root = tmp_path / "root"
    port = free_port()
    operator = Operator(dictionary, port)
    for _ in range(LIVES):
        with Device(reference[0], root, f"tcp-listen://127.0.0.1:{port}") as device:
            killer = threading.Timer(chance.uniform(0.3, 1.6), device.kill)
            device.await_line(FIRST_TICK)
            killer.start()
            operator.work()
            killer.join()
            assert not any("HandlerFailed" in line or "BadCrc" in line for line in device.lines)
        check_parameters(root, dictionary, operator)
        file = root / "file.bin"
        allowed = [content for content in (operator.content, *operator.offered) if content is not None]
        assert (file.read_bytes() in allowed) if file.exists() else operator.content is None
    assert operator.saved is not None
    assert operator.content is not None
    with Device(reference[0], root, f"tcp-listen://127.0.0.1:{port}") as device:
        device.await_line(FIRST_TICK)
        with GroundLink(parse_link(f"tcp://127.0.0.1:{port}")) as link:
            station = Station(link, dictionary, "ccsds", complain=lambda _: None)
            station.connect(timeout_s=60)
            seen: list[str] = []
            command_and_wait(
                station, "CdhCore.cmdDisp.CMD_NO_OP", [], 10.0, lambda item: seen.append(getattr(item, "name", ""))
            )
        assert FILTERED not in seen, "the filter that was acknowledged is gone"


def check_parameters(root: Path, dictionary: Dictionary, operator: Operator) -> None:
    """The database holds the acknowledged value, or one that was asked for after it."""
    path = root / "prm" / "PrmDb.dat"
    if not path.exists():
        assert operator.saved is None
        return
    records = dict(parse_database(path.read_bytes()))
    value = int.from_bytes(records[dictionary.parameter(PARAMETER).id], "big")
    assert value in {operator.saved, *operator.asked}
