"""A building as its API tells of it at one time: devices with their points, and who has which device when."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.building.access import ApiUnreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_ground.building.rest import RestApi

MAX_DEVICES = 200
MAX_POINTS = 500
"""Of one device."""

MAX_TASKS = 500
NOT_FOUND = 404


class PointState(NamedTuple):
    """A point: its value as JSON has it, how good and how old that is; `age_s` is `None` where there is no value."""

    name: str
    value: Any
    units: str
    quality: str
    age_s: float | None
    writable: bool
    error: str


class DeviceState(NamedTuple):
    """A device, with the points that are polled."""

    name: str
    driver: str
    address: str
    enabled: bool
    status: str
    error: str
    points: tuple[PointState, ...]


class Slot(NamedTuple):
    """A span of time, in seconds since 1970, in which a task has a device."""

    device: str
    task: str
    owner: str
    priority: str
    state: str
    start_s: float
    end_s: float


class Snapshot(NamedTuple):
    """All of it, read at `read_s`, in seconds since 1970, with `requests` requests.

    Of `device_count` devices and `task_count` tasks only so many are here as the limits let through: `devices`, and the
    slots of `tasks_read` tasks without `slots_left_out` slots, of which the API does not tell. `holders` says of
    a device who holds it now, `overridden` names the devices that the patterns `overrides` keep everybody from.
    """

    devices: tuple[DeviceState, ...]
    device_count: int
    slots: tuple[Slot, ...]
    task_count: int
    tasks_read: int
    slots_left_out: int
    holders: dict[str, str]
    overrides: tuple[str, ...]
    overridden: frozenset[str]
    read_s: float
    requests: int


async def read_snapshot(api: RestApi) -> Snapshot:
    """Reads a building. Raises `ApiUnreachable`, also where what answers does not make sense."""
    try:
        return await _read(api)
    except (TypeError, KeyError, ValueError, AttributeError) as fault:
        if isinstance(fault, ApiUnreachable):
            raise
        raise ApiUnreachable(api.url, f"what answers is no building's API ({type(fault).__name__})") from None


async def _read(api: RestApi) -> Snapshot:
    before = api.requests
    found = await api.get("/devices")
    devices = []
    for device in found[:MAX_DEVICES]:
        try:
            devices.append(await _read_device(api, device))
        except ApiUnreachable as fault:
            if fault.status != NOT_FOUND:  # it was removed just now
                raise
    tasks, task_count = await _read_tasks(api)
    slots = [slot for task in tasks for slot in _slots(task)]
    left_out = sum(max(0, int(task["slot_count"]) - len(task["slots"])) for task in tasks)
    holders = await api.get("/schedules/holders")
    overrides = await api.get("/overrides")
    held = {str(name): str(one["owner"]) for name, one in holders.items()}
    patterns = tuple(str(one) for one in overrides["patterns"])
    overridden = frozenset(str(one) for one in overrides["devices"])
    return Snapshot(
        tuple(devices), len(found), tuple(slots), task_count, len(tasks), left_out, held, patterns, overridden,
        time.time(), api.requests - before,
    )  # fmt: skip


async def _read_device(api: RestApi, device: Mapping[str, Any]) -> DeviceState:
    if not device["enabled"]:
        return _device(device, {}, [])
    path = f"/devices/{device['id']}"
    health = await api.get(f"{path}/health")
    return _device(device, health, await api.get(f"{path}/points", limit=MAX_POINTS, enabled_only="true"))


async def _read_tasks(api: RestApi) -> tuple[list[Mapping[str, Any]], int]:
    """Tasks, and how many there are; an answer has as many as it takes."""
    tasks: list[Mapping[str, Any]] = []
    while True:
        found = await api.get("/schedules", offset=len(tasks), limit=MAX_TASKS)
        tasks += found["tasks"]
        if not found["tasks"] or len(tasks) >= min(MAX_TASKS, int(found["total"])):
            return tasks[:MAX_TASKS], int(found["total"])


def _device(device: Mapping[str, Any], health: Mapping[str, Any], points: list[Any]) -> DeviceState:
    enabled = bool(device["enabled"])
    return DeviceState(
        str(device["name"]), str(device["driver_type"]), str(device["device_address"]), enabled,
        str(health["status"]) if enabled else "disabled", str(health.get("last_error") or ""),
        tuple(_point(one) for one in points),
    )  # fmt: skip


def _point(point: Mapping[str, Any]) -> PointState:
    age_s = point["age_s"]
    return PointState(
        str(point["name"] or point["object_identifier"]), point["last_value"], str(point["units"] or ""),
        str(point["quality"]), None if age_s is None else float(age_s), bool(point["writable"]),
        str(point["last_error"] or ""),
    )  # fmt: skip


def _slots(task: Mapping[str, Any]) -> list[Slot]:
    of = [str(task[name]) for name in ("task", "owner", "priority", "state")]
    return [
        Slot(str(device), of[0], of[1], of[2], of[3], _seconds(start), _seconds(end))
        for device, start, end in task["slots"]
    ]


def _seconds(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
