"""Schedules through the component: answers, announcements to the instant, notices, locks and clocks."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.fw import TimeBase
from kittiwake_components.actuator.times import NaivePolicy
from kittiwake_components.actuator.wire_types import OnRelease
from kittiwake_components.ports.mode import SystemMode
from tests.components.actuator.building import ANN, BOB, EVE, MIN, actuator, moment, slot

SUCCESS: dict[str, Any] = {"result": "SUCCESS", "info": "", "data": {}}


def failed(info: str, data: Any = None) -> dict[str, Any]:
    return {"result": "FAILURE", "info": info, "data": data or {}}


def test_a_schedule_is_accepted_starts_and_ends() -> None:
    """REQ-ACT-013, REQ-ACT-030"""
    with actuator() as building:
        assert building.schedule(ANN, "t", "LOW", slot("d", 10, 20), slot("e", 15, 30)) == SUCCESS
        assert building.tester.channels["PendingTasks"] == 1
        building.advance(10 * MIN)
        assert building.events("TaskStarted") == [("t", ANN)]
        assert (building.tester.channels["ActiveTasks"], building.tester.channels["PendingTasks"]) == (1, 0)
        assert building.tester.channels["HeldDevices"] == 1
        assert building.tester.channels["Holders"][0][:2] == ("d", ANN)
        building.advance(20 * MIN)
        assert building.events("TaskFinished") == [("t", ANN)]
        assert building.tester.channels["HeldDevices"] == 0
        assert building.events("ScheduleAccepted") == [("t", ANN, 2)]


def test_whoever_calls_is_who_they_were_proved_to_be() -> None:
    """REQ-ACT-013: the requester that a caller names is ignored, in a list, by name, and left out."""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 0, 20))
        assert building.call(BOB, "request_cancel_schedule", ANN, "t") == failed("AGENT_ID_TASK_ID_MISMATCH")
        token = 900
        building.tester.call.rpc_request_in[0](token, BOB, "request_cancel_schedule", b'{"task_id":"t"}')
        assert building.answer_to(token) == {"result": failed("AGENT_ID_TASK_ID_MISMATCH")}
        assert building.call(ANN, "request_cancel_schedule", "anybody", "t") == SUCCESS


def test_a_conflict_is_reported_and_changes_nothing() -> None:
    """REQ-ACT-013"""
    with actuator() as building:
        building.schedule(ANN, "a", "HIGH", slot("d", 10, 20))
        building.schedule(BOB, "b", "LOW_PREEMPT", slot("e", 10, 20))
        building.heard()
        conflict = failed("CONFLICTS_WITH_EXISTING_SCHEDULES", {ANN: {"a": [slot("d", 10, 20)]}})
        assert building.schedule(EVE, "x", "HIGH", slot("e", 5, 15), slot("d", 19, 25)) == conflict
        assert building.heard() == []
        assert building.events("ScheduleRefused") == [("x", EVE, "CONFLICTS_WITH_EXISTING_SCHEDULES")]
        assert building.tester.channels["Preemptions"] == 0
        assert building.call(BOB, "request_cancel_schedule", BOB, "b") == SUCCESS


def test_preemption_tells_the_victim_s_owner() -> None:
    """REQ-ACT-016: announce first, then a notice for each victim; the data names them."""
    with actuator() as building:
        building.schedule(ANN, "old", "LOW_PREEMPT", slot("d", 0, 60))
        building.heard()
        building.advance(5 * MIN)
        building.heard()
        answer = building.schedule(BOB, "new", "HIGH", slot("d", 5, 30))
        assert answer == {"result": "SUCCESS", "info": "TASK_WERE_PREEMPTED", "data": [[ANN, "old"]]}
        assert building.heard() == [
            ("schedule/announce/d", {"requesterID": ANN, "taskID": "old", "window": 60.0}, None),
            (
                "schedule/result",
                {"type": "CANCEL_SCHEDULE", "requesterID": ANN, "taskID": "old"},
                {"result": "PREEMPTED", "info": "", "data": {"agentID": BOB, "taskID": "new"}},
            ),
        ]
        assert building.tester.channels["Preemptions"] == 1
        assert building.events("TaskPreempted") == [("old", ANN, "new", BOB)]
        assert building.call(ANN, "set_point", ANN, "d/p", 1) == 1
        assert building.call(BOB, "set_point", BOB, "d/p", 1)[0] == "LockError"
        building.advance(60)
        assert building.announced() == [("d", "new", 24 * 60.0)]
        assert building.call(ANN, "set_point", ANN, "d/p", 1)[0] == "LockError"
        assert building.call(BOB, "set_point", BOB, "d/p", 2) == 2
        assert building.events("TaskFinished") == [("old", ANN)]


def test_a_changed_grace_is_for_later_preemptions() -> None:
    """REQ-ACT-016"""
    with actuator(parameters={"PREEMPT_GRACE_S": 120}) as building:
        building.schedule(ANN, "one", "LOW_PREEMPT", slot("d", 0, 60))
        building.schedule(ANN, "two", "LOW_PREEMPT", slot("e", 0, 60))
        building.schedule(BOB, "new", "HIGH", slot("d", 0, 30))
        building.tester.set_parameter("PREEMPT_GRACE_S", 0)
        building.schedule(BOB, "newer", "HIGH", slot("e", 0, 30))
        held = building.call(EVE, "list_holders")
        assert held == {
            "d": {"owner": ANN, "task": "one", "window": 120.0}, "e": {"owner": BOB, "task": "newer", "window": 1800.0},
        }  # fmt: skip


def test_announcements_come_at_each_edge_and_an_interval_after_the_last() -> None:
    """REQ-ACT-015: the interval begins anew at each edge; the end of a slot announces the others."""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 0.5, 3.25), slot("e", 1, 2))
        seen = []
        for _ in range(18):
            building.advance(15)
            seen.append([(device, window) for device, _, window in building.announced()])
        at = {number: one for number, one in enumerate(seen, 1) if one}
        assert at == {
            2: [("d", 165.0)],
            4: [("d", 135.0), ("e", 60.0)],
            8: [("d", 75.0)],
            12: [("d", 15.0)],
        }


def test_requests_and_cancellations_put_no_announcement_off() -> None:
    """REQ-ACT-015"""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 0, 60))
        assert building.announced() == [("d", "t", 3600.0)]
        for number in range(5):
            building.advance(10)
            building.schedule(BOB, f"x{number}", "LOW", slot("e", 50 + number, 51 + number))
        building.call(BOB, "request_cancel_schedule", BOB, "x1")
        assert building.announced() == []
        building.advance(10)
        assert building.announced() == [("d", "t", 3540.0)]


def test_all_open_devices_of_a_new_schedule_are_announced_at_once() -> None:
    """REQ-ACT-015. Upstream: only the device of the last slot was announced."""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("a", -5, 10), slot("b", 0, 20), slot("c", 5, 10))
        assert building.announced() == [("a", "t", 600.0), ("b", "t", 1200.0)]


def test_locks_follow_the_clock_exactly() -> None:
    """REQ-ACT-015, REQ-ACT-017. Upstream: locks were rounded up to whole seconds, and wrong for up to one."""
    with actuator() as building:
        building.schedule(ANN, "a", "LOW", slot("d", 1 + 0.25 / 60, 2 + 0.5 / 60))
        building.schedule(BOB, "b", "LOW", slot("d", 2 + 0.5 / 60, 3))
        outcomes = []
        for step_s in (60.249, 0.001, 60.249, 0.001):
            building.advance(step_s)
            outcomes.append([building.call(who, "set_point", "", "d/p", 1) == 1 for who in (ANN, BOB)])
        assert outcomes == [[False, False], [True, False], [True, False], [False, True]]
        assert building.announced() == [("d", "a", 60.25), ("d", "a", 0.25), ("d", "b", 59.5)]


def test_an_interval_that_is_shortened_counts_at_once() -> None:
    """REQ-ACT-015"""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 0, 60))
        building.advance(20)
        building.announced()
        building.tester.set_parameter("PUBLISH_INTERVAL_S", 5)
        building.advance(5)
        assert len(building.announced()) == 1
        building.tester.set_parameter("PUBLISH_INTERVAL_S", 50)
        building.advance(55)
        assert len(building.announced()) == 2


@pytest.mark.parametrize(
    "slots, info",
    [
        ([slot("d", 10, 10)], "MALFORMED_REQUEST: ValueError"),
        ([slot("d", 10, 9)], "MALFORMED_REQUEST: ValueError"),
        ([slot("d", 1, 3), slot("d", 2, 4)], "REQUEST_CONFLICTS_WITH_SELF"),
        ([], "MALFORMED_REQUEST_EMPTY"),
    ],
)
def test_slots_without_sense_are_refused_by_name(slots: list[Any], info: str) -> None:
    """REQ-ACT-011. Upstream: past slots preempted, and slots of no length were accepted."""
    with actuator() as building:
        assert building.schedule(ANN, "t", "HIGH", *slots)["info"].startswith(info)
        assert building.schedule(ANN, "t", "HIGH", slot("d", 1, 2)) == SUCCESS


def test_a_schedule_that_is_wholly_past_is_done_in_the_same_call() -> None:
    """REQ-ACT-011. Upstream: a HIGH request for a time that was past preempted a task that was running."""
    with actuator() as building:
        building.advance(60 * MIN)
        building.schedule(ANN, "runs", "LOW_PREEMPT", slot("d", 30, 90))
        building.heard()
        assert building.schedule(BOB, "past", "HIGH", slot("d", 40, 45)) == SUCCESS
        assert building.heard() == []
        assert building.schedule(BOB, "past", "LOW", slot("e", 80, 90)) == SUCCESS
        assert building.call(ANN, "set_point", ANN, "d/p", 1) == 1


def test_the_same_request_again_is_a_task_that_there_is() -> None:
    """REQ-ACT-011"""
    with actuator() as building:
        assert building.schedule(ANN, "t", "LOW", slot("d", 10, 20)) == SUCCESS
        assert building.schedule(ANN, "t", "LOW", slot("d", 10, 20)) == failed("TASK_ID_ALREADY_EXISTS")


@pytest.mark.parametrize(
    "task, info", [(None, "MISSING_TASK_ID"), ("x", "TASK_ID_DOES_NOT_EXIST"), (7, "TASK_ID_DOES_NOT_EXIST")]
)
def test_what_cannot_be_cancelled_is_said(task: Any, info: str) -> None:
    """REQ-ACT-013"""
    with actuator() as building:
        assert building.call(ANN, "request_cancel_schedule", "", task) == failed(info)


def test_a_task_that_has_ended_cannot_be_cancelled() -> None:
    """REQ-ACT-013. Upstream: between its end and the next timer it still could."""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 0, 1.005))
        building.advance(60.3)
        assert building.call(ANN, "request_cancel_schedule", "", "t") == failed("TASK_ID_DOES_NOT_EXIST")


def test_a_cancellation_frees_the_device_at_once_and_announces_nothing() -> None:
    """REQ-ACT-013, REQ-ACT-015"""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 20))
        building.heard()
        building.call(ANN, "request_cancel_schedule", "", "t")
        assert building.heard() == []
        assert building.call(ANN, "set_point", "", "d/p", 1)[0] == "LockError"
        assert building.schedule(BOB, "u", "LOW", slot("d", 0, 20)) == SUCCESS
        assert building.events("TaskCancelled") == [("t", ANN)]


def test_steps_of_the_clock_move_slots_and_no_interval() -> None:
    """REQ-ACT-025: slots are times of day; intervals and deadlines are lengths of time."""
    with actuator() as building:
        building.schedule(ANN, "t", "LOW", slot("d", 60, 120))
        building.tester.call.run(0)
        building.advance(10)
        building.step_clock(3600)
        building.tester.call.run(0)
        building.serve()
        assert building.announced() == [("d", "t", 3590.0)]
        assert building.events("ClockStep") == [(3600.0,)]
        assert building.call(ANN, "set_point", "", "d/p", 1) == 1
        building.advance(10)
        building.step_clock(-3600)
        building.tester.call.run(0)
        assert building.call(ANN, "set_point", "", "d/p", 1)[0] == "LockError"
        building.advance(50)
        assert building.announced() == []
        building.advance(3600 - 71)
        assert building.announced() == []
        building.advance(1)
        assert building.announced() == [("d", "t", 3600.0)]


def test_without_a_time_nothing_is_accepted_and_nobody_holds_anything() -> None:
    """REQ-ACT-031"""
    with actuator() as building:
        tags = building.tester.deployment.tags
        tags.begin_epoch(TimeBase.TB_PROC_TIME)
        building.tester.restart()
        building.tester.deployment.tags.begin_epoch(TimeBase.TB_PROC_TIME)
        building.tester.component.stop()
        building.tester.component.initialize()
        building.tester.component.start()
        building.tester.settle()
        assert building.schedule(ANN, "t", "LOW", slot("d", 0, 20)) == failed("REQUEST_REFUSED_TIME_UNKNOWN")
        assert building.call(ANN, "request_cancel_schedule", "", "t") == failed("REQUEST_REFUSED_TIME_UNKNOWN")
        building.tester.deployment.tags.begin_epoch(TimeBase.TB_SC_TIME)
        building.tester.call.run(0)
        assert building.schedule(ANN, "t", "LOW", slot("d", 0, 20)) == SUCCESS


def test_parameters_that_make_no_sense_are_refused() -> None:
    """REQ-ACT-012, REQ-ACT-023. Upstream: a negative grace broke a request half-way."""
    with actuator() as building:
        for name, value in (("TZ", "Nowhere/Land"), ("ON_RELEASE", OnRelease.DEFAULT)):
            assert building.tester.send(f"{name}_PRM_SET", value).response is CommandResponse.VALIDATION_ERROR
        assert building.tester.send_raw("PREEMPT_GRACE_S_PRM_SET", b"\xff\xff\xff\xff").response is (
            CommandResponse.VALIDATION_ERROR
        )
        building.tester.set_parameter("TZ", "Europe/Berlin")
        building.tester.set_parameter("NAIVE_TZ", NaivePolicy.REFUSE)
        naive = ["d", "2026-05-06 14:00", "2026-05-06 15:00"]
        assert "no zone" in building.schedule(ANN, "t", "LOW", naive)["info"]
        building.tester.set_parameter("NAIVE_TZ", NaivePolicy.LOCAL)
        assert building.schedule(ANN, "t", "LOW", naive) == SUCCESS
        assert building.call(ANN, "list_schedules")["tasks"][0]["slots"] == [
            ["d", "2026-05-06 14:00:00+02:00", "2026-05-06 15:00:00+02:00"]
        ]


def test_tasks_are_listed_page_by_page() -> None:
    """REQ-ACT-030"""
    with actuator() as building:
        for number in range(5):
            building.schedule(ANN, f"t{number}", "LOW", slot(f"d{number}", number - 2, number + 3))
        building.schedule(BOB, "h", "HIGH", slot("x", 5, 6), on_release="revert")
        page = building.call(EVE, "list_schedules", 4, 10)
        assert page["total"] == 6
        assert page["tasks"] == [
            {
                "task": "t4", "owner": ANN, "priority": "LOW", "state": "PRE_RUN", "on_release": "hold",
                "slot_count": 1, "slots": [["d4", moment(2), moment(7)]],
            },
            {
                "task": "h", "owner": BOB, "priority": "HIGH", "state": "PRE_RUN", "on_release": "revert",
                "slot_count": 1, "slots": [["x", moment(5), moment(6)]],
            },
        ]  # fmt: skip
        assert building.call(EVE, "list_schedules", -1)[0] == "ValueError"
        assert building.call(EVE, "list_schedules", 0, 2)["tasks"][0]["state"] == "RUNNING"


def test_the_slots_of_a_device_are_listed_for_a_timeline() -> None:
    """REQ-ACT-030"""
    with actuator() as building:
        building.schedule(ANN, "old", "LOW_PREEMPT", slot("d", 0, 30), slot("e", 0, 30))
        building.schedule(BOB, "new", "HIGH", slot("d", 0, 10))
        building.schedule(BOB, "late", "LOW", slot("d", 50, 60))
        assert building.call(EVE, "list_devices") == {"devices": ["d", "e"], "offset": 0, "total": 2}
        assert building.call(EVE, "list_devices", 1, 5)["devices"] == ["e"]
        shown = building.call(EVE, "list_slots", "/d/", moment(0), moment(50))
        assert [(one["task"], one["owner"], one["preempted"], one["end"]) for one in shown] == [
            ("old", ANN, True, moment(1)), ("new", BOB, False, moment(10)),
        ]  # fmt: skip
        assert building.call(EVE, "list_slots", "x", moment(0), moment(50)) == []
        for wrong in (("d", 1, 2), (7, moment(0), moment(1)), ("d", "x", "y")):
            assert building.call(EVE, "list_slots", *wrong)[0] in ("TypeError", "ParserError")


def test_reports_and_lists_fit_into_one_reply() -> None:
    """REQ-ACT-032: what would not fit is left out, and the answer is still one."""
    with actuator() as building:
        long = "campus/" + "b" * 200
        for number in range(10):
            many = [slot(f"{long}/{number}", place * 2, place * 2 + 1) for place in range(200)]
            assert building.schedule(ANN, f"t{number}", "HIGH", *many[:200])["result"] == "SUCCESS"
        wide = [slot(f"{long}/{number}", 0, 400) for number in range(10)]
        answer = building.schedule(BOB, "x", "HIGH", *wide)
        assert answer["info"] == "CONFLICTS_WITH_EXISTING_SCHEDULES"
        assert 100 < sum(len(slots) for slots in answer["data"][ANN].values()) < 2000
        listed = building.call(EVE, "list_schedules")
        assert 0 < len(listed["tasks"]) < 10
        assert listed["total"] == 10


@pytest.mark.parametrize("mode", [SystemMode.SAFE_MODE, SystemMode.HIBERNATE])
def test_in_safe_mode_nobody_writes_and_what_was_written_is_reverted(mode: SystemMode) -> None:
    """REQ-ACT-028"""
    with actuator(settings={"heartbeat_points": ["h/beat"]}) as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 60), slot("e", 0, 60))
        building.call(ANN, "set_point", "", "d/p", 1)
        building.call(ANN, "set_point", "", "e/q", 1)
        building.took("HEARTBEAT")
        building.heard()
        building.tester.call.mode_in(mode)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}, {"point": "e/q"}]
        kind, text = building.call(ANN, "set_point", "", "d/p", 1)
        assert (kind, "suspended" in text) == ("LockError", True)
        building.advance(10 * MIN)
        assert building.took("HEARTBEAT") == []
        assert building.announced() == []
        assert building.tester.channels["Suspended"] is True
        building.tester.call.mode_in(SystemMode.NORMAL)
        assert [device for device, _, _ in building.announced()] == ["d", "e"]
        assert len(building.took("HEARTBEAT")) == 1
        assert building.call(ANN, "set_point", "", "d/p", 1) == 1
        assert building.events("WritingSuspended") == [(True,), (False,)]


def test_safe_mode_may_leave_writing_alone() -> None:
    """REQ-ACT-028"""
    with actuator(parameters={"SUSPEND_IN_SAFE_MODE": False}) as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 60))
        building.tester.call.mode_in(SystemMode.SAFE_MODE)
        assert building.call(ANN, "set_point", "", "d/p", 1) == 1
        building.tester.set_parameter("SUSPEND_IN_SAFE_MODE", True)
        assert building.call(ANN, "set_point", "", "d/p", 1)[0] == "LockError"


def test_a_holder_of_whom_nothing_is_heard_loses_its_task() -> None:
    """REQ-ACT-029. Upstream: an agent that had died held its devices to the end of its slots."""
    with actuator(parameters={"LEASE_S": 60, "ON_RELEASE": OnRelease.REVERT}) as building:
        building.schedule(ANN, "dies", "HIGH", slot("d", 0, 600))
        building.schedule(BOB, "lives", "HIGH", slot("e", 0, 600))
        building.schedule("operator", "by command", "HIGH", slot("f", 0, 600))  # people need not speak all the time
        building.call(ANN, "set_point", "", "d/p", 1)
        for _ in range(4):
            building.advance(20)
            building.call(BOB, "get_point", "e/q")
            building.tester.call.run(0)
        building.serve()
        assert building.events("LeaseExpired") == [("dies", ANN, 60)]
        assert building.took("REVERT_POINT") == [{"point": "d/p"}]
        assert building.heard("schedule/result")[0][2]["info"] == "LEASE_EXPIRED"
        assert list(building.call(EVE, "list_holders")) == ["e", "f"]
