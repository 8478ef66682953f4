"""Ports: what may be called between components, and the two ends that a component declares.

    @port("Svc.Sched")
    def Sched(context: U32) -> None:
        \"\"\"One cycle of a rate group.\"\"\"

    class Blinker(PassiveComponent):
        lit = OutputPort(Light)

        @sync_port(Sched)
        def run(self, context: int) -> None:
            self.lit(True)

The kinds of input are F´'s: `sync` runs in the caller, `guarded` too but never together with another guarded or async
handler of the same instance, `async` is queued.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar, overload

from kittiwake.model.signature import Declared
from kittiwake.model.types import TypeFault, WireType, annotations_of, evaluated, wire_type

if TYPE_CHECKING:
    from collections.abc import Sequence

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")
A = TypeVar("A", None, Coroutine[Any, Any, None])

Full = Literal["assert", "drop", "drop_oldest", "block", "hook"]
FULL: tuple[Full, ...] = ("assert", "drop", "drop_oldest", "block", "hook")
"""What an async port may do when its queue is full; `assert` is a FATAL event, never an abort."""


def check_full(full: str, allowed: tuple[str, ...]) -> None:
    """Raises `TypeFault` for a full-queue behaviour that is none of those allowed."""
    if full not in allowed:
        raise TypeFault(f"a full queue can {', '.join(allowed)}, not {full!r}")


MAX_PORT_ARRAY = 256


class PortType(Declared, Generic[P, R]):
    """The signature that both ends of a connection share; `parameters` are in their order on the wire."""

    def __init__(self, name: str, function: Callable[P, R]) -> None:
        self.name = name
        self.doc = (function.__doc__ or "").strip()
        self.declare(function)

    def read(self) -> None:
        """Reads the signature, and what is returned."""
        self.parameters = annotations_of(_WithSelf(self._function))
        returned = _evaluated(self._function, "return")
        self.returns: WireType | None = None if returned is None else wire_type(returned)

    def __repr__(self) -> str:
        return f"port {self.name}"


class _WithSelf:
    """A function seen as if it had a first parameter `self`, which `annotations_of` leaves out."""

    def __init__(self, function: Any) -> None:
        self.__annotations__ = function.__annotations__
        self.__globals__ = function.__globals__
        self.__qualname__ = function.__qualname__
        self.__code__ = self
        code = function.__code__
        self.co_varnames = ("self", *code.co_varnames)
        self.co_argcount = code.co_argcount + 1
        self.co_kwonlyargcount = 0


def _evaluated(function: Any, name: str) -> Any:
    return evaluated(function.__annotations__.get(name), function.__globals__)


def port(name: str) -> Callable[[Callable[P, R]], PortType[P, R]]:
    """Declares a port type from a function's signature; `name` is its qualified name in FPP."""
    return lambda function: PortType(name, function)


class PortNotConnected(LookupError):
    """A call of an output port that the topology leaves open; carries the instance and the port."""

    def __init__(self, instance: str, port: str) -> None:
        super().__init__(f"{instance}.{port} is not connected")
        self.instance = instance
        self.port = port


class OutputPort(Generic[P, R]):
    """An output of a component. `required` makes an open one a fault of the topology."""

    size = 1
    is_array = False

    def __init__(self, port: PortType[P, R], *, required: bool = False, doc: str = "") -> None:
        self.port = port
        self.required = required
        self.doc = doc
        self.name = ""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> OutputPort[P, R]: ...

        @overload
        def __get__(self, instance: object, owner: type) -> Callable[P, R]: ...

        def __get__(self, instance: object, owner: type) -> Any: ...


class OutputPortArray(Generic[P, R]):
    """`size` outputs of one type: a sequence, of which open ones raise `PortNotConnected` when they are called."""

    is_array = True

    def __init__(self, port: PortType[P, R], size: int, *, required: bool = False, doc: str = "") -> None:
        if not 1 <= size <= MAX_PORT_ARRAY:
            raise TypeFault(f"a port array has 1 to {MAX_PORT_ARRAY} ports, not {size}")
        self.port = port
        self.size = size
        self.required = required
        self.doc = doc
        self.name = ""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> OutputPortArray[P, R]: ...

        @overload
        def __get__(self, instance: object, owner: type) -> Sequence[Callable[P, R]]: ...

        def __get__(self, instance: object, owner: type) -> Any: ...


