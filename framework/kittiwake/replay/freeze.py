"""The state of a deployment as bytes: what its instances, timers and counters hold between two turns of the loop.

A frozen state is one value (`kittiwake.replay.values`): roots, and nodes in the order in which they are met from there.
A node is a kind, the node and the step by which it was met first, and what it holds. What is plain stands for itself,
everything else is (number of a node,). Classes and functions are named, never written; what a deployment has by its
wiring or by declaration is named as well (`kittiwake.replay.places`).

Nothing may be under way: a message in a queue, a handler that awaits, or something that has no state that could be
written refuses to be frozen, by name. Open files and connexions are named by their number on a recorded platform; on
any other they are left to the deployment that thaws.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from enum import Enum
from functools import partial
from struct import Struct
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import TYPE_CHECKING, Any

from kittiwake.replay.functions import place_of_code
from kittiwake.replay.places import declared_by, names_of, packages_of, wired
from kittiwake.replay.values import packed
from kittiwake.runtime.metering import uncounted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.model.component import Component
    from kittiwake.runtime.deployment import Deployment

VERSION = 1
NODES_LIMIT = 2_000_000
PLAIN = (int, float, str, bytes, bool, type(None))
QUEUE_STATE = ("peak", "_earlier_peak", "served", "busy_ns", "dropped", "slowest_ns", "slow_limit_ns", "refusal")
CONTEXT_STATE = ("throttles", "restarts", "is_stopped")
WATCHED_STATE = ("until_ns", "inlets", "inlets_made")
LOOP_STATE = ("turns", "stopping", "_order", "_timers", "_conditions", "_conditions_moved")
STATEFUL = ("kittiwake.platform.seeded",)
"""Modules of the platform whose objects are a state like any other."""

BUILTINS = ("abs", "all", "any", "len", "max", "min", "repr", "sorted", "sum")
DICTS: dict[type, str] = {dict: "dict", OrderedDict: "ordered", Counter: "counter", defaultdict: "default"}


class FreezeRefused(ValueError):
    """Something cannot be frozen now, or ever: `instance`, the `attribute` below it, and why."""

    def __init__(self, instance: str, attribute: str, why: str) -> None:
        super().__init__(f"{instance}{'.' * bool(attribute)}{attribute} cannot be frozen: {why}")
        self.instance = instance
        self.attribute = attribute
        self.why = why


def freeze(deployment: Deployment) -> bytes:
    """The state of a deployment that is between two turns. Raises `FreezeRefused`."""
    check_quiet(deployment)
    return packed(_Freezer(deployment).frozen())


def check_quiet(deployment: Deployment) -> None:
    """Raises `FreezeRefused` while something is under way."""
    for name, component in deployment.instances.items():
        context = component._context
        if context.tasks:
            raise FreezeRefused(name, "", "a handler of it awaits something")
        if context.queue is not None and (context.queue.count or context.queue.waiting):
            raise FreezeRefused(name, "", "messages wait in its queue")
        if context.is_stopped or (context.queue is not None and context.queue.refusal):
            raise FreezeRefused(name, "", "it is stopped or quarantined")
        for output in type(component).__declarations__.outputs:
            bound = getattr(component, output)
            # Outputs are named, not written: one that counts would come back as one that does not.
            if any(uncounted(one) is not one for one in (bound if isinstance(bound, list) else [bound])):
                raise FreezeRefused(name, output, "its calls are counted for a while")
    for name, loop in deployment.loops.items():
        if loop._inbox or loop.has_ready():
            raise FreezeRefused(name, "", "calls wait in the loop's inbox")


def roots_of(deployment: Deployment) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """The objects whose named attributes are the state: their name, themselves, and those attributes."""
    for name, component in deployment.instances.items():
        yield name, component, own_attributes(component)
    for name, component in deployment.instances.items():
        context = component._context
        yield f"{name}/context", context, CONTEXT_STATE
        if context.queue is not None:
            yield f"{name}/queue", context.queue, QUEUE_STATE
    yield "deployment", deployment, ("exit_reason", "exit_status", "_stall_guard")
    yield "tags", deployment.tags, tuple(one for one in names_of(deployment.tags) if one not in ("_clock", "_lock"))
    for name, loop in deployment.loops.items():
        yield f"loop {name}", loop, (*LOOP_STATE, *(WATCHED_STATE if hasattr(loop, "inlets") else ()))
        watched = getattr(loop.poller, "callbacks", None)
        if watched is not None:
            yield f"poller {name}", loop.poller, ("callbacks",)


def own_attributes(component: Component) -> tuple[str, ...]:
    """What an instance holds besides its ports, which are wired, and its events."""
    declared = type(component).__declarations__
    wiring = {"_context", "_tags", "name", *declared.outputs, *declared.internals, *declared.events}
    return tuple(name for name in names_of(component) if name not in wiring)


class _Freezer:
    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._packages = packages_of(deployment)
        self._places: dict[int, str] = {}
        self._kept: list[Any] = []
        for name, value in wired(deployment):
            if not isinstance(value, PLAIN):
                self._places.setdefault(id(value), name)
        self._declared = declared_by(self._packages)
        self._numbers: dict[int, int] = {}
        self._nodes: list[list[Any]] = []
        self._waiting: deque[tuple[int, Any]] = deque()
        self._at = -1

    def frozen(self) -> tuple[Any, ...]:
        roots: list[tuple[str, dict[str, Any]]] = []
        for name, holder, attributes in roots_of(self._deployment):
            root = len(roots)
            roots.append((name, {one: self._value(getattr(holder, one), -1 - root, one) for one in attributes}))
            # One root after the other, so that what is met first belongs to it.
            while self._waiting:
                self._at, value = self._waiting.popleft()
                self._nodes[self._at][0], self._nodes[self._at][3] = self._node(value)
        return (VERSION, roots, [tuple(node) for node in self._nodes])

    def _value(self, value: Any, holder: int, step: Any) -> Any:
        if type(value) in PLAIN:
            return value
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self._nodes)
            if number >= NODES_LIMIT:
                raise self._refused(f"the state has more than {NODES_LIMIT} objects")
            self._kept.append(value)  # what is made on the way, as bound methods are, keeps its id
            self._nodes.append(["", holder, step, None])
            self._waiting.append((number, value))
        return (number,)

    def _of(self, step: Any, value: Any) -> Any:
        return self._value(value, self._at, step)

    def _node(self, value: Any) -> tuple[str, Any]:
        place = self._places.get(id(value))
        if place is not None:
            return "place", place
        way = self._declared.way_to(value)
        if way is not None:
            return "declared", way
        if isinstance(value, type):
            return "class", self._class(value)
        find: Callable[[_Freezer, Any], tuple[str, Any]] | None = _SIMPLE.get(type(value))
        if find is None:
            find = next((known for kind, known in _KNOWN if isinstance(value, kind)), _Freezer._object)
        return find(self, value)

    def _class(self, cls: type) -> str:
        if cls.__module__.partition(".")[0] not in self._packages and cls.__module__ != "builtins":
            raise self._refused(f"{cls.__module__}.{cls.__qualname__} has no state that is known")
        if "<locals>" in cls.__qualname__:
            raise self._refused(f"the class {cls.__qualname__} is made within a function")
        return f"{cls.__module__}:{cls.__qualname__}"

    def _object(self, value: Any) -> tuple[str, Any]:
        cls = type(value)
        if cls.__module__ == "re" and cls.__name__ == "Pattern":  # `re` is a slow import
            return "pattern", (value.pattern, value.flags)
        if hasattr(cls, "boundary_number"):
            return "boundary", value.boundary_number()
        if cls.__module__.startswith("kittiwake.platform") and cls.__module__ not in STATEFUL:
            return "resource", f"{cls.__module__}:{cls.__qualname__}"
        path = self._class(cls)
        if path.startswith("builtins:"):
            raise self._refused(f"a {cls.__name__} has no state that could be written")
        return "object", (path, {name: self._of(name, getattr(value, name)) for name in names_of(value)})

    # Kinds of values

    def _list(self, value: Any) -> tuple[str, Any]:
        return type(value).__name__, [self._of(place, one) for place, one in enumerate(value)]

    def _deque(self, value: deque[Any]) -> tuple[str, Any]:
        return "deque", (value.maxlen, [self._of(place, one) for place, one in enumerate(value)])

    def _dict(self, value: dict[Any, Any]) -> tuple[str, Any]:
        items = [
            (self._of(None, key), self._of(("key", key) if type(key) in PLAIN else None, one))
            for key, one in value.items()
        ]
        factory = self._of(None, value.default_factory) if isinstance(value, defaultdict) else None
        return DICTS[type(value)], (factory, items)

    def _set(self, value: Any) -> tuple[str, Any]:
        return type(value).__name__, [self._of(None, one) for one in value]

    def _bytearray(self, value: bytearray) -> tuple[str, Any]:
        return "bytearray", bytes(value)

    def _enum(self, value: Enum) -> tuple[str, Any]:
        return "enum", (self._class(type(value)), value.name)

    def _named_tuple(self, value: tuple[Any, ...]) -> tuple[str, Any]:
        return "named", (self._class(type(value)), [self._of(("key", place), one) for place, one in enumerate(value)])

    def _number(self, value: Any) -> tuple[str, Any]:
        base = next(one for one in (int, float, str, bytes) if isinstance(value, one))
        return "plain", (self._class(type(value)), base(value))

    def _method(self, value: Any) -> tuple[str, Any]:
        return "method", (self._of(("of",), value.__self__), value.__name__)

    def _builtin(self, value: BuiltinFunctionType) -> tuple[str, Any]:
        owner = value.__self__
        if isinstance(owner, ModuleType):
            if owner.__name__ != "builtins" or value.__name__ not in BUILTINS:
                raise self._refused(f"the function {owner.__name__}.{value.__name__} is none that a state may name")
            return "builtin", value.__name__
        return self._method(value)

    def _function(self, value: FunctionType) -> tuple[str, Any]:
        name = value.__code__.co_qualname
        if "<" not in name and isinstance(value.__module__, str):  # neither a lambda nor made within another one
            return "declared", (value.__module__, *value.__qualname__.split("."))
        cells = [
            self._of(("cell", free), cell)
            for free, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
        ]
        defaults = [self._of(None, one) for one in value.__defaults__ or ()]
        named = [(one, self._of(None, default)) for one, default in (value.__kwdefaults__ or {}).items()]
        return "function", (place_of_code(value), name, cells, defaults, named)

    def _cell(self, value: CellType) -> tuple[str, Any]:
        try:
            return "cell", [self._of(("content",), value.cell_contents)]
        except ValueError:
            return "cell", []

    def _partial(self, value: partial[Any]) -> tuple[str, Any]:
        arguments = [self._of(None, one) for one in value.args]
        named = [(name, self._of(None, one)) for name, one in value.keywords.items()]
        return "partial", (self._of(("of",), value.func), arguments, named)

    def _struct(self, value: Struct) -> tuple[str, Any]:
        return "struct", value.format

    def _fault(self, value: BaseException) -> tuple[str, Any]:
        return "fault", (self._class(type(value)), [self._of(None, one) for one in value.args])

    def _refused(self, why: str) -> FreezeRefused:
        steps: list[str] = []
        at = self._at
        while at >= 0:
            _, holder, step, _ = self._nodes[at]
            steps.append(_named_step(step))
            at = holder
        names = [name for name, _, _ in roots_of(self._deployment)]
        return FreezeRefused(names[-1 - at], "".join(reversed(steps)).lstrip("."), why)


def _named_step(step: Any) -> str:
    if isinstance(step, str):
        return f".{step}"
    if isinstance(step, tuple) and step[0] == "key":
        return f"[{step[1]!r}]"
    return f"[{step}]" if isinstance(step, int) else ""


_SIMPLE: dict[type, Any] = {
    list: _Freezer._list, tuple: _Freezer._list, deque: _Freezer._deque, set: _Freezer._set,
    frozenset: _Freezer._set, bytearray: _Freezer._bytearray, MethodType: _Freezer._method,
    BuiltinFunctionType: _Freezer._builtin, MethodWrapperType: _Freezer._method, FunctionType: _Freezer._function,
    CellType: _Freezer._cell, partial: _Freezer._partial, Struct: _Freezer._struct,
    **dict.fromkeys(DICTS, _Freezer._dict),
}  # fmt: skip
_KNOWN: tuple[tuple[Any, Any], ...] = (
    (Enum, _Freezer._enum),
    (tuple, _Freezer._named_tuple),
    ((int, float, str, bytes), _Freezer._number),
    (BaseException, _Freezer._fault),
)
