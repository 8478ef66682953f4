"""The time by which a row is found.

That is the device's time where its clock knows the date, and the time of reception where it does not: for clocks that
count from boot, that have no base, and for a wall clock that was never set. The row keeps the tag itself either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WALL_BASES = frozenset((2, 3))
"""F´'s TB_WORKSTATION_TIME and TB_SC_TIME: microseconds since the Unix epoch."""

EARLIEST_WALL_US = 978_307_200_000_000
"""2001-01-01: a wall clock that shows less was not set."""

BASE_SHIFT = 64
MASK = (1 << BASE_SHIFT) - 1


def row_time(tag: int, received_us: int) -> tuple[int, int, int | None]:
    """The row's time in us, the time base, and the device's time in us where it is another than the row's."""
    base = tag >> BASE_SHIFT
    device_us = tag & MASK
    if base in WALL_BASES and device_us >= EARLIEST_WALL_US:
        return device_us, base, None
    return received_us, base, device_us


def tag_of(time_us: int, base: int, device_us: int | None) -> int:
    """The tag that a row was made from."""
    return base << BASE_SHIFT | (time_us if device_us is None else device_us)


BASE_NAMES: Mapping[int, str] = {
    0: "TB_NONE", 1: "TB_PROC_TIME", 2: "TB_WORKSTATION_TIME", 3: "TB_SC_TIME", 4: "TB_FPGA_TIME",
    0xFFFF: "TB_DONT_CARE",
}  # fmt: skip
"""F´'s names of the time bases, for exports."""
