"""Two slots for a deployment's software, and the record that says which of them the next start runs.

A slot is a folder (`a` or `b`) with an image and perhaps a zip of Python packages. One atomic record beside them holds
what is in each and which is active, on trial, or failed; each step is one write of it, so that a cut between any two
leaves the old software or the new. A slot on trial has a number of starts to be confirmed in; each start takes one
before anything of the slot is loaded, so that software that ends early, however it does, is given up.
"""

from __future__ import annotations

import posixpath
from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum
from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.recall import read_for_start
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

NAMES = ("a", "b")
FACTORY = ""
"""Stands for neither slot: the image that was given on the command line."""

FILES = {"image": "image", "packages": "packages.zip"}
"""The file of each content in its slot."""

VERSION_SIZE = 32
PORTION_SIZE = 65536
_RECORD_VERSION = 1
_HEAD = Struct(">BBBBBI")
_SLOT = Struct(">BI32sI32sI32s")
_RECORD_SIZE = _HEAD.size + 2 * _SLOT.size


class SlotDamaged(OSError):
    """A slot's file is not what the record says."""


class SlotState(IntEnum):
    """What is in a slot."""

    EMPTY = 0
    """Nothing that may run: never written, or half written."""
    READY = 1
    """Whole and verified, and not run yet, or on trial."""
    CONFIRMED = 2
    """It has proved itself."""
    FAILED = 3
    """It was tried and given up."""


@wire_enum(U8, name="Components.UpdateOutcome")
class Outcome(IntEnum):
    """Why a slot was given up last."""

    NONE = 0
    TRIES_USED = 1
    """Its last start ended, or the power went, before it was confirmed."""
    DAMAGED = 2
    """Its files were not what was installed."""
    COMMANDED = 3
    """The ground rolled it back."""
    NOT_CONFIRMED = 4
    """It was on trial for too long."""
    RECORD_LOST = 5
    """Both copies of the record were bad: neither slot is trusted."""


class StoredFile(NamedTuple):
    """Size and SHA-256 of a file in a slot; a size of 0 is no file."""

    size: int = 0
    digest: bytes = bytes(32)


class Slot(NamedTuple):
    """One slot by the record."""

    state: SlotState = SlotState.EMPTY
    sequence: int = 0
    version: str = ""
    image: StoredFile = StoredFile()
    packages: StoredFile = StoredFile()

    def stored(self) -> list[tuple[str, StoredFile]]:
        """Its files, by the name of their content."""
        return [(name, file) for name, file in (("image", self.image), ("packages", self.packages)) if file.size]


class Table(NamedTuple):
    """The record: the slot that is active (confirmed), the one on trial and its starts left, and the last failure."""

    a: Slot = Slot()
    b: Slot = Slot()
    active: str = FACTORY
    pending: str = FACTORY
    tries: int = 0
    outcome: Outcome = Outcome.NONE
    failed: str = FACTORY
    lowest_sequence: int = 0
    """The highest sequence that was ever confirmed: nothing below it is installed again."""

    def slot(self, name: str) -> Slot:
        """The slot of that name."""
        return self.a if name == "a" else self.b

    def with_slot(self, name: str, slot: Slot) -> Table:
        """The table with another content of a slot."""
        return self._replace(a=slot) if name == "a" else self._replace(b=slot)

    def given_up(self, name: str, why: Outcome) -> Table:
        """The table after a slot failed: it is neither active nor on trial any more."""
        other = "b" if name == "a" else "a"
        fallback = other if self.slot(other).state is SlotState.CONFIRMED else FACTORY
        made = self.with_slot(name, self.slot(name)._replace(state=SlotState.FAILED))
        return made._replace(
            active=fallback if self.active == name else self.active,
            pending=FACTORY if self.pending == name else self.pending,
            tries=0 if self.pending == name else self.tries,
            outcome=why,
            failed=name,
        )

    def confirmed(self) -> Table:
        """The table with the slot on trial as the active one."""
        slot = self.slot(self.pending)._replace(state=SlotState.CONFIRMED)
        made = self.with_slot(self.pending, slot)
        lowest = max(self.lowest_sequence, slot.sequence)
        return made._replace(active=self.pending, pending=FACTORY, tries=0, lowest_sequence=lowest)

    def encode(self) -> bytes:
        """The record's payload."""
        numbers = [_NUMBERS[name] for name in (self.active, self.pending, self.failed)]
        head = _HEAD.pack(numbers[0], numbers[1], self.tries, self.outcome, numbers[2], self.lowest_sequence)
        return head + b"".join([_encode_slot(slot) for slot in (self.a, self.b)])


_NUMBERS = {FACTORY: 0, "a": 1, "b": 2}


def _encode_slot(slot: Slot) -> bytes:
    version = slot.version.encode("ascii").ljust(VERSION_SIZE, b"\0")
    return _SLOT.pack(slot.state, slot.sequence, version, *slot.image, *slot.packages)


