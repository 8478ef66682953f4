"""The paths of the API, each with the method of the platform driver that answers it. One table serves and describes."""

from __future__ import annotations

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.building_api.tokens import Role

PREFIX = "/api/v1"


class Route(NamedTuple):
    """A path below `PREFIX`; `numbers` and `truths` are what a query may hold, `texts` as well."""

    verb: str
    path: str
    method: str
    summary: str
    numbers: tuple[str, ...] = ()
    truths: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    body: str = ""
    """The kind of body that is wanted: json, csv, or none."""

    @property
    def role(self) -> Role:
        """Who may use it."""
        return Role.VIEWER if self.verb == "GET" else Role.OPERATOR


PAGE = ("limit", "offset")
DEVICE, POINT = "/devices/{device_id}", "/points/{point_id}"
ROUTES = (
    Route("GET", "/health", "health", "How the driver is, and how many devices really run."),
    Route("GET", "/devices", "list_devices", "Devices, by name.", PAGE, ("enabled_only",)),
    Route("POST", "/devices", "create_device", "Adds a device.", body="json"),
    Route("GET", DEVICE, "get_device", "A device."),
    Route("PATCH", DEVICE, "patch_device", "Changes members of a device.", body="json"),
    Route("DELETE", DEVICE, "delete_device", "Removes a device with its points."),
    Route("GET", f"{DEVICE}/points", "list_points", "A device's points.", PAGE, ("enabled_only",)),
    Route("POST", f"{DEVICE}/points", "create_point", "Adds a point.", body="json"),
    Route("GET", f"{DEVICE}/health", "device_health", "How a device is."),
    Route("GET", f"{DEVICE}/latest-values", "latest_values", "The last values of a device's points.", PAGE),
    Route("POST", f"{DEVICE}/poll", "poll_now", "Polls a device now."),
    Route("POST", f"{DEVICE}/reload", "reload", "Ends a device's session and begins a new one."),
    Route("POST", f"{DEVICE}/discover", "discover_points", "Finds the points of a device.", truths=("add",)),
    Route("POST", f"{DEVICE}/points.csv", "import_points", "Takes points from CSV, all or none.", body="csv"),
    Route("GET", f"{DEVICE}/points.csv", "export_points", "A device's points as CSV."),
    Route("GET", POINT, "get_point", "A point."),
    Route("PATCH", POINT, "patch_point", "Changes members of a point.", body="json"),
    Route("DELETE", POINT, "delete_point", "Removes a point."),
    Route("GET", f"{POINT}/latest", "point_latest", "A point's last value."),
    Route("GET", f"{POINT}/history", "point_history", "A point's values of a time.", PAGE, texts=("since", "until")),
    Route("POST", f"{POINT}/write", "write_point", "Writes a value, or releases one by null.", body="json"),
    Route("POST", "/discover", "find_devices", "Finds devices.", texts=("driver_type", "where")),
    Route("GET", "/driver-types", "driver_types", "Types of drivers, with their settings."),
    Route("GET", "/overrides", "overrides", "What operators override."),
)  # fmt: skip


def openapi() -> dict[str, object]:
    """The description of the API (OpenAPI 3.1)."""
    paths: dict[str, dict[str, object]] = {}
    for route in ROUTES:
        operation: dict[str, object] = {
            "operationId": route.method, "summary": route.summary, "parameters": _parameters(route),
            "responses": {"200": {"description": "As it was asked."}, "default": _PROBLEM},
        }  # fmt: skip
        if route.body:
            kind = "application/json" if route.body == "json" else "text/csv"
            operation["requestBody"] = {"required": True, "content": {kind: {"schema": {}}}}
        paths.setdefault(PREFIX + route.path, {})[route.verb.lower()] = operation
    for verb, path, summary in OTHERS:
        ok = {"responses": {"200": {"description": "As it was asked."}, "default": _PROBLEM}, "summary": summary}
        paths.setdefault(PREFIX + path, {})[verb.lower()] = ok
    return {
        "openapi": "3.1.0", "info": {"title": "Kittiwake building API", "version": "1"}, "paths": paths,
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }  # fmt: skip


OTHERS = (
    ("GET", "/values/stream", "Values as they come, as Server-Sent Events; `prefix` picks points."),
    ("GET", "/schedules", "The actuator's tasks."),
    ("POST", "/schedules", "Asks for a schedule: task_id, priority, requests, on_release."),
    ("DELETE", "/schedules/{task_id}", "Cancels a task of one's own."),
    ("GET", "/schedules/holders", "Who holds which device."),
    ("GET", "/schedules/devices", "Devices that have slots."),
    ("GET", "/schedules/slots", "The slots of a `device` from `start` to `end`."),
    ("GET", "/openapi.json", "This description."),
)
_PROBLEM = {"description": "What is wrong.", "content": {"application/problem+json": {"schema": {"type": "object"}}}}


def _parameters(route: Route) -> list[dict[str, object]]:
    parts = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
    made: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parts
    ]
    for names, kind in ((route.numbers, "integer"), (route.truths, "boolean"), (route.texts, "string")):
        made += [{"name": name, "in": "query", "schema": {"type": kind}} for name in names]
    return made
