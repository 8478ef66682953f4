"""Reading and writing of points: who may, what is published, many points at a time, and devices that do not answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.actuator.device_calls import MAX_WAITING
from kittiwake_components.actuator.rpc import METHODS
from tests.components.actuator.building import ANN, BOB, EVE, MIN, Building, actuator, slot

AHU = "campus/b1/ahu1"
DENIED = ("LockError", f"caller ({BOB}) does not have this lock")


def held(**options: Any) -> Building:
    """A building in which ann holds ahu1 and ahu2 for an hour."""
    building = actuator(points={f"{AHU}/Fan": 1, f"{AHU}/Temp": 21.5}, **options)
    building.schedule(ANN, "t", "HIGH", slot(AHU, 0, 60), slot("campus/b1/ahu2", 0, 60))
    building.heard()
    return building


def test_only_the_holder_writes() -> None:
    """REQ-ACT-017: and any task of the holder's will do; a lock says nothing of devices above or below."""
    with held() as building:
        assert building.call(ANN, "set_point", "", f"{AHU}/Fan", 2) == 2
        assert building.call(BOB, "set_point", ANN, f"{AHU}/Fan", 3) == DENIED
        assert building.call(ANN, "set_point", "", f"{AHU}/sub/Fan", 3)[0] == "LockError"
        assert building.call(ANN, "set_point", "", "campus/b1/Fan", 3)[0] == "LockError"
        assert building.call(BOB, "revert_point", "", f"{AHU}/Fan") == DENIED
        assert building.call(BOB, "revert_device", "", AHU) == DENIED
        assert building.took("SET_POINT") == [{"point": f"{AHU}/Fan", "value": 2, "priority": None}]
        assert building.tester.channels["LockErrors"] == 0
        building.tester.call.run(0)
        assert building.tester.channels["LockErrors"] == 5
        assert building.events("LockDenied")[0] == (BOB, AHU)


@pytest.mark.parametrize(
    "topic, point",
    [("campus/b1", "ahu9/Fan"), ("campus", "b1/ahu9/Fan"), ("campus/b1//ahu9", "Fan"), (AHU, "../ahu9/Fan")],
)
def test_a_lock_on_one_device_opens_no_other_however_the_point_is_named(topic: str, point: str) -> None:
    """REQ-ACT-017: whose lock is looked at is whose point is written."""
    with held() as building:
        building.schedule(ANN, "above", "HIGH", slot("campus", 0, 60), slot("campus/b1", 0, 60))
        for call in (("set_point", "", topic, 1, point), ("set_multiple_points", "", [[[topic, point], 1]])):
            assert building.call(ANN, *call)[0] == "LockError"
        assert building.call(ANN, "revert_point", "", topic, point)[0] == "LockError"
        assert building.asked == []


def test_without_a_lock_nobody_writes_unless_that_is_allowed() -> None:
    """REQ-ACT-017. Upstream: writing to a device that nobody holds was allowed by default."""
    with actuator() as building:
        assert building.call(BOB, "set_point", "", "d/p", 1) == DENIED
        building.tester.set_parameter("ALLOW_NO_LOCK_WRITE", True)
        assert building.call(BOB, "set_point", "", "d/p", 1) == 1
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 60))
        assert building.call(BOB, "set_point", "", "d/p", 1) == DENIED


def test_reading_needs_no_lock() -> None:
    """REQ-ACT-017"""
    with held() as building:
        assert building.call(BOB, "get_point", f"/{AHU}/Temp/") == 21.5
        assert building.call(BOB, "get_point", AHU, "Temp") == 21.5
        assert building.call(BOB, "scrape_all", AHU) == {"Fan": 1, "Temp": 21.5}
        assert building.heard() == []


def test_a_write_publishes_what_was_asked_and_what_was_taken() -> None:
    """REQ-ACT-020: with the whole path, also where the point is an argument of its own."""
    with held() as building:
        building.answers = False
        token = building.begin_call(ANN, "set_point", "", AHU, 7.4, "Set")
        building.serve()
        assert building.answer_to(token) is None
        number = building.tester.component.engine().calls._token
        building.tester.call.device_answer_in(number, b'{"result": 7}')
        assert building.answer_to(token) == {"result": 7}
        assert building.heard() == [
            (f"write/{AHU}/Set", {"requesterID": ANN}, 7.4), (f"value/{AHU}/Set", {"requesterID": ANN}, 7),
        ]  # fmt: skip
        assert building.events("PointWritten") == [(ANN, f"{AHU}/Set", "7")]


