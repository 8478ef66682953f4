"""Says which framework, deployment and dictionary are running."""

from __future__ import annotations

import sys
from typing import Annotated

import kittiwake
from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_LO,
    U8,
    Channel,
    PassiveComponent,
    Size,
    String,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched

TEXT_SIZE = 40
HASH_SIZE = 64


@wire_enum(U8, name="Svc.VersionEnabled")
class VersionEnabled(IntEnum):
    """Whether versions are reported."""

    DISABLED = 0
    ENABLED = 1


@wire_enum(U8, name="Svc.VersionType")
class VersionType(IntEnum):
    """Which versions to report; the numbers are F´'s."""

    PROJECT = 0
    FRAMEWORK = 1
    LIBRARY = 2
    CUSTOM = 3
    ALL = 4


class Version(PassiveComponent):
    """Reports at boot and on command which versions run.

    The dictionary's hash tells the ground whether it decodes with the dictionary that this image was built with.
    """

    framework_version = Channel(String(TEXT_SIZE), on_change=True, doc="Kittiwake's version.")
    project_version = Channel(String(TEXT_SIZE), on_change=True, doc="The deployment's version.")
    dictionary_hash = Channel(
        String(HASH_SIZE), on_change=True, id=0x20, doc="Hash of the dictionary this image was built with."
    )

    @event(ACTIVITY_LO, "Framework Version: [{version}]", name="FrameworkVersion")
    def framework_reported(self, version: Annotated[str, Size(TEXT_SIZE)]) -> None: ...

    @event(ACTIVITY_LO, "Project Version: [{version}]", name="ProjectVersion")
    def project_reported(self, version: Annotated[str, Size(TEXT_SIZE)]) -> None: ...

    @event(ACTIVITY_LO, "Library Versions: [{version}]", name="LibraryVersions")
    def library_reported(self, version: Annotated[str, Size(TEXT_SIZE)]) -> None: ...

    @event(ACTIVITY_LO, "Dictionary: [{hash}]", name="DictionaryHash", id=0x20)
    def dictionary_reported(self, hash: Annotated[str, Size(HASH_SIZE)]) -> None: ...

    def initialize(self) -> None:
        self._enabled = True
        self._reported = False

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Reports everything once, in the first cycle after boot."""
        if not self._reported:
            self._reported = True
            self._report(VersionType.ALL)

    def _report(self, which: VersionType) -> None:
        image = self._context.deployment.image
        everything = which is VersionType.ALL
        if everything or which is VersionType.FRAMEWORK:
            self.framework_version = _cut(kittiwake.__version__, TEXT_SIZE)
            self.framework_reported(kittiwake.__version__)
        if everything or which is VersionType.PROJECT:
            self.project_version = _cut(image["version"], TEXT_SIZE)
            self.project_reported(image["version"])
        if everything or which is VersionType.LIBRARY:
            self.library_reported(f"{sys.implementation.name} {sys.version.partition(' ')[0]}")
        if everything or which is VersionType.CUSTOM:
            self.dictionary_hash = _cut(image["dictionary_hash"], HASH_SIZE)
            self.dictionary_reported(image["dictionary_hash"])

    @command(name="ENABLE")
    def enable(self, enable: VersionEnabled) -> None:
        """Switches the answers to VERSION on or off; off, it reports nothing."""
        self._enabled = enable is VersionEnabled.ENABLED

    @command(name="VERSION")
    def version(self, version_type: VersionType) -> None:
        """Reports versions: LIBRARY is the Python interpreter, CUSTOM the dictionary's hash."""
        if self._enabled:
            self._report(version_type)


def _cut(text: str, size: int) -> str:
    """The text within `size` bytes; a character that does not fit whole is left out."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore")
