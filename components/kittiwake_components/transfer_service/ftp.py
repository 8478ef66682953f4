"""A client of FTP servers (RFC 959, 2228, 2389, 3659, 4217): plain or with explicit TLS, always in passive mode.

Every method makes one blocking call or a few, each bounded by `TIMEOUT_S`; whoever has a loop makes them in a thread.
What the server says is judged by its code alone: its words are never shown, as they may repeat a name or a password.
The module loads slowly (ftplib, ssl): import it where it is used.
"""

from __future__ import annotations

import errno
import posixpath
from ftplib import FTP, FTP_TLS, error_proto
from ftplib import Error as FtpError
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PORT = 21
TIMEOUT_S = 30.0
PIECE = 8192
"""Bytes that one call sends or receives: a link of 300 bytes a second carries them in time."""

MAX_LINES = 500
MAX_LISTING = 2 << 20
MAX_DEPTH = 16
MAX_DIGITS = 18
DIGEST_SIZE = 64
_SHUT_BOTH = 2
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


class Login(NamedTuple):
    """Who asks."""

    user: str
    password: str


class Entry(NamedTuple):
    """What a folder has; `size` in bytes, -1 where the server does not say."""

    name: str
    is_folder: bool
    size: int


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


def parse_login(data: bytes) -> Login:
    """The login of a file of two lines. Raises `OSError`."""
    lines = data.decode("utf-8", "replace").splitlines()
    if len(lines) != 2 or not lines[0]:
        raise OSError(errno.EACCES, "its credentials must be two lines: user and password")
    return Login(*lines)


