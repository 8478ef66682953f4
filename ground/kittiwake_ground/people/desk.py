"""The reception desk: who is asking, by log-in, token, or by being at this machine."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.people.accounts import OPERATOR, ROLES, Accounts
from kittiwake_ground.people.passwords import hash_token, new_token
from kittiwake_ground.people.rates import RateLimit

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.people.accounts import User
    from kittiwake_ground.people.audit import AuditTrail

SESSION_S = 12 * 3600.0
"""How long a log-in lasts without being used."""

MAX_SESSIONS = 1000
LOCAL = "local"
"""Whoever is at this machine, where no users file says who there is."""


class Person(NamedTuple):
    """Who asks, and how they said so: `open` (nobody has a password), `session`, `token` or `procedure`."""

    name: str
    role: str
    way: str

    def may(self, role: str) -> bool:
        """Whether this role is theirs, or less than theirs."""
        return ROLES.index(self.role) >= ROLES.index(role)


class LogIn(NamedTuple):
    """A log-in: `id` is the cookie's secret; `csrf` must come with everything that changes something."""

    id: str
    csrf: str
    person: Person


class TooManyAttempts(RuntimeError):
    """Log-ins are refused for `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many attempts; try again in {wait_s:.0f} s")
        self.wait_s = wait_s


class Desk:
    """Knows the accounts and who is logged in. Without a users file everyone on this machine is an operator."""

    def __init__(self, users: Path | None, audit: AuditTrail, local_only: bool) -> None:
        """`local_only` says that nobody but this machine can reach the server. Raises `OSError` and `AccountFault`."""
        self.accounts = Accounts(users) if users is not None else None
        self._audit = audit
        self._local_only = local_only
        self._sessions: dict[str, tuple[LogIn, User, float]] = {}
        self._passes: dict[str, tuple[str, Person]] = {}
        self._log_ins = RateLimit(burst=5, rate=1 / 12)
        self._actions = RateLimit(burst=100, rate=20.0)

    @property
    def is_open(self) -> bool:
        """Whether whoever asks may do everything: no users file is named, and only this machine can ask.

        A file that is lost, or from which the last user goes, lets nobody in: a proxy may ask for the whole world.
        """
        return self._local_only and self.accounts is None

    @property
    def has_users(self) -> bool:
        """Whether somebody has a password."""
        if self.accounts is not None:
            self.accounts.refresh()
        return self.accounts is not None and bool(self.accounts.users)

    async def log_in(self, name: str, password: str, source: str) -> LogIn | None:
        """A new log-in, or `None` for a wrong name or password; slow on purpose. Raises `TooManyAttempts`."""
        wait_s = max(self._log_ins.wait_s(f"from {source}"), self._log_ins.wait_s(f"as {name[:100]}"))
        if wait_s:
            raise TooManyAttempts(wait_s)
        if self.accounts is None:
            return None
        self.accounts.refresh()
        user = await asyncio.to_thread(self.accounts.with_password, name, password)
        if user is None:
            self._audit.add(name[:100], "log-in refused", source=source)
            return None
        made = LogIn(secrets.token_urlsafe(32), secrets.token_urlsafe(32), Person(user.name, user.role, "session"))
        self._forget_old()
        self._sessions[made.id] = (made, user, time.monotonic() + SESSION_S)
        self._audit.add(user.name, "log-in", source=source)
        return made

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._sessions = {id: one for id, one in self._sessions.items() if one[2] > now}
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]

    def log_out(self, id: str) -> None:
        """Ends a log-in."""
        found = self._sessions.pop(id, None)
        if found is not None:
            self._audit.add(found[0].person.name, "log-out")

    def session(self, id: str) -> LogIn | None:
        """The log-in of a cookie, if it still counts; it then counts anew from now.

        It ends when the user's role or password changes.
        """
        found = self._sessions.pop(id, None)
        if found is None or self.accounts is None:
            return None
        log_in, user, until = found
        self.accounts.refresh()
        if until < time.monotonic() or self.accounts.users.get(user.name) != user:
            return None
        self._sessions[id] = (log_in, user, time.monotonic() + SESSION_S)
        return log_in

    def with_token(self, token: str) -> Person | None:
        """Who a bearer token speaks for."""
        given = self._passes.get(hash_token(token))
        if given is not None:
            name, starter = given
            role = self.role_now(starter)
            return None if role is None else Person(name, role, "procedure")
        if self.accounts is None:
            return None
        self.accounts.refresh()
        found = self.accounts.with_token(token)
        return None if found is None else Person(f"{found.user}/{found.id}", found.role, "token")

    def give_pass(self, starter: Person, name: str) -> str:
        """A token, for a program that somebody has started: it may what they may, and acts as `name`."""
        token = new_token()
        self._passes[hash_token(token)] = (name, starter)
        return token

    def take_pass(self, name: str) -> None:
        """Takes the token back that was given to a name."""
        self._passes = {key: one for key, one in self._passes.items() if one[0] != name}

    def owner_of(self, person: Person) -> Person:
        """Whose role counts for what a person leaves behind: of a procedure's run, whoever started it."""
        if person.way != "procedure":
            return person
        return next((starter for name, starter in self._passes.values() if name == person.name), person)

    def role_now(self, person: Person) -> str | None:
        """The role that somebody has by now, or `None` for nobody any more."""
        if person.way == "open":
            return OPERATOR if self.is_open else None
        if self.accounts is None:
            return None
        self.accounts.refresh()
        user, _, token = person.name.partition("/")
        found = self.accounts.tokens.get(token) if person.way == "token" else self.accounts.users.get(user)
        return None if found is None else found.role

    def anyone(self) -> Person | None:
        """Whoever asks without saying who, where nobody has a password."""
        return Person(LOCAL, OPERATOR, "open") if self.is_open else None

    def action_wait_s(self, person: Person) -> float:
        """Counts an action of somebody; the seconds to wait if there were too many, else 0."""
        return self._actions.wait_s(person.name)


def same_secret(given: str, wanted: str) -> bool:
    """Whether two secrets are the same, in a time that says nothing about where they differ."""
    return hmac.compare_digest(given.encode(), wanted.encode())
