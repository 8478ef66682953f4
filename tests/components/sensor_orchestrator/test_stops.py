"""Stops: the three cases of the original, the policies, and what is known of them after a restart."""

from __future__ import annotations

import errno

import pytest

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, StopPolicy
from kittiwake_components.sensors.protocol import encode_line
from tests.components.sensor_orchestrator.hive import Hive, Sensors, utc_ns
from tests.components.sensor_orchestrator.scripted_sensor import Script

SENSORS: Sensors = {"audio": {}, "temp": {}}
POLICIES = [policy for policy in StopPolicy if policy is not StopPolicy.CONFIGURED]


def test_a_stop_before_the_first_sleep_is_immediate() -> None:
    """REQ-SO-010, case a) of the seed: the process has not said yet that it is ready."""
    script = Script()
    script.slow_start_s = 5.0
    with Hive(script=script) as hive:
        assert hive.state() == "STARTING"
        assert hive.send("STOP", "audio", StopPolicy.CONFIGURED).response is CommandResponse.OK
        hive.ticks(6)
        assert (hive.state(), hive.processes) == ("STOPPED", [])
        assert "SensorStarted" not in hive.events.names()
        assert hive.events.named("SensorStopped")


def test_a_stop_of_a_sleeping_sensor_takes_no_time() -> None:
    """REQ-SO-010, case b) of the seed.

    Upstream: a stop while asleep was seen at the next start, an interval later, and cost a recording thrown away.
    """
    with Hive() as hive:
        hive.ticks(3600 + 100)
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        assert (hive.state(), hive.processes) == ("STOPPED", [])
        hive.ticks(3600)
        assert len(hive.starts()) == 1
        assert "CaptureDiscarded" not in hive.events.names()
        assert hive.report("audio").misses == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_a_stop_of_a_recording_sensor_does_as_its_policy_says(policy: StopPolicy) -> None:
    """REQ-SO-011, case c) of the seed.

    Upstream: the recording went on to its end, and was thrown away.
    """
    with Hive() as hive:
        hive.ticks(3600 + 20)
        sent = hive.send("STOP", "audio", policy)
        assert sent.response is CommandResponse.OK
        ((heard_ns, order),) = hive.script.stops
        assert heard_ns == hive.platform.clock.now_ns()
        assert order["policy"] == policy.name.lower()
        if policy is StopPolicy.FINISH:
            assert hive.state() == "STOPPING"
            hive.ticks(40)
        assert (hive.state(), hive.processes) == ("STOPPED", [])
        kept = [name for name in hive.recordings() if name.endswith(".wav")]
        assert len(kept) == (policy is not StopPolicy.DISCARD)
        if kept:
            assert hive.events.named("CaptureDone")[0].args == ("audio", *kept, 9, policy is StopPolicy.TRUNCATE)
            assert hive.ports.capture_done_out[0] == hive.ports.capture_done_out[1] == [("audio", *kept, 9)]
        else:
            assert hive.events.named("CaptureDiscarded")
        assert hive.recordings() == [*kept, *[name + ".json" for name in kept]]


def test_the_policy_is_that_of_the_sensor_unless_another_is_asked_for() -> None:
    with Hive({"audio": {"stop_policy": "discard"}, "temp": {}}) as hive:
        hive.ticks(3600 + 20)
        hive.send("STOP", "", StopPolicy.CONFIGURED)
        hive.ticks(60)
        assert [name.partition("/")[0] for name in hive.recordings() if name.endswith(".wav")] == ["temp"]


def test_a_second_stop_may_be_sharper() -> None:
    with Hive() as hive:
        hive.ticks(3600 + 20)
        hive.send("STOP", "audio", StopPolicy.FINISH)
        hive.ticks(5)
        assert hive.state() == "STOPPING"
        hive.send("STOP", "audio", StopPolicy.DISCARD)
        assert hive.state() == "STOPPED"
        assert hive.recordings() == []


