"""A running deployment: instances made from an image, wired, started, run and stopped."""

from __future__ import annotations

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.context import Context
from kittiwake.runtime.exit_status import FAILED, ORDERLY
from kittiwake.runtime.image import ImageFault
from kittiwake.runtime.loop import Loop
from kittiwake.runtime.monitor import FirstFaults, Monitor, fault_reason
from kittiwake.runtime.parameters import load_parameters
from kittiwake.runtime.queue import MessageQueue
from kittiwake.runtime.stall import StallGuard
from kittiwake.runtime.tags import SharedTagSource, TagSource
from kittiwake.runtime.wiring import bind_connections, bind_services, register_instances

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.model.component import Component, ComponentType
    from kittiwake.platform.interface import DispatchWatch, Platform, Thread
    from kittiwake.runtime.image import Image
    from kittiwake.runtime.metering import Wiretap
    from kittiwake.storage.root import Root

MAIN_LOOP = "main"
FLUSH_LIMIT_S = 2.0
STOP_LIMIT_S = 60.0  # all flushes, joins and `stop` methods together
TURNS_TO_FLUSH = 10_000  # virtual time does not move while there is something to do
JOINS = 50
MEMORY_SETTLES_NS = 550_000_000
"""How long after its start a process looks through its memory once: between two cycles of 10 Hz."""
CANCELLATIONS = 8  # what a cancelled handler sends may start another one


