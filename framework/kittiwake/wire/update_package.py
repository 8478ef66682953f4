"""The update package: a signed manifest, and the contents that it names, back to back.

    magic "KWUPDATE" | key id U16 | manifest size U16 | signature size U16 | manifest | signature | contents

The manifest is text that says of what deployment this is which version, and size and SHA-256 of each content:

    kittiwake-update 1
    deployment ReferenceDeployment
    version 1.4.0
    sequence 12
    image 41877 9f86d081...
    packages 18220 2c26b46b...

`image` is an image as `kittiwake build` writes it; `packages`, which may be missing, a zip of Python packages. Names of
files never come out of a package. The signature is Ed25519 over the manifest; an unsigned package has none.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.ed25519 import KEY_SIZE, SIGNATURE_SIZE, is_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    ReadAt = Callable[[int, int], bytes]

MAGIC = b"KWUPDATE"
IMAGE, PACKAGES = "image", "packages"
CONTENT_LIMITS = {IMAGE: 16 * 1024 * 1024, PACKAGES: 64 * 1024 * 1024}
"""The most bytes of each content."""

MAX_MANIFEST_SIZE = 1024
MAX_VERSION_SIZE = 32
MAX_SEQUENCE = 0xFFFFFFFF
MAX_KEY_ID = 0xFFFF
MAX_KEYS = 16
MAX_KEY_FILE_SIZE = 4096
DIGEST_SIZE = 32

_HEADER = Struct(">8sHHH")
_TITLE = "kittiwake-update 1"


class UpdateFault(ValueError):
    """A package, or a file of update keys, that cannot be used; the message says why."""


class Content(NamedTuple):
    """One content: `image` or `packages`, its bytes and their SHA-256."""

    name: str
    size: int
    digest: bytes


class Manifest(NamedTuple):
    """What a package holds. `sequence` grows from release to release, so that none can be replaced by an older one."""

    deployment: str
    version: str
    sequence: int
    contents: tuple[Content, ...]

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        return sum([content.size for content in self.contents])

    def encode(self) -> bytes:
        """The text that is signed. Raises `UpdateFault` for a manifest that nobody would read."""
        lines = [
            _TITLE, f"deployment {self.deployment}", f"version {self.version}", f"sequence {self.sequence}",
            *[f"{content.name} {content.size} {content.digest.hex()}" for content in self.contents],
        ]  # fmt: skip
        text = "".join([f"{line}\n" for line in lines])
        if not text.isascii() or parse_manifest(text.encode()) != self:
            raise UpdateFault("deployment and version are words of letters, digits, dots, dashes and underscores")
        return text.encode()


class Package(NamedTuple):
    """The head of a package: its manifest, who signed it, and where the contents begin."""

    manifest: Manifest
    signed: bytes
    key_id: int
    signature: bytes
    contents_at: int

    def check_signature(self, keys: Mapping[int, bytes]) -> None:
        """Raises `UpdateFault` unless the owner of one of these public keys signed the manifest."""
        if not self.signature:
            raise UpdateFault("the package is not signed")
        key = keys.get(self.key_id)
        if key is None:
            raise UpdateFault(f"the package is signed with key {self.key_id}, which is not known here")
        if not is_signed(key, self.signed, self.signature):
            raise UpdateFault(f"the signature is not that of key {self.key_id}")


def encode_head(manifest: bytes, key_id: int = 0, signature: bytes = b"") -> bytes:
    """All of a package that comes before its contents."""
    return _HEADER.pack(MAGIC, key_id, len(manifest), len(signature)) + manifest + signature


def read_package(read_at: ReadAt, size: int) -> Package:
    """The head of a package of `size` bytes, of which `read_at` gives parts. Raises `UpdateFault`.

    The signature is not checked, and neither are the contents.
    """
    header = read_at(0, _HEADER.size)
    if len(header) < _HEADER.size or header[: len(MAGIC)] != MAGIC:
        raise UpdateFault("this is no update package")
    _, key_id, manifest_size, signature_size = _HEADER.unpack(header)
    if not 0 < manifest_size <= MAX_MANIFEST_SIZE or signature_size not in (0, SIGNATURE_SIZE):
        raise UpdateFault("the package's header makes no sense")
    signed = read_at(_HEADER.size, manifest_size)
    signature = read_at(_HEADER.size + manifest_size, signature_size)
    manifest = parse_manifest(signed)
    contents_at = _HEADER.size + manifest_size + signature_size
    if size != contents_at + manifest.size:
        raise UpdateFault(f"the package has {size} bytes, and should have {contents_at + manifest.size}")
    return Package(manifest, signed, key_id, signature, contents_at)


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in its text. Raises `UpdateFault`."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise UpdateFault("the manifest is no text") from None
    lines = text.split("\n")
    if len(data) > MAX_MANIFEST_SIZE or lines[-1] or lines[0] != _TITLE or len(lines) < 6:
        raise UpdateFault("the manifest is cut off, or of another format")
    deployment = _word(lines[1], "deployment", MAX_MANIFEST_SIZE)
    version = _word(lines[2], "version", MAX_VERSION_SIZE)
    sequence = _number(_word(lines[3], "sequence", 10), "sequence", MAX_SEQUENCE)
    contents = tuple([_content(line) for line in lines[4:-1]])
    if [content.name for content in contents] not in ([IMAGE], [IMAGE, PACKAGES]):
        raise UpdateFault("an update holds an image, and perhaps packages, in this order")
    return Manifest(deployment, version, sequence, contents)


def _word(line: str, name: str, limit: int) -> str:
    key, _, word = line.partition(" ")
    letters = word.replace(".", "").replace("-", "").replace("_", "")
    if key != name or len(word) > limit or not letters.isalnum():
        raise UpdateFault(f"the manifest has no proper {name}")
    return word


def _number(text: str, name: str, high: int) -> int:
    if not text.isdigit() or str(int(text)) != text or int(text) > high:
        raise UpdateFault(f"the manifest's {name} is a number from 0 to {high}")
    return int(text)


def _content(line: str) -> Content:
    words = line.split(" ")
    if len(words) != 3 or words[0] not in CONTENT_LIMITS or len(words[1]) > 10:
        raise UpdateFault("the manifest names a content that is not known")
    name, size, digest = words
    if len(digest) != 2 * DIGEST_SIZE or digest.strip("0123456789abcdef"):
        raise UpdateFault(f"the manifest has no proper SHA-256 of {name}")
    if size == "0":
        raise UpdateFault(f"the manifest has an empty {name}")
    return Content(name, _number(size, f"size of {name}", CONTENT_LIMITS[name]), bytes.fromhex(digest))


# Keys


def parse_update_keys(data: bytes, where: str) -> dict[int, bytes]:
    """The public keys in a file: lines of an id and 64 hexadecimal digits. Raises `UpdateFault` that names the line."""
    keys: dict[int, bytes] = {}
    for number, line in enumerate(data.decode("ascii", "replace").split("\n"), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        id_text, digits = words if len(words) == 2 else ("", "")
        if not id_text.isdigit() or len(id_text) > 5 or int(id_text) > MAX_KEY_ID:
            raise UpdateFault(f"{where}:{number}: a line holds an id, 0 to {MAX_KEY_ID}, and a public key")
        if len(digits) != 2 * KEY_SIZE or digits.lower().strip("0123456789abcdef"):
            raise UpdateFault(f"{where}:{number}: a public key is {2 * KEY_SIZE} hexadecimal digits")
        if int(id_text) in keys or len(keys) == MAX_KEYS:
            raise UpdateFault(f"{where}:{number}: an id stands here once, and there are at most {MAX_KEYS} keys")
        keys[int(id_text)] = bytes.fromhex(digits)
    return keys
