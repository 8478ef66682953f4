"""What an invariant is, and what it sees of a mission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.metering import Edge
    from kittiwake.simulation.machine import Machine
    from kittiwake.simulation.surroundings.world import World
    from kittiwake.simulation.witness import SeenEvent


class View(Protocol):
    """A mission as its invariants see it. `now_ns` is the world's time."""

    now_ns: int
    machine: Machine
    world: World

    @property
    def disk_trouble_ns(self) -> int:
        """When a fault of the disk was last there; -1: never."""

    @property
    def uploads(self) -> dict[str, bytes]:
        """What the ground has sent or begins to send, by the name in the root."""

    @property
    def expected_s(self) -> dict[int, tuple[float, float]]:
        """How long commands that the ground has sent must take, by opcode: at least and at most, in seconds."""


class Invariant:
    """One thing that must hold. `ports` are those whose calls it wants to be told of."""

    name: ClassVar[str]
    ports: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, view: View, report: Callable[[str, str], None]) -> None:
        self.view = view
        self._report = report

    def broken(self, what: str) -> None:
        """Says that it does not hold, and what was found."""
        self._report(self.name, what)

    def instances(self, kind: str) -> list[Any]:
        """The instances of a component class, by the class's name; none in the dark."""
        return self.view.machine.instances(kind)

    def boot_s(self) -> float:
        """Seconds since the machine's start."""
        return self.view.machine.platform.clock.now_ns() / 1e9

    def begun(self) -> None:
        """The machine has its power; the deployment is about to be made."""

    def started(self) -> None:
        """The deployment has started."""

    def saw_event(self, event: SeenEvent) -> None:
        """An event was reported."""

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        """One of `ports` is about to be called."""

    def saw_fault(self, instance: str, handler: str, reason: str) -> None:
        """A handler has raised."""

    def saw_drop(self, instance: str, port: str, full: str) -> None:
        """A message found no room."""

    def turn(self) -> None:
        """A while has passed: part of a second of the world's time, or longer where nothing happens."""

    def ended(self, *, orderly: bool) -> None:
        """The deployment has come to its end: `orderly` by its own shutdown, or else with the power or a kill."""


__all__ = ["Invariant", "View"]