class Deployment:
    """All instances of one image on one platform.

    `instances` maps qualified names to components, `loops` thread names to loops. `settings` replaces settings of the
    image: {"ComCcsds.link": {"url": "tcp://127.0.0.1:50000"}}. `meters` counts what goes over the connections,
    and `watch` is told of each dispatch, as the platform's watch is where there is one.
    """

    def __init__(
        self, image: Image, platform: Platform, root: Root,
        settings: Mapping[str, Mapping[str, Any]] | None = None, meters: Wiretap | None = None,
        watch: DispatchWatch | None = None,
    ) -> None:  # fmt: skip
        self.image = image
        self.name: str = image["name"]
        self.platform = platform
        self.root = root
        self._watch = platform.dispatch_watch or watch
        has_threads = platform.has_threads and platform.dispatch_watch is None  # that one wants one order of everything
        threads = sorted({thread for *_, thread, _ in image["instances"] if thread}) if has_threads else []
        self.tags: TagSource = (SharedTagSource if threads else TagSource)(platform.clock)
        self.monitor: Monitor = self._make_monitor()
        self.loops = {thread: self._make_loop(thread) for thread in (MAIN_LOOP, *threads)}
        self.main = self.loops[MAIN_LOOP]
        self.exit_reason = ""
        self.exit_status = ORDERLY
        self.meters = meters
        self._stalls: tuple[str, float] | None = None
        self._stall_guard: StallGuard | None = None
        self._locks: dict[str, Any] = {}
        self._workers: dict[str, Thread] = {}
        self.instances: dict[str, Component] = {}
        self._queues: list[MessageQueue] = []
        for name, path, base_id, depth, priority, thread, own in image["instances"]:
            merged = {**own, **(settings or {}).get(name, {})}
            loop = self.loops.get(thread, self.main)
            self._make(name, component_class(path), Context(self, name, base_id, loop, merged, priority), depth)
        bind_connections(self)
        self._initialize()
        register_instances(self)
        load_parameters(self)

    def _make_monitor(self) -> SwitchedMonitor:
        return SwitchedMonitor()

    def _make_loop(self, name: str) -> Loop:
        platform, watch = self.platform, self._watch
        if watch is None:
            return Loop(name, platform.clock, platform.poller(), self.tags, self.monitor)
        from kittiwake.runtime.watched_loop import WatchedLoop

        return WatchedLoop(name, platform.clock, platform.poller(), self.tags, self.monitor, watch)

    def _make(self, name: str, cls: ComponentType, context: Context, depth: int) -> None:
        if cls.KIND in ("queued", "active"):
            loop = context.loop if cls.KIND == "active" else None
            context.queue = MessageQueue(name, depth, self.monitor, loop, context.priority)
            self._queues.append(context.queue)
        self.instances[name] = cls(context)

    def _initialize(self) -> None:
        """Lets every instance set up its state; the events of that are held until all are ready to pass them on."""
        held: list[tuple[Context, tuple[int, int, Any, bytes]]] = []
        for component in self.instances.values():
            component._context.hold_events(held)
        for component in self._in_service_order():
            self._guard(component, "initialize", component.initialize)
        for component in self.instances.values():
            component._context.release_emitters(component)
        bind_services(self)
        for context, event in held:
            context.log(*event)

    def _guard(self, component: Component, what: str, step: Callable[[], None]) -> None:
        """One instance's fault does not keep the others from starting or stopping."""
        try:
            step()
        except Exception as fault:
            self.monitor.handler_failed(component.name, what, fault_reason(fault))

    def _in_service_order(self) -> list[Component]:
        """Services first, so that whoever reports or asks during `initialize` is heard."""
        names = list(self.instances)
        services = self.image["services"]
        first = [names[services[name]] for name in ("event", *services) if name in services]
        order = dict.fromkeys([*first, *names])
        return [self.instances[name] for name in order]

    # What components need of it

    def lock_of(self, name: str) -> Any:
        """The lock of an instance whose guarded ports are called from another thread, or `None`."""
        return self._locks.get(name)

    def make_lock(self, name: str) -> Any:
        """Gives an instance a lock, once."""
        if name not in self._locks:
            from threading import RLock

            self._locks[name] = RLock()
        return self._locks[name]

    def queues(self) -> list[MessageQueue]:
        """The queues of all instances that have one, in the order of the topology."""
        return self._queues

    def watch_with(self, monitor: Monitor) -> None:
        """Sends the runtime's findings to `monitor`."""
        assert isinstance(self.monitor, SwitchedMonitor)
        self.monitor.switch(monitor)

    # Life

    def start(self) -> None:
        """Starts every instance in the order of the topology, then the worker threads."""
        for component in self.instances.values():
            self._guard(component, "start", component.start)
        for name, loop in self.loops.items():
            if name != MAIN_LOOP:
                self._start_worker(name, loop)

    def _start_worker(self, name: str, loop: Loop) -> None:
        def work() -> None:
            try:
                loop.run()
            except BaseException as fault:
                loop.stop()  # nobody may wait for room in its queues any more
                self.monitor.handler_failed(name, "thread", fault_reason(fault))
                self.request_stop(f"thread {name} ended: {fault_reason(fault)}")

        self._workers[name] = self.platform.start_thread(name, work)

    def attend(self, settle_memory: Callable[[], None], tell_ready: Callable[[], None]) -> None:
        """Has the chores of the process done by the main loop: the first cycles need not wait for them."""
        self.main.call_at(self.platform.clock.now_ns() + MEMORY_SETTLES_NS, settle_memory)
        self.main.post(tell_ready)

    def run(self) -> str:
        """Runs until `request_stop`, stops the instances, and says why it stopped.

        `SystemExit` and `KeyboardInterrupt` end the run from within any handler; the instances are stopped all
        the same.
        """
        try:
            self.start()
            self._stall_guard = self._guard_stalls()
            self.main.run()
        finally:
            self._stop_guarded()
        return self.exit_reason

    def go_on(self) -> str:
        """Goes on with a `run` that was frozen while its main loop, a `WatchedLoop`, waited."""
        try:
            self.main.go_on()
        finally:
            self._stop_guarded()
        return self.exit_reason

    def watch_stalls(self, path: str, limit_s: float) -> None:
        """Has `run` end the process when the main loop is stuck for `limit_s`, its stacks in the file at `path`."""
        self._stalls = (path, limit_s)

    def _guard_stalls(self) -> StallGuard | None:
        if self._stalls is None:
            return None
        path, limit_s = self._stalls
        try:
            watch = self.platform.watch_stalls(path)
        except OSError as fault:
            self.monitor.handler_failed(MAIN_LOOP, "watch_stalls", fault_reason(fault))
            return None
        return None if watch is None else StallGuard(self.main, watch, limit_s)

    def _stop_guarded(self) -> None:
        guard = self._stall_guard
        if guard is None:
            self.stop()
            return
        guard.allow(STOP_LIMIT_S)
        try:
            self.stop()
        finally:
            guard.close()

    def run_for(self, seconds: float) -> None:
        """Runs for a length of time since boot; with a virtual clock that takes no longer than its work."""
        self.main.run_until(self.platform.clock.now_ns() + round(seconds * NS_PER_S))

    def request_stop(self, reason: str, status: int = FAILED) -> None:
        """Makes `run` return; safe from any thread and from signal handlers. The first reason and status count."""
        if not self.exit_reason:
            self.exit_reason, self.exit_status = reason, status
        self.main.stop()

    def stop(self) -> None:
        """Ends waiting handlers, flushes what is queued, and stops the instances in reverse order."""
        self.main.stop()
        self._end_workers()
        self.flush(FLUSH_LIMIT_S)
        for _ in range(CANCELLATIONS):
            if not self._cancel_tasks():
                break
            self.flush(FLUSH_LIMIT_S)
        for component in reversed(self.instances.values()):
            if not component._context.is_stopped:
                self._guard(component, "stop", component.stop)
        self.flush(FLUSH_LIMIT_S)
        for loop in self._ours():
            loop.poller.close()

    def _cancel_tasks(self) -> bool:
        """Cancels every handler that waits; says whether there was one."""
        found = False
        for component in self.instances.values():
            for task in list(component._context.tasks):
                found = True
                component._context.loop.post(task.cancel)
        return found

    def _end_workers(self) -> None:
        """Ends the worker threads, serving the main loop meanwhile, as they may wait for it.

        Their loops are then this thread's; the loop of a handler that still blocks stays its own.
        """
        for name in self._workers:
            self.loops[name].stop()
        for worker in self._workers.values():
            for _ in range(JOINS):
                if worker.join(FLUSH_LIMIT_S / JOINS):
                    break
                for loop in self._ours():
                    loop.settle(16)

    def _ours(self) -> list[Loop]:
        """The loops that no worker runs."""
        return [
            loop for name, loop in self.loops.items() if name not in self._workers or not self._workers[name].is_alive()
        ]

    def flush(self, limit_s: float) -> bool:
        """Serves what is queued, for at most `limit_s` seconds; says whether all was served."""
        now_ns = self.platform.clock.now_ns
        deadline = now_ns() + round(limit_s * NS_PER_S)
        for _ in range(TURNS_TO_FLUSH):
            # One loop's messages may cause another's: all of them must be quiet in one round.
            quiet = [loop.settle(16) for loop in self._ours()]
            if all(quiet) and not any(loop.is_unsettled() for loop in self._ours()):
                return True
            if now_ns() >= deadline:
                break
        return False


