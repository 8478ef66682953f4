"""The alarms of a deployment: raised, seen, recovered, shelved, and what is left of them after a kill."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.alarms.book import AlarmBook, Change, Changed, NoSuchAlarm
from kittiwake_ground.alarms.levels import rank
from kittiwake_ground.alarms.limits import LimitFault
from kittiwake_ground.alarms.store import DATABASE, AlarmStore
from kittiwake_ground.kept_database import StoreFault
from tests.ground.server.foreign import DICTIONARY, INVALID, RECEIVED, said, wire_text

FOREIGN = read_dictionary(DICTIONARY, "foreign")
TEMPERATURE = "Ref.heater.Temperature"
CHANNEL = FOREIGN.channel(TEMPERATURE)
WARNING = Decoder(FOREIGN).decode_event(said(INVALID, b"\0\0\0\7"))
HARMLESS = Decoder(FOREIGN).decode_event(said(RECEIVED, wire_text("/x")))


class Bench:
    """A book with a clock that is set by hand, and what it told."""

    def __init__(self, store: AlarmStore | None = None, **options: Any) -> None:
        self.now_us = 0
        self.changes: list[Change] = []
        self.book = AlarmBook("ref", FOREIGN, store, clock=lambda: self.now_us, **options)
        self.book.told = self.changes.append
        self.book.open()

    def say(self, *values: float, after_s: float = 0) -> None:
        self.now_us += int(after_s * 1_000_000)
        for value in values:
            self.book.take(CHANNEL, value)
        self.book.settle()

    @property
    def told(self) -> list[str]:
        found = [one.action for one in self.changes]
        self.changes.clear()
        return found

    @property
    def shown(self) -> list[tuple[str, str, str]]:
        return [(one.state, one.level, one.now) for one in self.book.current()]


def test_a_red_that_recovers_stays_until_it_is_acknowledged() -> None:
    bench = Bench()
    bench.say(20, 31, 51, 31)
    assert bench.told == ["raised", "worsened", "eased"]
    bench.say(20)
    assert bench.shown == [("latched", "RED", "")]
    (alarm,) = bench.book.current()
    assert "51" in alarm.text
    assert "red above 50" in alarm.text
    bench.book.acknowledge(alarm.id, "ada", "the door was open")
    assert (bench.shown, bench.book.latched) == ([], {})
    assert bench.told == ["recovered", "acknowledged"]
    bench.say(51)
    assert bench.book.current()[0].id != alarm.id


def test_one_that_is_acknowledged_first_ends_with_the_recovery_and_comes_back_if_it_worsens() -> None:
    bench = Bench()
    bench.say(31)
    bench.book.acknowledge(bench.book.current()[0].id, "ada")
    assert bench.shown == [("acknowledged", "YELLOW", "YELLOW")]
    bench.say(51)
    assert bench.shown == [("active", "RED", "RED")]
    bench.book.acknowledge_all("ada")
    bench.say(31)
    assert bench.shown == [("acknowledged", "YELLOW", "YELLOW")]
    bench.say(20)
    assert bench.shown == []


def test_who_saw_yellow_has_not_seen_red() -> None:
    bench = Bench()
    bench.say(31)
    seen = bench.book.current()[0]
    bench.say(51)
    with pytest.raises(Changed, match="has become RED meanwhile"):
        bench.book.acknowledge(seen.id, "ada", revision=seen.revision)
    bench.book.acknowledge(seen.id, "ada", revision=bench.book.current()[0].revision)
    with pytest.raises(NoSuchAlarm):
        bench.book.acknowledge(999, "ada")


def test_limits_of_the_operator_count_in_place_of_the_dictionarys() -> None:
    bench = Bench()
    bench.say(31)
    assert bench.shown == [("active", "YELLOW", "YELLOW")]
    bench.book.last_value = {TEMPERATURE: 31}.get
    plan = bench.book.set_limits(TEMPERATURE, {"high": {"red": 40}}, "ada", revision=0)
    assert bench.shown == [("latched", "YELLOW", "")]
    with pytest.raises(Changed, match="ada has set them"):
        bench.book.remove_limits(TEMPERATURE, "bob", revision=0)
    bench.say(41)
    assert bench.shown == [("active", "RED", "RED")]
    bench.book.remove_limits(TEMPERATURE, "bob", revision=plan.revision)
    assert bench.book.plan(TEMPERATURE).high.yellow == 30
    with pytest.raises(LimitFault, match="above"):
        bench.book.set_limits(TEMPERATURE, {"high": {"yellow": 2, "red": 1}}, "ada")


def test_a_value_that_is_there_is_held_against_new_limits() -> None:
    bench = Bench()
    bench.book.last_value = {TEMPERATURE: 25}.get
    bench.book.set_limits(TEMPERATURE, {"high": {"red": 24}}, "ada")
    assert bench.shown == [("active", "RED", "RED")]


def test_chatter_is_one_alarm_with_hysteresis_and_none_with_patience() -> None:
    bench = Bench()
    bench.book.set_limits(TEMPERATURE, {"high": {"red": 50}, "hysteresis": 2}, "ada")
    bench.say(51, 49, 51, 49, 51)
    assert bench.told == ["raised"]
    bench.say(47.9)
    assert bench.told == ["recovered"]
    bench.book.acknowledge_all("ada")
    bench.book.set_limits(TEMPERATURE, {"high": {"red": 50}, "samples": 3, "hold_s": 5}, "ada")
    bench.say(51, 51, 49, 51, 51)
    bench.say(51, after_s=4.9)
    assert bench.shown == []
    bench.now_us += 100_000
    bench.book.pass_time()
    assert bench.shown == [("active", "RED", "RED")]


def test_a_silent_channel_is_an_alarm_where_that_is_wanted() -> None:
    bench = Bench()
    bench.book.set_limits(TEMPERATURE, {"stale_s": 10, "stale_level": "ORANGE"}, "ada")
    bench.now_us += 9_999_999
    bench.book.pass_time()
    assert bench.shown == []
    bench.now_us += 1
    bench.book.pass_time()
    assert [(one.kind, one.level, one.text) for one in bench.book.current()] == [
        ("stale", "ORANGE", "nothing came for 10 s")
    ]
    assert bench.book.latched == {TEMPERATURE: "ORANGE"}
    bench.say(20)
    assert bench.shown == [("latched", "ORANGE", "")]
    bench.book.acknowledge_channel(TEMPERATURE, "ada")
    assert bench.book.latched == {}


def test_grave_events_want_to_be_seen_and_a_storm_of_one_is_one() -> None:
    bench = Bench()
    for _ in range(100):
        bench.book.take_event(WARNING)
    bench.book.take_event(HARMLESS)
    bench.book.settle()
    assert [(one.source, one.level, one.count) for one in bench.book.current()] == [
        ("Ref.dispatcher.InvalidCommand", "ORANGE", 100)
    ]
    assert bench.told == ["raised"]
    bench.book.acknowledge_all("ada", "known", "Ref.dispatcher.*")
    assert bench.shown == []
    quiet = Bench(severities=("FATAL",))
    quiet.book.take_event(WARNING)
    assert quiet.shown == []


def test_what_is_shelved_comes_last_and_wakes_nobody_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = 10**15
    monkeypatch.setattr("kittiwake_ground.alarms.book.wall_us", lambda: wall)
    bench = Bench()
    bench.say(51)
    bench.book.take_event(WARNING)
    bench.book.settle()
    red = bench.book.current()[0]
    bench.book.shelve(red.id, 60, "ada", "being mended")
    assert [one.kind for one in bench.book.current()] == ["event", "limit"]
    assert [one.kind for one in bench.book.unseen()] == ["event"]
    assert bench.told[-1] == "shelved"
    bench.say(20)
    assert bench.changes[-1].is_shelved
    assert [one.kind for one in bench.book.acknowledge_all("ada")] == ["event"]
    wall += 60_000_000
    bench.book.pass_time()
    assert [one.kind for one in bench.book.unseen()] == ["limit"]
    assert bench.told[-1] == "unshelved"
    with pytest.raises(ValueError, match="at most"):
        bench.book.shelve(red.id, 1e9, "ada")


def test_all_that_happened_is_in_the_history() -> None:
    bench = Bench()
    bench.say(51, 20)
    alarm = bench.book.current()[0]
    bench.book.comment(alarm.id, "look at the valve", "bob")
    bench.book.acknowledge(alarm.id, "ada")
    shown = [(one.action, one.level, one.by, one.text) for one in bench.book.history()]
    assert [one[0] for one in shown] == ["acknowledged", "commented", "recovered", "raised"]
    assert shown[1] == ("commented", "RED", "bob", "look at the valve")
    assert [one.action for one in bench.book.history(action="raised", source="Ref.*", levels=["RED"])] == ["raised"]
    assert bench.book.history(source="Nothing*") == []
    assert [one.action for one in bench.book.history(before=bench.book.history()[1].id)] == ["recovered", "raised"]


VALUES = st.sampled_from([20, 31, 51, -11])
STEPS = st.lists(st.one_of(VALUES, st.sampled_from(["acknowledge", "kill"])), max_size=15)


@settings(max_examples=settings().max_examples // 4)
@given(STEPS)
def test_whatever_happens_the_gravest_since_somebody_looked_is_shown(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    """A kill is here a second book on the same file, while the first one is let go as it stands."""
    folder = tmp_path_factory.mktemp("book")
    bench = Bench(AlarmStore(folder))
    expected = now = ""
    for step in steps:
        if step == "kill":
            bench.book.store.close()
            bench = Bench(AlarmStore(folder))
        elif step == "acknowledge":
            bench.book.acknowledge_all("ada")
            expected = now
        else:
            bench.say(step)
            now = {20: "", 31: "YELLOW", 51: "RED", -11: "RED"}[step]
            alarm = bench.book.open_alarms.get(f"limit:{TEMPERATURE}")
            if (alarm is not None and alarm.acknowledged_by) or alarm is None:
                expected = now
            else:
                expected = max(expected, now, key=rank)
        assert bench.book.latched.get(TEMPERATURE, "") == expected


KILLED = """
import sys
from pathlib import Path
from tests.ground.alarms.test_book import Bench
from kittiwake_ground.alarms.store import AlarmStore
bench = Bench(AlarmStore(Path(sys.argv[1])))
bench.say(51, 20)
print(bench.book.current()[0].id, flush=True)
while True:
    bench.say(31, 20)
