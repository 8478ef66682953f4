"""What the soak takes for sent, for archived and for lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.entries import Channel, Packet
from kittiwake.model.types import U32, wire_type
from kittiwake_ground.archive import Archive
from kittiwake_ground.archive.opening import DATABASE
from kittiwake_ground.archive.records import NewEvent
from tests.soak.accounts import EVENTS, PACKETS, Start, Uncounted, account, comings, counted_events, counted_packets
from tests.soak.deployments import main

if TYPE_CHECKING:
    from pathlib import Path

BEGAN_US = 1_700_000_000_000_000
START = Start("station", 1, BEGAN_US, BEGAN_US + 1_000_000_000)
CYCLE_US = 1_000_000


def channel(name: str) -> Channel:
    return Channel(name, 0, wire_type(U32))


COUNTS = Packet("Counts", 1, 1, (channel(PACKETS), channel(EVENTS)))
POWER = Packet("Power", 2, 1, (channel("power.Voltage"), channel("power.Current")))
VOLTAGE = Packet("Voltage", 3, 1, (channel("power.Voltage"),))
PACKETS_OF_STATION = (POWER, COUNTS)


def fly(folder: Path, lost: frozenset[str] = frozenset()) -> Path:
    """Four cycles with two packets each, one event in the second cycle; what is `lost` is not archived."""
    with Archive(folder) as archive:
        for cycle in range(4):
            power_us = BEGAN_US + (cycle + 1) * CYCLE_US
            events = 0 if cycle < 1 else 1
            values = [
                ("power.Voltage", power_us, 12), ("power.Current", power_us, 1),
                (PACKETS, power_us + 50, 2 * cycle), (EVENTS, power_us + 50, events),
            ]  # fmt: skip
            kept = [one for one in values if f"{one[0]} {cycle}" not in lost]
            archive.add_samples("station", [(name, 2 << 64 | at_us, at_us, value) for name, at_us, value in kept])
        if "event" not in lost:
            at_us = BEGAN_US + CYCLE_US + CYCLE_US // 2
            archive.add_events("station", [NewEvent("mode.Changed", "ACTIVITY_HI", 2 << 64 | at_us, at_us, "")])
    return folder / DATABASE


def test_what_was_counted_and_is_archived_is_all_there(tmp_path: Path) -> None:
    found = account(fly(tmp_path), PACKETS_OF_STATION, START)
    assert (found.packets_sent, found.packets_archived) == (6, 6)
    assert (found.events_sent, found.events_archived) == (1, 1)
    assert (found.samples, found.samples_archived) == (12, 12)
    assert (found.seconds, found.faults) == (4, [])


@pytest.mark.parametrize(
    "lost, fault",
    [
        (("power.Voltage 1", "power.Current 1"), "6 telemetry packets were sent, and 5 are archived"),
        (("power.Voltage 2",), "12 samples were sent, and 11 are archived"),
        (("power.Current 2",), "12 samples were sent, and 11 are archived"),
        (("event",), "1 events were sent, and 0 are archived"),
    ],
    ids=["packet", "its first channel", "its last channel", "event"],
)
def test_what_was_counted_and_is_not_archived_is_lost(tmp_path: Path, lost: tuple[str, ...], fault: str) -> None:
    assert f"station, start 1: {fault}" in account(fly(tmp_path, frozenset(lost)), PACKETS_OF_STATION, START).faults


def test_a_packet_that_has_no_channel_of_its_own_is_told_by_what_the_others_leave() -> None:
    times = {"power.Voltage": [1, 2, 5, 6], "power.Current": [1, 5], PACKETS: [3], EVENTS: [3]}
    found = comings((VOLTAGE, *PACKETS_OF_STATION), lambda name: times[name])
    assert found == {1: [3], 2: [1, 5], 3: [2, 6]}
    with pytest.raises(Uncounted, match="told apart: Voltage, Copy"):
        comings((VOLTAGE, VOLTAGE._replace(name="Copy", id=4)), lambda name: times[name])


def test_a_start_of_which_nothing_was_heard_cannot_be_accounted_for(tmp_path: Path) -> None:
    with pytest.raises(Uncounted, match="start 2: its telemetry packets"):
        account(fly(tmp_path), PACKETS_OF_STATION, START._replace(number=2, began_us=BEGAN_US + 10 * CYCLE_US))


def test_cycles_that_cannot_be_told_apart_are_no_place_to_count_at() -> None:
    times = [1_000_000, 1_000_050, 2_000_000, 2_000_050, 2_100_000, 2_100_050]
    told = [(1_000_050, 4), (2_000_050, 6), (2_100_050, 8)]
    assert counted_packets(told, times, START) == (1_000_000, 4)


def test_events_are_counted_where_the_count_stands_still() -> None:
    told = [(1, 3), (2, 3), (3, 5), (4, 7)]
    assert counted_events(told, START) == (1, 3)
    with pytest.raises(Uncounted, match="its events"):
        counted_events(told[2:], START)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_five_deployments_on_one_ground_lose_nothing_in_seconds_though_one_is_killed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(["--minutes", "0.08", "--each", "1", "--pages", "0"])
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in printed if line.endswith("   nothing")]
    names = ["reference-1", "proves-1", "station-1", "station-1", "building-1", "hive-1"]
    assert [row[0] for row in rows] == names, printed
    assert all(int(row[3].replace(",", "")) > 0 for row in rows), printed
    assert (status, printed[-1]) == (0, "Nothing grew and nothing was lost.")
