"""The original's messages: requests on topics, and what is published in answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.components.actuator.building import ANN, BOB, MIN, actuator, slot

NEW = {"type": "NEW_SCHEDULE", "taskID": "t", "priority": "LOW", "requesterID": "forged"}


def result(kind: Any, task: Any, info: str = "", who: str = ANN) -> list[tuple[str, dict[str, Any], Any]]:
    outcome = "FAILURE" if info else "SUCCESS"
    headers = {"type": kind, "requesterID": who, "taskID": task}
    return [("schedule/result", headers, {"result": outcome, "info": info, "data": {}})]


@pytest.mark.parametrize("body", [slot("d", 0, 20), [slot("d", 0, 20)], [[slot("d", 0, 20)]]])
def test_a_schedule_by_message_is_announced_and_answered(body: Any) -> None:
    """REQ-ACT-014. Upstream: lists of one element were unwrapped ambiguously."""
    with actuator() as building:
        building.publish(ANN, "schedule/request", NEW, body)
        assert building.heard() == [
            ("schedule/announce/d", {"requesterID": ANN, "taskID": "t", "window": 1200.0}, None),
            *result("NEW_SCHEDULE", "t"),
        ]
        building.publish(BOB, "schedule/request", {"type": "CANCEL_SCHEDULE", "taskID": "t"})
        assert building.heard() == result("CANCEL_SCHEDULE", "t", "AGENT_ID_TASK_ID_MISMATCH", BOB)
        building.publish(ANN, "schedule/request", {"type": "CANCEL_SCHEDULE", "taskID": "t"}, "ignored")
        assert building.heard() == result("CANCEL_SCHEDULE", "t")


@pytest.mark.parametrize(
    "headers, body, info",
    [
        ({"type": "OTHER", "taskID": "t"}, [], "INVALID_REQUEST_TYPE"),
        ({}, [], "INVALID_REQUEST_TYPE"),
        ([1], [], "INVALID_REQUEST_TYPE"),
        ({"type": "NEW_SCHEDULE"}, [slot("d", 0, 1)], "MISSING_TASK_ID"),
        ({"type": "CANCEL_SCHEDULE"}, ..., "MISSING_TASK_ID"),
        (NEW, ..., "MALFORMED_REQUEST_EMPTY"),
        (NEW, None, "MALFORMED_REQUEST_EMPTY"),
        (NEW, [], "MALFORMED_REQUEST_EMPTY"),
    ],
)
def test_a_request_that_is_refused_is_answered_to_its_sender(headers: Any, body: Any, info: str) -> None:
    """REQ-ACT-014. Upstream: headers of a wrong request were sent back as they came, with a forged requester."""
    with actuator() as building:
        building.publish(ANN, "schedule/request", headers, body)
        head = headers if isinstance(headers, dict) else {}
        assert building.heard() == result(head.get("type"), head.get("taskID"), info)


def test_a_message_that_is_no_json_is_malformed() -> None:
    """REQ-ACT-014"""
    with actuator() as building:
        topic = "devices/actuators/schedule/request"
        building.tester.call.message_in(ANN, topic, b'{"type": "NEW_SCHEDULE", "taskID": "t"}', b"{")
        found = building.heard()
        assert found[0][2]["info"].startswith("MALFORMED_REQUEST: ValueError: the message is no JSON")
        building.tester.call.message_in(ANN, topic, b"\xff", b"")
        assert building.heard() == result(None, None, "INVALID_REQUEST_TYPE")


def test_values_are_read_written_and_reverted_by_message() -> None:
    """REQ-ACT-014, REQ-ACT-020"""
    with actuator(points={"d/p": 7}) as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 20))
        building.heard()
        building.publish(BOB, "get/d/p")
        assert building.heard() == [("value/d/p", {"requesterID": BOB}, 7)]
        building.publish(ANN, "set/d/p", {"requesterID": "forged"}, 8)
        assert building.heard() == [("write/d/p", {"requesterID": ANN}, 8), ("value/d/p", {"requesterID": ANN}, 8)]
        building.publish(ANN, "revert/point/d/p")
        building.publish(ANN, "revert/device/d")
        assert building.heard() == [
            ("reverted/point/d/p", {"requesterID": ANN}, None), ("reverted/device/d", {"requesterID": ANN}, None),
        ]  # fmt: skip


@pytest.mark.parametrize("value", [0, False, "", 0.0, []])
def test_false_values_switch_things_off(value: Any) -> None:
    """REQ-ACT-014. Upstream: 0 and False by message were refused as missing, so that nothing could be switched off."""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 20))
        building.heard()
        building.publish(ANN, "set/d/p", {}, value)
        assert building.heard("value") == [("value/d/p", {"requesterID": ANN}, value)]


def test_what_cannot_be_done_is_published_as_an_error() -> None:
    """REQ-ACT-014: a missing message comes before the lock."""
    with actuator() as building:
        denied = {"type": "LockError", "value": "caller (bob) does not have this lock"}
        missing = {"type": "ValueError", "value": "missing argument"}
        for topic, body, path, error in (
            ("set/d/p", 1, "d/p", denied), ("set/d/p", ..., "d/p", missing), ("set/d/p", None, "d/p", missing),
            ("revert/point/d/p", ..., "d/p", denied), ("revert/device/d", ..., "d", denied),
            ("get/d/p", ..., "d/p", {"type": "DriverInterfaceError", "value": "d/p"}),
        ):  # fmt: skip
            building.publish(BOB, topic, {}, body)
            assert building.heard() == [(f"error/{path}", {"requesterID": BOB}, error)]
        building.tester.call.message_in(BOB, "devices/actuators/set/d/p", b"", b"{")
        assert building.heard()[0][2]["type"] == "ValueError"
        building.publish(BOB, "get/p")
        assert building.heard()[0][2]["type"] == "ValueError"


def test_other_topics_are_left_alone() -> None:
    """REQ-ACT-014"""
    with actuator() as building:
        for topic in ("value/d/p", "schedule/result", "schedule/announce/d", "other"):
            building.publish(ANN, topic, {}, 1)
        building.tester.call.message_in(ANN, "weather", b"", b"1")
        assert building.heard() == []
        assert building.asked == []


def test_a_message_that_is_too_long_is_not_published_and_reported() -> None:
    """REQ-ACT-032"""
    with actuator() as building:
        building.publish(ANN, "schedule/request", {"type": "x" * 1960}, [])
        assert building.heard() == []
        assert building.events("MessageDropped") == [("devices/actuators/schedule/result",)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["schedule/request", "get/d/p", "set/d/p", "set/", "revert/point/d/p", "revert/device/"]),
            st.sampled_from([b"", b"{}", b'{"type": "NEW_SCHEDULE", "taskID": [1]}', b'{"type": {}}', b"\xff"])
            | st.binary(max_size=20),
            st.sampled_from([b"", b"[]", b"0", b"1e999", b'"\\ud800"', b"{"]) | st.binary(max_size=20),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_no_message_makes_a_handler_fail(messages: list[tuple[str, bytes, bytes]]) -> None:
    """REQ-ACT-032"""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 20))
        for topic, headers, body in messages:
            building.tester.call.message_in(ANN, f"devices/actuators/{topic}", headers, body)
            building.serve()
        building.advance(MIN)
