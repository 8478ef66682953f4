"""The sidecar of a capture, `<file>.json`: what its sensor says that the file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.transfer_service.folder_copy import DIGEST_SIZE
from kittiwake_components.uploader.captures import SIDECAR

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

MAX_SIDECAR = 65_536


class Manifest(NamedTuple):
    """The SHA-256 of a file in hexadecimal, and its size in bytes."""

    digest: str
    size: int


class Mismatch(ValueError):
    """A file that is not what its manifest says, or a manifest that says nothing."""


def read_sidecar(files: Files, path: str) -> Manifest:
    """What the sidecar of the file at `path` says. Raises `Mismatch`, or `OSError`."""
    import json

    try:
        stated = json.loads(files.read(path + SIDECAR, MAX_SIDECAR))
        digest, size = stated["sha256"], stated["bytes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Mismatch("its manifest cannot be read") from None
    is_digest = isinstance(digest, str) and len(digest) == DIGEST_SIZE and not digest.strip("0123456789abcdef")
    if not is_digest or not isinstance(size, int) or size < 0:
        raise Mismatch("its manifest states no SHA-256 and bytes")
    return Manifest(digest, size)
