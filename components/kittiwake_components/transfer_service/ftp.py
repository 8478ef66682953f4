"""A client of FTP servers (RFC 959, 2228, 2389, 3659, 4217): plain or with explicit TLS, always in passive mode.

Every method makes one blocking call or a few, each bounded by `TIMEOUT_S`; whoever has a loop makes them in a thread.
What the server says is judged by its code alone: its words are never shown, as they may repeat a name or a password.
The module loads slowly (ftplib, ssl): import it where it is used.
"""

from __future__ import annotations

import errno
from ftplib import FTP_TLS
from ftplib import Error as FtpError
from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake_components.transfer_service.far_client import PIECE
from kittiwake_components.transfer_service.ftp_listing import entries_of, number_in
from kittiwake_components.transfer_service.ftp_session import FtpRefused, new_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from ftplib import FTP

    from kittiwake_components.transfer_service.far_client import Entry
    from kittiwake_components.transfer_service.ftp_session import Server
    from kittiwake_components.transfer_service.stores import Login

T = TypeVar("T")

TIMEOUT_S = 30.0
MAX_LISTING = 2 << 20
DIGEST_TIMEOUT_S = 300.0
"""A server reads a large file at its leisure."""

NO_RESTART = 451
"""What some servers answer to STOR after REST, though that never changes."""

DIGEST_SIZE = 64
_SHUT_BOTH = 2


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

    @property
    def is_connected(self) -> bool:
        """Whether it has connected and was not closed."""
        return self._ftp is not None and not self._is_closed

    def connect(self) -> None:
        """Connects, logs in, and asks what the server can do."""
        ftp = self._ftp = new_session(self._server)
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
        except (AttributeError, ValueError) as fault:  # ftplib lets go of its files when it is closed
            if self._is_closed:
                raise OSError(errno.ENOTCONN, "the session was closed meanwhile") from None
            if isinstance(fault, AttributeError | OSError):
                raise
            raise OSError(errno.EINVAL, "there is no command of FTP for such a name") from None

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
        return number_in((self._try(f"SIZE {path}") or "")[4:].strip())

    def modified(self, path: str) -> str:
        """When a file was written, as the server says it; empty if it does not."""
        return (self._try(f"MDTM {path}") or "")[4:].strip()

    def digest(self, path: str) -> str:
        """The SHA-256 of a file as the server computes it, in hexadecimal; empty if it does not.

        By HASH (draft-bryan-ftpext-hash), or XSHA256.
        """
        if "SHA-256" in self._features.get("HASH", "") and self._try("OPTS HASH SHA-256") is not None:
            command = "HASH"
        elif "XSHA256" in self._features:
            command = "XSHA256"
        else:
            return ""
        control: Any = self._session().sock
        control.settimeout(DIGEST_TIMEOUT_S)
        answer = self._try(f"{command} {path}")
        control.settimeout(TIMEOUT_S)
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
            except FtpRefused as refusal:
                if not refusal.is_final and refusal.code != NO_RESTART:
                    raise
                # REST itself was refused, or what follows it: without it the server may agree.
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

    def entries(self, folder: str) -> list[Entry]:
        """What a folder has; nothing if there is none."""
        return entries_of(self, folder)

    @property
    def has_facts(self) -> bool:
        """Whether the server says what the entries of a folder are (MLSD)."""
        return "MLST" in self._features or "MLSD" in self._features

    def listing(self, command: str, folder: str) -> list[str] | None:
        """The lines of MLSD or NLST; `None` where the server has no such command, or no such folder."""
        try:
            data = self._all(f"{command} {folder}" if folder else command, MAX_LISTING)
        except FtpRefused as refusal:
            if refusal.code not in (450, 500, 501, 502, 504, 550):
                raise
            return None  # 450 and 550: how some servers say that a folder is empty or not there
        try:
            return data.decode().splitlines()
        except UnicodeDecodeError:
            raise OSError(errno.EILSEQ, "the server has names that are not UTF-8") from None
