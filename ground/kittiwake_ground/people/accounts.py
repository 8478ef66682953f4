"""The users file: people with their roles and passwords, and tokens for programs. JSON, readable by its owner only."""

from __future__ import annotations

import hmac
import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kittiwake_ground.people.passwords import hash_password, hash_token, new_token, password_fits

if TYPE_CHECKING:
    from pathlib import Path

VIEWER, OPERATOR = "viewer", "operator"
ROLES = (VIEWER, OPERATOR)
"""Roles: a viewer sees everything, an operator may also act."""

MAX_FILE_SIZE = 1 << 20
MAX_USERS = 200
MAX_TOKENS = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_NOBODY = "scrypt$16384$8$1$00000000000000000000000000000000$" + "00" * 32


class AccountFault(ValueError):
    """A users file, or a change to it, that cannot be; the message says why."""


@dataclass(frozen=True)
class User:
    """Somebody with a password."""

    name: str
    role: str
    password: str


@dataclass(frozen=True)
class Token:
    """A program's key to the API. `id` names it, `hash` is what is kept of it; `user` says who made it."""

    id: str
    user: str
    role: str
    hash: str
    created: str


class Accounts:
    """The content of a users file. Every change is written at once, whole or not at all."""

    def __init__(self, path: Path) -> None:
        """Reads the file; one that is not there has nobody in it. Raises `OSError` and `AccountFault`."""
        self.path = path
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self._stamp: tuple[int, int] = (0, 0)
        self.refresh()

    def refresh(self) -> None:
        """Reads the file anew if somebody has changed it. Raises `OSError` and `AccountFault`."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self.users, self.tokens, self._stamp = {}, {}, (0, 0)
            return
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp == self._stamp:
            return
        if status.st_mode & 0o077:
            raise AccountFault(f"{self.path}: others may read it; `chmod 600 {self.path}`")
        if status.st_size > MAX_FILE_SIZE:
            raise AccountFault(f"{self.path}: larger than {MAX_FILE_SIZE} bytes")
        try:
            data = json.loads(self.path.read_bytes())
            users = [User(**one) for one in data["users"]]
            tokens = [Token(**one) for one in data["tokens"]]
            for role in [*(one.role for one in users), *(one.role for one in tokens)]:
                if role not in ROLES:
                    raise ValueError(f"there is no role {role!r}")
        except (ValueError, TypeError, LookupError) as fault:
            raise AccountFault(f"{self.path}: no users file: {fault}") from None
        self.users = {one.name: one for one in users}
        self.tokens = {one.id: one for one in tokens}
        self._stamp = stamp

    def _write(self) -> None:
        content = {
            "users": [asdict(one) for one in self.users.values()],
            "tokens": [asdict(one) for one in self.tokens.values()],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(self.path.name + ".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)
        status = self.path.stat()
        self._stamp = (status.st_mtime_ns, status.st_ino)

    def add_user(self, name: str, role: str, password: str) -> None:
        """Adds somebody, or gives them another role and password. Raises `AccountFault` and `PasswordFault`."""
        _check(name, role)
        if name not in self.users and len(self.users) >= MAX_USERS:
            raise AccountFault(f"there are {MAX_USERS} users already")
        self.users[name] = User(name, role, hash_password(password))
        self._write()

    def remove_user(self, name: str) -> None:
        """Removes somebody, and their tokens. Raises `AccountFault`."""
        if self.users.pop(name, None) is None:
            raise AccountFault(f"there is no user {name!r}")
        self.tokens = {id: one for id, one in self.tokens.items() if one.user != name}
        self._write()

    def add_token(self, id: str, user: str, role: str) -> str:
        """Makes a token for a user and gives it; it cannot be shown again. Raises `AccountFault`."""
        _check(id, role)
        owner = self.users.get(user)
        if owner is None:
            raise AccountFault(f"there is no user {user!r}")
        if ROLES.index(role) > ROLES.index(owner.role):
            raise AccountFault(f"{user} is a {owner.role}: a token has at most that role")
        if id in self.tokens:
            raise AccountFault(f"there is a token {id!r} already")
        if len(self.tokens) >= MAX_TOKENS:
            raise AccountFault(f"there are {MAX_TOKENS} tokens already")
        token = new_token()
        self.tokens[id] = Token(id, user, role, hash_token(token), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        self._write()
        return token

    def remove_token(self, id: str) -> None:
        """Takes a token back. Raises `AccountFault`."""
        if self.tokens.pop(id, None) is None:
            raise AccountFault(f"there is no token {id!r}")
        self._write()

    def with_password(self, name: str, password: str) -> User | None:
        """The user of that name and password; an unknown name takes as long as a wrong password."""
        user = self.users.get(name)
        fits = password_fits(password, _NOBODY if user is None else user.password)
        return user if fits else None

    def with_token(self, token: str) -> Token | None:
        """The token that was given out as this text."""
        wanted = hash_token(token)
        found = [one for one in self.tokens.values() if hmac.compare_digest(one.hash, wanted)]
        return found[0] if found else None


def _check(name: str, role: str) -> None:
    if not _NAME.fullmatch(name):
        raise AccountFault(f"{name!r}: a name has 1 to 64 letters, digits and . _ @ -")
    if role not in ROLES:
        raise AccountFault(f"a role is {' or '.join(ROLES)}, not {role!r}")
