"""The enrolment package: a signed configuration for one device.

    magic "KWENROLL" | key id U16 | size of the text U32 | text | Ed25519 signature of the text (64 bytes)

The text is JSON: `machine_id`, for whom it is; `sequence`, which grows so that none can be replaced by an older one;
`token`, by which the device is known to its administration; and `config`, whatever the deployment makes of it. Keys
are those that sign updates, or others of their kind: `update_package.parse_update_keys` reads the public ones.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.ed25519 import SIGNATURE_SIZE, is_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAGIC = b"KWENROLL"
MAX_TEXT = 65_536
MAX_PACKAGE = MAX_TEXT + 128
MAX_SEQUENCE = 0xFFFFFFFF
MAX_MACHINE_ID = 64
MAX_TOKEN = 256
_HEADER = Struct(">8sHI")
_MEMBERS = {"machine_id", "sequence", "token", "config"}


class EnrollmentFault(ValueError):
    """A package that cannot be used; the message says why."""


class Enrolment(NamedTuple):
    """What a package says. Its `repr` leaves the token out."""

    machine_id: str
    sequence: int
    token: str
    config: dict[str, Any]

    def __repr__(self) -> str:
        return f"Enrolment({self.machine_id!r}, {self.sequence})"

    def encode(self) -> bytes:
        """The text that is signed. Raises `EnrollmentFault` for one that nobody would read."""
        import json

        try:
            text = json.dumps(self._asdict(), separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as fault:
            raise EnrollmentFault(f"the configuration cannot be written as JSON: {fault}") from None
        parse_enrolment(text)
        return text


def encode_package(text: bytes, key_id: int, signature: bytes) -> bytes:
    """A package out of its text and the signature of that."""
    return _HEADER.pack(MAGIC, key_id, len(text)) + text + signature


def read_package(data: bytes, keys: Mapping[int, bytes]) -> Enrolment:
    """What a package says, signed by the owner of one of these public keys. Raises `EnrollmentFault`."""
    if len(data) < _HEADER.size + SIGNATURE_SIZE or not data.startswith(MAGIC):
        raise EnrollmentFault("this is no enrolment package")
    _, key_id, size = _HEADER.unpack_from(data)
    if size > MAX_TEXT or len(data) != _HEADER.size + size + SIGNATURE_SIZE:
        raise EnrollmentFault("the package is cut off, or too long")
    text, signature = data[_HEADER.size : _HEADER.size + size], data[_HEADER.size + size :]
    key = keys.get(key_id)
    if key is None:
        raise EnrollmentFault(f"the package is signed with key {key_id}, which is not known here")
    if not is_signed(key, text, signature):
        raise EnrollmentFault(f"the signature is not that of key {key_id}")
    return parse_enrolment(text)


def parse_enrolment(text: bytes) -> Enrolment:
    """What a text says. Raises `EnrollmentFault`."""
    import json

    if len(text) > MAX_TEXT:
        raise EnrollmentFault(f"the configuration takes more than {MAX_TEXT} bytes")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise EnrollmentFault("the text is no JSON") from None
    if not isinstance(found, dict) or set(found) != _MEMBERS:
        raise EnrollmentFault(f"an enrolment has the members {', '.join(sorted(_MEMBERS))}")
    machine_id, sequence, token, config = found["machine_id"], found["sequence"], found["token"], found["config"]
    if not isinstance(machine_id, str) or not is_machine_id(machine_id):
        raise EnrollmentFault(f"a machine_id is 1 to {MAX_MACHINE_ID} letters, digits, dots, dashes and underscores")
    if type(sequence) is not int or not 0 <= sequence <= MAX_SEQUENCE:
        raise EnrollmentFault(f"a sequence is 0 to {MAX_SEQUENCE}")
    if not isinstance(token, str) or len(token) > MAX_TOKEN or not (token.isprintable() and token.isascii()):
        raise EnrollmentFault(f"a token is at most {MAX_TOKEN} characters of ASCII")
    if not isinstance(config, dict):
        raise EnrollmentFault("a config is an object")
    return Enrolment(machine_id, sequence, token, config)


def is_machine_id(text: str) -> bool:
    """Whether a text can name a machine."""
    letters = text.replace(".", "").replace("-", "").replace("_", "")
    return 0 < len(text) <= MAX_MACHINE_ID and letters.isalnum() and letters.isascii()


def signed_package(enrolment: Enrolment, key_id: int, sign: Callable[[bytes], bytes]) -> bytes:
    """A package as the ground makes it. Raises `EnrollmentFault`."""
    text = enrolment.encode()
    return encode_package(text, key_id, sign(text))
