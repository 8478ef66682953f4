"""A platform that passes everything on to another one, and has a recorder write down what comes back.

Calls of threads other than the deployment's are passed on unrecorded: what they find out reaches the deployment as
calls for its loop, and these are recorded. The poller gives them to the loop, so that they come between two turns.
"""

from __future__ import annotations

from _thread import get_ident
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from kittiwake.platform.interface import NS_PER_S
from kittiwake.replay.arrivals import value_of
from kittiwake.replay.boundary import (
    ATTRIBUTES,
    KINDS,
    MEMBERS,
    PARTS,
    BoundaryPlatform,
    arguments_of,
    place_of,
    shown_by,
)
from kittiwake.replay.faults import fault_value
from kittiwake.replay.freeze import FreezeRefused, check_quiet, freeze
from kittiwake.replay.recording import CALL, DRIVE, FLUSH_BYTES, METER, NOW, WAIT, WALL, Recorder
from kittiwake.replay.values import ValueRefused
from kittiwake.replay.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from kittiwake.platform.interface import Clock, Platform, Poller
    from kittiwake.runtime.deployment import Deployment

FLUSH_EVERY_NS = NS_PER_S
REFUSED_AGAIN_NS = 60 * NS_PER_S
"""When something could not be frozen, as a transfer that is under way, the next keyframe is tried so long after."""


