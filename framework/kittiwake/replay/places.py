"""Names for what a deployment has by being wired, and not by what happened to it: another one like it has the same.

What stands here is not part of a frozen state, but referred to by its name: instances, loops, parts of the platform,
ports, emitters of events. So is what classes and modules declare.
"""

from __future__ import annotations

import sys
from functools import cache
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from kittiwake.model.component import Component
from kittiwake.replay.boundary import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.image import Image

_PLAIN = (int, float, str, bytes, bool, type(None))
_DEPTH = 12


def wired(deployment: Deployment) -> Iterator[tuple[str, Any]]:
    """Every place of a deployment, by name."""
    yield "deployment", deployment
    yield "monitor", deployment.monitor
    yield "root", deployment.root
    yield "instances", deployment.instances
    yield "image", deployment.image
    platform = deployment.platform
    yield "platform", platform
    for kind in PARTS:
        yield f"platform.{kind}", getattr(platform, kind, None)
    yield "clock", platform.clock
    for reading in ("now_ns", "meter_ns", "wall_ns"):
        yield f"clock.{reading}", getattr(platform.clock, reading)
    for name, loop in deployment.loops.items():
        yield f"loop {name}", loop
        yield f"poller {name}", loop.poller
        for priority, ready in zip(loop._ready_priorities, loop._ready, strict=True):
            yield f"loop {name} ready {priority}", ready
    for component in deployment.instances.values():
        yield from _wired_of(component)


def _wired_of(component: Component) -> Iterator[tuple[str, Any]]:
    name, context = component.name, component._context
    declared = type(component).__declarations__
    yield name, component
    yield f"{name}/context", context
    yield f"{name}/clock", context.clock
    yield f"{name}/settings", context.settings
    yield f"{name}/commands", context.command_port
    yield f"{name}/log", context.log
    yield f"{name}/save", context.save_parameter
    for port in (*declared.outputs, *declared.internals):
        bound = getattr(component, port)
        yield f"{name}.{port}", bound
        for index, one in enumerate(bound if isinstance(bound, list) else ()):
            yield f"{name}.{port}[{index}]", one
    for event in declared.events:
        if event in component.__dict__:
            yield f"{name}.{event}", component.__dict__[event]
    queue = context.queue
    if queue is not None:
        yield f"{name}/queue", queue
        for priority, level in zip(queue._priorities, queue.levels, strict=True):
            yield f"{name}/queue {priority}", level
        for handler, port in queue._ports.items():
            if isinstance(handler, FunctionType) and port in (*declared.inputs, *declared.internals):
                yield f"{name}/handler {port}", handler


def packages_in(image: Image) -> frozenset[str]:
    """As `packages_of`, of the deployments of an image."""
    paths = [path if isinstance(path, str) else path.__module__ for _, path, *_ in image["instances"]]
    return frozenset(["kittiwake", *[path.partition(":")[0].partition(".")[0] for path in paths]])


class Declared:
    """What modules and classes hold from their import on, by the way to it from the module."""

    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages
        self._modules = 0
        self._ways: dict[int, tuple[Any, ...]] = {}
        self._kept: list[Any] = []

    def way_to(self, value: Any) -> tuple[Any, ...] | None:
        """Module, names and keys; `None` if it is nothing that was declared."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            for name in sorted(sys.modules):
                if name.partition(".")[0] in self._packages:
                    self._add_all(sys.modules[name], (name,), 0)
        return self._ways.get(id(value))

    def _add_all(self, holder: Any, way: tuple[Any, ...], depth: int) -> None:
        for step, value in _steps(holder):
            self._add(value, (*way, step), depth)

    def _add(self, value: Any, way: tuple[Any, ...], depth: int) -> None:
        if isinstance(value, (*_PLAIN, ModuleType, Component)) or id(value) in self._ways or depth > _DEPTH:
            return
        if isinstance(value, type):
            if value.__module__ == way[0] and depth < 2:
                self._add_all(value, way, depth + 1)
            return
        if isinstance(value, FunctionType) and value.__closure__ is None:
            return
        self._ways[id(value)] = way
        self._kept.append(value)  # an id that is known stays that of this object
        self._add_all(value, way, depth + 1)


@cache
def declared_by(packages: frozenset[str]) -> Declared:
    """What the modules of some packages declare; to look through all of them takes most of the time of a freeze."""
    return Declared(packages)


def _steps(holder: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(holder, dict):
        yield from ((("key", key), value) for key, value in holder.items() if type(key) in _PLAIN)
    elif isinstance(holder, (list, tuple)):
        yield from ((("key", place), value) for place, value in enumerate(holder))
    elif isinstance(holder, FunctionType):
        return
    else:
        for name in names_of(holder):
            value = holder.__dict__.get(name) if isinstance(holder, (type, ModuleType)) else getattr(holder, name, None)
            yield name, value


def names_of(holder: Any) -> list[str]:
    """The attributes that an object holds itself, in their order.

    Slots that are empty are left out, and those that the class names in `THREAD_SIDE`: they belong to a thread beside
    the loop.
    """
    found = list(getattr(holder, "__dict__", ()))
    if isinstance(holder, type):
        return found
    left_out: set[str] = set()
    for cls in type(holder).__mro__:
        left_out.update(cls.__dict__.get("THREAD_SIDE", ()))
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            name = f"_{cls.__name__.lstrip('_')}{slot}" if slot.startswith("__") and not slot.endswith("__") else slot
            if name not in ("__dict__", "__weakref__") and hasattr(holder, name):
                found.append(name)
    return [name for name in found if name not in left_out] if left_out else found


def follow(way: tuple[Any, ...], packages: frozenset[str]) -> Any:
    """What stands at the end of a way. Raises `LookupError`."""
    from importlib import import_module

    module, *steps = way
    if str(module).partition(".")[0] not in packages:
        raise LookupError(f"{module} is no module of the deployment")
    try:
        value: Any = import_module(module)
        for step in steps:
            if not isinstance(step, str):
                value = value[step[1]]
            elif isinstance(value, (type, ModuleType)):
                value = value.__dict__[step]
            else:
                value = getattr(value, step)
    except (ImportError, AttributeError, KeyError, IndexError, TypeError) as fault:
        raise LookupError(f"{way} leads nowhere: {fault}") from None
    return value


def packages_of(deployment: Deployment) -> frozenset[str]:
    """The packages whose classes and functions a frozen state may name: the framework's, and those of components."""
    return frozenset(["kittiwake", *[type(one).__module__.partition(".")[0] for one in deployment.instances.values()]])