"""


def test_what_was_latched_is_latched_after_a_kill(tmp_path: Path) -> None:
    """The process is killed while it writes; what it had said before is there, and the database is sound."""
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert process.stdout is not None
    with process.stdout:
        id = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    bench = Bench(AlarmStore(tmp_path))
    assert bench.book.store.quarantined is None
    (alarm,) = bench.book.current()
    assert (alarm.id, alarm.level) == (id, "RED")
    bench.book.acknowledge(id, "ada")
    bench.say(20)
    assert bench.shown == []


def test_a_broken_database_is_set_aside_and_one_of_another_program_left_alone(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"this is no database" * 500)
    bench = Bench(AlarmStore(tmp_path))
    assert bench.book.store.quarantined is not None
    bench.say(51)
    bench.book.store.close()
    other = tmp_path / "other"
    other.mkdir()
    connection = sqlite3.connect(other / DATABASE)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreFault, match="another program's database"):
        AlarmStore(other).open()
    store = AlarmStore(tmp_path / "own")
    store.open()
    with pytest.raises(StoreFault, match="another server uses it"):
        AlarmStore(tmp_path / "own").open()
    store.close()


def test_a_disk_that_refuses_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bench = Bench(AlarmStore(tmp_path))
    keep = bench.book.store.keep

    def refuse(*arguments: Any, **named: Any) -> None:
        raise StoreFault("no room")

    monkeypatch.setattr(bench.book.store, "keep", refuse)
    bench.say(51)
    assert bench.book.fault == "no room"
    assert bench.told == ["raised"]
    with pytest.raises(StoreFault):
        bench.book.acknowledge_all("ada")
    assert bench.shown == [("active", "RED", "RED")]
    monkeypatch.setattr(bench.book.store, "keep", keep)
    bench.book.pass_time()
    assert bench.book.fault == ""
    bench.book.store.close()
    assert Bench(AlarmStore(tmp_path)).shown == [("active", "RED", "RED")]
