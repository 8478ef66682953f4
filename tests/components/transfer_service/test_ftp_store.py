"""TransferService with folders of FTP servers: a real server on loopback, killed, restarted, poor and hostile."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut
from kittiwake_components.transfer_service.stores import check_stores
from tests.components.power_cuts import cut_everywhere
from tests.components.transfer_service.ftp_server import LOGIN, PASSWORD, USER, FtpProcess, FtpServer, Habits
from tests.components.transfer_service.transfer_bench import PARAMETERS, Tester, content, exists, new_tester

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATA = content(11, 1800)
LONG = content(12, 60_000)
THIRD = 20_000


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The server's disk."""
    folder = tmp_path / "disk"
    (folder / "in").mkdir(parents=True)
    return folder


@pytest.fixture
def server(disk: Path) -> Iterator[FtpServer]:
    with FtpServer(disk) as made:
        yield made


def ftp_tester(endpoint: str, seed: int = 0, words: str = "", kind: str = "logs", **parameters: Any) -> Tester:
    store = (
        f"store_name=ftp kind={kind} endpoint={endpoint} bucket_name=/in prefix=unit-7 credentials=/ftp.login "
        f"folder=/logs {words}"
    )
    tester = new_tester(seed, stores=[store], parameters={**PARAMETERS, **parameters}, with_bucket=False)
    tester.write_file("/ftp.login", LOGIN)
    tester.write_file("/logs/a b", DATA)
    return tester


def place(disk: Path, name: str, data: bytes, *, manifest: bool = True) -> None:
    """A file of the server."""
    path = disk / "in" / "unit-7" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if manifest:
        path.with_name(path.name + ".sha256").write_text(f"{sha256(data).hexdigest()}  {path.name}\n")


