"""The upstream's stub: a device that is never asked, whose points say who they are."""

from __future__ import annotations

from collections.abc import Sequence

from kittiwake_components.platform_driver.drivers.interface import Done, Driver, PointAddress, Reading


class StubDriver(Driver):
    """Answers each point with an object of its identifiers, for trials of what is built on top."""

    TYPE = "stub"

    def read(self, points: Sequence[PointAddress], done: Done[Sequence[Reading]]) -> None:
        """The upstream's value, key by key."""
        name = self.device.name
        done([Reading({"stub": True, "object_identifier": one.object_identifier, "device": name}) for one in points])
