"""A client of SFTP servers, over asyncssh, which is installed with the extra `sftp`.

The server must be one of the known hosts, by its host key: what a first connection finds is never trusted. What the
server says is judged by its codes alone; its words are never shown. Nothing is read from the user's own SSH settings.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.asyncio_thread import AsyncioThread
from kittiwake_components.transfer_service.far_client import PIECE, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from kittiwake.platform.interface import Platform
    from kittiwake_components.transfer_service.stores import Login

SSH_PORT = 22
TIMEOUT_S = 30.0
MAX_NAMES = 10_000


class SshServer(NamedTuple):
    """Where a server is, the lines of known_hosts that say which keys it may have, and the private key that logs in."""

    host: str
    port: int
    known_hosts: str
    key: bytes = b""


class SftpClient:
    """A session with one server, as `FarClient` has it. The password opens the key, where there is one."""

    def __init__(self, server: SshServer, login: Login, platform: Platform) -> None:
        self._platform = platform
        self._server = server
        self._login = login
        self._thread: AsyncioThread | None = None
        self._is_closed = self._is_at_end = False
        self._connection: Any = None
        self._sftp: Any = None
        self._file: Any = None
        self._offset = 0

    # The session

    @property
    def is_connected(self) -> bool:
        """Whether it has connected and was not closed."""
        return self._thread is not None

    def connect(self) -> None:
        """Connects, checks the server's key, and logs in."""
        if self._is_closed:
            raise OSError(errno.ENOTCONN, "the session is not open")
        self._thread = AsyncioThread("sftp", self._platform)
        self._asked(self._connect)

    async def _connect(self) -> None:
        import asyncssh

        server = self._server
        try:
            hosts = asyncssh.import_known_hosts(server.known_hosts)
        except ValueError:
            raise OSError(errno.EACCES, "its known hosts cannot be read") from None
        try:
            keys = [asyncssh.import_private_key(server.key, self._login.password or None)] if server.key else None
        except (ValueError, asyncssh.KeyEncryptionError):
            raise OSError(errno.EACCES, "its key does not open with the second line of its credentials") from None
        self._connection = await asyncssh.connect(
            server.host, server.port, username=self._login.user, known_hosts=hosts, client_keys=keys,
            password=None if keys else self._login.password, config=None, agent_path=None, x509_trusted_certs=None,
            gss_host=None, connect_timeout=TIMEOUT_S, login_timeout=TIMEOUT_S, keepalive_interval=TIMEOUT_S / 3,
            kbdint_auth=False, host_based_auth=False,
        )  # fmt: skip
        self._sftp = await self._connection.start_sftp_client()

    def close(self) -> None:
        """Ends the session at once; a call that waits in another thread fails."""
        self._is_closed = True
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.call(self._abort)
            thread.stop()

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.abort()

    def _asked(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What a piece of work in the session's thread gives; its faults as `OSError`."""
        from threading import Event

        thread = self._thread
        if thread is None or self._is_closed:
            raise OSError(errno.ENOTCONN, "the session is not open")
        ended, outcome = Event(), []

        def done(result: Any) -> None:
            outcome.append(result)
            ended.set()

        thread.begin(work, done)
        # One more second: the library's own limits say more about what went wrong.
        if not ended.wait(TIMEOUT_S + 1.0):
            raise TimeoutError(errno.ETIMEDOUT, f"no answer of the server in {TIMEOUT_S:.0f} s")
        if isinstance(outcome[0], BaseException):
            raise _as_os_error(outcome[0])
        return outcome[0]

    # Files

    def size(self, path: str) -> int | None:
        """The bytes of a file; `None` if there is none."""
        found = self._stat(path)
        return None if found is None or found.size is None else int(found.size)

    def _stat(self, path: str) -> Any:
        try:
            return self._asked(lambda: self._sftp.stat(path))
        except FileNotFoundError:
            return None

    def modified(self, path: str) -> str:
        """When a file was written, as the server says it; empty if it does not."""
        found = self._stat(path)
        return "" if found is None or found.mtime is None else str(found.mtime)

    def digest(self, path: str) -> str:
        """Nothing: the servers that are common compute none."""
        return ""

    def remove(self, path: str) -> None:
        """Removes a file."""
        self._asked(lambda: self._sftp.remove(path))

    def replace(self, source: str, target: str) -> None:
        """Renames a file; one that stands at `target` goes: at once if the server can do that, else just before."""
        self._asked(lambda: self._replace(source, target))

    async def _replace(self, source: str, target: str) -> None:
        import asyncssh

        try:
            await self._sftp.posix_rename(source, target)
        except asyncssh.SFTPOpUnsupported:
            try:
                await self._sftp.remove(target)
            except asyncssh.SFTPNoSuchFile:
                pass
            await self._sftp.rename(source, target)

    def make_folders(self, path: str) -> None:
        """Makes a folder and those above it."""
        if path:
            self._asked(lambda: self._sftp.makedirs(path, exist_ok=True))

    def entries(self, folder: str) -> list[Entry]:
        """What a folder has, links and the like left out; nothing if there is none."""
        try:
            found: list[Entry] = self._asked(lambda: self._entries(folder))
        except FileNotFoundError:
            return []
        return found

    async def _entries(self, folder: str) -> list[Entry]:
        import asyncssh

        found = []
        async for entry in self._sftp.scandir(folder or "."):
            kind, name = entry.attrs.type, str(entry.filename)
            if name in (".", "..") or "/" in name or not name.isprintable():
                continue
            if kind in (asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_DIRECTORY):
                size = entry.attrs.size
                found.append(Entry(name, kind == asyncssh.FILEXFER_TYPE_DIRECTORY, -1 if size is None else size))
            if len(found) > MAX_NAMES:
                raise OSError(errno.EFBIG, f"the server has a folder with more than {MAX_NAMES} files")
        return found

    # Transfers: one at a time

    def begin_upload(self, path: str, offset: int = 0) -> int:
        """Begins to write a file from `offset` bytes on, where as many are there."""
        self._asked(lambda: self._open(path, "r+b" if offset else "wb", offset))
        return offset

    def begin_download(self, path: str, offset: int = 0) -> int:
        """Begins to read a file from `offset` bytes on. Raises `FileNotFoundError`."""
        self._asked(lambda: self._open(path, "rb", offset))
        return offset

    async def _open(self, path: str, mode: str, offset: int) -> None:
        await self._close_file()
        self._file = await self._sftp.open(path, mode)
        self._offset, self._is_at_end = offset, False

    async def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await file.close()

    def send(self, data: bytes) -> None:
        """Writes at most `PIECE` bytes of the file; on return the server has answered for them."""
        self._asked(lambda: self._opened().write(data, self._offset))
        self._offset += len(data)

    def end_upload(self) -> None:
        """Ends the file that is written: the server has synced it, if it can do that."""
        self._asked(self._end_upload)

    async def _end_upload(self) -> None:
        import asyncssh

        try:
            await self._opened().fsync()
        except asyncssh.SFTPOpUnsupported:
            pass  # reading it back is evidence, though not of its outliving a power cut of the server
        await self._close_file()

    def receive(self, count: int) -> bytes:
        """The next bytes of the file that is read, `count` or `PIECE` at most; none after the end."""
        if self._is_at_end:
            return b""
        data: bytes = self._asked(lambda: self._receive(min(count, PIECE)))
        self._offset += len(data)
        return data

    async def _receive(self, count: int) -> bytes:
        data: bytes = await self._opened().read(count, self._offset)
        if not data:
            self._is_at_end = True
            await self._close_file()
        return data

    def _opened(self) -> Any:
        if self._file is None:
            raise OSError(errno.ENOTCONN, "no transfer has begun")
        return self._file

    def read(self, path: str, limit: int) -> bytes | None:
        """A small file as a whole; `None` if there is none. Raises for one of more than `limit` bytes."""
        try:
            self.begin_download(path)
        except FileNotFoundError:
            return None
        found = b""
        while data := self.receive(PIECE):
            found += data
            if len(found) > limit:
                raise OSError(errno.EFBIG, f"the server gives more than {limit} bytes")
        return found

    def write(self, path: str, data: bytes) -> None:
        """Writes a small file as a whole."""
        self.begin_upload(path)
        self.send(data)
        self.end_upload()


def _as_os_error(fault: BaseException) -> Exception:
    """A fault of the library, in our words."""
    if isinstance(fault, OSError):
        return fault
    if isinstance(fault, ModuleNotFoundError):
        return OSError(errno.ENOSYS, f"SFTP needs {fault.name}: install the extra sftp")
    name = type(fault).__name__
    code, text = _MEANINGS.get(name, (0, ""))
    if name == "SFTPNoSuchFile":
        return FileNotFoundError(errno.ENOENT, "the server has no such file")
    if code:
        return OSError(code, text)
    if name.startswith("SFTP"):
        return OSError(errno.EIO, f"the server answers {name.removeprefix('SFTP')}")
    if name in ("CancelledError", "TimeoutError"):
        return TimeoutError(errno.ETIMEDOUT, "the session was ended")
    return OSError(errno.ECONNRESET, f"the connection was lost: {name}")


_MEANINGS = {
    "PermissionDenied": (errno.EACCES, "the server refuses the login"),
    "HostKeyNotVerifiable": (errno.EACCES, "the server is none of the known hosts"),
    "SFTPPermissionDenied": (errno.EACCES, "the server does not permit that"),
    "SFTPFailure": (errno.EIO, "the server fails: no room, perhaps"),
    "SFTPNoSpaceOnFilesystem": (errno.ENOSPC, "the server has no room"),
    "SFTPQuotaExceeded": (errno.EDQUOT, "the server's quota is used up"),
}
