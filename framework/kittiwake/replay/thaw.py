"""Gives a deployment the state that another one like it had when it was frozen.

Both are made from the same image. Objects that stand at the same place in both are kept and filled anew, so that what
was bound to them at the start stays bound; others are made. No constructor runs and nothing is called.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from functools import partial
from importlib import import_module
from struct import Struct
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

from kittiwake.replay.freeze import BUILTINS, VERSION, own_attributes, roots_of
from kittiwake.replay.functions import code_at
from kittiwake.replay.places import follow, packages_of, wired
from kittiwake.replay.values import ValueDamaged, unpacked

if TYPE_CHECKING:
    from kittiwake.runtime.deployment import Deployment

_NOTHING = object()
_CONTAINERS: dict[str, Any] = {
    "list": list, "deque": deque, "set": set, "bytearray": bytearray, "cell": CellType,
    "dict": dict, "ordered": OrderedDict, "counter": Counter, "default": defaultdict,
}  # fmt: skip


class ThawRefused(ValueError):
    """A state that this deployment cannot take; it may then have a part of it and must not be used."""


def thaw(deployment: Deployment, data: bytes) -> None:
    """Fills the deployment with a frozen state; what is under way in it is dropped. Raises `ThawRefused`."""
    try:
        state = unpacked(data)
        if not isinstance(state, tuple) or len(state) != 3 or state[0] != VERSION:
            raise ThawRefused("these bytes are no frozen state of this version")
        _Thawer(deployment, state[1], state[2]).fill()
    except (ValueDamaged, LookupError, TypeError, AttributeError, ImportError) as fault:
        raise ThawRefused(f"the state does not fit this deployment: {fault}") from fault


class _Thawer:
    def __init__(self, deployment: Deployment, roots: list[Any], nodes: list[Any]) -> None:
        self._deployment = deployment
        self._packages = packages_of(deployment)
        self._roots = roots
        self._nodes = nodes
        self._bring_about()
        self._places: dict[str, Any] = {}
        for name, value in wired(deployment):
            self._places.setdefault(name, value)
        self._holders = {name: (holder, names) for name, holder, names in roots_of(deployment)}
        self._claimed: set[int] = set()
        self._there = [_NOTHING] * len(nodes)
        self._made: dict[int, Any] = {}

    def _bring_about(self) -> None:
        """Has what the state names come into being if it does so at its first use: emitters, and levels of queues."""
        for kind, _, _, what in self._nodes:
            if kind != "place":
                continue
            name, _, event = what.rpartition(".")
            component = self._deployment.instances.get(name)
            if component is not None and event in type(component).__declarations__.events:
                getattr(component, event)
            name, is_queue, priority = what.partition("/queue ")
            if is_queue and name in self._deployment.instances:
                queue = self._deployment.instances[name]._context.queue
                if queue is not None:
                    queue.level(int(priority))

    def fill(self) -> None:
        """Everything: what is there first, then what is missing, then what they hold."""
        for number in range(len(self._nodes)):
            self._there[number] = self._found(number)
        for number in range(len(self._nodes)):
            self._make(number)
        for hashed in (False, True):  # keys and members are whole before they are hashed
            for number, (kind, _, _, what) in enumerate(self._nodes):
                if (kind in _HASHED) == hashed and kind in _FILLS:
                    _FILLS[kind](self, self._made[number], what)
        for name, attributes in self._roots:
            self._fill_root(name, attributes)
        self._drop_what_waits()

    def _drop_what_waits(self) -> None:
        """What is under way is of the state that is replaced; a frozen one has nothing of that kind."""
        for loop in self._deployment.loops.values():
            loop._inbox.clear()
            for ready in loop._ready:
                ready.clear()
        for queue in self._deployment.queues():
            queue.waiting.clear()
            queue.scheduled = False
            for level in queue.levels:
                level.clear()
        for component in self._deployment.instances.values():
            component._context.tasks.clear()

    def _fill_root(self, name: str, attributes: dict[str, Any]) -> None:
        if name not in self._holders:
            raise ThawRefused(f"the deployment has no {name}")
        holder, _ = self._holders[name]
        component = self._deployment.instances.get(name)
        for stale in own_attributes(component) if component is not None else ():
            if stale not in attributes:
                delattr(holder, stale)
        for attribute, value in attributes.items():
            object.__setattr__(holder, attribute, self._value(value))

    # What is there already

    def _found(self, number: int) -> Any:
        kind, holder, step, what = self._nodes[number]
        if holder < 0:
            name = self._roots[-1 - holder][0]
            found = getattr(self._holders[name][0], step, _NOTHING) if name in self._holders else _NOTHING
        else:
            found = _step(self._there[holder], step)
        if found is _NOTHING or kind not in _KEPT:
            return found
        if not _is_alike(kind, what, found) or id(found) in self._claimed:
            return _NOTHING
        self._claimed.add(id(found))
        return found

    # What is made

    def _value(self, value: Any) -> Any:
        return self._make(value[0]) if isinstance(value, tuple) else value

    def _values(self, values: Any) -> list[Any]:
        return [self._value(one) for one in values]

    def _make(self, number: int) -> Any:
        if number in self._made:
            return self._made[number]
        kind, _, _, what = self._nodes[number]
        there = self._there[number]
        if kind in _KEPT and there is not _NOTHING:
            made = there
        elif kind in _CONTAINERS:
            made = _CONTAINERS[kind]()
            if kind == "deque":
                made = deque(maxlen=what[0])
        elif kind == "resource":
            raise ThawRefused(f"{self._named(number)}: there is no open {what.rpartition(':')[2]} that it could have")
        else:
            try:
                if kind not in _MAKERS:
                    raise LookupError(f"there is nothing of the kind {kind!r}")
                made = _MAKERS[kind](self, what)
            except LookupError as fault:
                raise ThawRefused(f"{self._named(number)}: {fault}") from fault
        self._made[number] = made
        return made

    def _named(self, number: int) -> str:
        steps = []
        while number >= 0:
            _, number, step, _ = self._nodes[number]
            steps.append(str(step))
        return ".".join([self._roots[-1 - number][0], *reversed(steps)])

    def _class(self, path: str) -> Any:
        module, _, name = path.partition(":")
        if module.partition(".")[0] not in self._packages and module != "builtins":
            raise ThawRefused(f"{path} is no class of the deployment")
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        if not isinstance(found, type):
            raise ThawRefused(f"{path} is no class")
        return found

    def _place(self, name: str) -> Any:
        if name not in self._places:
            raise LookupError(f"the deployment has no {name}")
        return self._places[name]

    def _new(self, what: tuple[str, Any]) -> Any:
        cls = self._class(what[0])
        return cls.__new__(cls)

    def _function(self, what: tuple[Any, ...]) -> FunctionType:
        place, name, cells, defaults, named = what
        if place is None or str(place[0]).partition(".")[0] not in self._packages:
            raise ThawRefused(f"the function {name} stands in no module, and the deployment has none at its place")
        made = FunctionType(
            code_at(*place), import_module(place[0]).__dict__, name.rpartition(".")[2],
            tuple(self._values(defaults)) or None, tuple(self._values(cells)),
        )  # fmt: skip
        made.__qualname__ = name
        made.__module__ = place[0]
        made.__kwdefaults__ = {one: self._value(value) for one, value in named} or None
        return made

    def _boundary(self, what: tuple[Any, ...]) -> Any:
        object_of = getattr(self._deployment.platform, "object_of", None)
        if object_of is None:
            raise ThawRefused(f"a {what[0]} of a recording is given by a replay only")
        return object_of(*what)

    def _tuple(self, what: Any) -> tuple[Any, ...]:
        return tuple(self._values(what))

    def _frozenset(self, what: Any) -> frozenset[Any]:
        return frozenset(self._values(what))

    def _named_tuple(self, what: Any) -> Any:
        return tuple.__new__(self._class(what[0]), self._values(what[1]))

    def _plain(self, what: Any) -> Any:
        cls = self._class(what[0])
        base = type(what[1])
        return base.__new__(cls, what[1])

    def _fault(self, what: Any) -> BaseException:
        cls = self._class(what[0])
        if not issubclass(cls, BaseException):
            raise ThawRefused(f"{what[0]} is no fault")
        arguments = self._values(what[1])
        fault: BaseException = cls.__new__(cls, *arguments)
        fault.args = tuple(arguments)
        return fault

    def _partial(self, what: Any) -> partial[Any]:
        call, arguments, named = what
        return partial(self._value(call), *self._values(arguments), **{name: self._value(one) for name, one in named})

    def _pattern(self, what: Any) -> Any:
        import re

        return re.compile(what[0], what[1])

    def _builtin(self, what: str) -> Any:
        import builtins

        if what not in BUILTINS:
            raise ThawRefused(f"the function {what} is none that a state may name")
        return getattr(builtins, what)

    # What they hold

    def _fill_object(self, made: Any, what: Any) -> None:
        from kittiwake.replay.places import names_of

        for name in names_of(made):
            if name not in what[1]:
                object.__delattr__(made, name)
        for name, value in what[1].items():
            object.__setattr__(made, name, self._value(value))

    def _fill_list(self, made: list[Any], what: Any) -> None:
        made[:] = self._values(what)

    def _fill_deque(self, made: deque[Any], what: Any) -> None:
        made.clear()
        made.extend(self._values(what[1]))

    def _fill_bytes(self, made: bytearray, what: bytes) -> None:
        made[:] = what

    def _fill_cell(self, made: CellType, what: Any) -> None:
        if what:
            made.cell_contents = self._value(what[0])

    def _fill_dict(self, made: Any, what: Any) -> None:
        factory, items = what
        made.clear()
        if isinstance(made, defaultdict):
            made.default_factory = self._value(factory)
        for key, value in items:
            made[self._value(key)] = self._value(value)

    def _fill_set(self, made: set[Any], what: Any) -> None:
        made.clear()
        made.update(self._values(what))


def _step(found: Any, step: Any) -> Any:
    """What stands one step further, or nothing."""
    if found is _NOTHING or step is None:
        return _NOTHING
    try:
        if isinstance(step, str):
            return getattr(found, step, _NOTHING)
        if isinstance(step, int):
            return found[step] if isinstance(found, (list, tuple, deque)) else _NOTHING
        if step[0] == "key":
            return found[step[1]] if isinstance(found, (dict, tuple)) else _NOTHING
        if step[0] == "cell":
            return dict(zip(found.__code__.co_freevars, found.__closure__ or (), strict=True))[step[1]]
        if step[0] == "content":
            return found.cell_contents
        return found.func if isinstance(found, partial) else found.__self__
    except (LookupError, AttributeError, ValueError):
        return _NOTHING


def _is_alike(kind: str, what: Any, found: Any) -> bool:
    if kind == "function":
        return isinstance(found, FunctionType) and bool(found.__code__.co_qualname == what[1])
    cls = type(found)
    if kind in ("object", "resource"):
        return bool(f"{cls.__module__}:{cls.__qualname__}" == (what[0] if kind == "object" else what))
    if kind == "deque":
        return cls is deque and bool(found.maxlen == what[0])
    return cls is _CONTAINERS[kind]


_KEPT = frozenset([*_CONTAINERS, "object", "function", "resource"])
_HASHED = frozenset(["set", "dict", "ordered", "counter", "default"])
_FILLS: dict[str, Any] = {
    "object": _Thawer._fill_object, "list": _Thawer._fill_list, "deque": _Thawer._fill_deque,
    "bytearray": _Thawer._fill_bytes, "cell": _Thawer._fill_cell, "set": _Thawer._fill_set,
    **dict.fromkeys(("dict", "ordered", "counter", "default"), _Thawer._fill_dict),
}  # fmt: skip
_MAKERS: dict[str, Any] = {
    "place": _Thawer._place, "object": _Thawer._new, "function": _Thawer._function, "boundary": _Thawer._boundary,
    "tuple": _Thawer._tuple, "frozenset": _Thawer._frozenset, "named": _Thawer._named_tuple, "plain": _Thawer._plain,
    "fault": _Thawer._fault, "partial": _Thawer._partial, "builtin": _Thawer._builtin, "class": _Thawer._class,
    "declared": lambda self, what: follow(what, self._packages),
    "enum": lambda self, what: self._class(what[0])[what[1]],
    "method": lambda self, what: getattr(self._value(what[0]), what[1]),
    "struct": lambda _, what: Struct(what),
    "pattern": _Thawer._pattern,
}  # fmt: skip