def stored(disk: Path) -> dict[str, bytes]:
    """What the server has, without manifests; each of these fits its file."""
    top = disk / "in"
    files = {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    for name in [name for name in files if name.endswith(".sha256")]:
        manifest, file = files.pop(name), name.removesuffix(".sha256")
        assert manifest == f"{sha256(files[file]).hexdigest()}  {file.rpartition('/')[2]}\n".encode()
    return files


def reasons(tester: Tester) -> list[tuple[str, bool]]:
    """Why attempts failed, and whether there is another one."""
    return [(event.args[3], event.args[4] > 0) for event in tester.events.named("TransferFailed")]


def test_a_file_is_put_and_removed_once_the_server_has_it(server: FtpServer, disk: Path) -> None:
    """REQ-TS-020, REQ-TS-021, REQ-TS-007: the part is read back before it gets its name."""
    with ftp_tester(server.endpoint) as tester:
        assert tester.send("SYNC_STORE", "ftp").response is CommandResponse.OK
        assert stored(disk) == {"unit-7/a b": DATA}
        assert not exists(tester, "/logs/a b")
        steps = [line for line in server.said if line[:4] in ("STOR", "RETR", "RNTO")]
        assert steps == [
            "RETR /in/unit-7/a b.sha256", "STOR /in/unit-7/a b.part", "RETR /in/unit-7/a b.part", "RNTO /in/unit-7/a b",
            "STOR /in/unit-7/a b.sha256.new", "RETR /in/unit-7/a b.sha256.new", "RNTO /in/unit-7/a b.sha256",
        ]  # fmt: skip


def test_a_file_that_is_there_already_is_not_sent_again(server: FtpServer, disk: Path) -> None:
    """REQ-TS-020."""
    place(disk, "a b", DATA)
    with ftp_tester(server.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "a b", True)
        assert "STOR" not in server.commands()
        assert not exists(tester, "/logs/a b")


def test_a_new_file_takes_the_place_of_an_old_one(server: FtpServer, disk: Path) -> None:
    """REQ-TS-020: in no instant does the new file stand beside the manifest of the old one."""
    place(disk, "a b", b"old")
    with ftp_tester(server.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "a b", False)
        assert stored(disk) == {"unit-7/a b": DATA}
        assert server.said.index("DELE /in/unit-7/a b.sha256") < server.said.index("RNTO /in/unit-7/a b")


def test_an_empty_file_is_put(server: FtpServer, disk: Path) -> None:
    """REQ-TS-020."""
    with ftp_tester(server.endpoint) as tester:
        tester.write_file("/logs/empty", b"")
        tester.send("PUT", "ftp", "/logs/empty", "deep/er/empty", True)
        assert stored(disk) == {"unit-7/deep/er/empty": b""}
        assert not exists(tester, "/logs/empty")


def test_a_server_that_does_not_rename_over_a_file_has_it_removed_first(disk: Path) -> None:
    """REQ-TS-020."""
    place(disk, "a b", b"old")
    with FtpServer(disk, Habits(keeps_names=True)) as server, ftp_tester(server.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "a b", True)
        assert stored(disk) == {"unit-7/a b": DATA}


def test_a_damaged_copy_is_no_delivery(disk: Path) -> None:
    """REQ-TS-021, REQ-TS-006: the server has acknowledged it, and states the right size."""
    with FtpServer(disk, Habits(damages=1)) as server, ftp_tester(server.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert len(tester.events.named("ChecksumMismatch")) == 1
        assert exists(tester, "/logs/a b")
        assert stored(disk) == {}
        tester.advance(10)
        assert stored(disk) == {"unit-7/x": DATA}
        assert not exists(tester, "/logs/a b")


def test_a_digest_of_the_server_spares_the_reading_back(disk: Path) -> None:
    """REQ-TS-021."""
    with FtpServer(disk, Habits(has_digests=True, damages=1)) as server, ftp_tester(server.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert tester.events.named("ChecksumMismatch")
        tester.advance(10)
        assert stored(disk) == {"unit-7/x": DATA}
        assert "RETR /in/unit-7/x.part" not in server.said


def test_who_pays_for_bytes_may_trust_the_size(server: FtpServer, disk: Path) -> None:
    """REQ-TS-021: by its own setting, and never by default."""
    with ftp_tester(server.endpoint, words="check=size") as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert stored(disk) == {"unit-7/x": DATA}
        assert "RETR /in/unit-7/x.part" not in server.said
        assert "SIZE /in/unit-7/x.part" in server.said


def test_a_file_is_fetched_and_checked(server: FtpServer, disk: Path) -> None:
    """REQ-TS-020, REQ-TS-006."""
    place(disk, "c", DATA)
    with ftp_tester(server.endpoint) as tester:
        tester.send("GET", "ftp", "c", "/config/c")
        assert tester.read_file("/config/c") == DATA
        fetched = server.said.count("RETR /in/unit-7/c")
        assert fetched == 1
        tester.send("GET", "ftp", "c", "/config/c")
        assert server.said.count("RETR /in/unit-7/c") == fetched, "it is here already"


@pytest.mark.parametrize("size", [0, 1, 8192, 20_000])
def test_files_without_a_manifest_come_too(server: FtpServer, disk: Path, size: int) -> None:
    """REQ-TS-020."""
    place(disk, "c", LONG[:size], manifest=False)
    with ftp_tester(server.endpoint) as tester:
        tester.send("GET", "ftp", "c", "/config/c")
        assert tester.read_file("/config/c") == LONG[:size]
        assert tester.events.named("TransferDone")[0].args[3] == size


def test_a_file_that_is_not_what_its_manifest_says_is_put_aside(server: FtpServer, disk: Path) -> None:
    """REQ-TS-006."""
    place(disk, "c", b"sound")
    (disk / "in" / "unit-7" / "c").write_bytes(b"damaged")
    with ftp_tester(server.endpoint, max_retry=1) as tester:
        tester.send("GET", "ftp", "c", "/config/c")
        assert not exists(tester, "/config/c")
        assert tester.read_file("/config/c.part.bad.0") == b"damaged"


def test_what_time_does_not_heal_is_given_up(server: FtpServer, disk: Path) -> None:
    """REQ-TS-008."""
    place(disk, "large", DATA)
    with ftp_tester(server.endpoint) as tester:
        tester.send("GET", "ftp", "none", "/config/none")
        tester.send("PUT", "ftp", "/logs/none", "none", False)
        assert reasons(tester)[0] == ("the server answers 550 (no such file, or not for this user)", False)
        assert [has_another for _, has_another in reasons(tester)] == [False, False]


def test_a_login_that_is_refused_is_tried_again_and_never_shown(server: FtpServer, disk: Path) -> None:
    """REQ-TS-020, REQ-TS-008: an operator may mend it on either side."""
    with ftp_tester(server.endpoint) as tester:
        tester.write_file("/ftp.login", f"{USER}\nwrong secret\n".encode())
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        tester.write_file("/ftp.login", b"nothing")
        tester.send("RETRY", 1)
        tester.files.remove(tester.root.resolve("/ftp.login"))
        tester.send("RETRY", 1)
        assert reasons(tester) == [
            ("the server answers 530 to the login", True),
            ("its credentials must be two lines: user and password", True),
            ("its credentials /ftp.login are not there", True),
        ]
        tester.write_file("/ftp.login", LOGIN)
        tester.send("RETRY", 1)
        assert stored(disk) == {"unit-7/x": DATA}
        shown = str([event.args for event in tester.events])
        assert not [secret for secret in ("wrong secret", PASSWORD, USER + "'") if secret in shown]


def test_a_full_server_is_named_and_waited_for(disk: Path) -> None:
    """REQ-TS-008, REQ-TS-007."""
    with FtpServer(disk, Habits(refused=("STOR",))) as server, ftp_tester(server.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert reasons(tester) == [("the server answers 552 (no room, or over its quota)", True)]
        server.habits.refused = ()
        tester.advance(10)
        assert stored(disk) == {"unit-7/x": DATA}


def test_a_server_that_is_not_there_is_waited_for(disk: Path) -> None:
    """REQ-TS-008."""
    with FtpServer(disk) as gone:
        pass
    with ftp_tester(gone.endpoint) as tester:
        tester.send("PUT", "ftp", "/logs/a b", "x", True)
        assert reasons(tester) == [("Connection refused", True)]


def test_a_quota_is_kept(server: FtpServer, disk: Path) -> None:
    """REQ-TS-010: what a file replaces does not count."""
    place(disk, "a b", content(1, 2500))
    with ftp_tester(server.endpoint, words="quota_bytes=3000") as tester:
        tester.send("PUT", "ftp", "/logs/a b", "other", False)
        assert "quota of 3000" in reasons(tester)[0][0]
        tester.send("CANCEL", 1)
        tester.send("PUT", "ftp", "/logs/a b", "a b", False)
        assert stored(disk) == {"unit-7/a b": DATA}


@pytest.mark.parametrize("unknown", [(), ("MLSD", "MLST")])
def test_what_a_server_has_is_listed_and_fetched(disk: Path, unknown: tuple[str, ...]) -> None:
    """REQ-TS-022, REQ-TS-011: by MLSD, or by NLST where the server is older."""
    names = ["one", "deep/two", "deep/er/three four"]
    for name in names:
        place(disk, name, name.encode())
    place(disk, "unfinished.part", b"x", manifest=False)
    (disk / "in" / "unit-7" / "empty").mkdir()
    with FtpServer(disk, Habits(unknown=unknown)) as server, ftp_tester(server.endpoint, kind="config") as tester:
        assert tester.send("SYNC_STORE", "ftp").response is CommandResponse.OK
        assert tester.events.named("StoreSynced")[0].args == ("ftp", 3, 0)
        assert {name: tester.read_file(f"/logs/{name}") for name in names} == {name: name.encode() for name in names}


def test_a_listing_that_fails_is_answered(disk: Path) -> None:
    """REQ-TS-022."""
    with FtpServer(disk) as gone:
        pass
    with ftp_tester(gone.endpoint, kind="config") as tester:
        assert tester.send("SYNC_STORE", "ftp").response is CommandResponse.EXECUTION_ERROR
        assert tester.send("SYNC_STORE", "ftp").response is CommandResponse.EXECUTION_ERROR, "not BUSY"


@pytest.mark.parametrize("name", ["a\r\nDELE b", "a\tb"])
def test_names_that_would_be_commands_are_refused(server: FtpServer, name: str) -> None:
    """REQ-TS-005."""
    with ftp_tester(server.endpoint) as tester:
        assert tester.send("PUT", "ftp", "/logs/a b", name, False).response is CommandResponse.VALIDATION_ERROR
        assert server.said == []


@pytest.mark.parametrize(
    "words, why",
    [
        ("endpoint=ftp://h/x credentials=/k", "endpoint is"), ("endpoint=ftp://u:p@h credentials=/k", "endpoint is"),
        ("endpoint=ftp://h:x credentials=/k", "port of endpoint"), ("endpoint=ftp://h", "credentials names"),
        ("endpoint=ftp://h credentials=/k check=hope", "check is read or size"),
        ("endpoint=https://h bucket_name=b credentials=/k check=size", "check is not known"),
    ],
)  # fmt: skip
def test_a_server_that_makes_no_sense_is_refused_when_the_topology_is_checked(words: str, why: str) -> None:
    """REQ-TS-005."""
    with pytest.raises(ValueError, match=why):
        check_stores([f"store_name=a kind=logs {words}"])


# Cut off on the way


@pytest.mark.parametrize("before, words", [(b"", ""), (b"old", ""), (DATA[::-1], "check=size")])
def test_a_put_outlives_every_cut(disk: Path, server: FtpServer, before: bytes, words: str) -> None:
    """REQ-TS-014, REQ-TS-007: the file is here until the server has it, whole.

    Not even where the size is trusted does an old file of the same size pass for the new one.
    """
    path = disk / "in" / "unit-7" / "x"

    def prepared(seed: int) -> Tester:
        for file in list((disk / "in").rglob("*")):
            if file.is_file():
                file.unlink()
        if before:
            place(disk, "x", before)
        return ftp_tester(server.endpoint, seed, words)

    def scenario(tester: Tester, noted: list[int]) -> None:
        with tester.held():
            sent = tester.send("PUT", "ftp", "/logs/a b", "x", True)
        noted += [1] if sent.response is CommandResponse.OK else []

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        now = path.read_bytes() if path.exists() else b""
        assert now in (before, DATA)
        assert exists(tester, "/logs/a b") or now == DATA
        tester.advance(60)
        if noted:
            assert stored(disk) == {"unit-7/x": DATA}
            assert not exists(tester, "/logs/a b")
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0

    assert cut_everywhere(prepared, scenario, judge) > 10


def test_a_get_outlives_every_cut(disk: Path, server: FtpServer) -> None:
    """REQ-TS-014."""
    place(disk, "c", DATA)

    def prepared(seed: int) -> Tester:
        tester = ftp_tester(server.endpoint, seed)
        tester.write_file("/config/c", b"old")
        return tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        with tester.held():
            sent = tester.send("GET", "ftp", "c", "/config/c")
        noted += [1] if sent.response is CommandResponse.OK else []

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        assert tester.read_file("/config/c") in (DATA, b"old")
        tester.advance(60)
        if noted:
            assert tester.read_file("/config/c") == DATA
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0

    assert cut_everywhere(prepared, scenario, judge) > 20


def test_a_get_goes_on_after_a_cut(disk: Path, server: FtpServer) -> None:
    """REQ-TS-018: what was durable is not fetched again."""
    place(disk, "c", LONG)
    with ftp_tester(server.endpoint) as tester:
        tester.files.cut_at(tester.files.operations + 120)
        with pytest.raises(PowerCut):
            tester.send("GET", "ftp", "c", "/config/c")
        tester.crash()
        tester.advance(1)
        assert tester.read_file("/config/c") == LONG
        (offset,) = [int(line.partition(" ")[2]) for line in server.said if line.startswith("REST")]
        assert offset > 5000
        assert tester.events.named("TransferResumed")[0].args[2] == offset


def put_half(tester: Tester, server: FtpServer, disk: Path) -> None:
    """Sends a part of a file, and loses its power; a third of the file has come."""
    tester.write_file("/logs/long", LONG)
    tester.files.cut_at(tester.files.operations + len(LONG) // 512 + 100)
    with pytest.raises(PowerCut):
        tester.send("PUT", "ftp", "/logs/long", "long", True)
    server.await_end_of_sessions()
    (disk / "in" / "unit-7" / "long.part").write_bytes(LONG[:THIRD])


def test_a_put_goes_on_after_a_cut(disk: Path, server: FtpServer) -> None:
    """REQ-TS-018: what the server has is not sent again."""
    with ftp_tester(server.endpoint) as tester:
        put_half(tester, server, disk)
        tester.crash()
        tester.advance(60)
        assert stored(disk) == {"unit-7/long": LONG}
        assert f"REST {THIRD}" in server.said


def test_a_server_that_refuses_to_go_on_has_the_file_from_its_beginning(disk: Path) -> None:
    """REQ-TS-020: by a code that sounds as if it were a matter of time."""
    with FtpServer(disk, Habits(is_forgetful=True)) as server, ftp_tester(server.endpoint) as tester:
        put_half(tester, server, disk)
        tester.crash()
        tester.advance(60)
        assert not reasons(tester)
        assert stored(disk) == {"unit-7/long": LONG}


def test_a_source_that_changed_between_cuts_is_sent_anew(disk: Path, server: FtpServer) -> None:
    """REQ-TS-021: two halves of two files are none."""
    with ftp_tester(server.endpoint) as tester:
        put_half(tester, server, disk)
        with tester.held():
            tester.crash()
            tester.write_file("/logs/long", LONG[::-1])
        tester.advance(60)
        assert tester.events.named("TransferResumed")[0].args[2] > 5000
        assert not [line for line in server.said if line.startswith("REST")]
        assert stored(disk) == {"unit-7/long": LONG[::-1]}


@pytest.mark.parametrize("unknown", ["", "REST"])
def test_a_put_outlives_its_server(disk: Path, unknown: str) -> None:
    """REQ-TS-020: the server is killed halfway and comes back; one without REST has the file from its beginning."""
    server = FtpProcess(disk)
    server.start(dies_after=30_000, unknown=unknown)
    with ftp_tester(server.endpoint) as tester:
        tester.write_file("/logs/long", LONG)
        tester.send("PUT", "ftp", "/logs/long", "long", True)
        server.await_death()
        assert reasons(tester)[0][1]
        assert exists(tester, "/logs/long")
        server.start(unknown=unknown)
        tester.advance(60)
        said = server.stop()
        assert stored(disk) == {"unit-7/long": LONG}
        assert not exists(tester, "/logs/long")
    (offset,) = [int(line.partition(" ")[2]) for line in said if line.startswith("REST")]
    assert 10_000 < offset < 50_000


@pytest.mark.parametrize("unknown", ["", "REST"])
def test_a_get_outlives_its_server(disk: Path, unknown: str) -> None:
    """REQ-TS-020: an end of the connection is no end of the file."""
    place(disk, "c", LONG, manifest=False)
    server = FtpProcess(disk)
    server.start(dies_after=30_000, unknown=unknown)
    with ftp_tester(server.endpoint) as tester:
        tester.send("GET", "ftp", "c", "/config/c")
        server.await_death()
        assert not exists(tester, "/config/c")
        server.start(unknown=unknown)
        tester.advance(60)
        said = server.stop()
        assert tester.read_file("/config/c") == LONG
    (offset,) = [int(line.partition(" ")[2]) for line in said if line.startswith("REST")]
    assert 10_000 < offset < 50_000
