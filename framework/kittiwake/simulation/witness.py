"""A deployment under observation: what it reports, finds and calls is told to a witness; nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kittiwake.model.codec import unpacker
from kittiwake.named_tuple import NamedTuple
from kittiwake.runtime.deployment import Deployment, SwitchedMonitor
from kittiwake.runtime.metering import Edge, Meters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.model.component import ComponentType
    from kittiwake.model.events import Event, Severity
    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.runtime.context import Context
    from kittiwake.runtime.image import Image
    from kittiwake.storage.root import Root


class SeenEvent(NamedTuple):
    """An event as its component reported it, before any filter: `instance` has the qualified name."""

    instance: str
    declared: Event
    id: int
    tag: int
    severity: Severity
    arguments: bytes

    @property
    def label(self) -> str:
        """The event's name in the dictionary."""
        return self.declared.label

    @property
    def args(self) -> tuple[Any, ...]:
        """Its arguments as values."""
        return unpacker([form for _, form in self.declared.parameters])(self.arguments)

    def __str__(self) -> str:
        return f"{self.instance}.{self.label}{self.args}"


class Witness(Protocol):
    """Who is told of what a deployment does. `ports` names the ports whose calls are told, without indices."""

    @property
    def ports(self) -> frozenset[str]:
        """Output or input ports, by their Python names."""

    def saw_event(self, event: SeenEvent) -> None:
        """An event was reported."""

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        """A connection is about to be used."""

    def saw_fault(self, instance: str, handler: str, reason: str) -> None:
        """A handler has raised."""

    def saw_drop(self, instance: str, port: str, full: str) -> None:
        """A message found no room."""


class Bystander:
    """A witness that heeds nothing."""

    ports: frozenset[str] = frozenset()

    def saw_event(self, event: SeenEvent) -> None:
        """An event was reported."""

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        """A connection is about to be used."""

    def saw_fault(self, instance: str, handler: str, reason: str) -> None:
        """A handler has raised."""

    def saw_drop(self, instance: str, port: str, full: str) -> None:
        """A message found no room."""


class Taps(Meters):
    """Tells a witness of the calls of those connections that it wants to hear of."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness
        self._ports = witness.ports

    def heeds(self, output: str, entry: str) -> bool:
        """Whether the witness wants to hear of one of the two."""
        return output in self._ports or entry in self._ports

    def wrap(self, edge: Edge, call: Callable[..., Any], meter_ns: Callable[[], int]) -> Callable[..., Any]:
        """One that is told of first."""
        saw = self._witness.saw_call

        def told(*arguments: Any) -> Any:
            saw(edge, arguments)
            return call(*arguments)

        told.__name__ = getattr(call, "__name__", "call")
        return told


class OverheardMonitor(SwitchedMonitor):
    """Passes findings on, and tells the witness of those that matter to it."""

    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """A handler raised."""
        self._witness.saw_fault(instance, handler, reason)
        super().handler_failed(instance, handler, reason)

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """A message found no room."""
        self._witness.saw_drop(instance, port, full)
        super().queue_full(instance, port, full)


class WitnessedDeployment(Deployment):
    """A deployment that a witness looks at."""

    def __init__(
        self, image: Image, platform: SimulatedPlatform, root: Root, settings: Mapping[str, Mapping[str, Any]],
        witness: Witness, table: EventTable,
    ) -> None:  # fmt: skip
        self._witness = witness
        self._table = table
        log = image["services"].get("event")
        self._event_log = None if log is None else image["instances"][log][0]
        super().__init__(image, platform, root, settings, Taps(witness))

    def _make_monitor(self) -> SwitchedMonitor:
        return OverheardMonitor(self._witness)

    def _make(self, name: str, cls: ComponentType, context: Context, depth: int) -> None:
        super()._make(name, cls, context, depth)
        if name == self._event_log:
            self._overhear(self.instances[name])

    def _overhear(self, log: Any) -> None:
        """Services are bound to the event log's port as it stands on the instance."""
        receive = log.log_recv
        tell, seen = self._witness.saw_event, self._table.seen

        def log_recv(id: int, tag: int, severity: Severity, arguments: bytes) -> None:
            tell(seen(self, id, tag, severity, arguments))
            receive(id, tag, severity, arguments)

        log.log_recv = log_recv


class EventTable:
    """The events of an image by id; it is made once and serves all starts."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, Event]] = {}

    def seen(self, deployment: Deployment, id: int, tag: int, severity: Severity, arguments: bytes) -> SeenEvent:
        """An event as the event log's port gets it, with the instance and the declaration behind its id."""
        if not self._known:
            for instance in deployment.instances.values():
                for event in type(instance).__declarations__.events.values():
                    assert event.number is not None
                    self._known[instance._context.base_id + event.number] = instance.name, event
        name, declared = self._known[id]
        return SeenEvent(name, declared, id, tag, severity, bytes(arguments))


__all__ = ["Bystander", "EventTable", "SeenEvent", "Taps", "Witness", "WitnessedDeployment"]
