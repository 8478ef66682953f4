"""Uploader with real servers: FTP (pyftpdlib) and SFTP (asyncssh), cut off, refusing, full, and not to be trusted."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.system import SystemPlatform
from kittiwake.replay.flight import RecordedFlight, Replay
from kittiwake.replay.recording import Recording
from kittiwake_components import Uploader
from tests.components.transfer_service.ftp_server import FtpProcess, FtpServer, Habits
from tests.components.transfer_service.sftp_server import LOGIN, PASSWORD, SftpHabits, SftpServer, sessions_have_threads
from tests.components.uploader.uploader_bench import (
    Tester,
    capture_path,
    content,
    exists,
    left_files,
    publish,
    sidecar_of,
    uploader_tester,
)
from tests.framework.runtime.wired import deploy, wired_image

if TYPE_CHECKING:
    from pathlib import Path

PATH = capture_path(1)
LONG = content(7, 60_000)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The server's disk."""
    folder = tmp_path / "disk"
    (folder / "in").mkdir(parents=True)
    return folder


def remote_tester(server: Any, words: str = "", login: bytes = LOGIN, **parameters: Any) -> Tester:
    """An uploader to a server that is up, with one capture that waits for START."""
    remote = f"endpoint={server.endpoint} bucket_name=/in prefix=hive-7 credentials=/keys/login {words}"
    if isinstance(server, SftpServer):
        remote += " trusted=/keys/known_hosts"
    parameters = {"AUTO_START": False, "CHUNK": 8192, "BACKOFF_S": 2, **parameters}
    tester = uploader_tester(remote=remote, parameters=parameters)
    tester.write_file("/keys/login", login)
    if isinstance(server, SftpServer):
        tester.write_file("/keys/known_hosts", server.known_hosts)
    publish(tester, PATH, LONG)
    tester.advance(300)
    return tester


