"""TextLog's archives: rotated by size or age, compressed, numbered, and whole whenever the process ends."""

from __future__ import annotations

import errno
import re
import zlib
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import OutputPort, PassiveComponent
from kittiwake.model.events import Severity
from kittiwake.model.fw import Log
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.tags import BASE_SHIFT, TB_PROC_TIME, TB_WORKSTATION_TIME
from kittiwake.testing import ComponentTester
from kittiwake_components import TextLog
from kittiwake_components.ports.text_log import TextLogLimits
from kittiwake_components.text_log.component import time_text
from kittiwake_components.text_log.rotated_file import RotatedFile, Rotation, utc_s_of
from tests.components.power_cuts import cut_everywhere
from tests.framework.runtime.wired import deploy

if TYPE_CHECKING:
    from pathlib import Path

START_S = 1_767_225_600
DAY_S = 86_400
HIVE = {"file": "/beemon.log", "limit_bytes": 4096, "limit_age_days": 3.0, "keep": 7, "compress": True}


def log_tester(seed: int = 0, **settings: Any) -> Any:
    return ComponentTester(TextLog, settings={**HIVE, **settings}, seed=seed)


def say(tester: Any, number: int, at_s: int = START_S, base: int = TB_WORKSTATION_TIME) -> None:
    """Logs an event that nobody declares: its line ends in its bytes, the number and some more."""
    data = number.to_bytes(4, "big") + bytes(200)
    tester.call.log_text(0x777, base << BASE_SHIFT | at_s * 1_000_000, Severity.DIAGNOSTIC, data)


def numbers_in(data: bytes) -> list[int]:
    text = zlib.decompress(data, wbits=31) if data.startswith(b"\x1f\x8b") else data
    found = [re.search(rb"DIAGNOSTIC  0x777: ([0-9a-f]{408})$|old line (\d{8})", line) for line in text.splitlines()]
    return [int(match[1][:8] if match[1] else match[2], 16) for match in found if match]  # else torn by a power cut


def archives(tester: Any) -> list[str]:
    return [
        name
        for name in tester.files.list(tester.root.path)
        if name.startswith("beemon.log") and not name.endswith(".new")
    ]


def all_numbers(tester: Any) -> list[int]:
    """What all files say, the oldest first."""
    names = sorted(archives(tester), key=lambda name: -int("0" + name.removeprefix("beemon.log").lstrip(".")))
    if "beemon.log.0" in names:  # between the file itself and the first archive
        names.remove("beemon.log.0")
        names.insert(names.index("beemon.log") if "beemon.log" in names else len(names), "beemon.log.0")
    return [number for name in names for number in numbers_in(tester.read_file(name))]


def test_full_files_are_compressed_and_a_larger_number_is_an_older_one() -> None:
    """REQ-TXT-006, REQ-TXT-003: `beemon.log.<n>`, as the original numbers them."""
    with log_tester(keep=3) as tester:
        for number in range(60):
            say(tester, number)
        assert archives(tester) == ["beemon.log", "beemon.log.1", "beemon.log.2", "beemon.log.3"]
        first = numbers_in(tester.read_file("/beemon.log.3"))[0]
        assert first > 0
        assert all_numbers(tester) == list(range(first, 60))
        assert all(tester.read_file(f"/beemon.log.{number}")[:2] == b"\x1f\x8b" for number in (1, 2, 3))
        assert len(tester.read_file("/beemon.log.1")) < 1000


def test_a_file_is_rotated_by_age_over_restarts() -> None:
    """REQ-TXT-007: three days after its first line, whichever way they have passed."""
    with log_tester() as tester:
        say(tester, 1)
        tester.advance(2 * DAY_S)
        say(tester, 2, START_S + 2 * DAY_S)
        assert archives(tester) == ["beemon.log"]
        tester.restart()
        say(tester, 3, START_S + 2 * DAY_S + 5)
        tester.advance(DAY_S - 10)
        say(tester, 4, START_S + 3 * DAY_S - 5)
        assert archives(tester) == ["beemon.log"]
        tester.advance(10)
        say(tester, 5, START_S + 3 * DAY_S + 5)
        assert numbers_in(tester.read_file("/beemon.log.1")) == [1, 2, 3, 4]
        tester.reboot(off_s=3 * DAY_S)
        say(tester, 6, START_S + 6 * DAY_S + 10)
        assert numbers_in(tester.read_file("/beemon.log.2")) == [1, 2, 3, 4]
        assert numbers_in(tester.read_file("/beemon.log.1")) == [5]


