"""SystemResources: its figures from a /proc of the test's own, and what it makes of a broken one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import SystemResources
from kittiwake_components.system_resources.component import SystemResourceEnabled

MEMINFO = b"MemTotal:  1000000 kB\nMemFree:  1 kB\nMemAvailable:   400000 kB\nHugePages_Total:       0\n"


def put(tester: Any, path: str, data: bytes) -> None:
    files = tester.files
    files.make_folders(path.rpartition("/")[0])
    if files.exists(path):
        files.remove(path)
    with files.open(path, "x") as file:
        file.write_at(0, data)


def put_stat(tester: Any, *processors: tuple[int, int]) -> None:
    """Writes /proc/stat: busy and idle ticks, of the whole machine and of each processor."""
    rows = []
    for number, (busy, idle) in enumerate(processors):
        name = "cpu " if number == 0 else f"cpu{number - 1}"
        rows.append(f"{name} {busy} 0 0 {idle} 0 0 0 0 0 0")
    put(tester, "/proc/stat", "\n".join([*rows, "intr 1 2 3", ""]).encode())


def put_process(tester: Any, user: int, system: int) -> None:
    before = " ".join(["S", *["0"] * 10])
    put(tester, "/proc/self/stat", f"1 (a) b) {before} {user} {system} 0 0".encode())
    put(tester, "/proc/self/status", b"Name:\tx\nVmRSS:\t   12345 kB\n")


@pytest.fixture
def tester() -> Any:
    made: Any = ComponentTester(SystemResources, settings={"period": 2})
    put_stat(made, (100, 100), (50, 50), (50, 50))
    put(made, "/proc/meminfo", MEMINFO)
    put_process(made, 10, 5)
    return made


def cycles(tester: Any, count: int) -> None:
    for _ in range(count):
        tester.call.run(0)
        tester.advance(1)


def test_memory_is_the_machines_and_the_process_its_own(tester: Any) -> None:
    """REQ-SYS-001, REQ-SYS-003."""
    cycles(tester, 1)
    assert tester.channels["MEMORY_TOTAL"] == 1_000_000
    assert tester.channels["MEMORY_USED"] == 600_000
    assert tester.channels["PROCESS_MEMORY"] == 12_345


def test_use_of_processors_is_that_since_the_last_sample(tester: Any) -> None:
    """REQ-SYS-002."""
    cycles(tester, 2)
    put_stat(tester, (175, 125), (125, 50), (50, 75))
    cycles(tester, 2)
    assert tester.channels["CPU"] == pytest.approx(75.0)
    assert tester.channels["CPU_00"] == pytest.approx(100.0)
    assert tester.channels["CPU_01"] == pytest.approx(0.0)
    assert tester.channels["CPU_02"] is None


def test_counters_that_stand_still_or_go_back_give_no_figure(tester: Any) -> None:
    """REQ-SYS-002, REQ-SYS-006."""
    cycles(tester, 2)
    before = len(tester.channel("CPU").history)
    cycles(tester, 2)
    put_stat(tester, (1, 1))
    cycles(tester, 2)
    assert len(tester.channel("CPU").history) == before


def test_the_process_is_measured_against_one_processor(tester: Any) -> None:
    """REQ-SYS-003: half a second of processor in two seconds."""
    cycles(tester, 2)
    put_process(tester, 50, 15)
    cycles(tester, 2)
    assert tester.channels["PROCESS_CPU"] == pytest.approx(25.0)


def test_samples_are_taken_every_period_and_can_be_switched_off(tester: Any) -> None:
    """REQ-SYS-004."""
    cycles(tester, 2)
    put(tester, "/proc/meminfo", MEMINFO.replace(b"400000", b"300000"))
    cycles(tester, 1)
    assert tester.channels["MEMORY_USED"] == 700_000
    put(tester, "/proc/meminfo", MEMINFO)
    cycles(tester, 1)
    assert tester.channels["MEMORY_USED"] == 700_000
    assert tester.send("ENABLE", SystemResourceEnabled.DISABLED).response is CommandResponse.OK
    cycles(tester, 4)
    assert tester.channels["MEMORY_USED"] == 700_000
    tester.send("ENABLE", SystemResourceEnabled.ENABLED)
    cycles(tester, 2)
    assert tester.channels["MEMORY_USED"] == 600_000


def test_a_disk_that_runs_low_is_reported_once_until_it_has_recovered(tester: Any) -> None:
    """REQ-SYS-005."""
    space = {"free": 100_000}
    tester.files.space = lambda path: (space["free"] * 1024, 500_000 * 1024)
    for free in (100_000, 65_535, 60_000, 65_536, 60_000, 74_000, 60_000):
        space["free"] = free
        cycles(tester, 2)
    assert [one.args for one in tester.events.named("LowSpace")] == [(65_535,), (60_000,)]
    assert tester.channels["LOW_SPACE_WARNINGS"] == 2
    assert (tester.channels["NON_VOLATILE_FREE"], tester.channels["NON_VOLATILE_TOTAL"]) == (60_000, 500_000)


def test_a_machine_without_proc_leaves_the_figures_as_they_are() -> None:
    """REQ-SYS-006."""
    tester: Any = ComponentTester(SystemResources, settings={"period": 1})
    cycles(tester, 3)
    assert tester.channels["CPU"] is None
    assert tester.channels["NON_VOLATILE_TOTAL"] > 0
    tester.finish()


@given(st.lists(st.text("cpu0123 \n:-MemTotalAvailable()kB", max_size=60), min_size=4, max_size=4))
def test_nothing_that_stands_in_proc_makes_it_fail(contents: list[str]) -> None:
    """REQ-SYS-006."""
    tester: Any = ComponentTester(SystemResources, settings={"period": 1})
    for path, content in zip(("stat", "meminfo", "self/stat", "self/status"), contents, strict=True):
        put(tester, f"/proc/{path}", content.encode())
    cycles(tester, 2)
    assert tester.channels["NON_VOLATILE_TOTAL"] > 0  # what does not come from /proc is measured as ever
    assert 0 <= (tester.channels["CPU"] or 0) <= 100
    tester.finish()


def test_a_period_that_makes_no_sense_is_refused() -> None:
    """REQ-SYS-004."""
    check = SystemResources.__declarations__.settings["period"].check
    with pytest.raises(ValueError, match="is outside"):
        check(0)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(SystemResources) == []
