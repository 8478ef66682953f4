"""What becomes of passes, and which rates that suggests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes import store as store_module
from kittiwake_ground.passes.contact import Contact, ContactRefused
from kittiwake_ground.passes.outcome import Outcome, PassWatch, measured_rates
from kittiwake_ground.passes.schedule import Schedule
from kittiwake_ground.passes.store import DATABASE, PassStore
from kittiwake_ground.server.links import LinkReport
from tests.ground.passes.rig import T0, S, StillClocks

if TYPE_CHECKING:
    from pathlib import Path

DOWN = LinkReport("tcp", "down", 0, "", 0, True, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class Watched:
    """A watch on a link whose counters are moved by hand; one look a second."""

    def __init__(self, kept: dict[int, Outcome], clocks: StillClocks, schedule: Schedule) -> None:
        self.clocks = clocks
        self.report = DOWN
        self.commands = 0
        self.kept = kept
        self.schedule = schedule
        self.watch = PassWatch(kept.get, lambda one: kept.update({one.start_us: replace(one)}))

    def run(self, seconds: int, down: int = 0, up: int = 0, commands: int = 0) -> None:
        """Lets time pass, in which so many bytes a second go each way, and commands in the first second."""
        for second in range(seconds):
            self.clocks.advance(1)
            old = self.report
            self.report = old._replace(
                state="up" if down else "down", received_bytes=old.received_bytes + down,
                sent_bytes=old.sent_bytes + up, frames=old.frames + bool(down),
                last_packet_us=self.clocks.wall if down else old.last_packet_us,
            )  # fmt: skip
            self.commands += 0 if second else commands
            now_us = self.clocks.wall
            self.watch.look(self.schedule.under_way(now_us), now_us, self.clocks.boot, self.report, self.commands)


@pytest.fixture
def watched() -> Watched:
    clocks = StillClocks()
    schedule = Schedule("ref", PassStore(), clocks.wall_us)
    schedule.add(Contact(T0 + 100 * S, 60, "north", "lora"))
    schedule.add(Contact(T0 + 300 * S, 60, "south", "lora"))
    return Watched({}, clocks, schedule)


def test_what_goes_in_a_pass_is_accounted_to_it_and_nothing_else(watched: Watched) -> None:
    watched.run(99, 50, 5, 2)
    assert (watched.kept, watched.watch.current) == ({}, None)
    watched.run(11)
    watched.run(20, 1000, 100, 3)
    watched.run(20, 100)
    current = watched.watch.current
    assert current is not None
    assert not current.is_over
    watched.run(200, 50)
    north = watched.kept[T0 + 100 * S]
    # The pass has 20 seconds with much, 20 with little, and 9 of what came after.
    assert (north.bytes_down, north.bytes_up, north.commands) == (20_000 + 2_000 + 450, 2000, 3)
    assert (north.first_frame_us, north.last_frame_us) == (T0 + 111 * S, T0 + 159 * S)
    assert (north.peak_down_bps, north.peak_up_bps) == (8000, 800)
    assert (north.telemetry_bps, north.is_over) == (4400, True)
    assert (north.watched_s, north.linked_s) == (59, 49)


def test_a_server_that_starts_anew_goes_on_with_a_pass(watched: Watched) -> None:
    watched.run(130, 100)
    watched.watch.close()
    again = Watched(watched.kept, watched.clocks, watched.schedule)
    again.clocks.advance(5)
    again.run(5, 100)
    again.run(60)
    north = again.kept[T0 + 100 * S]
    assert (north.bytes_down, north.is_over) == (3000 + 400, True)
    assert north.watched_s == 30 + 23


def test_rates_are_suggested_by_the_last_passes_of_the_link_that_had_contact() -> None:
    def one(number: int, peak: float, link: str = "lora", frames: bool = True) -> Outcome:
        last = T0 if frames else 0
        return Outcome(
            number, number, "n", link, "hand", last_frame_us=last, peak_down_bps=peak, telemetry_bps=peak / 10
        )

    found = [one(9, 0.0), one(8, 500), one(7, 1e9, "dish"), one(6, 700), one(5, 99, frames=False), one(4, 600)]
    rates = measured_rates(found, "lora")
    assert (rates.down_bps, rates.up_bps, rates.telemetry_bps) == (600, 0, 60)
    assert measured_rates([], "lora").down_bps == 0


def test_the_store_is_bounded_and_keeps_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_OUTCOMES", 3)
    monkeypatch.setattr(store_module, "MAX_CONTACTS", 2)
    store = PassStore(tmp_path)
    for number in range(6):
        store.keep_outcome("ref", Outcome(number, number + 1, "n", "", "hand"))
    store.keep_outcome("other", Outcome(0, 1, "n", "", "hand"))
    store.change_contacts("ref", [Contact(T0, 60), Contact(T0 + 100 * S, 60)])
    with pytest.raises(ContactRefused, match="at most 2"):
        store.change_contacts("ref", [Contact(T0 + 200 * S, 60)])
    with pytest.raises(StoreFault, match="another server uses it"):
        PassStore(tmp_path).open()
    store.close()
    again = PassStore(tmp_path)
    assert [one.start_us for one in again.outcomes("ref")] == [5, 4, 3]
    assert [one.start_us for one in again.outcomes("ref", 1, before_us=5)] == [4]
    assert (len(again.outcomes("other")), len(again.contacts("ref"))) == (1, 2)
    again.close()
    (tmp_path / DATABASE).write_bytes(b"no database" * 1000)
    broken = PassStore(tmp_path)
    assert broken.contacts("ref") == []
    assert broken.quarantined is not None
    broken.close()


def test_a_past_contact_makes_room_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("store", "schedule"):
        monkeypatch.setattr(f"kittiwake_ground.passes.{module}.MAX_CONTACTS", 2)
    clocks = StillClocks()
    schedule = Schedule("ref", PassStore(), clocks.wall_us)
    schedule.add(Contact(T0 + 10 * S, 60, "first"))
    schedule.add(Contact(T0 + 100 * S, 60, "second"))
    with pytest.raises(ContactRefused):
        schedule.add(Contact(T0 + 200 * S, 60, "third"))
    clocks.advance(80)
    schedule.add(Contact(T0 + 200 * S, 60, "third"))
    assert [one.name for one in schedule.contacts.values()] == ["second", "third"]