def test_a_write_that_failed_publishes_nothing() -> None:
    """REQ-ACT-020"""
    with held() as building:
        building.errors[f"{AHU}/Fan"] = ("RuntimeError", "read only")
        assert building.call(ANN, "set_point", "", f"{AHU}/Fan", 1) == ("RuntimeError", "read only")
        assert building.heard() == []
        assert building.events("PointWritten") == []


def test_reverts_are_told() -> None:
    """REQ-ACT-020"""
    with held() as building:
        assert building.call(ANN, "revert_point", "", f"{AHU}/Fan") is None
        assert building.call(ANN, "revert_device", "", f"/{AHU}/") is None
        assert [action for action, _ in building.asked] == ["REVERT_POINT", "REVERT_DEVICE"]
        assert building.heard() == [
            (f"reverted/point/{AHU}/Fan", {"requesterID": ANN}, None),
            (f"reverted/device/{AHU}", {"requesterID": ANN}, None),
        ]


@pytest.mark.parametrize("value", [0, False, "", None, 0.0, [], {"a": 1}])
def test_every_value_can_be_written_by_call(value: Any) -> None:
    """REQ-ACT-017"""
    with held() as building:
        building.call(ANN, "set_point", "", f"{AHU}/Fan", value)
        assert building.took("SET_POINT")[0]["value"] == value


@pytest.mark.parametrize(
    "topic, point, fault",
    [("Fan", None, "ValueError"), ("/Fan/", None, "ValueError"), (7, None, "TypeError"), (AHU, 7, "TypeError"),
     ("d/" + "p" * 400, None, "ValueError"), ("\ud800/p", None, "ValueError")],
)  # fmt: skip
def test_a_path_that_is_none_is_refused_before_anything_else(topic: Any, point: Any, fault: str) -> None:
    """REQ-ACT-017, REQ-ACT-032"""
    with held() as building:
        assert building.call(BOB, "set_point", "", topic, 1, point)[0] == fault
        assert building.call(BOB, "get_point", topic, point)[0] == fault
        assert building.asked == []


def test_a_priority_is_passed_on() -> None:
    """REQ-ACT-017"""
    with held() as building:
        building.call(ANN, "set_point", "", f"{AHU}/Fan", None, None, 8)
        assert building.took("SET_POINT") == [{"point": f"{AHU}/Fan", "value": None, "priority": 8}]
        for wrong in (0, 17, "8", True, 8.0):
            assert building.call(ANN, "set_point", "", f"{AHU}/Fan", 1, None, wrong)[0] == "ValueError"


def test_many_points_are_written_after_all_locks_were_checked() -> None:
    """REQ-ACT-019: one call a device; items name a path, or a pair of device and point."""
    with held() as building:
        building.errors[f"{AHU}/Bad"] = ("RuntimeError", "read only")
        values = [[f"{AHU}/Fan", 1], ["campus/b1/ahu2/Fan", 2], [[AHU, "Bad"], 3], [7, 4], [[AHU, "x", "y"], 5]]
        failed = building.call(ANN, "set_multiple_points", "", values, 8)
        assert set(failed) == {f"{AHU}/Bad", "7", str([AHU, "x", "y"])}
        assert failed["7"].startswith("ValueError(")
        assert failed[f"{AHU}/Bad"] == "RuntimeError('read only')"
        assert building.events("PointWritten") == [(ANN, f"{AHU}/Fan", "1"), (ANN, "campus/b1/ahu2/Fan", "2")]
        assert building.took("SET_MULTIPLE") == [
            {"values": [[f"{AHU}/Fan", 1], [f"{AHU}/Bad", 3]], "priority": 8},
            {"values": [["campus/b1/ahu2/Fan", 2]], "priority": 8},
        ]
        building.schedule(BOB, "u", "HIGH", slot("other", 0, 60))
        building.heard()
        answer = building.call(ANN, "set_multiple_points", "", [[f"{AHU}/Fan", 1], ["other/p", 1]])
        assert answer == ("LockError", f"caller ({ANN}) does not have this lock")
        assert building.took("SET_MULTIPLE") == []
        assert building.heard() == []


