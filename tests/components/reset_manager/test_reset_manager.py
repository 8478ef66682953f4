"""Resets: reason on the disk, everybody told, nothing lost on the way, and the reason reported by the next start."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut
from kittiwake.runtime import exit_status
from kittiwake.storage import factory_reset
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ResetManager
from kittiwake_components.reset_manager.causes import ResetCause

Tester = ComponentTester[ResetManager]


def until_the_end(tester: Tester, limit_s: float = 20.0) -> int:
    """Lets time pass until the deployment asks to end, and gives its status."""
    waited_s = 0.0
    while not tester.deployment.exit_reason and waited_s < limit_s:
        tester.advance(0.01)
        waited_s += 0.01
    return tester.deployment.exit_status


def reported(tester: Tester) -> tuple[Any, ...]:
    """What the start said about the end of the one before it."""
    return tester.events.named("ResetReason")[0].args


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(ResetManager) == []


@pytest.mark.parametrize(
    "name, cause, status",
    [
        ("COLD_RESET", ResetCause.COLD_RESET, exit_status.COLD_RESET),
        ("WARM_RESET", ResetCause.WARM_RESET, exit_status.WARM_RESET),
    ],
)
def test_a_reset_is_answered_told_and_ends_with_its_status(name: str, cause: ResetCause, status: int) -> None:
    """REQ-RM-001, REQ-RM-002, REQ-RM-004."""
    with ComponentTester(ResetManager) as tester:
        assert tester.send(name).response is CommandResponse.OK
        assert not tester.deployment.exit_reason
        assert tester.events.names() == ["ResetReason", f"INITIATE_{name}"]
        assert [len(calls) for calls in tester.ports.prepare_for_reboot] == [1] * 4
        assert tester.send(name).response is CommandResponse.BUSY
        assert until_the_end(tester) == status
        tester.restart()
        assert reported(tester) == (cause, "by command")
        assert tester.channels["LastReset"] is cause


def test_other_components_reset_too() -> None:
    """REQ-RM-001."""
    for call, status in (("cold_reset_in", 80), ("warm_reset_in", 81)):
        with ComponentTester(ResetManager) as tester:
            getattr(tester.call, call)()
            getattr(tester.call, call)()
            assert until_the_end(tester) == status
            assert len(tester.ports.prepare_for_reboot[0]) == 1


def test_the_end_waits_for_what_is_to_be_sent() -> None:
    """REQ-RM-003. Upstream: COLD_RESET dropped its own event."""
    waiting = [3]
    with ComponentTester(ResetManager, returns={"pending": lambda: waiting[0]}) as tester:
        tester.send("COLD_RESET")
        tester.advance(0.2)
        assert not tester.deployment.exit_reason
        assert len(tester.ports.flush[0]) == 10
        waiting[0] = 0
        tester.advance(0.02)
        assert tester.deployment.exit_status == exit_status.COLD_RESET
        assert tester.events.named("FlushIncomplete") == []


def test_the_wait_is_bounded_and_what_was_not_sent_is_told() -> None:
    """REQ-RM-003."""
    with ComponentTester(ResetManager, returns={"pending": 3}) as tester:
        began_ns = tester.platform.clock.now_ns()
        tester.send("WARM_RESET")
        assert until_the_end(tester) == exit_status.WARM_RESET
        assert 0.49 <= (tester.platform.clock.now_ns() - began_ns) / 1e9 <= 0.55
        assert tester.events.named("FlushIncomplete")[0].args == (12,)


def test_nobody_can_keep_a_reset_from_happening() -> None:
    """REQ-RM-002."""

    def fail() -> int:
        raise ValueError("not now")

    with ComponentTester(ResetManager, returns={"prepare_for_reboot": fail, "flush": fail, "pending": fail}) as tester:
        tester.files.fail_every("sync", errno.EIO)
        assert tester.send("WARM_RESET").response is CommandResponse.OK
        assert until_the_end(tester) == exit_status.WARM_RESET
        assert "ResetFault" in tester.events.names()
        tester.files.heal()


def test_the_first_start_says_so() -> None:
    """REQ-RM-004."""
    with ComponentTester(ResetManager) as tester:
        assert reported(tester) == (ResetCause.FIRST_START, "")


def test_an_orderly_end_and_a_fatal_one_are_told_apart() -> None:
    """REQ-RM-004."""
    with ComponentTester(ResetManager) as tester:
        tester.deployment.request_stop("signal 15", exit_status.ORDERLY)
        tester.reboot()
        assert reported(tester) == (ResetCause.ORDERLY, "signal 15")
        tester.deployment.request_stop("FATAL event 0x11")
        tester.reboot()
        assert reported(tester) == (ResetCause.FATAL, "FATAL event 0x11")


def test_without_a_record_of_the_end_it_was_unintended() -> None:
    """REQ-RM-004, REQ-RM-005."""
    with ComponentTester(ResetManager) as tester:
        tester.restart()
        assert reported(tester) == (ResetCause.UNINTENDED, "")
        tester.crash()
        assert reported(tester) == (ResetCause.UNINTENDED, "")


@pytest.mark.parametrize(
    "seen, told",
    [
        ("WATCHDOG", (ResetCause.WATCHDOG, "")),
        ("CRASH signal 11", (ResetCause.CRASH, "signal 11")),
        ("nonsense at all", (ResetCause.UNINTENDED, "at all")),
    ],
)
def test_a_supervisor_knows_more_of_an_unintended_end(seen: str, told: tuple[ResetCause, str]) -> None:
    """REQ-RM-005."""
    with ComponentTester(ResetManager) as tester:
        tester.platform = tester.platform.restart()
        tester.platform.last_end = seen
        tester._boot()
        assert reported(tester) == told


def test_a_reason_is_told_once() -> None:
    """REQ-RM-005."""
    with ComponentTester(ResetManager) as tester:
        tester.send("COLD_RESET")
        until_the_end(tester)
        tester.restart()
        tester.restart()
        assert reported(tester)[0] is ResetCause.UNINTENDED


def test_a_damaged_record_is_kept_aside_and_told() -> None:
    """REQ-RM-005."""
    with ComponentTester(ResetManager) as tester:
        for slot in ("a", "b"):
            tester.write_file(f"/reset_reason.bin.{slot}", b"nonsense")
        tester.restart()
        assert reported(tester)[0] is ResetCause.UNINTENDED
        assert len(tester.events.named("ResetFault")) == 2


# Factory reset

FILES = ("/startup.bin", "/prm/PrmDb.dat", "/keys/uplink", "/logs/deep/er/file")


def with_files(seed: int = 0) -> Tester:
    """A deployment that has written some files."""
    tester = ComponentTester(ResetManager, seed=seed)
    for name in FILES:
        tester.write_file(name, b"content")
    return tester


def left(tester: Tester) -> list[str]:
    """Which of the files are there."""
    return [name for name in FILES if tester.files.exists(tester.root.resolve(name))]


def test_a_factory_reset_must_be_armed_and_leaves_only_what_is_kept() -> None:
    """REQ-RM-006."""
    with with_files() as tester:
        assert tester.send("FACTORY_RESET").response is CommandResponse.EXECUTION_ERROR
        tester.send("ARM_FACTORY_RESET")
        tester.advance(31.0)
        assert tester.send("FACTORY_RESET").response is CommandResponse.EXECUTION_ERROR
        assert not factory_reset.is_ordered(tester.files, tester.root.path)
        tester.send("ARM_FACTORY_RESET")
        assert tester.send("FACTORY_RESET").response is CommandResponse.OK
        assert until_the_end(tester) == exit_status.FACTORY_RESET
        assert factory_reset.is_ordered(tester.files, tester.root.path)
        assert left(tester) == list(FILES)
        tester.stop()
        factory_reset.carry_out(tester.files, tester.root.path)
        assert left(tester) == ["/keys/uplink"]
        assert not factory_reset.is_ordered(tester.files, tester.root.path)
        tester.restart()
        assert reported(tester)[0] is ResetCause.FACTORY_RESET


@pytest.mark.parametrize("after", [False, True])
def test_a_factory_reset_that_is_cut_off_is_carried_out_by_the_next_start(after: bool) -> None:
    """REQ-RM-007."""

    def prepared(seed: int) -> Tester:
        tester = with_files(seed)
        tester.send("ARM_FACTORY_RESET")
        tester.send("FACTORY_RESET")
        until_the_end(tester)
        tester.stop()
        return tester

    def reset(tester: Tester) -> None:
        factory_reset.carry_out(tester.files, tester.root.path)

    for operation in operations_of(prepared(0), reset):
        for kill in (False, True):
            tester = prepared(operation)
            tester.files.cut_at(operation, after=after)
            with pytest.raises(PowerCut):
                reset(tester)
            tester.restart() if kill else tester.crash()
            if factory_reset.is_ordered(tester.files, tester.root.path):
                reset(tester)
            assert left(tester) == ["/keys/uplink"]


def operations_of(tester: Tester, action: Callable[[Tester], None]) -> range:
    """The numbers of the file operations that the action takes."""
    first = tester.files.operations + 1
    action(tester)
    return range(first, tester.files.operations + 1)
