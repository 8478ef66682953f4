"""The record of the PIN's tries, with the power cut before and after every file operation (REQ-MBR-004)."""

from __future__ import annotations

import pytest

from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake_components.modem_bearer.pin_tries import TRIES_MAX, PinTries

PATH = "/pin"
OPERATIONS_MAX = 40


def _life(platform: SimulatedPlatform, told: list[str], *, is_right: bool) -> None:
    """What a bring-up does with a PIN."""
    tries = PinTries(platform.files, PATH)
    is_spent, _ = tries.is_spent("1234")
    if is_spent:
        return
    tries.count("1234")
    told.append("1234")
    if is_right:
        tries.forget()
    else:
        tries.count("1234", is_refused=True)


@pytest.mark.parametrize("is_crash", [False, True])
@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("is_right", [False, True])
def test_the_power_may_go_anywhere(*, is_crash: bool, is_after: bool, is_right: bool) -> None:
    """REQ-MBR-004: a wrong PIN is told twice at most, and a right one is not lost by one cut."""
    cuts = 0
    for operation in range(1, OPERATIONS_MAX):
        platform, told = SimulatedPlatform(operation), list[str]()
        platform.files.cut_at(operation, after=is_after)
        try:
            _life(platform, told, is_right=is_right)
        except PowerCut:
            cuts += 1
        platform = platform.crash() if is_crash else platform.restart()
        before = len(told)
        for _ in range(4):
            _life(platform, told, is_right=is_right)
        if is_right:
            assert len(told) == before + 4
        else:
            assert 1 <= len(told) <= TRIES_MAX
    assert 4 <= cuts < OPERATIONS_MAX - 1


def test_another_pin_has_tries_of_its_own() -> None:
    """REQ-MBR-004: whoever changes it knows that the SIM has one left."""
    tries = PinTries(SimulatedPlatform().files, PATH)
    tries.count("1111", is_refused=True)
    assert tries.is_spent("1111")[0]
    assert not tries.is_spent("2222")[0]
    tries.count("2222")
    assert not tries.is_spent("2222")[0]
    tries.count("2222")
    assert tries.is_spent("2222")[0]
