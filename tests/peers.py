"""Where the tests find the programs of others that they drive: fprime-gds, the FPP compiler and their like.

They stand in a virtual environment of their own, which `make peers` builds; KITTIWAKE_PEERS names another one.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_ENVIRONMENT = ROOT / ".venv-peers"


class PeerMissing(FileNotFoundError):
    """A peer's program is not installed; `name` says which, `folder` where it was looked for."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(
            f"no {name} in {folder}: run `make peers`, or set KITTIWAKE_PEERS to an environment that has it"
        )
        self.name = name
        self.folder = folder


def peers_environment() -> Path:
    """The virtual environment of the peers, whether it exists or not."""
    return Path(os.environ.get("KITTIWAKE_PEERS") or DEFAULT_ENVIRONMENT)


def find_peer(name: str) -> Path:
    """The program `name` of the peers' environment. Raises `PeerMissing`."""
    folder = peers_environment() / "bin"
    program = folder / name
    if not program.exists():
        raise PeerMissing(name, folder)
    return program
