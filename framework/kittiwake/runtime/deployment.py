"""A running deployment: instances made from an image, wired, started, run and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.context import Context
from kittiwake.runtime.loop import Loop
from kittiwake.runtime.monitor import FirstFaults, Monitor, fault_reason
from kittiwake.runtime.queue import MessageQueue
from kittiwake.runtime.tags import SharedTagSource, TagSource
from kittiwake.runtime.wiring import bind_connections, bind_services, load_parameters, register_instances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.model.component import Component, ComponentType
    from kittiwake.platform.interface import Platform
    from kittiwake.runtime.image import Image
    from kittiwake.storage.root import Root

MAIN_LOOP = "main"
FLUSH_LIMIT_S = 2.0


class Deployment:
    """All instances of one image on one platform.

    `instances` maps qualified names to components, `loops` thread names to loops. `settings` replaces settings of the
    image: {"ComCcsds.link": {"url": "tcp://127.0.0.1:50000"}}.
    """

    def __init__(
        self, image: Image, platform: Platform, root: Root, settings: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self.image = image
        self.name: str = image["name"]
        self.platform = platform
        self.root = root
        threads = sorted({thread for *_, thread, _ in image["instances"] if thread})
        self.tags: TagSource = (SharedTagSource if threads else TagSource)(platform.clock)
        self.monitor: Monitor = _SwitchedMonitor()
        self.loops = {
            thread: Loop(thread, platform.clock, platform.poller(), self.tags, self.monitor)
            for thread in (MAIN_LOOP, *threads)
        }
        self.main = self.loops[MAIN_LOOP]
        self.exit_reason = ""
        self._locks: dict[str, Any] = {}
        self._workers: list[Any] = []
        self.instances: dict[str, Component] = {}
        for name, path, base_id, depth, priority, thread, own in image["instances"]:
            merged = {**own, **(settings or {}).get(name, {})}
            loop = self.loops[thread or MAIN_LOOP]
            self._make(name, component_class(path), Context(self, name, base_id, loop, merged, priority), depth)
        bind_connections(self)
        bind_services(self)
        for component in self._in_service_order():
            component.initialize()
        register_instances(self)
        load_parameters(self)

    def _make(self, name: str, cls: ComponentType, context: Context, depth: int) -> None:
        if cls.KIND in ("queued", "active"):
            loop = context.loop if cls.KIND == "active" else None
            context.queue = MessageQueue(name, depth, self.monitor, loop, context.priority)
        component = self.instances[name] = cls(context)
        for internal in cls.__declarations__.internals.values():
            assert context.queue is not None, "a component with internal ports has a queue"
            handler = getattr(component, internal.name)
            setattr(component, internal.name, context.queue.putter(
                internal.name, handler, internal.priority, internal.full
            ))  # fmt: skip

    def _in_service_order(self) -> list[Component]:
        """Services first, so that whoever reports or asks during `initialize` is heard."""
        names = list(self.instances)
        first = [names[index] for index in self.image["services"].values()]
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
        return [
            component._context.queue for component in self.instances.values() if component._context.queue is not None
        ]

    def watch_with(self, monitor: Monitor) -> None:
        """Sends the runtime's findings to `monitor`."""
        assert isinstance(self.monitor, _SwitchedMonitor)
        self.monitor.switch(monitor)

    # Life

    def start(self) -> None:
        """Starts every instance in the order of the topology, then the worker threads."""
        for component in self.instances.values():
            try:
                component.start()
            except Exception as fault:
                self.monitor.handler_failed(component.name, "start", fault_reason(fault))
        for name, loop in self.loops.items():
            if name != MAIN_LOOP:
                self._start_worker(name, loop)

    def _start_worker(self, name: str, loop: Loop) -> None:
        from threading import Thread

        worker = Thread(target=loop.run, name=name, daemon=True)
        worker.start()
        self._workers.append(worker)

    def run(self) -> str:
        """Runs until `request_stop`, stops the instances, and says why it stopped."""
        self.start()
        self.main.run()
        self.stop()
        return self.exit_reason

    def run_for(self, seconds: float) -> None:
        """Runs for a length of time since boot; with a virtual clock that takes no longer than its work."""
        self.main.run_until(self.platform.clock.now_ns() + round(seconds * NS_PER_S))

    def request_stop(self, reason: str) -> None:
        """Makes `run` return; safe from any thread and from signal handlers. The first reason counts."""
        self.exit_reason = self.exit_reason or reason
        self.main.stop()

    def stop(self) -> None:
        """Ends waiting handlers, flushes what is queued, and stops the instances in reverse order."""
        for component in self.instances.values():
            for task in list(component._context.tasks):
                component._context.loop.post(task.cancel)
        self.flush(FLUSH_LIMIT_S)
        for component in reversed(self.instances.values()):
            try:
                component.stop()
            except Exception as fault:
                self.monitor.handler_failed(component.name, "stop", fault_reason(fault))
        self.flush(FLUSH_LIMIT_S)
        for loop in self.loops.values():
            loop.stop()
        for worker in self._workers:
            worker.join(FLUSH_LIMIT_S)
        for loop in self.loops.values():
            loop.poller.close()

    def flush(self, limit_s: float) -> bool:
        """Serves what is queued on the main loop, for at most `limit_s` seconds; says whether all was served."""
        main = self.main
        main.stopping = False
        deadline = self.platform.clock.now_ns() + round(limit_s * NS_PER_S)
        while not main.settle(16):
            if self.platform.clock.now_ns() >= deadline:
                return False
        return True


class _SwitchedMonitor:
    """Keeps the first findings until Health is there to take them."""

    def __init__(self) -> None:
        self.early = FirstFaults()
        self._target: Monitor = self.early

    def switch(self, target: Monitor) -> None:
        self._target = target

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        self._target.handler_failed(instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        self._target.handler_slow(instance, handler, duration_us)

    def queue_full(self, instance: str, port: str, full: str) -> None:
        self._target.queue_full(instance, port, full)

    def command_refused(self, instance: str, command: str, why: str) -> None:
        self._target.command_refused(instance, command, why)


def component_class(path: str) -> ComponentType:
    """The component class at "module:Class". Raises `ImportError` or `AttributeError`, naming it."""
    from importlib import import_module

    module, _, name = path.partition(":")
    found: ComponentType = getattr(import_module(module), name)
    return found


__all__ = ["Deployment", "component_class"]
