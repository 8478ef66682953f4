"""A platform that gives a deployment what a recording says, and holds what the deployment does against it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from kittiwake.replay.arrivals import thing_of
from kittiwake.replay.boundary import (
    ATTRIBUTES,
    KINDS,
    MEMBERS,
    PARTS,
    VALUE_TYPES,
    BoundaryPlatform,
    arguments_of,
    place_of,
    shown_by,
)
from kittiwake.replay.difference import (
    Difference,
    Place,
    RecordingOver,
    ReplayEnded,
    components_under_way,
    first_unlike,
    shown,
)
from kittiwake.replay.faults import fault_of
from kittiwake.replay.places import packages_of
from kittiwake.replay.recording import CALL, DRIVE, METER, NOW, PORT, WAIT, WALL, Cursor, Keyframe, Recording
from kittiwake.replay.values import ValueDamaged, ValueRefused, packed, unpacked
from kittiwake.replay.witness import Witness
from kittiwake.runtime.loop import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from kittiwake.platform.interface import Poller, Thread
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.watched_loop import WatchedLoop

_CLOCKS = {NOW: "the time since boot", METER: "the meter", WALL: "wall time"}


class Source:
    """The records of a recording one by one, and where the replay stands among them."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._cursor = Cursor(recording.blocks())
        self.stack: list[tuple[str, str]] = []
        self.begun_ns: int = recording.header["begun_ns"]
        self.time_ns = self.begun_ns
        self.outputs = 0
        self.names = dict(enumerate(PARTS))
        self.sent: Callable[[int, bytes], None] | None = None
        """Is told of what a stream sends: the time and the bytes."""
        self.witness = Witness(self.crossed)
        self.channel_that_differs: Callable[[Any, Any], str] = lambda expected, found: ""
        """Which channel makes two packets of telemetry differ."""
        self.is_resumed = False
        """Whether the next wait is one that was under way at a keyframe."""
        self._stopped: BaseException | None = None

    def start_at(self, keyframe: Keyframe) -> None:
        """Leaves out what is between here and a keyframe."""
        self._cursor = Cursor(self._recording.blocks(keyframe.place))
        self._cursor.passed = keyframe.records
        self.time_ns = keyframe.time_ns
        self.is_resumed = True

    @property
    def number(self) -> int:
        """The number of the record that was read last."""
        return self._cursor.passed

    def _kind(self) -> int:
        """The kind of the next record that a deployment answers for. Raises `RecordingOver`."""
        if self._stopped is not None:
            raise self._stopped
        kind = self._cursor.kind()
        if kind == 0:
            raise self._over()
        return kind

    def _over(self) -> BaseException:
        self._stopped = RecordingOver()
        return self._stopped

    def _fields(self, kind: int) -> tuple[Any, ...]:
        try:
            return self._cursor.fields(kind)
        except ValueDamaged as fault:
            self._recording.ended = f"a block is damaged: {fault}"
            raise self._over() from None

    def place(self) -> Place:
        """Where the replay stands."""
        instance, call = self.stack[-1] if self.stack else ("", "")
        return Place(self.time_ns, self.time_ns - self.begun_ns, self.number, instance, call, components_under_way())

    def differ(self, what: str, expected: str, found: str) -> Difference:
        """The difference to raise; nothing is given any more from now on."""
        difference = self._stopped = Difference(self.place(), what, expected, found)
        return difference

    def end(self, why: str) -> ReplayEnded:
        """What to raise to end the replay here; nothing is given any more from now on."""
        end = self._stopped = ReplayEnded(why)
        return end

    def read(self, clock: int) -> int:
        """What a clock showed."""
        kind = self._kind()
        if kind != clock:
            raise self.differ("a clock is read", self.told(kind, self._fields(kind)), f"reads {_CLOCKS[clock]}")
        time_ns = self._cursor.time_ns(clock)
        if clock == NOW:
            self.time_ns = time_ns
        return time_ns

    def call(self, kind: str, number: int, place: int, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """How a call ended in flight."""
        found = self._kind()
        method = KINDS[kind][place]
        try:
            sought = packed(number) + packed(place) + packed(arguments)
        except ValueRefused as fault:
            raise self.differ(self._name(number), self.told(found, self._fields(found)), str(fault)) from None
        if found != CALL or not self._cursor.passes(sought):
            raise self._other_call(found, number, method.name, place, arguments)
        outcome: tuple[Any, ...] = self._cursor.value()
        self.outputs += method.changes
        if outcome[0] == 1:
            self.names[outcome[1]] = f"{method.gives} {shown(arguments)}"
        elif self.sent is not None and kind == "stream" and method.name == "send" and outcome[0] == 0:
            self.sent(self.time_ns, bytes(arguments[0][: outcome[1]]))
        return outcome

    def _other_call(self, kind: int, number: int, name: str, place: int, arguments: tuple[Any, ...]) -> Difference:
        what = f"{self._name(number)}: {name}"
        fields = self._fields(kind)
        if kind != CALL or fields[:2] != (number, place):
            return self.differ(what, self.told(kind, fields), f"calls {what}{shown(arguments)}")
        return self.differ(what, *first_unlike(fields[2], arguments))

    def crossed(self, connection: int, packed_arguments: bytes) -> None:
        """A call goes over a connection."""
        kind = self._kind()
        if kind == PORT and self._cursor.passes(packed(connection) + packed_arguments):
            return
        fields, found = self._fields(kind), unpacked(packed_arguments)
        what = str(self.witness.edges[connection])
        if kind != PORT or fields[0] != connection:
            raise self.differ(what, self.told(kind, fields), f"calls {what}{shown(found)}")
        difference = self.differ(what, *first_unlike(fields[1], found))
        if isinstance(fields[1], tuple) and isinstance(found, tuple) and found:
            difference.channel = self.channel_that_differs(fields[1][0], found[0])
        raise difference

    def wait(self, number: int, deadline_ns: int | None) -> tuple[list[tuple[int, bool]], list[Any]]:
        """What was ready and what had arrived."""
        kind = self._kind()
        fields = self._fields(kind)
        if kind != WAIT or fields[0] != number:
            raise self.differ("the loop waits", self.told(kind, fields), f"waits until {deadline_ns}")
        expected_ns, ready, arrived = fields[1]
        if expected_ns != deadline_ns and not self.is_resumed:
            raise self.differ("the loop waits for a time", f"until {expected_ns} ns", f"until {deadline_ns} ns")
        self.is_resumed = False
        return ready, arrived

    def drive(self, allowed: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
        """What the deployment was made to do next."""
        kind = self._kind()
        fields = self._fields(kind)
        if kind != DRIVE or fields[0][0] not in allowed:
            raise self.differ("the deployment waits to be flown", self.told(kind, fields), "nothing is done")
        call, arguments = fields[0]
        return call, arguments

    def _name(self, number: int) -> str:
        return self.names.get(number, f"object {number}")

    def told(self, kind: int, fields: tuple[Any, ...]) -> str:
        """What the flight did, for people."""
        if kind in _CLOCKS:
            return f"reads {_CLOCKS[kind]}"
        if kind == WAIT:
            return "waits for what comes next"
        if kind == DRIVE:
            return f"has ended what it did, and {fields[0][0]} comes next"
        if kind == PORT:
            edges = self.witness.edges
            edge = edges[fields[0]] if fields[0] < len(edges) else f"connection {fields[0]}"
            return f"calls {edge}{shown(fields[1])}"
        number, place, arguments, _ = fields
        name = self._name(number)
        methods = KINDS.get(name.partition(" ")[0], ())
        return f"calls {name}: {methods[place].name if place < len(methods) else place}{shown(arguments)}"


class ReplayedCall:
    """One method of one object."""

    __slots__ = ("_kind", "_source", "number", "place")

    def __init__(self, source: Source, kind: str, number: int, place: int) -> None:
        self._source = source
        self._kind = kind
        self.number = number
        self.place = place

    def boundary_number(self) -> tuple[str, int, int]:
        """How a frozen state names it."""
        return self._kind, self.number, self.place

    def __call__(self, *given: Any, **named: Any) -> Any:
        method = KINDS[self._kind][self.place]
        arguments = arguments_of(method.name, given, named)
        how, *rest = self._source.call(self._kind, self.number, self.place, arguments)
        if how == 2:
            raise fault_of((rest[0], rest[1], rest[2]))
        if how == 1:
            return ReplayedObject.made(self._source, method.gives, rest[0], rest[1])
        value_type = VALUE_TYPES.get(method.name)
        return rest[0] if value_type is None else value_type(*rest[0])


class ReplayedObject:
    """An object as the recording knows it, by its number."""

    def __init__(self, source: Source, kind: str, number: int, shown: tuple[Any, ...] = ()) -> None:
        self.kind = kind
        self.number = number
        self._source = source
        for name, value in zip(ATTRIBUTES.get(kind, ()), shown, strict=True):
            setattr(self, name, value)
        for place, (name, member) in enumerate(MEMBERS.get(kind, ()), 1):
            source.names[number + place] = f"{member} {name} of {source.names.get(number, kind)}"
            setattr(self, name, ReplayedObject(source, member, number + place))

    @staticmethod
    def made(source: Source, kind: str, number: int, shown: tuple[Any, ...]) -> ReplayedObject:
        """The object that a call gave."""
        return _CLASSES.get(kind, ReplayedObject)(source, kind, number, shown)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a {self.kind} has no {name}")
        call = self._call(name)
        setattr(self, name, call)
        return call

    def _call(self, name: str) -> ReplayedCall:
        return ReplayedCall(self._source, self.kind, self.number, place_of(self.kind, name))

    def boundary_number(self) -> tuple[Any, ...]:
        """How a frozen state names it."""
        return self.kind, self.number, None, shown_by(self.kind, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ReplayedPoller(ReplayedObject):
    """A poller that knows beforehand what will be ready."""

    def __init__(self, source: Source, kind: str, number: int, shown: tuple[Any, ...] = ()) -> None:
        super().__init__(source, kind, number, shown)
        self.callbacks: dict[tuple[int, bool], Callable[[], None]] = {}
        self.deployment: Deployment | None = None
        """Whom calls that came from other threads are for."""
        self.before_wait: Callable[[], None] = lambda: None

    def add(self, fileno: int, on_readable: Callable[[], None] | None, on_writable: Callable[[], None] | None) -> None:
        """Keeps the callbacks."""
        self._call("add")(fileno, on_readable, on_writable)
        self._forget(fileno)
        for is_writable, callback in ((False, on_readable), (True, on_writable)):
            if callback is not None:
                self.callbacks[fileno, is_writable] = callback

    def remove(self, fileno: int) -> None:
        """Forgets them."""
        self._call("remove")(fileno)
        self._forget(fileno)

    def _forget(self, fileno: int) -> None:
        for is_writable in (False, True):
            self.callbacks.pop((fileno, is_writable), None)

    def wait(self, deadline_ns: int | None) -> Sequence[Callable[[], None]]:
        """The callbacks of what was ready, and the calls of what had arrived."""
        self.before_wait()
        ready, arrived = self._source.wait(self.number, deadline_ns)
        calls: list[Callable[[], None]] = []
        for fileno, is_writable in ready:
            callback = self.callbacks.get((fileno, is_writable))
            if callback is None:
                raise self._source.differ(f"descriptor {fileno} is ready", "is watched", "is not watched")
            calls.append(callback)
        return calls + [self._arrived(*one) for one in arrived]

    def _arrived(self, whose: int | str | None, method: str, arguments: Any) -> Callable[[], None]:
        deployment = self.deployment
        assert deployment is not None
        if whose is None:
            raise self._source.end(f"another thread called {method}, which no recording can hold")
        try:
            given = thing_of(arguments, packages_of(deployment))
        except (LookupError, TypeError, ValueError) as fault:
            raise self._source.end(f"another thread called {method}, with what cannot be made: {fault}") from None
        if isinstance(whose, str):
            return _Arrival(getattr(deployment.instances[whose] if whose else deployment, method), *given)
        loop = cast("WatchedLoop", deployment.main)
        if whose > loop.inlets_made:
            raise self._source.differ(f"another thread calls {method}", f"inlet {whose} is open", "there is none yet")
        inlet = loop.inlets.get(whose)  # one that is closed takes nothing, as in flight
        return _nothing if inlet is None else _Arrival(inlet, *given)

    def wake(self) -> None:
        """Nothing: what woke the loop is recorded."""


class ReplayedThread(ReplayedObject):
    """A thread that does nothing: what it did in flight, for the world and for the deployment, is recorded."""

    is_here = False


_CLASSES: dict[str, type[ReplayedObject]] = {"poller": ReplayedPoller, "thread": ReplayedThread}


class _Arrival(partial[None]):
    """A call of another thread, by the names of what it calls."""

    @property
    def __name__(self) -> str:
        return named(self.func)

    @property
    def __self__(self) -> object:
        return getattr(self.func, "__self__", None)


def _nothing() -> None:
    """What comes of a call that came too late."""


class ReplayedClock:
    """Shows what the clocks showed."""

    meter_source = "meter_ns()"

    def __init__(self, source: Source) -> None:
        self.now_ns: Callable[[], int] = partial(source.read, NOW)
        self.meter_ns: Callable[[], int] = partial(source.read, METER)
        self.wall_ns: Callable[[], int] = partial(source.read, WALL)

    def set_wall_ns(self, wall_ns: int) -> None:
        """Nothing: what wall time was is recorded."""

    def follow_machine(self) -> None:
        """Nothing."""


class ReplayWatch:
    """Keeps track of which call is under way; `observer` is told of each, if there is one."""

    def __init__(self, source: Source) -> None:
        self._stack = source.stack
        self.observer: Callable[[str, str], None] | None = None

    def began(self, instance: str, call: str) -> None:
        """The call is under way."""
        self._stack.append((instance, call))
        if self.observer is not None:
            self.observer(instance, call)

    def ended(self) -> None:
        """It is no more."""
        self._stack.pop()

    def arrived(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
        """There are no other threads."""
        return False


class ReplayPlatform(BoundaryPlatform):
    """A `Platform` out of a recording."""

    def __init__(self, recording: Recording) -> None:
        self.source = source = Source(recording)
        self.has_threads = bool(recording.header["has_threads"])
        self.last_end = str(recording.header["last_end"])
        self.dispatch_watch = ReplayWatch(source)
        made: dict[str, Any] = {
            kind: ReplayedObject(source, kind, number, recording.header["shown"].get(kind, ()))
            for number, kind in enumerate(PARTS)
        }
        self.clock = ReplayedClock(source)
        super().__init__(made)
        self.pollers: list[ReplayedPoller] = []
        self._objects: dict[int, ReplayedObject] = {}

    def poller(self) -> Poller:
        """The next poller."""
        poller: ReplayedPoller = self._machine.poller()
        self.pollers.append(poller)
        return cast("Poller", poller)

    def start_thread(self, name: str, work: Callable[[], object]) -> Thread:
        """Starts none; what was done at once in flight is done at once again."""
        if not self.has_threads:
            work()
        return super().start_thread(name, work)

    def object_of(self, kind: str, number: int, place: int | None, shown: tuple[Any, ...] = ()) -> Any:
        """What a frozen state means by a number: an object with what it shows, or one of its methods."""
        if kind not in KINDS or (place is not None and not 0 <= place < len(KINDS[kind])):
            raise LookupError(f"there is no {kind} {number} {place or ''}")
        found = self._objects.get(number)
        if found is None:
            self.source.names.setdefault(number, kind)
            found = self._objects[number] = ReplayedObject.made(self.source, kind, number, shown)
        return found if place is None else getattr(found, KINDS[kind][place].name)

    def serve(self, deployment: Deployment) -> None:
        """Has calls that came from elsewhere reach this deployment."""
        for poller in self.pollers:
            poller.deployment = deployment
