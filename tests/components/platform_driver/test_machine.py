"""On the machine's own clock and disk, with a driver that does its work in threads of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from kittiwake.platform.system import SystemPlatform
from kittiwake_components import PlatformDriver
from kittiwake_components.platform_driver.drivers.interface import Driver, Reading
from tests.framework.runtime.wired import deploy

NS_PER_S = 1_000_000_000


class Register(Driver):
    """A register in some thread's hands: each operation takes a while there, and answers from there."""

    TYPE = "register"
    priorities: dict[int | None, Any] = {}  # noqa: RUF012 - the device, which all its drivers share
    stuck = False
    threads: set[str] = set()  # noqa: RUF012

    def _later(self, done: Any, result: Any) -> None:
        Register.threads.add(threading.current_thread().name)
        done(result() if callable(result) else result)

    def _begin(self, done: Any, result: Any) -> None:
        threading.Timer(0.02, self._later, (done, result)).start()

    def open(self, done: Any) -> None:
        self._begin(done, None)

    def read(self, points: Any, done: Any) -> None:
        self._begin(done, lambda: [Reading(len(Register.priorities)) for _ in points])

    def write(self, point: Any, value: Any, priority: int | None, done: Any) -> None:
        def written() -> Any:
            Register.priorities.pop(priority, None)
            if value is not None:
                Register.priorities[priority] = value
            return value

        if not Register.stuck:
            self._begin(done, written)

    def close(self, done: Any) -> None:
        self._begin(done, None)


class Station:
    """A platform driver with one such device, in a folder."""

    def __init__(self, folder: Path) -> None:
        files = {name: f"{folder}/{name}.sqlite" for name in ("database", "values")}
        own = {"settings": {"seed": False, **files}, "depth": 50}
        self.deployment, self.findings = deploy({"driver": (PlatformDriver, own)}, [], platform=SystemPlatform())
        instances: dict[str, Any] = dict(self.deployment.instances)
        self.driver = instances["driver"]
        self.deployment.start()
        self.engine = self.driver.engine()
        self.engine.registry.add(Register)

    def add(self) -> None:
        changes = self.engine.changes
        device = changes.create_device({"name": "d", "driver_type": "register", "device_address": "x",
                                        "enabled": True, "scrape_interval_seconds": 0.1})  # fmt: skip
        changes.create_point(device.id, {"name": "r", "object_identifier": "r"})

    def write(self, value: Any) -> list[Any]:
        answers: list[Any] = []
        self.engine.write("d/r", value, 8, 0.0, answers.append)
        return answers

    def run_until(self, condition: Any) -> bool:
        clock = self.deployment.main.clock
        end_ns = clock.now_ns() + 10 * NS_PER_S
        while not condition() and clock.now_ns() < end_ns:
            self.deployment.run_for(0.02)
        return bool(condition())


def test_answers_from_threads_are_taken_and_the_end_waits_for_releases(tmp_path: Path) -> None:
    """REQ-PD-033"""
    Register.priorities.clear()
    station = Station(tmp_path)
    station.add()
    assert station.run_until(lambda: station.driver._ok >= 3)
    answers = station.write(7)
    assert station.run_until(lambda: answers == [7])
    assert Register.priorities == {8: 7}
    station.deployment.stop()
    assert Register.priorities == {}
    assert not station.findings
    assert threading.main_thread().name not in Register.threads


def test_what_a_device_does_not_release_at_the_end_is_released_at_the_next_start(tmp_path: Path) -> None:
    """REQ-PD-035"""
    Register.priorities.clear()
    station = Station(tmp_path)
    station.add()
    assert station.run_until(lambda: station.driver._ok >= 1)
    answers = station.write(7)
    assert station.run_until(lambda: answers == [7])
    Register.stuck = True
    began_ns = station.deployment.main.clock.now_ns()
    station.deployment.stop()
    Register.stuck = False
    assert station.deployment.main.clock.now_ns() - began_ns < 10 * NS_PER_S
    assert Register.priorities == {8: 7}
    again = Station(tmp_path)
    again.engine.loops.reload(again.engine.store.devices()[0].id)  # its type is known only now
    assert again.run_until(lambda: Register.priorities == {})
    again.deployment.stop()
    assert not again.findings
