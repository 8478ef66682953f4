"""The bounds on packets that a framing can carry."""

from __future__ import annotations


class PacketSizeError(ValueError):
    """A packet of `size` bytes where 1 to `limit` fit."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"packet of {size} bytes: the framing carries 1 to {limit}")
        self.size = size
        self.limit = limit
