"""The receiving end of uplink security: which protected frames are accepted. It does no input or output itself.

A frame is accepted if a key in use protected it and its sequence number lies ahead of the last accepted one, by no more
than the window: `0 < (number - last) mod 2^32 <= window`. Each key has its own counter. What is durable runs ahead of
it: before a number beyond the reserved one is accepted, one further on is saved, and a start after a crash begins from
there. So no number that was ever accepted can be accepted again, at one write for each thousand frames. A key whose
counter is not known accepts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.wire.security_association import MIN_PROTECTED_SIZE, SPI_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.wire.security_association import SecurityAssociation

SEQUENCE_MASK = 0xFFFFFFFF
WINDOW = 50_000
"""How far ahead of the last accepted number the next one may lie, by default."""

RESERVE_BLOCK = 1000
"""How many numbers one write reserves, by default."""

FARTHEST_SET = 0x7FFFFFFF
"""How far ahead a counter may be set: half of the circle is ahead, the other half behind."""


class Refusal(IntEnum):
    """Why a frame was not accepted."""

    TOO_SHORT = 0
    UNKNOWN_SPI = 1
    RETIRED_KEY = 2
    BAD_SIGNATURE = 3
    COUNTER_UNKNOWN = 4
    OUT_OF_WINDOW = 5
    NOT_SAVED = 6


class SequenceCounter:
    """One key's counter: the `last` number accepted, and the durable `reserved` one, never behind it."""

    __slots__ = ("last", "reserved")

    def __init__(self, start: int) -> None:
        self.last = self.reserved = start


class UplinkAuthenticator:
    """Judges the protected data of frames on one link.

    `associations` are the keys in use, `retired` the SPIs of keys that no longer are. `reserve(spi, number)` makes a
    number durable and says whether it is; until it returned True nothing is accepted on the strength of it.
    """

    def __init__(
        self,
        associations: Iterable[SecurityAssociation],
        retired: Iterable[int],
        reserve: Callable[[int, int], bool],
        window: int = WINDOW,
        block: int = RESERVE_BLOCK,
    ) -> None:
        self.window = window
        self.block = block
        self.counters: dict[int, SequenceCounter] = {}
        """The counters that are known, by SPI."""
        self.used: set[int] = set()
        """SPIs of the keys under which a frame was accepted since the start."""
        self.accepted = 0
        self.refusals = [0] * len(Refusal)
        """How many frames were refused, by `Refusal`."""
        self.last_spi: int | None = None
        """The key of the last frame that was accepted."""
        self.last_refused: tuple[int, int] = (0, 0)
        """SPI and sequence number of the frame that was last refused as out of the window."""
        self.selected: int | None = None
        """The only key that is accepted, or `None` for every key in use."""
        self._associations = {one.spi: one for one in associations}
        self._retired = frozenset(retired)
        self._reserve = reserve

    @property
    def spis(self) -> list[int]:
        """The SPIs of the keys in use."""
        return list(self._associations)

    def accepts(self, spi: int) -> bool:
        """Whether frames under this key have a chance."""
        return spi in self._associations and spi in self.counters and self.selected in (None, spi)

    def open(self, protected: bytes) -> bytes | Refusal:
        """The data in what a frame carried, once, or why it is refused. A refused frame changes nothing but a count."""
        if len(protected) < MIN_PROTECTED_SIZE:
            return self._refuse(Refusal.TOO_SHORT)
        spi = int.from_bytes(protected[:SPI_SIZE], "big")
        association = self._associations.get(spi)
        if association is None or self.selected not in (None, spi):
            known = association is not None or spi in self._retired
            return self._refuse(Refusal.RETIRED_KEY if known else Refusal.UNKNOWN_SPI)
        data = association.verify(protected)
        if data is None:
            return self._refuse(Refusal.BAD_SIGNATURE)
        counter = self.counters.get(spi)
        if counter is None:
            return self._refuse(Refusal.COUNTER_UNKNOWN)
        sequence = association.sequence_of(protected)
        ahead = (sequence - counter.last) & SEQUENCE_MASK
        if not 0 < ahead <= self.window:
            self.last_refused = spi, sequence
            return self._refuse(Refusal.OUT_OF_WINDOW)
        if ahead > (counter.reserved - counter.last) & SEQUENCE_MASK:
            reserved = (sequence + self.block) & SEQUENCE_MASK
            if not self._reserve(spi, reserved):
                return self._refuse(Refusal.NOT_SAVED)
            counter.reserved = reserved
        counter.last = sequence
        self.last_spi = spi
        self.used.add(spi)
        self.accepted += 1
        return data

    def _refuse(self, why: Refusal) -> Refusal:
        self.refusals[why] += 1
        return why

    def begin(self, spi: int, start: int) -> None:
        """Starts a counter from a number that is durable: the next frame to be accepted lies ahead of it."""
        self.counters[spi] = SequenceCounter(start)

    def set_last(self, spi: int, number: int) -> bool:
        """Moves a counter ahead to `number`; False, and nothing moves, if that lies behind or could not be saved.

        Back it never goes: every frame in between could be played again.
        """
        counter = self.counters[spi]
        if not 0 < (number - counter.last) & SEQUENCE_MASK <= FARTHEST_SET:
            return False
        if not self._reserve(spi, number):
            return False
        counter.last = counter.reserved = number
        return True