class SwitchedMonitor:
    """Keeps the first findings until Health is there to take them."""

    def __init__(self) -> None:
        self.early = FirstFaults()
        self._target: Monitor = self.early

    def switch(self, target: Monitor) -> None:
        self._target = target
        self.early.pass_on(target)

    def _tell(self, method: str, *arguments: Any) -> None:
        try:
            getattr(self._target, method)(*arguments)
        except Exception:
            # The loop that reports must go on, and nobody else is left to tell.
            getattr(self.early, method)(*arguments)

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        self._tell("handler_failed", instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        self._tell("handler_slow", instance, handler, duration_us)

    def queue_full(self, instance: str, port: str, full: str) -> None:
        self._tell("queue_full", instance, port, full)

    def command_refused(self, instance: str, command: str, why: str) -> None:
        self._tell("command_refused", instance, command, why)


def component_class(path: str | ComponentType) -> ComponentType:
    """The component class at "module:Class", or one that an image in memory holds itself.

    Raises `ImageFault`, naming it.
    """
    if not isinstance(path, str):
        return path
    module, _, name = path.partition(":")
    try:
        found: ComponentType = getattr(modules.get(module) or import_module(module), name)
    except (ImportError, AttributeError) as fault:
        raise ImageFault(f"the component {path} cannot be loaded ({fault}); build the image again") from fault
    return found


__all__ = ["Deployment", "component_class"]