class Boundary:
    """What all objects of one recorded platform share: the recorder, the thread of the loop, and the next number."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.home = get_ident()
        self._next = len(PARTS)

    def crossed(self, connection: int, packed_arguments: bytes) -> None:
        """A call goes over a connection; those of other threads have no place in the order."""
        if get_ident() == self.home:
            self.recorder.crossed(connection, packed_arguments)

    def new_number(self, count: int) -> int:
        """The number of an object that comes into being, the first of `count`."""
        number = self._next
        self._next += count
        return number


class RecordedCall:
    """One method of one object."""

    __slots__ = ("_bound", "_boundary", "_kind", "_method", "number", "place")

    def __init__(self, boundary: Boundary, kind: str, number: int, place: int, inner: Any) -> None:
        self._boundary = boundary
        self._kind = kind
        self._method = KINDS[kind][place]
        self._bound = getattr(inner, self._method.name)
        self.number = number
        self.place = place

    def boundary_number(self) -> tuple[str, int, int]:
        """How a frozen state names it."""
        return self._kind, self.number, self.place

    def __call__(self, *given: Any, **named: Any) -> Any:
        boundary, method = self._boundary, self._method
        if get_ident() != boundary.home:
            return self._bound(*given, **named)
        arguments = arguments_of(method.name, given, named)
        if method.name == "execute_many":
            given = arguments
        try:
            result = self._bound(*given, **named)
        except Exception as fault:
            boundary.recorder.add(CALL, self.number, self.place, arguments, (2, *fault_value(fault)))
            raise
        except BaseException as end:  # the power went, or a test ends: what is done on the way out is no flight
            boundary.recorder.end(f"{type(end).__name__}: {end}")
            raise
        if not method.gives or result is None:
            boundary.recorder.add(CALL, self.number, self.place, arguments, (0, result))
            return result
        number = boundary.new_number(1 + len(MEMBERS.get(method.gives, ())))
        shown = shown_by(method.gives, result)
        boundary.recorder.add(CALL, self.number, self.place, arguments, (1, number, shown))
        return _CLASSES.get(method.gives, RecordedObject)(boundary, method.gives, number, result)


class RecordedObject:
    """An object of the other platform; its methods come into being when they are first asked for."""

    def __init__(self, boundary: Boundary, kind: str, number: int, inner: Any) -> None:
        self.kind = kind
        self.number = number
        self._boundary = boundary
        self._inner = inner
        for name, value in zip(ATTRIBUTES.get(kind, ()), shown_by(kind, inner), strict=True):
            setattr(self, name, value)
        for place, (name, member) in enumerate(MEMBERS.get(kind, ()), 1):
            setattr(self, name, RecordedObject(boundary, member, number + place, getattr(inner, name)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(self._inner, name):
            raise AttributeError(f"a {self.kind} has no {name}")
        call = self._call(name)
        setattr(self, name, call)
        return call

    def _call(self, name: str) -> RecordedCall:
        return RecordedCall(self._boundary, self.kind, self.number, place_of(self.kind, name), self._inner)

    def boundary_number(self) -> tuple[Any, ...]:
        """How a frozen state names it."""
        return self.kind, self.number, None, shown_by(self.kind, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Ready:
    """A callback of a poller: whose it is, and for what."""

    __slots__ = ("callback", "token")

    def __init__(self, fileno: int, is_writable: bool, callback: Callable[[], None]) -> None:
        self.token = (fileno, is_writable)
        self.callback = callback

    def __call__(self) -> None:
        self.callback()


class RecordedPoller(RecordedObject):
    """A poller: what was ready, in its order, and what other threads had to say."""

    def __init__(self, boundary: Boundary, kind: str, number: int, inner: Poller) -> None:
        super().__init__(boundary, kind, number, inner)
        self.arrivals: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self.before_wait: Callable[[], None] = boundary.recorder.flush
        self.callbacks: dict[tuple[int, bool], Callable[[], None]] = {}
        """What is watched, and whom it calls: a part of the state."""

    def add(self, fileno: int, on_readable: Callable[[], None] | None, on_writable: Callable[[], None] | None) -> None:
        """Watches a descriptor."""
        watched = [
            None if callback is None else _Ready(fileno, is_writable, callback)
            for is_writable, callback in ((False, on_readable), (True, on_writable))
        ]
        self._call("add")(fileno, *watched)
        self._forget(fileno)
        self.callbacks |= {one.token: one.callback for one in watched if one is not None}

    def remove(self, fileno: int) -> None:
        """Stops watching it."""
        self._call("remove")(fileno)
        self._forget(fileno)

    def _forget(self, fileno: int) -> None:
        self.callbacks.pop((fileno, False), None)
        self.callbacks.pop((fileno, True), None)

    def wait(self, deadline_ns: int | None) -> Sequence[Callable[[], None]]:
        """What is ready, and what has arrived."""
        self.before_wait()
        found = cast("Sequence[_Ready]", self._inner.wait(deadline_ns))
        arrived = [self.arrivals.popleft() for _ in range(len(self.arrivals))]
        packages = self._boundary.recorder.packages
        named = [_named_call(call, arguments, packages) for call, arguments in arrived]
        self._boundary.recorder.add(WAIT, self.number, (deadline_ns, [one.token for one in found], named))
        ready: list[Callable[[], None]] = [one.callback for one in found]
        return ready + [partial(call, *arguments) for call, arguments in arrived]

    def wake(self) -> None:
        """Makes `wait` return at once; that is no output, and what comes of it is recorded there."""
        self._inner.wake()


def _named_call(
    call: Callable[..., Any], arguments: tuple[Any, ...], packages: frozenset[str]
) -> tuple[int | str | None, str, Any]:
    """Whose call it is, its name, and its arguments as a value.

    A call that a recording cannot hold is nobody's; then its name says why, too.
    """
    from kittiwake.model.component import Component
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.inlet import Inlet

    owner = getattr(call, "__self__", None)
    method = getattr(call, "__name__", type(call).__name__)
    try:
        values = value_of(arguments, packages)
    except ValueRefused as refused:
        where = f"{type(owner).__qualname__}.{method}" if owner is not None else method
        return None, f"{where}, with {refused}", None
    if isinstance(call, Inlet):
        return call.number, method, values
    is_method = owner is not None and getattr(type(owner), method, None) is getattr(call, "__func__", 0)
    if is_method and isinstance(owner, (Component, Deployment)):
        return owner.name if isinstance(owner, Component) else "", method, values
    return None, method if owner is None else f"{type(owner).__qualname__}.{method}", None


class RecordedThread(RecordedObject):
    """A thread of the flight."""

    is_here = True


_CLASSES: dict[str, type[RecordedObject]] = {"poller": RecordedPoller, "thread": RecordedThread}


class RecordedClock:
    """A clock whose every reading by the deployment's thread is recorded."""

    meter_source = "meter_ns()"

    def __init__(self, inner: Clock, boundary: Boundary) -> None:
        self._inner = inner
        self._recorder = boundary.recorder
        self._home = boundary.home
        self.now_ns = self._reader(NOW, inner.now_ns)
        self.meter_ns = self._reader(METER, inner.meter_ns)
        # The system's clock replaces its `wall_ns` where it gets a time of its own.
        self.wall_ns = self._reader(WALL, inner.wall_ns)

    def _reader(self, clock: int, read: Callable[[], int]) -> Callable[[], int]:
        showed, home = self._recorder.showed, self._home

        def time_ns() -> int:
            shown = read()
            if get_ident() == home:
                showed(clock, shown)
            return shown

        return time_ns

    def set_wall_ns(self, wall_ns: int) -> None:
        """Gives this process a wall time of its own."""
        self._inner.set_wall_ns(wall_ns)

    def follow_machine(self) -> None:
        """Makes wall time the machine's."""
        self._inner.follow_machine()


