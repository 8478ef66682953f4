"""Wiring: binds output ports to what they call.

After it an output port is its target's bound method (sync, guarded) or the target's queue (async), so that a call
costs no more than it must. Between loops async calls go through the target loop's inbox, and the guarded and async
handlers of an instance that is called across threads share one lock.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kittiwake.model.component import CO_COROUTINE
from kittiwake.runtime.command_port import CommandPort
from kittiwake.runtime.metering import Edge
from kittiwake.runtime.monitor import fault_reason
from kittiwake.runtime.queue import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.component import Component
    from kittiwake.model.ports import InputPort, InternalPort
    from kittiwake.runtime.context import Context
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.queue import MessageQueue


ROOM_CHECK_S = 0.05
"""How often a caller that waits for room looks whether the other loop still runs."""


class WiringFault(ValueError):
    """A connection that cannot be made; the topology's checks find it first, with its place in the file."""


def bind_connections(deployment: Deployment) -> None:
    """Makes every connection of the image."""
    components = list(deployment.instances.values())
    connections = deployment.image["connections"]
    if len(deployment.loops) > 1:
        # With worker threads a guarded call may come from one of them by way of another guarded handler.
        for _, _, _, target, port, _ in connections:
            if _input(components[target], port).kind == "guarded":
                deployment.make_lock(components[target].name)
    entries = Entries(deployment)
    _bind_internals(components, entries)
    for source, output, output_index, target, port, index in connections:
        caller = components[source]
        call = entries.call(components[target], port, index, caller._context)
        if deployment.meters is not None and deployment.meters.heeds(output, port):
            place = f"{output}[{output_index}]" if isinstance(getattr(caller, output), list) else output
            entry = f"{port}[{index}]" if _input(components[target], port).is_array else port
            edge = Edge(caller.name, place, components[target].name, entry)
            call = deployment.meters.wrap(edge, call, deployment.platform.clock.meter_ns)
        bind_output(caller, output, output_index, call)


def bind_output(caller: Component, output: str, index: int, call: Callable[..., Any]) -> None:
    """Makes an output of an instance that call from now on."""
    current = getattr(caller, output)
    if isinstance(current, list):
        current[index] = call
    else:
        setattr(caller, output, call)


def bound_output(caller: Component, output: str, index: int) -> Callable[..., Any]:
    """What an output of an instance calls now."""
    current: Any = getattr(caller, output)
    found: Callable[..., Any] = current[index] if isinstance(current, list) else current
    return found


def _bind_internals(components: list[Component], entries: Entries) -> None:
    for component in components:
        for name, internal in type(component).__declarations__.internals.items():
            setattr(component, name, entries.queued(component, internal, component._context))


def _input(component: Component, port: str) -> InputPort:
    declared = type(component).__declarations__.inputs.get(port)
    if declared is None:
        raise WiringFault(f"{component.name} has no input port {port!r}")
    return declared