class InputPort:
    """An input of a component: its handler's name, its kind, and for async ones priority and what a full queue does."""

    def __init__(
        self, port: PortType[Any, Any], kind: str, size: int | None, priority: int = 0, full: Full = "assert"
    ) -> None:
        if Declared.is_read_at_once and kind == "async" and port.returns is not None:
            raise TypeFault(f"{port.name} returns a value, so no async port can have it")
        check_full(full, FULL)
        self.port = port
        self.kind = kind
        self.is_array = size is not None
        self.size = 1 if size is None else size
        self.priority = priority
        self.full = full
        self.mirrors = ""
        self.name = ""
        self.doc = ""


def _attach(declaration: InputPort) -> Callable[[Any], Any]:
    def decorate(handler: Any) -> Any:
        declaration.doc = (handler.__doc__ or "").strip()
        handler.__input_port__ = declaration
        return handler

    return decorate


Handler = Callable[Concatenate[C, P], R]
ArrayHandler = Callable[Concatenate[C, int, P], R]


@overload
def sync_port(port: PortType[P, R]) -> Callable[[Handler[C, P, R]], Handler[C, P, R]]: ...
@overload
def sync_port(
    port: PortType[P, R], *, size: int, mirrors: str = ""
) -> Callable[[ArrayHandler[C, P, R]], ArrayHandler[C, P, R]]: ...
def sync_port(port: PortType[P, R], *, size: int | None = None, mirrors: str = "") -> Any:
    """An input that runs in its caller. With `size` it is an array, and the handler's first argument is the index.

    `mirrors` names an array of outputs: what comes in at an index is from the instance that the output of that index
    goes to, which the topology's checks see to.
    """
    declaration = InputPort(port, "sync", size)
    declaration.mirrors = mirrors
    return _attach(declaration)


@overload
def guarded_port(port: PortType[P, R]) -> Callable[[Handler[C, P, R]], Handler[C, P, R]]: ...
@overload
def guarded_port(port: PortType[P, R], *, size: int) -> Callable[[ArrayHandler[C, P, R]], ArrayHandler[C, P, R]]: ...
def guarded_port(port: PortType[P, R], *, size: int | None = None) -> Any:
    """An input that runs in its caller, never together with another guarded or async handler of the instance."""
    return _attach(InputPort(port, "guarded", size))


@overload
def async_port(
    port: PortType[P, None], *, priority: int = 0, full: Full = "assert"
) -> Callable[[Handler[C, P, A]], Handler[C, P, A]]: ...
@overload
def async_port(
    port: PortType[P, None], *, size: int, priority: int = 0, full: Full = "assert"
) -> Callable[[ArrayHandler[C, P, A]], ArrayHandler[C, P, A]]: ...
def async_port(port: PortType[P, None], *, size: int | None = None, priority: int = 0, full: Full = "assert") -> Any:
    """An input that is queued; a higher `priority` is served first, `full` says what happens when there is no room.

    `assert` is a FATAL event, `drop` loses the new message and `drop_oldest` the oldest of this port; `block` holds the
    caller, which must be on another thread; `hook` hands the arguments to the method <name>_overflow.
    """
    return _attach(InputPort(port, "async", size, priority, full))


InternalFull = Literal["assert", "drop", "drop_oldest", "hook"]
INTERNAL_FULL: tuple[InternalFull, ...] = ("assert", "drop", "drop_oldest", "hook")
"""What an internal port may do when its queue is full: an instance that waited for its own queue would never end."""


class InternalPort:
    """A message of an instance to itself: calling the method queues it (F´'s internal port)."""

    def __init__(self, priority: int, full: InternalFull, function: Any) -> None:
        check_full(full, INTERNAL_FULL)
        self.name = function.__name__
        self.doc = (function.__doc__ or "").strip()
        self.priority = priority
        self.full = full
        self.parameters: list[tuple[str, WireType]] = annotations_of(function)


def internal_port(
    *, priority: int = 0, full: InternalFull = "assert"
) -> Callable[[Handler[C, P, A]], Handler[C, P, None]]:
    """Declares a method whose calls are queued, for an active or queued component that goes on later.

    The handler may be `async def`; its caller waits for nothing either way.
    With `full="hook"` the method <name>_overflow gets what found no room.
    """

    def decorate(function: Any) -> Any:
        function.__internal_port__ = InternalPort(priority, full, function)
        return function

    return decorate