def decode_table(payload: bytes) -> Table:
    """The table in a record's payload. Raises `ValueError`."""
    if len(payload) != _RECORD_SIZE:
        raise ValueError(f"the record has {len(payload)} bytes, not {_RECORD_SIZE}")
    names = (FACTORY, *NAMES)
    active, pending, tries, outcome, failed, lowest = _HEAD.unpack_from(payload)
    if max(active, pending, failed) >= len(names):
        raise ValueError("the record names a slot that there is not")
    slots = []
    for offset in (_HEAD.size, _HEAD.size + _SLOT.size):
        state, sequence, version, size, digest, packages_size, packages_digest = _SLOT.unpack_from(payload, offset)
        text = version.rstrip(b"\0").decode("ascii", "replace")
        image, packages = StoredFile(size, digest), StoredFile(packages_size, packages_digest)
        slots.append(Slot(SlotState(state), sequence, text, image, packages))
    return Table(
        slots[0], slots[1], names[active], names[pending], tries, Outcome(outcome), names[failed], lowest
    )  # fmt: skip


class Slots:
    """The slots in a folder, with their record."""

    def __init__(self, files: Files, folder: str) -> None:
        self._files = files
        self.folder = folder
        self._record = AtomicRecord(files, posixpath.join(folder, "state"), _RECORD_VERSION, _RECORD_SIZE)
        self._is_read = False
        self.table = Table()

    def path(self, name: str, content: str = "") -> str:
        """The folder of a slot, or the file of one of its contents."""
        folder = posixpath.join(self.folder, name)
        return posixpath.join(folder, FILES[content]) if content else folder

    def read(self) -> tuple[Finding, ...]:
        """Reads the record; what was damaged is kept aside and given. Raises `OSError`."""
        reading = read_for_start(self._record)
        self._is_read = True
        self.table = Table()
        if reading.payload is not None:
            try:
                self.table = decode_table(reading.payload)
            except ValueError:
                self.table = Table(outcome=Outcome.RECORD_LOST)
        elif reading.findings:
            self.table = Table(outcome=Outcome.RECORD_LOST)
        return reading.findings

    def require_read(self) -> tuple[Finding, ...]:
        """Reads the record where the start could not: what is written is made of what it says. Raises `OSError`."""
        return () if self._is_read else self.read()

    def write(self, table: Table) -> None:
        """Makes a table the one in force, durably. Raises `OSError`: the old one is then in force, or this one."""
        self._record.write(table.encode())
        self.table = table

    def is_sound(self, name: str) -> bool:
        """Whether a slot holds, byte for byte, what the record says. Reads all of it.

        Raises `OSError` where it cannot be read now, which is no proof of anything.
        """
        try:
            for _ in self.verify(name, self.table.slot(name)):
                pass
        except (SlotDamaged, FileNotFoundError):
            return False
        return True

    def verify(self, name: str, slot: Slot) -> Iterator[None]:
        """Reads a slot's files, a portion each step. Raises `OSError`: `SlotDamaged` where they are not `slot`'s."""
        from hashlib import sha256

        for content, stored in slot.stored():
            digest = sha256()
            with self._files.open(self.path(name, content), "r") as file:
                size = file.size()
                for position in range(0, size if size == stored.size else 0, PORTION_SIZE):
                    digest.update(file.read_at(position, PORTION_SIZE))
                    yield
            if digest.digest() != stored.digest:
                raise SlotDamaged(f"{name}/{FILES[content]} is not what was installed")


class Start(NamedTuple):
    """What a start runs: the slot's name (empty: the image of the command line), its files, and whether on trial."""

    slot: str = FACTORY
    image: str = ""
    packages: str = ""
    is_trial: bool = False


def choose_start(files: Files, folder: str) -> Start:
    """Decides what this start runs, and takes one of the starts of a slot on trial. Never raises.

    A slot that is not what was installed is given up here, and the next best is taken: the active one, the other
    confirmed one, at last the image of the command line. One that cannot be read now is left out in this start alone.
    """
    slots = Slots(files, folder)
    try:
        if slots.read() and slots.table.outcome is Outcome.RECORD_LOST:
            slots.write(slots.table)
        pending = slots.table.pending
        if pending and not slots.table.tries:
            slots.write(slots.table.given_up(pending, Outcome.TRIES_USED))
        elif pending:
            # The start is spent before anything of the slot is looked at: what it does cannot take that back.
            slots.write(slots.table._replace(tries=slots.table.tries - 1))
            if slots.is_sound(pending):
                return _start(slots, pending, is_trial=True)
            slots.write(slots.table.given_up(pending, Outcome.DAMAGED))
        while slots.table.active:
            if slots.is_sound(slots.table.active):
                break
            slots.write(slots.table.given_up(slots.table.active, Outcome.DAMAGED))
        return _start(slots, slots.table.active)
    except OSError:
        # A record that cannot be read or written grants no trial; what is confirmed still runs.
        return _best_of_those_that_can_be_read(slots)


def _best_of_those_that_can_be_read(slots: Slots) -> Start:
    confirmed = [name for name in NAMES if slots.table.slot(name).state is SlotState.CONFIRMED]
    for name in sorted(confirmed, key=lambda name: name != slots.table.active):
        try:
            if slots.is_sound(name):
                return _start(slots, name)
        except OSError:
            continue
    return Start()


def _start(slots: Slots, name: str, *, is_trial: bool = False) -> Start:
    if not name:
        return Start()
    has_packages = bool(slots.table.slot(name).packages.size)
    return Start(name, slots.path(name, "image"), slots.path(name, "packages") if has_packages else "", is_trial)
