"""Every command gets exactly one response, and gets it from its component, in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.types import WireError
from kittiwake.simulation.invariants.base import Invariant
from kittiwake.wire.packets import parse_command

if TYPE_CHECKING:
    from kittiwake.runtime.metering import Edge
    from kittiwake.simulation.witness import SeenEvent

LIMIT_S = 60.0
"""The dispatcher answers for a component after 30 s by itself; whatever takes longer was forgotten by it, too."""

_Asked = tuple[str, int, int]


class OneResponse(Invariant):
    """Looks at what goes into the dispatcher and what comes out, by source, opcode and context."""

    name = "one_response"
    ports = frozenset({"seq_cmd_buff", "seq_cmd_status"})

    def begun(self) -> None:
        self._pending: dict[_Asked, list[float]] = {}

    def started(self) -> None:
        deployment = self.view.machine.deployment
        assert deployment is not None
        ports = [component._context.command_port for component in deployment.instances.values()]
        self._deferred = {opcode for port in ports if port is not None for opcode in port.deferred()}

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        if edge.input.startswith("seq_cmd_buff"):
            data, context = arguments
            try:
                opcode = parse_command(data)[0]
            except WireError:
                opcode = 0
            self._pending.setdefault((_index(edge.input), opcode, context), []).append(self.boot_s())
        elif edge.output.startswith("seq_cmd_status"):
            opcode, context, response = arguments
            asked = self._pending.get((_index(edge.output), opcode, context))
            if not asked:
                self.broken(f"opcode {opcode:#x} was answered with {response.name} though nobody waits for that")
                return
            asked.pop(0)

    def saw_event(self, event: SeenEvent) -> None:
        if event.label == "CommandTimedOut" and event.declared.name == "command_timed_out":
            self.broken(f"opcode {event.args[0]:#x} was not answered by its component")

    def turn(self) -> None:
        if self.view.machine.deployment is None:
            return
        before = self.boot_s() - LIMIT_S
        for (source, opcode, _), since in self._pending.items():
            if since and since[0] < before and opcode not in self._deferred:
                self.broken(f"opcode {opcode:#x} from source {source} has no response after {LIMIT_S:g} s")

    def ended(self, *, orderly: bool) -> None:
        left = [opcode for (_, opcode, _), since in self._pending.items() for _ in since]
        if orderly and left:
            self.broken(f"opcode {left[0]:#x} was not answered at the shutdown")


def _index(place: str) -> str:
    return place.partition("[")[2].rstrip("]") or "0"


__all__ = ["OneResponse"]
