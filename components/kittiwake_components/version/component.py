"""Says which framework, deployment and dictionary are running."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

import kittiwake
from kittiwake.model import ACTIVITY_LO, U8, Channel, PassiveComponent, Size, String, command, event, sync_port, wire_enum
from kittiwake.model.fw import Sched

TEXT_SIZE = 40
HASH_SIZE = 64


@wire_enum(U8, name="Svc.VersionCfg.VersionType")
class VersionType(IntEnum):
    """Which versions to report."""

    ALL = 0
    FRAMEWORK = 1
    PROJECT = 2
    DICTIONARY = 3


class Version(PassiveComponent):
    """Reports versions at boot and on command. The dictionary's hash tells the ground whether it decodes with the right one."""

    framework_version = Channel(String(TEXT_SIZE), on_change=True, doc="Kittiwake's version.")
    project_version = Channel(String(TEXT_SIZE), on_change=True, doc="The deployment's version.")
    dictionary_hash = Channel(String(HASH_SIZE), on_change=True, doc="Hash of the dictionary this image was built with.")

    @event(ACTIVITY_LO, "Framework Version: [{version}]")
    def framework_version_event(self, version: Annotated[str, Size(TEXT_SIZE)]) -> None: ...

    @event(ACTIVITY_LO, "Project Version: [{version}]")
    def project_version_event(self, version: Annotated[str, Size(TEXT_SIZE)]) -> None: ...

    @event(ACTIVITY_LO, "Dictionary: [{hash}]")
    def dictionary_event(self, hash: Annotated[str, Size(HASH_SIZE)]) -> None: ...

    def initialize(self) -> None:
        self._reported = False

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Reports everything once, in the first cycle after boot."""
        if not self._reported:
            self._reported = True
            self._report(VersionType.ALL)

    def _report(self, which: VersionType) -> None:
        image = self._context.deployment.image
        if which in (VersionType.ALL, VersionType.FRAMEWORK):
            self.framework_version = kittiwake.__version__
            self.framework_version_event(kittiwake.__version__)
        if which in (VersionType.ALL, VersionType.PROJECT):
            self.project_version = image["version"][:TEXT_SIZE]
            self.project_version_event(image["version"])
        if which in (VersionType.ALL, VersionType.DICTIONARY):
            self.dictionary_hash = image["dictionary_hash"][:HASH_SIZE]
            self.dictionary_event(image["dictionary_hash"])

    @command(name="VERSION", opcode=1)
    def version(self, version_type: VersionType) -> None:
        """Reports versions."""
        self._report(version_type)
