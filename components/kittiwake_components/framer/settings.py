"""What both ends of a framing agree on, for the settings of framer and deframer."""

from __future__ import annotations

from kittiwake.wire.framing import FRAMINGS

MAX_SPACECRAFT_ID = 0x3FF  # ten bits
MAX_DOWNLINK_VCID = 7  # three bits in a TM frame
MAX_UPLINK_VCID = 0x3F  # six bits in a TC frame


def check_framing(name: str) -> None:
    """Raises `ValueError` for a framing that is not known."""
    if name not in FRAMINGS:
        raise ValueError(f"the framings are {', '.join(FRAMINGS)}, not {name!r}")
