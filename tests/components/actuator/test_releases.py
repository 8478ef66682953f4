"""What becomes of written points when their tasks lose the device, and heartbeats."""

from __future__ import annotations

import pytest

from kittiwake_components.actuator.releases import MAX_TRIES, RETRY_S
from kittiwake_components.actuator.wire_types import OnRelease
from kittiwake_components.ports.mode import SystemMode
from tests.components.actuator.building import ANN, BOB, MIN, Building, actuator, slot


def written(building: Building, *points: str) -> None:
    for point in points:
        assert building.call(ANN, "set_point", "", point, 1) == 1
    assert building.took("REVERT_POINT") == []


def test_what_a_task_has_written_is_reverted_at_the_end_of_its_slot() -> None:
    """REQ-ACT-023. Upstream: after the end of a slot or a preemption nothing reverted a point."""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 5), slot("d", 5, 10), slot("e", 0, 20), on_release="revert")
        written(building, "d/p", "d/q", "e/p")
        building.advance(10 * MIN - 0.001)
        assert building.took("REVERT_POINT") == []
        building.advance(0.001)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}, {"point": "d/q"}]
        building.advance(10 * MIN)
        assert building.took("REVERT_POINT") == [{"point": "e/p"}]
        assert building.events("PointReleased") == [("d/p", "t"), ("d/q", "t"), ("e/p", "t")]
        building.advance(60 * MIN)
        assert building.took("REVERT_POINT") == []


def test_it_is_reverted_after_grace_and_after_a_cancellation() -> None:
    """REQ-ACT-023"""
    with actuator(parameters={"ON_RELEASE": OnRelease.REVERT}) as building:
        building.schedule(ANN, "t", "LOW_PREEMPT", slot("d", 0, 30))
        written(building, "d/p")
        building.schedule(BOB, "u", "HIGH", slot("d", 0, 20))
        building.advance(59)
        assert building.took("REVERT_POINT") == []
        building.advance(1)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}]
        building.call(BOB, "set_point", "", "d/p", 2)
        building.call(BOB, "request_cancel_schedule", "", "u")
        assert building.took("REVERT_POINT") == [{"point": "d/p"}]


@pytest.mark.parametrize("on_release", ["hold", None])
def test_a_task_that_holds_leaves_all_as_it_is(on_release: str | None) -> None:
    """REQ-ACT-023"""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 5), on_release=on_release)
        written(building, "d/p")
        building.advance(60 * MIN)
        assert building.took("REVERT_POINT") == []


def test_many_points_that_were_written_at_once_are_reverted_too() -> None:
    """REQ-ACT-023"""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 5), on_release="revert")
        building.call(ANN, "set_multiple_points", "", [["d/p", 1], ["d/q", 2]])
        building.advance(5 * MIN)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}, {"point": "d/q"}]


def test_the_next_holder_s_write_is_not_reverted_for_the_last() -> None:
    """REQ-ACT-023: a revert that failed is tried again, but not after somebody else has written."""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 5), on_release="revert")
        building.schedule(BOB, "u", "HIGH", slot("d", 5, 60))
        written(building, "d/p", "d/q")
        building.errors["d/p"] = building.errors["d/q"] = ("TimeoutError", "gone")
        building.advance(5 * MIN)
        assert len(building.took("REVERT_POINT")) == 2
        building.errors.clear()
        assert building.call(BOB, "set_point", "", "d/p", 2) == 2
        for _ in range(RETRY_S + 1):
            building.advance(1)
            building.tester.call.run(0)
        assert building.took("REVERT_POINT") == [{"point": "d/q"}]
        building.advance(60 * MIN)
        building.tester.crash()
        assert building.took("REVERT_POINT") == []


def test_a_device_that_is_gone_is_tried_for_a_time_and_given_up_by_name() -> None:
    """REQ-ACT-023"""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 5), on_release="revert")
        written(building, "d/p")
        building.errors["d/p"] = ("TimeoutError", "gone")
        building.advance(5 * MIN)
        for _ in range(MAX_TRIES + 5):
            building.advance(RETRY_S)
            building.tester.call.run(0)
        assert len(building.took("REVERT_POINT")) == MAX_TRIES
        assert building.events("ReleaseGivenUp") == [("d/p", "t", MAX_TRIES)]
        building.tester.crash()
        assert building.took("REVERT_POINT") == []


def test_heartbeats_begin_at_once_and_go_by_turns() -> None:
    """REQ-ACT-024: past locks and overrides; nothing of it is published."""
    with actuator(settings={"heartbeat_points": ["a/beat", "b/beat"]}) as building:
        assert building.took("HEARTBEAT") == [{"point": "a/beat", "value": 1}, {"point": "b/beat", "value": 1}]
        building.errors["a/beat"] = ("RuntimeError", "read only")
        for _ in range(3):
            building.advance(60)
        beats = building.took("HEARTBEAT")
        assert [beat["value"] for beat in beats if beat["point"] == "b/beat"] == [0, 1, 0]
        assert building.events("HeartbeatFailed") == [("a/beat", "RuntimeError: read only")] * 3
        assert building.heard() == []


def test_an_interval_of_heartbeats_that_changes_begins_with_one() -> None:
    """REQ-ACT-024: one that does not change moves nothing."""
    with actuator(settings={"heartbeat_points": ["a/beat"]}) as building:
        building.took("HEARTBEAT")
        building.advance(20)
        building.tester.set_parameter("HEARTBEAT_S", 60)
        assert building.took("HEARTBEAT") == []
        building.tester.set_parameter("HEARTBEAT_S", 10)
        assert len(building.took("HEARTBEAT")) == 1
        building.advance(30)
        assert len(building.took("HEARTBEAT")) == 3


def test_a_point_that_is_none_is_refused_as_a_setting() -> None:
    """REQ-ACT-024"""
    for points in (["beat"], ["a/b", "a/b"]):
        with pytest.raises(ValueError, match=r"slash|once"):
            actuator(settings={"heartbeat_points": points}).tester.declarations.settings["heartbeat_points"].check(
                points
            )


def test_a_revert_that_safe_mode_does_not_let_through_waits_for_its_end() -> None:
    """REQ-ACT-028: drivers may write nothing in safe mode, and release all by themselves."""
    with actuator() as building:
        building.schedule(ANN, "t", "HIGH", slot("d", 0, 5), on_release="revert")
        written(building, "d/p")
        building.errors["d/p"] = ("RuntimeError", "nothing is written in SAFE_MODE")
        building.tester.call.mode_in(SystemMode.SAFE_MODE)
        for _ in range(MAX_TRIES + 5):
            building.advance(RETRY_S)
            building.tester.call.run(0)
        assert len(building.took("REVERT_POINT")) == MAX_TRIES + 6
        building.errors.clear()
        building.tester.call.mode_in(SystemMode.NORMAL)
        building.advance(RETRY_S)
        building.tester.call.run(0)
        assert building.took("REVERT_POINT") == [{"point": "d/p"}]
        assert building.events("ReleaseFailed") == []
