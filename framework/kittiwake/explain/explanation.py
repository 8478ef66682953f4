"""An answer, with the chain of evidence that it rests on."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Verdict(IntEnum):
    """How the question ended; the numbers are exit statuses."""

    EXPLAINED = 0
    """It is so, and this is why."""
    NOT_SO = 3
    """What was asked about is not the case."""
    UNEXPLAINED = 4
    """It is so, or may be, and the evidence does not say why."""


class Explanation(NamedTuple):
    """`answer` in one line, and the `chain` that leads to it, the oldest link first."""

    verdict: Verdict
    answer: str
    chain: list[str]

    def render(self) -> str:
        """The answer, and a line for each link."""
        return "\n".join([self.answer, *[f"  {link}" for link in self.chain]])
