"""UpdateManager: what is installed, tried, confirmed and rolled back."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model.commands import CommandResponse
from kittiwake.storage.slots import Outcome, SlotState
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.update_manager.component import SlotName, UpdateManager, UpdateState
from tests.components.update_manager.update_bench import FIRST, FOLDER, SECOND, Device, device_on, package

OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY


def refusals(device: Device) -> list[str]:
    return [event.args[0] for event in device.tester.events.named("UpdateRefused")]


def shown(device: Device, channel: str) -> Any:
    return device.tester.channels[channel]


def test_the_design_sheet_says_what_the_component_declares() -> None:
    assert differences(UpdateManager) == []


def test_an_update_is_prepared_tried_and_confirmed() -> None:
    """REQ-UM-001, REQ-UM-004, REQ-UM-006."""
    device = Device()
    assert device.start.slot == ""
    assert device.prepare(package(packages=b"PK zip")).response is OK
    assert shown(device, "UpdateState") is UpdateState.READY
    assert device.tester.events.named("UpdatePrepared")[0].args == ("2.0", SlotName.A)
    assert device.tester.send("VERIFY").response is OK
    assert device.tester.send("ACTIVATE").response is OK
    assert device.restart().start.is_trial
    assert device.image() == SECOND
    assert device.platform.files.read(device.start.packages, 100) == b"PK zip"
    assert shown(device, "UpdateState") is UpdateState.TRIAL
    device.live(9)
    assert device.table.active == ""
    device.live(3)
    assert device.table.active == "a"
    assert device.tester.events.named("UpdateConfirmed")[0].args == ("2.0", SlotName.A)
    assert not device.restart().start.is_trial
    assert device.image() == SECOND
    assert device.tester.channels["RunningVersion"] == "2.0"


def test_the_next_update_goes_into_the_other_slot() -> None:
    """REQ-UM-003."""
    device = device_on(FIRST)
    assert device.start.slot == "a"
    device.install(package())
    device.restart()
    assert (device.start.slot, device.image()) == ("b", SECOND)
    device.live(12)
    assert device.table.a.state is device.table.b.state is SlotState.CONFIRMED
    assert device.prepare(package(FIRST, "3.0", 3)).response is OK
    assert device.table.a.version == "3.0"


@pytest.mark.parametrize("end", ["restart", "crash"])
def test_an_update_that_ends_each_start_early_is_given_up(end: str) -> None:
    """REQ-UM-005: a boot loop of the new software ends with the old one."""
    device = device_on(FIRST)
    device.install(package())
    for left in (2, 1, 0):
        getattr(device, end)()
        assert (device.image(), device.start.is_trial) == (SECOND, True)
        assert device.tester.channels["TriesLeft"] == left
        device.live(5)
    getattr(device, end)()
    assert (device.image(), device.start.is_trial) == (FIRST, False)
    assert device.tester.channels["LastOutcome"] is Outcome.TRIES_USED
    assert device.tester.events.named("UpdateRolledBack")[0].args == (SlotName.B, Outcome.TRIES_USED, SlotName.A)
    getattr(device, end)()
    assert device.image() == FIRST


def test_an_update_that_never_reaches_the_manager_is_given_up() -> None:
    """REQ-UM-005: a start is spent before anything of the slot is loaded."""
    from kittiwake.storage.slots import choose_start

    device = device_on(FIRST)
    device.install(package())
    slots = [choose_start(device.platform.files, FOLDER).slot for _ in range(5)]
    assert slots == ["b", "b", "b", "a", "a"]


def test_without_health_or_link_nothing_is_confirmed() -> None:
    """REQ-UM-006."""
    for well, link in ((False, True), (True, False)):
        device = Device()
        device.install(package())
        device.restart()
        device.live(50, well=well, link=link)
        assert device.table.active == ""
    device = Device(parameters={"confirm_after_s": 10, "link_required": False})
    device.install(package())
    device.restart()
    device.live(12, link=False)
    assert device.table.active == "a"


def test_a_break_in_health_starts_the_wait_again() -> None:
    """REQ-UM-006."""
    device = Device()
    device.install(package())
    device.restart()
    device.live(8)
    device.live(5, well=False)
    device.live(8)
    assert device.table.active == ""
    device.live(4)
    assert device.table.active == "a"


def test_a_trial_that_takes_too_long_is_given_up_and_a_restart_asked_for() -> None:
    """REQ-UM-007."""
    device = Device()
    device.install(package())
    device.restart()
    device.live(59, well=False)
    assert device.tester.ports.restart == []
    device.live(2, well=False)
    assert device.tester.ports.restart == [()]
    assert device.table.outcome is Outcome.NOT_CONFIRMED
    device.live(20)
    assert device.restart().start.slot == ""


def test_the_ground_confirms_and_rolls_back() -> None:
    """REQ-UM-008."""
    device = device_on(FIRST)
    assert device.tester.send("CONFIRM").response is FAILED
    device.install(package())
    device.restart()
    assert device.tester.send("CONFIRM").response is OK
    device.restart()
    assert device.image() == SECOND
    assert device.tester.send("ROLLBACK").response is OK
    assert device.restart().image() == FIRST
    assert device.tester.send("ROLLBACK").response is OK
    assert device.restart().start.slot == "", "the factory's image is behind all"
    assert device.tester.send("ROLLBACK").response is FAILED


def test_a_pending_update_is_rolled_back_before_it_ran() -> None:
    """REQ-UM-008."""
    device = device_on(FIRST)
    device.install(package())
    assert device.tester.send("ROLLBACK").response is OK
    assert device.restart().image() == FIRST


OTHER_KEY = package(signature=bytes(64))
REFUSED: dict[str, tuple[bytes, str]] = {
    "unsigned": (package(signature=b""), "not signed"),
    "forged": (OTHER_KEY, "signature is not that of key 3"),
    "unknown key": (package(key_id=4), "key 4, which is not known"),
    "of another deployment": (package(deployment="Other"), "for Other, this is ComponentTester"),
    "with another content": (package(contents=bytes(len(SECOND))), "image is not what was signed"),
    "truncated": (package()[:-1], "bytes, and should have"),
    "too long": (package() + b"\0", "bytes, and should have"),
    "no package": (b"PK\x03\x04" * 20, "no update package"),
    "empty": (b"", "no update package"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_signed_and_whole_is_never_ready(what: str) -> None:
    """REQ-UM-002."""
    data, reason = REFUSED[what]
    device = device_on(FIRST)
    assert device.prepare(data).response is FAILED
    assert any(reason in text for text in refusals(device)), refusals(device)
    assert device.table.b.state is SlotState.EMPTY
    assert device.tester.send("ACTIVATE").response is FAILED
    assert device.restart().image() == FIRST


def test_an_older_update_is_refused_but_the_same_may_come_again() -> None:
    """REQ-UM-002."""
    device = device_on(FIRST, sequence=5)
    assert device.prepare(package(sequence=4)).response is FAILED
    assert "older than 5" in refusals(device)[0]
    assert device.prepare(package(sequence=5)).response is OK


def test_files_and_keys_that_are_missing_and_paths_that_lead_outside_are_refused() -> None:
    """REQ-UM-002, REQ-UM-009."""
    device = Device()
    assert device.tester.send("PREPARE", "/nothing").response is FAILED
    assert device.tester.send("PREPARE", "/../slots/update.keys").response is FAILED
    device.platform.files.remove(f"{FOLDER}/update.keys")
    assert device.prepare(package()).response is FAILED


def test_nothing_is_written_before_the_signature_was_found_good() -> None:
    """REQ-UM-002."""
    device = Device()
    before = device.platform.files.list(FOLDER)
    assert device.prepare(OTHER_KEY).response is FAILED
    assert device.platform.files.list(FOLDER) == before


def test_a_full_disk_refuses_the_update() -> None:
    """REQ-UM-010."""
    device = device_on(FIRST)
    device.platform.files.disk.capacity = 300_000
    assert device.prepare(package()).response is FAILED
    assert "are free" in refusals(device)[0]
    assert device.restart().image() == FIRST


def test_a_disk_that_fails_half_way_leaves_the_slot_empty() -> None:
    """REQ-UM-010."""
    device = device_on(FIRST)
    device.upload(package())
    begin = device.platform.files.operations
    failed = 0
    for operation in range(1, 40):
        device.platform.files.fail_at(begin + operation, errno.ENOSPC)
        sent = device.tester.send("PREPARE", "/update.kwu")
        device.tester.advance(0.01)
        device.platform.files.heal()
        failed += sent.response is FAILED
        assert device.table.b.state is (SlotState.READY if sent.response is OK else SlotState.EMPTY)
        begin = device.platform.files.operations
    assert failed > 10


def test_one_command_at_a_time_works_on_the_slots() -> None:
    """REQ-UM-003: while a package comes in, others are answered BUSY."""
    device = Device()
    device.upload(package())
    with device.tester.held():
        first = device.tester.send("PREPARE", "/update.kwu")
        second = device.tester.send("ACTIVATE")
    device.tester.advance(0.1)
    assert first.response is OK
    assert second.response in (BUSY, OK)
    assert device.tester.send("ACTIVATE").response is (OK if second.response is BUSY else FAILED)


def test_while_one_is_on_trial_no_other_is_prepared() -> None:
    """REQ-UM-003."""
    device = Device()
    device.install(package())
    assert device.prepare(package()).response is FAILED
    device.restart()
    assert device.prepare(package()).response is FAILED


@pytest.mark.parametrize("content", ["image", "packages.zip"])
def test_a_slot_that_changed_is_not_started(content: str) -> None:
    """REQ-UM-011."""
    device = device_on(FIRST)
    device.install(package(packages=b"PK zip"))
    with device.platform.files.open(f"{FOLDER}/b/{content}", "w") as file:
        file.write_at(1, b"!")
    device.restart()
    assert device.image() == FIRST
    assert device.table.outcome is Outcome.DAMAGED


def test_verify_finds_a_slot_that_changed() -> None:
    """REQ-UM-004."""
    device = device_on(FIRST)
    assert device.prepare(package()).response is OK
    with device.platform.files.open(f"{FOLDER}/b/image", "w") as file:
        file.write_at(5, b"!")
    sent = device.tester.send("VERIFY")
    device.tester.advance(0.01)
    assert sent.response is FAILED
    assert device.tester.send("ACTIVATE").response is FAILED
    assert device.table.b.state is SlotState.FAILED


def test_a_damaged_active_slot_falls_back_to_the_other_and_then_to_the_factory() -> None:
    """REQ-UM-011."""
    device = device_on(FIRST)
    device.install(package())
    device.restart()
    device.live(12)
    for name, image in (("b", FIRST), ("a", b"")):
        device.platform.files.remove(f"{FOLDER}/{name}/image")
        assert device.restart().image() == image


def test_a_lost_record_starts_the_factory_image_and_says_so() -> None:
    """REQ-UM-011."""
    device = device_on(FIRST)
    for half in ("a", "b"):
        with device.platform.files.open(f"{FOLDER}/state.{half}", "w") as file:
            file.truncate(10)
    device.restart()
    assert device.image() == b""
    assert device.tester.channels["LastOutcome"] is Outcome.RECORD_LOST
    device.install(package())
    assert device.restart().image() == SECOND


def test_a_start_that_cannot_write_its_record_tries_nothing() -> None:
    """REQ-UM-005: a trial that cannot be counted would never end."""
    from kittiwake.storage.slots import choose_start

    device = device_on(FIRST)
    device.install(package())
    device.platform.files.fail_every("write_at", errno.EROFS)
    start = choose_start(device.platform.files, FOLDER)
    assert (start.slot, start.is_trial) == ("a", False)


def test_strokes_and_reports_are_handed_on() -> None:
    """REQ-UM-012."""
    device = Device()
    device.live(2)
    assert device.tester.ports.stroke_out == [(0,), (0,)]
    assert device.tester.ports.packet_routed_out == [(0, True), (0, True)]


def test_status_says_what_runs_and_what_is_to_come() -> None:
    """REQ-UM-008."""
    device = device_on(FIRST)
    device.install(package())
    device.tester.clear_history()
    assert device.tester.send("STATUS").response is OK
    assert device.tester.events.named("UpdateStatus")[0].args == (
        SlotName.A, "1.0", SlotName.A, UpdateState.PENDING, "2.0", 3,
    )  # fmt: skip


def test_without_slots_every_command_says_so() -> None:
    """REQ-UM-009."""
    with ComponentTester(UpdateManager) as tester:
        tester.call.run(0)
        tester.call.health_stroke(0)
        for name, arguments in (
            ("PREPARE", ("/x",)),
            ("VERIFY", ()),
            ("ACTIVATE", ()),
            ("CONFIRM", ()),
            ("ROLLBACK", ()),
        ):
            assert tester.send(name, *arguments).response is FAILED
        assert tester.send("STATUS").response is OK
        assert len(tester.events.named("UpdateRefused")) == 5


ACTIONS = st.lists(
    st.sampled_from(["good", "bad", "activate", "confirm", "rollback", "live", "sick", "restart", "crash"]), max_size=14
)


@settings(max_examples=25, deadline=None)
@given(ACTIONS)
def test_whatever_happens_only_what_was_signed_runs_and_a_trial_ends(actions: list[str]) -> None:
    """REQ-UM-002, REQ-UM-005."""
    device = device_on(FIRST)
    steps: dict[str, Any] = {
        "good": lambda: device.prepare(package()),
        "bad": lambda: device.prepare(OTHER_KEY),
        "activate": lambda: device.tester.send("ACTIVATE"),
        "confirm": lambda: device.tester.send("CONFIRM"),
        "rollback": lambda: device.tester.send("ROLLBACK"),
        "live": lambda: device.live(12),
        "sick": lambda: device.live(3, well=False),
        "restart": device.restart,
        "crash": device.crash,
    }
    for action in actions:
        steps[action]()
        assert device.image() in (FIRST, SECOND, b"")
    for _ in range(5):
        device.restart()
    assert not device.start.is_trial
    device.tester.finish()
