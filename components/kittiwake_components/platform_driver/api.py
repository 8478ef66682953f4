"""The platform driver's service: the methods of the upstream's REST contract, and those beyond it.

An answer is a status of HTTP, an ETag, and a body. Faults have the upstream's `detail` and the members of RFC 9457.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.root import reason_of
from kittiwake_components.platform_driver.api_arguments import Arguments
from kittiwake_components.platform_driver.changes import NotFound, OtherVersion, RegistryFull, etag_of
from kittiwake_components.platform_driver.drivers.interface import DriverFault
from kittiwake_components.platform_driver.drivers.registry import UnknownDriver
from kittiwake_components.platform_driver.fields import InvalidObject, Problem
from kittiwake_components.platform_driver.point_files import read_points, write_points
from kittiwake_components.platform_driver.refusals import Refusal
from kittiwake_components.platform_driver.shown import shown_sample
from kittiwake_components.platform_driver.values import packed, unpacked
from kittiwake_components.ports.platform_driver import REPLY_SIZE, DeviceStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.platform_driver.drivers.interface import FoundPoint
    from kittiwake_components.platform_driver.engine import Engine

METHODS = (
    "health", "driver_types", "list_devices", "create_device", "get_device", "patch_device", "delete_device",
    "list_points", "create_point", "get_point", "patch_point", "delete_point", "device_health", "latest_values",
    "point_latest", "point_history", "write_point", "poll_now", "reload", "find_devices", "discover_points",
    "import_points", "export_points", "overrides",
)  # fmt: skip
MAX_PAGE = 10_000
HISTORY_PAGE = 1000
MAX_TIME_US = (1 << 62) - 1
US_PER_S = 1_000_000
WRITE_LEASE_MAX_S = 31_622_400.0


class Answer(NamedTuple):
    """A status of HTTP, the body before it is packed, and an ETag."""

    status: int
    body: Any
    etag: str = ""


if TYPE_CHECKING:
    Then = Callable[[Answer], None]
    Method = Callable[[Arguments, Then], None]

_TITLES = {
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 412: "Precondition Failed",
    422: "Unprocessable Content", 423: "Locked", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 507: "Insufficient Storage",
}  # fmt: skip
_STATUS_OF_FAULTS = {
    "KeyError": 404, "DriverInterfaceError": 404, "ValueError": 422, "TypeError": 422, "RuntimeError": 409,
    "OverrideError": 423, "TimeoutError": 504, "ConnectionError": 502, "NotImplementedError": 501,
}  # fmt: skip


def problem(status: int, detail: Any, **members: Any) -> Answer:
    """A fault as the upstream's clients (`detail`) and those of RFC 9457 read it."""
    standard = {"type": "about:blank", "title": _TITLES[status], "status": status}
    return Answer(status, {"detail": detail, **standard, **members})


def answer_of_fault(fault: Exception) -> Answer:
    """The answer to a call that has raised. Raises what is no refusal."""
    if isinstance(fault, InvalidObject):
        return problem(422, [{"type": one.type, "loc": list(one.loc), "msg": one.msg} for one in fault.problems])
    if isinstance(fault, DriverFault):
        return problem(_STATUS_OF_FAULTS.get(fault.TYPE, 502), str(fault), fault=fault.TYPE)
    if isinstance(fault, NotFound):
        return problem(404, str(fault))
    if isinstance(fault, OtherVersion):
        return problem(412, str(fault))
    if isinstance(fault, RegistryFull):
        return problem(507, str(fault))
    if isinstance(fault, UnknownDriver):
        return problem(422, [{"type": "literal_error", "loc": ["driver_type"], "msg": str(fault)}])
    if isinstance(fault, OSError):
        return problem(503, f"the database cannot be used: {reason_of(fault)}")
    raise fault


