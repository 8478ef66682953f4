"""A file of uplink keys as the `keys` sub-commands change it: in one step, and readable by its owner alone."""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.link_access import warn_if_others_may_read
from kittiwake.cli.output import naming
from kittiwake.wire.uplink_keys import (
    ALGORITHMS,
    HMAC_SHA256,
    KEY_SIZE,
    MAX_FILE_SIZE,
    MAX_KEY_ID,
    MAX_KEYS,
    KeyFileFault,
    UplinkKey,
    format_keys,
    parse_keys,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

DEFAULT_FILE = Path("var/uplink.keys")
"""Beside the folders that deployments keep their files in, so that no file command reaches it."""

PERMISSIONS = 0o600


def add_file_option(parser: ArgumentParser) -> None:
    """Adds `--file` to a parser."""
    parser.add_argument(
        "--file", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"the key file (default: {DEFAULT_FILE})"
    )


def key_id(text: str) -> int:
    """Reads a key's id. Raises `ValueError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= MAX_KEY_ID):
        import argparse

        raise argparse.ArgumentTypeError(f"an id is a number from 0 to {MAX_KEY_ID}, not {text!r}")
    return int(text)


def load_keys(path: Path) -> list[UplinkKey]:
    """The keys of a file; warns on the terminal if others may read it. Raises `OSError` and `KeyFileFault`."""
    with path.open("rb") as file:
        warn_if_others_may_read(str(path))
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise KeyFileFault(str(path), 0, f"larger than {MAX_FILE_SIZE} bytes")
    try:
        return parse_keys(content.decode("ascii"), str(path))
    except UnicodeDecodeError:
        raise KeyFileFault(str(path), 0, "this is no text") from None


@contextmanager
def changing_keys(path: Path) -> Iterator[list[UplinkKey]]:
    """The keys of a file, to be changed in place: at the end of the block they are written, unless it raised.

    A missing file has none. While the block runs no other command changes the folder's keys. Raises `OSError` and
    `KeyFileFault`.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        keys = load_keys(path) if path.exists() else []
        yield keys
        _replace(path, format_keys(keys))
        os.fsync(folder)
    finally:
        os.close(folder)


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PERMISSIONS)
    try:
        with naming(path), os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), PERMISSIONS)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def add_algorithm_option(parser: ArgumentParser) -> None:
    """Adds `--algorithm` to a parser."""
    parser.add_argument(
        "--algorithm", choices=ALGORITHMS, default=HMAC_SHA256,
        help=f"{HMAC_SHA256} signs; aes-gcm hides as well, and needs kittiwake[security] at both ends "
        "(default: %(default)s)",
    )  # fmt: skip


def add_key(keys: list[UplinkKey], id: int | None = None, algorithm: str = HMAC_SHA256) -> UplinkKey:
    """Makes an active key with an id of its own and puts it at the end; a full list first loses a retired key.

    Raises `ValueError` if the id is taken, or the list is full of active keys.
    """
    taken = {key.id for key in keys}
    if id is None:
        last = keys[-1].id if keys else 0
        ids = [(last + step) % (MAX_KEY_ID + 1) for step in range(1, MAX_KEYS + 2)]
        id = next(one for one in ids if one not in taken)
    elif id in taken:
        raise ValueError(f"there is a key {id} already")
    if len(keys) >= MAX_KEYS:
        retired = next((key for key in keys if not key.active), None)
        if retired is None:
            raise ValueError(f"{MAX_KEYS} keys are active, the most that a file holds")
        keys.remove(retired)
        print(f"key {retired.id}, retired, is forgotten: a file holds {MAX_KEYS}", file=sys.stderr)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    made = UplinkKey(id, True, created, secrets.token_bytes(KEY_SIZE), algorithm)
    keys.append(made)
    return made
