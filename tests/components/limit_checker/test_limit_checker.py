"""LimitChecker: tables whole or refused, one response for each violation, states that outlive a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from kittiwake.limits.table import AND, NOT, OR, Comparison, Response, State, Trigger
from kittiwake.model.commands import CommandResponse
from kittiwake.model.events import Severity
from kittiwake.testing.design_sheet import differences
from kittiwake_components.limit_checker.component import PENDING_MAX, LimitChecker
from kittiwake_components.ports.mode import SafeModeReason, SystemMode
from tests.components.limit_checker.checked import (
    BASE,
    COMMAND,
    COUNT,
    FILE,
    INVALID,
    OK,
    VOLTS,
    Store,
    Tester,
    act,
    cycles,
    high,
    load,
    low,
    new_tester,
    responded,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = 0x5005


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def tester(store: Store) -> Iterator[Tester]:
    with new_tester(store) as made:
        yield made


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(LimitChecker) == []


# Tables


def test_a_table_is_in_force_once_it_is_loaded_and_after_a_restart(tester: Tester) -> None:
    """REQ-LC-001."""
    cycles(tester)
    assert tester.channels["TableName"] is None
    data = table([low()], [act()])
    assert load(tester, data) is OK
    assert tester.events.named("TableLoaded")[0].args == ("Power", 1, 1)
    tester.reboot()
    assert tester.channels["TableName"] is None
    cycles(tester)
    assert tester.channels.latest()["TableName"] == "Power"
    assert tester.channels["TableCrc"] == crc32(data)


def test_a_table_that_is_not_sound_changes_nothing(tester: Tester, store: Store) -> None:
    """REQ-LC-002."""
    load(tester, table([low()], [act()]))
    for bad in (b"", b"KWLT", table([low()], [act()])[:-1], b"x" * 70_000):
        assert load(tester, bad) is INVALID
    assert tester.send("LOAD_TABLE", "/absent").response is INVALID
    assert tester.send("LOAD_TABLE", "/../x").response is INVALID
    assert len(tester.events.named("TableRefused")) == 6
    store.write(VOLTS, 6.0)
    cycles(tester)
    assert responded(tester) == 1


@pytest.mark.parametrize(
    "watchpoints, actionpoints, reason",
    [
        ([low(channel=0x7777)], [], "no channel 0x7777"),
        ([low(offset=1)], [], "has 4 bytes, no 5"),
        ([low()], [act(command=b"\0\0\0\0\x99\x99")], "no command 0x9999"),
        ([], [act(trigger=Trigger.EVENT, event=BASE + 4, rule=b"")], "of the checker itself"),
    ],
)
def test_a_table_for_another_deployment_is_refused(
    tester: Tester, watchpoints: list[object], actionpoints: list[object], reason: str
) -> None:
    """REQ-LC-002."""
    assert load(tester, table(watchpoints, actionpoints)) is INVALID  # type: ignore[arg-type]
    assert reason in tester.events.named("TableRefused")[0].args[1]


def test_a_response_that_leads_nowhere_is_refused(store: Store) -> None:
    """REQ-LC-002."""
    with new_tester(store, open_ports=["force_safe_mode", "cmd_out"]) as tester:
        assert load(tester, table([low()], [act()])) is INVALID
        assert load(tester, table([low()], [act(response=Response.SAFE_MODE, command=b"")])) is INVALID
        assert load(tester, table([low()], [act(response=Response.NONE, command=b"")])) is OK


def test_a_damaged_table_is_kept_aside_and_the_one_before_is_used(tester: Tester) -> None:
    """REQ-LC-003."""
    load(tester, table([low()], [act()], "First"))
    load(tester, table([low()], [act()], "Second"))
    tester.write_file("/limits/table", b"nonsense")
    tester.reboot()
    cycles(tester)
    assert tester.channels["TableName"] == "First"
    assert len(tester.events.named("LimitsFileFinding")) == 2


def test_the_topology_s_table_is_in_force_until_another_one_is_loaded(store: Store) -> None:
    """REQ-LC-017."""
    with new_tester(store, settings={"default_table": "/first.bin"}) as tester:
        cycles(tester)
        assert tester.events.named("TableRefused")[0].args[0] == "/first.bin"
        tester.write_file("/first.bin", table([low()], [act(most=1)], "First"))
        tester.reboot()
        store.write(VOLTS, 6.0)
        cycles(tester)
        assert (tester.channels["TableName"], responded(tester)) == ("First", 1)
        tester.crash()
        cycles(tester)
        assert responded(tester) == 0
        load(tester, table([low()], [act()], "Second"))
        tester.reboot()
        cycles(tester)
        assert tester.channels["TableName"] == "Second"


# Watching and responding


def test_each_violation_is_answered_exactly_once(tester: Tester, store: Store) -> None:
    """REQ-LC-004."""
    load(tester, table([low()], [act()]))
    for volts, expected in ((7.0, 0), (6.0, 1), (5.0, 1), (6.6, 1), (6.0, 2)):
        store.write(VOLTS, volts)
        cycles(tester, 3)
        assert responded(tester) == expected
    assert tester.ports.cmd_out[0] == (COMMAND, 1)
    assert [event.args for event in tester.events.named("ViolationBegan")] == [("shed",), ("shed",)]
    assert tester.events.named("ViolationEnded")[0].args == ("shed", 6)
    assert tester.channels["Violations"] == tester.channels["Responses"] == 2
    assert tester.channels["LastViolation"] == "shed"


def test_a_channel_that_was_never_written_says_nothing(tester: Tester, store: Store) -> None:
    """REQ-LC-005."""
    load(tester, table([low()], [act(), act("contrary", rule=bytes((0, NOT)))]))
    cycles(tester, 5)
    assert responded(tester) == 0
    tester.send("REPORT_WATCHPOINTS")
    assert tester.events.named("WatchpointReport")[0].args == ("low", "unknown", 0)
    store.write(VOLTS, 7.0)
    cycles(tester)
    assert tester.channels["ActionpointsViolated"] == 1


def test_nan_neither_violates_nor_relieves_but_can_be_watched_for(tester: Tester, store: Store) -> None:
    """REQ-LC-005."""
    points = [low(), low("nan", comparison=Comparison.INVALID)]
    load(tester, table(points, [act(), act("sensor", rule=b"\x01")]))
    for volts, expected in ((6.0, 1), (float("nan"), 2), (6.0, 2), (7.0, 2), (float("nan"), 3)):
        store.write(VOLTS, volts)
        cycles(tester, 2)
        assert responded(tester) == expected
    assert len(tester.events.named("ViolationEnded")) == 2


def test_new_values_are_counted_and_not_cycles(tester: Tester, store: Store) -> None:
    """REQ-LC-006."""
    load(tester, table([low(samples=3)], [act()]))
    store.write(VOLTS, 6.0)
    cycles(tester, 10)
    assert responded(tester) == 0
    for expected in (0, 1):
        store.write(VOLTS, 6.0)
        cycles(tester)
        assert responded(tester) == expected
    for ended in (0, 0, 1):
        store.write(VOLTS, 7.0)
        cycles(tester)
        assert len(tester.events.named("ViolationEnded")) == ended


def test_a_condition_must_hold_for_its_time_whatever_the_wall_clock_does(tester: Tester, store: Store) -> None:
    """REQ-LC-006. Upstream: delays and debounces on the wall clock end early or never when it is set."""
    load(tester, table([low(hold_ms=10_000)], [act()]))
    store.write(VOLTS, 6.0)
    cycles(tester, 5)
    tester.platform.clock.set_wall_ns(tester.platform.clock.wall_ns() + 86_400 * 10**9)
    cycles(tester, 5)
    assert responded(tester) == 0
    cycles(tester)
    assert responded(tester) == 1


def test_silence_is_noticed_and_its_end_at_once(tester: Tester, store: Store) -> None:
    """REQ-LC-007."""
    load(tester, table([low(comparison=Comparison.SILENT, hold_ms=5000, code="B", low=0, high=0)], [act()]))
    store.write(VOLTS, 7.0)
    cycles(tester, 5)
    assert responded(tester) == 0
    cycles(tester)
    assert responded(tester) == 1
    store.write(VOLTS, 7.0)
    cycles(tester)
    assert tester.channels["ActionpointsViolated"] == 0


def test_watchpoints_are_combined(tester: Tester, store: Store) -> None:
    """REQ-LC-008."""
    both, either = bytes((0, 1, AND)), bytes((0, 1, OR))
    load(tester, table([low(), high()], [act("both", rule=both), act("either", rule=either)]))
    store.write(VOLTS, 6.0)
    store.write(COUNT, 10)
    cycles(tester)
    assert [event.args[0] for event in tester.events.named("ViolationBegan")] == ["either"]
    store.write(COUNT, 2**64 - 1)
    cycles(tester)
    assert [event.args[0] for event in tester.events.named("ViolationBegan")] == ["either", "both"]
    assert tester.channels["WatchpointsViolated"] == 2


def test_safe_mode_is_forced_with_its_reason(tester: Tester, store: Store) -> None:
    """REQ-LC-009."""
    load(tester, table([low()], [act(response=Response.SAFE_MODE, command=b"")]))
    store.write(VOLTS, 6.0)
    cycles(tester, 3)
    assert tester.ports.force_safe_mode == [(SafeModeReason.LIMIT_VIOLATION,)]
    assert tester.events.named("SafeModeForced")[0].args == ("shed",)


def test_a_point_without_a_response_reports_only(tester: Tester, store: Store) -> None:
    """REQ-LC-009."""
    load(tester, table([low()], [act(response=Response.NONE, command=b"")]))
    store.write(VOLTS, 6.0)
    cycles(tester)
    assert len(tester.events.named("ViolationBegan")) == 1
    assert not tester.channels["Responses"]


def test_the_answer_to_a_response_is_watched(tester: Tester, store: Store) -> None:
    """REQ-LC-010."""
    load(tester, table([low()], [act()]))
    for answer in (OK, CommandResponse.EXECUTION_ERROR):
        store.write(VOLTS, 6.0)
        cycles(tester)
        assert tester.channels["ResponsesPending"] == 1
        _, token = tester.ports.cmd_out[-1]
        tester.call.cmd_response_in(BASE + 5, token + 7, OK)
        assert tester.channels["ResponsesPending"] == 1
        tester.call.cmd_response_in(BASE + 5, token, answer)
        tester.call.cmd_response_in(BASE + 5, token, answer)
        assert tester.channels["ResponsesPending"] == 0
        store.write(VOLTS, 7.0)
        cycles(tester)
    assert tester.events.named("ResponseCompleted")[0].args == ("shed",)
    assert tester.events.named("ResponseFailed")[0].args == ("shed", CommandResponse.EXECUTION_ERROR)
    assert tester.channels["ResponsesFailed"] == 1


def test_answers_that_never_come_are_given_up_in_the_end(tester: Tester, store: Store) -> None:
    """REQ-LC-010."""
    load(tester, table([low()], [act()]))
    for _ in range(PENDING_MAX + 1):
        store.write(VOLTS, 6.0)
        cycles(tester)
        store.write(VOLTS, 7.0)
        cycles(tester)
    assert tester.channels["ResponsesPending"] == PENDING_MAX
    assert len(tester.events.named("ResponseFailed")) == 1


def test_an_answer_without_room_in_the_queue_is_not_lost(tester: Tester, store: Store) -> None:
    """REQ-LC-010."""
    load(tester, table([low()], [act()]))
    store.write(VOLTS, 6.0)
    cycles(tester)
    _, token = tester.ports.cmd_out[-1]
    with tester.held():
        for _ in range(20):
            tester.call.mode_changed(SystemMode.NORMAL)
        tester.call.cmd_response_in(BASE + 5, token, OK)
    assert len(tester.events.named("ResponseCompleted")) == 1


def test_after_its_most_responses_a_point_is_passive_over_restarts(tester: Tester, store: Store) -> None:
    """REQ-LC-011."""
    load(tester, table([low()], [act(most=2)]))
    for _ in range(2):
        store.write(VOLTS, 6.0)
        cycles(tester)
        tester.crash()
        store.write(VOLTS, 7.0)
        cycles(tester)
    store.write(VOLTS, 6.0)
    cycles(tester)
    assert responded(tester) == 0
    assert len(tester.events.named("ViolationBegan")) == 1
    tester.send("SET_ACTIONPOINT_STATE", "shed", State.ACTIVE)
    cycles(tester)
    assert responded(tester) == 1


def test_the_last_response_is_said_to_be_so(tester: Tester, store: Store) -> None:
    """REQ-LC-011."""
    load(tester, table([low()], [act(most=1)]))
    store.write(VOLTS, 6.0)
    cycles(tester)
    assert tester.events.named("ResponsesUsedUp")[0].args == ("shed", 1)


def test_a_response_is_counted_before_it_is_given(tester: Tester, store: Store) -> None:
    """REQ-LC-011: one that resets the device is a response that was given."""
    load(tester, table([low()], [act(most=1)]))

    def reset(data: bytes, context: int) -> None:
        raise KeyboardInterrupt

    tester.component.cmd_out = reset
    store.write(VOLTS, 6.0)
    with pytest.raises(KeyboardInterrupt):
        tester.call.run(0)
    tester.crash()
    cycles(tester, 2)
    assert responded(tester) == 0


@pytest.mark.parametrize("state, reported, answered", [(State.PASSIVE, 1, 0), (State.DISABLED, 0, 0)])
def test_a_point_does_what_its_state_says(
    tester: Tester, store: Store, state: State, reported: int, answered: int
) -> None:  # fmt: skip
    """REQ-LC-012."""
    load(tester, table([low()], [act(), act("other")]))
    assert tester.send("SET_ACTIONPOINT_STATE", "shed", state).response is OK
    store.write(VOLTS, 6.0)
    cycles(tester)
    names = [event.args[0] for event in tester.events.named("ViolationBegan")]
    assert (names.count("shed"), responded(tester)) == (reported, answered + 1)
    tester.reboot()
    cycles(tester)
    tester.send("REPORT_ACTIONPOINTS", "shed")
    assert tester.events.named("ActionpointReport")[0].args[:2] == ("shed", state)


@pytest.mark.parametrize("state, reported, answered", [(State.PASSIVE, 1, 0), (State.DISABLED, 0, 0)])
def test_the_checker_as_a_whole_does_what_its_state_says(
    tester: Tester, store: Store, state: State, reported: int, answered: int
) -> None:  # fmt: skip
    """REQ-LC-012."""
    load(tester, table([low()], [act(), act("waits", trigger=Trigger.EVENT, event=EVENT, rule=b"")]))
    store.write(VOLTS, 6.0)
    tester.send("SET_CHECKER_STATE", state)
    cycles(tester)
    tester.call.event_in(EVENT, 0, Severity.ACTIVITY_HI, b"")
    assert len(tester.events.named("ViolationBegan")) == 2 * reported
    assert responded(tester) == answered
    tester.reboot()
    cycles(tester)
    assert tester.channels["CheckerState"] is state
    tester.send("SET_CHECKER_STATE", State.ACTIVE)
    cycles(tester)
    assert tester.channels["CheckerState"] is State.ACTIVE


def test_a_point_that_is_set_anew_takes_what_holds_for_a_new_violation(tester: Tester, store: Store) -> None:
    """REQ-LC-012."""
    load(tester, table([low()], [act()]))
    store.write(VOLTS, 6.0)
    cycles(tester)
    tester.send("SET_ACTIONPOINT_STATE", "*", State.ACTIVE)
    cycles(tester)
    assert responded(tester) == 2


def test_a_point_that_there_is_not_is_refused(tester: Tester) -> None:
    """REQ-LC-012."""
    load(tester, table([low()], [act()]))
    assert tester.send("SET_ACTIONPOINT_STATE", "shd", State.ACTIVE).response is INVALID
    assert tester.send("REPORT_ACTIONPOINTS", "shd").response is INVALID
    assert [event.args for event in tester.events.named("LimitUnknown")] == [("shd",), ("shd",)]


def test_an_event_is_answered_from_the_queue_and_once_a_cycle(tester: Tester) -> None:
    """REQ-LC-013."""
    load(tester, table([], [act(trigger=Trigger.EVENT, event=EVENT, rule=b"")]))
    tester.call.event_in(EVENT + 1, 0, Severity.FATAL, b"")
    assert responded(tester) == 0
    with tester.held():
        tester.call.event_in(EVENT, 0, Severity.ACTIVITY_HI, b"")
        assert responded(tester) == 0
    assert responded(tester) == 1
    for _ in range(5):
        tester.call.event_in(EVENT, 0, Severity.ACTIVITY_HI, b"")
    assert responded(tester) == 1
    cycles(tester)
    tester.call.event_in(EVENT, 0, Severity.ACTIVITY_HI, b"")
    assert responded(tester) == 2


def test_events_without_room_in_the_queue_are_counted(tester: Tester) -> None:
    """REQ-LC-013."""
    load(tester, table([], [act(trigger=Trigger.EVENT, event=EVENT, rule=b"")]))
    with tester.held():
        for _ in range(15):
            tester.call.event_in(EVENT, 0, Severity.ACTIVITY_HI, b"")
    cycles(tester)
    assert tester.events.named("EventsMissed")[0].args == (5,)


def test_a_point_counts_in_its_modes_alone(tester: Tester, store: Store) -> None:
    """REQ-LC-014."""
    load(tester, table([low()], [act(modes=1 << SystemMode.NORMAL)]))
    store.write(VOLTS, 6.0)
    tester.call.mode_changed(SystemMode.SAFE_MODE)
    cycles(tester, 3)
    assert responded(tester) == 0
    tester.call.mode_changed(SystemMode.NORMAL)
    cycles(tester, 3)
    assert responded(tester) == 1
    tester.call.mode_changed(SystemMode.SAFE_MODE)
    cycles(tester)
    tester.call.mode_changed(SystemMode.NORMAL)
    cycles(tester)
    assert responded(tester) == 2
    assert tester.channels["Mode"] is SystemMode.NORMAL


def test_counts_begin_anew_by_command(tester: Tester, store: Store) -> None:
    """REQ-LC-015."""
    load(tester, table([low()], [act()]))
    store.write(VOLTS, 6.0)
    cycles(tester, 3)
    tester.send("REPORT_ACTIONPOINTS", "*")
    assert tester.events.named("ActionpointReport")[0].args == ("shed", State.ACTIVE, 1, 1, 3)
    tester.send("RESET_COUNTS")
    tester.send("REPORT_ACTIONPOINTS", "*")
    assert tester.events.named("ActionpointReport")[1].args[2:4] == (0, 0)
    assert tester.channels["Violations"] == 0


def test_a_disk_that_takes_nothing_keeps_no_response_back(tester: Tester, store: Store) -> None:
    """REQ-LC-016."""
    load(tester, table([low()], [act()]))
    tester.files.fail_every("sync", 28)
    store.write(VOLTS, 6.0)
    cycles(tester)
    assert responded(tester) == 1
    assert tester.events.named("LimitsFileFailed")


def test_a_table_that_cannot_be_kept_is_not_put_in_force(tester: Tester) -> None:
    """REQ-LC-002."""
    load(tester, table([low()], [act()], "First"))
    tester.write_file(FILE, table([low()], [act()], "Second"))
    tester.files.fail_every("sync", 28)
    assert tester.send("LOAD_TABLE", FILE).response is CommandResponse.EXECUTION_ERROR
    tester.files.heal()
    assert tester.channels["TableName"] == "First"
