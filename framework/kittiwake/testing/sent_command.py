"""A command that a test sent, and its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.model.commands import CommandResponse


class SentCommand:
    """One command on its way: `responses` holds what came back, which must be exactly one in the end."""

    def __init__(self, name: str, opcode: int, sequence: int) -> None:
        self.name = name
        self.opcode = opcode
        self.sequence = sequence
        self.responses: list[CommandResponse] = []

    @property
    def is_answered(self) -> bool:
        """Whether a response came."""
        return bool(self.responses)

    @property
    def response(self) -> CommandResponse:
        """The one response. Raises `AssertionError` if there is none or more than one."""
        if len(self.responses) != 1:
            raise AssertionError(f"{self!r} has {len(self.responses)} responses instead of exactly one")
        return self.responses[0]

    def __repr__(self) -> str:
        answers = ", ".join(response.name for response in self.responses) or "unanswered"
        return f"{self.name} (opcode {self.opcode:#x}, sequence {self.sequence}): {answers}"
