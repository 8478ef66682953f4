"""Reading, writing and reverting of points, by those who hold the devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.actuator.device_calls import Answer, packed, refused
from kittiwake_components.actuator.messages import REVERTED_DEVICE, REVERTED_POINT
from kittiwake_components.actuator.point_paths import Point, read_point
from kittiwake_components.actuator.requests import read_device
from kittiwake_components.actuator.state_file import Change
from kittiwake_components.ports.building import DeviceAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.component import Actuator
    from kittiwake_components.actuator.device_calls import DeviceCalls, Then
    from kittiwake_components.actuator.messages import Outgoing
    from kittiwake_components.actuator.releases import Releases
    from kittiwake_components.actuator.schedules import Schedules

MAX_POINTS = 1000
"""The most points of one call."""

MAX_PRIORITY = 16


class Values:
    """What is asked of devices. Every method answers by `then`, once: at once, or when the device has answered.

    What comes from outside may be anything; what makes no sense is answered by an error that says so.
    """

    def __init__(
        self, actuator: Actuator, calls: DeviceCalls, schedules: Schedules, releases: Releases, out: Outgoing
    ) -> None:  # fmt: skip
        self._actuator = actuator
        self._calls = calls
        self._schedules = schedules
        self._releases = releases
        self._out = out
        self.lock_errors = 0

    def ask(self, action: DeviceAction, members: dict[str, Any], then: Then) -> None:
        """Sends a request to the driver, with the deadline that all have."""
        self._calls.ask(action, members, self._actuator.device_timeout_s, then)

    # Permission

    def _denied(self, requester: str, device: str) -> Answer | None:
        """The error for one who may not write to a device."""
        self._schedules.settle()
        holder = self._schedules.holder(device)
        actuator = self._actuator
        if actuator.is_suspended:
            why = f"caller ({requester}) does not have this lock: writing is suspended"
        elif holder.owner == requester if holder is not None else actuator.allow_no_lock_write:
            return None
        else:
            why = f"caller ({requester}) does not have this lock"
        self.lock_errors += 1
        actuator.lock_denied(requester, device)
        return refused("LockError", why)

    def _note(self, points: list[Point]) -> Answer | None:
        """Keeps in mind what is about to be written, durably if it is to be reverted; the error if that fails."""
        owed: dict[str, str] = {}
        settled: list[str] = []
        noted: list[tuple[Point, str, bool]] = []
        for point in points:
            holder = self._schedules.holder(point.device)
            if holder is None:
                continue
            reverts = self._schedules.book.tasks[holder.task].reverts
            if self._releases.is_known(point, holder.task, reverts):
                continue
            if reverts:
                owed[point.path] = holder.task
            elif self._releases.was_owed(point):
                settled.append(point.path)
            noted.append((point, holder.task, reverts))
        if noted and self._releases.is_full():
            return refused("RuntimeError", "too many points are written already")
        if owed or settled:
            why = self._schedules.write_down(Change(owed=owed, settled=settled))
            if why:
                return refused("OSError", f"the write could not be noted: {why}")
        for point, task, reverts in noted:
            self._releases.note(point, task, reverts)
        return None

    # One point

    def get_point(self, topic: Any, point: Any, then: Then) -> None:
        """The value of a point."""
        where = read_or_answer(lambda: read_point(topic, point), then)
        if where is not None:
            self.ask(DeviceAction.GET_POINT, {"point": where.path}, then)

    def set_point(self, requester: str, topic: Any, value: Any, point: Any, priority: Any, then: Then) -> None:
        """Writes a value, for one who holds the device; the result is what the device took."""
        where = read_or_answer(lambda: read_point(topic, point), then)
        fault = None if where is None else _bad_priority(priority) or self._denied(requester, where.device)
        if where is None or fault is not None or (fault := self._note([where])) is not None:
            if fault is not None:
                then(fault)
            return
        path = where.path

        def taken(answer: Answer) -> None:
            if answer.fault is None:
                self._out.written(requester, path, value)
                self._out.value(requester, path, answer.result)
                self._actuator.point_written(requester, path, _text(answer.result))
            then(answer)

        self.ask(DeviceAction.SET_POINT, {"point": path, "value": value, "priority": priority}, taken)

    def revert_point(self, requester: str, topic: Any, point: Any, then: Then) -> None:
        """Gives a point its default or last clean value back."""
        where = read_or_answer(lambda: read_point(topic, point), then)
        if where is not None:
            members = {"point": where.path}
            self._revert(requester, where.device, DeviceAction.REVERT_POINT, members, REVERTED_POINT + where.path, then)

    def revert_device(self, requester: str, topic: Any, then: Then) -> None:
        """Reverts all that was written on a device."""
        device = read_or_answer(lambda: read_device(topic), then)
        if device is not None:
            members = {"device": device}
            self._revert(requester, device, DeviceAction.REVERT_DEVICE, members, REVERTED_DEVICE + device, then)

    def _revert(
        self, requester: str, device: str, action: DeviceAction, members: dict[str, Any], topic: str, then: Then
    ) -> None:  # fmt: skip
        fault = self._denied(requester, device)
        if fault is not None:
            then(fault)
            return

        def reverted(answer: Answer) -> None:
            if answer.fault is None:
                self._out.reverted(requester, topic)
                self._actuator.point_reverted(requester, *members.values())
            then(Answer(None, answer.fault))

        self.ask(action, members, reverted)

    def release(self, path: str, then: Then) -> None:
        """Reverts a point for a task that has lost it."""
        self.ask(DeviceAction.REVERT_POINT, {"point": path}, then)

    def beat(self, path: str, value: int, then: Then) -> None:
        """Writes a heartbeat, past locks and overrides."""
        self.ask(DeviceAction.HEARTBEAT, {"point": path, "value": value}, then)

    # Many points

    def scrape_all(self, topic: Any, then: Then) -> None:
        """All values of a device."""
        device = read_or_answer(lambda: read_device(topic), then)
        if device is not None:
            self.ask(DeviceAction.SCRAPE_ALL, {"device": device}, then)

    def get_multiple(self, topics: Any, then: Then) -> None:
        """Values and errors, by path; one call a device, and what is wrong with a whole device is raised."""
        found = read_or_answer(lambda: _by_device([(topic, None) for topic in _listed(topics)]), then)
        if found is None:
            return
        devices, errors = found
        values: dict[str, Any] = {}
        failed: dict[str, Any] = dict(errors)
        calls = [
            (DeviceAction.GET_MULTIPLE, {"points": [point.path for point, _ in items]}) for items in devices.values()
        ]

        def one(result: Any) -> None:
            if isinstance(result, list) and len(result) == 2 and all(isinstance(part, dict) for part in result):
                values.update(result[0])
                failed.update(_shown_errors(result[1]))

        self._ask_each(calls, one, lambda: Answer([values, failed]), then)

    def set_multiple(self, requester: str, topics_values: Any, priority: Any, then: Then) -> None:
        """Writes many points; all locks are checked before the first write. The result is what failed, by path."""
        found = read_or_answer(lambda: _by_device(_pairs(topics_values)), then)
        if found is None:
            return
        devices, failed = found
        fault = _bad_priority(priority)
        for device in devices:
            fault = fault or self._denied(requester, device)
        fault = fault or self._note([point for items in devices.values() for point, _ in items])
        if fault is not None:
            then(fault)
            return
        pairs = [[[point.path, value] for point, value in items] for items in devices.values()]
        calls = [(DeviceAction.SET_MULTIPLE, {"values": values, "priority": priority}) for values in pairs]
        written = iter(pairs)

        def one(result: Any) -> None:
            of_device = result if isinstance(result, dict) else {}
            failed.update(_shown_errors(of_device))
            for path, value in next(written):
                if path not in of_device:
                    self._actuator.point_written(requester, path, _text(value))

        # A device may be lost while those before it are written.
        names = list(devices)
        self._ask_each(calls, one, lambda: Answer(failed), then, lambda place: self._denied(requester, names[place]))

    def _ask_each(
        self, calls: list[tuple[DeviceAction, dict[str, Any]]], one: Callable[[Any], None],
        whole: Callable[[], Answer], then: Then, denied: Callable[[int], Answer | None] = lambda place: None,
        place: int = 0,
    ) -> None:  # fmt: skip
        """One call after the other; the first that fails is the answer."""
        if place == len(calls):
            then(whole())
            return
        fault = denied(place) if place else None
        if fault is not None:
            then(fault)
            return

        def answered(answer: Answer) -> None:
            if answer.fault is not None:
                then(answer)
                return
            one(answer.result)
            self._ask_each(calls, one, whole, then, denied, place + 1)

        self.ask(*calls[place], answered)


def read_or_answer(read: Callable[[], Any], then: Then) -> Any:
    """What `read` gives, or `None` after its error was answered."""
    try:
        return read()
    except (TypeError, ValueError) as fault:
        then(refused(type(fault).__name__, fault))
        return None


def _bad_priority(priority: Any) -> Answer | None:
    if priority is None or (type(priority) is int and 1 <= priority <= MAX_PRIORITY):
        return None
    return refused("ValueError", f"a priority is 1 to {MAX_PRIORITY}, not {priority!r}")


def _is_pair(topic: Any) -> bool:
    return isinstance(topic, list) and len(topic) == 2 and all(isinstance(part, str) for part in topic)


def _listed(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise TypeError("a list is wanted")
    if len(values) > MAX_POINTS:
        raise ValueError(f"at most {MAX_POINTS} points can be named at a time")
    return values


def _pairs(topics_values: Any) -> list[tuple[Any, Any]]:
    pairs = []
    for item in _listed(topics_values):
        if not isinstance(item, list) or len(item) != 2:
            raise ValueError("each item is a pair of topic and value")
        pairs.append((item[0], item[1]))
    return pairs


def _by_device(items: list[tuple[Any, Any]]) -> tuple[dict[str, list[tuple[Point, Any]]], dict[str, str]]:
    """The points with what goes with them, by device; and topics that are none, with the error of each."""
    devices: dict[str, list[tuple[Point, Any]]] = {}
    errors: dict[str, str] = {}
    for topic, value in items:
        if not isinstance(topic, str) and not _is_pair(topic):
            errors[str(topic)] = repr(ValueError("the topic is neither a path nor a pair of device and point"))
            continue
        point = read_point(topic) if isinstance(topic, str) else read_point(*topic)
        devices.setdefault(point.device, []).append((point, value))
    return devices, errors


def _shown_errors(errors: dict[str, Any]) -> dict[str, str]:
    """The errors of points as the original gives them: as Python would show the exception."""
    shown = {}
    for path, error in errors.items():
        match error:
            case {"type": type, "value": value}:
                shown[path] = f"{type}({value!r})"
            case _:
                shown[path] = str(error)
    return shown


def _text(value: Any) -> str:
    return packed(value).decode()