class RecordingWatch:
    """Takes what other threads have for the loop."""

    def __init__(self) -> None:
        self.poller: RecordedPoller | None = None

    def began(self, instance: str, call: str) -> None:
        """Nothing: a replay makes the same calls by itself."""

    def ended(self) -> None:
        """Nothing."""

    def arrived(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
        """Keeps it for the next wait."""
        assert self.poller is not None
        self.poller.arrivals.append((call, arguments))
        return True


class RecordingPlatform(BoundaryPlatform):
    """A `Platform` over another one. `recorder` writes; `close` ends the recording."""

    def __init__(self, inner: Platform, recorder: Recorder) -> None:
        self.recorder = recorder
        self.has_threads = inner.has_threads
        self.last_end = inner.last_end
        self.dispatch_watch = RecordingWatch()
        self._now_ns, self._meter_ns = inner.clock.now_ns, inner.clock.meter_ns
        self._flushed_ns = self._meter_ns()
        self._keyframe_due_ns: int | None = None
        self._keyframe_every_ns = 0
        self._deployment: Deployment | None = None
        self._drive: tuple[str, tuple[Any, ...]] = ("", ())
        self.keyframes_missing = 0
        self.keyframe_refusal = ""
        """Why the last one of those is missing: something could not be frozen."""
        boundary = Boundary(recorder)
        made: dict[str, Any] = {
            kind: RecordedObject(boundary, kind, number, getattr(inner, kind, inner))
            for number, kind in enumerate(PARTS)
        }
        self.clock = RecordedClock(inner.clock, boundary)
        self.witness = Witness(boundary.crossed)
        """What the deployment's connections are wrapped with."""
        super().__init__(made)

    def poller(self) -> Poller:
        """A new poller; a watched deployment has one."""
        poller: RecordedPoller = self._machine.poller()
        poller.before_wait = self._before_wait
        self.dispatch_watch.poller = poller
        return cast("Poller", poller)

    def interrupt(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Has a call made by the loop that came from outside of it, as from a handler of signals."""
        watch = self.dispatch_watch
        if watch.poller is not None and watch.arrived(call, arguments):
            watch.poller.wake()

    def drive(self, fly: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a method of the deployment (one of `DRIVES`), as the replay will. Functions are left out there."""
        self._drive = (fly.__name__, tuple([None if callable(one) else one for one in arguments]))
        self.recorder.add(DRIVE, self._drive)
        return fly(*arguments)

    def keep_keyframes(self, deployment: Deployment, every_s: float) -> None:
        """Freezes the deployment so often, in a quiet moment, so that a replay can start there."""
        self._deployment = deployment
        self._keyframe_every_ns = round(every_s * NS_PER_S)
        self._keyframe_due_ns = self._now_ns() + self._keyframe_every_ns

    def _before_wait(self) -> None:
        due_ns = self._keyframe_due_ns
        if due_ns is not None and self._now_ns() >= due_ns:
            self._keep_keyframe()
        self._flush_now_and_then()

    def _keep_keyframe(self) -> None:
        deployment = self._deployment
        assert deployment is not None
        if deployment.main.stopping:
            return
        try:
            check_quiet(deployment)
        except FreezeRefused:
            return  # the next wait may be quiet
        now_ns, pause_ns = self._now_ns(), self._keyframe_every_ns
        try:
            self.recorder.keyframe(now_ns, self._drive, freeze(deployment))
        except FreezeRefused as refused:
            self.keyframes_missing += 1
            self.keyframe_refusal = str(refused)
            pause_ns = max(pause_ns, REFUSED_AGAIN_NS)  # each try holds up the loop
        self._keyframe_due_ns = now_ns + pause_ns

    def _flush_now_and_then(self) -> None:
        recorder = self.recorder
        meter_ns = self._meter_ns()
        if len(recorder.records) >= FLUSH_BYTES or meter_ns - self._flushed_ns >= FLUSH_EVERY_NS:
            self._flushed_ns = meter_ns
            recorder.flush()

    def close(self, why: str) -> None:
        """Ends the recording."""
        self.recorder.close(why)


__all__ = ["RecordingPlatform"]
