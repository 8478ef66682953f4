"""Passwords and tokens as they are kept: never themselves, only what can be compared with them."""

from __future__ import annotations

import hashlib
import hmac
import secrets

MIN_PASSWORD, MAX_PASSWORD = 8, 200
"""The shortest and the longest password, in characters."""

_N, _R, _P = 1 << 14, 8, 1
_MAX_N = 1 << 18
_SALT_SIZE = 16
TOKEN_PREFIX = "kwt_"


class PasswordFault(ValueError):
    """A password that cannot be used; the message says why."""


def hash_password(password: str) -> str:
    """A password's scrypt hash (RFC 7914) as text: `scrypt$n$r$p$salt$hash`. Raises `PasswordFault`."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PasswordFault(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    salt = secrets.token_bytes(_SALT_SIZE)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${_scrypt(password, salt, _N, _R, _P).hex()}"


def password_fits(password: str, kept: str) -> bool:
    """Whether a password is the one that a hash was made of; takes the same time either way."""
    try:
        kind, n, r, p, salt, wanted = kept.split("$")
        if kind != "scrypt" or int(n) > _MAX_N or len(password) > MAX_PASSWORD:
            return False
        found = _scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
        return hmac.compare_digest(found, bytes.fromhex(wanted))
    except ValueError:
        return False


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32)


def new_token() -> str:
    """A bearer token with 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is kept of a token: it is random enough for a plain SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()
