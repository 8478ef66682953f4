"""How Python looks for unused cycles while a mission is flown."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS_BETWEEN = 20_000
"""About as many as one start makes; by Python's own 700 a fifth of a flight's time would go into the search."""


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Within it the search for cycles comes once in `OBJECTS_BETWEEN` new objects, where it is on at all.

    It looks at what the flight makes, not at the modules, the topology and the image that were there before. Around
    many flights it also keeps what one has left from being set aside by the next.
    """
    before = gc.get_threshold()
    is_outermost = not gc.get_freeze_count()
    gc.set_threshold(OBJECTS_BETWEEN if before[0] else 0, *before[1:])
    if is_outermost:
        gc.freeze()
    try:
        yield
    finally:
        if is_outermost:
            gc.unfreeze()
        gc.set_threshold(*before)