def test_a_step_of_the_wall_clock_rotates_nothing_while_the_process_runs() -> None:
    """REQ-TXT-007: the age counts on the clock since boot."""
    with log_tester() as tester:
        say(tester, 1)
        say(tester, 2, START_S + 400 * DAY_S)
        say(tester, 3, START_S - 400 * DAY_S)
        tester.restart()
        say(tester, 4, START_S - 400 * DAY_S)
        assert archives(tester) == ["beemon.log"]


def test_without_a_wall_clock_the_age_counts_from_the_start() -> None:
    """REQ-TXT-007."""
    with log_tester() as tester:
        say(tester, 1, 5, TB_PROC_TIME)
        tester.restart()
        say(tester, 2, 5, TB_PROC_TIME)
        tester.advance(3 * DAY_S)
        say(tester, 3, 5 + 3 * DAY_S, TB_PROC_TIME)
        assert numbers_in(tester.read_file("/beemon.log.1")) == [1, 2]


@pytest.mark.parametrize("second", [0, START_S, 4_102_444_799])
def test_a_line_tells_its_time(second: int) -> None:
    """REQ-TXT-007."""
    assert utc_s_of(time_text(TB_WORKSTATION_TIME << BASE_SHIFT | second * 1_000_000).encode()) == second


@pytest.mark.parametrize(
    "line", [b"", b"boot+12.000345 ACTIVITY_LO and more", b"2026-13-01T00:00:00.000000Z", b"\xff" * 40]
)
def test_a_line_without_a_time_tells_none(line: bytes) -> None:
    """REQ-TXT-007."""
    assert utc_s_of(line) is None


def test_no_line_stands_twice_and_no_archive_is_lost_whenever_the_power_goes() -> None:
    """REQ-TXT-008: killed or without power at every file operation of a rotation that moves three archives."""

    def prepared(seed: int) -> Any:
        tester = log_tester(seed)
        for number in range(30):
            say(tester, number)
        for name in archives(tester):  # what was written before is on the medium
            tester.write_file(f"/{name}", tester.read_file(f"/{name}"))
        return tester

    def scenario(tester: Any, noted: list[int]) -> None:
        for number in range(30, 36):
            say(tester, number)

    def judge(tester: Any, noted: list[int], ports: Any) -> None:
        found = all_numbers(tester)
        assert found[:30] == list(range(30))  # later ones were not synced: they may be gone, but none stands twice
        assert found == sorted(set(found))
        say(tester, 1000)
        for number in range(1001, 1012):
            say(tester, number)
        found = all_numbers(tester)
        assert found[:30] == list(range(30))
        assert found == sorted(set(found))
        assert found[-12:] == list(range(1000, 1012))
        assert "beemon.log.0" not in archives(tester)

    assert cut_everywhere(prepared, scenario, judge) > 20


def test_a_disk_without_room_for_both_archives_it_as_it_is() -> None:
    """REQ-TXT-008."""
    with log_tester(keep=2) as tester:
        tester.write_file("/beemon.log.0", b"old line 000000010000\n")
        tester.write_file("/beemon.log.1", b"old line 000000000000\n")
        disk = tester.files.disk
        disk.capacity, capacity = disk.capacity - tester.files.space("/")[0], disk.capacity
        say(tester, 2)
        assert tester.channels["LinesLost"] == 1
        disk.capacity = capacity
        assert tester.read_file("/beemon.log.1").startswith(b"old")
        say(tester, 3)
        assert all_numbers(tester) == [0, 1, 3]


def test_a_folder_that_takes_no_renames_costs_lines_that_are_counted() -> None:
    """REQ-TXT-004."""
    with log_tester() as tester:
        say(tester, 0)
        tester.files.fail_every("rename", errno.EROFS)
        for number in range(1, 100):
            say(tester, number)
        lost = tester.channels["LinesLost"]
        assert lost > 0
        tester.files.heal()
        say(tester, 100)
        assert len(all_numbers(tester)) == 101 - lost


