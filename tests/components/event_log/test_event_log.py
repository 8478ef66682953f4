"""EventLog: what passes, what is kept over restarts, and what the ground can ask for."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.events import Severity
from kittiwake.model.fw import Enabled
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import event_packet
from kittiwake_components.event_log.component import WAITING_MAX, EventLog, QueryScope
from kittiwake_components.event_log.filters import ID_FILTERS_MAX, Filters, FilterSeverity, FiltersFault, unpack_filters
from tests.components.event_log.logged import BASE, Logged, Tester, kept, log, sent

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = CommandResponse.OK
FAILED = CommandResponse.EXECUTION_ERROR
INVALID = CommandResponse.VALIDATION_ERROR


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(Logged) as made:
        yield made


def small_ring(size: int = 65_536) -> Tester:
    return ComponentTester(Logged, settings={"ring_bytes": size, "query_rate": 1000})


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(EventLog) == []


def test_an_event_goes_to_the_ground_and_to_the_text_log_at_once(tester: Tester) -> None:
    """REQ-EVT-001."""
    log(tester, 7)
    assert tester.ports.pkt_send == [(event_packet(0x900, BASE + 7, bytes([0, 0, 0, 7])), 0)]
    assert tester.ports.text_out == [(0x900, BASE + 7, Severity.ACTIVITY_HI, bytes([0, 0, 0, 7]))]
    assert tester.ports.fatal_announce == []


def test_whoever_acts_upon_events_is_told_of_those_that_are_held_back_too() -> None:
    """REQ-EVT-016."""
    with ComponentTester(Logged) as tester:
        log(tester, 1, Severity.DIAGNOSTIC)
        tester.send("SET_ID_FILTER", 0x901, Enabled.ENABLED)
        log(tester, 2, id=0x901)
        told = [int.from_bytes(arguments[:4], "big") for id, _, _, arguments in tester.ports.event_out if id >= 0x900]
        assert told == [1, 2]


def test_every_packet_that_is_handed_on_is_counted_those_of_a_query_too() -> None:
    """REQ-EVT-017."""
    with small_ring() as tester:
        log(tester, 1)
        log(tester, 2, Severity.DIAGNOSTIC)
        assert kept(tester) == [1]
        tester.call.run(0)
        assert tester.channels["EventsSent"] == 2


def test_a_fatal_event_is_announced_after_it_was_sent(tester: Tester) -> None:
    """REQ-EVT-002."""
    log(tester, 1, Severity.FATAL)
    ports = [name for kind, name, _ in tester.trace if kind == "port"]
    assert ports == ["event_out", "pkt_send", "text_out", "fatal_announce"]
    assert tester.ports.fatal_announce == [(0x900,)]


def test_without_optional_ports_events_still_pass() -> None:
    """REQ-EVT-001."""
    with ComponentTester(Logged, open_ports=("text_out", "event_out", "fatal_announce")) as tester:
        log(tester, 1, Severity.FATAL)
        assert sent(tester) == [1]


@pytest.mark.parametrize("severity", [Severity.WARNING_HI, Severity.WARNING_LO, Severity.ACTIVITY_LO])
def test_a_severity_is_held_back_and_let_through_again(tester: Tester, severity: Severity) -> None:
    """REQ-EVT-003."""
    level = FilterSeverity[severity.name]
    assert tester.send("SET_EVENT_FILTER", level, Enabled.DISABLED).response is OK
    log(tester, 1, severity)
    log(tester, 2, Severity.ACTIVITY_HI)
    assert tester.send("SET_EVENT_FILTER", level, Enabled.ENABLED).response is OK
    log(tester, 3, severity)
    assert sent(tester) == [2, 3]
    tester.call.run(0)
    assert tester.channels["EventsFiltered"] == 1


def test_diagnostic_events_are_held_back_at_first(tester: Tester) -> None:
    """REQ-EVT-003."""
    log(tester, 1, Severity.DIAGNOSTIC)
    assert sent(tester) == []


def test_whoever_reports_by_the_hundred_can_ask_whether_anybody_gets_it() -> None:
    """REQ-EVT-016."""
    with ComponentTester(Logged, open_ports=("event_out",)) as tester:
        assert not tester.component.shows(Severity.DIAGNOSTIC)
        tester.send("SET_EVENT_FILTER", FilterSeverity.DIAGNOSTIC, Enabled.ENABLED)
        assert tester.component.shows(Severity.DIAGNOSTIC)
    with ComponentTester(Logged) as tester:
        assert tester.component.shows(Severity.DIAGNOSTIC)  # somebody acts upon events


def test_neither_fatal_nor_command_events_can_be_held_back(tester: Tester) -> None:
    """REQ-EVT-004."""
    assert tester.send("SET_EVENT_FILTER", FilterSeverity.COMMAND, Enabled.DISABLED).response is INVALID
    assert tester.send("SET_EVENT_FILTER", FilterSeverity.COMMAND, Enabled.ENABLED).response is OK
    for number in (0x80, 0x81):
        assert tester.send("SET_ID_FILTER", 0x100 + number, Enabled.ENABLED).response is INVALID
    assert tester.send("SET_ID_FILTER", 0x900, Enabled.ENABLED).response is OK
    log(tester, 1, Severity.FATAL)
    log(tester, 2, Severity.COMMAND)
    log(tester, 3, Severity.ACTIVITY_HI)
    assert sent(tester) == [1, 2]


def test_an_id_is_held_back_and_let_through_again(tester: Tester) -> None:
    """REQ-EVT-005."""
    assert tester.send("SET_ID_FILTER", 0x900, Enabled.ENABLED).response is OK
    log(tester, 1)
    log(tester, 2, id=0x901)
    assert tester.send("SET_ID_FILTER", 0x900, Enabled.DISABLED).response is OK
    log(tester, 3)
    assert sent(tester) == [2, 3]
    assert tester.send("SET_ID_FILTER", 0x900, Enabled.DISABLED).response is FAILED
    assert tester.events.names() == ["ID_FILTER_ENABLED", "ID_FILTER_REMOVED", "ID_FILTER_NOT_FOUND"]


def test_the_list_of_ids_has_an_end(tester: Tester) -> None:
    """REQ-EVT-005."""
    assert ID_FILTERS_MAX >= 25
    for id in range(ID_FILTERS_MAX):
        assert tester.send("SET_ID_FILTER", id, Enabled.ENABLED).response is OK
    assert tester.send("SET_ID_FILTER", 0, Enabled.ENABLED).response is OK
    assert tester.send("SET_ID_FILTER", ID_FILTERS_MAX, Enabled.ENABLED).response is FAILED
    assert tester.events[-1].name == "ID_FILTER_LIST_FULL"


def test_the_state_of_every_filter_is_reported(tester: Tester) -> None:
    """REQ-EVT-006."""
    tester.send("SET_ID_FILTER", 0x900, Enabled.ENABLED)
    tester.clear_history()
    assert tester.send("DUMP_FILTER_STATE").response is OK
    states = {event.args[0]: event.args[1] for event in tester.events.named("SEVERITY_FILTER_STATE")}
    assert states == {
        level: Enabled.DISABLED if level is FilterSeverity.DIAGNOSTIC else Enabled.ENABLED for level in FilterSeverity
    }
    assert tester.events[-1].name == "ID_FILTER_ENABLED"
    assert tester.events[-1].args == (0x900,)


def test_filters_are_the_same_after_a_reboot(tester: Tester) -> None:
    """REQ-EVT-007."""
    tester.send("SET_EVENT_FILTER", FilterSeverity.ACTIVITY_HI, Enabled.DISABLED)
    tester.send("SET_ID_FILTER", 0x901, Enabled.ENABLED)
    tester.crash()
    log(tester, 1)
    log(tester, 2, Severity.WARNING_LO, id=0x901)
    log(tester, 3, Severity.WARNING_LO)
    assert sent(tester) == [3]


def test_filters_that_cannot_be_saved_stay_as_they_were(tester: Tester) -> None:
    """REQ-EVT-007."""
    tester.files.disk.capacity = tester.files.disk.capacity - tester.files.disk.free()
    assert tester.send("SET_ID_FILTER", 0x900, Enabled.ENABLED).response is FAILED
    assert tester.events.names() == ["FiltersFailed"]
    log(tester, 1)
    assert sent(tester) == [1]


def test_damaged_filters_are_kept_aside_and_reported(tester: Tester) -> None:
    """REQ-EVT-007."""
    tester.send("SET_ID_FILTER", 0x900, Enabled.ENABLED)
    data = bytearray(tester.read_file("/events/filters.a"))
    data[-1] ^= 1
    tester.write_file("/events/filters.a", bytes(data))
    tester.reboot()
    assert tester.events.names()[0] == "EventFileFinding"
    log(tester, 1)
    assert sent(tester) == [1]


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\2\0\0\0\1", b"\xff\xff" + bytes(4 * 255)])
def test_a_record_that_holds_no_filters_is_refused(data: bytes) -> None:
    """REQ-EVT-007."""
    with pytest.raises(FiltersFault):
        unpack_filters(data)


def test_filters_come_back_from_their_record() -> None:
    """REQ-EVT-007."""
    filters = Filters(frozenset({Severity.FATAL, Severity.COMMAND, Severity.DIAGNOSTIC}), frozenset({1, 0xFFFFFFFF}))
    again = unpack_filters(filters.pack())
    assert (again.shown, again.ids) == (filters.shown, filters.ids)


def test_events_are_kept_over_a_reboot_and_can_be_asked_for(tester: Tester) -> None:
    """REQ-EVT-008, REQ-EVT-009. Upstream: events from before a reboot were lost (nasa/fprime #2607, #2945)."""
    for number in range(1, 6):
        log(tester, number)
    tester.reboot()
    log(tester, 6)
    tester.call.run(0)
    assert tester.events.named("OldEventsKept")[0].args == (5,)
    assert tester.channels["EventsKept"] == 6
    assert kept(tester) == [1, 2, 3, 4, 5, 6]
    assert kept(tester, QueryScope.BEFORE_BOOT) == [1, 2, 3, 4, 5]
    assert tester.ports.pkt_send[0] == (event_packet(0x900, BASE + 1, bytes([0, 0, 0, 1])), 0)
    assert tester.events[-1].name == "QueryComplete"
    assert tester.events[-1].args == (5,)


def test_a_query_gives_the_newest_of_a_severity_and_worse(tester: Tester) -> None:
    """REQ-EVT-009."""
    for number, severity in enumerate(
        (Severity.WARNING_HI, Severity.ACTIVITY_LO, Severity.FATAL, Severity.ACTIVITY_HI, Severity.WARNING_LO)
    ):
        log(tester, number, severity)
    assert kept(tester, severity=Severity.WARNING_LO) == [0, 2, 4]
    tester.ports.pkt_send.clear()
    tester.send("QUERY", 2, Severity.WARNING_LO, QueryScope.ALL)
    assert tester.send("QUERY", 2, Severity.WARNING_LO, QueryScope.ALL).response is CommandResponse.BUSY
    tester.advance(1)
    assert sent(tester) == [2, 4]
    for count in (0, 2001):
        assert tester.send("QUERY", count, Severity.FATAL, QueryScope.ALL).response is INVALID


def test_a_query_does_not_flood_the_link(tester: Tester) -> None:
    """REQ-EVT-009."""
    for number in range(200):
        log(tester, number)
    tester.ports.pkt_send.clear()
    tester.send("QUERY", 200, Severity.DIAGNOSTIC, QueryScope.ALL)
    tester.advance(1)
    assert 45 <= len(tester.ports.pkt_send) <= 55
    tester.advance(10)
    assert len(tester.ports.pkt_send) == 200


def test_old_events_are_cleared_and_those_of_this_boot_stay(tester: Tester) -> None:
    """REQ-EVT-010."""
    log(tester, 1)
    tester.reboot()
    log(tester, 2)
    assert tester.send("CLEAR_OLD").response is OK
    assert tester.events[-1].args == (1,)
    assert kept(tester) == [2]
    tester.reboot()
    assert kept(tester) == [2]
    assert tester.send("CLEAR_OLD").response is OK
    assert kept(tester) == []


def test_the_ring_keeps_what_its_parameter_says(tester: Tester) -> None:
    """REQ-EVT-008."""
    tester.set_parameter("RING_SEVERITY", Severity.WARNING_LO)
    log(tester, 1, Severity.WARNING_LO)
    log(tester, 2, Severity.ACTIVITY_HI)
    assert sent(tester) == [1, 2]
    assert kept(tester) == [1]


def test_the_ring_keeps_the_newest_within_its_size() -> None:
    """REQ-EVT-011."""
    with small_ring() as tester:
        for number in range(12_000):
            log(tester, number)
            if number % 100 == 0:
                tester.call.run(0)
        tester.call.run(0)
        size = sum(tester.files.size(tester.root.resolve(f"/events/ring.{one}")) for one in "ab")
        assert size <= 65_536
        found = kept(tester)
        assert found == list(range(12_000 - len(found), 12_000))
        assert len(found) > 900
        tester.reboot()
        assert kept(tester) == found


def test_events_of_a_cycle_are_written_at_once_and_not_by_the_one_who_reports() -> None:
    """REQ-EVT-012."""
    with small_ring() as tester:
        tester.call.run(0)
        before = tester.files.operations
        for number in range(50):
            log(tester, number)
        assert tester.files.operations == before
        tester.call.run(0)
        assert tester.files.operations == before + 1
        tester.restart()
        assert len(kept(tester)) == 50


def test_warnings_are_durable_soon_and_not_before_the_caller_goes_on() -> None:
    """REQ-EVT-012."""
    for severity in (Severity.WARNING_HI, Severity.FATAL):
        tester = small_ring()
        tester.call.run(0)
        before = tester.files.operations
        log(tester, 1)
        log(tester, 2, severity)
        assert tester.files.operations == before
        tester.advance(0.11)
        tester.crash()
        assert kept(tester) == [1, 2]
        tester.finish()


def test_before_an_announced_cut_everything_is_made_durable() -> None:
    """REQ-EVT-018."""
    tester = small_ring()
    tester.call.run(0)
    log(tester, 1)
    tester.call.power_ends()
    tester.advance(0.05)
    log(tester, 2)
    tester.advance(0.06)
    tester.crash()
    assert kept(tester) == [1, 2]
    tester.finish()


def test_what_makes_an_event_urgent_is_a_parameter() -> None:
    """REQ-EVT-012."""
    tester = small_ring()
    tester.set_parameter("SYNC_SEVERITY", Severity.FATAL)
    tester.call.run(0)
    before = tester.files.operations
    log(tester, 1, Severity.WARNING_HI)
    tester.advance(5)
    assert tester.files.operations == before
    tester.finish()


def test_events_that_the_ring_cannot_take_are_counted_and_reported() -> None:
    """REQ-EVT-013. Upstream: dropped events were not reported (nasa/fprime #1277)."""
    with small_ring() as tester:
        tester.call.run(0)
        tester.files.disk.capacity = tester.files.disk.capacity - tester.files.disk.free()
        for number in range(WAITING_MAX + 30):
            log(tester, number)
        tester.call.run(0)
        assert tester.events.names()[-2:] == ["RingFailed", "EventsDropped"]
        assert tester.events[-1].args == (30,)
        assert tester.channels["EventsDropped"] == 30
        assert len(sent(tester)) == WAITING_MAX + 30
        tester.files.disk.capacity += 1 << 20
        tester.call.run(0)
        assert tester.channels["EventsKept"] > 900
        assert tester.events.names()[-1] == "EventsDropped"


def test_grave_events_that_could_not_be_synced_are_as_soon_as_they_can_be() -> None:
    """REQ-EVT-012: a fault of the disk while they were written does not make them wait for the next grave event."""
    with small_ring() as tester:
        tester.call.run(0)
        tester.files.fail_every("sync", errno.EIO)
        log(tester, 1, Severity.WARNING_HI)
        tester.advance(1)
        assert "RingFailed" in tester.events.names()
        tester.files.mend("sync")
        synced = [name for name, _ in tester.files.log].count("sync")
        for _ in range(2):
            tester.call.run(0)
            assert [name for name, _ in tester.files.log].count("sync") == synced + 1
        tester.crash()
        tester.call.run(0)
        assert 1 in kept(tester)


def test_an_event_too_long_for_the_ring_is_sent_and_counted() -> None:
    """REQ-EVT-013."""
    with ComponentTester(Logged, open_ports=["text_out", "event_out"]) as tester:
        tester.component.log_recv(0x900, BASE, Severity.WARNING_LO, bytes(3000))
        tester.call.run(0)
        assert len(tester.ports.pkt_send) == 1
        assert tester.channels["EventsDropped"] == 1


def test_without_a_ring_nothing_is_written() -> None:
    """REQ-EVT-011."""
    with ComponentTester(Logged, settings={"ring_bytes": 0}) as tester:
        before = tester.files.operations
        log(tester, 1, Severity.FATAL)
        tester.call.run(0)
        tester.advance(1)
        assert tester.files.operations == before
        assert tester.send("QUERY", 1, Severity.FATAL, QueryScope.ALL).response is FAILED
        assert tester.send("CLEAR_OLD").response is FAILED


def test_a_damaged_ring_keeps_what_still_checks(tester: Tester) -> None:
    """REQ-EVT-008."""
    for number in range(1, 4):
        log(tester, number)
        tester.call.run(0)
    tester.finish()
    data = bytearray(tester.read_file("/events/ring.a"))
    data[-1] ^= 1
    tester.write_file("/events/ring.a", bytes(data))
    tester.reboot()
    tester.call.run(0)
    assert tester.events.names() == ["EventFileFinding", "OldEventsKept"]
    assert kept(tester) == [1, 2]


def test_a_disk_that_cannot_be_read_is_reported_and_events_still_pass(tester: Tester) -> None:
    """REQ-EVT-013."""
    tester.write_file("/events", b"in the way")
    tester.reboot()
    log(tester, 1)
    tester.call.run(0)
    assert sent(tester) == [1]
    assert "RingFailed" in tester.events.names()
    assert tester.send("QUERY", 1, Severity.FATAL, QueryScope.ALL).response is FAILED


def test_what_throttles_hold_back_is_counted_and_reported(tester: Tester) -> None:
    """REQ-EVT-014."""
    for _ in range(10):
        tester.component.ring_failed("again")
    tester.call.run(0)
    assert tester.channels["EventsThrottled"] == 7
    assert tester.events.named("EventThrottled") == []
    tester.advance(60)
    tester.call.run(0)
    tester.advance(60)
    tester.call.run(0)
    assert [event.args for event in tester.events.named("EventThrottled")] == [(0x100 + 0x26, 7)]


def test_reading_that_fails_answers_with_an_error(tester: Tester, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-EVT-009, REQ-EVT-010."""
    log(tester, 1)
    tester.call.run(0)
    ring = tester.component._ring
    assert ring is not None

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(ring, "newest", fail)
    monkeypatch.setattr(ring, "clear_old", fail)
    assert tester.send("QUERY", 1, Severity.FATAL, QueryScope.ALL).response is FAILED
    assert tester.send("CLEAR_OLD").response is FAILED
    assert tester.events.names()[-2:] == ["RingFailed", "RingFailed"]


@pytest.mark.parametrize(
    "setting, good, bad",
    [
        ("ring_bytes", [0, 65_536, 1 << 26], [-1, 1, 65_535, 1 << 27]),
        ("query_rate", [1, 1000], [0, 1001]),
        ("throttle_report_s", [1, 86_400], [0, 86_401]),
        ("sync_delay_ms", [0, 60_000], [-1, 60_001]),
    ],
)
def test_settings_have_limits(setting: str, good: list[int], bad: list[int]) -> None:
    """REQ-EVT-011."""
    check = EventLog.__declarations__.settings[setting].check
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(ValueError, match=r"ring_bytes is|is outside"):
            check(value)


def test_more_events_than_one_batch_takes_are_written_in_several(tester: Tester) -> None:
    """REQ-EVT-012."""
    for number in range(40):
        log(tester, number, size=1000)
    tester.call.run(0)
    assert kept(tester) == list(range(40))
