"""Ed25519 signatures (RFC 8032) in plain Python, for what is signed rarely: software updates.

A check takes some ten milliseconds on a laptop, and needs no package that an armv7 board may have no wheel of. Checking
handles nothing secret, so its running time may depend on its input. Signing is for the ground.
"""

from __future__ import annotations

from functools import lru_cache

KEY_SIZE = 32
SIGNATURE_SIZE = 64
CHECKS_REMEMBERED = 8

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int, int, int]
"""Extended coordinates: x = X/Z, y = Y/Z, x y = T/Z."""

_NEUTRAL: Point = (0, 1, 1, 0)


def _sha512(*parts: bytes) -> int:
    from hashlib import sha512

    return int.from_bytes(sha512(b"".join(parts)).digest(), "little")


def _add(first: Point, second: Point) -> Point:
    """The sum of two points, equal ones too (RFC 8032, 5.1.4)."""
    x1, y1, z1, t1 = first
    x2, y2, z2, t2 = second
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: Point) -> Point:
    total = _NEUTRAL
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _x_of(y: int, is_odd: int) -> int | None:
    """The x of a point with this y, or `None` if there is no such point."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    if (x * x - square) % _P or (x == 0 and is_odd):
        return None
    return _P - x if x & 1 != is_odd else x


def _decode(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y = number & (1 << 255) - 1
    if y >= _P:
        return None
    x = _x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


def _encode(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return ((y * inverse % _P) | (x * inverse % _P & 1) << 255).to_bytes(KEY_SIZE, "little")


def _base() -> Point:
    y = 4 * pow(5, -1, _P) % _P
    x = _x_of(y, 0)
    assert x is not None, "the base point is on the curve"
    return x, y, 1, x * y % _P


def _secret(seed: bytes) -> tuple[int, bytes]:
    """The scalar and the prefix that a seed of 32 bytes stands for (RFC 8032, 5.1.5)."""
    from hashlib import sha512

    digest = sha512(seed).digest()
    scalar = int.from_bytes(digest[:KEY_SIZE], "little")
    return scalar & (1 << 254) - 8 | 1 << 254, digest[KEY_SIZE:]


def public_key(seed: bytes) -> bytes:
    """The public key, 32 bytes, of a secret seed of 32 bytes."""
    return _encode(_times(_secret(seed)[0], _base()))


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature, 64 bytes, of a message."""
    scalar, prefix = _secret(seed)
    key = _encode(_times(scalar, _base()))
    nonce = _sha512(prefix, message) % _ORDER
    commitment = _encode(_times(nonce, _base()))
    answer = (nonce + _sha512(commitment, key, message) * scalar) % _ORDER
    return commitment + answer.to_bytes(KEY_SIZE, "little")


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is that of a message by the owner of a public key; anything malformed is none."""
    if len(key) != KEY_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    return _answers(key, signature, _sha512(signature[:KEY_SIZE], key, message))


@lru_cache(CHECKS_REMEMBERED)
def _answers(key: bytes, signature: bytes, digest: int) -> bool:
    """Whether a signature answers a digest of commitment, key and message.

    The last checks are remembered: a simulated device reads the same packages at each of its starts.
    """
    owner = _decode(key)
    answer = int.from_bytes(signature[KEY_SIZE:], "little")
    if owner is None or answer >= _ORDER:
        return False
    challenge = digest % _ORDER
    x, y, z, t = _times(challenge, owner)
    return _encode(_add(_times(answer, _base()), (-x % _P, y, z, -t % _P))) == signature[:KEY_SIZE]
