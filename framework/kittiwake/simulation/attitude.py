"""How a small satellite turns: body rates, attitude, the Earth's field in the body's axes, and what the coils do.

The body's inertia is the same about every axis, so that it turns evenly while no coil pulls, whatever time passes.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

INERTIA_KG_M2 = 0.0022
"""That of a cube of 1.3 kg and 10 cm."""

FIELD_T = 2.6e-5
"""The Earth's field at the magnetic equator in a low orbit."""

MAGNETIC_INCLINATION = 1.7
"""The angle between the orbit and the magnetic equator, in radians."""

COIL_STEP_S = 0.1


def cross(a: Vector, b: Vector) -> Vector:
    """The vector product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def length(a: Vector) -> float:
    """The length of a vector."""
    return sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


def field_in_space(turn: float) -> Vector:
    """The field in axes that do not turn, in tesla, at `turn` (0 to 1) of the orbit.

    A dipole's field along a circular orbit: along the track, across it and up it is the dipole's strength times
    (cos u sin i, -cos i, 2 sin u sin i) (M. L. Psiaki, Magnetic Torquer Attitude Control via Asymptotic Periodic
    Linear Quadratic Regulation, 2001).
    """
    angle = 2.0 * pi * turn
    along = FIELD_T * cos(angle) * sin(MAGNETIC_INCLINATION)
    across = -FIELD_T * cos(MAGNETIC_INCLINATION)
    up = 2.0 * FIELD_T * sin(angle) * sin(MAGNETIC_INCLINATION)
    return (up * cos(angle) - along * sin(angle), up * sin(angle) + along * cos(angle), across)


class Attitude:
    """`rate` in the body's axes (rad/s), `pose` the rotation from the body to space, `dipole` of the coils (A m^2)."""

    def __init__(self, rate: Vector) -> None:
        self.rate = rate
        self.pose: Quaternion = (1.0, 0.0, 0.0, 0.0)
        self.dipole: Vector = (0.0, 0.0, 0.0)

    def field(self, turn: float) -> Vector:
        """The field in the body's axes, in tesla."""
        w, x, y, z = self.pose
        conjugate: Vector = (-x, -y, -z)
        space = field_in_space(turn)
        first = cross(conjugate, space)
        doubled: Vector = (2.0 * first[0], 2.0 * first[1], 2.0 * first[2])
        second = cross(conjugate, doubled)
        return (
            space[0] + w * doubled[0] + second[0],
            space[1] + w * doubled[1] + second[1],
            space[2] + w * doubled[2] + second[2],
        )

    def pass_time(self, duration_s: float, turn: float) -> None:
        """Turns on, with the coils' torque if they pull; `turn` is where in the orbit that begins."""
        if not any(self.dipole):
            self._turn(duration_s)
            return
        while duration_s > 0.0:
            step_s = min(duration_s, COIL_STEP_S)
            torque = cross(self.dipole, self.field(turn))
            gain = step_s / INERTIA_KG_M2
            x, y, z = self.rate
            self.rate = (x + torque[0] * gain, y + torque[1] * gain, z + torque[2] * gain)
            self._turn(step_s)
            duration_s -= step_s

    def _turn(self, duration_s: float) -> None:
        speed = length(self.rate)
        if speed == 0.0:
            return
        half = speed * duration_s / 2.0
        scale = sin(half) / speed
        w, x, y, z = self.pose
        a, b, c, d = cos(half), self.rate[0] * scale, self.rate[1] * scale, self.rate[2] * scale
        turned = (
            w * a - x * b - y * c - z * d,
            w * b + x * a + y * d - z * c,
            w * c - x * d + y * a + z * b,
            w * d + x * c - y * b + z * a,
        )
        size = sqrt(sum([part * part for part in turned]))
        self.pose = (turned[0] / size, turned[1] / size, turned[2] / size, turned[3] / size)
