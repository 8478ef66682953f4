"""What an instance has of its deployment: its name, its place on a loop, and the services it is bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.tasks import Task, TaskClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from kittiwake.model.component import Component
    from kittiwake.model.events import Event, Severity
    from kittiwake.model.state_machine import StateMachine
    from kittiwake.platform.interface import Platform
    from kittiwake.runtime.command_port import CommandPort
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.monitor import Monitor
    from kittiwake.runtime.queue import MessageQueue
    from kittiwake.runtime.state_machine import RunningStateMachine
    from kittiwake.runtime.tags import TagSource
    from kittiwake.storage.root import Root

MAX_PENDING_TASKS = 16
"""The most `async def` handlers of one instance that may be waiting; one more command is answered BUSY."""


class Throttle:
    """How often a throttled event was reported since `began_ns`, and how often it was only counted."""

    __slots__ = ("began_ns", "count", "suppressed")

    def __init__(self) -> None:
        self.count = 0
        self.suppressed = 0
        self.began_ns = 0


class Context:
    """One instance's view of its deployment."""

    def __init__(
        self, deployment: Deployment, name: str, base_id: int, loop: Loop, settings: Mapping[str, Any],
        priority: int = 0,
    ) -> None:  # fmt: skip
        self.deployment = deployment
        self.name = name
        self.base_id = base_id
        self.loop = loop
        self.priority = priority
        self.settings = settings
        self.platform: Platform = deployment.platform
        self.root: Root = deployment.root
        self.tags: TagSource = deployment.tags
        self.monitor: Monitor = deployment.monitor
        self.clock = TaskClock(loop)
        self.queue: MessageQueue | None = None
        self.throttles: dict[str, Throttle] = {}
        self.tasks: set[Task] = set()
        self.command_port: CommandPort | None = None
        self.restarts = 0
        self.is_stopped = False
        self.log: Callable[[int, int, Any, bytes], Any] = _unlogged
        self.shows: Callable[[Severity], bool] = _always
        self._early_emitters: list[str] | None = []
        self.save_parameter: Callable[[int, bytes], Any] | None = None

    def hold_events(self, held: list[tuple[Context, tuple[int, int, Any, bytes]]]) -> None:
        """Puts the instance's events on a list, for as long as not all instances are ready to pass them on."""
        self.log = lambda *event: held.append((self, event))

    def release_emitters(self, component: Component) -> None:
        """Makes the instance's events go to the log from now on."""
        self.log = _unlogged
        for name in self._early_emitters or ():
            delattr(component, name)
        self._early_emitters = None

    def emitter(self, event: Event) -> Callable[..., None]:
        """The function behind an event's name: it packs the arguments and hands them to the event log."""
        assert event.number is not None
        if self._early_emitters is not None:
            self._early_emitters.append(event.name)
        id = self.base_id + event.number
        severity = event.severity
        # One that is made before the log can take events may be kept by the author: it asks for the log each time.
        log = self.log if self._early_emitters is None else self._log_now
        now = self.tags.now
        pack = event.downlink_pack
        names = [name for name, _ in event.parameters]
        if not event.throttle:

            def emit(*arguments: Any, **named: Any) -> None:
                if named:
                    arguments = _in_order(event.name, names, arguments, named)
                log(id, now(), severity, pack(*arguments))

            emit.__name__ = event.name
            return emit
        state = self.throttles.setdefault(event.name, Throttle())
        limit = event.throttle
        every_ns = round(event.every_s * NS_PER_S)
        clock_ns = self.loop.clock.now_ns

        def emit_throttled(*arguments: Any, **named: Any) -> None:
            if state.count >= limit and not (every_ns and clock_ns() - state.began_ns >= every_ns):
                state.suppressed += 1
                return
            if every_ns and (state.count == 0 or state.count >= limit):
                state.began_ns = clock_ns()
                state.count = 0
            if named:
                arguments = _in_order(event.name, names, arguments, named)
            state.count += 1
            log(id, now(), severity, pack(*arguments))

        emit_throttled.__name__ = event.name
        return emit_throttled

    def _log_now(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        self.log(id, tag, severity, arguments)

    def run_machine(
        self, machine: StateMachine[Any, Any], component: Component
    ) -> RunningStateMachine[Any, Any] | list[RunningStateMachine[Any, Any]]:
        """A declared state machine for its component, or all of an array; the component starts it."""
        from kittiwake.model.state_machine import StateMachineArray
        from kittiwake.runtime.state_machine import RunningStateMachine

        if isinstance(machine, StateMachineArray):
            return [RunningStateMachine(machine, component, index) for index in range(machine.count)]
        return RunningStateMachine(machine, component)

    def start_task(self, coroutine: Coroutine[Any, Any, Any], done: Callable[[BaseException | None], None]) -> None:
        """Runs an `async def` handler; `done` is called once, with the fault it ended with or `None`."""

        def ended(fault: BaseException | None) -> None:
            self.tasks.discard(task)
            done(fault)

        task = Task(coroutine, ended, self.deployment.lock_of(self.name))
        self.tasks.add(task)
        task.step()

    def target_of(self, output: str, index: int) -> tuple[str, str]:
        """The instance and the port that an output of this instance is connected to, or the output itself."""
        names = list(self.deployment.instances)
        for source, name, at, target, port, _ in self.deployment.image["connections"]:
            if (names[source], name, at) == (self.name, output, index):
                return names[target], port
        return self.name, f"{output}[{index}]"

    def has_room_for_task(self) -> bool:
        """Whether one more `async def` handler may wait."""
        return len(self.tasks) < MAX_PENDING_TASKS


def _in_order(event: str, names: list[str], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """Arguments given by name behind those given by place, in the order of the declaration."""
    rest = names[len(arguments) :]
    if set(rest) != set(named):
        raise TypeError(f"{event} takes ({', '.join(names)}), and was given {len(arguments)} and {', '.join(named)}")
    return (*arguments, *[named[name] for name in rest])


def _always(severity: Severity) -> bool:
    """What an instance is told of a log that does not say which events it passes on."""
    return True


def _unlogged(id: int, tag: int, severity: Any, arguments: bytes) -> None:
    """The event log of an instance that no event service serves."""
