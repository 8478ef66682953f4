"""Delays are on the clock since boot: no step or drift of the wall clock makes them shorter or longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.commands import CommandResponse
from kittiwake.simulation.invariants.base import Invariant
from kittiwake.wire.packets import parse_command

if TYPE_CHECKING:
    from kittiwake.runtime.metering import Edge

ROUNDING_S = 1e-6


class BootClock(Invariant):
    """Times those commands of the ground whose length is known: sequences of delays."""

    name = "delays_on_boot_clock"
    ports = frozenset({"seq_cmd_buff", "seq_cmd_status"})

    def begun(self) -> None:
        self._running: dict[int, tuple[float, float, float]] = {}

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        if edge.input.startswith("seq_cmd_buff"):
            opcode = int.from_bytes(arguments[0][2:6], "big")
            limits = self.view.expected_s.pop(opcode, None)
            if limits is not None and parse_command(arguments[0])[0] == opcode:
                self._running[opcode] = (self.boot_s(), *limits)
        elif edge.output.startswith("seq_cmd_status"):
            opcode, _, response = arguments
            began_s, least_s, _ = self._running.pop(opcode, (0.0, 0.0, 0.0))
            took_s = self.boot_s() - began_s
            if response is CommandResponse.OK and took_s < least_s - ROUNDING_S:
                self.broken(f"opcode {opcode:#x} took {took_s:.3f} s, its delays add up to {least_s:g} s")

    def turn(self) -> None:
        for opcode, (began_s, _, most_s) in self._running.items():
            if self.view.machine.deployment is not None and self.boot_s() - began_s > most_s:
                self.broken(f"opcode {opcode:#x} takes longer than the {most_s:g} s of its delays")


__all__ = ["BootClock"]