def stored(disk: Path) -> dict[str, bytes]:
    """What the server has; each capture beside a sidecar that fits, and nothing else."""
    top = disk / "in" / "hive-7"
    files = {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    for name in [name for name in files if name.endswith(".json")]:
        assert json.loads(files.pop(name))["sha256"] == sha256(files[name.removesuffix(".json")]).hexdigest()
    return files


def reasons(tester: Tester) -> list[str]:
    return [event.args[1] for event in tester.events.named("UploadFailed")]


def said(tester: Tester) -> str:
    """All that the uploader has said."""
    return " ".join([str(event.args) for event in tester.events])


# FTP


def test_captures_go_to_an_ftp_server(disk: Path) -> None:
    """REQ-UP-015, REQ-UP-003."""
    with FtpServer(disk) as server, remote_tester(server) as tester:
        tester.send("START")
        assert stored(disk) == {PATH: LONG}, reasons(tester)
        assert left_files(tester) == []
        renames = [line.rpartition(".")[2] for line in server.said if line.startswith("RNTO")]
        assert renames == ["wav", "json"]


def test_an_ftp_server_that_is_killed_gets_what_it_misses(disk: Path) -> None:
    """REQ-UP-015: over a restart of the device as well."""
    server = FtpProcess(disk)
    server.start(dies_after=30_000)
    tester = remote_tester(server)
    tester.send("START")
    server.await_death()
    assert reasons(tester)
    assert exists(tester, f"/captures/{PATH}")
    tester.restart()
    server.start()
    tester.send("START")
    tester.advance(100)
    told = server.stop()
    assert tester.events.named("UploadResumed")[0].args[1] >= 8192
    assert any(line.startswith("REST") for line in told)
    assert stored(disk) == {PATH: LONG}
    assert left_files(tester) == []
    tester.finish()


@pytest.mark.parametrize(
    "habits, reason",
    [(Habits(refused=("STOR",)), "no room"), (Habits(damages=1), "SHA-256"), (Habits(refused=("RNTO",)), "552")],
)
def test_an_ftp_server_that_does_not_keep_the_file_gets_no_deletion(disk: Path, habits: Habits, reason: str) -> None:
    """REQ-UP-015, REQ-UP-008. Upstream: delete-after-send, whatever the server kept."""
    with FtpServer(disk, habits) as server, remote_tester(server) as tester:
        tester.send("START")
        assert reason in reasons(tester)[0]
        assert exists(tester, f"/captures/{PATH}")
        habits.refused = ()
        tester.advance(10)
        assert stored(disk) == {PATH: LONG}, reasons(tester)
        assert left_files(tester) == []


def test_a_wrong_password_is_a_failure_that_shows_nothing(disk: Path) -> None:
    """REQ-UP-015."""
    with FtpServer(disk) as server, remote_tester(server, login=b"unit-7\nS3cret\n") as tester:
        tester.send("START")
        assert "login" in reasons(tester)[0]
        assert "S3cret" not in said(tester)
        assert exists(tester, f"/captures/{PATH}")


# SFTP


def test_captures_go_to_an_sftp_server(disk: Path) -> None:
    """REQ-UP-016, REQ-UP-003."""
    with SftpServer(disk) as server, remote_tester(server) as tester:
        publish(tester, capture_path(2, "temp", "csv"), b"")
        tester.send("START")
        tester.send("UPLOAD_NOW")
        assert stored(disk) == {PATH: LONG, capture_path(2, "temp", "csv"): b""}
        assert left_files(tester) == []
        assert tester.channels["Uploaded"] == 2


def test_a_key_logs_in_where_there_is_one(disk: Path) -> None:
    """REQ-UP-016: the login's second line opens the key."""
    with SftpServer(disk) as server, remote_tester(server, "key=/keys/id", b"unit-7\n\n") as tester:
        tester.write_file("/keys/id", server.user_key)
        tester.send("START")
        assert stored(disk) == {PATH: LONG}, reasons(tester)


def test_an_sftp_connection_that_is_cut_goes_on_where_it_was(disk: Path) -> None:
    """REQ-UP-016: over a power cut of the device as well."""
    with SftpServer(disk, SftpHabits(cuts_after=30_000)) as server:
        tester = remote_tester(server)
        tester.send("START")
        assert reasons(tester)
        assert exists(tester, f"/captures/{PATH}")
        tester.crash()
        server.habits.offsets.clear()
        tester.send("START")
        tester.advance(100)
        assert tester.events.named("UploadResumed")[0].args[1] >= 8192
        assert min(server.habits.offsets[:3]) >= 8192
        assert stored(disk) == {PATH: LONG}, reasons(tester)
        assert left_files(tester) == []
        tester.finish()


@pytest.mark.parametrize("habits", [SftpHabits(room=20_000), SftpHabits(damages=1)])
def test_an_sftp_server_that_does_not_keep_the_file_gets_no_deletion(disk: Path, habits: SftpHabits) -> None:
    """REQ-UP-016, REQ-UP-008: the far disk is full, or lies."""
    with SftpServer(disk, habits) as server, remote_tester(server) as tester:
        tester.send("START")
        assert reasons(tester)
        assert exists(tester, f"/captures/{PATH}")
        habits.room = 0
        tester.advance(20)
        assert stored(disk) == {PATH: LONG}, reasons(tester)
        assert left_files(tester) == []


def test_an_sftp_server_without_posix_rename_is_served_too(disk: Path) -> None:
    """REQ-UP-016."""
    old = disk / "in" / "hive-7" / PATH
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    with SftpServer(disk, SftpHabits(is_poor=True)) as server, remote_tester(server) as tester:
        tester.send("START")
        assert stored(disk) == {PATH: LONG}, reasons(tester)


@pytest.mark.parametrize(
    "login, known, reason",
    [
        (b"unit-7\nS3cret\n", None, "refuses the login"),
        (LOGIN, b"", "none of the known hosts"),
        (LOGIN, b"[127.0.0.1]:1 ssh-ed25519 AAAA", "none of the known hosts"),
        (b"one line\n", None, "two lines"),
    ],
)
def test_who_is_not_known_or_not_let_in_is_a_failure_that_shows_nothing(
    disk: Path, login: bytes, known: bytes | None, reason: str
) -> None:
    """REQ-UP-016: a first host key is never trusted."""
    with SftpServer(disk) as server, remote_tester(server, login=login) as tester:
        if known is not None:
            tester.write_file("/keys/known_hosts", known)
        tester.send("START")
        assert reason in reasons(tester)[0]
        assert "S3cret" not in said(tester)
        assert PASSWORD not in said(tester)
        assert not (disk / "in" / "hive-7").exists()
        assert exists(tester, f"/captures/{PATH}")


def test_an_sftp_server_that_is_away_is_a_failure(disk: Path) -> None:
    """REQ-UP-016."""
    with SftpServer(disk) as server:
        pass
    with sessions_have_threads(), remote_tester(server) as tester:
        tester.send("START")
        assert reasons(tester)
        assert exists(tester, f"/captures/{PATH}")


def capture_on_a_real_disk(folder: Path, server: Any) -> dict[str, str]:
    """One capture below a folder, and the settings with which it goes to the server."""
    captures, keys = folder / "captures", folder / "keys"
    (captures / PATH).parent.mkdir(parents=True)
    (captures / PATH).write_bytes(LONG)
    (captures / f"{PATH}.json").write_bytes(sidecar_of(LONG))
    keys.mkdir()
    (keys / "login").write_bytes(LOGIN)
    (keys / "known_hosts").write_bytes(getattr(server, "known_hosts", b""))
    remote = f"endpoint={server.endpoint} bucket_name=/in prefix=hive-7 credentials={keys}/login"
    return {
        "output": str(captures), "folder": str(folder / "uploads"),
        "remote": f"{remote} trusted={keys}/known_hosts" if isinstance(server, SftpServer) else remote,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [FtpServer, SftpServer])
def test_a_thread_talks_to_the_server_on_a_real_disk(tmp_path: Path, disk: Path, kind: Any) -> None:
    """REQ-UP-015, REQ-UP-016."""
    with kind(disk) as server:
        settings = capture_on_a_real_disk(tmp_path, server)
        deployment, findings = deploy(
            {"up": (Uploader, {"settings": settings})}, services={}, platform=SystemPlatform()
        )
        uploader: Any = deployment.instances["up"]
        deployment.start()
        for _ in range(2000):
            deployment.run_for(0.005)
            if uploader.uploaded:
                break
        assert uploader.uploaded == 1
        deployment.stop()
        assert stored(disk) == {PATH: LONG}
        assert list((tmp_path / "captures").rglob("*.wav*")) == []
        assert not findings.faults()


@pytest.mark.parametrize("kind, room", [(FtpServer, 0), (SftpServer, 0), (SftpServer, 20_000)])
def test_a_recorded_upload_is_replayed_without_the_server(tmp_path: Path, disk: Path, kind: Any, room: int) -> None:
    """REQ-UP-015, REQ-UP-016: also one to a server that has no room."""
    path, files = str(tmp_path / "flight"), SystemPlatform().files
    with kind(disk, *[SftpHabits(room=room)] if room else ()) as server:
        settings = capture_on_a_real_disk(tmp_path, server)
        image = wired_image({"up": ("kittiwake_components.uploader.component:Uploader", {"settings": settings})})
        flight = RecordedFlight(image, SystemPlatform(), "/", files, path)
        uploader: Any = flight.deployment.instances["up"]
        flight.start()
        for _ in range(2000):
            flight.run_for(0.005)
            if uploader.uploaded or uploader.retries:
                break
        flight.stop()
        flight.close()
        assert (uploader.uploaded, uploader.retries) == ((0, 1) if room else (1, 0))
    recording = Recording(files, path)
    replay = Replay(recording)
    outcome = replay.run()
    recording.close()
    assert (outcome.difference, outcome.ended) == (None, "it was ended")
    assert replay.deployment is not None
    again: Any = replay.deployment.instances["up"]
    assert (again.uploaded, again.retries) == (uploader.uploaded, uploader.retries)


def test_one_session_serves_all_that_waits(disk: Path) -> None:
    """REQ-UP-015: a login costs a battery more than a small file; it ends when nothing waits."""
    with FtpServer(disk) as server, remote_tester(server) as tester:
        for number in (2, 3):
            publish(tester, capture_path(number), LONG, tell=True)
        tester.send("START")
        server.await_end_of_sessions()
        assert len(stored(disk)) == 3
        assert server.commands().count("USER") == 1


def test_a_key_that_does_not_open_is_a_failure_that_says_so(disk: Path) -> None:
    """REQ-UP-016: and with the right passphrase it does."""
    with SftpServer(disk) as server, remote_tester(server, "key=/keys/id", b"unit-7\nwrong\n") as tester:
        tester.write_file("/keys/id", server.locked_key)
        tester.send("START")
        assert "second line of its credentials" in reasons(tester)[0]
        tester.write_file("/keys/login", LOGIN)
        tester.send("UPLOAD_NOW")
        assert stored(disk) == {PATH: LONG}
