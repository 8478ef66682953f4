"""The sensors that a command has stopped: they stay so over restarts, until a command starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.storage.recall import read_for_start
from kittiwake.storage.record import AtomicRecord
from kittiwake_components.ports.hive import MAX_SENSORS
from kittiwake_components.sensor_orchestrator.configuration import MAX_NAME

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
SIZE_MAX = MAX_SENSORS * (MAX_NAME + 1)


class StoppedSensors:
    """Names, in an atomic record: a line each. Those of sensors that the configuration no longer has make room."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, SIZE_MAX)
        self._names: set[str] = set()
        self._is_read = False

    def read(self) -> tuple[Finding, ...]:
        """Reads the record; what was found wrong with it. Raises `OSError`."""
        reading = read_for_start(self._record)
        self._names |= set((reading.payload or b"").decode("utf-8", "replace").split("\n")) - {""}
        self._is_read = True
        return reading.findings

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def change(self, stopped: set[str], started: set[str], known: set[str]) -> tuple[Finding, ...]:
        """Adds and takes out names; on return that is durable. `known` are all sensors of the configuration.

        Raises `OSError`: it then holds for this process alone. What could not be read at the start is read first.
        """
        earlier = () if self._is_read else self.read()
        names = (self._names | stopped) - started & known
        if names == self._names:
            return earlier
        self._names = names
        return earlier + self._record.write("\n".join(sorted(names)).encode())
