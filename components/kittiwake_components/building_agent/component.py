"""Agents that steer a building: what each does is a subclass; when it may, and that nothing of it stays, is here."""

from __future__ import annotations

from typing import Annotated, Any

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    F64,
    U8,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Channel,
    OutputPort,
    Parameter,
    Setting,
    Size,
    async_port,
    event,
    guarded_port,
    internal_port,
    wire_enum,
)
from kittiwake.model.fw import Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.daily_window import iso_time
from kittiwake_components.point_access import (
    LOCK_ERROR,
    Calls,
    NoValue,
    Value,
    Values,
    WriteFault,
    packed_call,
    result_of_rpc,
    switch_of,
    value_of_reply,
)
from kittiwake_components.ports.actuator import REQUESTER_SIZE, RpcAnswer, RpcRequest
from kittiwake_components.ports.mode import SystemMode, SystemModeChanged
from kittiwake_components.ports.platform_driver import PATH_SIZE, DriverCall, DriverReply, PointValue, Quality

REASON_SIZE = 160
STAGES_MAX = 16
HELD_MAX = 1000
SHED_TASK = "shed"
SHED_LIMIT_S = 86_400.0
"""How long loads are shed at most where the actuator is asked; it reverts them then."""

RETRY_NS = 60 * NS_PER_S
"""From one try to release a point to the next, while the agent is off."""

U32_MAX = 0xFFFFFFFF
US_PER_S = 1_000_000

Reason = Annotated[str, Size(REASON_SIZE)]
PointPath = Annotated[str, Size(PATH_SIZE)]


@wire_enum(U8, name="Components.AgentState")
class AgentState(IntEnum):
    """What an agent does."""

    OFF = 0
    """It is switched off, or not begun."""
    RUNNING = 1
    """It takes its steps."""
    FAILED = 2
    """Its last step has failed: what it wrote is released, and it begins anew when the next step is due."""


