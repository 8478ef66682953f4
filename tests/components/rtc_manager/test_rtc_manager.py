"""RtcManager: sets the deployment's time and nothing else, keeps it over restarts, rings each alarm once."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.fw import TimeBase
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import CmdSequencer, RtcManager, StartupManager, Time
from kittiwake_components.deployment_time import present_us, time_base
from kittiwake_components.ports.time import TimeQuality
from kittiwake_components.rtc_manager.time_data import TimeData, time_data
from tests.components.cmd_sequencer.sequence_files import relative, sequence
from tests.components.flight import Flight

CURIOSITY = TimeData(2012, 8, 6, 5, 17, 57)
START_S = 1_767_225_600  # 2026-01-01, which the simulated machine's clock says

Tester = ComponentTester[RtcManager]


def flight(platform: Any = None, **more: Any) -> Flight:
    classes = {"time": Time, "rtcManager": RtcManager, **more}
    made = Flight(classes, ["rtcManager.set_time -> time.set_time"], ["time.run", "rtcManager.run"], platform)
    if platform is None:
        made.run(1)
    return made


def put_boot_id(platform: Any, id: bytes) -> None:
    folder = "/proc/sys/kernel/random"
    platform.files.make_folders(folder)
    if platform.files.exists(f"{folder}/boot_id"):
        platform.files.remove(f"{folder}/boot_id")
    with platform.files.open(f"{folder}/boot_id", "x") as file:
        file.write_at(0, id)


def now_s(made: Flight) -> float:
    return present_us(made["rtcManager"]._tags, made["rtcManager"].clock) / 1e6


def at(seconds: float) -> TimeData:
    return time_data(int(seconds))


# The calendar


@given(st.datetimes(datetime(2000, 1, 1), datetime(2105, 12, 31, 23, 59, 59)))
def test_dates_are_those_of_the_calendar(when: datetime) -> None:
    """REQ-RTC-001."""
    given_time = TimeData(when.year, when.month, when.day, when.hour, when.minute, when.second)
    assert given_time.impossible() == []
    assert given_time.seconds() == int(when.replace(tzinfo=UTC, microsecond=0).timestamp())
    assert time_data(given_time.seconds()) == given_time


@given(st.integers(2000, 2105), st.integers(1, 12), st.integers(0, 40))
def test_a_day_that_its_month_does_not_have_is_impossible(year: int, month: int, day: int) -> None:
    """REQ-RTC-002."""
    is_day = 1 <= day <= calendar.monthrange(year, month)[1]
    assert TimeData(year, month, day, 0, 0, 0).impossible() == ([] if is_day else ["Day"])


# TIME_SET


def test_the_time_is_set_and_the_one_before_reported() -> None:
    """REQ-RTC-001."""
    made = flight()
    made["rtcManager"].time_set(CURIOSITY)
    assert abs(now_s(made) - CURIOSITY.seconds()) < 1
    assert made["time"].time_quality is TimeQuality.SET
    seconds, useconds = made.named("TimeSet")[0]
    assert (seconds, useconds) == (START_S + 1, 0)
    _, tag, _ = made["events"].seen[-1]
    assert abs((tag & (1 << 64) - 1) / 1e6 - CURIOSITY.seconds()) < 1
    made.stop()


def test_each_impossible_field_has_its_event_and_nothing_is_set() -> None:
    """REQ-RTC-002."""
    with ComponentTester(RtcManager) as tester:
        sent = tester.send("TIME_SET", TimeData(0, 12345, 12345, 12345, 12345, 12345))
        assert sent.response is CommandResponse.VALIDATION_ERROR
        fields = ("Year", "Month", "Day", "Hour", "Minute", "Second")
        assert tester.events.names() == [f"{field}ValidationFailed" for field in fields] + ["TimeNotSet"]
        assert tester.events.named("YearValidationFailed")[0].args == (0,)
        assert tester.send("TIME_SET", TimeData(2026, 2, 29, 0, 0, 0)).response is CommandResponse.VALIDATION_ERROR
        assert tester.send("TIME_SET", TimeData(2024, 2, 29, 0, 0, 0)).response is CommandResponse.OK
        assert len(tester.ports.set_time) == 1
        assert len(tester.ports.cancel_sequences[0]) == 1


def test_running_sequences_are_cancelled_on_every_sequencer() -> None:
    """REQ-RTC-003."""
    with ComponentTester(RtcManager) as tester:
        assert tester.send("TIME_SET", CURIOSITY).response is CommandResponse.OK
        assert [tester.ports.cancel_sequences[index] for index in range(3)] == [[(0,)]] * 3
        names = [entry[1] for entry in tester.trace if entry[0] in ("port", "event")]
        assert names.index("cancel_sequences[0]") < names.index("set_time") < names.index("TimeSet")


def test_sequencers_may_be_fewer() -> None:
    """REQ-RTC-003."""
    with ComponentTester(RtcManager, open_ports=["cancel_sequences", "alarm_triggered_out"]) as tester:
        assert tester.send("TIME_SET", CURIOSITY).response is CommandResponse.OK


@pytest.mark.parametrize("target", [CURIOSITY, TimeData(2080, 1, 1, 0, 0, 0)])
def test_setting_the_clock_ends_no_wait(target: TimeData) -> None:
    """Upstream: setting the clock ends the startup's wait early, and lets it wait for years the other way.

    REQ-RTC-004.
    """
    made = Flight(
        {"time": Time, "rtcManager": RtcManager, "startup": StartupManager},
        ["rtcManager.set_time -> time.set_time"],
        ["time.run", "rtcManager.run", "startup.run"],
    )
    made.run(10)
    remaining = made["startup"].quiescence_remaining
    made["rtcManager"].time_set(target)
    made.run(10)
    assert remaining - made["startup"].quiescence_remaining == 10
    made.stop()


def test_a_sequence_that_runs_is_cancelled_by_the_setting() -> None:
    """REQ-RTC-003, with a sequencer."""
    made = Flight(
        {"time": Time, "rtcManager": RtcManager, "cmdSeq": CmdSequencer},
        ["rtcManager.set_time -> time.set_time", "rtcManager.cancel_sequences[0] -> cmdSeq.seq_cancel_in"],
        ["time.run", "rtcManager.run"],
    )
    with made.platform.files.open("/flight/long.bin", "x") as file:
        file.write_at(0, sequence(relative(1000, 0x1000)))
    made["cmdSeq"].seq_run_in("/long.bin", 7)
    made.run(2)
    made["rtcManager"].time_set(CURIOSITY)
    made.run(1)
    assert made.named("CS_SequenceCanceled")
    made.stop()


# Over restarts


def test_time_does_not_go_back_before_the_last_known_one_when_power_was_lost() -> None:
    """REQ-RTC-005: a machine whose clock starts in 1970 goes on with the last known time, as an estimate."""
    made = flight()
    made.run(120)
    known = now_s(made)
    platform = SimulatedPlatform(1, wall_start_ns=0, disk=made.platform.crash().files.disk)
    made = flight(platform)
    assert known - 61 <= now_s(made) <= known
    assert made.named("DeviceNotReady") == [()]
    made.run(5)
    assert made["time"].time_quality is TimeQuality.ESTIMATED
    assert known - 61 <= now_s(made) - 5
    made.stop()


def test_a_machine_that_knows_better_is_believed() -> None:
    """REQ-RTC-005."""
    made = flight()
    made.run(61)
    known = now_s(made)
    made = flight(made.platform.crash(off_ns=3600 * 10**9))
    made.run(1)
    assert now_s(made) >= known + 3500
    assert made["time"].time_quality is TimeQuality.SET
    assert made.named("DeviceNotReady") == []
    made.stop()


def test_a_machine_without_any_time_counts_from_boot_and_says_so() -> None:
    """REQ-RTC-005."""
    made = flight(SimulatedPlatform(0, wall_start_ns=0))
    made.run(1)
    assert time_base(made["rtcManager"]._tags) == TimeBase.TB_PROC_TIME
    assert made.named("DeviceNotReady") == [()]
    made["rtcManager"].time_set(CURIOSITY)
    assert made.named("TimeSet") == [(1, 0)]
    assert abs(now_s(made) - CURIOSITY.seconds()) < 1
    made.stop()


@pytest.mark.parametrize("is_same_boot", [True, False])
def test_a_time_that_was_set_outlives_the_process_but_not_a_boot(is_same_boot: bool) -> None:
    """REQ-RTC-006: on the same boot of the machine the clock since boot says how long the process was gone."""
    made = flight()
    put_boot_id(made.platform, b"boot-1")
    made["rtcManager"].start()
    made["rtcManager"].time_set(CURIOSITY)
    made.run(61)
    gone_ns = made.platform.clock.now_ns() + 30 * 10**9
    disk = made.platform.restart().files.disk
    platform = SimulatedPlatform(1, wall_start_ns=START_S * 10**9 + gone_ns, now_ns=gone_ns, disk=disk)
    put_boot_id(platform, b"boot-1" if is_same_boot else b"boot-2")
    made = flight(platform)
    made.run(1)
    if is_same_boot:
        assert now_s(made) == pytest.approx(CURIOSITY.seconds() + 92, abs=1)
        assert made["time"].time_quality is TimeQuality.SET
    else:
        assert now_s(made) > START_S
    made.stop()


def life(platform: SimulatedPlatform, answered: list[int]) -> None:
    """A time is set and two alarms; `answered` gets the number of commands that were answered OK."""
    made = flight(platform)
    made["rtcManager"].time_set(CURIOSITY)
    answered.append(1)
    for seconds in (100, 200):
        made["rtcManager"].alarm_set(at(CURIOSITY.seconds() + seconds))
        answered.append(1)
    made.run(1)
    made.stop()


def test_a_cut_anywhere_leaves_a_time_and_alarms_that_once_held() -> None:
    """REQ-RTC-005, REQ-RTC-008."""
    whole = SimulatedPlatform(0, wall_start_ns=0)
    life(whole, [])
    for operation in range(1, whole.files.operations + 1):
        for after in (False, True):
            platform = SimulatedPlatform(operation, wall_start_ns=0)
            platform.files.cut_at(operation, after=after)
            answered: list[int] = []
            try:
                life(platform, answered)
            except PowerCut:
                pass
            again = SimulatedPlatform(1, wall_start_ns=0, disk=platform.crash().files.disk)
            made = flight(again)
            alarms = list(made["rtcManager"]._record.alarms.values())
            expected = [CURIOSITY.seconds() + seconds for seconds in (100, 200)]
            assert alarms in ([], expected[:1], expected)
            assert len(alarms) >= len(answered) - 1
            if answered:
                assert CURIOSITY.seconds() <= now_s(made) < CURIOSITY.seconds() + 10
            made.stop()


def test_a_damaged_record_is_kept_aside_and_said_so() -> None:
    """REQ-RTC-009."""
    with ComponentTester(RtcManager) as tester:
        tester.call.run(0)
        for slot in ("a", "b"):
            tester.write_file(f"clock.{slot}", b"KWAR" + bytes(60))
        tester.restart()
        assert tester.events.named("ClockFileFault")
        assert tester.send("ALARM_LIST").response is CommandResponse.OK


# Alarms


def test_an_alarm_rings_once_at_its_time() -> None:
    """REQ-RTC-007."""
    with ComponentTester(RtcManager) as tester:
        tester.call.run(0)
        assert tester.send("ALARM_SET", at(START_S + 5)).response is CommandResponse.OK
        assert tester.events.named("AlarmSet")[0].args == (1, at(START_S + 5))
        for _ in range(4):
            tester.advance(1)
            tester.call.run(0)
        assert tester.events.named("AlarmTriggered") == []
        for _ in range(4):
            tester.advance(1)
            tester.call.run(0)
        assert [one.args for one in tester.events.named("AlarmTriggered")] == [(1,)]
        assert tester.ports.alarm_triggered_out == [()]
        assert tester.send("ALARM_LIST").response is CommandResponse.OK
        assert tester.events.names()[-1] == "AlarmNotSet"


def test_several_alarms_have_ids_of_their_own_and_a_limit() -> None:
    """Upstream: there is one alarm only. REQ-RTC-007."""
    with ComponentTester(RtcManager) as tester:
        for number in range(8):
            assert tester.send("ALARM_SET", at(START_S + 10 + number)).response is CommandResponse.OK
        refused = tester.send("ALARM_SET", at(START_S + 50))
        assert refused.response is CommandResponse.VALIDATION_ERROR
        assert tester.events.named("AlarmNotSet")[0].args == (at(START_S + 50), -28)
        tester.clear_history()
        tester.send("ALARM_LIST")
        assert [one.args[0] for one in tester.events.named("AlarmSet")] == list(range(1, 9))
        assert tester.send("ALARM_CANCEL", 3).response is CommandResponse.OK
        assert tester.send("ALARM_CANCEL", 3).response is CommandResponse.VALIDATION_ERROR
        assert tester.events.named("AlarmCanceled")[0].args == (3,)
        assert tester.events.named("AlarmNotCanceled")[0].args == (3, -2)
        assert tester.send("ALARM_SET", at(START_S + 50)).response is CommandResponse.OK
        assert tester.events.named("AlarmSet")[-1].args[0] == 9


def test_past_doubled_and_impossible_alarms_are_refused() -> None:
    """REQ-RTC-007."""
    with ComponentTester(RtcManager) as tester:
        tester.send("ALARM_SET", at(START_S + 5))
        for wrong in (at(START_S - 5), at(START_S), at(START_S + 5), TimeData(2027, 13, 1, 0, 0, 0)):
            assert tester.send("ALARM_SET", wrong).response is CommandResponse.VALIDATION_ERROR
        assert [one.args[1] for one in tester.events.named("AlarmNotSet")] == [-22, -22, -17, -22]
        assert tester.events.named("MonthValidationFailed")[0].args == (13,)


def test_alarms_wait_while_the_time_is_only_estimated_and_outlive_a_power_loss() -> None:
    """REQ-RTC-008."""
    made = flight()
    made["rtcManager"].alarm_set(at(START_S + 30))
    platform = SimulatedPlatform(1, wall_start_ns=0, disk=made.platform.crash().files.disk)
    made = flight(platform)
    made.run(60)
    assert made.named("AlarmTriggered") == []
    with pytest.raises(Exception, match="set it first"):
        made["rtcManager"].alarm_set(at(START_S + 1000))
    made["rtcManager"].time_set(at(START_S + 100))
    made.run(2)
    assert made.named("AlarmTriggered") == [(1,)]
    made.stop()


def test_an_alarm_that_cannot_be_saved_says_so() -> None:
    """REQ-RTC-009."""
    with ComponentTester(RtcManager, settings={"file": "/no/folder"}) as tester:
        assert tester.send("ALARM_SET", at(START_S + 5)).response is CommandResponse.OK
        assert tester.events.named("AlarmHardwareError")[0].args[0] == 1
        assert tester.send("ALARM_CANCEL", 1).response is CommandResponse.OK
        assert len(tester.events.named("AlarmHardwareError")) == 2


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8, unique=True), st.integers(-100, 400))
def test_every_alarm_rings_exactly_once_whatever_the_clock_does(alarms: list[int], step: int) -> None:
    """REQ-RTC-007."""
    made = flight()
    rtc, base = made["rtcManager"], int(now_s(made))
    for seconds in alarms:
        rtc.alarm_set(at(base + seconds))
    made.run(5)
    rtc.time_set(at(base + step))
    made.run(410)
    assert sorted(made.named("AlarmTriggered")) == [(id,) for id in range(1, len(alarms) + 1)]
    made.stop()


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(RtcManager) == []
