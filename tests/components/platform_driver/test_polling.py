"""Poll loops: fixed rate, deadlines, quarantine and backoff; and the last good value through it all."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.platform_driver.drivers.interface import Driver, FoundPoint, Reading, Unreachable
from kittiwake_components.ports.building import DeviceAction
from kittiwake_components.ports.platform_driver import DeviceStatus, Quality
from tests.components.platform_driver.site import AHU, Site, ahu


def test_an_enabled_device_is_polled_at_its_rate_and_its_values_are_told() -> None:
    """REQ-PD-010"""
    site, _, points = ahu()
    with site:
        assert site.channels["Running"] == 1
        site.clear_history()
        before = site.unit().reads
        site.pass_time(50)
        assert site.unit().reads - before == 10
        told = [(path, value, quality) for path, value, quality, _ in site.ports.value_out[0]]
        assert told[:3] == [
            (f"{AHU}/Fan", "false", Quality.GOOD),
            (f"{AHU}/Temp", "21.0", Quality.GOOD),
            (f"{AHU}/Valve", "3.0", Quality.GOOD),
        ]
        assert len(told) == 30
        assert site.latest(points["Temp"])["last_value"] == 21.0
        assert site.channels["PollsOk"] >= 10


def test_the_rate_does_not_drift() -> None:
    """REQ-PD-010. Upstream: the interval was slept after the work, so that it drifted."""
    site, _, _ = ahu()
    with site:
        site.unit().latency_s = 0.7
        site.advance(10.0)
        site.clear_history()
        site.advance(100.0)
        moments = sorted({time for *_, time in site.ports.value_out[0]})
        assert [later - earlier for earlier, later in pairwise(moments)] == [5_000_000] * 19


def test_devices_begin_one_after_another() -> None:
    """REQ-PD-010"""
    with Site(parameters={"STAGGER_S": 0.5}) as site:
        for number in range(4):
            id = site.add_device(f"d{number}", f"unit{number}")
            site.add_point(id, "T", "analog-input,1")
        site.stop()
        site.reboot()
        site.call.run(0)
        site.advance(3.0)
        firsts: dict[str, int] = {}
        for path, _, _, time in site.ports.value_out[0]:
            firsts.setdefault(path, time)
        moments = [firsts[f"d{number}/T"] for number in range(4)]
        assert [later - earlier for earlier, later in pairwise(moments)] == [500_000] * 3


def test_slots_that_went_by_are_counted_and_not_made_up_for() -> None:
    """REQ-PD-011"""
    site, id, _ = ahu()
    with site:
        site.unit().latency_s = 12.0
        before = site.unit().reads
        site.pass_time(100)
        assert 6 <= site.unit().reads - before <= 7
        assert site.events.named("PollSlip")[0].args == (AHU, 2)
        assert site.channels["Slips"] >= 10
        assert site.health(id)["slips"] == site.channels["Slips"]


def test_a_poll_is_one_transaction() -> None:
    """REQ-PD-010. Upstream: one commit per point and poll."""
    site, _, _ = ahu()
    with site:
        for number in range(3):
            site.unit().point(f"analog-output,{number}").resting = 5.0
        site.advance(5.0)
        before, reads = site.files.operations, site.unit().reads
        site.unit().point("analog-input,1").resting = 22.0
        site.unit().point("binary-output,1").resting = True
        site.send("POLL_NOW", AHU)
        assert (site.files.operations - before, site.unit().reads - reads) == (1, 1)


def test_a_power_cut_leaves_no_half_of_a_poll() -> None:
    """REQ-PD-012"""
    for seed in range(20):
        site, id, points = ahu(seed=seed)
        with site:
            site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": 1})
            site.pass_time(10 + seed)
            site.crash()
            site.unit().fails["open"] = "no route"
            site.call.run(0)
            assert len({site.latest(point)["last_good_at"] for point in points.values()}) == 1


def test_a_failed_poll_keeps_the_last_good_value() -> None:
    """REQ-PD-012. Upstream: a failed poll overwrote the last good value (42 became null)."""
    site, id, points = ahu()
    with site:
        site.unit().fails["read"] = "no route"
        site.pass_time(8)
        latest = site.latest(points["Temp"])
        assert (latest["last_value"], latest["quality"], latest["last_error"]) == (21.0, "error", "no route")
        assert latest["age_s"] > 5
        assert site.health(id)["status"] == "error"
        assert site.events.named("DeviceDown")[-1].args == (AHU, "no route")
        site.pass_time(10)
        assert site.latest(points["Temp"])["quality"] == "stale"
        site.unit().fails.clear()
        site.pass_time(60)
        latest = site.latest(points["Temp"])
        assert (latest["quality"], latest["last_error"]) == ("good", None)
        assert site.health(id)["status"] == "running"


def test_a_point_that_fails_alone_leaves_its_device_running_and_says_which() -> None:
    """REQ-PD-012. Upstream, by users: health that reveals what of a device is misconfigured."""
    site, id, points = ahu()
    with site:
        site.unit().point("analog-input,1").fault = "sensor open circuit"
        site.pass_time(10)
        assert site.latest(points["Temp"])["quality"] == "error"
        assert site.latest(points["Fan"])["quality"] == "good"
        health = site.health(id)
        assert (health["status"], health["last_error"]) == ("running", "Temp: sensor open circuit")


def test_a_hung_driver_is_seen_left_alone_and_replaced() -> None:
    """REQ-PD-013. Upstream: a hung driver was "running" for ever."""
    site, id, points = ahu()
    with site:
        unit = site.unit()
        closed = unit.closed
        unit.hangs.add("read")
        site.pass_time(21)
        assert site.health(id)["status"] == "error"
        assert "no answer to read within 15 s" in site.health(id)["last_error"]
        assert site.latest(points["Temp"])["quality"] == "stale"
        assert site.ask("health").body["status"] == "degraded"
        assert unit.closed == closed + 1
        unit.hangs.clear()
        site.pass_time(30)
        assert site.health(id)["status"] == "running"
        assert unit.opened == unit.closed + 1


def test_no_more_drivers_are_made_for_a_device_that_swallows_them() -> None:
    """REQ-PD-013"""
    site, id, _ = ahu()
    with site:
        unit = site.unit()
        opened = unit.opened
        unit.hangs |= {"read", "close"}
        site.pass_time(900)
        assert unit.opened - opened <= 3
        health = site.health(id)
        assert (health["status"], health["hung_drivers"]) == ("failed", 3)
        assert site.events.named("DeviceFailed")
        assert site.channels["Failed"] == 1
        unit.hangs.clear()
        site.send("RELOAD", AHU)
        site.pass_time(10)
        assert site.health(id)["status"] == "running"


def test_a_device_that_does_not_answer_is_tried_with_pauses_that_grow_to_a_limit() -> None:
    """REQ-PD-014. Upstream: the driver was made anew, with new sockets, at each poll."""
    site, _, _ = ahu(parameters={"BACKOFF_MAX": 60.0})
    with site:
        tries: list[float] = []
        unit = site.unit()
        unit.fails["open"] = "refused"
        unit.fails["read"] = "gone"
        original = unit.fails.__contains__

        class Watched(dict[str, str]):
            def __contains__(self, key: object) -> bool:
                if key == "open":
                    tries.append(site.platform.clock.now_ns() / NS_PER_S)
                return original(key)

        unit.fails = Watched(unit.fails)
        site.advance(1200.0)
        pauses = [later - earlier for earlier, later in pairwise(tries)]
        assert 15 < len(tries) < 60
        assert max(pauses) <= 60.0
        assert all(pause >= 30.0 for pause in pauses[5:])
        assert len({round(pause, 3) for pause in pauses[5:]}) > 5, "without jitter they would all come together"


def test_an_unknown_driver_type_fails_its_device_and_not_the_others() -> None:
    """REQ-PD-015. Upstream: the poll task of an unknown driver type died with an unretrieved exception."""
    site, _, points = ahu()
    with site:
        store = site.component.engine().store
        id = site.add_device("other", "unit2")
        store.change_device(id, {"driver_type": "gone"}, 0)  # as if its plug-in had been removed
        site.component.engine().loops.reload(id)
        site.pass_time(10)
        assert site.health(id)["status"] == "failed"
        assert "there is no driver type 'gone'" in site.health(id)["last_error"]
        assert site.latest(points["Temp"])["quality"] == "good"
        body = site.ask("health").body
        assert body == {"status": "degraded", "running_devices": 1, "enabled_devices": 2, "failed_devices": 1}
        assert site.ask("patch_device", device_id=id, body={"enabled": False}).status == 200


class Broken(Driver):
    """A driver that does what `how` says."""

    TYPE = "broken"
    how: Any = None

    def read(self, points: Any, done: Any) -> None:
        type(self).how(points, done)


def _raise(points: Any, done: Any) -> None:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    "how, words",
    [
        (_raise, "ZeroDivisionError in read"),
        (lambda points, done: done([]), "gave no 1 readings"),
        (lambda points, done: done(None), "gave no 1 readings"),
        (lambda points, done: done([21.0]), "gave no reading, but a float"),
        (lambda points, done: done([Reading(float("nan"))]), "nan is no finite number"),
        (lambda points, done: done([Reading("x" * 2000)]), "more than 1024"),
        (lambda points, done: done([Reading(object())]), "a object is no value"),  # type: ignore[arg-type]
        (lambda points, done: done([Reading({"a": [1]})]), "a list is no value"),  # type: ignore[dict-item]
    ],
)
def test_a_driver_that_breaks_its_word_harms_its_device_alone(how: Any, words: str) -> None:
    """REQ-PD-015"""
    site, _, points = ahu()
    with site:
        Broken.how = staticmethod(how)
        site.component.engine().registry.add(Broken)
        id = site.add_device("broken", "x", driver_type="broken")
        bad = site.add_point(id, "P", "anything")
        site.pass_time(3)
        assert words in site.latest(bad)["last_error"]
        assert site.health(id)["status"] in ("failed", "error")
        site.pass_time(5)
        assert site.latest(points["Temp"])["quality"] == "good"


class Liar(Broken):
    """A driver whose other operations answer with what makes no sense."""

    TYPE = "liar"

    def write(self, point: Any, value: Any, priority: Any, done: Any) -> None:
        done(object())

    def discover(self, done: Any) -> None:
        done([1, 2])

    @classmethod
    def find_devices(cls, where: str, services: Any, done: Any) -> None:
        done("none")


@pytest.mark.parametrize("result", [[], None, [1], [Reading(float("inf"))], "x"])
def test_what_a_driver_says_that_makes_no_sense_is_answered_as_its_fault(result: Any) -> None:
    """REQ-PD-015, REQ-PD-040"""
    with Site() as site:
        Broken.how = staticmethod(lambda points, done: done(result))
        site.component.engine().registry.add(Liar)
        id = site.add_device("liar", "x", driver_type="liar")
        site.add_point(id, "P", "anything")
        site.pass_time(1)
        assert "error" in site.request(DeviceAction.GET_POINT, point="liar/P")
        assert site.request(DeviceAction.SCRAPE_ALL, device="liar").get("result", {}) == {}
        assert list(site.request(DeviceAction.GET_MULTIPLE, points=["liar/P"])["result"][1]) == ["liar/P"]
        assert site.request(DeviceAction.SET_POINT, point="liar/P", value=1)["error"]["type"] == "RuntimeError"
        assert site.ask("discover_points", device_id=id).status == 409
        assert site.ask("find_devices", driver_type="liar").status == 409


def test_found_points_that_no_registry_holds_are_left_out() -> None:
    """REQ-PD-026"""

    class Finder(Driver):
        TYPE = "finder"

        def read(self, points: Any, done: Any) -> None:
            done([Reading(1) for _ in points])

        def discover(self, done: Any) -> None:
            done([FoundPoint("good\x07 name" * 30, "a,1"), FoundPoint("bad", ""), FoundPoint("long", "x" * 500)])

    with Site() as site:
        site.component.engine().registry.add(Finder)
        id = site.add_device("finder", "x", driver_type="finder")
        assert site.ask("discover_points", device_id=id, add=True).body["added"] == 1
        [point] = site.ask("list_points", device_id=id).body
        assert point["name"].startswith("good namegood")


def test_a_second_answer_and_a_late_one_count_for_nothing() -> None:
    """REQ-PD-013"""
    held: list[Any] = []

    def twice(points: Any, done: Any) -> None:
        held.append(done)
        done([Reading(len(held))])
        done([Reading(99)])

    site, _, _ = ahu()
    with site:
        Broken.how = staticmethod(twice)
        site.component.engine().registry.add(Broken)
        id = site.add_device("twice", "x", driver_type="broken")
        point = site.add_point(id, "P", "anything")
        site.pass_time(12)
        assert site.latest(point)["last_value"] == len(held)
        held[0]([Reading(77)])
        held[-1](Unreachable("late"))
        site.settle()
        assert site.latest(point)["last_value"] == len(held)
        assert site.health(id)["status"] == "running"


def test_changes_are_told_between_the_polls() -> None:
    """REQ-PD-010"""
    site, _, points = ahu()
    with site:
        site.ask(
            "patch_device", device_id=site.ask("list_devices").body[0]["id"], body={"scrape_interval_seconds": 3600}
        )
        site.pass_time(3)
        site.unit().point("analog-output,1").write(44.0, 9)
        site.pass_time(2)
        assert site.latest(points["Valve"])["last_value"] == 44.0


def test_poll_now_does_not_wait() -> None:
    """REQ-PD-010"""
    site, id, points = ahu()
    with site:
        site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": 3600})
        site.pass_time(2)
        site.unit().point("analog-input,1").resting = 25.0
        site.send("POLL_NOW", AHU)
        assert site.latest(points["Temp"])["last_value"] == 25.0
        assert str(site.send("POLL_NOW", "nowhere").response) == str(site.send("POLL_NOW", "seed").response)


# Reloads


def test_concurrent_reloads_with_a_slow_close_leave_one_loop() -> None:
    """REQ-PD-016. Upstream: concurrent reloads with a slow close left 11 live loops, 10 of which outlived the stop."""
    site, id, _ = ahu()
    with site:
        unit = site.unit()
        unit.latency_s = 1.0
        tokens = [site.begin("reload", device_id=id) for _ in range(10)]
        assert len(site.component.engine().loops.by_id) == 0
        site.pass_time(10)
        assert all(len(site.replies(token)) == 1 for token in tokens)
        assert unit.opened - unit.closed == 1
        reads = unit.reads
        site.pass_time(50)
        assert unit.reads - reads == 10
        unit.latency_s = 0.0
        site.stop()
        assert unit.opened == unit.closed


def test_an_old_loop_writes_nothing_any_more() -> None:
    """REQ-PD-016"""
    site, id, points = ahu()
    with site:
        unit = site.unit()
        unit.latency_s = 3.0
        site.advance(5.0)  # a read is under way
        unit.point("analog-input,1").resting = 99.0
        site.ask("patch_device", device_id=id, body={"enabled": False})
        site.clear_history()
        site.pass_time(60)
        assert site.latest(points["Temp"])["last_value"] == 21.0
        assert [quality for *_, quality, _ in site.ports.value_out[0]] == []


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("reload"), st.just(0.0)),
            st.tuples(st.just("enable"), st.just(0.0)),
            st.tuples(st.just("disable"), st.just(0.0)),
            st.tuples(st.just("wait"), st.floats(0.1, 20.0)),
            st.tuples(st.sampled_from(["hang", "fail", "heal", "slow"]), st.just(0.0)),
        ),
        max_size=15,
    ),
    st.integers(0, 1000),
)
def test_whatever_happens_a_device_has_one_session_at_most(steps: list[tuple[str, float]], seed: int) -> None:
    """REQ-PD-016"""
    site = Site(seed=seed)
    with site:
        id = site.add_device(scrape_interval_seconds=1.0)
        site.add_point(id, "T", "analog-input,1")
        unit = site.unit()
        for what, length in steps:
            if what == "reload":
                site.begin("reload", device_id=id)
            elif what in ("enable", "disable"):
                site.begin("patch_device", device_id=id, body={"enabled": what == "enable"})
            elif what == "wait":
                site.advance(length)
            elif what == "hang":
                unit.hangs.add("read")
            elif what == "fail":
                unit.fails["read"] = "no"
            elif what == "slow":
                unit.latency_s = 0.3
            else:
                unit.hangs.clear()
                unit.fails.clear()
                unit.latency_s = 0.0
            assert unit.opened - unit.closed in (-1, 0, 1)
            assert len(site.component.engine().loops.by_id) <= 1
        unit.hangs.clear()
        unit.fails.clear()
        unit.latency_s = 0.0
        site.begin("patch_device", device_id=id, body={"enabled": True})
        site.advance(700.0)
        assert site.health(id)["status"] == DeviceStatus.RUNNING.name.lower()
        site.stop()
        assert unit.opened == unit.closed
