"""What the page of a building makes of what its API tells."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kittiwake_ground.building.snapshot import DeviceState, PointState, Slot, Snapshot
from kittiwake_ground.dashboard.building_html import (
    MAX_BARS,
    MAX_ROWS,
    building_tiles,
    devices_html,
    notice_html,
    timeline_html,
    value_text,
)

NOW_S = 1_790_000_000.0
DAY_S = 86_400.0


def point(name: str = "SetPoint", **changed: Any) -> PointState:
    return PointState(name, 21.0, "degC", "good", 1.0, True, "")._replace(**changed)


def device(name: str = "campus/zone", *points: PointState, **changed: Any) -> DeviceState:
    return DeviceState(name, "simulated", "zone", True, "running", "", points or (point(),))._replace(**changed)


def slot(task: str, begin_h: float, end_h: float, **changed: Any) -> Slot:
    times = NOW_S + begin_h * 3600, NOW_S + end_h * 3600
    return Slot("campus/zone", task, "agent", "LOW", "PENDING", *times)._replace(**changed)


def snapshot(*devices: DeviceState, slots: tuple[Slot, ...] = (), **changed: Any) -> Snapshot:
    made = Snapshot(devices, len(devices), slots, len(slots), len(slots), 0, {}, (), frozenset(), NOW_S - 2.0, 8)
    return made._replace(**changed)


def test_what_others_have_named_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    shown = snapshot(
        device(evil, point(evil, value=evil, units=evil, error=evil), driver=evil, error=evil, status="error"),
        slots=(slot(evil, 0, 1, device=evil, owner=evil, priority=evil),), holders={evil: evil}, overrides=(evil,),
        overridden=frozenset([evil]),
    )  # fmt: skip
    pages = devices_html(shown, "", NOW_S), timeline_html(shown, DAY_S, NOW_S), notice_html(evil, evil, 1, None, 2)
    assert all("<script" not in page for page in pages)


def test_a_slot_stands_where_its_times_are() -> None:
    """A sixth of the line is past; what begins before it or ends behind it is cut at its ends."""
    page = timeline_html(snapshot(slots=(slot("a", 0, 12), slot("b", -9, -2), slot("c", 19, 99))), DAY_S, NOW_S)
    places = re.findall(r"left:([\d.]+)%;width:max\(3px,([\d.]+)%\)", page)
    assert [(float(left), float(width)) for left, width in places] == [
        pytest.approx((0, 100 / 12), abs=0.01), pytest.approx((100 / 6, 50), abs=0.01),
        pytest.approx((95.833, 4.167), abs=0.01),
    ]  # fmt: skip
    assert "a of agent, LOW, pending, " in page


def test_slots_beyond_the_line_are_left_out() -> None:
    page = timeline_html(snapshot(slots=(slot("past", -9, -5), slot("far", 25, 26))), DAY_S, NOW_S)
    assert "Nothing is scheduled in this time." in page
    assert "far" in timeline_html(snapshot(slots=(slot("far", 25, 26),)), 7 * DAY_S, NOW_S)


def test_what_grace_leaves_to_a_preempted_task_has_a_lane_of_its_own() -> None:
    slots = slot("old", -1, 0.1, state="PREEMPTED"), slot("new", 0, 1, priority="HIGH"), slot("next", 1, 2)
    page = timeline_html(snapshot(slots=slots), DAY_S, NOW_S)
    assert re.findall(r"top:(\d+)px", page) == ["3", "29", "3"]
    assert page.count("kw-slot-gone") == 2  # the bar, and the legend
    assert "kw-slot-high" in page


def test_it_says_what_is_not_shown() -> None:
    slots = tuple(slot(f"t{place}", 0, 1, device=f"d{place}") for place in range(MAX_BARS + 3))
    page = timeline_html(snapshot(slots=slots, task_count=5000, slots_left_out=7), DAY_S, NOW_S)
    assert "3 slots more are not shown." in page
    assert f"Of 5000 tasks the first {MAX_BARS + 3} are shown." in page
    assert "does not tell of 7 later slots" in page
    points = [point(f"p{place}") for place in range(MAX_ROWS - 100)]
    page = devices_html(snapshot(device("a", *points), device("b", *points), device_count=9), "", NOW_S)
    assert page.count("<tr title") == MAX_ROWS
    assert f"{MAX_ROWS - 200} points more: search for them. The first 2 of 9 devices." in page


def test_devices_and_points_are_searched_by_path() -> None:
    shown = snapshot(device("campus/a", point("Fan"), point("Temp")), device("campus/b", point("Fan")))
    page = devices_html(shown, " A/Fan ", NOW_S)
    assert page.count("<tr title") == 1
    assert "<wbr>b" not in page
    assert devices_html(shown, "campus", NOW_S).count("<tr title") == 3
    assert "No device or point is called that." in devices_html(shown, "x", NOW_S)
    assert "The registry has no devices." in devices_html(snapshot(), "", NOW_S)


def test_ages_count_from_when_they_were_read() -> None:
    shown = snapshot(device("a", point(age_s=5.0), point(age_s=None, value=None, quality="never")), read_s=NOW_S - 600)
    assert re.findall(r"<td>([^<]*)</td></tr>", devices_html(shown, "", NOW_S)) == ["10 min", "-"]


def test_tiles_count_what_is_well() -> None:
    bad = device("b", point(quality="stale"), status="error")
    off = device("c", enabled=False, status="disabled")
    shown = snapshot(device(), bad, off._replace(points=()), holders={"b": "me"}, overrides=("c*",))
    devices, points, held, overridden = building_tiles(shown, NOW_S)
    assert (devices.text, devices.level, devices.hint) == ("1 of 2 run", "bad", "3 in the registry")
    assert (points.text, points.level, points.hint) == ("1 of 2 good", "warning", "read 2 s ago")
    assert (held.text, overridden.hint) == ("1 device", "c*")


def test_the_notice_says_since_when_and_how_old_the_rest_is() -> None:
    assert notice_html("http://a", "", 0, snapshot(), NOW_S) == ""
    assert "Asking http://a" in notice_html("http://a", "", 0, None, NOW_S)
    said = notice_html("http://a", "Connection refused", NOW_S - 60, snapshot(), NOW_S)
    assert "Connection refused, for 60 s. What is below was read 2 s ago." in said
    assert "Nothing was read yet." in notice_html("http://a", "Connection refused", NOW_S, None, NOW_S)


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "-"),
        (0, "0"),
        (0.0, "0"),
        (False, "false"),
        (21.123456789, "21.1235"),
        ("on", "on"),
        ([1, None], "[1, null]"),
    ],
)
def test_values_are_short(value: Any, text: str) -> None:
    assert value_text(value) == text
    assert len(value_text("x" * 1000)) == 60
