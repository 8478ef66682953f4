"""When a deployment can be reached: contacts as people plan them, once or again and again, and the passes they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HAND, IMPORTED, PREDICTED = "hand", "imported", "predicted"
"""Where a contact comes from: somebody added it, a file had it, or the device said when it wakes next."""

DEFAULT_EFFICIENCY = 0.85
"""The share of a link's bits that is not headers, fill and repetition, where nobody says better."""

LONGEST_S = 7 * 86400.0
LEAST_EVERY_S = 60.0
LONGEST_EVERY_S = 400 * 86400.0
GREATEST_BPS = 1e12
MAX_NAME = 80
MAX_EXCEPTIONS = 500
HORIZON_US = 400 * 86400 * 1_000_000
"""How far ahead passes are looked for."""

LATEST_US = 253_402_300_800_000_000
"""The end of the year 9999: later times cannot be written."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_us(moment: datetime) -> int:
    """A date in microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class ContactRefused(ValueError):
    """A contact that makes no sense, or finds no room; the message says why."""


@dataclass(frozen=True)
class Contact:
    """What was planned: a stretch of time, once or each `every_s` seconds, as long as it starts before `until_us`.

    Times are microseconds since 1970 and rates bits a second, 0 for one that is not known. `skipped_us` are starts that
    are left out. `uid` is what an imported file calls it.
    """

    start_us: int
    duration_s: float
    name: str = ""
    link: str = ""
    down_bps: float = 0.0
    up_bps: float = 0.0
    efficiency: float = DEFAULT_EFFICIENCY
    every_s: float = 0.0
    until_us: int = 0
    skipped_us: tuple[int, ...] = ()
    origin: str = HAND
    uid: str = ""
    by: str = ""
    id: int = 0

    def __post_init__(self) -> None:
        for name in ("duration_s", "down_bps", "up_bps", "efficiency", "every_s"):
            if not isfinite(getattr(self, name)):
                raise ContactRefused(f"{name} is a number")
        if not 0 <= self.start_us < LATEST_US:
            raise ContactRefused("a contact starts between 1970 and 9999")
        if not 1 <= self.duration_s <= LONGEST_S:
            raise ContactRefused(f"a contact lasts 1 to {LONGEST_S:.0f} seconds, not {self.duration_s:g}")
        if not (0 <= self.down_bps <= GREATEST_BPS and 0 <= self.up_bps <= GREATEST_BPS):
            raise ContactRefused(f"a rate is 0 to {GREATEST_BPS:g} bits a second")
        if not 0 < self.efficiency <= 1:
            raise ContactRefused("the efficiency is more than 0 and at most 1")
        if self.every_s and not max(LEAST_EVERY_S, self.duration_s) <= self.every_s <= LONGEST_EVERY_S:
            raise ContactRefused(
                f"a contact recurs each {LEAST_EVERY_S:.0f} seconds to 400 days, and not before it has ended"
            )
        if self.until_us and not self.start_us < self.until_us <= LATEST_US:
            raise ContactRefused("a contact recurs until a time behind its start")
        for text in (self.name, self.link):
            if len(text) > MAX_NAME or not text.isprintable():
                raise ContactRefused(f"a name has at most {MAX_NAME} printable characters")
        if len(self.skipped_us) > MAX_EXCEPTIONS:
            raise ContactRefused(f"at most {MAX_EXCEPTIONS} passes of a contact are left out")

    @property
    def duration_us(self) -> int:
        """How long it lasts."""
        return round(self.duration_s * 1e6)

    @property
    def every_us(self) -> int:
        """How long from a start to the next one, 0 for a single one."""
        return round(self.every_s * 1e6)

    def starts(self, from_us: int) -> Iterator[int]:
        """The starts of its passes that end after a time, in order."""
        if not self.every_s:
            if self.start_us + self.duration_us > from_us:
                yield self.start_us
            return
        skipped = frozenset(self.skipped_us)
        number = max(0, (from_us - self.duration_us - self.start_us) // self.every_us + 1)
        while (start_us := self.start_us + number * self.every_us) < (self.until_us or LATEST_US):
            if start_us not in skipped:
                yield start_us
            number += 1


@dataclass(frozen=True)
class Pass:
    """One stretch of time in which a deployment can be reached, from `start_us` to before `end_us`."""

    contact: Contact
    start_us: int
    end_us: int

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return (self.end_us - self.start_us) / 1e6

    def is_under_way(self, at_us: int) -> bool:
        """Whether a time lies in it."""
        return self.start_us <= at_us < self.end_us


def passes_of(contacts: Iterable[Contact], from_us: int, to_us: int = LATEST_US) -> Iterator[Pass]:
    """The passes that end after `from_us` and start before `to_us`, in order.

    None overlaps another: one that starts while another is under way begins with its end, or is left out.
    """
    listed = list(contacts)
    # What overlaps a pass that has not ended starts at most two of the longest before.
    back_us = 2 * max((one.duration_us for one in listed), default=0)
    streams = [_passes(one, from_us - back_us) for one in listed]
    free_us = 0
    for one in merge(*streams, key=lambda found: (found.start_us, found.contact.id)):
        if one.start_us >= to_us:
            return
        if one.end_us <= free_us:
            continue
        if one.start_us < free_us:
            one = Pass(one.contact, free_us, one.end_us)
        free_us = one.end_us
        if one.end_us > from_us and one.start_us < to_us:
            yield one


def _passes(contact: Contact, from_us: int) -> Iterator[Pass]:
    for start_us in contact.starts(from_us):
        yield Pass(contact, start_us, start_us + contact.duration_us)


def clash(contacts: Iterable[Contact], from_us: int, at_most: int = 20_000) -> tuple[Pass, Pass] | None:
    """The first two passes that overlap, the one that starts first first, among so many from a time on."""
    streams = [_passes(one, from_us) for one in contacts]
    last: Pass | None = None
    for one in islice(merge(*streams, key=lambda found: found.start_us), at_most):
        if last is not None and one.start_us < last.end_us:
            return last, one
        last = one
    return None
