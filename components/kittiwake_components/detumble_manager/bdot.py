"""The B-dot law: a dipole against the change of the field takes energy out of the tumbling.

A. C. Stickler and K. T. Alfriend, Elementary Magnetic Attitude Control System, 1976.
"""

from __future__ import annotations

from math import sqrt

Vector = tuple[float, float, float]

DRIVE_MAX = 127
OFF = [0, 0, 0]


def coil_drives(before: Vector, after: Vector, seconds: float, gain: float, dipole_max: float) -> list[int]:
    """The drives of the x, y and z coil, from -127 to 127.

    The dipole is -`gain` (A m^2 s) times the field's change over `seconds` relative to the field; where a coil cannot
    give as much as `dipole_max` (A m^2), all give less, so that the direction stays.
    """
    strength = sqrt(sum([part * part for part in after]))
    if strength == 0.0 or seconds <= 0.0:
        return OFF
    dipole = [-gain * (new - old) / seconds / strength for old, new in zip(before, after, strict=True)]
    largest = max([abs(part) for part in dipole])
    scale = DRIVE_MAX / max(largest, dipole_max)
    return [round(part * scale) for part in dipole]
