"""Requests of a building's users: the actions of `ports.building`, answered when the devices have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kittiwake.storage.root import reason_of
from kittiwake_components.platform_driver.device_loop import readings_of
from kittiwake_components.platform_driver.directory import UnknownDevice
from kittiwake_components.platform_driver.drivers.interface import BadType, BadValue, DriverFault, DriverInterfaceError
from kittiwake_components.platform_driver.overrides import PATTERN_SIZE, OverrideError
from kittiwake_components.platform_driver.session import Operation
from kittiwake_components.platform_driver.values import packed, unpacked
from kittiwake_components.ports.building import BODY_SIZE, DeviceAction

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake_components.platform_driver.device_loop import DeviceLoop, PolledPoint
    from kittiwake_components.platform_driver.directory import Directory
    from kittiwake_components.platform_driver.leases import LeaseBook
    from kittiwake_components.platform_driver.overrides import Overrides
    from kittiwake_components.platform_driver.registry_store import RegistryStore
    from kittiwake_components.platform_driver.writing import Writer

    Answer = Callable[[Any], None]
    """Told once of the result, or of a `DriverFault`."""

TEXT_SIZE = 500
MAX_POINTS = 10_000


class Requests:
    """Carries out requests; each answer is given once."""

    def __init__(
        self, directory: Directory, writer: Writer, overrides: Overrides, leases: LeaseBook, store: RegistryStore,
        lease_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._directory = directory
        self._writer = writer
        self._overrides = overrides
        self._leases = leases
        self._store = store
        self._lease_s = lease_s
        self._actions: dict[DeviceAction, Callable[[Mapping[str, Any], Answer], None]] = {
            DeviceAction.GET_POINT: self._get_point,
            DeviceAction.SET_POINT: self._set_point,
            DeviceAction.REVERT_POINT: self._revert_point,
            DeviceAction.REVERT_DEVICE: self._revert_device,
            DeviceAction.SCRAPE_ALL: self._scrape_all,
            DeviceAction.GET_MULTIPLE: self._get_multiple,
            DeviceAction.SET_MULTIPLE: self._set_multiple,
            DeviceAction.HEARTBEAT: self._heartbeat,
            DeviceAction.OVERRIDE_ON: self._override_on,
            DeviceAction.OVERRIDE_OFF: self._override_off,
            DeviceAction.CLEAR_OVERRIDES: self._clear_overrides,
            DeviceAction.OVERRIDE_DEVICES: self._override_devices,
            DeviceAction.OVERRIDE_PATTERNS: self._override_patterns,
        }

    def take(self, action: DeviceAction, body: bytes, reply: Callable[[bytes], None]) -> None:
        """Carries out a request; `reply` is given the answer, packed."""

        def answered(result: Any) -> None:
            reply(answer_of(result))

        try:
            members = unpacked(body)
            if not isinstance(members, dict):
                raise BadType("the body of a request is a JSON object")
            self._actions[action](members, answered)
        except DriverFault as fault:
            answered(fault)
        except ValueError as fault:
            answered(BadValue(f"the body is no JSON: {fault}"))
        except OSError as fault:
            answered(DriverFault(reason_of(fault)))

    # Reading

    def _get_point(self, members: Mapping[str, Any], answer: Answer) -> None:
        loop, one = self._directory.place(_text(members, "point"))

        def came(result: Any) -> None:
            readings, fault = readings_of(result, 1)
            fault = fault or readings[0].fault
            answer(readings[0].value if fault is None else fault)

        loop.submit(Operation("read", ([one.address],), came))

    def _scrape_all(self, members: Mapping[str, Any], answer: Answer) -> None:
        loop = self._directory.loop(_text(members, "device"))
        points = [one for one in loop.points.values() if one.point.enabled]

        def came(result: Any) -> None:
            readings, fault = readings_of(result, len(points))
            if fault is not None:
                answer(fault)
                return
            found = zip(points, readings, strict=True)
            answer({one.point.label: reading.value for one, reading in found if reading.fault is None})

        loop.submit(Operation("read", ([one.address for one in points],), came))

    def _get_multiple(self, members: Mapping[str, Any], answer: Answer) -> None:
        """One read for each device; a point that does not exist is an error of its own, an unknown device of all."""
        paths = _items(members, "points")
        values: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        asked: dict[str, tuple[DeviceLoop, list[tuple[str, PolledPoint]]]] = {}
        for path in paths:
            if not isinstance(path, str):
                raise BadType("the path of a point is a text")
            try:
                loop, one = self._directory.place(path)
            except (DriverInterfaceError, BadValue) as fault:
                errors[path] = error_of(fault)
            else:
                asked.setdefault(loop.device.id, (loop, []))[1].append((path, one))
        waiting = len(asked)

        def came(points: list[tuple[str, PolledPoint]], result: Any) -> None:
            nonlocal waiting
            readings, whole = readings_of(result, len(points))
            for index, (path, _) in enumerate(points):
                fault = whole or readings[index].fault
                if fault is None:
                    values[path] = readings[index].value
                else:
                    errors[path] = error_of(fault)
            waiting -= 1
            if not waiting:
                answer([values, errors])

        for loop, points in asked.values():
            loop.submit(Operation("read", ([one.address for _, one in points],), partial(came, points)))
        if not asked:
            answer([values, errors])

    # Writing

    def _set_point(self, members: Mapping[str, Any], answer: Answer) -> None:
        loop, one = self._directory.place(_text(members, "point"))
        self._writer.write(loop, one, _value(members), _priority(members), self._lease_s(), answer)

    def _heartbeat(self, members: Mapping[str, Any], answer: Answer) -> None:
        loop, one = self._directory.place(_text(members, "point"))
        lease_s, value, priority = self._lease_s(), _value(members), _priority(members)
        self._writer.write(loop, one, value, priority, lease_s, answer, past_override=True)

    def _set_multiple(self, members: Mapping[str, Any], answer: Answer) -> None:
        """Device by device in the order of the request; a device that is unknown or overridden ends it."""
        priority = _priority(members)
        pairs = _items(members, "values")
        failed: dict[str, Any] = {}
        waiting: list[tuple[str, Any]] = []
        for pair in pairs:
            if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
                raise BadType("values are pairs of a point's path and a value")
            waiting.append((pair[0], pair[1]))
        waiting.reverse()

        def ended(path: str, result: Any) -> None:
            if isinstance(result, DriverFault):
                failed[path] = error_of(result)
            go_on()

        def go_on() -> None:
            while waiting:
                path, value = waiting.pop()
                try:
                    loop, one = self._directory.place(path)
                    self._writer.write(loop, one, value, priority, self._lease_s(), partial(ended, path))
                    return
                except (UnknownDevice, OverrideError) as fault:
                    answer(fault)
                    return
                except DriverFault as fault:
                    failed[path] = error_of(fault)
                except OSError as fault:
                    answer(DriverFault(reason_of(fault)))
                    return
            answer(failed)

        go_on()

    def _revert_point(self, members: Mapping[str, Any], answer: Answer) -> None:
        """An unknown point of a known device has nothing to revert to, and that is no fault."""
        try:
            loop, one = self._directory.place(_text(members, "point"))
        except DriverInterfaceError:
            answer(None)
            return
        self._overrides.check(loop.device.name)
        self._writer.revert(loop, one, answer)

    def _revert_device(self, members: Mapping[str, Any], answer: Answer) -> None:
        loop = self._directory.loop(_text(members, "device"))
        self._overrides.check(loop.device.name)
        self._revert_all(loop, answer)

    def _revert_all(self, loop: DeviceLoop, answer: Answer) -> None:
        """Reverts every point that was written or has a default; one that fails does not keep the others."""
        waiting = [
            one for one in loop.points.values() if self._leases.is_dirty(one.point.id) or one.point.default is not None
        ]

        def go_on(result: Any) -> None:
            if isinstance(result, DriverFault):
                self._writer.report(loop.device.name, str(result))
            if not waiting:
                answer(None)
                return
            try:
                self._writer.revert(loop, waiting.pop(0), go_on)
            except DriverFault as fault:
                answer(fault)

        go_on(None)

    # Overrides

    def _override_on(self, members: Mapping[str, Any], answer: Answer) -> None:
        pattern = _text(members, "pattern", PATTERN_SIZE)
        duration_s = members.get("duration_s", 0.0)
        if isinstance(duration_s, bool) or not isinstance(duration_s, (int, float)):
            raise BadType("a duration is a number of seconds")
        self._overrides.on(pattern, duration_s)
        if members.get("failsafe_revert", True):
            names = self._overrides.matching(
                [device.name for device in self._store.devices(enabled_only=True)], pattern
            )
            for name in names:
                try:
                    self._revert_all(self._directory.loop(name), _ignored)
                except DriverFault as fault:
                    self._writer.report(name, str(fault))
        answer(None)

    def _override_off(self, members: Mapping[str, Any], answer: Answer) -> None:
        self._overrides.off(_text(members, "pattern", PATTERN_SIZE))
        answer(None)

    def _clear_overrides(self, members: Mapping[str, Any], answer: Answer) -> None:
        self._overrides.clear()
        answer(None)

    def _override_devices(self, members: Mapping[str, Any], answer: Answer) -> None:
        answer(sorted({device.name for device in self._store.devices() if self._overrides.covers(device.name)}))

    def _override_patterns(self, members: Mapping[str, Any], answer: Answer) -> None:
        answer(self._overrides.patterns())


def error_of(fault: DriverFault) -> dict[str, str]:
    """A fault as it travels."""
    return {"type": fault.TYPE, "value": str(fault)[:TEXT_SIZE]}


def answer_of(result: Any) -> bytes:
    """An answer, packed; one that is too long is an error."""
    if isinstance(result, DriverFault):
        return packed({"error": error_of(result)}).encode()
    reply = packed({"result": result}).encode()
    if len(reply) <= BODY_SIZE:
        return reply
    return answer_of(BadValue(f"the answer takes {len(reply)} bytes, more than {BODY_SIZE}"))


def refusal(why: str) -> bytes:
    """The answer to a request that could not be taken."""
    return answer_of(DriverFault(why))


def _text(members: Mapping[str, Any], name: str, size: int = TEXT_SIZE) -> str:
    text = members.get(name)
    if not isinstance(text, str):
        raise BadType(f"the member {name} is a text")
    if len(text.encode("utf-8", "replace")) > size:
        raise BadValue(f"the member {name} has at most {size} bytes")
    return text


def _items(members: Mapping[str, Any], name: str) -> list[Any]:
    items = members.get(name)
    if not isinstance(items, list):
        raise BadType(f"the member {name} is a list")
    if len(items) > MAX_POINTS:
        raise BadValue(f"the member {name} has at most {MAX_POINTS} items")
    return items


def _value(members: Mapping[str, Any]) -> Any:
    if "value" not in members:
        raise BadValue("missing argument: value")
    return members["value"]


def _priority(members: Mapping[str, Any]) -> int | None:
    priority = members.get("priority")
    if priority is not None and type(priority) is not int:
        raise BadType("a priority is a whole number, or null")
    return priority


def _ignored(_: Any) -> None:
    """Nobody waits for it."""
