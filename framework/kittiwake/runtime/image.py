"""The image: a compiled topology, which a device loads without a YAML parser.

It is one marshalled dictionary behind a header of magic, format version and CRC-32. Marshal's version 4 holds plain
data only, reads the same under every supported Python, and costs a tenth of JSON's import.
"""

from __future__ import annotations

import marshal
from binascii import crc32
from typing import Any

MAGIC = b"KWIMAGE1"
MARSHAL_VERSION = 4
MAX_IMAGE_BYTES = 16 * 1024 * 1024

Image = dict[str, Any]
"""
name, version, dictionary_hash: texts
instances: list of (name, "module:Class", base id, queue depth, priority, thread name, settings)
connections: list of (source index, port, port index, target index, port, port index)
services: service name -> instance index
packets: list of (name, packet id, group, channel ids)
parameters: list of (instance index, parameter name, packed value) that replace the declared defaults
"""


_KEYS = frozenset(
    ("name", "version", "dictionary_hash", "instances", "connections", "services", "packets", "parameters")
)


class ImageFault(ValueError):
    """A file that is no image, or one that is damaged."""


def dump_image(image: Image) -> bytes:
    """The bytes of an image file."""
    body = marshal.dumps(image, MARSHAL_VERSION)
    return MAGIC + crc32(body).to_bytes(4, "big") + body


def load_image(data: bytes) -> Image:
    """The image in a file's bytes. Raises `ImageFault`."""
    if data[: len(MAGIC)] != MAGIC:
        raise ImageFault("this is no Kittiwake image, or one of another version; build it again")
    body = data[len(MAGIC) + 4 :]
    if crc32(body) != int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "big"):
        raise ImageFault("the image is damaged (its checksum is wrong); build it again")
    try:
        image: Any = marshal.loads(body)
    except (EOFError, TypeError, ValueError) as fault:
        raise ImageFault(f"the image cannot be read ({fault}); build it again") from None
    if not isinstance(image, dict) or not _KEYS.issubset(image):
        raise ImageFault("the image lacks what this version of Kittiwake needs; build it again")
    return image
