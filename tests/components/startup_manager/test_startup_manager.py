"""StartupManager: boot count, telemetry and files."""

from __future__ import annotations

import errno

import pytest

from kittiwake.model.commands import CommandResponse
from kittiwake.model.fw import TimeBase
from kittiwake.platform.interface import NS_PER_S
from kittiwake.testing.design_sheet import differences
from kittiwake_components.startup_manager.component import StartupManager
from kittiwake_components.startup_manager.states import ResetReason, SequenceState
from tests.components.startup_manager.startup_bench import (
    FAILED,
    OK,
    new_tester,
    run,
    shown,
    stored_count,
)

DAY_NS = 86_400 * NS_PER_S


def test_the_boot_count_goes_up_by_one_at_each_start_and_is_kept_in_8_bytes() -> None:
    """REQ-SM-001, REQ-SM-008."""
    tester = new_tester()
    for boots, again in enumerate([tester.reboot, tester.crash, tester.restart, tester.finish], 1):
        assert tester.channels["BootCount"] is None
        run(tester, 2)
        assert tester.channels["BootCount"] == boots
        assert tester.read_file("boot_count.bin") == boots.to_bytes(8, "big")
        again()


def test_a_start_that_reached_no_cycle_does_not_count() -> None:
    """REQ-SM-008."""
    tester = new_tester()
    run(tester)
    for _ in range(3):
        tester.crash()
    tester.restart()
    run(tester)
    assert tester.channels["BootCount"] == 2
    tester.finish()


def test_the_boot_count_is_durable_before_the_sequence_is_asked_for() -> None:
    """REQ-SM-003, REQ-SM-008."""
    seen: list[int] = []

    def look(file: str, token: int) -> None:
        on_disk = tester.files.disk.after_power_cut(tester.platform._chaos)
        seen.append(int.from_bytes(on_disk.file("/kittiwake/boot_count.bin").data, "big"))

    tester = new_tester(returns={"run_sequence": look})
    run(tester)
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    assert seen == [1]
    tester.finish()


def test_the_count_of_an_f_prime_deployment_is_taken_over() -> None:
    """REQ-SM-001."""
    tester = new_tester()
    tester.write_file("boot_count.bin", (41).to_bytes(8, "big"))
    run(tester)
    assert tester.channels["BootCount"] == 42
    assert not tester.events.named("RecordRecovered")
    tester.finish()


@pytest.mark.parametrize(
    "content", [b"", b"\x01", b"\xff" * 8, bytes(9), (1 << 40).to_bytes(8, "big"), (0).to_bytes(8, "big")]
)
def test_a_damaged_count_is_replaced_by_the_one_that_is_known(content: bytes) -> None:
    """REQ-SM-009. Upstream: a torn file gave a huge count, which was counted on from."""
    tester = new_tester()
    for _ in range(4):
        run(tester)
        tester.reboot()
    tester.write_file("boot_count.bin", content)
    run(tester)
    assert tester.channels["BootCount"] == 5
    assert stored_count(tester) == 5
    assert "/boot_count.bin" in {recovered.args[0] for recovered in tester.events.named("RecordRecovered")}
    tester.finish()


def test_a_count_without_a_history_survives_damage_by_its_previous_copy() -> None:
    """REQ-SM-009."""
    tester = new_tester()
    for _ in range(3):
        run(tester)
        tester.reboot()
    for slot in "ab":
        tester.files.remove(f"/kittiwake/boot_history.bin.{slot}")
    tester.write_file("boot_count.bin", b"torn")
    run(tester)
    assert tester.channels["BootCount"] == 3
    assert tester.channels["LastResetReason"] is ResetReason.UNKNOWN
    tester.finish()


def test_get_boot_count_only_reads() -> None:
    """REQ-SM-010. Upstream: the query wrote the file, in a race with the first cycle."""
    tester = new_tester()
    assert tester.send("GET_BOOT_COUNT").response is FAILED
    run(tester)
    operations = tester.files.operations
    assert tester.send("GET_BOOT_COUNT").response is OK
    assert tester.events.named("CurrentBootCount")[0].args == (1,)
    assert tester.files.operations == operations
    tester.finish()


