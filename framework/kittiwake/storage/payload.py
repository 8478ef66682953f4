"""The limit on what one write takes."""

from __future__ import annotations


class PayloadTooLarge(ValueError):
    """A payload over the limit of its file: `path`, and `size` and `limit` in bytes."""

    def __init__(self, path: str, size: int, limit: int) -> None:
        super().__init__(f"{path}: {size} bytes are more than the limit of {limit}")
        self.path = path
        self.size = size
        self.limit = limit
