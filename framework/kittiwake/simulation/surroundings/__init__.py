"""What stands around a deployment: the devices, the power and the ground's other ends, chosen by its components.

A part says by `fits` which deployments it belongs to, and `PARTS` lists them; a world is all parts that fit. One for a
component of a project's own is a class of a few lines (`kittiwake.simulation.surroundings.base`).
"""

from __future__ import annotations

from kittiwake.simulation.surroundings.base import Part
from kittiwake.simulation.surroundings.world import PARTS, World

__all__ = ["PARTS", "Part", "World"]
