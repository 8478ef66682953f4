"""Which channels can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model.types import Boolean, Float, Integer, resolved

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Channel


def is_numeric(channel: Channel) -> bool:
    """Whether a channel's values are numbers (true and false are 1 and 0)."""
    return isinstance(resolved(channel.type), (Integer, Float, Boolean))
