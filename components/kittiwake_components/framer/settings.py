"""Checks of what both ends of a framing agree on, for the settings of framer and deframer."""

from __future__ import annotations

from kittiwake.wire.framing import FRAMINGS
from kittiwake.wire.transfer_frame import MAX_TM_FRAME_SIZE, MIN_TM_FRAME_SIZE

MAX_SPACECRAFT_ID = 0x3FF
MAX_DOWNLINK_VCID = 7
MAX_UPLINK_VCID = 0x3F


def check_framing(name: str) -> None:
    """Raises `ValueError` for a framing that is not known."""
    if name not in FRAMINGS:
        raise ValueError(f"the framings are {', '.join(FRAMINGS)}, not {name!r}")


def check_spacecraft_id(number: int) -> None:
    """Raises `ValueError` for more than ten bits."""
    _check("spacecraft identifier", number, 0, MAX_SPACECRAFT_ID)


def check_downlink_vcid(number: int) -> None:
    """Raises `ValueError` for more than the three bits that a TM frame has."""
    _check("virtual channel of TM frames", number, 0, MAX_DOWNLINK_VCID)


def check_uplink_vcid(number: int) -> None:
    """Raises `ValueError` for more than the six bits that a TC frame has."""
    _check("virtual channel of TC frames", number, 0, MAX_UPLINK_VCID)


def check_frame_size(size: int) -> None:
    """Raises `ValueError` for a size that no TM frame has."""
    _check("size of TM frames", size, MIN_TM_FRAME_SIZE, MAX_TM_FRAME_SIZE)


def _check(what: str, number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise ValueError(f"the {what} is {low} to {high}, not {number}")
