"""Update packages and their secret keys as files of the ground."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kittiwake.cli.output import naming, write_whole
from kittiwake.wire.ed25519 import KEY_SIZE, sign
from kittiwake.wire.update_package import MAX_KEY_ID, Package, UpdateFault, encode_head, read_package

if TYPE_CHECKING:
    from pathlib import Path

SECRET_MODE = 0o600
MAX_SECRET_SIZE = 256
_TITLE = "kittiwake-update-key"


def write_secret(path: Path, id: int, seed: bytes) -> None:
    """Writes a secret key, readable by its owner alone; an existing file is never replaced. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    try:
        with naming(path), os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{_TITLE} {id} {seed.hex()}\n")
    except OSError:
        path.unlink()  # half a key would keep the whole one from its place
        raise


def read_secret(path: Path) -> tuple[int, bytes]:
    """The id and the seed in a secret key's file. Raises `OSError` and `UpdateFault`, which never shows the key."""
    with path.open("rb") as file:
        words = file.read(MAX_SECRET_SIZE).decode("ascii", "replace").split()
    if len(words) == 3 and words[0] == _TITLE and words[1].isdigit() and int(words[1]) <= MAX_KEY_ID:
        try:
            seed = bytes.fromhex(words[2])
        except ValueError:
            seed = b""
        if len(seed) == KEY_SIZE:
            return int(words[1]), seed
    raise UpdateFault(f"{path}: this is no secret update key (`kittiwake update key` makes one)")


def load_package(path: Path) -> tuple[Package, bytes]:
    """The head and the contents of a package. Raises `OSError`, and `UpdateFault` that names the file."""
    data = path.read_bytes()
    try:
        package = read_package(lambda offset, count: data[offset : offset + count], len(data))
    except UpdateFault as fault:
        raise UpdateFault(f"{path}: {fault}") from None
    return package, data[package.contents_at :]


def write_signed(path: Path, manifest: bytes, contents: bytes, secret: Path | None) -> None:
    """Writes a package, signed if there is a secret key. Raises `OSError` and `UpdateFault`."""
    head = encode_head(manifest)
    if secret is not None:
        id, seed = read_secret(secret)
        head = encode_head(manifest, id, sign(seed, manifest))
    write_whole(path, head + contents)
