"""What somebody is told of an alarm, as JSON and in words."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from kittiwake.dictionary.lines import one_line
from kittiwake.sequence.times import US_PER_S, absolute_text


class DeliveryFault(Exception):
    """A notice could not be delivered; the message says why. Where it is `final`, trying again would not help."""

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Notice(NamedTuple):
    """A piece of news for somebody. `id` is its alone, also where it is delivered twice: so a repeat is told."""

    id: str
    action: str
    alarm: dict[str, Any]
    by: str
    said: str
    at_us: int
    """When it was, in microseconds since 1970, UTC: it may have waited since."""
    dropped: int = 0
    """How many notices were left out before this one: too many waited, they were too old, or could not be delivered."""

    def body(self) -> bytes:
        """The notice as JSON."""
        return json.dumps(self._asdict(), ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def at(self) -> str:
        """When it was, as in `2026-03-29T01:00:00Z`."""
        return absolute_text(self.at_us // US_PER_S, 0)

    @property
    def subject(self) -> str:
        """The notice in one line."""
        alarm = self.alarm
        return one_line(f"[{alarm['level']}] {alarm['deployment']}: {alarm['source']} {self.action}")[:200]

    @property
    def text(self) -> str:
        """The notice in words."""
        lines = [self.subject, "", self.said or self.alarm["text"], f"at {self.at}"]
        if self.by:
            lines.append(f"by {self.by}")
        if self.dropped:
            lines.append(f"{self.dropped} notices before this one were left out.")
        return "\n".join(lines) + "\n"


class Addressed(NamedTuple):
    """A notice and the name of the receiver that it is for."""

    receiver: str
    notice: Notice