def test_a_start_during_a_stop_follows_it() -> None:
    with Hive() as hive:
        hive.ticks(3600 + 20)
        hive.send("STOP", "audio", StopPolicy.FINISH)
        assert hive.send("START", "audio", ElapsedStarts.CONFIGURED).response is CommandResponse.OK
        hive.ticks(60)
        assert hive.state() == "WAITING"
        assert hive.report("audio").captures == 1
        hive.ticks(300)
        assert len(hive.starts()) == 2


def test_commands_name_one_sensor_or_all() -> None:
    """REQ-SO-012. Upstream: commands got no answer, and there was no status."""
    with Hive(SENSORS) as hive:
        assert hive.send("STOP", "", StopPolicy.CONFIGURED).response is CommandResponse.OK
        assert (hive.state("audio"), hive.state("temp")) == ("STOPPED", "STOPPED")
        assert hive.send("START", "temp", ElapsedStarts.CONFIGURED).response is CommandResponse.OK
        assert (hive.state("audio"), hive.state("temp")) == ("STOPPED", "WAITING")
        for command, argument in (("START", ElapsedStarts.CONFIGURED), ("STOP", StopPolicy.CONFIGURED)):
            assert hive.send(command, "adio", argument).response is CommandResponse.VALIDATION_ERROR
        assert hive.send("TAKE_NOW", "adio").response is CommandResponse.VALIDATION_ERROR
        assert hive.send("STATUS", "adio").response is CommandResponse.VALIDATION_ERROR
        assert "did you mean audio?" in str(hive.monitor)


def test_status_says_how_a_sensor_is() -> None:
    """REQ-SO-012."""
    script = Script()
    script.readings["audio"] = [61.5, None]
    with Hive(SENSORS, script=script) as hive:
        hive.ticks(3600 + 30)
        hive.send("STATUS", "audio")
        text = hive.events.named("SensorStatus")[0].args[0]
        assert text == (
            "audio: RECORDING, next 2026-06-01T08:05:00-0400, 0 captures, 0 missed, 0 restarts, level 61.5 30 s ago"
        )
        hive.send("STATUS", "")
        assert len(hive.events.named("SensorStatus")) == 3
        assert hive.call.status_in("audio", 0) == text
        assert hive.call.status_in("", 1).startswith("temp: RECORDING")
        assert hive.call.status_in("adio", 0) == ""


def test_a_sensor_that_leaves_is_not_offered_for_what_was_meant() -> None:
    """REQ-SO-012: it still ends its recording, and takes no commands."""
    with Hive(SENSORS) as hive:
        hive.ticks(3600 + 30)
        hive.configure({"audio": {}})
        hive.send("RELOAD_CONFIG")
        assert hive.call.status_in("temp", 0).startswith("temp: STOPPING")
        assert hive.send("TAKE_NOW", "temp").response is CommandResponse.VALIDATION_ERROR
        assert "there is no sensor temp; there are audio" in str(hive.monitor)


# What outlives a restart


@pytest.mark.parametrize("end", ["reboot", "restart", "crash"])
def test_a_stop_by_command_outlives_every_restart(end: str) -> None:
    """REQ-SO-014. Upstream: what had been ordered was lost with the process."""
    with Hive({**SENSORS, "cpu": {"auto_start": False}}) as hive:
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        hive.send("START", "cpu", ElapsedStarts.CONFIGURED)
        hive.ticks(1)
        getattr(hive, end)()
        hive.ticks()
        assert [hive.state(name) for name in ("audio", "temp", "cpu")] == ["STOPPED", "WAITING", "STOPPED"]
        assert [event.args for event in hive.events.named("SensorStopped")] == [("audio",)]
        assert hive.call.status_in("audio", 0).startswith("audio: STOPPED (by command), 0 captures")
        assert hive.call.status_in("cpu", 0).startswith("cpu: STOPPED (auto_start is off), 0 captures")
        hive.send("START", "audio", ElapsedStarts.CONFIGURED)
        getattr(hive, end)()
        hive.ticks()
        assert hive.state("audio") == "WAITING"


