"""What a request is refused with; light, as whoever declares commands and ports needs no more."""

from __future__ import annotations


class Refusal(Exception):
    """What was asked for and is not done; its text says why."""

    @property
    def is_of_device(self) -> bool:
        """Whether the request made sense, and its device has not done it."""
        return False
