"""The FTP client by itself: TLS, servers that are none, and calls that have no end."""

from __future__ import annotations

import socket
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.loop import Loop
from kittiwake.runtime.monitor import FirstFaults
from kittiwake.runtime.tags import TagSource
from kittiwake_components.transfer_service.far_client import Entry
from kittiwake_components.transfer_service.ftp import FtpClient
from kittiwake_components.transfer_service.ftp_listing import parse_entry
from kittiwake_components.transfer_service.ftp_session import Server
from kittiwake_components.transfer_service.stores import Login
from kittiwake_components.transfer_service.worker import CALL_LIMIT_S, WAITING, Worker
from tests.certificate import make_certificate, public_part
from tests.components.transfer_service.ftp_server import PASSWORD, USER, FtpServer
from tests.components.transfer_service.test_ftp_store import DATA, ftp_tester, reasons, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOGIN = Login(USER, PASSWORD)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody has signed, in one file."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "depot.pem")


@pytest.fixture
def secure(tmp_path: Path, certificate: Path) -> Iterator[FtpServer]:
    (tmp_path / "in").mkdir()
    with FtpServer(tmp_path, certificate=certificate) as made:
        yield made


def test_files_go_and_come_by_tls(secure: FtpServer, tmp_path: Path, certificate: Path) -> None:
    """REQ-TS-020: the server takes neither a command nor data in clear; bundles have comments in any alphabet."""
    comment = "# Főtanúsítvány\n".encode()
    with ftp_tester(secure.endpoint, words="trusted=/depot.pem") as tester:
        tester.write_file("/depot.pem", comment + public_part(certificate))
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert stored(tmp_path) == {"unit-7/x": DATA}
        tester.send("GET", "ftp", "x", "/back")
        assert tester.read_file("/back") == DATA
        assert "PROT" in secure.commands()


def test_a_server_that_nobody_vouches_for_hears_no_password(secure: FtpServer) -> None:
    """REQ-TS-020."""
    with ftp_tester(secure.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert reasons(tester) == [("CERTIFICATE_VERIFY_FAILED", True)]
        assert set(secure.commands()) == {"AUTH"}


def test_a_server_that_wants_tls_gets_no_password_without(secure: FtpServer) -> None:
    """REQ-TS-020."""
    with ftp_tester(secure.endpoint.replace("ftps", "ftp")) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert reasons(tester) == [("the server answers 550 to the login", True)]
        assert "PASS" not in secure.commands()


class Impostor:
    """Listens on loopback, says `banner`, and `answer` to each line that comes; then it keeps silent."""

    def __init__(self, banner: bytes, answer: Callable[[bytes], bytes] = lambda line: b"") -> None:
        self._banner = banner
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.server = Server("127.0.0.1", self._listener.getsockname()[1])
        self._thread = Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        link, _ = self._listener.accept()
        with link, link.makefile("rb") as lines:
            try:
                link.sendall(self._banner)
                for line in lines:
                    link.sendall(self._answer(line))
            except OSError:
                pass  # the client had enough

    def __enter__(self) -> FtpClient:
        self._thread.start()
        self.client = FtpClient(self.server, LOGIN)
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._thread.join(10)
        self._listener.close()


@pytest.mark.parametrize(
    "banner, why",
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak FTP"), (b"220-endless\r\n" * 5000, "does not speak FTP"),
        (b"220 " + b"x" * 100_000, "does not speak FTP"), (b"220 \xff\xfe\r\n", "not UTF-8"),
        (b"421 busy\r\n", "421"),
    ],
)  # fmt: skip
def test_what_is_no_server_is_named(banner: bytes, why: str) -> None:
    """REQ-TS-020."""
    with Impostor(banner) as client, pytest.raises(OSError, match=why):
        client.connect()


def test_what_a_server_says_is_not_repeated() -> None:
    """REQ-TS-020: it may be the password."""

    def echo(line: bytes) -> bytes:
        return b"331 go on\r\n" if line.startswith(b"USER") else b"530 " + line

    with Impostor(b"220 hello\r\n", echo) as client, pytest.raises(OSError, match="530") as found:
        client.connect()
    assert PASSWORD not in str(found.value) + str(found.value.__cause__)


def test_a_name_that_no_command_can_hold_is_refused() -> None:
    """REQ-TS-020: with `OSError`, as all else; files of the device may have such names."""
    answers = {b"USER": b"230 hello", b"TYPE": b"200 fine", b"PWD\r": b'257 "/"'}

    def answer(line: bytes) -> bytes:
        return answers.get(line[:4], b"502 no such command") + b"\r\n"

    with Impostor(b"220 hello\r\n", answer) as client:
        client.connect()
        with pytest.raises(OSError, match="no command of FTP for such a name"):
            client.size("a\nDELE b")


def test_a_call_that_waits_ends_when_the_session_is_closed() -> None:
    """REQ-TS-023: from another thread."""
    faults: list[OSError] = []
    has_come = Event()

    def silent(line: bytes) -> bytes:
        has_come.set()
        return b""

    def connect() -> None:
        try:
            client.connect()
        except OSError as fault:
            faults.append(fault)

    with Impostor(b"220 hello\r\n", silent) as client:
        thread = Thread(target=connect)
        thread.start()
        assert has_come.wait(10)
        client.close()
        thread.join(10)
        assert not thread.is_alive()
    assert len(faults) == 1


def test_a_call_without_end_is_given_up() -> None:
    """REQ-TS-023: whatever the server does, a transfer goes on or is tried again."""
    platform = SimulatedPlatform(0)
    platform.has_threads = True
    clock = platform.clock
    let_go, is_woken = Event(), Event()
    loop = Loop("main", clock, platform.poller(), TagSource(clock), FirstFaults())
    calls = Worker(loop, is_woken.set, platform)
    waiting = calls.call(let_go.wait)
    assert next(waiting) is WAITING
    clock.advance_to(clock.now_ns() + round(CALL_LIMIT_S * NS_PER_S))
    with pytest.raises(TimeoutError, match="no answer of the server in 60 s"):
        next(waiting)
    let_go.set()
    while not is_woken.is_set():
        loop.settle()


@pytest.mark.parametrize(
    "line, entry",
    [
        ("type=file;size=12; a b", Entry("a b", False, 12)), ("Type=dir;modify=2026; d", Entry("d", True, -1)),
        ("type=file;size=" + "9" * 5000 + "; a", Entry("a", False, -1)), ("type=cdir; .", None),
        ("type=pdir; ..", None),
        ("type=dir; ..", None), ("type=file;size=1; ../../etc/passwd", None), ("type=file;size=1; a\x1b[2J", None),
        ("type=file;size=1;", None), ("type=OS.unix=slink; l", None), ("nonsense", None), ("", None),
    ],
)  # fmt: skip
def test_a_listing_leads_nowhere_else(line: str, entry: Entry | None) -> None:
    """REQ-TS-022, REQ-TS-005."""
    assert parse_entry(line) == entry
