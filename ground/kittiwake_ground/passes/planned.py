"""What somebody plans to be sent: what, when, until when, and what has become of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from kittiwake_ground.passes.contact import HORIZON_US, LATEST_US, LONGEST_S

COMMAND, SEQUENCE, UPLOAD = "command", "sequence", "upload"
KINDS = (COMMAND, SEQUENCE, UPLOAD)

AT, AFTER, PASS = "at", "after", "pass"
"""When: at a time of the wall clock, after a delay by the boot clock, or so long after the start of the next pass."""

PLANNED, RELEASING, RELEASED = "planned", "releasing", "released"
COMPLETED, FAILED, EXPIRED, CANCELLED, REFUSED = "completed", "failed", "expired", "cancelled", "refused"
UNCERTAIN, UNANSWERED = "uncertain", "unanswered"
FINAL_STATES = frozenset((COMPLETED, FAILED, EXPIRED, CANCELLED, REFUSED, UNCERTAIN, UNANSWERED))
"""States that are not left.

`uncertain` is what may have been sent or not when the server was killed; it is not sent again. `unanswered` is what was
sent, once, and ended after the server was killed.
"""

MISSED = frozenset((FAILED, EXPIRED, REFUSED, UNCERTAIN, UNANSWERED))
"""States in which something is not known to have become what was planned: people are told."""

DEFAULT_EXPIRY_S = 3600.0
LONGEST_DELAY_S = 400 * 86400.0
MAX_REASON = 300


class PlanRefused(ValueError):
    """A plan that makes no sense, or finds no room; the message says why."""


@dataclass(frozen=True)
class When:
    """When something is to be sent: `kind` is at (`at_us`), after (`delay_s`) or pass (`delay_s` after its start).

    `expiry_s` is for how long after that it may wait for the link; without it an hour, or until the end of the pass.
    """

    kind: str
    at_us: int = 0
    delay_s: float = 0.0
    expiry_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in (AT, AFTER, PASS):
            raise PlanRefused(f"when is {AT}, {AFTER} or {PASS}, not {self.kind!r}")
        longest = LONGEST_S if self.kind == PASS else LONGEST_DELAY_S
        if not isfinite(self.delay_s) or not 0 <= self.delay_s <= longest:
            raise PlanRefused(f"a delay is 0 to {longest:.0f} seconds")
        if self.expiry_s is not None and not (isfinite(self.expiry_s) and 1 <= self.expiry_s <= LONGEST_DELAY_S):
            raise PlanRefused("what is planned expires 1 second to 400 days after its time")
        if self.kind == AT and not 0 < self.at_us < LATEST_US:
            raise PlanRefused("the time is one between 1970 and 9999")


@dataclass(frozen=True)
class What:
    """What is to be sent: a command, the run of a sequence that is on board, or a file.

    `subject` is the command's name, or the name on board. `detail` has the `arguments` by name of a command, the
    `sequencer` of a run and the `hazards` that it is known to have, and the `name`, `way` of a file. `size` is what it
    takes on the link, in bytes, about.
    """

    kind: str
    subject: str
    detail: dict[str, Any] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True)
class Planned:
    """A plan as it stands.

    `by` planned it, and `owner` by his `way` must still be an operator when it is released: for a procedure that is
    whoever started it. `confirmed` says that it is meant although it is hazardous. The delay of AFTER ends at
    `boot_due_us` of the boot clock of `boot_id`; after a restart of the machine at `when.at_us`. `sent_id` is the
    command or transfer that it became. Times are microseconds since 1970.
    """

    id: int
    what: What
    when: When
    by: str
    owner: str
    way: str
    confirmed: bool
    created_us: int
    boot_id: str = ""
    boot_due_us: int = 0
    state: str = PLANNED
    reason: str = ""
    sent_id: int = 0
    released_us: int = 0
    ended_us: int = 0
    revision: int = 1

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STATES

    @property
    def given_up_us(self) -> int:
        """When a plan for a pass that never comes is given up."""
        return self.created_us + HORIZON_US


def plain_of(plan: Planned) -> dict[str, Any]:
    """A plan as it is kept."""
    return asdict(plan)


def planned_from(plain: dict[str, Any]) -> Planned:
    """A plan as it was kept."""
    return Planned(**{**plain, "what": What(**plain["what"]), "when": When(**plain["when"])})
