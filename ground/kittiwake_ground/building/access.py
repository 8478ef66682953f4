"""Where a building's API is, and the token for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlunsplit

from kittiwake_ground.web_address import web_parts

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "/api/v1"
EXAMPLE = "http://127.0.0.1:8091"
MAX_TOKEN_FILE = 4096
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 30.0
"""Longer than BuildingApi's own ANSWER_TIMEOUT_S by default, so that it is the API that says what took too long."""


class ApiUnreachable(ConnectionError):
    """Nobody answers there, or it is no building's API, or it went away, or it refuses, with HTTP's `status`."""

    def __init__(self, url: str, reason: str, status: int = 0) -> None:
        super().__init__(f"no building API answers at {url}: {reason}")
        self.reason = reason
        self.status = status


def api_address(text: str) -> str:
    """The address of an API without `/api/v1` and what may stand behind it. Raises `ValueError`."""
    parts = web_parts(text if "://" in text else f"http://{text}")
    if parts is None or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is no address of a building's API, as {EXAMPLE} is one")
    path = parts.path.rstrip("/").removesuffix(PREFIX)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def read_token(path: Path) -> str:
    """The token that is alone in a file. Raises `OSError`, and `ValueError` for anything else in it."""
    with path.open("rb") as file:
        content = file.read(MAX_TOKEN_FILE + 1)
    token = content.decode("ascii", errors="replace").strip()
    if not token or len(content) > MAX_TOKEN_FILE or any(not " " < letter <= "~" for letter in token):
        raise ValueError(f"{path}: a token is wanted there, and nothing else")
    return token


def bearer(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}
