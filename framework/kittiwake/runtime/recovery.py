"""Starts one instance anew while the others go on, or sets aside one that keeps failing.

Whoever decides that it is time (Health) calls `restart` and `quarantine` from its own loop. Both are done on the loop
of the instance, between two of its handlers, and end the same way: handlers that wait are cancelled, queued commands
are answered with an error and other messages are dropped and counted, for they were meant for a state that is gone and
may be what it fails at. So each command has its one answer, and nothing is handled twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.runtime.metering import uncounted
from kittiwake.runtime.monitor import fault_reason
from kittiwake.runtime.parameters import load_parameters
from kittiwake.runtime.wiring import bind_output, bound_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.component import Component
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.loop import Loop

RESTARTED = "the instance was restarted"
QUARANTINED = "the instance is quarantined"
CANCELLATIONS = 8  # what a cancelled handler's end sets off may start another one


class InstanceQuarantined(RuntimeError):
    """A call that wants an answer of an instance that is quarantined; carries the instance and the port."""

    def __init__(self, instance: str, port: str) -> None:
        super().__init__(f"{instance} is quarantined and answers no {port}")
        self.instance = instance
        self.port = port


class Recovery:
    """Restarts and quarantines instances of a deployment; what it has to tell is told on the loop `home`."""

    def __init__(self, deployment: Deployment, home: Loop) -> None:
        self._deployment = deployment
        self._home = home
        self._replaced: dict[str, list[tuple[Component, str, int, Callable[..., Any]]]] = {}

    def is_possible(self, name: str) -> bool:
        """Whether an instance can be restarted or quarantined: services carry the others, and some act once a boot."""
        deployment = self._deployment
        names = list(deployment.instances)
        services = deployment.image["services"]
        carries_all = name in [names[services[one]] for one in services if one != "time"]
        return type(deployment.instances[name]).RESTARTABLE and not carries_all

    def restarts_of(self, name: str) -> int:
        """How often an instance was restarted in this run."""
        return self._deployment.instances[name]._context.restarts

    def restart(self, name: str, done: Callable[[str], None]) -> None:
        """Starts an instance anew, out of quarantine too; then `done` gets why it could not be started, or ""."""
        self._on_its_loop(name, self._begin_anew, done)

    def quarantine(self, name: str, done: Callable[[str], None]) -> None:
        """Stops an instance for good: what is sent to it is refused and counted, commands are answered with an error.

        A call of one of its ports that gives a value raises `InstanceQuarantined` in its caller.
        """
        self._on_its_loop(name, self._set_aside, done)

    def _on_its_loop(self, name: str, step: Callable[[Component], None], done: Callable[[str], None]) -> None:
        component = self._deployment.instances[name]
        lock = self._deployment.lock_of(name)

        def run() -> None:
            reason = ""
            try:
                if lock is None:
                    step(component)
                else:
                    with lock:
                        step(component)
            except Exception as fault:
                reason = fault_reason(fault)
            self._home.post(done, reason)

        if not component._context.loop.post(run):
            self._home.post(done, "its loop takes no more calls")

    # On the loop of the instance

    def _begin_anew(self, component: Component) -> None:
        self._end(component, RESTARTED)
        context = component._context
        context.restarts += 1
        component._begin_anew()
        try:
            component.initialize()
            load_parameters(self._deployment, only=component)
            self._reopen(component)
            component.start()
        except Exception:
            self._set_aside(component)  # half started it must not serve
            raise

    def _set_aside(self, component: Component) -> None:
        self._end(component, QUARANTINED)
        context = component._context
        if context.queue is not None:
            context.queue.refusal = QUARANTINED
        if context.command_port is not None:
            context.command_port.close(QUARANTINED)
        self._cut_off(component)

    def _end(self, component: Component, why: str) -> None:
        """Leaves nothing of what the instance was about; one that ended before has nothing left."""
        context = component._context
        if context.is_stopped:
            if context.queue is not None:
                context.queue.refuse_all(why)
            return
        for _ in range(CANCELLATIONS):
            for task in list(context.tasks):
                task.cancel()
            if not context.tasks:
                break
        if context.queue is not None:
            context.queue.refuse_all(why)
        try:
            component.stop()
        except Exception as fault:
            # It is failing: that it cannot even stop in order keeps nobody from starting it anew.
            context.monitor.handler_failed(component.name, "stop", fault_reason(fault))
        for machine in type(component).__declarations__.machines:
            running = getattr(component, machine)
            for one in running if isinstance(running, list) else [running]:
                one.stop()
        context.loop.cancel_timers_of(component)
        context.is_stopped = True

    def _reopen(self, component: Component) -> None:
        context = component._context
        context.is_stopped = False
        if context.queue is not None:
            context.queue.refusal = ""
        if context.command_port is not None:
            context.command_port.reopen()
        for caller, output, index, call in self._replaced.pop(component.name, []):
            _bind(caller, output, index, call)

    def _cut_off(self, component: Component) -> None:
        """Puts a refusal in the place of each sync and guarded call of the instance; its queue refuses by itself."""
        if component.name in self._replaced:
            return
        components = list(self._deployment.instances.values())
        replaced = self._replaced[component.name] = []
        for source, output, at, target, port, _ in self._deployment.image["connections"]:
            declared = type(components[target]).__declarations__.inputs[port]
            if components[target] is not component or declared.kind == "async":
                continue
            caller = components[source]
            replaced.append((caller, output, at, uncounted(bound_output(caller, output, at))))
            _bind(caller, output, at, _refusal(component, port, declared.port.returns is not None))


def _bind(caller: Component, output: str, index: int, call: Callable[..., Any]) -> None:
    bind_output(caller, output, index, call)
    caller._context.loop.post(caller.connections_changed)


def _refusal(component: Component, port: str, gives_value: bool) -> Callable[..., None]:
    monitor, name = component._context.monitor, component.name

    def refuse(*_: Any) -> None:
        monitor.queue_full(name, port, "quarantined")
        if gives_value:
            raise InstanceQuarantined(name, port)

    return refuse
