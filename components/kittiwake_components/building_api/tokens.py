"""Who may use the API: a file of requesters, each with a role and a token."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest

from kittiwake.int_enum import IntEnum
from kittiwake.named_tuple import NamedTuple

MAX_TOKENS = 100
MAX_FILE = 65_536
NAME_SIZE = 100
LEAST_TOKEN = 16
HASHED = "sha256:"


class Role(IntEnum):
    """What somebody may do."""

    VIEWER = 1
    """Look."""
    OPERATOR = 2
    """Change, write and schedule."""


class Requester(NamedTuple):
    """Somebody who is known by a token; `name` is who asks at the actuator."""

    name: str
    role: Role
    digest: bytes


def read_tokens(text: str) -> list[Requester]:
    """The requesters of a file with a line `NAME ROLE TOKEN` for each; `#` begins a comment.

    A role is viewer or operator. A token has 16 characters or more, or is `sha256:` and the digest of one in hex, so
    that the file does not give it away. Raises `ValueError` with the line that makes no sense.
    """
    found: list[Requester] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 3:
            raise ValueError(f"line {number}: NAME ROLE TOKEN is wanted")
        name, role, token = words
        if len(name.encode()) > NAME_SIZE:
            raise ValueError(f"line {number}: a name has at most {NAME_SIZE} bytes")
        if role.upper() not in Role.__members__:
            # What stands there instead may be the token, which no event is to show.
            raise ValueError(f"line {number}: NAME ROLE TOKEN is wanted, and ROLE is viewer or operator")
        digest = _digest_of(token, number)
        if any(other.digest == digest for other in found):
            raise ValueError(f"line {number}: somebody else has that token")
        found.append(Requester(name, Role[role.upper()], digest))
    if not 1 <= len(found) <= MAX_TOKENS:
        raise ValueError(f"1 to {MAX_TOKENS} tokens are wanted, and there are {len(found)}")
    return found


def _digest_of(token: str, number: int) -> bytes:
    if token.startswith(HASHED):
        try:
            digest = bytes.fromhex(token.removeprefix(HASHED))
        except ValueError:
            digest = b""
        if len(digest) != sha256().digest_size:
            raise ValueError(f"line {number}: {HASHED} is followed by 64 hexadecimal digits")
        return digest
    if len(token) < LEAST_TOKEN:
        raise ValueError(f"line {number}: a token has at least {LEAST_TOKEN} characters")
    return sha256(token.encode()).digest()


def requester_of(header: str, known: list[Requester]) -> Requester | None:
    """Who sends this `Authorization` header; every token is compared, in constant time."""
    scheme, _, token = header.partition(" ")
    digest = sha256(token.strip().encode()).digest()
    found = None
    for requester in known:
        if compare_digest(digest, requester.digest) and scheme.lower() == "bearer":
            found = requester
    return found
