"""A session of ftplib that is bounded in what it takes, and the faults of FTP."""

from __future__ import annotations

import errno
from ftplib import FTP, FTP_TLS, error_proto
from typing import Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.transfer_service.stores import Login

PORT = 21
MAX_LINES = 500
_MEANINGS = {
    421: "it is closing", 425: "no data connection", 426: "the transfer was cut off", 450: "the file is in use",
    451: "a fault of its own", 452: "no room", 500: "it does not know the command", 502: "it has no such command",
    521: "it wants or refuses encryption", 522: "it wants encryption", 530: "not logged in",
    532: "it wants an account to store", 534: "it refuses encryption", 550: "no such file, or not for this user",
    551: "it refuses the name or the offset", 552: "no room, or over its quota", 553: "it refuses the name",
}  # fmt: skip


class FtpRefused(OSError):
    """The server refuses: `code` as RFC 959 has it, 0 for what is no answer of FTP."""

    def __init__(self, code: int, *, is_login: bool = False) -> None:
        meaning = " to the login" if is_login else f" ({_MEANINGS[code]})" if code in _MEANINGS else ""
        said = f"the server answers {code}{meaning}" if code else "the server does not speak FTP"
        super().__init__(errno.ENOSPC if code in (452, 552) else errno.EACCES, said)
        self.code = code

    @property
    def is_final(self) -> bool:
        """Whether the server does not expect the same to succeed later."""
        return self.code >= 500


class Server(NamedTuple):
    """Where a server is. `trusted` has the certificates that are trusted in place of the system's, as PEM."""

    host: str
    port: int = PORT
    is_secure: bool = False
    trusted: str = ""


def parse_login(data: bytes) -> Login:
    """The login of a file of two lines. Raises `OSError`."""
    lines = data.decode("utf-8", "replace").splitlines()
    if len(lines) != 2 or not lines[0]:
        raise OSError(errno.EACCES, "its credentials must be two lines: user and password")
    return Login(*lines)


class _BoundedAnswers:
    """No answer has more than `MAX_LINES` lines."""

    def getmultiline(self: Any) -> str:
        lines = [self.getline()]
        code = lines[0][:3]
        while lines[0][3:4] == "-" and (len(lines) == 1 or lines[-1][:3] != code or lines[-1][3:4] == "-"):
            if len(lines) > MAX_LINES:
                raise error_proto("an answer without end")
            lines.append(self.getline())
        return "\n".join(lines)


class _PlainSession(_BoundedAnswers, FTP):
    pass


class _SecureSession(_BoundedAnswers, FTP_TLS):
    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> Any:
        """Many servers take a data connection only under the session of the control connection (RFC 4217, 10.2)."""
        connection, size = FTP.ntransfercmd(self, cmd, rest)
        session = getattr(self.sock, "session", None)
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size


def new_session(server: Server) -> FTP:
    """A session that is not yet connected."""
    if not server.is_secure:
        return _PlainSession()
    from ssl import create_default_context

    return _SecureSession(context=create_default_context(cadata=server.trusted or None))
