"""The contacts of one deployment: added, imported, removed, and predicted by what the device says of its next wake."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from kittiwake_ground.passes.contact import (
    HORIZON_US,
    IMPORTED,
    PREDICTED,
    Contact,
    ContactRefused,
    Pass,
    clash,
    passes_of,
)
from kittiwake_ground.passes.store import MAX_CONTACTS
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake_ground.passes.store import PassStore

LEAST_WAKE_S = 300.0
"""How long a wake is taken to last at least: the device connects some time after it begins."""

LONGEST_WAKE_S = 86_400.0
EARLY_US = 300_000_000
"""A link that comes up so short before a predicted wake is the beginning of that."""

KEPT_US = 86_400_000_000
"""How long a predicted wake is kept once it is over."""

MAX_LOOKED_UP = 2000
WAKE = "wake"
"""What a predicted contact is called."""


class NoSuchContact(LookupError):
    """No contact has that number."""


class Schedule:
    """The contacts, kept in the store with each change, which raises `StoreFault` where that fails."""

    def __init__(self, deployment: str, store: PassStore, wall_us: Callable[[], int]) -> None:
        """`wall_us` says what time it is."""
        self._deployment = deployment
        self._store = store
        self._wall_us = wall_us
        self._contacts: dict[int, Contact] | None = None
        self._next: dict[int, Pass | None] = {}
        self._now: tuple[int, int, Pass | None] = (0, 0, None)

    @property
    def contacts(self) -> dict[int, Contact]:
        """All of them, by number."""
        if self._contacts is None:
            self._contacts = {one.id: one for one in self._store.contacts(self._deployment)}
        return self._contacts

    def passes(self, from_us: int, to_us: int | None = None, at_most: int = 1000) -> list[Pass]:
        """The passes that end after a time, in order; as far as a year or so ahead."""
        end_us = from_us + HORIZON_US if to_us is None else to_us
        return list(islice(passes_of(self._counting(), from_us, end_us), at_most))

    def _counting(self) -> list[Contact]:
        """What there is, but for predictions that planned contacts overlap: those who plan know better."""
        planned = self._planned()
        predicted = [one for one in self.contacts.values() if one.origin == PREDICTED]
        return planned + [one for one in predicted if not self._is_planned(one, planned)]

    @staticmethod
    def _is_planned(predicted: Contact, planned: list[Contact]) -> bool:
        end_us = predicted.start_us + predicted.duration_us
        return any(True for _ in passes_of(planned, predicted.start_us, end_us))

    def under_way(self, at_us: int) -> Pass | None:
        """The pass that a time lies in; asked for a few times a second, looked for when it may have changed."""
        from_us, to_us, found = self._now
        if from_us <= at_us < to_us:
            return found
        coming = next(iter(self.passes(at_us, at_most=1)), None)
        if coming is None:
            self._now = at_us, at_us + HORIZON_US, None
        elif coming.start_us <= at_us:
            self._now = coming.start_us, coming.end_us, coming
        else:
            self._now = at_us, coming.start_us, None
        return self._now[2]

    def next_start(self, from_us: int) -> Pass | None:
        """The first pass that starts at a time or after it."""
        if from_us not in self._next:
            if len(self._next) >= MAX_LOOKED_UP:
                self._next.clear()
            self._next[from_us] = next(
                (one for one in self.passes(from_us, at_most=2) if one.start_us >= from_us), None
            )
        return self._next[from_us]

    def add(self, contact: Contact) -> Contact:
        """Adds a contact. Raises `ContactRefused` for one that overlaps another, or where there is no room."""
        self._check([contact], self._planned())
        return self._change([contact], [])[0]

    def remove(self, id: int, start_us: int | None = None) -> Contact:
        """Removes a contact, or of one that recurs the pass that starts at a time. Raises `NoSuchContact`."""
        found = self.contacts.get(id)
        if found is None:
            raise NoSuchContact(f"no contact has the number {id}")
        if start_us is None or (not found.every_s and start_us == found.start_us):
            self._change([], [id])
            return found
        if start_us not in islice(found.starts(start_us), 1):
            raise NoSuchContact(f"contact {id} has no pass that starts then")
        return self._change([replace(found, skipped_us=tuple(sorted({*found.skipped_us, start_us})))], [])[0]

    def take_file(self, read: Sequence[Contact], replacing: bool = False) -> tuple[list[Contact], int]:
        """Takes the contacts of a file, all or none; gives them, and how many of earlier files were removed.

        What an earlier file had under the same uid is replaced; with `replacing` also what is to come and is not in
        this one goes. Raises `ContactRefused`.
        """
        earlier: dict[str, list[Contact]] = {}
        for one in self.contacts.values():
            if one.origin == IMPORTED:
                earlier.setdefault(one.uid, []).append(one)
        taken = []
        for one in read:
            replaced = earlier.get(one.uid)
            taken.append(replace(one, id=replaced.pop(0).id if replaced else 0))
        wanted = {one.uid for one in read}
        gone = [
            one.id for uid, left in earlier.items() for one in left
            if uid in wanted or (replacing and any(True for _ in one.starts(self._wall_us())))
        ]  # fmt: skip
        changed = {*gone, *(one.id for one in taken)}
        self._check(taken, [one for one in self._planned() if one.id not in changed])
        return self._change(taken, gone), len(gone)

    def _planned(self) -> list[Contact]:
        return [one for one in self.contacts.values() if one.origin != PREDICTED]

    def _check(self, changed: Sequence[Contact], others: Sequence[Contact]) -> None:
        """Raises `ContactRefused` where one that is changed overlaps another."""
        found = clash([*changed, *others], min(one.start_us for one in changed))
        if found is not None:
            first, second = found
            raise ContactRefused(f"{_words(second)} overlaps {_words(first)}")

    def _change(self, put: Sequence[Contact], removed: Sequence[int]) -> list[Contact]:
        contacts = self.contacts
        room = MAX_CONTACTS - len(contacts) - sum(not one.id for one in put) + len(removed)
        past: list[int] = []
        if room < 0:
            past = self._oldest(-room)
        made = self._store.change_contacts(self._deployment, put, [*removed, *past])
        for id in (*removed, *past):
            contacts.pop(id, None)
        contacts.update({one.id: one for one in made})
        self._next.clear()
        self._now = 0, 0, None
        return made

    def _oldest(self, count: int) -> list[int]:
        """Single contacts that are over, the oldest first: what became of their passes is kept elsewhere."""
        now_us = self._wall_us()
        over = [one for one in self.contacts.values() if not one.every_s and one.start_us + one.duration_us <= now_us]
        return [one.id for one in sorted(over, key=lambda one: one.start_us)[:count]]

    # Predictions

    def predict(self, wake_us: int, duration_s: float) -> None:
        """Takes what a device says of its next wake, 0 for none. A wake that has begun stays as it was predicted."""
        now_us = self._wall_us()
        predicted = [one for one in self.contacts.values() if one.origin == PREDICTED]
        ahead = [one for one in predicted if one.start_us > now_us]
        if wake_us <= now_us:
            if wake_us == 0 and ahead:
                self._change([], [one.id for one in ahead])
            return
        begun = [one for one in predicted if one.start_us <= now_us]
        if [one.start_us for one in ahead] == [wake_us] or any(
            wake_us < one.start_us + one.duration_us for one in begun
        ):
            return
        lasting_s = min(max(duration_s, LEAST_WAKE_S), LONGEST_WAKE_S)
        made = Contact(wake_us, lasting_s, WAKE, origin=PREDICTED)
        old = [one.id for one in begun if one.start_us + one.duration_us < now_us - KEPT_US]
        self._change([made], [one.id for one in ahead] + old)

    def link_came(self) -> None:
        """A link has come up: a wake that was predicted for a little later has begun."""
        now_us = self._wall_us()
        for one in list(self.contacts.values()):
            if one.origin == PREDICTED and now_us < one.start_us <= now_us + EARLY_US:
                lasting_s = one.duration_s + (one.start_us - now_us) / 1e6
                self._change([replace(one, start_us=now_us, duration_s=lasting_s)], [])


def _words(one: Pass) -> str:
    """A pass for people: its contact and when it starts."""
    contact = one.contact
    name = contact.name or (f"contact {contact.id}" if contact.id else "the contact")
    return f"{name} at {iso_time(one.start_us)[:19]}Z"
