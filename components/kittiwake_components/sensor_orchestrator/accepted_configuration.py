"""The configuration that was in force last, without its secrets: it serves where the file is bad or gone at a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.storage.record import AtomicRecord
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.sensor_orchestrator.configuration import MAX_SIZE, SECRET_SECTIONS
from kittiwake_components.sensor_orchestrator.sections import without_sections

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
_END = b"\0"


class AcceptedConfiguration:
    """A file's name and content, in an atomic record. `found` is what the record holds, if it does."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, PATH_SIZE + len(_END) + MAX_SIZE)
        self.found: tuple[str, bytes] | None = None

    def read(self) -> tuple[Finding, ...]:
        """Reads the record; what was found wrong with it. Raises `OSError`."""
        reading = self._record.read()
        if reading.payload is not None:
            name, _, content = reading.payload.partition(_END)
            self.found = name.decode("utf-8", "replace"), content
        return reading.findings

    def keep(self, name: str, content: bytes) -> tuple[Finding, ...]:
        """Keeps another configuration; on return that is durable. The same again costs nothing.

        Raises `OSError`, and `ValueError` for one whose secrets cannot be told from the rest.
        """
        content = without_sections(content, name, SECRET_SECTIONS)
        if self.found == (name, content):
            return ()
        findings = self._record.write(name.encode() + _END + content, supersedes=True)
        self.found = name, content
        return findings