def test_wherever_the_power_goes_a_stop_holds_or_does_not() -> None:
    """REQ-SO-014: a sensor whose stop was answered is stopped; one that was not is either."""
    outcomes = set()
    for number in range(1, 30):
        platform = SimulatedPlatform(number, wall_start_ns=utc_ns("2026-06-01T07:00:00-04:00"))
        with Hive(SENSORS, platform=platform) as hive:
            hive.ticks(1)
            hive.files.cut_at(hive.files.operations + number)
            sent = None
            try:
                sent = hive.send("STOP", "audio", StopPolicy.CONFIGURED)
                hive.send("STOP", "temp", StopPolicy.CONFIGURED)
                hive.send("START", "temp", ElapsedStarts.CONFIGURED)
                over = True
            except PowerCut:
                over = False
            hive.crash()
            hive.ticks(1)
            states = hive.state("audio"), hive.state("temp")
            outcomes.add(states)
            assert set(states) <= {"STOPPED", "WAITING"}
            assert sent is None or states[0] == "STOPPED"
            if over:
                assert states == ("STOPPED", "WAITING")
                break
    assert over
    assert outcomes == {("WAITING", "WAITING"), ("STOPPED", "WAITING"), ("STOPPED", "STOPPED")}


def test_a_stop_that_cannot_be_kept_is_done_and_said() -> None:
    with Hive() as hive:
        hive.files.fail_every("write_at", errno.ENOSPC)
        assert hive.send("STOP", "audio", StopPolicy.CONFIGURED).response is CommandResponse.EXECUTION_ERROR
        assert hive.state() == "STOPPED"
        assert hive.events.named("FileFault")[0].args[0] == "/stopped_sensors"


def test_a_damaged_record_is_kept_aside_and_said() -> None:
    with Hive() as hive:
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        hive.files.damage("/kittiwake/stopped_sensors.a", 5, b"???")
        hive.restart()
        assert hive.events.named("RecordRecovered")
        assert hive.state() == "WAITING"


# The orchestrator's own end


def test_the_end_of_the_orchestrator_loses_no_recording() -> None:
    """REQ-SO-015: its sensors finish what they record, publish it and leave; the next one begins with its own."""
    with Hive() as hive:
        hive.ticks(3600 + 20)
        process = hive.processes[0]
        hive.restart()
        hive.ticks(1)
        assert process.status is None
        assert len(hive.processes) == 2
        hive.ticks(45)
        assert process.status == 0
        assert [name for name in hive.recordings() if name.endswith(".wav")]
        hive.ticks(300)
        assert hive.report("audio").captures == 1


def test_a_shutdown_ends_the_input_of_the_sensors() -> None:
    hive = Hive()
    hive.ticks(1)
    platform = hive.platform
    hive.finish()
    platform.children.run_due()
    assert platform.children.processes == []


def test_what_a_process_before_has_left_is_settled() -> None:
    """REQ-SO-016: capture 0 is of a process that was killed: published late, or half and thrown away."""
    path = "/kittiwake/captures/audio/2026-05-31/hive@2026-05-31@20-00-00.wav"
    script = Script()
    script.leftovers = [
        encode_line({"is": "discarded", "capture": 0, "path": path}),
        encode_line({"is": "discarded", "capture": 0, "path": "/etc/passwd"}),
        encode_line({"is": "discarded", "capture": 0, "path": "/kittiwake/captures/../x"}),
        encode_line({"is": "done", "capture": 0, "path": path, "bytes": 9, "sha256": "", "truncated": False}),
    ]
    platform = SimulatedPlatform(wall_start_ns=utc_ns("2026-06-01T07:00:00-04:00"))
    platform.files.make_folders(path.rpartition("/")[0])
    for name in (path, path + ".json"):
        with platform.files.open(name, "w") as file:
            file.write_at(0, b"recording")
    with Hive(platform=platform, script=script) as hive:
        name = "audio/2026-05-31/hive@2026-05-31@20-00-00.wav"
        assert [event.args for event in hive.events.named("CaptureDiscarded")] == [("audio", name)]
        assert hive.events.named("CaptureDone")[0].args == ("audio", name, 9, False)
        assert sum(event.args[1] for event in hive.events.named("SensorGarbage")) == 2
