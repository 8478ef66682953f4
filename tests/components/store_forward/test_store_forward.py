"""StoreForward: what passes, what is stored, and that it follows once, in order, at a bounded rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model.commands import CommandResponse
from kittiwake.testing.design_sheet import differences
from kittiwake_components.store_forward.component import HELD_MAX, SEGMENT_BYTES, StoreForward, StoreState
from tests.components.store_forward.stored import (
    DOWN,
    TELEMETRY,
    UP,
    Tester,
    cycles,
    live,
    new_tester,
    packet,
    put,
    store,
    stored,
    telemetry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tester() -> Iterator[Tester]:
    with new_tester() as made:
        yield made


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(StoreForward) == []


def test_while_the_link_is_up_packets_pass(tester: Tester) -> None:
    """REQ-SF-001."""
    tester.call.link_status(UP)
    cycles(tester)
    put(tester, 1, 2)
    tester.call.packet_in[TELEMETRY](telemetry(7), 0)
    assert live(tester) == [1, 2]
    assert tester.ports.packet_out[TELEMETRY] == [(telemetry(7), 0)]
    cycles(tester, 3)
    assert tester.channels["PacketsStored"] == 0
    assert tester.ports.stored_out == []


def test_what_comes_while_the_link_is_down_follows_when_it_is_up(tester: Tester) -> None:
    """REQ-SF-002, REQ-SF-003: bit for bit, with its own time tag, in its order."""
    store(tester, 1, 2, 3)
    assert live(tester) == []
    assert tester.channels.latest()["StoreState"] is StoreState.STORING
    assert tester.channels["PacketsStored"] == 3
    tester.call.link_status(UP)
    assert tester.channels.latest()["StoreState"] is StoreState.FORWARDING
    cycles(tester)
    assert [data for data, _ in tester.ports.stored_out] == [packet(number) for number in (1, 2, 3)]
    cycles(tester)
    assert tester.channels.latest()["StoreState"] is StoreState.LIVE
    assert tester.channels["PacketsForwarded"] == 3
    assert [event.name for event in tester.events] == ["StoringStarted", "ForwardingStarted", "ForwardingDone"]


def test_a_short_gap_is_waited_out(tester: Tester) -> None:
    """REQ-SF-004: events from before the link connects pass first, in their order, and never see the disk.

    Upstream: F´ loses the events from before its link connects.
    """
    tester.set_parameter("GRACE_S", 10)
    put(tester, 1, 2)
    cycles(tester, 5)
    tester.call.link_status(UP)
    put(tester, 3)
    assert live(tester) == [1, 2, 3]
    tester.call.link_status(DOWN)
    put(tester, 4)
    cycles(tester, 12)
    tester.call.link_status(UP)
    cycles(tester)
    assert (live(tester), stored(tester)) == ([1, 2, 3], [4])


def test_live_traffic_goes_first(tester: Tester) -> None:
    """REQ-SF-005."""
    store(tester, 1, 2)
    tester.call.link_status(UP)
    put(tester, 3)
    cycles(tester)
    order = [name for kind, name, _ in tester.trace if kind == "port" and name in ("packet_out[0]", "stored_out")]
    assert order == ["packet_out[0]", "stored_out", "stored_out"]


def test_the_rate_is_bounded() -> None:
    """REQ-SF-005."""
    with new_tester(parameters={"forward_rate": 100}) as tester:
        store(tester, *range(200), size=83)
        tester.call.link_status(UP)
        cycles(tester, 100)
        assert 95 <= len(stored(tester)) <= 105
        tester.set_parameter("FORWARD_RATE", 0)
        before = len(stored(tester))
        cycles(tester, 20)
        assert len(stored(tester)) == before
        tester.set_parameter("FORWARD_RATE", 1_000_000)
        cycles(tester, 10)
        assert stored(tester) == list(range(200))


WINDOW = 24


def test_what_was_not_handed_on_is_kept(tester: Tester) -> None:
    """REQ-SF-006."""
    store(tester, *range(40))
    tester.call.link_status(UP)
    cycles(tester, 5, gone=False)
    assert stored(tester) == list(range(WINDOW))
    assert tester.channels["PacketsStored"] == 40
    tester.call.packets_gone(10)
    cycles(tester, gone=False)
    assert len(stored(tester)) == WINDOW + 10
    cycles(tester, 2, gone=False)
    tester.crash()
    tester.call.link_status(UP)
    cycles(tester, 5)
    assert stored(tester) == list(range(10, 40))


def test_it_goes_on_after_a_restart(tester: Tester) -> None:
    """REQ-SF-007."""
    store(tester, 1, 2, 3)
    tester.reboot()
    store(tester, 4)
    assert tester.events.named("OldPacketsStored")[0].args == (3,)
    tester.call.link_status(UP)
    cycles(tester)
    assert stored(tester) == [1, 2, 3, 4]
    cycles(tester, 2)
    tester.reboot()
    cycles(tester)
    assert tester.channels["PacketsStored"] == 0


def test_of_telemetry_one_packet_in_its_interval_is_stored() -> None:
    """REQ-SF-008."""
    with new_tester(parameters={"telemetry_s": 30}) as tester:
        cycles(tester)
        for _ in range(60):
            tester.call.packet_in[TELEMETRY](telemetry(7), 0)
            tester.call.packet_in[TELEMETRY](telemetry(8), 0)
            put(tester, 1)
            cycles(tester)
        assert tester.channels["PacketsStored"] == 2 + 2 + 60


def test_a_packet_has_an_interval_of_its_own() -> None:
    """REQ-SF-008."""
    from tests.components.store_forward.thinned import kept_of

    assert kept_of({"Slow": 20, "Unknown": 3}) == {3: 1, 4: 3}


def test_the_oldest_go_when_the_quota_is_used_up() -> None:
    """REQ-SF-009."""
    with new_tester(settings={"quota_bytes": 2 * SEGMENT_BYTES}) as tester:
        cycles(tester)
        for start in range(0, 4000, 200):
            put(tester, *range(start, start + 200), size=60)
            cycles(tester)
        lost = tester.channels["PacketsLost"]
        assert 0 < tester.channels["StoredBytes"] <= 2 * SEGMENT_BYTES
        assert tester.channels["PacketsStored"] == 4000 - lost
        assert tester.events.named("PacketsWereLost")
        tester.call.link_status(UP)
        cycles(tester, 200)
        assert stored(tester) == list(range(lost, 4000))


def test_packets_under_way_may_be_dropped_meanwhile() -> None:
    """REQ-SF-009: the answers for them count for nothing any more."""
    with new_tester(settings={"quota_bytes": 2 * SEGMENT_BYTES}) as tester:
        store(tester, *range(10))
        tester.call.link_status(UP)
        cycles(tester, gone=False)
        tester.call.link_status(DOWN)
        cycles(tester)
        for start in range(100, 4100, 200):
            put(tester, *range(start, start + 200), size=60)
            cycles(tester)
        tester.call.link_status(UP)
        tester.call.packets_gone(10)
        cycles(tester, 200)
        assert stored(tester)[10:] == list(range(4100 - len(stored(tester)) + 10, 4100))


def test_a_disk_that_takes_nothing_keeps_no_live_traffic_back(tester: Tester) -> None:
    """REQ-SF-010."""
    cycles(tester)
    tester.files.fail_every("write_at", 28)
    put(tester, *range(HELD_MAX + 5))
    cycles(tester, 2)
    assert tester.events.named("StoreFailed")
    assert tester.channels["PacketsLost"] == 5
    tester.call.link_status(UP)
    put(tester, 9000)
    assert live(tester) == [*range(5, HELD_MAX + 5), 9000]
    tester.files.heal()


def test_the_disk_is_written_once_a_cycle_and_synced_in_its_time() -> None:
    """REQ-SF-011: wear."""
    with new_tester(parameters={"sync_s": 10}) as tester:
        store(tester, 0)
        cycles(tester, 10)
        before = tester.files.operations
        for number in range(9):
            put(tester, number)
        assert tester.files.operations == before
        cycles(tester, 1)
        assert tester.files.operations - before == 9
        synced = tester.files.operations
        cycles(tester, 12)
        assert tester.files.operations - synced == 1


def test_the_link_s_state_is_passed_on(tester: Tester) -> None:
    """REQ-SF-012."""
    for state in (UP, UP, DOWN):
        tester.call.link_status(state)
    assert tester.ports.status_out == [(UP,), (UP,), (DOWN,)]


def test_the_store_is_cleared_by_command(tester: Tester) -> None:
    """REQ-SF-013."""
    store(tester, *range(5))
    put(tester, 6)
    assert tester.send("CLEAR_STORE").response is CommandResponse.OK
    assert tester.events.named("StoreCleared")[0].args == (6,)
    tester.reboot()
    tester.call.link_status(UP)
    cycles(tester, 2)
    assert stored(tester) == []


def test_a_damaged_segment_is_reported_and_what_is_sound_follows(tester: Tester) -> None:
    """REQ-SF-014."""
    store(tester, *range(20))
    tester.reboot()
    tester.files.damage("/kittiwake/store/00000001", 200, b"\xff\xff\xff\xff")
    tester.call.link_status(UP)
    cycles(tester, 3)
    assert tester.events.named("StoreFinding")
    assert 0 < len(stored(tester)) < 20
    assert stored(tester) == list(range(len(stored(tester))))


def test_a_file_that_cannot_be_read_holds_up_nothing_else(tester: Tester) -> None:
    """REQ-SF-014."""
    store(tester, *range(5))
    tester.call.link_status(UP)
    tester.files.fail_every("read_at", 5)
    cycles(tester, 2)
    assert "StoreFailed" in tester.events.names()
    tester.files.heal()
    tester.call.link_status(DOWN)
    store(tester, 7)
    tester.call.link_status(UP)
    cycles(tester, 20)
    assert stored(tester) == [0, 1, 2, 3, 4, 7]


def test_a_segment_that_is_never_read_is_given_up_and_counted(tester: Tester) -> None:
    """REQ-SF-014: it holds up those after it for half a minute, and not for good."""
    store(tester, *range(5))
    tester.call.link_status(UP)
    tester.files.fail_every("read_at", 5)
    cycles(tester, 100)
    tester.files.heal()
    tester.call.link_status(DOWN)
    store(tester, 7)
    tester.call.link_status(UP)
    cycles(tester, 20)
    assert stored(tester) == [7]
    assert tester.component.packets_lost == 5


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["put", "up", "down", "cycle", "reboot", "kill"]), max_size=40))
def test_nothing_is_lost_or_out_of_order_over_any_history(steps: list[str]) -> None:
    """REQ-SF-003, REQ-SF-007: a kill may repeat what was sent since the last sync, and loses what was in memory."""
    sent, came, is_up, was_killed = 0, [], False, False
    with new_tester() as tester:
        for step in [*steps, "cycle", "up", *["cycle"] * 8]:
            if step == "put":
                put(tester, sent)
                sent += 1
                cycles(tester)
            elif step in ("up", "down"):
                is_up = step == "up"
                tester.call.link_status(UP if is_up else DOWN)
            elif step == "cycle":
                cycles(tester)
            else:
                came += live(tester) + stored(tester)
                was_killed = was_killed or step == "kill"
                if step == "reboot":
                    tester.reboot()
                else:
                    tester.restart()
                if is_up:
                    tester.call.link_status(UP)
        came += live(tester) + stored(tester)
        assert set(came) == set(range(sent))
        assert was_killed or sorted(came) == list(range(sent))
        assert stored(tester) == sorted(stored(tester))
