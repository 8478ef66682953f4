"""A sensor with a file format of its own: counts of two bytes each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.sensors.sensor import Option, Reading, Sensor

if TYPE_CHECKING:
    from kittiwake_components.sensors.capture import Capture


class Geiger(Sensor):
    """Counts of a tube; made up."""

    extension = "u16"
    is_simulated = True
    readings = (Reading("count"),)
    step_seconds = Option(1.0, "How long is counted.", unit="s", low=0.01, high=60)

    def count(self) -> int:
        """What the tube has counted."""
        return int(self.platform.random.uniform(0, 30))

    def record(self, capture: Capture) -> None:
        for _ in capture.steps(self.step_seconds):
            count = self.count()
            capture.file.write(count.to_bytes(2, "big"))
            capture.report((count,))
