"""The keys that sign the uplink, and the text file that holds them.

One key stands on a line: `ID STATE CREATED KEY [ALGORITHM]`. ID is the security parameter index (SPI) by which a frame
names its key, 0 to 65535 (CCSDS 355.0-B-2); STATE is `active` or `retired`, and only an active key is accepted; CREATED
is UTC, `YYYY-MM-DDTHH:MM:SSZ`; KEY is 16 bytes in hexadecimal; ALGORITHM is `hmac-sha256`, which goes without saying,
or `aes-gcm`. Empty lines and lines that start with `#` say nothing. Faults name the line and never the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.platform.interface import Files

KEY_SIZE = 16
"""Bytes of a key."""

MAX_KEY_ID = 65535
MAX_KEYS = 64
MAX_FILE_SIZE = 16384
"""The largest key file, in bytes."""

HEADING = "# Keys that sign the uplink: id, state, created (UTC), key. Whoever reads this may command the device.\n"

HMAC_SHA256 = "hmac-sha256"
AES_GCM = "aes-gcm"
ALGORITHMS = (HMAC_SHA256, AES_GCM)

_STATES = ("active", "retired")
_CREATED_FORM = "0000-00-00T00:00:00Z"


class KeyFileFault(ValueError):
    """A key file that cannot be used: `where` it is, the `line` from 1 (0 for the whole file) and the `reason`."""

    def __init__(self, where: str, line: int, reason: str) -> None:
        super().__init__(f"{where}:{line}: {reason}" if line else f"{where}: {reason}")
        self.where = where
        self.line = line
        self.reason = reason


class UplinkKey:
    """One key. Its text and its `repr` leave the secret out."""

    __slots__ = ("active", "algorithm", "created", "id", "secret")

    def __init__(self, id: int, active: bool, created: str, secret: bytes, algorithm: str = HMAC_SHA256) -> None:
        self.id = id
        self.active = active
        self.created = created
        self.secret = secret
        self.algorithm = algorithm

    @property
    def state(self) -> str:
        """`active` or `retired`."""
        return _STATES[not self.active]

    def __repr__(self) -> str:
        return f"UplinkKey({self.id}, {self.state}, {self.created})"


def parse_keys(text: str, where: str) -> list[UplinkKey]:
    """The keys in a file's text, in its order; `where` names the file. Raises `KeyFileFault`."""
    keys: list[UplinkKey] = []
    seen: set[int] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("#"):
            key = _parse_line(line, where, number)
            if key.id in seen:
                raise KeyFileFault(where, number, f"the key {key.id} stands here a second time")
            if len(keys) == MAX_KEYS:
                raise KeyFileFault(where, number, f"a file holds at most {MAX_KEYS} keys")
            seen.add(key.id)
            keys.append(key)
    return keys


def _parse_line(line: str, where: str, number: int) -> UplinkKey:
    words = line.split()
    if len(words) not in (4, 5):
        raise KeyFileFault(where, number, "a line holds four words: id, state, created, key; a fifth is the algorithm")
    id_text, state, created, secret_text, algorithm = (*words, HMAC_SHA256)[:5]
    if not (id_text.isascii() and id_text.isdigit() and len(id_text) <= 5 and int(id_text) <= MAX_KEY_ID):
        raise KeyFileFault(where, number, f"the id is a number from 0 to {MAX_KEY_ID}")
    if state not in _STATES:
        raise KeyFileFault(where, number, f"the state is {' or '.join(_STATES)}")
    if not created.isascii() or "".join("0" if c.isdigit() else c for c in created) != _CREATED_FORM:
        raise KeyFileFault(where, number, "the third word is when the key was made: YYYY-MM-DDTHH:MM:SSZ")
    try:
        secret = bytes.fromhex(secret_text)
    except ValueError:
        secret = b""
    if len(secret) != KEY_SIZE:
        raise KeyFileFault(where, number, f"the key is {KEY_SIZE} bytes, {2 * KEY_SIZE} hexadecimal digits")
    if algorithm not in ALGORITHMS:
        raise KeyFileFault(where, number, f"the algorithm is {' or '.join(ALGORITHMS)}")
    return UplinkKey(int(id_text), state == _STATES[0], created, secret, algorithm)


def format_keys(keys: Iterable[UplinkKey]) -> str:
    """The text of a file that holds these keys."""
    return HEADING + "".join([f"{_line_of(key)}\n" for key in keys])


def _line_of(key: UplinkKey) -> str:
    line = f"{key.id} {key.state} {key.created} {key.secret.hex()}"
    return line if key.algorithm == HMAC_SHA256 else f"{line} {key.algorithm}"


def read_keys(files: Files, path: str) -> list[UplinkKey]:
    """The keys in a file. Raises `OSError`, and `KeyFileFault` for a file that cannot be used."""
    try:
        text = files.read(path, MAX_FILE_SIZE).decode("ascii")
    except UnicodeDecodeError:
        raise KeyFileFault(path, 0, "this is no text") from None
    return parse_keys(text, path)
