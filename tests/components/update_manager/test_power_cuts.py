"""The power goes before and after every file operation of an update: the old software runs next, or the new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.simulated import PowerCut
from kittiwake.storage.slots import SlotState
from tests.components.update_manager.update_bench import FIRST, Device, device_on, new_platform, package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEW = b"the new image" * 5000


def every_cut(scenario: Callable[[Device], None], outcomes: int = 2) -> Iterator[Device]:
    """The device as it starts again after each cut."""
    whole = device_on(FIRST, platform=new_platform())
    first = whole.platform.files.operations + 1
    scenario(whole)
    last = whole.platform.files.operations
    assert last > first
    for operation in range(first, last + 1):
        for after in (False, True):
            for outcome in range(outcomes):
                device = device_on(FIRST, platform=new_platform(outcome * 7919 + operation))
                device.platform.files.cut_at(operation, after=after)
                try:
                    scenario(device)
                except PowerCut:
                    pass
                yield device.restart() if outcome == 0 else device.crash()


def test_a_cut_while_an_update_is_prepared_changes_nothing() -> None:
    """REQ-UM-010."""

    def scenario(device: Device) -> None:
        device.upload(package(NEW, "2.0", 2))
        device.tester.send("PREPARE", "/update.kwu")
        device.tester.advance(0.01)

    states = set()
    for device in every_cut(scenario):
        assert device.image() == FIRST
        states.add(device.table.b.state)
        if device.table.b.state is SlotState.READY:
            assert device.tester.send("ACTIVATE").response.name == "OK"
            assert device.restart().image() == NEW
    assert states == {SlotState.EMPTY, SlotState.READY}


def test_a_cut_while_an_update_is_activated_leaves_the_old_or_the_new() -> None:
    """REQ-UM-010."""

    def scenario(device: Device) -> None:
        device.install(package(NEW, "2.0", 2))

    images = {device.image() for device in every_cut(scenario, outcomes=1)}
    assert images == {FIRST, NEW}


def test_a_cut_while_an_update_is_tried_and_confirmed_leaves_the_old_or_the_new() -> None:
    """REQ-UM-005, REQ-UM-010."""
    whole = on_trial(0)
    whole.restart().live(12)
    actives = set()
    for operation in range(1, whole.platform.files.operations + 1):
        for after in (False, True):
            device = on_trial(operation)
            device.platform = device.platform.restart()
            device.platform.files.cut_at(operation, after=after)
            try:
                device.boot()
                device.live(12)
            except PowerCut:
                pass
            device.crash()
            actives.add(device.table.active)
            assert device.image() in (FIRST, NEW)
            for _ in range(4):
                device.restart()
            assert device.image() == (NEW if device.table.active == "b" else FIRST)
            assert not device.start.is_trial
    assert actives == {"a", "b"}


def on_trial(seed: int) -> Device:
    """A device whose next start tries the new software."""
    device = device_on(FIRST, platform=new_platform(seed))
    device.install(package(NEW, "2.0", 2))
    return device
