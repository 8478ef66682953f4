"""The original's methods by name, with their arguments in order or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.actuator.device_calls import Answer, refused, unpacked
from kittiwake_components.actuator.requests import Request, read_device

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.device_calls import Then
    from kittiwake_components.actuator.overrides import Overrides
    from kittiwake_components.actuator.overviews import Overviews
    from kittiwake_components.actuator.schedules import Schedules
    from kittiwake_components.actuator.values import Values

LISTED = 50
MAX_LISTED = 1000


class Method(NamedTuple):
    """The names of a method's arguments, of which the first `required` are wanted."""

    names: tuple[str, ...]
    required: int


METHODS = {
    "request_new_schedule": Method(("requester_id", "task_id", "priority", "requests", "on_release"), 4),
    "request_cancel_schedule": Method(("requester_id", "task_id"), 2),
    "get_point": Method(("topic", "point"), 1),
    "set_point": Method(("requester_id", "topic", "value", "point", "priority"), 3),
    "scrape_all": Method(("topic",), 1),
    "get_multiple_points": Method(("topics",), 1),
    "set_multiple_points": Method(("requester_id", "topics_values", "priority"), 2),
    "revert_point": Method(("requester_id", "topic", "point"), 2),
    "revert_device": Method(("requester_id", "topic"), 2),
    "set_override_on": Method(("pattern", "duration", "failsafe_revert", "staggered_revert"), 1),
    "set_override_off": Method(("pattern",), 1),
    "clear_overrides": Method((), 0),
    "get_override_devices": Method((), 0),
    "get_override_patterns": Method((), 0),
    "list_schedules": Method(("offset", "limit"), 0),
    "list_holders": Method((), 0),
    "list_devices": Method(("offset", "limit"), 0),
    "list_slots": Method(("device", "start", "end"), 3),
}  # fmt: skip
REQUESTER = "requester_id"
"""Wherever it is an argument, what the caller says is ignored, and whoever it was proved to be stands in its place."""


def arguments_of(method: str, packed: bytes) -> dict[str, Any]:
    """The arguments of a call by name. Raises `TypeError` or `ValueError`."""
    names, required = METHODS[method]
    given = unpacked(packed) if packed else []
    if isinstance(given, list):
        if len(given) > len(names):
            raise TypeError(f"{method} takes at most {len(names)} arguments: {', '.join(names)}")
        given = dict(zip(names, given, strict=False))
    if not isinstance(given, dict):
        raise TypeError("arguments are a JSON list or object")
    unknown = [name for name in given if name not in names]
    missing = [name for name in names[:required] if name not in given and name != REQUESTER]
    if unknown or missing:
        what = f"has no argument {unknown[0]}" if unknown else f"misses its argument {missing[0]}"
        raise TypeError(f"{method} {what}; it takes {', '.join(names) or 'none'}")
    return given


class Rpc:
    """Calls methods for requesters whose identity is known."""

    def __init__(self, schedules: Schedules, overviews: Overviews, values: Values, overrides: Overrides) -> None:
        self._schedules = schedules
        self._overviews = overviews
        self._values = values
        self._overrides = overrides

    def call(self, requester: str, method: str, packed: bytes, then: Then) -> None:
        """Calls a method; `then` gets its answer, once."""
        if method not in METHODS:
            then(refused("MethodNotFound", f"there is no method {method}; there are {', '.join(METHODS)}"))
            return
        try:
            given = arguments_of(method, packed)
        except (TypeError, ValueError) as fault:
            then(refused(type(fault).__name__, fault))
            return
        self._bound(requester, given, then)[method]()

    def _bound(self, requester: str, given: dict[str, Any], then: Then) -> dict[str, Callable[[], None]]:
        values, overrides, of = self._values, self._overrides, given.get
        return {
            "request_new_schedule": lambda: then(self._new_schedule(requester, given)),
            "request_cancel_schedule": lambda: then(self._cancel(requester, given)),
            "get_point": lambda: values.get_point(of("topic"), of("point"), then),
            "set_point": lambda: values.set_point(
                requester, of("topic"), of("value"), of("point"), of("priority"), then
            ),
            "scrape_all": lambda: values.scrape_all(of("topic"), then),
            "get_multiple_points": lambda: values.get_multiple(of("topics"), then),
            "set_multiple_points": lambda: values.set_multiple(requester, of("topics_values"), of("priority"), then),
            "revert_point": lambda: values.revert_point(requester, of("topic"), of("point"), then),
            "revert_device": lambda: values.revert_device(requester, of("topic"), then),
            "set_override_on": lambda: overrides.set_on(
                requester, of("pattern"), of("duration", 0), of("failsafe_revert", True),
                of("staggered_revert", False), then,
            ),
            "set_override_off": lambda: overrides.set_off(requester, of("pattern"), then),
            "clear_overrides": lambda: overrides.clear(requester, then),
            "get_override_devices": lambda: overrides.devices(then),
            "get_override_patterns": lambda: overrides.patterns(then),
            "list_schedules": lambda: then(_page(given, self._overviews.tasks)),
            "list_devices": lambda: then(_page(given, self._overviews.devices)),
            "list_slots": lambda: then(self._slots(given)),
            "list_holders": lambda: then(Answer(self._overviews.holders())),
        }  # fmt: skip

    def _new_schedule(self, requester: str, given: dict[str, Any]) -> Answer:
        wanted = Request(requester, given["task_id"], given["priority"], given["requests"], given.get("on_release"))
        return Answer(self._schedules.request(wanted).as_body())

    def _cancel(self, requester: str, given: dict[str, Any]) -> Answer:
        return Answer(self._schedules.cancel(requester, given["task_id"]).as_body())

    def _slots(self, given: dict[str, Any]) -> Answer:
        try:
            reader = self._schedules.reader()
            (start_us, _), (end_us, _) = reader.read(given["start"]), reader.read(given["end"])
            return Answer(self._overviews.slots(read_device(given["device"]), start_us, end_us))
        except (TypeError, ValueError, OverflowError) as fault:
            return refused(type(fault).__name__, fault)


def _page(given: dict[str, Any], overview: Callable[[int, int], dict[str, Any]]) -> Answer:
    """Some of a list."""
    offset, limit = given.get("offset", 0), given.get("limit", LISTED)
    for number in (offset, limit):
        if type(number) is not int or not 0 <= number < 1 << 31:
            return refused("ValueError", "offset and limit are whole numbers from 0 on")
    return Answer(overview(offset, min(limit, MAX_LISTED)))
