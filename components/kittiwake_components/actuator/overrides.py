"""Operators' overrides: devices to which nobody writes for a time, whoever holds them. The driver keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.actuator.device_calls import Answer, refused
from kittiwake_components.actuator.requests import read_device
from kittiwake_components.actuator.values import read_or_answer
from kittiwake_components.ports.building import DeviceAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.device_calls import Then
    from kittiwake_components.actuator.reports import ActuatorReports


class Overrides:
    """Passes overrides on to the driver by `ask`, and reports what was done."""

    def __init__(
        self, reports: ActuatorReports, ask: Callable[[DeviceAction, dict[str, Any], Then], None]
    ) -> None:  # fmt: skip
        self._reports = reports
        self._ask = ask

    def set_on(
        self, requester: str, pattern: Any, duration: Any, failsafe_revert: Any, staggered_revert: Any, then: Then
    ) -> None:  # fmt: skip
        """Keeps everybody from writing to the devices that a pattern matches."""
        name = read_or_answer(lambda: read_device(pattern), then)
        if name is None:
            return
        is_number = isinstance(duration, (int, float)) and not isinstance(duration, bool) and abs(duration) < 1e12
        if not is_number or not isinstance(failsafe_revert, bool) or not isinstance(staggered_revert, bool):
            then(refused("TypeError", "a duration in seconds is wanted, and true or false for both reverts"))
            return
        members = {
            "pattern": pattern, "duration_s": duration, "failsafe_revert": failsafe_revert,
            "staggered_revert": staggered_revert,
        }  # fmt: skip

        def done(answer: Answer) -> None:
            if answer.fault is None:
                self._reports.override_set(requester, pattern, float(max(0, duration)))
            then(answer)

        self._ask(DeviceAction.OVERRIDE_ON, members, done)

    def set_off(self, requester: str, pattern: Any, then: Then) -> None:
        """Takes an override back, by the exact text of its pattern."""
        if read_or_answer(lambda: read_device(pattern), then) is not None:
            self._clear(requester, DeviceAction.OVERRIDE_OFF, {"pattern": pattern}, pattern, then)

    def clear(self, requester: str, then: Then) -> None:
        """Takes all overrides back."""
        self._clear(requester, DeviceAction.CLEAR_OVERRIDES, {}, "everything", then)

    def _clear(self, requester: str, action: DeviceAction, members: dict[str, Any], shown: str, then: Then) -> None:
        def done(answer: Answer) -> None:
            if answer.fault is None:
                self._reports.override_cleared(requester, shown)
            then(answer)

        self._ask(action, members, done)

    def devices(self, then: Then) -> None:
        """The devices that are overridden."""
        self._ask(DeviceAction.OVERRIDE_DEVICES, {}, then)

    def patterns(self, then: Then) -> None:
        """The patterns in force."""
        self._ask(DeviceAction.OVERRIDE_PATTERNS, {}, then)
