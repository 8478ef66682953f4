"""Random numbers from a seed, the same on every machine and version of Python: SplitMix64 (Steele et al., 2014)."""

from __future__ import annotations

_MASK = (1 << 64) - 1
_FLOAT_BITS = 53


class SeededRandom:
    """A `Random` that repeats. Its bytes are no good for keys outside a simulation."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """The next 64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def uniform(self, low: float, high: float) -> float:
        """A float from `low` to `high`."""
        return low + (high - low) * ((self.bits() >> (64 - _FLOAT_BITS)) / (1 << _FLOAT_BITS))

    def token_bytes(self, count: int) -> bytes:
        """`count` bytes."""
        return b"".join([self.bits().to_bytes(8, "big") for _ in range((count + 7) // 8)])[:count]

    def below(self, bound: int) -> int:
        """An int from 0 to `bound` - 1; `bound` is at least 1."""
        return (self.bits() * bound) >> 64

    def chance(self, probability: float) -> bool:
        """True with the given probability, from 0 to 1."""
        return self.uniform(0.0, 1.0) < probability

    def fork(self) -> SeededRandom:
        """An independent generator, so that what one part of a simulation draws does not shift another's numbers."""
        return SeededRandom(self.bits())
