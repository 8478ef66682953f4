"""Where the programs of others are that we measure ourselves against."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class PeerMissing(FileNotFoundError):
    """A program of the peers' environment is not there; the message says what to do."""


def peer_program(name: str) -> Path:
    """A program of the peers' environment, which KITTIWAKE_PEERS names. Raises `PeerMissing`."""
    folder = Path(os.environ.get("KITTIWAKE_PEERS") or ROOT / ".venv-peers") / "bin"
    program = folder / name
    if not program.exists():
        raise PeerMissing(f"no {name} in {folder}: run `make peers`, or set KITTIWAKE_PEERS to an environment with it")
    return program


def peer_python() -> Path:
    """The interpreter of the peers' environment. Raises `PeerMissing`."""
    return peer_program("python")
