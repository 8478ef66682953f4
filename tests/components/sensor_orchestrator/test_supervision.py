"""Sensors that hang, die, flood and babble, at each stage; and when they are left alone."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import After, CommandResponse
from kittiwake.testing.state_machines import Step, put, steps_of
from kittiwake_components.ports.hive import SensorState
from kittiwake_components.sensor_orchestrator.component import SensorOrchestrator
from kittiwake_components.sensor_orchestrator.sensor_process import MAX_BYTES_A_SECOND
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, SensorSignal, StopPolicy
from kittiwake_components.sensors.protocol import MAX_LINE
from tests.components.sensor_orchestrator.hive import Hive, Sensors
from tests.components.sensor_orchestrator.scripted_sensor import Script

TWO: Sensors = {"audio": {}, "temp": {}}
STAGES = {"start": 30, "begin": 10, "record": 70}


def script_with(**faults: object) -> Script:
    """A script with these faults."""
    script = Script()
    for name, fault in faults.items():
        setattr(script, name, fault)
    return script


# Hanging


@pytest.mark.parametrize("stage", STAGES)
def test_a_sensor_that_hangs_is_ended_and_started_again(stage: str) -> None:
    """REQ-SO-020, REQ-SO-021. Upstream: a sensor whose bus locked up blocked for ever."""
    script = script_with(silent={"audio": stage})
    with Hive(TWO, script=script, capture_window_start_time="0700") as hive:
        hive.ticks(STAGES[stage] - 0.5)
        assert "SensorHung" not in hive.events.names()
        script.silent.clear()
        hive.ticks(2)
        hung = hive.events.named("SensorHung")[0]
        names = {"start": SensorState.STARTING, "begin": SensorState.BEGINNING, "record": SensorState.RECORDING}
        assert hung.args == ("audio", names[stage], STAGES[stage], True)
        assert [process.status for process in hive.platform.children.started[:1]] == [-15]
        hive.ticks(2)
        assert hive.events.named("SensorRestarted")[0].args == ("audio", 1)
        assert hive.report("audio").restarts == hive.channels["Restarts"] == 1
        hive.ticks(600)
        assert hive.report("temp").captures >= 2  # nobody else was held up
        assert hive.report("audio").captures >= 1
        assert hive.report("audio").misses == 1


def test_a_sensor_that_hangs_at_a_stop_is_ended_and_stays_stopped() -> None:
    with Hive(script=script_with(silent={"audio": "stop"})) as hive:
        hive.ticks(3600 + 20)
        hive.send("STOP", "audio", StopPolicy.TRUNCATE)
        hive.ticks(9)
        assert hive.state() == "STOPPING"
        hive.ticks(2)
        assert hive.events.named("SensorHung")[0].args[1] is SensorState.STOPPING
        assert (hive.state(), hive.processes) == ("STOPPED", [])
        assert hive.report("audio").misses == 1


def test_one_that_does_not_heed_the_first_signal_gets_the_other() -> None:
    script = script_with(silent={"audio": "record"}, deaf_to_term={"audio"})
    with Hive(script=script) as hive:
        hive.ticks(3600 + 71)
        assert hive.state() == "ENDING"
        hive.ticks(4.5)
        assert hive.platform.children.started[0].status == -9
        assert hive.state() == "BACKING_OFF"


def test_one_that_nothing_ends_is_left_alone() -> None:
    """REQ-SO-022: it waits for its device within the system."""
    script = script_with(silent={"audio": "record"}, stuck={"audio"})
    with Hive(script=script) as hive:
        hive.ticks(3600 + 85)
        assert hive.events.named("SensorQuarantined")[0].args == ("audio", "it cannot be killed")
        assert hive.state() == "QUARANTINED"
        assert hive.send("START", "audio", ElapsedStarts.CONFIGURED).response is CommandResponse.EXECUTION_ERROR
        assert hive.send("STOP", "audio", StopPolicy.CONFIGURED).response is CommandResponse.OK
        assert hive.state() == "QUARANTINED"
        hive.processes[0].is_stuck = False
        hive.ticks(3600)  # it wakes up, and finds that it is to leave
        hive.processes[0].signal(9)
        hive.ticks()
        assert hive.state() == "STOPPED"
        assert hive.send("START", "audio", ElapsedStarts.CONFIGURED).response is CommandResponse.OK
        assert hive.state() == "WAITING"


def test_one_that_may_not_be_killed_loses_its_power_instead() -> None:
    """REQ-SO-022. Upstream: killing was held unsafe for all sensors, and nothing was done at all."""
    script = script_with(silent={"audio": "record"}, unsafe={"audio"})
    with Hive(TWO, script=script, settings={"switched": ["temp", "audio"]}) as hive:
        hive.ticks(3600 + 71)
        assert hive.ports.power_cycle[1] == [()]
        assert hive.ports.power_cycle[0] == []
        assert hive.events.named("SensorHung")[0].args[3] is False
        assert hive.events.named("SensorQuarantined")[0].args == ("audio", "it hangs, and may not be killed")
        assert [process.status for process in hive.platform.children.started] == [None, None]
        hive.ticks(600)
        assert hive.channels["Quarantined"] == 1
        assert hive.report("audio").misses == 2  # what becomes of the first is not known yet
        hive.send("STATUS", "audio")
        assert "QUARANTINED (it hangs, and may not be killed)" in hive.events.named("SensorStatus")[0].args[0]


def test_a_sleep_of_the_machine_is_nobodys_fault() -> None:
    """REQ-SO-020: the deadlines count the sleep; the sensor, which has slept too, ends its recording after it."""
    script = script_with(silent={"temp": "record"})
    with Hive(TWO, script=script) as hive:
        hive.ticks(3600 + 20)
        hive.platform.clock.advance(1800 * 10**9)
        hive.ticks(1)
        assert "SensorHung" not in hive.events.names()
        assert hive.report("audio").captures == 1
        hive.ticks(75)
        assert hive.events.named("SensorHung")[0].args[0] == "temp"


# Dying


@pytest.mark.parametrize("stage", ["start", "begin", "record"])
def test_a_sensor_that_dies_is_started_again_until_its_budget_is_spent(stage: str) -> None:
    """REQ-SO-021, REQ-SO-023. Upstream: no process was ever started again, or there would have been no end of it."""
    script = script_with(dies={"audio": stage})
    with Hive(TWO, script=script, capture_window_start_time="0700", capture_interval_seconds=120) as hive:
        hive.ticks(1200)
        assert hive.state("audio") == "QUARANTINED"
        assert hive.events.named("SensorDied")[0].args == ("audio", "status 1")
        assert len(hive.events.named("SensorRestarted")) == 5
        assert hive.events.named("SensorQuarantined")[0].args == ("audio", "it has failed 6 times within an hour")
        assert len([one for one in hive.platform.children.started if "audio" in one.command]) == 6
        assert hive.report("temp").captures == 10
        script.dies.clear()
        hive.send("START", "audio", ElapsedStarts.CONFIGURED)
        hive.ticks(230)
        assert hive.state("audio") == "WAITING"
        assert hive.report("audio").captures == 2


def test_pauses_double_and_failures_of_long_ago_do_not_count() -> None:
    """REQ-SO-023."""
    script = script_with(dies={"audio": "start"})
    with Hive(script=script, parameters={"max_restarts": 4}) as hive:
        hive.ticks(8)
        script.dies.clear()
        hive.ticks(8)
        assert hive.state() == "WAITING"
        tags = [event.tag for event in hive.events if event.name in ("SensorDied", "SensorRestarted")]
        pauses_s = [round((after - before) / 1e6) for before, after in zip(tags[::2], tags[1::2], strict=True)]
        assert pauses_s == [1, 2, 4, 8]
        hive.ticks(3600)
        for _ in range(4):
            hive.processes[0].signal(9)
            hive.ticks(20)
        assert hive.state() == "WAITING"
        hive.processes[0].signal(9)
        hive.ticks(1)
        assert hive.state() == "QUARANTINED"


def test_without_any_restarts_the_first_failure_is_the_last() -> None:
    with Hive(script=script_with(dies={"audio": "start"}), parameters={"max_restarts": 0}) as hive:
        assert hive.state() == "QUARANTINED"
        assert hive.send("STOP", "audio", StopPolicy.CONFIGURED).response is CommandResponse.OK
        assert hive.state() == "STOPPED"


def test_a_command_need_not_wait_for_the_pause() -> None:
    script = script_with(dies={"audio": "start"})
    with Hive(script=script) as hive:
        script.dies.clear()
        hive.send("START", "audio", ElapsedStarts.CONFIGURED)
        assert hive.state() == "WAITING"
        hive.processes[0].signal(9)
        hive.ticks()
        assert hive.state() == "BACKING_OFF"
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        assert hive.state() == "STOPPED"


def test_a_program_that_cannot_be_started_is_a_failure() -> None:
    with Hive({"audio": {"auto_start": False}}) as hive:
        hive.platform.children.remove("python")
        hive.send("START", "audio", ElapsedStarts.CONFIGURED)
        hive.ticks(40)
        assert "cannot be started: No such file" in hive.events.named("SensorDied")[0].args[1]
        assert hive.state() == "QUARANTINED"


def test_a_process_that_cannot_be_watched_is_not_left_alone() -> None:
    with Hive({"audio": {"auto_start": False}}, parameters={"max_restarts": 0}) as hive:
        poller: Any = hive.component._context.loop.poller
        add = poller.add

        def refuse(*_: object) -> None:
            raise OSError(9, "descriptor 1024 cannot be watched")

        poller.add = refuse
        hive.send("START", "audio", ElapsedStarts.CONFIGURED)
        poller.add = add
        assert (hive.state(), hive.processes) == ("QUARANTINED", [])
        assert "cannot be watched" in hive.events.named("SensorDied")[0].args[1]


def test_what_was_published_before_a_death_counts() -> None:
    """REQ-SO-016: the process had no time to say so."""
    with Hive() as hive:
        hive.ticks(3600 + 20)
        path = hive.script.orders[0]["path"]
        for name in (path, path + ".json"):
            with hive.files.open(name, "w") as file:
                file.write_at(0, b"all of it")
        hive.processes[0].signal(9)
        hive.ticks(1)
        assert hive.events.named("CaptureDone")[0].args[2] == 9
        assert (hive.report("audio").captures, hive.report("audio").misses) == (1, 0)


def test_a_recording_that_is_not_there_is_not_done() -> None:
    with Hive(script=script_with(lies={"audio"})) as hive:
        hive.ticks(3600 + 100)
        assert "CaptureDone" not in hive.events.names()
        assert "published what is not there" in hive.events.named("CaptureFailed")[0].args[1]
        assert hive.report("audio").misses == 1


def test_a_capture_that_fails_is_a_miss_and_no_failure_of_the_process() -> None:
    with Hive(script=script_with(fails={"audio"})) as hive:
        hive.ticks(3600 + 700)
        assert hive.events.named("CaptureFailed")[0].args == ("audio", "the microphone does not answer")
        assert hive.report("audio").misses == 3
        assert (hive.state(), hive.report("audio").restarts) == ("WAITING", 0)


def test_a_sensor_that_refuses_its_configuration_is_left_alone() -> None:
    """REQ-SO-017."""
    script = script_with(refuses={"audio": "the card has no gain of 49"})
    with Hive({"audio": {"gain": "49"}, "temp": {}}, script=script) as hive:
        hive.ticks(1)
        assert hive.events.named("ConfigRejected")[0].args == ("audio", script.refuses["audio"])
        assert (hive.state("audio"), hive.state("temp")) == ("QUARANTINED", "WAITING")
        script.refuses.clear()
        hive.configure({"audio": {"gain": "50"}, "temp": {}})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert hive.state("audio") == "WAITING"
        assert len([one for one in hive.platform.children.started if "temp" in one.command]) == 1


# Babbling


GARBAGE = [
    b"\xff\x00",
    b"[1, 2]",
    b"{}",
    b'{"is": "done"}',
    b'{"is": "done", "capture": 1, "bytes": -1, "truncated": false}',
    b'{"is": "done", "capture": 999, "bytes": 9, "truncated": false}',
    b'{"is": "reading", "capture": 1, "values": ["x"]}',
    b'{"is": "reading", "capture": 1, "values": [1, 2, 3, 4, 5, 6, 7, 8, 9]}',
    b'{"is": "ready", "extension": "../x", "safe_to_kill": true}',
    b'{"is": "ready", "extension": "wav", "safe_to_kill": true, "channels": 5}',
    b'{"is": "ready", "extension": "wav", "safe_to_kill": true, "channels": [5]}',
    b"x" * (3 * MAX_LINE),
    b"[" * 4000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_counted_and_does_no_harm(garbage: bytes) -> None:
    """REQ-SO-024. Upstream: nothing was said of what a sensor writes."""
    with Hive(script=script_with(says={"audio": garbage + b"\n"})) as hive:
        hive.ticks(3600 + 100)
        assert hive.events.named("SensorGarbage")[0].args == ("audio", 1)
        assert hive.report("audio").captures == 1
        assert (hive.state(), hive.report("audio").restarts) == ("WAITING", 0)


def test_a_flood_has_to_wait_and_holds_nobody_up() -> None:
    """REQ-SO-024: what it writes is read at so many bytes a second, and reported a few times."""
    script = script_with(says={"audio": b"y" * 60_000 + b"\n"}, grumbles={"audio": b"help\n" * 10_000})
    with Hive(TWO, script=script) as hive:
        before = hive.platform.clock.now_ns()
        hive.ticks(3600 + 100)
        assert (hive.report("audio").captures, hive.report("temp").captures) == (1, 1)
        assert len(hive.events.named("SensorSaid")) == 20
        assert hive.events.named("SensorSaid")[0].args == ("audio", "help")
        assert hive.platform.clock.now_ns() - before == 3700 * 10**9


def test_no_more_than_so_much_is_read_a_second() -> None:
    with Hive() as hive:
        hive.ticks(1)
        process = hive.processes[0]
        for _ in range(4):
            while process.write(b"z" * 16_384):
                hive.settle()
            assert process.write(b"z") == 0  # the pipe is full, and nobody reads on
            hive.ticks(1.01)
        assert hive.events.named("SensorFlood")[0].args == ("audio",)
        assert len(hive.events.named("SensorFlood")) <= 5
        assert hive.state() == "WAITING"
        assert MAX_BYTES_A_SECOND == 65_536


def test_one_that_reads_nothing_costs_a_bounded_amount() -> None:
    with Hive() as hive:
        hive.ticks(1)
        hive.processes[0].is_stuck = True
        process = hive.component.sensors[0].process
        assert process is not None
        sent = 0
        while process.send({"do": "stop", "capture": 0, "policy": "finish"}):
            sent += 1
        assert 1000 < sent < 10_000
        hive.processes[0].is_stuck = False
        hive.ticks(3600 + 61)
        assert hive.state() == "WAITING"


def test_readings_go_to_whoever_shows_them() -> None:
    """REQ-SO-018."""
    script = script_with(readings={"audio": [61.5, None, 62.5]})
    with Hive(TWO, script=script) as hive:
        hive.ticks(3600 + 1)
        values = [call[2] for call in hive.ports.reading_out[3]]
        assert (values[0], values[2]) == (61.5, 62.5)
        assert values[1] != values[1]
        assert {call[:2] for call in hive.ports.reading_out[3]} == {("audio", "level")}


# The machine


@pytest.mark.parametrize("step", steps_of(SensorOrchestrator.sensor), ids=str)
def test_every_step_of_the_machine_is_taken_as_declared(step: Step) -> None:
    """REQ-SO-001: with no process behind it, from every state, with every outcome of the guards."""
    with Hive() as hive:
        hive.ticks(1)
        one = hive.component.sensors[0]
        process = one.process
        running = put(hive, "sensor", step.state, 0)
        for name, outcome in step.guards.items():
            setattr(hive.component, name, lambda *_, outcome=outcome: outcome)
        arguments = (one.described,) if step.trigger is SensorSignal.READY else ()
        if isinstance(step.trigger, After):
            setattr(hive.component, "judge_delay", lambda *_: None)  # noqa: B010 - it would send a signal of its own
            running.expire(step.trigger)
        else:
            running.send(step.trigger, *arguments)
        assert running.state is step.target
        for name in step.guards:
            delattr(hive.component, name)
        running.stop()
        if process is not None:
            process.close()
        if one.process is not None:
            one.process.close()
