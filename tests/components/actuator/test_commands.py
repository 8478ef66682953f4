"""The commands, each with exactly one response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Actuator
from kittiwake_components.actuator.component import check_requester
from kittiwake_components.actuator.wire_types import SLOTS_A_COMMAND, CommandSlot, OnRelease, PointWrite, Priority
from tests.components.actuator.building import ANN, MIN, Building, actuator, moment, slot

OK, FAILED, INVALID = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.VALIDATION_ERROR
ME = "operator"


def new(building: Building, task: str, priority: Priority, *slots: list[str]) -> Any:
    filled = [CommandSlot(*one) for one in slots]
    padded = (*filled, *[CommandSlot()] * (SLOTS_A_COMMAND - len(filled)))
    return building.tester.send("NEW_SCHEDULE", task, priority, OnRelease.REVERT, padded).response


def send(building: Building, name: str, *arguments: Any) -> Any:
    sent = building.tester.send(name, *arguments)
    building.serve()
    return sent.response


def writes(*pairs: tuple[str, str]) -> Any:
    filled = [PointWrite(*pair) for pair in pairs]
    return (*filled, *[PointWrite()] * (SLOTS_A_COMMAND - len(filled)))


def test_a_schedule_by_command_belongs_to_the_requester_of_commands() -> None:
    """REQ-ACT-026: times by the declared policy; slots without times are left out."""
    with actuator(settings={"requester": "ops"}) as building:
        assert new(building, "t", Priority.HIGH, ["d", "2026-01-01 00:00", "2026-01-01 01:00:00Z"]) is OK
        held = building.call(ANN, "list_holders")
        assert held["d"]["owner"] == "ops"
        assert building.call(ANN, "request_cancel_schedule", "ops", "t")["info"] == "AGENT_ID_TASK_ID_MISMATCH"
        assert send(building, "CANCEL_SCHEDULE", "t") is OK
        assert send(building, "CANCEL_SCHEDULE", "t") is FAILED


def test_a_schedule_that_is_refused_says_why() -> None:
    """REQ-ACT-026"""
    with actuator() as building:
        building.schedule(ANN, "a", "HIGH", slot("d", 0, 60))
        assert new(building, "t", Priority.HIGH, slot("d", 1, 2)) is FAILED
        assert new(building, "t", Priority.HIGH) is INVALID
        assert new(building, "t", Priority.HIGH, ["d", "nonsense", "x"]) is INVALID
        assert new(building, "t", Priority.HIGH, *[slot(f"e{number}", 1, 2) for number in range(8)]) is OK
        reasons = [reason for _, _, reason in building.events("ScheduleRefused")]
        assert reasons[:2] == ["CONFLICTS_WITH_EXISTING_SCHEDULES", "MALFORMED_REQUEST_EMPTY"]


def test_a_schedule_may_come_as_a_file() -> None:
    """REQ-ACT-026, REQ-ACT-032"""
    with actuator() as building:
        good = {"task": "f", "priority": "LOW", "slots": [slot("d", 0, 10)] * 1, "on_release": "revert"}
        many = {"task": "m", "priority": "LOW", "slots": [["d", "x", "y"]] * 10_001}
        for name, content in (("good", good), ("many", many), ("list", []), ("empty", {})):
            building.tester.write_file(f"/{name}.json", json.dumps(content).encode())
        building.tester.write_file("/broken.json", b"{")
        assert send(building, "NEW_SCHEDULE_FILE", "/good.json") is OK
        assert building.call(ANN, "list_schedules")["tasks"][0]["on_release"] == "revert"
        for name, response in (
            ("many", INVALID),
            ("list", INVALID),
            ("empty", INVALID),
            ("broken", INVALID),
            ("no", FAILED),
        ):
            assert send(building, "NEW_SCHEDULE_FILE", f"/{name}.json") is response
        assert send(building, "NEW_SCHEDULE_FILE", "/../etc/passwd") is FAILED
        assert "at most 10000 slots" in building.events("ScheduleRefused")[0][2]


def test_points_are_read_written_and_reverted_by_command() -> None:
    """REQ-ACT-026"""
    with actuator(points={"d/p": 21.5}) as building:
        new(building, "t", Priority.HIGH, slot("d", 0, 60))
        assert send(building, "GET_POINT", "d/p") is OK
        assert building.events("PointRead") == [("d/p", "21.5")]
        assert send(building, "SET_POINT", "d/p", "false", 8) is OK
        assert building.took("SET_POINT") == [{"point": "d/p", "value": False, "priority": 8}]
        assert send(building, "SET_POINT", "d/p", "0", 0) is OK
        assert building.took("SET_POINT") == [{"point": "d/p", "value": 0, "priority": None}]
        assert send(building, "SET_POINT", "d/p", "auto", 0) is INVALID
        assert send(building, "SET_POINT", "e/p", "1", 0) is FAILED
        assert send(building, "GET_POINT", "d/none") is FAILED
        assert "DriverInterfaceError: d/none" in str(building.tester.monitor[-1])
        assert send(building, "REVERT_POINT", "d/p") is OK
        assert send(building, "REVERT_DEVICE", "d") is OK
        assert send(building, "REVERT_DEVICE", "e") is FAILED


def test_several_points_go_by_one_command() -> None:
    """REQ-ACT-026"""
    with actuator(points={"d/p": 1, "d/q": 2}) as building:
        new(building, "t", Priority.HIGH, slot("d", 0, 60))
        assert send(building, "GET_MULTIPLE", ("d/p", "d/q", *[""] * 6)) is OK
        assert building.events("PointRead") == [("d/p", "1"), ("d/q", "2")]
        assert send(building, "GET_MULTIPLE", ("d/p", "d/none", *[""] * 6)) is FAILED
        assert building.events("DeviceRefused") == [(ME, "d/none", "unknown")]
        assert send(building, "SET_MULTIPLE", writes(("d/p", "3"), ("d/q", '"on"')), 0) is OK
        assert building.points == {"d/p": 3, "d/q": "on"}
        building.errors["d/q"] = ("RuntimeError", "read only")
        assert send(building, "SET_MULTIPLE", writes(("d/p", "4"), ("d/q", "5")), 0) is FAILED
        assert send(building, "SET_MULTIPLE", writes(("d/p", "4"), ("e/q", "5")), 0) is FAILED
        assert send(building, "SET_MULTIPLE", writes(("d/p", "{")), 0) is INVALID


def test_a_command_that_waits_for_a_device_is_answered_by_its_deadline() -> None:
    """REQ-ACT-026, REQ-ACT-018"""
    with actuator(answers=False) as building:
        sent = building.tester.send("GET_POINT", "d/p")
        building.advance(14.9)
        assert sent.responses == []
        building.advance(0.2)
        assert sent.responses == [FAILED]
        building.tester.send("GET_POINT", "d/p")  # the shutdown answers it


def test_overrides_are_set_listed_and_cleared_by_command() -> None:
    """REQ-ACT-027, REQ-ACT-026"""
    with actuator() as building:
        assert send(building, "OVERRIDE_ON", "campus/*", 60.0, True, False) is OK
        assert send(building, "LIST_OVERRIDES") is OK
        assert building.events("OverridesListed") == [('["campus/b1"]',)] * 2
        assert send(building, "OVERRIDE_OFF", "campus/*") is OK
        assert send(building, "CLEAR_OVERRIDES") is OK
        assert [members["pattern"] for members in building.took("OVERRIDE_OFF")] == ["campus/*"]
        assert building.took("CLEAR_OVERRIDES") == [{}]


def test_tasks_are_listed_by_command() -> None:
    """REQ-ACT-026, REQ-ACT-030"""
    with actuator() as building:
        for number in range(20):
            building.schedule(ANN, f"t{number:02}", "LOW", slot(f"d{number}", 1, 2), slot(f"d{number}", 5, 6))
        building.advance(3 * MIN)
        assert send(building, "LIST_SCHEDULE", 18) is OK
        assert building.events("TaskListed") == [
            (f"t{number}", ANN, "LOW", "RUNNING", 1, f"d{number}", moment(5), moment(6)) for number in (18, 19)
        ]
        assert building.events("TasksListed") == [(2, 20)]
        assert send(building, "LIST_SCHEDULE", 0) is OK
        assert building.events("TasksListed")[-1] == (16, 20)


def test_a_requester_has_a_name() -> None:
    """REQ-ACT-026"""
    for name in ("", "x" * 101):
        with pytest.raises(ValueError, match="requester"):
            check_requester(name)


def test_the_design_sheet_is_true() -> None:
    assert differences(Actuator) == []