def test_what_is_wrong_with_a_whole_device_is_raised_after_those_before_it() -> None:
    """REQ-ACT-019"""
    with held() as building:
        building.errors[AHU] = ("OverrideError", AHU)
        values = [["campus/b1/ahu2/Fan", 2], [f"{AHU}/Fan", 1]]
        assert building.call(ANN, "set_multiple_points", "", values) == ("OverrideError", AHU)
        assert building.points["campus/b1/ahu2/Fan"] == 2
        assert building.call(ANN, "get_multiple_points", [f"{AHU}/Fan"]) == ("OverrideError", AHU)


def test_a_device_that_is_lost_between_two_writes_is_written_no_more() -> None:
    """REQ-ACT-019"""
    with held() as building:
        building.answers = False
        token = building.begin_call(ANN, "set_multiple_points", "", [[f"{AHU}/Fan", 1], ["campus/b1/ahu2/Fan", 2]])
        building.serve()
        building.begin_call(ANN, "request_cancel_schedule", "", "t")
        building.tester.call.device_answer_in(building.tester.component.engine().calls._token, b'{"result": {}}')
        reply = building.answer_to(token)
        assert reply is not None
        assert reply["error"]["type"] == "LockError"
        assert len(building.took("SET_MULTIPLE")) == 1


def test_many_points_are_read_without_locks() -> None:
    """REQ-ACT-019"""
    with held() as building:
        values, errors = building.call(BOB, "get_multiple_points", [f"{AHU}/Fan", [AHU, "Temp"], "d/none", 3])
        assert values == {f"{AHU}/Fan": 1, f"{AHU}/Temp": 21.5}
        assert set(errors) == {"d/none", "3"}
        for wrong in ("text", [f"{AHU}/Fan"] * 1001):
            assert building.call(BOB, "get_multiple_points", wrong)[0] in ("TypeError", "ValueError")
        assert building.call(BOB, "get_multiple_points", ["noslash"])[0] == "ValueError"
        assert building.call(BOB, "get_multiple_points", []) == [{}, {}]


def test_a_device_that_hangs_costs_its_caller_a_deadline_and_others_nothing() -> None:
    """REQ-ACT-018. Upstream: an actuator whose driver hung on an offline device hung with it."""
    with held() as building:
        building.answers = False
        waiting = building.begin_call(ANN, "set_point", "", f"{AHU}/Fan", 1)
        building.serve()
        late = building.tester.component.engine().calls._token
        building.answers = True
        assert building.call(BOB, "get_point", f"{AHU}/Temp") == 21.5
        building.advance(14.9)
        assert building.answer_to(waiting) is None
        building.advance(0.1)
        reply = building.answer_to(waiting)
        assert reply is not None
        assert reply["error"]["type"] == "TimeoutError"
        building.tester.call.device_answer_in(late, b'{"result": 1}')
        assert building.heard("write") == []
        building.tester.call.run(0)
        assert building.tester.channels["WaitingRequests"] == 0


def test_without_a_driver_every_call_is_answered() -> None:
    """REQ-ACT-018. Upstream: an agent died if the driver's proxy was not there at its start."""
    with actuator(open_ports=("device_out",)) as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 60))
        for method, arguments in (("get_point", ["d/p"]), ("set_point", ["", "d/p", 1]), ("scrape_all", ["d"])):
            assert building.call(ANN, method, *arguments) == ("RuntimeError", "no driver is connected")


def test_more_requests_than_can_wait_are_refused() -> None:
    """REQ-ACT-018, REQ-ACT-032"""
    with actuator(answers=False) as building:
        tokens = [building.begin_call(ANN, "get_point", "d/p") for _ in range(MAX_WAITING + 1)]
        answers = [building.answer_to(token) for token in tokens]
        assert answers[:-1] == [None] * MAX_WAITING
        assert answers[-1] is not None
        building.advance(16)
        assert all(building.answer_to(token) is not None for token in tokens)


def test_a_full_queue_answers_too() -> None:
    """REQ-ACT-018"""
    with actuator(queue=3) as building:
        with building.tester.held():
            tokens = [building.begin_call(ANN, "get_point", "d/p") for _ in range(5)]
        building.serve()
        answers = [building.answer_to(token) for token in tokens]
        assert [answer and answer.get("error", {}).get("value") for answer in answers][3:] == [
            "the actuator is busy"
        ] * 2  # fmt: skip
        assert all(answers)


def test_whoever_waits_when_the_actuator_stops_is_told() -> None:
    """REQ-ACT-018"""
    building = actuator(answers=False)
    token = building.begin_call(ANN, "get_point", "d/p")
    building.tester.stop()
    reply = building.answer_to(token)
    assert reply is not None
    assert reply["error"]["type"] == "ActuatorStopped"
    building.tester.assert_no_faults()