def test_boot_count_and_end_of_quiescence_are_updated_in_each_cycle() -> None:
    """REQ-SM-006."""
    tester = new_tester()
    run(tester)
    end = tester.channels["QuiescenceEndTime"]
    assert end.timeBase is TimeBase.TB_WORKSTATION_TIME
    assert end.seconds == tester.platform.clock.wall_ns() // NS_PER_S + 2700
    run(tester, 10)
    assert tester.channel("BootCount").history == [1]
    assert tester.channel("QuiescenceEndTime").history == [end]
    assert tester.channel("QuiescenceRemaining").history == list(range(2700, 2689, -1))
    clock = tester.platform.clock
    clock.set_machine_wall_ns(clock.wall_ns() + DAY_NS)
    run(tester)
    assert tester.channels["QuiescenceEndTime"].seconds == end.seconds + 86_400
    tester.finish()


@pytest.mark.parametrize(
    "operation", ["open", "read", "write_at", "sync", "rename", "sync_folder", "exists", "truncate"]
)
@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC, errno.EIO, errno.EROFS])
def test_file_errors_are_warnings_and_the_start_goes_on(operation: str, code: int) -> None:
    """REQ-SM-007."""
    tester = new_tester()
    run(tester, 1)
    tester.reboot()
    tester.files.fail_every(operation, code)
    run(tester, 5)
    assert tester.channels["BootCount"] == 2
    assert tester.channels["QuiescenceRemaining"] in (2699 - 5, 2700 - 5)
    assert {"FileFault", "BootCountUnread"} & set(tester.events.names())
    tester.stop()
    tester.assert_no_faults()
    tester.files.heal()
    tester.restart()
    run(tester)
    assert tester.channels["BootCount"] in (2, 3)
    tester.finish()


def test_the_warnings_have_the_names_of_the_seed() -> None:
    """REQ-SM-007."""
    tester = new_tester()
    tester.files.fail_every("open", errno.EACCES)
    run(tester)
    assert {"BootCountUpdateFailure", "QuiescenceFileInitFailure"} <= set(tester.events.names())
    assert tester.component.boot_count == 0  # there may be a history that knows better
    assert tester.send("RESET_QUIESCENCE").response is FAILED
    assert tester.send("CLEAR_BOOT_HISTORY").response is FAILED
    tester.files.heal()
    run(tester, 5)
    tester.reboot()
    run(tester)
    assert tester.channels["BootCount"] == 2  # the start before was counted as soon as it could be
    assert tester.channels["QuiescenceRemaining"] == 2695
    tester.finish()


def test_files_stand_where_the_parameters_say_below_the_root() -> None:
    """REQ-SM-021."""
    places = {
        "BOOT_COUNT_FILE": "/a/b/count", "QUIESCENCE_START_FILE": "c/quiet", "BOOT_HISTORY_FILE": "/d",
        "STARTUP_SEQUENCE_FILE": "/seq/start.bin",
    }  # fmt: skip
    tester = new_tester(parameters=places)
    tester.write_file("/seq/start.bin", b"any")
    run(tester)
    assert tester.read_file("a/b/count") == (1).to_bytes(8, "big")
    assert tester.ports.run_sequence == [("/seq/start.bin", 1)]
    assert sorted(tester.files.list("/kittiwake")) == ["a", "c", "d.a", "seq", "startup.bin"]
    assert tester.files.list("/kittiwake/c") == ["quiet.a"]
    tester.finish()


def test_a_file_name_that_leaves_the_root_is_refused() -> None:
    """REQ-SM-021."""
    tester = new_tester()
    run(tester)
    for name in ("BOOT_COUNT_FILE", "QUIESCENCE_START_FILE", "BOOT_HISTORY_FILE", "STARTUP_SEQUENCE_FILE"):
        assert tester.send(f"{name}_PRM_SET", "../../etc/x").response is CommandResponse.VALIDATION_ERROR
        assert tester.send(f"{name}_PRM_SET", "").response is CommandResponse.VALIDATION_ERROR
    tester.finish()


def test_a_saved_file_name_that_leaves_the_root_falls_back_to_the_default() -> None:
    """REQ-SM-021."""
    tester = new_tester(parameters={"BOOT_COUNT_FILE": "../x", "STARTUP_SEQUENCE_FILE": "../y"})
    run(tester)
    assert stored_count(tester) == 1
    assert tester.component.startup_sequence_file == "/startup.bin"
    assert shown(tester, "SequenceState") is SequenceState.DISPATCHED
    assert {one.kind for one in tester.monitor} == {"unusable"}
    assert {one.where for one in tester.monitor} == {"BOOT_COUNT_FILE", "STARTUP_SEQUENCE_FILE"}
    tester.monitor.clear()
    tester.finish()


def test_the_design_sheet_lists_what_the_class_declares() -> None:
    assert differences(StartupManager) == []