def test_compression_is_beside_the_loop_and_stops_with_the_log(tmp_path: Path) -> None:
    """REQ-TXT-006: with threads, on a real disk; lines go on meanwhile, and the next start goes on."""
    from kittiwake.platform.system import SystemPlatform

    platform = SystemPlatform()
    path = str(tmp_path / "beemon.log")
    rotation = Rotation(100_000, 0, 3, is_compressed=True)
    going, reached = Event(), Event()

    class Slow(RotatedFile):
        def _compressed(self, source: Any) -> Any:
            for packed in super()._compressed(source):
                reached.set()
                assert going.wait(10)
                yield packed

    log: RotatedFile = Slow(platform, path, rotation)
    for number in range(3000):
        log.write(b"%040d\n" % number, None)
    assert reached.wait(10)
    assert (tmp_path / "beemon.log").stat().st_size > 20_000  # lines went on
    assert (tmp_path / "beemon.log.0").exists()
    log._is_ending = True
    going.set()
    log.close()
    assert not (tmp_path / "beemon.log.1").exists()
    log = RotatedFile(platform, path, rotation)
    log.write(b"%040d\n" % 3000, None)
    assert log._archiver is not None
    log._archiver.join(10)
    log.close()
    packed = (tmp_path / "beemon.log.1").read_bytes()
    lines = zlib.decompress(packed, wbits=31) + (tmp_path / "beemon.log").read_bytes()
    assert [int(line) for line in lines.splitlines()] == list(range(3001))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beemon.log", "beemon.log.1"]


def test_other_limits_hold_from_when_they_are_told() -> None:
    """REQ-TXT-009, REQ-TXT-003, REQ-TXT-007: size, age and number, in place of those of the settings and back."""
    with log_tester() as tester:
        for number in range(60):
            say(tester, number)
        assert len(archives(tester)) == 1 + 7
        tester.call.limits_in(Severity.DIAGNOSTIC, 8192, DAY_S, 2)
        for number in range(60, 120):
            say(tester, number)
        assert archives(tester) == ["beemon.log", "beemon.log.1", "beemon.log.2"]
        assert len(tester.read_file("/beemon.log")) < 8192
        assert len(numbers_in(tester.read_file("/beemon.log.1"))) > 15
        tester.advance(DAY_S)
        say(tester, 120, START_S + DAY_S)
        assert numbers_in(tester.read_file("/beemon.log")) == [120]
        tester.call.limits_in(Severity.DIAGNOSTIC, 0, 0, 0)
        tester.advance(2 * DAY_S)
        say(tester, 121, START_S + 3 * DAY_S)
        assert numbers_in(tester.read_file("/beemon.log")) == [120, 121]
        for number in range(122, 200):
            say(tester, number, START_S + 3 * DAY_S)
        assert len(archives(tester)) == 1 + 7


def test_a_log_writes_no_less_than_it_is_told() -> None:
    """REQ-TXT-009: the console, for whoever looks on, shows all."""
    with log_tester() as tester:
        tester.call.limits_in(Severity.WARNING_LO, 0, 0, 0)
        for severity in Severity:
            tester.call.log_text(0x777, 0, severity, b"")
        text = tester.read_file("/beemon.log").decode()
        assert [line.split()[1] for line in text.splitlines()] == ["FATAL", "WARNING_HI", "WARNING_LO"]


class Knower(PassiveComponent):
    """Knows the limits of the log at the start, after it has reported something."""

    said_out = OutputPort(Log, doc="Events.")
    log_out = OutputPort(TextLogLimits, doc="Limits.")

    def start(self) -> None:
        self.said_out(0x777, TB_WORKSTATION_TIME << BASE_SHIFT | START_S * 1_000_000, Severity.FATAL, b"")
        self.log_out(Severity.DIAGNOSTIC, 100_000, 0, 20)


def test_nothing_is_rotated_at_a_start_before_limits_can_have_come() -> None:
    """REQ-TXT-009: a log that may be larger than its settings say stays, and so do archives that are to be kept."""
    connections = [("knower", "said_out", 0, "log", "log_text", 0), ("knower", "log_out", 0, "log", "limits_in", 0)]
    instances = {"log": (TextLog, {"settings": {**HIVE, "keep": 2}}), "knower": Knower}
    deployment, _ = deploy(instances, connections, platform=SimulatedPlatform(0))
    files = deployment.platform.files
    before = {"/beemon.log": b"x" * 5000 + b"\n", **{f"/beemon.log.{number}": b"old\n" for number in range(4)}}
    for name, data in before.items():
        with files.open(name, "w") as file:
            file.write_at(0, data)
    deployment.start()
    deployment.run_for(0.1)
    log: Any = deployment.instances["log"]
    log.log_text(0x777, 0, Severity.FATAL, b"")
    names = [name for name in files.list("/") if name.startswith("beemon.log")]
    assert names == ["beemon.log", *[f"beemon.log.{number}" for number in range(1, 5)]]
    assert files.size("/beemon.log") > 5000
    deployment.stop()


@pytest.mark.parametrize("setting, bad", [("limit_age_days", -1.0), ("limit_age_days", 4000.0)])
def test_ages_that_make_no_sense_are_refused(setting: str, bad: float) -> None:
    """REQ-TXT-007."""
    check = TextLog.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match="is outside"):
        check(bad)