def test_a_driver_s_nonsense_is_an_error() -> None:
    """REQ-ACT-032"""
    with actuator(answers=False) as building:
        for reply in (b"", b"7", b"{}", b'{"error": "x"}', b"\xff", b'{"result": NaN}'):
            token = building.begin_call(ANN, "get_point", "d/p")
            building.tester.call.device_answer_in(building.tester.component.engine().calls._token, reply)
            answer = building.answer_to(token)
            assert answer is not None
            assert answer["error"]["type"] == "RuntimeError"
        building.serve()
        building.tester.call.device_answer_in(1, b"{}")


def test_a_scrape_that_fails_is_told_to_its_caller() -> None:
    """REQ-ACT-018. Upstream: a scrape that failed was only logged."""
    with actuator() as building:
        building.errors["d"] = ("KeyError", "d")
        assert building.call(ANN, "scrape_all", "d") == ("KeyError", "d")


def test_overrides_are_passed_on_with_all_that_they_say() -> None:
    """REQ-ACT-027. Upstream: staggering had no effect, because it never reached what reverts."""
    with actuator() as building:
        assert building.call(EVE, "set_override_on", "campus/*", 60.5, False, True) is None
        assert building.call(EVE, "set_override_on", "lab/*") is None
        assert building.took("OVERRIDE_ON") == [
            {"pattern": "campus/*", "duration_s": 60.5, "failsafe_revert": False, "staggered_revert": True},
            {"pattern": "lab/*", "duration_s": 0, "failsafe_revert": True, "staggered_revert": False},
        ]
        assert building.call(EVE, "get_override_devices") == ["campus/b1"]
        assert building.call(EVE, "get_override_patterns") == ["campus/b1"]
        building.errors["x"] = ("OverrideError", "there is no override x")
        assert building.call(EVE, "set_override_off", "x")[0] == "OverrideError"
        assert building.call(EVE, "set_override_off", None)[0] == "TypeError"
        assert building.took("CLEAR_OVERRIDES") == []
        assert building.call(EVE, "clear_overrides") is None
        for wrong in (("a", "b"), ("a", 1, 2), (7,), ("a", True), ("a", 1e15), ("a" * 300,)):
            assert building.call(EVE, "set_override_on", *wrong)[0] in ("TypeError", "ValueError")
        assert building.events("OverrideSet") == [(EVE, "campus/*", 60.5), (EVE, "lab/*", 0.0)]
        assert building.events("OverrideCleared") == [(EVE, "everything")]


def test_an_override_of_the_driver_s_reaches_the_holder_too() -> None:
    """REQ-ACT-027"""
    with held() as building:
        building.errors[f"{AHU}/Fan"] = ("OverrideError", "overridden")
        assert building.call(ANN, "set_point", "", f"{AHU}/Fan", 1) == ("OverrideError", "overridden")
        assert building.call(BOB, "set_point", "", f"{AHU}/Fan", 1) == DENIED


def test_calls_that_cannot_be_read_are_answered() -> None:
    """REQ-ACT-018, REQ-ACT-032"""
    with actuator() as building:
        assert building.call(ANN, "nothing")[0] == "MethodNotFound"
        assert building.call(ANN, "get_point")[0] == "TypeError"
        assert building.call(ANN, "get_point", 1, 2, 3)[0] == "TypeError"
        for number, packed in enumerate((b"{", b"7", b"\xff", b'{"topic": "d/p", "extra": 1}', b"[" * 60_000), 800):
            building.tester.call.rpc_request_in[0](number, ANN, "get_point", packed)
            reply = building.answer_to(number)
            assert reply is not None
            assert "error" in reply


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([AHU, f"{AHU}/Fan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(sorted(METHODS)), st.lists(JSON, max_size=5)), max_size=8))
def test_every_call_is_answered_once(calls: list[tuple[str, list[Any]]]) -> None:
    """REQ-ACT-018, REQ-ACT-032: whatever is called, one answer comes, and nothing is left waiting."""
    building = held()
    for method, arguments in calls:
        building.tokens += 1
        building.tester.call.rpc_request_in[0](building.tokens, ANN, method, json.dumps(arguments).encode())
        building.serve()
    building.advance(MIN)
    answered = [token for token, _ in building.tester.ports.rpc_answer_out[0]]
    assert sorted(answered) == list(range(1, building.tokens + 1))
    building.tester.finish()
