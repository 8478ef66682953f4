"""TransferService with folders of SFTP servers: a real server on loopback, cut off, poor and unknown."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from kittiwake.model import CommandResponse
from kittiwake_components.transfer_service.stores import check_stores
from tests.components.transfer_service.sftp_server import LOGIN, SftpHabits, SftpServer
from tests.components.transfer_service.transfer_bench import PARAMETERS, Tester, content, exists, new_tester

if TYPE_CHECKING:
    from pathlib import Path

LONG = content(13, 60_000)


def sftp_tester(server: SftpServer, kind: str = "logs", words: str = "") -> Tester:
    store = (
        f"store_name=ssh kind={kind} endpoint={server.endpoint} bucket_name=in credentials=/login trusted=/known_hosts "
        f"folder=/logs {words}"
    )
    tester = new_tester(stores=[store], parameters={**PARAMETERS, "CHUNK": 8192}, with_bucket=False)
    tester.write_file("/login", LOGIN)
    tester.write_file("/known_hosts", server.known_hosts)
    return tester


def manifest(data: bytes, name: str) -> bytes:
    return f"{sha256(data).hexdigest()}  {name}\n".encode()


def test_files_are_put_with_their_manifests_and_removed(tmp_path: Path) -> None:
    """REQ-TS-024: over a cut, and with a quota."""
    server = SftpServer(tmp_path, SftpHabits(cuts_after=30_000))
    with server, sftp_tester(server, words="quota_bytes=70000") as tester:
        tester.write_file("/logs/a", LONG)
        tester.send("SYNC_STORE", "ssh")
        assert exists(tester, "/logs/a")
        server.habits.offsets.clear()
        tester.advance(10)
        assert min(server.habits.offsets[:3]) >= 8192
        assert (tmp_path / "in" / "a").read_bytes() == LONG
        assert (tmp_path / "in" / "a.sha256").read_bytes() == manifest(LONG, "a")
        assert not exists(tester, "/logs/a")
        tester.write_file("/logs/b", LONG)
        tester.send("PUT", "ssh", "/logs/b", "b", True)
        assert "quota" in tester.events.named("TransferFailed")[-1].args[3]


def test_files_are_listed_and_got(tmp_path: Path) -> None:
    """REQ-TS-024: links are left out."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "c").write_bytes(LONG)
    (tmp_path / "in" / "deep" / "c.sha256").write_bytes(manifest(LONG, "c"))
    (tmp_path / "in" / "link").symlink_to("/etc/passwd")
    with SftpServer(tmp_path) as server, sftp_tester(server, "config") as tester:
        assert tester.send("SYNC_STORE", "ssh").response is CommandResponse.OK
        tester.advance(1)
        assert tester.read_file("/logs/deep/c") == LONG
        assert not exists(tester, "/logs/link")
        assert tester.send("GET", "ssh", "none", "/logs/none").response is CommandResponse.OK
        assert "no such file" in tester.events.named("TransferFailed")[0].args[3]


@pytest.mark.parametrize(
    "words, fault", [("", "known hosts"), ("trusted=/k check=never", "check is"), ("trusted=/k region=x", "region")]
)
def test_stores_that_make_no_sense_are_refused(words: str, fault: str) -> None:
    """REQ-TS-024."""
    with pytest.raises(ValueError, match=fault):
        check_stores([f"store_name=a kind=logs endpoint=sftp://h:22 credentials=/c {words}"])