class Api:
    """Calls of methods by name. `engine` gives the open database and all that stands on it, or raises `OSError`."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self.methods: dict[str, Method] = {name: getattr(self, f"_{name}") for name in METHODS}

    def call(self, method: str, arguments: bytes, reply: Callable[[int, str, bytes], None]) -> None:
        """Calls a method; `reply` is called once with status, ETag and body, at once or later."""

        def then(answer: Answer) -> None:
            body = packed(answer.body).encode("utf-8", "replace")
            if len(body) > REPLY_SIZE:
                answer = problem(507, f"the answer takes {len(body)} bytes; ask for fewer by `limit` and `offset`")
                body = packed(answer.body).encode()
            reply(answer.status, answer.etag, body)

        found = self.methods.get(method)
        if found is None:
            then(problem(501, f"there is no method {method}; there are {', '.join(self.methods)}"))
            return
        try:
            given = unpacked(arguments)
        except ValueError as fault:
            then(problem(400, f"the arguments are no JSON: {fault}"))
            return
        try:
            found(Arguments(given), then)
        except (Refusal, OSError) as fault:
            then(answer_of_fault(fault))

    # Health and types

    def _health(self, arguments: Arguments, then: Then) -> None:
        """`status` is ok only if every enabled device is running."""
        try:
            loops = self._engine().loops.by_id.values()
        except OSError as fault:
            then(problem(503, f"the database cannot be used: {reason_of(fault)}", running_devices=0))
            return
        states = [loop.status for loop in loops if loop.device.enabled]
        running = states.count(DeviceStatus.RUNNING)
        then(Answer(200, {
            "status": "ok" if running == len(states) else "degraded", "running_devices": running,
            "enabled_devices": len(states), "failed_devices": states.count(DeviceStatus.FAILED),
        }))  # fmt: skip

    def _driver_types(self, arguments: Arguments, then: Then) -> None:
        registry = self._engine().registry
        found: list[dict[str, Any]] = []
        for name in registry.types():
            try:
                driver = registry.find(name)
            except UnknownDriver as fault:
                found.append({"driver_type": name, "fault": str(fault)})
                continue
            shown: dict[str, Any] = {"driver_type": name}
            shown["settings"] = [_shown_field(one) for one in driver.SETTINGS]
            shown["point_settings"] = [_shown_field(one) for one in driver.POINT_SETTINGS]
            found.append(shown)
        then(Answer(200, found))

    # Devices

    def _list_devices(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        shown = engine.shown()
        found = engine.store.devices(enabled_only=arguments.truth("enabled_only"))
        then(Answer(200, [shown.device(device) for device in arguments.page(found, MAX_PAGE)]))

    def _create_device(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.create_device(arguments.body())
        then(Answer(200, engine.shown().device(device), etag_of(device.version)))

    def _get_device(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        then(Answer(200, engine.shown().device(device), etag_of(device.version)))

    def _patch_device(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()

        def changed(result: Any) -> None:
            then(_changed(result, lambda: Answer(200, engine.shown().device(result), etag_of(result.version))))

        engine.changes.patch_device(arguments.text("device_id"), arguments.body(), arguments.if_match(), changed)

    def _delete_device(self, arguments: Arguments, then: Then) -> None:
        id = arguments.text("device_id")

        def removed(result: Any) -> None:
            then(_changed(result, lambda: Answer(200, {"deleted": True, "id": id})))

        self._engine().changes.remove_device(id, arguments.if_match(), removed)

    def _device_health(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        then(Answer(200, engine.shown().health(device)))

    # Points

    def _list_points(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        shown = engine.shown()
        found = engine.store.points(device.id, enabled_only=arguments.truth("enabled_only"))
        then(Answer(200, [shown.point(point, device) for point in arguments.page(found, MAX_PAGE)]))

    def _create_point(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        point = engine.changes.create_point(arguments.text("device_id"), arguments.body())
        then(self._point_answer(engine, point))

    def _get_point(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        then(self._point_answer(engine, engine.changes.point(arguments.text("point_id"))))

    def _point_answer(self, engine: Engine, point: Any) -> Answer:
        device = engine.changes.device(point.device_id)
        return Answer(200, engine.shown().point(point, device), etag_of(point.version))

    def _patch_point(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()

        def changed(result: Any) -> None:
            then(_changed(result, lambda: self._point_answer(engine, result)))

        engine.changes.patch_point(arguments.text("point_id"), arguments.body(), arguments.if_match(), changed)

    def _delete_point(self, arguments: Arguments, then: Then) -> None:
        id = arguments.text("point_id")

        def removed(result: Any) -> None:
            then(_changed(result, lambda: Answer(200, {"deleted": True, "id": id})))

        self._engine().changes.remove_point(id, arguments.if_match(), removed)

    # Values

    def _latest_values(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        shown = engine.shown()
        points = arguments.page(engine.store.points(device.id), MAX_PAGE)
        then(Answer(200, [shown.latest(point, device) for point in points]))

    def _point_latest(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        point = engine.changes.point(arguments.text("point_id"))
        then(Answer(200, engine.shown().latest(point, engine.changes.device(point.device_id))))

    def _point_history(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        point = engine.changes.point(arguments.text("point_id"))
        since, until = arguments.time_us("since", 0), arguments.time_us("until", MAX_TIME_US)
        limit, offset = arguments.number("limit", HISTORY_PAGE, MAX_PAGE), arguments.number("offset", 0, MAX_TIME_US)
        found = engine.value_store.history(point.id, since, until, limit + 1, offset)
        then(Answer(200, {
            "point_id": point.id,
            "samples": [shown_sample(sample) for sample in found[:limit]],
            "next_offset": offset + limit if len(found) > limit else None,
        }))  # fmt: skip

    def _write_point(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device, point = engine.find_point(arguments.text("point_id"))
        body = arguments.body()
        if not isinstance(body, dict) or "value" not in body:
            raise InvalidObject([Problem(("body", "value"), "missing", "it is required")])
        own = Arguments(body)
        priority = own.number("priority", 0, 16) or None
        lease_s = own.seconds("lease_s", engine.lease_s(), WRITE_LEASE_MAX_S)
        path = f"{device.name}/{point.label}"

        def written(result: Any) -> None:
            if isinstance(result, DriverFault):
                then(answer_of_fault(result))
            else:
                then(Answer(200, {"point_id": point.id, "point": path, "value": result, "priority": priority or 16}))

        engine.write(point.id, body["value"], priority, lease_s, written)

    def _poll_now(self, arguments: Arguments, then: Then) -> None:
        self._engine().directory.loop(arguments.text("device_id")).poll_now()
        then(Answer(200, {"polling": True}))

    def _reload(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        engine.loops.reload(device.id, lambda: then(Answer(200, {"reloaded": True, "id": device.id})))

    # Discovery

    def _find_devices(self, arguments: Arguments, then: Then) -> None:
        def found(result: Any) -> None:
            if isinstance(result, DriverFault):
                then(answer_of_fault(result))
            else:
                then(Answer(200, [{**one._asdict(), "settings": dict(one.settings)} for one in result[:MAX_PAGE]]))

        self._engine().find_devices(arguments.text("driver_type"), arguments.text("where", ""), found)

    def _discover_points(self, arguments: Arguments, then: Then) -> None:
        """The points that a device has; with `add` those that the registry has not are added to it."""
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        adds = arguments.truth("add")

        def found(result: Any) -> None:
            if isinstance(result, DriverFault):
                then(answer_of_fault(result))
                return
            try:
                added = engine.add_found(device.id, result) if adds else 0
            except (InvalidObject, NotFound, RegistryFull, OSError) as fault:
                then(answer_of_fault(fault))
                return
            then(Answer(200, {"points": [_shown_found(one) for one in result[:MAX_PAGE]], "added": added}))

        engine.discover(device.id, found)

    def _import_points(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        added, changed = import_csv(engine, device.id, arguments.text("csv", size=REPLY_SIZE))
        then(Answer(200, {"added": added, "changed": changed}))

    def _export_points(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        device = engine.changes.device(arguments.text("device_id"))
        then(Answer(200, {"csv": write_points(engine.store.points(device.id))}))

    def _overrides(self, arguments: Arguments, then: Then) -> None:
        engine = self._engine()
        devices = [device.name for device in engine.store.devices() if engine.overrides.covers(device.name)]
        then(Answer(200, {"patterns": engine.overrides.patterns(), "devices": devices}))


def import_csv(engine: Engine, device_id: str, text: str) -> tuple[int, int]:
    """Takes the points of a CSV into a device, all or none; how many were added, and changed."""
    device = engine.changes.device(device_id)
    new, changed = read_points(text, device, engine.store.points(device.id), engine.registry)
    engine.changes.put_points(device, list(new), list(changed))
    return len(new), len(changed)


def _changed(result: Any, shown: Callable[[], Answer]) -> Answer:
    try:
        return answer_of_fault(result) if isinstance(result, Exception) else shown()
    except (NotFound, OSError) as fault:
        return answer_of_fault(fault)


def _shown_field(field: Any) -> dict[str, Any]:
    return {
        "name": field.name, "type": field.type.__name__, "required": isinstance(field.default, type),
        "default": None if isinstance(field.default, type) else field.default, "low": field.low, "high": field.high,
        "choices": list(field.choices), "doc": field.doc,
    }  # fmt: skip


def _shown_found(one: FoundPoint) -> dict[str, Any]:
    return {**one._asdict(), "settings": dict(one.settings)}
