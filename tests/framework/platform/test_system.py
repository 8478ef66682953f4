"""The machine itself: clock, random numbers, poller, and what importing it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kittiwake
from kittiwake.platform.system import SystemPlatform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import Platform
    from kittiwake.platform.system_poller import SystemPoller

MS = 1_000_000
PATIENCE_NS = 20_000 * MS


def on_readable() -> None:
    """Stands for what reads."""


def on_other() -> None:
    """Stands for what reads something else."""


@pytest.fixture
def platform() -> SystemPlatform:
    return SystemPlatform()


@pytest.fixture
def poller(platform: SystemPlatform) -> Iterator[SystemPoller]:
    poller = platform.poller()
    yield poller
    poller.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:
            pass


def test_the_system_is_a_platform(platform: SystemPlatform) -> None:
    as_interface: Platform = platform
    assert as_interface.clock.now_ns() > 0


def test_importing_the_platform_loads_neither_sockets_nor_serial() -> None:
    script = (
        "import sys, kittiwake.platform.system as s; p = s.SystemPlatform(); p.network; p.poller().close();"
        "print([m for m in ('socket', 'serial', 'random', 'json', 'tempfile') if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(Path(kittiwake.__file__).parents[1]), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-S", "-c", script], env=environment, capture_output=True, check=True)
    assert done.stdout == b"[]\n"


def test_a_wall_time_of_its_own_leaves_the_machine_and_the_clock_since_boot_alone(platform: SystemPlatform) -> None:
    machine_ns, boot_ns = time.time_ns(), platform.clock.now_ns()
    platform.clock.set_wall_ns(1000 * MS)
    passed_ns = platform.clock.wall_ns() - 1000 * MS
    assert 0 <= passed_ns <= platform.clock.now_ns() - boot_ns
    assert time.time_ns() >= machine_ns
    platform.clock.follow_machine()
    assert abs(platform.clock.wall_ns() - time.time_ns()) < PATIENCE_NS


def test_the_clock_counts_from_boot_and_the_wall_clock_from_1970(platform: SystemPlatform) -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert before <= platform.clock.now_ns() <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    before = time.time_ns()
    assert before - 1000 * MS <= platform.clock.wall_ns() <= time.time_ns() + 1000 * MS


def test_random_numbers_stay_in_range_and_differ(platform: SystemPlatform) -> None:
    drawn = [platform.random.uniform(2.0, 3.0) for _ in range(100)]
    assert all(2.0 <= number < 3.0 for number in drawn)
    assert len(set(drawn)) == 100
    assert len(platform.random.token_bytes(32)) == 32
    assert platform.random.token_bytes(32) != platform.random.token_bytes(32)


@pytest.mark.skipif(not Path("/proc/self/timerslack_ns").exists(), reason="a kernel without timer slack in /proc")
def test_sharper_timers_are_of_the_calling_thread_alone(platform: SystemPlatform) -> None:
    def slack() -> int:
        return int(platform.files.read(f"/proc/{threading.get_native_id()}/timerslack_ns", 100))

    before = slack()
    after: list[int] = []
    thread = threading.Thread(target=lambda: after.extend([platform.sharpen_timers(), slack()]))
    thread.start()
    thread.join()
    assert after == [True, 1]
    assert slack() == before


def test_a_wait_ends_at_its_deadline_and_not_before(platform: SystemPlatform, poller: SystemPoller) -> None:
    for wait_us in (100, 1500, 5300):
        deadline_ns = platform.clock.now_ns() + wait_us * 1000
        assert poller.wait(deadline_ns) == []
        assert platform.clock.now_ns() >= deadline_ns


def test_a_deadline_that_is_past_still_polls(
    platform: SystemPlatform, poller: SystemPoller, pipe: tuple[int, int]
) -> None:
    reader, writer = pipe
    calls: list[str] = []
    poller.add(reader, lambda: calls.append("read"), None)
    assert poller.wait(0) == []
    os.write(writer, b"x")
    for callback in poller.wait(0):
        callback()
    assert calls == ["read"]


def test_callbacks_are_replaced_and_taken_back(poller: SystemPoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    calls: list[str] = []
    os.write(writer, b"x")
    poller.add(reader, lambda: calls.append("first"), None)
    poller.add(reader, lambda: calls.append("second"), None)
    poller.add(writer, None, lambda: calls.append("write"))
    for callback in poller.wait(None):
        callback()
    assert sorted(calls) == ["second", "write"]
    poller.add(writer, None, None)
    poller.remove(reader)
    poller.remove(reader)
    assert poller.wait(0) == []


def test_a_closed_end_is_readable(poller: SystemPoller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    poller.add(reader, on_readable, None)
    os.close(writer)
    assert poller.wait(None) == [on_readable]


def test_a_descriptor_closed_without_remove_may_come_back_under_its_number(poller: SystemPoller) -> None:
    reader, writer = os.pipe()
    poller.add(reader, on_readable, None)
    os.close(reader)
    os.close(writer)
    again, writer = os.pipe()
    assert again == reader
    poller.add(again, on_other, None)
    os.write(writer, b"x")
    assert poller.wait(0) == [on_other]
    os.close(again)
    os.close(writer)
    poller.remove(again)


def test_wake_from_another_thread_ends_the_wait(platform: SystemPlatform, poller: SystemPoller) -> None:
    timer = threading.Timer(0.02, poller.wake)
    timer.start()
    deadline_ns = platform.clock.now_ns() + PATIENCE_NS
    assert poller.wait(deadline_ns) == []
    assert platform.clock.now_ns() < deadline_ns
    timer.join()


def test_a_wake_before_the_wait_counts_and_several_count_once(platform: SystemPlatform, poller: SystemPoller) -> None:
    for _ in range(1000):
        poller.wake()
    assert poller.wait(None) == []
    deadline_ns = platform.clock.now_ns() + 2 * MS
    assert poller.wait(deadline_ns) == []
    assert platform.clock.now_ns() >= deadline_ns


def test_wake_from_a_signal_handler_ends_the_wait(platform: SystemPlatform, poller: SystemPoller) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: poller.wake())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        deadline_ns = platform.clock.now_ns() + PATIENCE_NS
        poller.wait(deadline_ns)
        assert platform.clock.now_ns() < deadline_ns
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_closed_poller_ignores_wake_and_close(platform: SystemPlatform) -> None:
    poller = platform.poller()
    count = len(os.listdir("/proc/self/fd"))
    poller.close()
    assert len(os.listdir("/proc/self/fd")) == count - 1
    poller.wake()
    poller.close()
