"""Reaches a building's devices: a registry, a poll loop for each device, writes that are taken back, and a service."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    F64,
    U8,
    U32,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPortArray,
    Parameter,
    Setting,
    Size,
    async_port,
    command,
)
from kittiwake.model.fw import Enabled, Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import place_file
from kittiwake.storage.root import reason_of
from kittiwake_components.platform_driver.devices import IDENTIFIER_SIZE
from kittiwake_components.platform_driver.refusals import Refusal
from kittiwake_components.platform_driver.reports import DeviceName, FileName, PlatformDriverReports, PointPath
from kittiwake_components.platform_driver.values import unpacked
from kittiwake_components.ports.building import DeviceAction, DeviceAnswer, DeviceRequest
from kittiwake_components.ports.mode import SystemMode, SystemModeChanged
from kittiwake_components.ports.platform_driver import (
    REASON_SIZE,
    DeviceHealth,
    DeviceStatus,
    DriverCall,
    DriverReply,
    PointValue,
    Quality,
)

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.api import Api
    from kittiwake_components.platform_driver.engine import Engine
    from kittiwake_components.platform_driver.records import Device, Point

USERS = 4
"""How many components may ask for devices, and as many for the service."""

LISTENERS = 16
POLLS_KEPT = 256
MAX_FOUND_EVENTS = 20
PRUNE_EVERY_S = 60
STOP_LIMIT_S = 4.0
JSON_SIZE = 400
ADDRESS_SIZE = 200
U32_MAX = 0xFFFFFFFF

Json = Annotated[str, Size(JSON_SIZE)]


def check_simulated_points(points: dict[str, str]) -> None:
    """The check of the setting `simulated_points`. Raises `ValueError`."""
    from kittiwake_components.platform_driver.seeds import simulated

    simulated(points)


class PlatformDriver(PlatformDriverReports):
    """Devices and points in a registry, polled by drivers (easy-aso's supervisor, VOLTTRON's PlatformDriverAgent).

    What is written is noted with its priority first, so that it is released at the end, in safe mode, when its time is
    over, and after a crash before anything else. The last good value of a point is kept, with quality and age.
    """

    answer_out = OutputPortArray(DeviceAnswer, USERS, doc="Answers to `request_in` of the same index.")
    reply_out = OutputPortArray(DriverReply, USERS, doc="Replies to `call_in` of the same index.")
    value_out = OutputPortArray(PointValue, LISTENERS, doc="Every reading, for streams, channels and bridges.")
    health_out = OutputPortArray(DeviceHealth, LISTENERS, doc="How devices are, at each change.")

    devices = Channel(U32, on_change=True, doc="Devices in the registry.")
    points = Channel(U32, on_change=True, doc="Points in the registry.")
    running = Channel(U32, on_change=True, doc="Enabled devices whose last poll has brought values.")
    failed = Channel(U32, on_change=True, doc="Enabled devices that cannot work as they are.")
    not_running = Channel(U32, on_change=True, doc="Enabled devices that are not running, the failed ones among them.")
    polls_ok = Channel(U32, on_change=True, doc="Polls since the start that have brought values.")
    polls_err = Channel(U32, on_change=True, doc="Polls since the start that have not.")
    poll_p95_ms = Channel(F64, on_change=True, unit="ms", doc="95 of the last 100 polls took no longer.")
    db_ms = Channel(F64, on_change=True, unit="ms", doc="How long the last transaction of a poll took.")
    slips = Channel(U32, on_change=True, doc="Polls since the start that were left out, as their device was busy.")
    stale_points = Channel(U32, on_change=True, doc="Points of enabled devices whose value is stale.")
    leases = Channel(U32, on_change=True, doc="Writes in force.")
    overrides = Channel(U32, on_change=True, doc="Patterns of operator overrides in force.")

    default_interval = Parameter(
        F64, default=5.0, low=0.1, high=3600.0, unit="s", doc="The interval of a device for which none is given."
    )
    timeout_s = Parameter(F64, default=15.0, low=0.1, high=600.0, unit="s", doc="How long an operation may take.")
    close_s = Parameter(F64, default=5.0, low=0.1, high=60.0, unit="s", doc="How long a driver may take to close.")
    stale_factor = Parameter(F64, default=3.0, low=1.0, high=1000.0, doc="Intervals after which a value is stale.")
    backoff_max = Parameter(
        F64, default=300.0, low=0.1, high=86_400.0, unit="s", doc="The longest pause before a device is tried again."
    )
    stagger_s = Parameter(
        F64, default=0.02, low=0.0, high=10.0, unit="s", doc="From one device's first poll to the next one's."
    )
    lease_s = Parameter(
        F64, default=0.0, low=0.0, high=31_622_400.0, unit="s",
        doc="How long a write stays in force where nobody says so; 0: until it is released.",
    )  # fmt: skip
    release_in_safe_mode = Parameter(
        Bool,
        default=True,
        doc="Whether safe mode and hibernation release what was written, and let nothing be written.",
    )
    history_rows = Parameter(U32, default=100_000, low=0, high=100_000_000, doc="The most samples in the history.")
    history_age_s = Parameter(
        U32, default=604_800, low=60, high=315_360_000, unit="s", doc="The age at which samples are forgotten."
    )
    history_every_s = Parameter(
        U32, default=300, low=1, high=86_400, unit="s", doc="A value that does not change has a sample so often."
    )

    database = Setting(str, default="/building.sqlite", doc="The registry, in the root; durable.")
    values = Setting(str, default="/building_values.sqlite", doc="Last values and history, in the root.")
    seed = Setting(bool, default=True, doc="Whether a new registry gets the upstream's example device, disabled.")
    simulated_points = Setting(
        dict[str, str], default={}, check=check_simulated_points,
        doc="Points of simulated devices that a new registry gets, enabled: path (lab/room/Fan) -> object.",
    )  # fmt: skip

    # Life

    def initialize(self) -> None:
        self._engine: Engine | None = None
        self._mode = SystemMode.NORMAL
        self._api: Api | None = None
        self._durations_ns: deque[int] = deque(maxlen=POLLS_KEPT)
        self._listeners: list[Callable[..., object]] | None = None
        self._up: set[str] = set()
        self._ok = self._err = self._slips = 0
        self._db_ns = 0
        self._pruned_ns = self.clock.now_ns()

    def connections_changed(self) -> None:
        self._listeners = None

    def stop(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.end(STOP_LIMIT_S)

    def engine(self) -> Engine:
        """All that stands on the databases, which are opened by whoever needs them first. Raises `OSError`.

        The first tick need wait neither for them nor for their code.
        """
        if self._engine is None:
            from kittiwake_components.platform_driver.engine import Engine

            self._engine = Engine(self, self._context.loop)
            self._apply_parameters(self._engine)
            self._engine.begin()
        return self._engine

    def parameter_updated(self, name: str) -> None:
        if self._engine is not None:
            self._apply_parameters(self._engine)

    def _apply_parameters(self, engine: Engine) -> None:
        engine.values.stale_factor = self.stale_factor
        engine.values.sample_every_s = float(self.history_every_s)
        engine.changes.default_interval_s = self.default_interval

    # What the engine tells

    def tell_value(self, path: str, value_json: str, quality: Quality, time_us: int) -> None:
        """A reading, for all who listen."""
        if self._listeners is None:
            self._listeners = [
                tell for index, tell in enumerate(self.value_out) if self.is_connected(PlatformDriver.value_out, index)
            ]
        for tell in self._listeners:
            tell(path, value_json, quality, time_us)

    def tell_status(self, device: str, before: DeviceStatus, status: DeviceStatus, reason: str) -> None:
        """A device is in another state."""
        if status is DeviceStatus.RUNNING:
            if device not in self._up:  # a reload of one that is up is no news
                self._up.add(device)
                self.device_up(device)
        elif status is not DeviceStatus.STOPPED:
            self._up.discard(device)
        if status is DeviceStatus.ERROR:
            self.device_down(device, reason)
        elif status is DeviceStatus.FAILED:
            self.device_failed(device, reason)
        short = reason.encode("utf-8", "replace")[:REASON_SIZE].decode("utf-8", "ignore")
        for index, tell in enumerate(self.health_out):
            if self.is_connected(PlatformDriver.health_out, index):
                tell(device, status, short)

    def count_poll(self, is_ok: bool, duration_ns: int) -> None:
        """A poll has ended."""
        self._durations_ns.append(duration_ns)
        if is_ok:
            self._ok += 1
        else:
            self._err += 1

    def count_slips(self, device: str, slots: int) -> None:
        """Polls were left out."""
        self._slips += slots
        self.poll_slip(device, min(slots, U32_MAX))

    def keep(self, step: Callable[[], None]) -> None:
        """Takes a step that writes values; where the medium fails, the values are known all the same."""
        began_ns = self.platform.clock.meter_ns()
        try:
            step()
        except OSError as fault:
            self.database_fault(reason_of(fault))
        self._db_ns = self.platform.clock.meter_ns() - began_ns

    def when(self, condition: Callable[[], bool]) -> None:
        """Calls a condition after each turn of the loop until it says that it is done."""
        self._context.loop.when(condition)

    def why_nothing_is_written(self) -> str:
        """Why the mode allows no writes; empty where it does."""
        return f"nothing is written in {self._mode.name}" if self._is_safe() else ""

    def _is_safe(self) -> bool:
        return self.release_in_safe_mode and self._mode in (SystemMode.SAFE_MODE, SystemMode.HIBERNATE)

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Opens the databases where they are not, tells of values that got stale, and updates the channels."""
        try:
            engine = self.engine()
            now_ns = self.clock.now_ns()
            if now_ns - self._pruned_ns >= PRUNE_EVERY_S * NS_PER_S:
                self._pruned_ns = now_ns
                oldest_us = self.clock.wall_ns() // 1000 - self.history_age_s * 1_000_000
                engine.value_store.prune(self.history_rows, oldest_us)
            self._show(engine)
        except OSError as fault:
            self.database_fault(reason_of(fault))

    def _show(self, engine: Engine) -> None:
        loops = [loop for loop in engine.loops.by_id.values() if loop.device.enabled]
        states = [loop.status for loop in loops]
        self.devices = engine.store.count_devices()
        self.points = engine.store.count_points()
        self.running = states.count(DeviceStatus.RUNNING)
        self.failed = states.count(DeviceStatus.FAILED)
        self.not_running = len(states) - self.running
        self.polls_ok, self.polls_err = self._ok & U32_MAX, self._err & U32_MAX
        durations = sorted(self._durations_ns)
        self.poll_p95_ms = durations[len(durations) * 95 // 100] / 1e6 if durations else 0.0
        self.db_ms = self._db_ns / 1e6
        self.slips = self._slips & U32_MAX
        self.stale_points = engine.values.tell_stale(loops)
        self.leases = len(engine.leases)
        self.overrides = len(engine.overrides.patterns())

    @async_port(SystemModeChanged, priority=1, full="drop_oldest")
    def mode_in(self, mode: SystemMode) -> None:
        """In safe mode and in hibernation what was written is released, if RELEASE_IN_SAFE_MODE says so."""
        self._mode = mode
        if self._engine is not None and self._is_safe():
            self._engine.leases.make_due()

    @async_port(DeviceRequest, size=USERS, full="hook")
    def request_in(self, index: int, token: int, action: DeviceAction, body: bytes) -> None:
        """An action of `ports.building`, answered at `answer_out` of the same index."""

        def reply(answer: bytes) -> None:
            if self.is_connected(PlatformDriver.answer_out, index):
                self.answer_out[index](token, answer)

        try:
            engine = self.engine()
        except OSError as fault:
            self._refuse(index, token, f"the database cannot be used: {reason_of(fault)}")
            return
        engine.requests.take(action, body, reply)

    def request_in_overflow(self, index: int, token: int, action: DeviceAction, body: bytes) -> None:
        """The queue has no room for a request."""
        self._refuse(index, token, "too many requests wait already")

    def _refuse(self, index: int, token: int, why: str) -> None:
        from kittiwake_components.platform_driver.requests import refusal

        if self.is_connected(PlatformDriver.answer_out, index):
            self.answer_out[index](token, refusal(why))

    @async_port(DriverCall, size=USERS, full="hook")
    def call_in(self, index: int, token: int, method: str, arguments: bytes) -> None:
        """A method of the service, answered at `reply_out` of the same index."""

        def reply(status: int, etag: str, body: bytes) -> None:
            if self.is_connected(PlatformDriver.reply_out, index):
                self.reply_out[index](token, status, etag, body)

        if self._api is None:
            from kittiwake_components.platform_driver.api import Api

            self._api = Api(self.engine)
        self._api.call(method, arguments, reply)

    def call_in_overflow(self, index: int, token: int, method: str, arguments: bytes) -> None:
        """The queue has no room for a call."""
        if self.is_connected(PlatformDriver.reply_out, index):
            self.reply_out[index](token, 503, "", b'{"detail":"too many calls wait already"}')

    # Commands

    def _refused(self, fault: Exception) -> CommandError:
        """What a command that cannot be carried out is answered; Health's event says why."""
        if isinstance(fault, OSError):
            self.database_fault(reason_of(fault))
            return CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault))
        is_of_device = isinstance(fault, Refusal) and fault.is_of_device
        response = CommandResponse.EXECUTION_ERROR if is_of_device else CommandResponse.VALIDATION_ERROR
        return CommandError(response, str(fault))

    def _do(self, step: Callable[[Engine], Any]) -> Any:
        """The result of a step. Raises `CommandError`."""
        try:
            return step(self.engine())
        except (Refusal, OSError) as fault:
            raise self._refused(fault) from None

    async def _ask(self, step: Callable[[Engine, Callable[[Any], None]], None]) -> Any:
        """What a step's callback is told. Raises `CommandError`."""
        answer = self.clock.reply()
        self._do(lambda engine: step(engine, answer.set))
        result = await answer
        if isinstance(result, Exception):
            raise self._refused(result)
        return result

    def _members(self, text: str) -> dict[str, Any]:
        try:
            members = unpacked(text) if text else {}
        except ValueError as fault:
            raise self._refused(Refusal(f"{text} is no JSON: {fault}")) from None
        if not isinstance(members, dict):
            raise self._refused(Refusal(f"{text} is no JSON object"))
        return members

    def _device(self, name: str) -> Device:
        device: Device = self._do(lambda engine: engine.directory.device(name))
        return device

    def _point(self, path: str) -> Point:
        point: Point = self._do(lambda engine: engine.directory.point(path))[1]
        return point

    @command
    def device_add(
        self, name: DeviceName, driver_type: Annotated[str, Size(40)], address: Annotated[str, Size(ADDRESS_SIZE)],
        settings: Json,
    ) -> None:  # fmt: skip
        """Adds a device, disabled unless `settings`, a JSON object of more members (or empty), says otherwise."""
        members = self._members(settings)
        if self._do(lambda engine: engine.store.devices_named(name.strip("/"))):
            raise self._refused(Refusal(f"there is a device {name} already, and a command knows devices by name"))
        body = {"name": name, "driver_type": driver_type, "device_address": address}
        self._do(lambda engine: engine.changes.create_device({**members, **body}))

    @command
    async def device_update(self, device: DeviceName, changes: Json) -> None:
        """Changes members of a device: a JSON object such as {"scrape_interval_seconds": 10}."""
        id, members = self._device(device).id, self._members(changes)
        await self._ask(lambda engine, done: engine.changes.patch_device(id, members, "", done))

    @command
    async def device_remove(self, device: DeviceName) -> None:
        """Removes a device with its points; what was written to them is released first, if it answers."""
        id = self._device(device).id
        await self._ask(lambda engine, done: engine.changes.remove_device(id, "", done))

    @command
    async def device_enable(self, device: DeviceName, enabled: Enabled) -> None:
        """Switches a device on or off."""
        id, body = self._device(device).id, {"enabled": enabled is Enabled.ENABLED}
        await self._ask(lambda engine, done: engine.changes.patch_device(id, body, "", done))

    @command
    def point_add(
        self, device: DeviceName, name: DeviceName, object_identifier: Annotated[str, Size(IDENTIFIER_SIZE)],
        settings: Json,
    ) -> None:  # fmt: skip
        """Adds a point to a device. `settings` is a JSON object of more members, or empty."""
        id, members = self._device(device).id, self._members(settings)
        body = {"name": name, "object_identifier": object_identifier}
        self._do(lambda engine: engine.changes.create_point(id, {**members, **body}))

    @command
    async def point_update(self, point: PointPath, changes: Json) -> None:
        """Changes members of a point: a JSON object such as {"units": "degC"}."""
        id, members = self._point(point).id, self._members(changes)
        await self._ask(lambda engine, done: engine.changes.patch_point(id, members, "", done))

    @command
    async def point_remove(self, point: PointPath) -> None:
        """Removes a point; what was written to it is released first, if its device answers."""
        id = self._point(point).id
        await self._ask(lambda engine, done: engine.changes.remove_point(id, "", done))

    @command
    def poll_now(self, device: DeviceName) -> None:
        """Polls a device now, or tries to reach it; its rate goes on from here."""
        self._do(lambda engine: engine.directory.loop(device).poll_now())

    @command
    async def reload(self, device: DeviceName) -> None:
        """Ends a device's session and begins a new one from the registry, whatever became of the old one."""
        id = self._device(device).id
        await self._ask(lambda engine, done: engine.loops.reload(id, lambda: done(None)))

    @command
    async def write_point(self, point: PointPath, value: Json, priority: U8, lease_s: U32) -> None:
        """Writes a value (JSON; null releases) with a BACnet priority (0: the lowest) for a time (0: as LEASE_S says).

        Answers once the device has taken it.
        """
        try:
            wanted = unpacked(value)
        except ValueError:
            raise self._refused(Refusal(f"{value} is no JSON; a text stands in quotes")) from None
        length_s = float(lease_s) or self.lease_s
        await self._ask(lambda engine, done: engine.write(point, wanted, priority or None, length_s, done))

    @command(exclusive=True)
    async def discover(self, driver_type: Annotated[str, Size(40)], where: DeviceName) -> None:
        """Looks for devices of a driver's type, or with an empty type for the points of the device `where`."""
        if driver_type:
            found = await self._ask(lambda engine, done: engine.find_devices(driver_type, where, done))
            lines = [(one.name, one.address, one.description) for one in found]
        else:
            found = await self._ask(lambda engine, done: engine.discover(where, done))
            lines = [(one.name, one.object_identifier, one.units) for one in found]
        for line in lines[:MAX_FOUND_EVENTS]:
            self.found(*line)
        self.discovery_done(len(lines), min(len(lines), MAX_FOUND_EVENTS))

    @command
    def import_points(self, device: DeviceName, file: FileName) -> None:
        """Takes the points of a CSV file of the root into a device, all of them or none."""
        from kittiwake_components.platform_driver.api import import_csv
        from kittiwake_components.platform_driver.point_files import MAX_FILE

        id = self._device(device).id
        try:
            text = self.platform.files.read(self.root.resolve(file), MAX_FILE).decode("utf-8")
        except UnicodeDecodeError:
            raise self._refused(Refusal(f"{file} is no UTF-8")) from None
        except OSError as fault:
            raise self._refused(Refusal(f"{file}: {reason_of(fault)}")) from None
        added, changed = self._do(lambda engine: import_csv(engine, id, text))
        self.points_imported(file, added, changed)

    @command
    def export_points(self, device: DeviceName, file: FileName) -> None:
        """Writes a device's points to a CSV file of the root."""
        from kittiwake_components.platform_driver.point_files import write_points

        id = self._device(device).id
        points = self._do(lambda engine: engine.store.points(id))
        try:
            path = self.root.resolve(file)
            place_file(self.platform.files, path, [write_points(points).encode()])
            self.platform.files.sync_folder(posixpath.dirname(path))
        except OSError as fault:
            raise self._refused(Refusal(f"{file}: {reason_of(fault)}")) from None
        self.points_exported(file, len(points))
