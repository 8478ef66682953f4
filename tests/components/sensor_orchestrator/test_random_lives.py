"""Random lives of a hive: whatever is ordered, set, broken and killed in whatever order, what must hold holds."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake_components.daily_window import US_PER_S
from kittiwake_components.ports.hive import SensorState
from kittiwake_components.sensor_orchestrator.capture_times import CaptureTimes
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, StopPolicy
from kittiwake_components.sensor_orchestrator.windows import CaptureWindow
from tests.components.sensor_orchestrator.hive import Hive, Sensors, utc_ns

TWO: Sensors = {"audio": {}, "temp": {}}
ONE: Sensors = {"audio": {"gain": 50}}
WITH_PROCESS = {
    SensorState.STARTING, SensorState.WAITING, SensorState.BEGINNING, SensorState.RECORDING, SensorState.STOPPING,
    SensorState.ENDING, SensorState.KILLING,
}  # fmt: skip
TARGETS = st.sampled_from(["", "audio", "temp", "cpu"])
STAGES = st.sampled_from(["start", "begin", "record", "stop", ""])

ACTIONS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.3, 5.0, 40.0, 100.0, 300.0])),
    st.tuples(st.just("START"), TARGETS, st.sampled_from(ElapsedStarts)),
    st.tuples(st.just("STOP"), TARGETS, st.sampled_from(StopPolicy)),
    st.tuples(st.just("TAKE_NOW"), TARGETS),
    st.tuples(st.just("STATUS"), TARGETS),
    st.tuples(st.just("silent"), st.sampled_from(["audio", "temp"]), STAGES),
    st.tuples(st.just("dies"), st.sampled_from(["audio", "temp"]), STAGES),
    st.tuples(st.just("kill"), st.integers(0, 3)),
    st.tuples(st.just("step"), st.sampled_from([-86_400, -400, -2, 2, 400, 86_400])),
    st.tuples(st.just("sleep"), st.sampled_from([5, 60, 4000])),
    st.tuples(st.just("reload"), st.sampled_from([0, 1])),
    st.tuples(st.sampled_from(["restart", "reboot", "crash"])),
)


def act(hive: Hive, action: tuple[Any, ...]) -> None:
    match action:
        case ("wait", seconds):
            hive.ticks(seconds)
        case ("silent" | "dies" as fault, name, stage):
            getattr(hive.script, fault)[name] = stage
        case ("kill", place) if place < len(hive.processes):
            hive.processes[place].signal(9)
        case ("step", seconds):
            hive.step_wall_clock(seconds)
        case ("sleep", seconds):
            hive.platform.clock.advance(seconds * 10**9)
        case ("reload", which):
            hive.configure((TWO, ONE)[which])
            hive.send("RELOAD_CONFIG")
        case ("restart" | "reboot" | "crash" as end,):
            getattr(hive, end)()
        case (("START" | "STOP" | "TAKE_NOW" | "STATUS") as command, *arguments):
            hive.send(command, *arguments)
    hive.ticks()


def check(hive: Hive) -> None:
    for index, one in hive.component.sensors.items():
        state = hive.component.sensor[index].state
        assert (one.process is not None) == (state in WITH_PROCESS), f"{one.name} is {state.name}"
        assert one.capture is None or one.process is not None
        assert (one.times.next_us is not None) == one.is_wanted, f"{one.name} is {state.name}"
        if one.times.next_us is not None and state is SensorState.WAITING:
            assert one.times.next_us > hive.component.wall_us(), f"a start of {one.name} is left lying"
    for name in hive.recordings():
        if name.endswith(".wav"):
            assert hive.read_file(f"/captures/{name}") == b"recording"


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=25))
def test_no_life_breaks_a_hive(actions: list[tuple[Any, ...]]) -> None:
    """REQ-SO-012, REQ-SO-015: each command has one answer, no handler fails, and nobody is forgotten."""
    with Hive(TWO, now="2026-06-01T07:57:00-04:00") as hive:
        for action in actions:
            act(hive, action)
            check(hive)
        # Whatever was done to it, without further faults it records again.
        hive.script.silent.clear()
        hive.script.dies.clear()
        hive.ticks(200)
        hive.configure(TWO)
        hive.send("RELOAD_CONFIG")
        hive.ticks(100)
        hive.send("START", "", ElapsedStarts.LEAVE_OUT)
        hive.ticks(5)
        assert hive.state("audio") in ("WAITING", "RECORDING")
        check(hive)


WINDOW = CaptureWindow(480, 1200, 60 * US_PER_S, 300 * US_PER_S, UTC)


@given(
    st.integers(0, 86_400), st.integers(1, 100) | st.just(3600),
    st.lists(st.tuples(st.integers(0, 4000), st.booleans()), max_size=30),
)  # fmt: skip
def test_each_start_is_taken_or_missed_and_none_twice(
    begin_s: int, late_limit_s: int, steps: list[tuple[int, bool]]
) -> None:
    """REQ-SO-002, REQ-SO-007."""
    first_us = now_us = utc_ns("2026-06-01T00:00:00Z") // 1000 + begin_s * US_PER_S
    times = CaptureTimes(WINDOW)
    times.begin(now_us)
    taken: list[int] = []
    missed = 0
    for step_s, is_free in steps:
        now_us += step_s * US_PER_S
        due = times.take(now_us, late_limit_s * US_PER_S, is_free=is_free)
        missed += due.missed
        if due.start_us is not None:
            assert is_free
            assert 0 <= now_us - due.start_us <= late_limit_s * US_PER_S
            taken.append(due.start_us)
    passed = 0
    start_us = WINDOW.next_start(first_us - 1)
    assert times.next_us is not None
    while start_us < times.next_us:
        passed += 1
        start_us = WINDOW.next_start(start_us)
    assert passed == len(taken) + missed
    assert taken == sorted(set(taken))
