"""Decides who may write to which device, and when; and carries reads and writes to the driver."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from kittiwake.model import (
    F64,
    U8,
    U32,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    String,
    async_port,
    command,
    sync_port,
)
from kittiwake.model.fw import Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.actuator.device_calls import Answer, packed, refused, unpacked
from kittiwake_components.actuator.reports import ActuatorReports
from kittiwake_components.actuator.times import NaivePolicy
from kittiwake_components.actuator.wire_types import (
    SHOWN_HOLDERS,
    CommandSlots,
    DeviceHolder,
    DeviceHolders,
    DeviceName,
    JsonValue,
    OnRelease,
    PointPath,
    PointPaths,
    PointWrites,
    Priority,
    TaskName,
)
from kittiwake_components.daily_window import US_PER_S, find_zone
from kittiwake_components.deployment_time import time_is_known
from kittiwake_components.ports.actuator import BODY_SIZE, REQUESTER_SIZE, BusPublish, BusRequest, RpcAnswer, RpcRequest
from kittiwake_components.ports.building import DeviceAction, DeviceAnswer, DeviceRequest
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.mode import SystemMode, SystemModeChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.device_calls import Then
    from kittiwake_components.actuator.engine import Engine
    from kittiwake_components.actuator.schedules import Result

CALLERS = 8
"""How many components may call: servers of agents, and agents."""

MAX_LISTED = 16
MAX_FILE = 4 << 20
MAX_HEARD = 10_000
ZONE_SIZE = 40
_U32_MAX = 0xFFFFFFFF
_INVALID = CommandResponse.VALIDATION_ERROR
_FAILED = CommandResponse.EXECUTION_ERROR
_SUSPENDING = (SystemMode.SAFE_MODE, SystemMode.HIBERNATE)


def check_requester(name: str) -> None:
    """The check of the setting `requester`. Raises `ValueError`."""
    if not 1 <= len(name.encode()) <= REQUESTER_SIZE:
        raise ValueError(f"a requester has 1 to {REQUESTER_SIZE} bytes")


def check_points(points: list[str]) -> None:
    """The check of the setting `heartbeat_points`. Raises `ValueError`."""
    from kittiwake_components.actuator.point_paths import read_point

    for point in points:
        read_point(point)
    if len(set(points)) < len(points):
        raise ValueError("each heartbeat point is named once")


class Actuator(ActuatorReports):
    """Write access to devices by schedule (VOLTTRON's ActuatorAgent).

    Requesters ask for slots and get them by priority; those who hold a device write to it. What was accepted outlives
    every restart, and what a task has written is reverted at its end, if it wishes so.
    """

    device_out = OutputPort(DeviceRequest, doc="What is asked of the driver.")
    rpc_answer_out = OutputPortArray(RpcAnswer, CALLERS, doc="Answers to `rpc_request_in` of the same index.")
    message_out = OutputPort(BusPublish, doc="What the original publishes, on its topics.")

    active_tasks = Channel(U32, on_change=True, doc="Tasks that have started.")
    pending_tasks = Channel(U32, on_change=True, doc="Tasks that have not.")
    held_devices = Channel(U32, on_change=True, doc="Devices that somebody holds now.")
    holders = Channel(
        DeviceHolders, on_change=True, doc="Who holds a device, and until when: the first eight devices by name."
    )
    preemptions = Channel(U32, on_change=True, doc="Tasks that were preempted since the start.")
    lock_errors = Channel(U32, on_change=True, doc="Writes that were denied since the start.")
    waiting_requests = Channel(U32, on_change=True, doc="Requests that wait for their devices.")
    suspended = Channel(Bool, on_change=True, doc="Whether nobody may write: safe mode or hibernation.")

    preempt_grace_s = Parameter(
        U32, default=60, low=0, high=86_400, unit="s", doc="What a preempted task keeps of its open slots, at most."
    )
    publish_interval_s = Parameter(
        U32, default=60, low=1, high=86_400, unit="s", doc="The holders of devices are announced this often, and more."
    )
    heartbeat_s = Parameter(U32, default=60, low=1, high=86_400, unit="s", doc="Interval of the heartbeat points.")
    allow_no_lock_write = Parameter(
        Bool, default=False, doc="Whether anybody may write to a device that nobody holds; True is the original's way."
    )
    naive_tz = Parameter(NaivePolicy, default=NaivePolicy.LOCAL, doc="What a time without a zone means.")
    tz = Parameter(String(ZONE_SIZE), default="UTC", doc="The local zone, by IANA's name.")
    on_release = Parameter(
        OnRelease, default=OnRelease.HOLD, doc="What becomes of written points, for tasks that do not say."
    )
    device_timeout_s = Parameter(
        U32, default=15, low=1, high=3600, unit="s", doc="A request that its device has not answered then has failed."
    )
    lease_s = Parameter(
        U32, default=0, low=0, high=86_400, unit="s",
        doc="A program's task that holds a device is cancelled after so long without a word of its owner; 0: never.",
    )  # fmt: skip
    suspend_in_safe_mode = Parameter(
        Bool, default=True, doc="Whether safe mode and hibernation revert what was written and let nobody write."
    )

    requester = Setting(str, default="operator", check=check_requester, doc="Who asks by command: one for all of them.")
    state_file = Setting(str, default="/actuator.journal", doc="The journal of the schedule, inside the root.")
    heartbeat_points = Setting(list[str], default=[], check=check_points, doc="Paths of the points that are beaten.")

    def initialize(self) -> None:
        self._engine: Engine | None = None
        self._mode = SystemMode.NORMAL
        self._heard_ns: dict[str, int] = {}
        self._held_at = -1
        self._start_ns = 0
        self.is_suspended = False

    def start(self) -> None:
        self._start_ns = self.clock.now_ns()

    def stop(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def engine(self) -> Engine:
        """The schedule and all that stands on it, opened by the first cycle, or by who asks for something before.

        The first tick need wait neither for it nor for its code; until then nobody holds anything or is reverted.
        """
        if self._engine is None:
            from kittiwake_components.actuator.engine import Engine

            self._engine = Engine(self, self._send, self._publish)
            self._engine.begin()
        return self._engine

    def parameter_updated(self, name: str) -> None:
        if name == "tz":
            try:
                find_zone(self.tz)
            except ValueError as fault:
                raise CommandError(_INVALID, str(fault)) from None
        if name == "on_release" and self.on_release is OnRelease.DEFAULT:
            raise CommandError(_INVALID, "HOLD or REVERT is wanted")
        engine = self._engine
        if engine is None:
            return
        if name == "heartbeat_s":
            engine.begin_beating()
        if name == "publish_interval_s":
            engine.announcements.set_interval(self.publish_interval_s)
        if name == "suspend_in_safe_mode":
            engine.follow_mode()

    # Time

    def now_us(self) -> int:
        """The wall time."""
        return self.clock.wall_ns() // 1000

    def time_is_known(self) -> bool:
        """Whether the wall clock can be trusted; until then nobody holds anything."""
        return time_is_known(self._tags)

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Follows a clock that was set, tries again what could not be reverted, and updates the channels."""
        self.engine().cycle()
        self.show()
        self.show_held()

    def schedule_changed(self) -> None:
        """A task came or went."""
        self.engine().announcements.changed()
        self.show()

    def show(self) -> None:
        """Updates the channels that cost nothing."""
        engine = self.engine()
        self.active_tasks, self.pending_tasks = engine.schedules.counts()
        self.preemptions = engine.schedules.preemptions & _U32_MAX
        self.lock_errors = engine.values.lock_errors & _U32_MAX
        self.waiting_requests = len(engine.calls)
        self.suspended = self.is_suspended

    def show_held(self) -> None:
        """Updates the channels of the holders, if the schedule has changed."""
        schedules = self.engine().schedules
        changes = schedules.book.changes
        if changes == self._held_at:
            return
        self._held_at = changes
        held = schedules.holders()
        self.held_devices = len(held)
        first = [
            DeviceHolder(device, one.owner, min(max(0, one.end_us // US_PER_S), _U32_MAX))
            for device, one in islice(held.items(), SHOWN_HOLDERS)
        ]
        self.holders = (*first, *[DeviceHolder()] * (SHOWN_HOLDERS - len(first)))

    # Modes

    @sync_port(SystemModeChanged)
    def mode_in(self, mode: SystemMode) -> None:
        """In safe mode and in hibernation nobody writes, and what was written is reverted."""
        self._mode = mode
        if self._engine is not None:
            self._engine.follow_mode()

    def is_unsafe_to_write(self) -> bool:
        """Whether the mode lets nobody write."""
        return self.suspend_in_safe_mode and self._mode in _SUSPENDING

    # Requesters

    def _hear(self, requester: str) -> None:
        if self._heard_ns.pop(requester, None) is None and len(self._heard_ns) >= MAX_HEARD:
            del self._heard_ns[next(iter(self._heard_ns))]
        self._heard_ns[requester] = self.clock.now_ns()

    def was_heard(self, requester: str) -> bool:
        """Whether a requester has shown itself within LEASE_S."""
        last_ns = self._heard_ns.get(requester, self._start_ns)
        return requester == self.requester or self.clock.now_ns() - last_ns < self.lease_s * NS_PER_S

    @async_port(RpcRequest, size=CALLERS, full="hook")
    def rpc_request_in(self, index: int, token: int, requester: str, method: str, arguments: bytes) -> None:
        """A call by a requester whose identity is known, answered at `rpc_answer_out` of the same index."""
        self._hear(requester)
        self.engine().rpc.call(requester, method, arguments, lambda answer: self._answer(index, token, answer))

    def rpc_request_in_overflow(self, index: int, token: int, requester: str, method: str, arguments: bytes) -> None:
        """A call for which there is no room."""
        self._answer(index, token, refused("RuntimeError", "the actuator is busy"))

    def _answer(self, index: int, token: int, answer: Answer) -> None:
        if not self.is_connected(Actuator.rpc_answer_out, index):
            return
        if answer.fault is None:
            members: dict[str, Any] = {"result": answer.result}
        else:
            members = {"error": {"type": answer.fault.type, "value": answer.fault.value[:1000]}}
        try:
            reply = packed(members)
            why = f"the result takes {len(reply)} bytes, more than {BODY_SIZE}" if len(reply) > BODY_SIZE else ""
        except ValueError as fault:
            why = str(fault)
        self.rpc_answer_out[index](token, packed({"error": {"type": "ValueError", "value": why}}) if why else reply)

    @async_port(BusRequest, full="drop")
    def message_in(self, requester: str, topic: str, headers: bytes, body: bytes) -> None:
        """A message on a topic, by a requester whose identity is known; others' topics are left alone."""
        if self.engine().bus.take(requester, topic, headers, body):
            self._hear(requester)

    @async_port(DeviceAnswer, priority=1, full="drop")
    def device_answer_in(self, token: int, reply: bytes) -> None:
        """What the driver has answered."""
        calls = self.engine().calls
        calls.answered(token, reply)
        self.waiting_requests = len(calls)

    def _send(self, token: int, action: DeviceAction, body: bytes) -> bool:
        if not self.is_connected(Actuator.device_out):
            return False
        self.device_out(token, action, body)
        return True

    def _publish(self, topic: str, headers: bytes, body: bytes) -> None:
        if self.is_connected(Actuator.message_out):
            self.message_out(topic, headers, body)

    # Commands

    def _ask_schedule(self, task: Any, priority: Any, slots: Any, on_release: Any) -> None:
        self._hear(self.requester)
        self._check(self.engine().request(self.requester, task, priority, slots, on_release))

    def _check(self, result: Result) -> None:
        if not result.is_success:
            malformed = result.info.startswith(("MALFORMED", "MISSING", "INVALID"))
            raise CommandError(_INVALID if malformed else _FAILED, result.info)

    async def _asked(self, ask: Callable[[Engine, Then], None]) -> Any:
        """The result of something asked of a device. Raises `CommandError` if it was not done."""
        self._hear(self.requester)
        reply = self.clock.reply()
        ask(self.engine(), reply.set)
        answer: Answer = await reply
        if answer.fault is not None:
            raise CommandError(_FAILED, f"{answer.fault.type}: {answer.fault.value}")
        return answer.result

    @command
    def new_schedule(self, task: TaskName, priority: Priority, on_release: OnRelease, slots: CommandSlots) -> None:
        """Asks for up to 8 slots; those without times are left out. Times are as TZ and NAIVE_TZ have them."""
        wanted = [[slot.device, slot.start, slot.end] for slot in slots if slot.start or slot.end]
        self._ask_schedule(task, priority.name, wanted, on_release.name)

    @command
    def new_schedule_file(self, file: FileName) -> None:
        """Asks for the slots in a JSON file: an object of `task`, `priority`, `slots`, and perhaps `on_release`."""
        try:
            wanted = unpacked(self.platform.files.read(self.root.resolve(file), MAX_FILE))
        except OSError as fault:
            raise CommandError(_FAILED, f"{file}: {reason_of(fault)}") from None
        except ValueError as fault:
            raise CommandError(_INVALID, f"{file}: {fault}") from None
        if not isinstance(wanted, dict):
            raise CommandError(_INVALID, f"{file}: an object of task, priority and slots is wanted")
        of = wanted.get
        self._ask_schedule(of("task"), of("priority"), of("slots"), of("on_release"))

    @command
    def cancel_schedule(self, task: TaskName) -> None:
        """Takes a task of the commands' requester back."""
        self._hear(self.requester)
        self._check(self.engine().schedules.cancel(self.requester, task))

    @command
    async def get_point(self, point: PointPath) -> None:
        """Reads a point, and reports its value."""
        value = await self._asked(lambda engine, then: engine.values.get_point(point, None, then))
        self.point_read(point, packed(value).decode())

    @command
    async def set_point(self, point: PointPath, value: JsonValue, priority: U8) -> None:
        """Writes a value, in JSON, for who holds the device; `priority` is BACnet's, and 0 the driver's own."""
        wanted = _json_value(value)
        await self._asked(
            lambda engine, then: engine.values.set_point(self.requester, point, wanted, None, priority or None, then),
        )

    @command
    async def get_multiple(self, points: PointPaths) -> None:
        """Reads up to 8 points, and reports their values; empty paths are left out."""
        wanted = [point for point in points if point]
        values, errors = await self._asked(lambda engine, then: engine.values.get_multiple(wanted, then))
        for point, value in values.items():
            self.point_read(point, packed(value).decode())
        self._fail_some(errors)

    @command
    async def set_multiple(self, writes: PointWrites, priority: U8) -> None:
        """Writes up to 8 points; empty paths are left out. All locks are checked before the first write."""
        wanted = [[write.point, _json_value(write.value)] for write in writes if write.point]
        failed = await self._asked(
            lambda engine, then: engine.values.set_multiple(self.requester, wanted, priority or None, then),
        )
        self._fail_some(failed)

    def _fail_some(self, failed: dict[str, Any]) -> None:
        for point, error in failed.items():
            self.device_refused(self.requester, point, str(error))
        if failed:
            raise CommandError(_FAILED, f"{len(failed)} points failed")

    @command
    async def revert_point(self, point: PointPath) -> None:
        """Gives a point its default or last clean value back, for who holds the device."""
        await self._asked(lambda engine, then: engine.values.revert_point(self.requester, point, None, then))

    @command
    async def revert_device(self, device: DeviceName) -> None:
        """Reverts all that was written on a device, for who holds it."""
        await self._asked(lambda engine, then: engine.values.revert_device(self.requester, device, then))

    @command
    async def override_on(
        self, pattern: DeviceName, duration_s: F64, failsafe_revert: Bool, staggered_revert: Bool
    ) -> None:
        """Lets nobody write to the devices that a shell pattern matches, for so long; 0: until it is switched off."""
        await self._asked(
            lambda engine, then: engine.overrides.set_on(
                self.requester, pattern, duration_s, failsafe_revert, staggered_revert, then
            ),
        )

    @command
    async def override_off(self, pattern: DeviceName) -> None:
        """Takes an override back, by the exact text of its pattern."""
        await self._asked(lambda engine, then: engine.overrides.set_off(self.requester, pattern, then))

    @command
    def list_schedule(self, offset: U32) -> None:
        """Reports up to 16 tasks from `offset` on, in the order in which they were accepted."""
        from kittiwake_components.actuator.tasks import shown

        schedules = self.engine().schedules
        tasks = schedules.listed(offset, MAX_LISTED)
        now_us = self.now_us()
        for task in tasks:
            slot = min(task.slots, key=lambda one: one.start_us, default=None)
            device, start, end = ("", "", "") if slot is None else shown(slot)
            self.task_listed(
                task.id, task.owner, task.priority.name, task.state(now_us).name, len(task.slots), device, start, end
            )
        self.tasks_listed(len(tasks), len(schedules.book.tasks))

    @command
    async def clear_overrides(self) -> None:
        """Takes all overrides back."""
        await self._asked(lambda engine, then: engine.overrides.clear(self.requester, then))

    @command
    async def list_overrides(self) -> None:
        """Reports the patterns in force, and the devices that they match."""
        self.overrides_listed(packed(await self._asked(lambda engine, then: engine.overrides.patterns(then))).decode())
        self.overrides_listed(packed(await self._asked(lambda engine, then: engine.overrides.devices(then))).decode())


def _json_value(text: str) -> Any:
    try:
        return unpacked(text.encode())
    except ValueError:
        raise CommandError(_INVALID, f'{text!r} is no JSON value, as 21.5, true, null and "auto" are') from None
