"""Who is told of alarms and how: the tables `[notify.NAME]` of `ground.toml`.

[notify.duty]
kind = "webhook"                 # webhook, email or mqtt
url = "https://example.org/alarm"
secret_env = "ALARM_SECRET"      # signs what is sent; or secret_file
least = "ORANGE"                 # nothing less grave
actions = ["raised", "worsened", "raised again", "recovered"]
sources = ["Station.power.*"]    # channels and events
deployments = ["*"]
per_minute = 10                  # more than that wait for their turn
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kittiwake_ground.alarms.levels import LEVELS, rank
from kittiwake_ground.alarms.life import AGAIN, BY_PERSON, MOVES, RAISED, WORSENED
from kittiwake_ground.web_address import web_parts

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.alarms.book import Change

WEBHOOK, EMAIL, MQTT = "webhook", "email", "mqtt"
KINDS = (WEBHOOK, EMAIL, MQTT)
MAX_RECEIVERS = 32
MAX_SECRET = 4096
_WANTED = {
    WEBHOOK: (("url",), ("url",)),
    EMAIL: (("host", "sender", "recipients"), ("host", "port", "tls", "user", "sender", "recipients")),
    MQTT: (("host", "topic"), ("host", "port", "tls", "user", "topic")),
}
"""Of each kind what must be given, and what may be."""

_OWN = {"url": "", "host": "", "port": 0, "user": "", "sender": "", "recipients": (), "topic": ""}
"""What only some kinds have, and its value where it is not given."""


@dataclass(frozen=True)
class Receiver:
    """Somebody who is told. `least` is the least level, `actions`, `sources` and `deployments` choose what of.

    The secret of a webhook signs what is sent, that of the others is the password of `user`; it is in `secret_file` or
    in the environment variable `secret_env`. `tls` is STARTTLS for e-mail and TLS for MQTT, `authorities` a file of
    certificates (PEM) to trust in place of the system's. `port` is by default the usual one.
    """

    name: str
    kind: str
    url: str = ""
    host: str = ""
    port: int = 0
    tls: bool = True
    user: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    topic: str = ""
    secret_file: Path | None = None
    secret_env: str = ""
    authorities: Path | None = None
    least: str = "YELLOW"
    actions: tuple[str, ...] = (RAISED, WORSENED, AGAIN)
    sources: tuple[str, ...] = ("*",)
    deployments: tuple[str, ...] = ("*",)
    per_minute: float = 10.0

    def __post_init__(self) -> None:
        where = f"notify.{self.name}"
        if self.kind not in KINDS:
            raise ValueError(f"{where}: kind is {', '.join(KINDS)}, not {self.kind!r}")
        needed, may = _WANTED[self.kind]
        for key, default in _OWN.items():
            is_given = getattr(self, key) != default
            if key in needed and not is_given:
                raise ValueError(f"{where}: {key} is missing")
            if key not in may and is_given:
                raise ValueError(f"{where}: {key} is nothing for {self.kind}")
        if self.kind == WEBHOOK and web_parts(self.url) is None:
            raise ValueError(f"{where}: {self.url!r} is no address, as https://example.org/alarm is one")
        self._check_rule(where)

    def _check_rule(self, where: str) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"{where}: port {self.port} is outside 0 to 65535")
        if self.least not in LEVELS[1:]:
            raise ValueError(f"{where}: least is {', '.join(LEVELS[1:])}, not {self.least!r}")
        unknown = set(self.actions) - {*MOVES, *BY_PERSON}
        if unknown:
            raise ValueError(f"{where}: actions are {', '.join((*MOVES, *BY_PERSON))}, not {min(unknown)!r}")
        if not 0 < self.per_minute <= 600:
            raise ValueError(f"{where}: per_minute is more than 0 and at most 600, not {self.per_minute}")
        if self.secret_file is not None and self.secret_env:
            raise ValueError(f"{where}: a secret is in secret_file or in secret_env, not in both")
        if self.kind != WEBHOOK and bool(self.user) != self.has_secret:
            raise ValueError(f"{where}: user goes with secret_file or secret_env")

    @property
    def has_secret(self) -> bool:
        """Whether there is a secret."""
        return self.secret_file is not None or bool(self.secret_env)

    def secret(self) -> str:
        """The secret, or the empty string. Raises `OSError` and `ValueError` for one that cannot be had."""
        if self.secret_env:
            found = os.environ.get(self.secret_env, "")
            if not found:
                raise ValueError(f"notify.{self.name}: the environment has no {self.secret_env}")
            return found
        if self.secret_file is None:
            return ""
        if self.secret_file.stat().st_mode & 0o077:
            raise ValueError(f"{self.secret_file}: others may read it; `chmod 600 {self.secret_file}`")
        with self.secret_file.open("rb") as file:
            content = file.read(MAX_SECRET + 1)
        found = content.decode(errors="replace").strip()
        if not found or len(content) > MAX_SECRET:
            raise ValueError(f"{self.secret_file}: a secret is wanted there, and nothing else")
        return found

    def wants(self, change: Change) -> bool:
        """Whether they want to be told of this."""
        alarm = change.alarm
        return (
            not change.is_shelved
            and change.action in self.actions
            and rank(alarm.level) >= rank(self.least)
            and any(fnmatchcase(alarm.source, one) for one in self.sources)
            and any(fnmatchcase(alarm.deployment, one) for one in self.deployments)
        )
