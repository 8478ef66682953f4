"""The port by which a device asks for its configuration."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model.ports import port
from kittiwake.model.types import Size
from kittiwake_components.ports.file import FileName

SERVER_SIZE = 80
MACHINE_ID_SIZE = 64


@port("Components.ConfigRequest")
def ConfigRequest(
    server: Annotated[str, Size(SERVER_SIZE)], machine_id: Annotated[str, Size(MACHINE_ID_SIZE)], file: FileName
) -> None:
    """Fetch the configuration of a machine from a server, and put it at `file`; whoever does announces that file."""
