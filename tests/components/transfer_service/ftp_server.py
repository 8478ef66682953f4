"""A real FTP server, pyftpdlib, on loopback: in a thread, or in a process of its own that is killed at some byte."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from tests.peers import ROOT

if TYPE_CHECKING:
    from typing import Self

USER, PASSWORD = "unit-7", "correct horse battery"
PERMISSIONS = "elradfmwMT"
LOGIN = f"{USER}\n{PASSWORD}\n".encode()


class Habits:
    """What a server does differently.

    It knows no command of `unknown`, answers those of `refused` with 552, computes SHA-256 by HASH with `has_digests`,
    changes a byte of the next `damages` files that it stores, renames over no file with `keeps_names`, goes on with no
    upload with `is_forgetful`, and kills its process after `dies_after` bytes of files.
    """

    def __init__(
        self, *, unknown: tuple[str, ...] = (), refused: tuple[str, ...] = (), has_digests: bool = False,
        damages: int = 0, keeps_names: bool = False, is_forgetful: bool = False, dies_after: int = 0,
    ) -> None:  # fmt: skip
        self.unknown, self.refused = unknown, refused
        self.has_digests = has_digests
        self.damages = damages
        self.keeps_names, self.is_forgetful = keeps_names, is_forgetful
        self.dies_after = dies_after
        self.bytes = 0

    def commands(self, known: dict[str, Any]) -> dict[str, Any]:
        """Those that it knows, of those that it could know."""
        hashing = {"HASH": known["RETR"]} if self.has_digests else {}
        return {name: value for name, value in known.items() if name not in self.unknown} | hashing

    def answer(self, command: str, argument: str, control: Any) -> str:
        """What it says in place of pyftpdlib; empty for nothing."""
        if command in self.refused:
            return "552 Disk full"
        if command == "OPTS" and argument.startswith("HASH"):
            return "200 SHA-256"
        if command == "RNTO" and self.keeps_names and Path(control.fs.ftp2fs(argument)).exists():
            return "553 It is there"
        if command == "STOR" and self.is_forgetful and control._restart_position:
            control._restart_position = 0
            return "451 Append/Restart not permitted, try again"
        return ""

    def count(self, size: int) -> None:
        """So many bytes of a file went by."""
        self.bytes += size
        if self.dies_after and self.bytes > self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


def _data_handler(habits: Habits, *, is_secure: bool) -> Any:
    from pyftpdlib.handlers import DTPHandler, TLS_DTPHandler

    base: Any = TLS_DTPHandler if is_secure else DTPHandler

    class Data(base):  # type: ignore[misc]
        ac_in_buffer_size = ac_out_buffer_size = 1024

        def recv(self, size: int) -> bytes:
            data: bytes = super().recv(size)
            habits.count(len(data))
            return data

        def send(self, data: bytes) -> int:
            habits.count(len(data))
            sent: int = super().send(data)
            return sent

    return Data


def _handler(folder: Path, habits: Habits, said: list[str], certificate: Path | None) -> Any:
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler

    authority = DummyAuthorizer()
    authority.add_user(USER, PASSWORD, str(folder), perm=PERMISSIONS)
    base: Any = TLS_FTPHandler if certificate else FTPHandler

    class Control(base):  # type: ignore[misc]
        authorizer = authority
        dtp_handler = _data_handler(habits, is_secure=certificate is not None)
        use_sendfile = False
        banner = "ready"
        auth_failed_timeout = 0
        max_login_attempts = 1
        certfile = str(certificate)
        tls_control_required = tls_data_required = True
        proto_cmds = habits.commands(base.proto_cmds)

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            if habits.has_digests:
                self._extra_feats.append("HASH SHA-256*;SHA-512")

        def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
            said.append(f"{cmd} {arg}".strip() if cmd not in ("USER", "PASS") else cmd)
            answer = habits.answer(cmd, arg, self)
            if answer:
                self.respond(answer)
            else:
                super().pre_process_command(line, cmd, arg)

        def ftp_HASH(self, path: str) -> None:
            data = Path(path).read_bytes()
            self.respond(f"213 SHA-256 0-{len(data)} {sha256(data).hexdigest()} {Path(path).name}")

        def on_file_received(self, file: str) -> None:
            data = Path(file).read_bytes()
            if habits.damages and data:
                habits.damages -= 1
                Path(file).write_bytes(bytes([data[0] ^ 1]) + data[1:])

    return Control


class FtpServer:
    """Files of `folder`, served from a thread. `said` has the commands that came."""

    def __init__(self, folder: Path, habits: Habits | None = None, certificate: Path | None = None) -> None:
        from pyftpdlib.servers import FTPServer

        logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
        self.said: list[str] = []
        self.habits = habits or Habits()
        handler = _handler(folder, self.habits, self.said, certificate)
        self._server = FTPServer(("127.0.0.1", 0), handler)
        self.endpoint = f"{'ftps' if certificate else 'ftp'}://127.0.0.1:{self._server.address[1]}"
        self._is_running = True
        self._thread = Thread(target=self._serve, daemon=True)

    def commands(self) -> list[str]:
        """What was said, without what each session begins with."""
        return [line.partition(" ")[0] for line in self.said]

    def await_end_of_sessions(self) -> None:
        """Returns once nobody is connected."""
        end = time.monotonic() + 10
        while len(self._server.ioloop.socket_map) > 1:
            assert time.monotonic() < end, "sessions go on"
            time.sleep(0.001)

    def _serve(self) -> None:
        while self._is_running:
            self._server.ioloop.loop(timeout=0.02, blocking=False)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_running = False
        self._thread.join()
        self._server.close_all()


class FtpProcess:
    """The same in a process of its own, on the same port after each start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def endpoint(self) -> str:
        return f"ftp://127.0.0.1:{self.port}"

    def start(self, dies_after: int = 0, unknown: str = "") -> None:
        """Starts it; returns once it listens."""
        words = [str(self._folder), str(self.port), str(dies_after), unknown]
        command = [sys.executable, "-m", "tests.components.transfer_service.ftp_server", *words]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def await_death(self) -> None:
        """Returns once it has died by itself."""
        assert self._process is not None
        self._process.communicate(timeout=10)
        assert self._process.returncode == -signal.SIGKILL

    def stop(self) -> list[str]:
        """Ends it, and says what it was told."""
        assert self._process is not None
        self._process.terminate()
        said = self._process.communicate(timeout=10)[0]
        return said.splitlines()


def _main(folder: str, port: str, dies_after: str, unknown: str) -> None:
    from pyftpdlib.servers import FTPServer

    logging.getLogger("pyftpdlib").setLevel(logging.CRITICAL)
    said: list[str] = []
    habits = Habits(dies_after=int(dies_after), unknown=tuple(unknown.split()))
    server = FTPServer(("127.0.0.1", int(port)), _handler(Path(folder), habits, said, None))
    sys.stdout.write(f"{server.address[1]}\n")
    sys.stdout.flush()
    is_ending = []
    signal.signal(signal.SIGTERM, lambda *_: is_ending.append(True))
    while not is_ending:
        server.ioloop.loop(timeout=0.02, blocking=False)
    sys.stdout.write("\n".join(said))


if __name__ == "__main__":
    _main(*sys.argv[1:])
