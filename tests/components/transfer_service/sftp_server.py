"""A real SFTP server, asyncssh's own, on loopback in a thread: it can cut connections, lose bytes and have no room."""

from __future__ import annotations

import errno
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake_components.asyncio_thread import AsyncioThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

USER, PASSWORD = "unit-7", "correct horse battery"
LOGIN = f"{USER}\n{PASSWORD}\n".encode()


class SftpHabits:
    """What a server does differently.

    It cuts the connection after `cuts_after` written bytes, once; has no room beyond `room` bytes of a file; changes
    a byte of the next `damages` files; and renames over no file without POSIX's rename (`is_poor`).
    """

    def __init__(self, *, cuts_after: int = 0, room: int = 0, damages: int = 0, is_poor: bool = False) -> None:
        self.cuts_after = cuts_after
        self.room = room
        self.damages = damages
        self.is_poor = is_poor
        self.written = 0
        self.offsets: list[int] = []


_at_once = SimulatedPlatform.start_thread


def _started(platform: SimulatedPlatform, name: str, work: Callable[[], object]) -> object:
    """A simulated machine makes calls at once; the sessions of SFTP have threads all the same: the server is real."""
    return SystemPlatform().start_thread(name, work) if name == "sftp" else _at_once(platform, name, work)


def sessions_have_threads() -> Any:
    """A patch under which those of simulated machines do; a server that serves has it in force."""
    return patch.object(SimulatedPlatform, "start_thread", _started)


class SftpServer:
    """Files of `folder`, served from a thread; `known_hosts` names its key, `user_key` may log in."""

    def __init__(self, folder: Path, habits: SftpHabits | None = None) -> None:
        import asyncssh

        self.habits = habits or SftpHabits()
        self.port = 0
        self._folder = folder
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        client = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key: bytes = client.export_private_key()
        self._client_key = client
        self._user_public = client.export_public_key()
        self._thread = AsyncioThread("sftp-server", SystemPlatform())
        self._sessions = sessions_have_threads()
        self._connections: list[Any] = []
        self._opened: list[Any] = []

    @property
    def endpoint(self) -> str:
        return f"sftp://127.0.0.1:{self.port}"

    @property
    def locked_key(self) -> bytes:
        """The user's key, opened by the password."""
        locked: bytes = self._client_key.export_private_key("pkcs8-pem", passphrase=PASSWORD)
        return locked

    @property
    def known_hosts(self) -> bytes:
        public: bytes = self._key.export_public_key()
        return b"[127.0.0.1]:%d %s" % (self.port, public)

    def __enter__(self) -> Self:
        ready, outcome = Event(), []

        def done(result: Any) -> None:
            outcome.append(result)
            ready.set()

        self._sessions.start()
        self._thread.begin(self._listen, done)
        assert ready.wait(10)
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return self

    def __exit__(self, *_: object) -> None:
        self._sessions.stop()
        self._thread.call(self._close)
        self._thread.stop()

    def _close(self) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Aborts all connections, and lets go of their files; in the server's thread."""
        for connection in self._connections:
            connection.abort()
        for file in self._opened:
            file.close()

    async def _listen(self) -> None:
        import asyncssh

        outer, habits, folder = self, self.habits, str(self._folder).encode()

        class Gate(asyncssh.SSHServer):
            def connection_made(self, connection: Any) -> None:
                outer._connections.append(connection)

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USER, PASSWORD)

        class Disk(asyncssh.SFTPServer):
            def __init__(self, channel: Any) -> None:
                super().__init__(channel, chroot=folder)

            def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
                file = super().open(path, pflags, attrs)
                outer._opened.append(file)
                return file

            def write(self, file_obj: Any, offset: int, data: bytes) -> int:
                habits.offsets.append(offset)
                if habits.room and offset + len(data) > habits.room:
                    raise OSError(errno.ENOSPC, "No space left on device")
                if habits.damages and offset == 0 and data:
                    habits.damages -= 1
                    data = bytes([data[0] ^ 1]) + data[1:]
                habits.written += len(data)
                if habits.cuts_after and habits.written > habits.cuts_after:
                    habits.cuts_after = 0
                    outer.cut()
                    raise OSError(errno.EIO, "cut")
                count: int = super().write(file_obj, offset, data)  # type: ignore[assignment]
                return count

            def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
                if habits.is_poor:
                    raise asyncssh.SFTPOpUnsupported("no")
                super().posix_rename(oldpath, newpath)

        self._listener = await asyncssh.listen(
            "127.0.0.1", self.port, server_factory=Gate, server_host_keys=[self._key], sftp_factory=Disk,
            authorized_client_keys=asyncssh.import_authorized_keys(self._user_public.decode()),
        )  # fmt: skip
        self.port = self._listener.get_port()