class FtpClient:
    """A session with one server: call `connect` first, `close` from any thread. Everything raises `OSError`.

    Paths begin with a slash, or count from the folder to which the login leads.
    """

    def __init__(self, server: Server, login: Login) -> None:
        self._server = server
        self._login = login
        self._ftp: FTP | None = None
        self._data: Any = None
        self._is_closed = self._is_at_end = False
        self._home = "/"
        self._features: dict[str, str] = {}

    # The session

    def connect(self) -> None:
        """Connects, logs in, and asks what the server can do."""
        ftp = self._ftp = self._new_session()
        self._asked(lambda: ftp.connect(self._server.host, self._server.port, TIMEOUT_S))
        try:
            self._asked(lambda: ftp.login(*self._login))
        except FtpRefused as refusal:
            raise FtpRefused(refusal.code, is_login=True) from None
        if isinstance(ftp, FTP_TLS):
            self._asked(ftp.prot_p)
        self._command("TYPE I")
        self._home = self._asked(ftp.pwd) or "/"
        self._features = self._asked_features()
        if "UTF8" in self._features:
            self._try("OPTS UTF8 ON")

    def _new_session(self) -> FTP:
        if not self._server.is_secure:
            return _PlainSession()
        from ssl import create_default_context

        return _SecureSession(context=create_default_context(cadata=self._server.trusted or None))

    def _asked_features(self) -> dict[str, str]:
        lines = (self._try("FEAT") or "").splitlines()[1:-1]
        pairs = [line.strip().partition(" ") for line in lines]
        return {name.upper(): value.upper() for name, _, value in pairs}

    def close(self) -> None:
        """Ends the session at once; a call that waits in another thread fails."""
        self._is_closed = True
        for connection in (self._data, self._ftp.sock if self._ftp is not None else None):
            if connection is not None:
                try:
                    connection.shutdown(_SHUT_BOTH)
                except OSError:
                    pass  # the other side was faster
        self._close_data()
        if self._ftp is not None:
            self._ftp.close()

    def _session(self) -> FTP:
        if self._ftp is None or self._is_closed:
            raise OSError(errno.ENOTCONN, "the session is not open")
        return self._ftp

    def _asked(self, call: Callable[[], T]) -> T:
        """What a call of the session gives; its faults as `OSError`."""
        self._session()
        try:
            return call()
        except FtpError as fault:
            code = str(fault)[:3]
            raise FtpRefused(int(code) if code.isdecimal() else 0) from None
        except EOFError:
            raise OSError(errno.ECONNRESET, "the server closed the connection") from None
        except UnicodeError:
            raise OSError(errno.EILSEQ, "what the server says is not UTF-8") from None
        except (AttributeError, ValueError):
            if not self._is_closed:
                raise
            raise OSError(
                errno.ENOTCONN, "the session was closed meanwhile"
            ) from None  # ftplib has let go of its files

    def _command(self, text: str) -> str:
        """Answers of 400 and more raise."""
        return self._asked(lambda: self._session().sendcmd(text))

    def _try(self, text: str) -> str | None:
        """The answer, or `None` where the server refuses for good."""
        try:
            return self._command(text)
        except FtpRefused as refusal:
            if not refusal.is_final:
                raise
            return None

    # Files

    def size(self, path: str) -> int | None:
        """The bytes of a file; `None` if there is none, or the server does not say."""
        return _number((self._try(f"SIZE {path}") or "")[4:].strip())

    def modified(self, path: str) -> str:
        """When a file was written, as the server says it; empty if it does not."""
        return (self._try(f"MDTM {path}") or "")[4:].strip()

    def digest(self, path: str) -> str:
        """The SHA-256 of a file as the server computes it, in hexadecimal; empty if it does not.

        By HASH (draft-bryan-ftpext-hash), or XSHA256.
        """
        if "SHA-256" in self._features.get("HASH", "") and self._try("OPTS HASH SHA-256") is not None:
            answer = self._try(f"HASH {path}")
        elif "XSHA256" in self._features:
            answer = self._try(f"XSHA256 {path}")
        else:
            return ""
        words = [word.lower() for word in (answer or "").split()]
        return next((word for word in words if len(word) == DIGEST_SIZE and not word.strip("0123456789abcdef")), "")

    def remove(self, path: str) -> None:
        """Removes a file."""
        self._command(f"DELE {path}")

    def replace(self, source: str, target: str) -> None:
        """Renames a file; one that stands at `target` goes: at once if the server can do that, else just before."""
        self._command(f"RNFR {source}")
        try:
            self._command(f"RNTO {target}")
        except FtpRefused as refusal:
            if not refusal.is_final or self.size(target) is None:
                raise
            self.remove(target)
            self._command(f"RNFR {source}")
            self._command(f"RNTO {target}")

    def make_folders(self, path: str) -> None:
        """Makes a folder and those above it. Raises where it is not there afterwards."""
        if not path or self.is_folder(path):
            return
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            if parts[count - 1]:
                self._try(f"MKD {'/'.join(parts[:count])}")
        if not self.is_folder(path):
            raise OSError(errno.EACCES, f"the server does not make the folder {path}")

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        if self._try(f"CWD {path}") is None:
            return False
        self._command(f"CWD {self._home}")
        return True

    # Transfers: one at a time

    def begin_upload(self, path: str, offset: int = 0) -> int:
        """Begins to write a file from `offset` bytes on; gives 0 where the server wants it from the beginning."""
        return self._begin(f"STOR {path}", offset)

    def begin_download(self, path: str, offset: int = 0) -> int:
        """Begins to read a file from `offset` bytes on; gives 0 where the server gives it from the beginning.

        Raises `FileNotFoundError`.
        """
        try:
            return self._begin(f"RETR {path}", offset)
        except FtpRefused as refusal:
            if refusal.code == 550:
                raise FileNotFoundError(errno.ENOENT, refusal.strerror) from None
            raise

    def _begin(self, command: str, offset: int) -> int:
        self._close_data()
        self._is_at_end = False
        session = self._session()
        if offset:
            try:
                self._data = self._asked(lambda: session.transfercmd(command, str(offset)))
                return offset
            except FtpRefused:
                pass  # REST itself, or what follows it: without it the server may agree
        self._data = self._asked(lambda: session.transfercmd(command))
        return 0

    def send(self, data: bytes) -> None:
        """Sends at most `PIECE` bytes of the file that is written."""
        try:
            self._opened().sendall(data)
        except TimeoutError:
            raise
        except OSError:
            self._close_data()
            self._asked(self._session().voidresp)  # says why, if the server does
            raise

    def end_upload(self) -> None:
        """Ends the file that is written: the server has taken it."""
        connection = self._opened()
        if hasattr(connection, "unwrap"):
            try:
                connection.unwrap()
            except OSError:
                pass  # the server ends TLS without ceremony
        self._close_data()
        self._asked(self._session().voidresp)

    def receive(self, count: int) -> bytes:
        """The next bytes of the file that is read, `count` or `PIECE` at most; none after the end.

        A connection that ends before the server has said that this was all raises.
        """
        data = b""
        while not self._is_at_end and len(data) < min(count, PIECE):
            piece = self._opened().recv(min(count, PIECE) - len(data))
            self._is_at_end = not piece
            data += piece
        if not data and self._data is not None:
            self._close_data()
            self._asked(self._session().voidresp)
        return data

    def _opened(self) -> Any:
        if self._data is None:
            raise OSError(errno.ENOTCONN, "no transfer has begun")
        return self._data

    def _close_data(self) -> None:
        connection, self._data = self._data, None
        if connection is not None:
            connection.close()

    def read(self, path: str, limit: int) -> bytes | None:
        """A small file as a whole; `None` if there is none. Raises for one of more than `limit` bytes."""
        try:
            return self._all(f"RETR {path}", limit)
        except FtpRefused as refusal:
            if not refusal.is_final:
                raise
            return None

    def write(self, path: str, data: bytes) -> None:
        """Writes a small file as a whole."""
        self._begin(f"STOR {path}", 0)
        self.send(data)
        self.end_upload()

    def _all(self, command: str, limit: int) -> bytes:
        self._begin(command, 0)
        found = b""
        while data := self.receive(PIECE):
            found += data
            if len(found) > limit:
                raise OSError(errno.EFBIG, f"the server gives more than {limit} bytes")
        return found

    # Listings

    def files_below(self, top: str, most: int) -> list[Entry]:
        """The files below a folder, by their names relative to it; none if there is no such folder.

        Raises for more than `most` entries, or folders deeper than `MAX_DEPTH`.
        """
        found: list[Entry] = []
        waiting, seen = [""], 0
        while waiting:
            folder = waiting.pop()
            if folder.count("/") >= MAX_DEPTH:
                raise OSError(errno.ELOOP, f"the server has folders deeper than {MAX_DEPTH}")
            for entry in self.entries(posixpath.join(top, folder) if folder else top):
                seen += 1
                if seen > most:
                    raise OSError(errno.EFBIG, f"there are more than {most} files")
                name = posixpath.join(folder, entry.name)
                if entry.is_folder:
                    waiting.append(name)
                else:
                    found.append(entry._replace(name=name))
        return sorted(found)

    def entries(self, folder: str) -> list[Entry]:
        """What a folder has; nothing if there is none. By MLSD, or by NLST and a question for each name."""
        listing = self._listing(f"MLSD {folder}") if "MLST" in self._features or "MLSD" in self._features else None
        if listing is not None:
            return [entry for line in listing if (entry := parse_entry(line)) is not None]
        names = [posixpath.basename(line.rstrip("/")) for line in self._listing(f"NLST {folder}") or ()]
        found = []
        for name in filter(_is_plain, names):
            path = posixpath.join(folder, name)
            is_folder = self.is_folder(path)
            size = None if is_folder else self.size(path)
            found.append(Entry(name, is_folder, -1 if size is None else size))
        return found

    def _listing(self, command: str) -> list[str] | None:
        try:
            data = self._all(command.strip(), MAX_LISTING)
        except FtpRefused as refusal:
            if refusal.code not in (450, 500, 501, 502, 504, 550):
                raise
            return None  # 450 and 550: how some servers say that a folder is empty or not there
        try:
            return data.decode().splitlines()
        except UnicodeDecodeError:
            raise OSError(errno.EILSEQ, "the server has names that are not UTF-8") from None


def _is_plain(name: str) -> bool:
    """Whether it is the name of an entry, and neither a path nor a trap."""
    return name not in ("", ".", "..") and "/" not in name and name.isprintable()


def parse_entry(line: str) -> Entry | None:
    """An entry of a line of MLSD (RFC 3659, 7.2): `type=file;size=12; name`. `None` for what leads elsewhere."""
    text, _, name = line.partition(" ")
    facts = {key.lower(): value.lower() for key, _, value in [fact.partition("=") for fact in text.split(";")]}
    if facts.get("type") not in ("file", "dir") or not _is_plain(name):
        return None
    size = _number(facts.get("size", ""))
    return Entry(name, facts["type"] == "dir", -1 if size is None else size)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= MAX_DIGITS else None