class BuildingAgent(ActiveComponent):
    """Base of those who steer a building's devices (easy-aso's agents): a subclass has `on_step`, and others as needed.

        class NightSetback(BuildingAgent):
            async def on_step(self) -> None:
                if self.number("OutsideTemp") < 5.0:
                    await self.write("Setpoint", 18.0)

    What it has written is released when it is switched off, when a step fails, in safe mode and when it ends.
    """

    rpc_out = OutputPort(RpcRequest, doc="Calls of the actuator. If it is connected, all is written by the actuator.")
    call_out = OutputPort(DriverCall, doc="Calls of the platform driver, for agents that need no schedule.")

    state = Channel(AgentState, on_change=True, doc="What the agent does.")
    steps = Channel(U32, on_change=True, doc="Steps since the start that were done.")
    failed_steps = Channel(U32, on_change=True, doc="Steps since the start that failed, and starts that did.")
    held_points = Channel(U32, on_change=True, doc="Points that it has written and not released.")

    optimization_enable = Parameter(
        Bool, default=True, doc="The kill switch: false stops the agent and releases all that it wrote."
    )

    step_s = Setting(float, default=60.0, low=0.1, high=86_400.0, doc="From one step to the next (EASY_ASO_STEP_SEC).")
    points = Setting(dict[str, str], default={}, doc="The paths of points, by the names that the agent has for them.")
    enable_point = Setting(str, default="", doc="A point that has to be on as well; empty: none.")
    requester = Setting(str, default="", doc="Who the agent is for the actuator; empty: the instance's name.")
    priority = Setting(int, default=10, low=1, high=16, doc="The BACnet priority of its writes.")

    @event(ACTIVITY_HI, "The agent has started")
    def agent_started(self) -> None: ...

    @event(ACTIVITY_HI, "The agent has stopped: {reason}")
    def agent_stopped(self, reason: Reason) -> None: ...

    @event(WARNING_HI, "The agent has failed, and what it wrote is released: {reason}", throttle=10, every_s=3600.0)
    def step_failed(self, reason: Reason) -> None: ...

    @event(WARNING_HI, "{point} is not released: {reason}", throttle=20, every_s=3600.0)
    def release_failed(self, point: PointPath, reason: Reason) -> None: ...

    @event(WARNING_LO, "No schedule {task}: {reason}", throttle=20, every_s=3600.0)
    def schedule_refused(self, task: Annotated[str, Size(REQUESTER_SIZE)], reason: Reason) -> None: ...

    # What a subclass has

    async def on_start(self) -> None:
        """Called before the first step after each start. What it raises is as if a step had."""

    async def on_step(self) -> None:
        """Called every `step_s`. It awaits what the agent offers; what it raises releases all that was written."""
        raise NotImplementedError

    def on_stop(self) -> None:
        """Called once after each start, whatever has ended it, before what was written is released."""

    # What a subclass calls

    def value(self, name: str) -> Value:
        """The last good value of a point. Raises `NoValue` if there is none, or if it is stale."""
        return self._values.latest(self.path_of(name))

    def number(self, name: str) -> float:
        """The same as a number. Raises `NoValue` for what is none."""
        value = self.value(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        raise NoValue(f"{self.path_of(name)} is {value!r}, no number")

    async def write(self, name: str, value: Value) -> Value:
        """Writes a point; the value that the device took. Raises `WriteFault`, also while the agent is switched off."""
        if not self._is_active or self._obstacle():
            raise WriteFault("RuntimeError", "the agent is switched off")
        path = self.path_of(name)
        if path not in self._held and len(self._held) >= HELD_MAX:
            raise WriteFault("RuntimeError", f"it has written {HELD_MAX} points already")
        self._held[path] = None  # before it is known, for a write that is not answered may have been done
        self.held_points = len(self._held)
        return await self._set(path, value)

    async def release(self, name: str) -> None:
        """Takes back what was written to a point. Raises `WriteFault`; one that is no longer ours was released."""
        path = self.path_of(name)
        try:
            await self._set(path, None)
        except WriteFault as fault:
            if fault.kind != LOCK_ERROR:
                raise
        self._held.pop(path, None)
        self.held_points = len(self._held)

    async def schedule(self, task: str, priority: str, devices: list[str], duration_s: float) -> bool:
        """Asks the actuator for devices from now on, all or none; whether they were granted.

        `priority` is HIGH, LOW or LOW_PREEMPT. What is written is reverted at the end, and when the task is preempted.
        """
        name = f"{self._requester()} {task}"
        now_us = self.clock.wall_ns() // 1000
        begin, end = iso_time(now_us), iso_time(now_us + round(duration_s * US_PER_S))
        slots = [[device, begin, end] for device in devices]
        await self._cancel(name)  # what a life before this one has left
        try:
            answer = await self._rpc("request_new_schedule", "", name, priority, slots, "revert")
        except WriteFault as fault:
            answer = {"result": "FAILURE", "info": str(fault)}
        if answer["result"] != "SUCCESS":
            self.schedule_refused(name, str(answer["info"]))
            return False
        self._tasks[name] = None
        return True

    async def end_schedule(self, task: str) -> None:
        """Gives the devices of a schedule back; what was written under it is reverted. Nothing happens without one."""
        name = f"{self._requester()} {task}"
        if name in self._tasks and await self._cancel(name):
            self._tasks.pop(name, None)

    def has_schedule(self, task: str) -> bool:
        """Whether the schedule was granted and not given back; it may be over, or preempted, all the same."""
        return f"{self._requester()} {task}" in self._tasks

    def path_of(self, name: str) -> str:
        """The path of a point: that of the settings, or the name itself if it is one."""
        path = self.points.get(name, name).strip("/")
        if "/" not in path:
            raise NoValue(f"there is no point {name} in the settings")
        return path

    # Life

    def initialize(self) -> None:
        paths = {path.strip("/") for path in (*self.points.values(), self.enable_point) if path}
        self._values = Values(paths)
        self._calls = Calls(self.clock, int.from_bytes(self.platform.random.token_bytes(4), "big"))
        self._held: dict[str, None] = {}
        self._tasks: dict[str, None] = {}
        self._mode = SystemMode.NORMAL
        self._is_active = self._is_busy = self._is_ending = False
        self._due_ns = self._retry_ns = 0
        self._steps = self._failed = 0

    def stop(self) -> None:
        self._call_on_stop()
        # Nobody waits for these answers.
        for path in self._held:
            self._send_set(self._calls.next_token(), path, None)
        for task in self._tasks:
            self._send_rpc(self._calls.next_token(), "request_cancel_schedule", "", task)

    def _call_on_stop(self) -> None:
        if not self._is_active:
            return
        self._is_active = False  # first, so that it is called once whatever it raises
        try:
            self.on_stop()
        except Exception as fault:  # noqa: BLE001 - a subclass's fault keeps nothing from being released
            self.step_failed(f"on_stop: {type(fault).__name__}: {fault}")

    def _is_safe(self) -> bool:
        return self._mode in (SystemMode.SAFE_MODE, SystemMode.HIBERNATE)

    def _obstacle(self) -> str:
        """Why the agent may not run now; empty if it may."""
        if not self.optimization_enable:
            return "OPTIMIZATION_ENABLE is false"
        if self._is_safe():
            return f"the mode is {self._mode.name}"
        if self.enable_point:
            try:
                value = self._values.latest(self.enable_point.strip("/"))
            except NoValue as fault:
                return str(fault)
            if switch_of(value) is not True:
                return f"{self.enable_point} is {value!r}"
        return ""

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Begins and ends with the switches, and takes the step that is due."""
        if self._is_ending:
            return
        now_ns = self.clock.now_ns()
        obstacle = self._obstacle()
        if obstacle:
            if self._is_active or ((self._held or self._tasks) and now_ns >= self._retry_ns):
                self._is_ending = True
                self._end(obstacle)
            if not self._is_active:
                self.state = AgentState.OFF
        elif not self._is_busy and now_ns >= self._due_ns:
            self._is_busy = True
            self._step()

    @internal_port(full="hook")
    async def _step(self) -> None:
        """One step. It may wait for long: the end of the agent does not wait for it."""
        self._plan_next()
        try:
            if not self._is_active:
                self._is_active = True
                self.state = AgentState.RUNNING
                self.agent_started()
                await self.on_start()
            await self.on_step()
        except Exception as fault:  # noqa: BLE001 - whatever a subclass raises, what it wrote is released
            self._follow_fault(f"{type(fault).__name__}: {fault}")
        else:
            self._steps += 1
            self.steps = self._steps & U32_MAX
        finally:
            self._is_busy = False

    def _step_overflow(self) -> None:
        self._is_busy = False

    def _plan_next(self) -> None:
        period_ns = round(self.step_s * NS_PER_S)
        now_ns = self.clock.now_ns()
        if self._is_active:
            self._due_ns += ((now_ns - self._due_ns) // period_ns + 1) * period_ns
        else:
            self._due_ns = now_ns + period_ns

    def _follow_fault(self, reason: str) -> None:
        if self._obstacle() or not self._is_active:
            return  # it was switched off within the step; the next cycle ends it, or has done so
        self._failed += 1
        self.failed_steps = self._failed & U32_MAX
        self.step_failed(reason)
        self.state = AgentState.FAILED
        self._is_ending = True
        self._end(reason)

    @internal_port(full="hook")
    async def _end(self, reason: Reason) -> None:
        """Ends what was begun, and releases what was written; what cannot be released is tried again."""
        try:
            if self._is_active:
                self._call_on_stop()
                self.agent_stopped(reason)
            for path in list(self._held):
                try:
                    await self.release(path)
                except WriteFault as fault:
                    self._follow_release_fault(path, fault)
            for task in list(self._tasks):
                if await self._cancel(task):
                    self._tasks.pop(task, None)
        finally:
            self._retry_ns = self.clock.now_ns() + RETRY_NS
            self._is_ending = False

    def _end_overflow(self, reason: str) -> None:
        self._is_ending = False

    def _follow_release_fault(self, path: str, fault: WriteFault) -> None:
        if self._is_safe() and fault.kind == "RuntimeError":  # the driver lets nobody write then: it releases by itself
            self._held.pop(path, None)
            self.held_points = len(self._held)
        else:
            self.release_failed(path, str(fault))

    # Calls

    def _requester(self) -> str:
        return self.requester or self._context.name

    async def _set(self, path: str, value: Value) -> Value:
        if self.is_connected(BuildingAgent.rpc_out):
            answer = await self._calls.ask(lambda token: self._send_set(token, path, value))
            result: Value = result_of_rpc(answer)
        elif self.is_connected(BuildingAgent.call_out):
            result = value_of_reply(*await self._calls.ask(lambda token: self._send_set(token, path, value)))
        else:
            raise WriteFault("RuntimeError", "neither rpc_out nor call_out is connected")
        return result

    def _send_set(self, token: int, path: str, value: Value) -> None:
        if self.is_connected(BuildingAgent.rpc_out):
            self._send_rpc(token, "set_point", "", path, value, None, self.priority)
        elif self.is_connected(BuildingAgent.call_out):
            body = {"value": value, "priority": self.priority}
            self.call_out(token, "write_point", packed_call({"point_id": path, "body": body}))

    async def _rpc(self, method: str, *arguments: object) -> Any:
        if not self.is_connected(BuildingAgent.rpc_out):
            raise WriteFault("RuntimeError", "rpc_out is not connected")
        return result_of_rpc(await self._calls.ask(lambda token: self._send_rpc(token, method, *arguments)))

    def _send_rpc(self, token: int, method: str, *arguments: object) -> None:
        self.rpc_out(token, self._requester(), method, packed_call(arguments))

    async def _cancel(self, task: str) -> bool:
        """Gives a schedule back; whether the actuator has answered. One that it does not know is given back."""
        try:
            await self._rpc("request_cancel_schedule", "", task)
        except WriteFault:
            return False
        return True

    # Ports

    @guarded_port(PointValue)
    def value_in(self, point: str, value: str, quality: Quality, time_us: int) -> None:
        """A reading of a point; one that the agent does not look at is passed over."""
        self._values.take(point, value, quality)

    @async_port(SystemModeChanged, priority=1, full="drop_oldest")
    def mode_in(self, mode: SystemMode) -> None:
        """In safe mode and in hibernation the agent is switched off."""
        self._mode = mode

    @async_port(RpcAnswer, priority=1, full="drop")
    def rpc_answer_in(self, token: int, reply: bytes) -> None:
        """An answer of the actuator."""
        self._calls.answered(token, reply)

    @async_port(DriverReply, priority=1, full="drop")
    def reply_in(self, token: int, status: int, etag: str, body: bytes) -> None:
        """A reply of the platform driver."""
        self._calls.answered(token, (status, body))


def check_stages(shed: dict[str, float]) -> None:
    """The check of the setting `shed`. Raises `ValueError`."""
    if len(shed) > STAGES_MAX:
        raise ValueError(f"there are at most {STAGES_MAX} stages, not {len(shed)}")


class LoadShed(BuildingAgent):
    """Sheds loads in stages while a meter's power is above a threshold (easy-aso's example)."""

    stage = Channel(U8, on_change=True, doc="Stages that are shed.")
    power_kw = Channel(F64, on_change=True, unit="kW", doc="The power at the last step.")

    threshold_kw = Parameter(F64, default=120.0, low=0.0, high=1e6, unit="kW", doc="Above it, loads are shed.")
    stage_up_s = Parameter(
        F64, default=300.0, low=0.0, high=86_400.0, unit="s", doc="How long it is above before one more stage is shed."
    )
    stage_down_s = Parameter(
        F64, default=300.0, low=0.0, high=86_400.0, unit="s", doc="How long it is not before one stage is released."
    )

    shed = Setting(
        dict[str, float], default={}, check=check_stages,
        doc="The stages in their order: a point, and what is written to shed it. The meter is the point Power.",
    )  # fmt: skip

    @event(ACTIVITY_HI, "{power} kW: stage {stage} is in force")
    def stage_changed(self, power: F64, stage: U8) -> None: ...

    def initialize(self) -> None:
        super().initialize()
        self._is_above: bool | None = None
        self._since_ns = 0

    async def on_start(self) -> None:
        self._is_above = None
        self.stage = 0

    async def on_step(self) -> None:
        power_kw = self.power_kw = self.number("Power")
        now_ns = self.clock.now_ns()
        is_above = power_kw > self.threshold_kw
        if is_above is not self._is_above:
            self._is_above, self._since_ns = is_above, now_ns
        waited_s = (now_ns - self._since_ns) / NS_PER_S
        stages = list(self.shed.items())
        if is_above and self.stage < len(stages) and waited_s >= self.stage_up_s:
            if await self._shed(*stages[self.stage]):
                self._go_to(self.stage + 1, power_kw, now_ns)
        elif not is_above and self.stage and waited_s >= self.stage_down_s:
            await self.release(stages[self.stage - 1][0])
            self._go_to(self.stage - 1, power_kw, now_ns)
            if not self.stage:
                await self.end_schedule(SHED_TASK)

    async def _shed(self, name: str, value: float) -> bool:
        """Sheds a stage; false where others have its device, by a schedule that is preferred or in their grace."""
        if self.is_connected(BuildingAgent.rpc_out) and not self.stage:
            devices = sorted({self.path_of(one).rpartition("/")[0] for one in self.shed})
            if not self.has_schedule(SHED_TASK) and not await self.schedule(SHED_TASK, "HIGH", devices, SHED_LIMIT_S):
                return False
        try:
            await self.write(name, value)
        except WriteFault as fault:
            if fault.kind != LOCK_ERROR:
                raise
            return False
        return True

    def on_stop(self) -> None:
        self.stage = 0

    def _go_to(self, stage: int, power_kw: float, now_ns: int) -> None:
        self.stage = stage
        self._since_ns = now_ns
        self.stage_changed(power_kw, stage)