class Entries:
    """The callables that stand for input ports, one for each port and array index."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._puts: dict[tuple[str, str], Callable[..., bool]] = {}
        self._crossings: dict[tuple[str, str, Loop, bool], Callable[..., Any]] = {}

    def call(self, target: Component, port: str, index: int, caller: Context) -> Callable[..., Any]:
        """What an output of `caller` becomes when it is connected to `port[index]` of `target`."""
        declared = _input(target, port)
        context = target._context
        same_loop = caller.loop is context.loop
        handler: Callable[..., Any] = getattr(target, port)
        entry: Callable[..., Any]
        if declared.kind == "async":
            entry = self.queued(target, declared, caller)
        elif declared.kind == "guarded" and self._deployment.lock_of(target.name) is not None:
            entry = _guarded(self._deployment.lock_of(target.name), handler)
        elif not same_loop and declared.kind == "sync":
            names = f"{caller.name} and {target.name}.{port}"
            raise WiringFault(f"{names} run on different threads; a sync call cannot cross")
        else:
            entry = handler
        return partial(entry, index) if declared.is_array else entry

    def crossing(self, service: Component, port: str, caller: Context) -> Callable[..., Any]:
        """A service's port as `caller` sees it; across threads the call is posted and nobody waits for it.

        So it is for an instance with a lock too: its guarded handlers run on whatever thread calls them. All callers
        of a thread have the same.
        """
        is_locked = self._deployment.lock_of(caller.name) is not None
        key = (service.name, port, caller.loop, is_locked)
        call = self._crossings.get(key)
        if call is None:
            own = service._context
            if is_locked or caller.loop is not own.loop:
                call = _posting(own, self.call(service, port, 0, own))
            else:
                call = self.call(service, port, 0, caller)
            self._crossings[key] = call
        return call

    def queued(self, target: Component, declared: InputPort | InternalPort, caller: Context) -> Callable[..., bool]:
        """The function by which `caller` puts a message into the queue of `target`."""
        put = self._put(target, declared)
        context = target._context
        if declared.full == "block" and caller.loop is context.loop:
            return _held_back(context, declared, put)
        if caller.loop is not context.loop:
            return (_posted_when_room if declared.full == "block" else _posted)(context, declared, put)
        # The guarded handlers of a caller with a lock run on whatever thread calls them.
        return put if self._deployment.lock_of(caller.name) is None else _posted(context, declared, put)

    def _put(self, target: Component, declared: InputPort | InternalPort) -> Callable[..., bool]:
        key = (target.name, declared.name)
        put = self._puts.get(key)
        if put is None:
            queue = target._context.queue
            if queue is None:
                raise WiringFault(f"{target.name} is passive and has no queue for {declared.name}")
            handler = getattr(target, declared.name)
            if handler.__func__.__code__.co_flags & CO_COROUTINE:
                handler = _task_starter(target._context, handler)
            lock = self._deployment.lock_of(target.name)
            if lock is not None:
                handler = _guarded(lock, handler)
            hook = getattr(target, f"{declared.name}_overflow", None) if declared.full == "hook" else None
            put = self._puts[key] = queue.putter(declared.name, handler, declared.priority, declared.full, hook)
        return put


def _task_starter(context: Context, handler: Callable[..., Any]) -> Callable[..., None]:
    def start(*arguments: Any) -> None:
        def done(fault: BaseException | None) -> None:
            if isinstance(fault, Exception):
                context.monitor.handler_failed(context.name, handler.__name__, fault_reason(fault))

        if context.has_room_for_task():
            context.start_task(handler(*arguments), done)
        else:
            context.monitor.queue_full(context.name, handler.__name__, "tasks")

    start.__name__ = handler.__name__
    return start


def _guarded(lock: Any, handler: Callable[..., Any]) -> Callable[..., Any]:
    acquire, release = lock.acquire, lock.release

    def call(*arguments: Any) -> Any:
        # `with lock:` looks its two methods up at each call, which takes as long as all the rest.
        acquire()
        try:
            return handler(*arguments)
        finally:
            release()

    call.__name__ = handler.__name__
    return call


def _posted(target: Context, declared: InputPort | InternalPort, put: Callable[..., Any]) -> Callable[..., bool]:
    post = target.loop.post

    def call(*arguments: Any) -> bool:
        if not post(put, *arguments):
            target.monitor.queue_full(target.name, declared.name, "inbox")
            return False
        return True

    return call


def _posted_when_room(
    target: Context, declared: InputPort | InternalPort, put: Callable[..., bool]
) -> Callable[..., bool]:
    """Holds the calling thread while a queue's depth of its messages is on the way or waits for room.

    A loop that ends holds nobody any more: what comes then waits for room without its caller, until the flush.
    """
    from threading import Semaphore

    queue, loop = target.queue, target.loop
    assert queue is not None
    room = Semaphore(queue.depth)

    def take(*arguments: Any) -> None:
        put(*arguments)
        room.release()

    post = _posted(target, declared, _waiting_for_room(queue, take))

    def call(*arguments: Any) -> bool:
        while not room.acquire(timeout=ROOM_CHECK_S):
            if loop.stopping:
                break
        if post(*arguments):
            return True
        room.release()
        return False

    return call


def _held_back(target: Context, declared: InputPort | InternalPort, put: Callable[..., bool]) -> Callable[..., bool]:
    """The port of a thread that a simulation does without: there is nobody to hold, so the message alone waits."""
    queue = target.queue
    assert queue is not None
    offer = _waiting_for_room(queue, put)

    def call(*arguments: Any) -> bool:
        if len(queue.waiting) >= MAX_DEPTH:
            target.monitor.queue_full(target.name, declared.name, declared.full)
            return False
        offer(*arguments)
        return True

    return call


def _waiting_for_room(queue: MessageQueue, take: Callable[..., Any]) -> Callable[..., None]:
    """A function that has its arguments taken at once, or as soon as the queue has room for them."""

    def offer(*arguments: Any) -> None:
        if queue.has_room() and not queue.waiting:
            take(*arguments)
        else:
            queue.waiting.append((take, arguments))

    return offer


def _services(deployment: Deployment) -> dict[str, Any]:
    components = list(deployment.instances.values())
    return {name: components[index] for name, index in deployment.image["services"].items()}


def bind_services(deployment: Deployment) -> None:
    """Connects every instance with the event log and the parameter database."""
    services = _services(deployment)
    entries = Entries(deployment)
    for component in deployment.instances.values():
        context = component._context
        if "event" in services:
            context.log = entries.crossing(services["event"], "log_recv", context)
            context.shows = getattr(services["event"], "shows", context.shows)
            if deployment.meters is not None and deployment.meters.wraps_services:
                edge = Edge(component.name, "event", services["event"].name, "log_recv")
                context.log = deployment.meters.wrap(edge, context.log, deployment.platform.clock.meter_ns)
        if "parameter" in services:
            context.save_parameter = entries.crossing(services["parameter"], "set_prm", context)


def register_instances(deployment: Deployment) -> None:
    """Tells the command dispatcher of every opcode, the telemetry store of every channel, Health of every finding."""
    services = _services(deployment)
    entries = Entries(deployment)
    commands, telemetry = services.get("command"), services.get("telemetry")
    for component in deployment.instances.values():
        context = component._context
        if telemetry is not None and component._cells:
            telemetry.tlm_register(component._cells, component._unsent)
        if commands is not None:
            command_port = CommandPort(component, entries.crossing(commands, "comp_cmd_stat", context))
            context.command_port = command_port
            entry: Callable[..., Any] = command_port
            if context.loop is not commands._context.loop:
                entry = _posting(context, command_port)
            commands.comp_cmd_reg(command_port.opcodes(), command_port.deferred(), entry)
    if "health" in services:
        deployment.watch_with(services["health"])


def _posting(target: Context, call: Callable[..., Any]) -> Callable[..., Any]:
    post = target.loop.post

    def posted(*arguments: Any) -> None:
        if not post(call, *arguments):
            target.monitor.queue_full(target.name, getattr(call, "__name__", "inbox"), "inbox")

    return posted
