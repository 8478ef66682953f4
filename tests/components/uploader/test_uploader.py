"""Uploader: what it takes, in which order, what it answers, and what it does with what is no good."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Uploader
from kittiwake_components.uploader.captures import is_day, is_path
from kittiwake_components.uploader.remote import check_priorities, check_remote
from tests.components.transfer_service.ftp_server import FtpServer
from tests.components.uploader.uploader_bench import (
    DAY,
    Tester,
    capture_path,
    content,
    far_captures,
    far_files,
    left_files,
    publish,
    sidecar_of,
    uploader_tester,
)

if TYPE_CHECKING:
    from pathlib import Path

DATA = content(1, 3000)
OK = CommandResponse.OK


def uploaded(tester: Tester) -> list[str]:
    return [event.args[0] for event in tester.events.named("UploadDone")]


def test_captures_that_are_there_at_the_start_are_uploaded_with_their_sidecars() -> None:
    """REQ-UP-001, REQ-UP-002."""
    with uploader_tester(settings={"remote": ""}) as tester:
        publish(tester, capture_path(1), DATA)
        publish(tester, capture_path(2, "temp", "csv"), b"nan\n")
    with uploader_tester(platform=tester.platform) as tester:
        tester.advance(1)
        assert far_captures(tester) == {capture_path(1): DATA, capture_path(2, "temp", "csv"): b"nan\n"}
        assert left_files(tester) == []
        assert tester.channels["Uploaded"] == 2
        assert tester.channels["BytesSent"] == 3004
        assert tester.channels["UploadQueue"] == 0
        assert len(tester.ports.acknowledged) == 2


def test_a_capture_goes_at_once_when_its_sensor_has_published_it() -> None:
    """REQ-UP-001. Upstream: uploads were polled for, after a fixed delay."""
    with uploader_tester() as tester:
        tester.advance(1)
        publish(tester, capture_path(1), DATA, tell=True)
        assert far_captures(tester) == {capture_path(1): DATA}


def test_a_capture_of_which_nobody_tells_is_found_by_the_next_scan() -> None:
    """REQ-UP-001."""
    with uploader_tester(parameters={"RESCAN_S": 60}) as tester:
        tester.advance(1)
        publish(tester, capture_path(1), DATA)
        tester.advance(50)
        assert far_captures(tester) == {}
        tester.advance(10)
        assert far_captures(tester) == {capture_path(1): DATA}


def test_what_is_being_written_is_never_sent() -> None:
    """REQ-UP-002. Upstream: a fixed delay before the upload, which could send a half-written file."""
    with uploader_tester(parameters={"RESCAN_S": 1}) as tester:
        path = capture_path(1)
        tester.write_file(f"/captures/{path}.part", DATA[:100])
        tester.write_file(f"/captures/{path}.json.new", b"{}")
        tester.advance(5)
        tester.write_file(f"/captures/{path}.json", sidecar_of(DATA))  # just before its sensor renames the part
        tester.advance(5)
        tester.write_file("/captures/audio/.lock", b"")
        tester.write_file(f"/captures/audio/{DAY}/loose.wav", DATA)
        tester.call.capture_done("audio", f"{path}.part", 100)
        tester.call.capture_done("audio", "../../etc/passwd", 100)
        tester.advance(5)
        assert far_files(tester) == {}
        assert len(left_files(tester)) == 5
        assert len(tester.events.named("CaptureUnknown")) == 2


def test_the_sidecar_follows_its_file() -> None:
    """REQ-UP-003: whoever sees a sidecar at the remote sees a whole file."""
    with uploader_tester(parameters={"KEEP_S": 1000}) as tester:
        publish(tester, capture_path(1), DATA)
        tester.files.log.clear()
        tester.send("UPLOAD_NOW")
        renames = [
            path.rpartition(".")[2] for operation, path in tester.files.log if operation == "rename" and "/far" in path
        ]
        assert renames == ["part", "part"]
        placed = [path for operation, path in tester.files.log if "/far" in path and path.endswith(".part")]
        assert placed.index(f"/far/hive-7/{capture_path(1)}.json.part") > placed.index(
            f"/far/hive-7/{capture_path(1)}.part"
        )


def test_a_file_that_is_not_what_its_manifest_says_is_put_aside_and_never_sent() -> None:
    """REQ-UP-004."""
    with uploader_tester() as tester:
        publish(tester, capture_path(1), DATA, sha256="0" * 64)
        publish(tester, capture_path(2), DATA, bytes=1)
        tester.write_file(f"/captures/{capture_path(3)}.json", b"[" * 5000)
        tester.write_file(f"/captures/{capture_path(3)}", DATA)
        publish(tester, capture_path(4), DATA)
        tester.advance(400)
        assert far_captures(tester) == {capture_path(4): DATA}
        assert [event.args[0] for event in tester.events.named("ManifestMismatch")] == [
            capture_path(n) for n in (1, 2, 3)
        ]
        assert f"{capture_path(1)}.bad.0" in left_files(tester)
        assert f"{capture_path(1)}.json.bad.0" in left_files(tester)
        assert tester.channels["UploadQueue"] == 0


def test_important_sensors_go_first_and_of_each_the_oldest() -> None:
    """REQ-UP-005."""
    with uploader_tester(settings={"priorities": ["audio=2", "temp=9"]}) as tester:
        for number in (3, 1, 2):
            for sensor in ("video", "audio", "temp"):
                publish(tester, capture_path(number, sensor), DATA)
        tester.send("UPLOAD_NOW")
        tester.advance(1)
        assert uploaded(tester) == [capture_path(n, sensor) for sensor in ("temp", "audio", "video") for n in (1, 2, 3)]


def test_a_capture_that_cannot_be_sent_does_not_keep_others_from_their_turn() -> None:
    """REQ-UP-006: and it is tried again with pauses that double and vary."""
    with uploader_tester(parameters={"BACKOFF_S": 10, "BACKOFF_MAX_S": 100}) as tester:
        publish(tester, capture_path(1), DATA)
        publish(tester, capture_path(2), DATA)
        tester.files.make_folders(f"/far/hive-7/{capture_path(1)}")  # a folder stands where the file belongs
        tester.send("UPLOAD_NOW")
        tester.advance(25)
        assert uploaded(tester) == [capture_path(2)]
        tester.advance(600)
        pauses = [event.args[2] for event in tester.events.named("UploadFailed")]
        assert len(pauses) >= 5
        assert pauses[1] <= 20
        assert max(pauses) <= 100
        tester.files.remove_folder(f"/far/hive-7/{capture_path(1)}")
        assert tester.send("UPLOAD_NOW").response is OK
        assert uploaded(tester) == [capture_path(2), capture_path(1)]


def test_after_max_retry_attempts_it_waits_for_retry() -> None:
    """REQ-UP-006, REQ-UP-007."""
    with uploader_tester(remote="bucket_name=/gone", parameters={"MAX_RETRY": 2, "BACKOFF_S": 1}) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(60)
        assert [event.args[2] > 0 for event in tester.events.named("UploadFailed")] == [True, True, False]
        assert tester.channels["FailedUploads"] == 1
        tester.send("LIST")
        assert tester.events.named("CaptureListed")[0].args == (capture_path(1), 3000, 3, True)
        tester.files.make_folder("/gone")
        tester.advance(600)
        assert tester.send("RETRY", "audio/other").response is CommandResponse.VALIDATION_ERROR
        assert tester.send("RETRY", capture_path(1)).response is OK
        assert uploaded(tester) == [capture_path(1)]
        assert tester.send("RETRY", "").response is OK


def test_stop_ends_uploads_at_once_and_start_goes_on() -> None:
    """REQ-UP-007: commands are answered, and told by events; a stop outlasts no restart where auto start is set."""
    with uploader_tester() as tester:
        with tester.held():
            publish(tester, capture_path(1), content(2, 60_000))
            now, stop = tester.send("UPLOAD_NOW"), tester.send("STOP")
        assert (now.response, stop.response) == (OK, OK)
        assert tester.send("UPLOAD_NOW").response is CommandResponse.EXECUTION_ERROR
        tester.advance(1000)
        assert far_captures(tester) == {}
        assert tester.call.status("uploader", 0).startswith("uploader: stopped, 1 waiting")
        assert tester.channels["Running"] is False
        assert tester.send("START").response is OK
        assert len(far_captures(tester)) == 1
        assert tester.call.status("", 0) == tester.call.status("uploader", 0)
        assert tester.call.status("audio", 0) == ""
        tester.send("STATUS")
        assert "1 uploaded since the start" in tester.events.named("UploaderStatus")[0].args[0]


def test_without_auto_start_it_waits_for_start() -> None:
    """REQ-UP-007."""
    with uploader_tester(parameters={"AUTO_START": False}) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(400)
        assert far_files(tester) == {}
        tester.send("START")
        assert uploaded(tester) == [capture_path(1)]


def test_without_a_remote_it_says_so() -> None:
    """REQ-UP-007."""
    with uploader_tester(remote="") as tester:
        assert tester.send("START").response is CommandResponse.EXECUTION_ERROR
        assert "no remote" in tester.call.status("uploader", 0)


@pytest.mark.parametrize("remote, place", [
    ("bucket_name=/gone prefix=hive-7", "/gone/hive-7"), ("bucket_name=/gone", "/gone"),
    ("endpoint=ftp://host:2121 bucket_name=/hives/7 credentials=/secret", "ftp://host:2121/hives/7"),
    ("service=central prefix=hive-7", "the store central/hive-7"),
])  # fmt: skip
def test_its_status_says_where_captures_go_and_why_they_do_not(remote: str, place: str) -> None:
    """REQ-UP-007."""
    with uploader_tester(remote=remote) as tester:
        assert tester.call.status("uploader", 0).endswith(f"0 uploaded since the start, to {place}")
        if remote == "bucket_name=/gone":
            publish(tester, capture_path(1), DATA, tell=True)
            tester.advance(1)
            assert "uploader: pausing, as the store's folder is not there, 1 waiting" in tester.call.status("", 0)


def test_what_was_uploaded_is_kept_for_keep_s_over_restarts() -> None:
    """REQ-UP-008."""
    with uploader_tester(parameters={"KEEP_S": 1000}) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(600)
        assert len(left_files(tester)) == 2
        tester.reboot(off_s=100)
        tester.advance(250)
        assert len(left_files(tester)) == 2
        assert far_captures(tester) == {capture_path(1): DATA}
        assert uploaded(tester) == []
        tester.advance(800)
        assert left_files(tester) == []


def test_another_capture_of_the_same_name_is_no_uploaded_one() -> None:
    """REQ-UP-008: as after a step of the clock, or in the hour that summer time's end repeats."""
    with uploader_tester(parameters={"KEEP_S": 1000}) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(1)
        publish(tester, capture_path(1), DATA[:100])
        tester.restart()
        tester.advance(1)
        assert far_captures(tester) == {capture_path(1): DATA[:100]}
        publish(tester, capture_path(1), DATA[:50])
        tester.advance(2000)
        assert far_captures(tester) == {capture_path(1): DATA[:50]}
        assert len(tester.events.named("SourceKept")) == 1
        tester.advance(2000)
        assert left_files(tester) == []


def test_a_folder_of_a_day_that_is_over_goes_with_its_last_capture() -> None:
    """REQ-UP-008."""
    with uploader_tester(parameters={"RESCAN_S": 10}) as tester:
        publish(tester, capture_path(1).replace(DAY, "2026-11-26"), DATA)
        publish(tester, capture_path(1), DATA)
        tester.advance(30)
        assert tester.files.list(tester.root.resolve("/captures/audio")) == [DAY]


def test_a_sidecar_of_nothing_is_removed_but_not_one_of_a_part() -> None:
    """REQ-UP-002."""
    with uploader_tester(parameters={"RESCAN_S": 10}) as tester:
        tester.write_file(f"/captures/{capture_path(1)}.json", sidecar_of(DATA))
        tester.write_file(f"/captures/{capture_path(2)}.json", sidecar_of(DATA))
        tester.write_file(f"/captures/{capture_path(2)}.part", DATA)
        tester.advance(20)
        assert left_files(tester) == [f"{capture_path(2)}.json", f"{capture_path(2)}.part"]


def test_a_full_disk_takes_no_marks_and_files_go_nevertheless() -> None:
    """REQ-UP-009, REQ-UP-010: what the remote has goes first of all, and makes the room."""
    with uploader_tester() as tester:
        tester.advance(1)
        publish(tester, capture_path(1), DATA)
        tester.component._ledger._journal._size_limit = 0
        tester.send("UPLOAD_NOW")
        assert tester.events.named("JournalFailed")
        assert far_captures(tester) == {capture_path(1): DATA}
        assert left_files(tester) == []


def test_a_journal_that_cannot_be_opened_is_tried_again() -> None:
    """REQ-UP-009."""
    with uploader_tester(settings={"remote": ""}) as tester:
        pass
    tester.platform.files.fail_every("open", errno.EIO)
    with uploader_tester(platform=tester.platform) as tester:
        assert tester.events.named("JournalFailed")
        tester.files.heal()
        publish(tester, capture_path(1), DATA)
        tester.call.run(0)
        tester.advance(1)
        assert far_captures(tester) == {capture_path(1): DATA}


def test_a_damaged_journal_is_kept_aside_and_what_was_uploaded_is_found_at_the_remote() -> None:
    """REQ-UP-009."""
    with uploader_tester(parameters={"KEEP_S": 1000}) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(1)
        tester.write_file("/uploads/journal", b"rubbish")
        tester.restart()
        tester.advance(1)
        assert tester.events.named("JournalFinding")
        assert uploaded(tester) == [capture_path(1)]
        assert far_captures(tester) == {capture_path(1): DATA}


def test_the_transfer_service_carries_files_where_the_remote_is_one_of_its_stores() -> None:
    """REQ-UP-011."""
    with uploader_tester(remote="service=central prefix=hive-7", open_ports=()) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        store, file, name, remove, token = tester.ports.transfer_put[0]
        assert (store, file, name) == ("central", f"/captures/{capture_path(1)}", f"hive-7/{capture_path(1)}")
        assert not remove
        tester.call.transfer_ended(token + 1, OK)
        tester.advance(100)
        assert len(tester.ports.transfer_put) == 1
        tester.call.transfer_ended(token, OK)
        assert tester.ports.transfer_put[1][2] == f"hive-7/{capture_path(1)}.json"
        assert len(left_files(tester)) == 2
        tester.call.transfer_ended(tester.ports.transfer_put[1][4], CommandResponse.EXECUTION_ERROR)
        assert "EXECUTION_ERROR" in tester.events.named("UploadFailed")[0].args[1]
        tester.advance(10)
        for place in (2, 3):
            tester.call.transfer_ended(tester.ports.transfer_put[place][4], OK)
        assert left_files(tester) == []
        assert tester.channels["Uploaded"] == 1


def test_without_a_transfer_service_such_a_remote_fails() -> None:
    """REQ-UP-011."""
    with uploader_tester(remote="service=central") as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        assert "no transfer service" in tester.events.named("UploadFailed")[0].args[1]


@pytest.mark.parametrize(
    "text",
    ["entity=1", "service=", "service=a b=c", "bucket_name=far", "endpoint=gopher://x credentials=/x", "nonsense"],
)
def test_remotes_that_make_no_sense_are_refused(text: str) -> None:
    """REQ-UP-012."""
    with pytest.raises(ValueError, match=r".{10}"):
        check_remote(text)


def test_remotes_that_make_sense_are_taken() -> None:
    """REQ-UP-012."""
    check_remote("")
    check_remote("service=central prefix=x")
    check_remote("endpoint=sftp://h:2022 bucket_name=/up credentials=/c trusted=/known_hosts key=/id")


@pytest.mark.parametrize("word", ["audio", "=1", "audio=-1", "audio=256", "audio=x"])
def test_priorities_that_make_no_sense_are_refused(word: str) -> None:
    """REQ-UP-005."""
    with pytest.raises(ValueError, match="sensor=number"):
        check_priorities([word])


@pytest.mark.parametrize(
    "path",
    ["", "a", "a/b", f"a/{DAY}/", f"a/{DAY}/b/c", f"../{DAY}/x", "a/2026-1-27/x", f"a/{DAY}/x.part", f"a/{DAY}/x\n"],
)  # fmt: skip
def test_paths_that_are_no_captures(path: str) -> None:
    """REQ-UP-002."""
    assert not is_path(path)


def test_days() -> None:
    """REQ-UP-002."""
    assert is_day("2026-11-27")
    assert not is_day("2026-11-2７")
    assert not is_day("20261127--")


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Uploader) == []


HIVE = """
[global]
root_upload_directory = "/in"
pytz_time_zone = "US/Eastern"
[audio]
priority = 7
[video]
priority = 0
[ftp]
host = "127.0.0.1"
port = {port}
username = "unit-7"
password = "correct horse battery"
auto_start = {auto}
"""


def test_the_hives_configuration_says_who_is_important() -> None:
    """REQ-UP-005: as far as the settings say nothing else."""
    with uploader_tester(settings={"priorities": ["temp=9"]}, parameters={"AUTO_START": False}) as tester:
        tester.write_file("/hive.toml", HIVE.format(port=1, auto="true").encode())
        for sensor in ("cpu", "video", "audio", "temp"):
            publish(tester, capture_path(1, sensor), DATA, tell=True)
        tester.send("START")
        assert uploaded(tester) == [capture_path(1, sensor) for sensor in ("temp", "audio", "cpu", "video")]


def test_the_hives_configuration_names_beemons_ftp_server(tmp_path: Path) -> None:
    """REQ-UP-015, REQ-UP-012: its login is shown nowhere."""
    (tmp_path / "in").mkdir()
    with FtpServer(tmp_path) as server:
        platform = SimulatedPlatform(0)
        with uploader_tester(remote="", platform=platform) as tester:
            port = int(server.endpoint.rpartition(":")[2])
            tester.write_file("/hive.toml", HIVE.format(port=port, auto="false").encode())
        with uploader_tester(remote="", platform=platform) as tester:
            publish(tester, capture_path(1), DATA, tell=True)
            tester.advance(1)
            assert tester.call.status("uploader", 0).startswith("uploader: stopped")
            tester.send("START")
            assert (tmp_path / "in" / capture_path(1)).read_bytes() == DATA
            assert uploaded(tester) == [capture_path(1)]
            assert "correct horse" not in str(tester.events)


@pytest.mark.parametrize("content", [b"[audio]\ncapture_duration_seconds = 400\n", b"\xff"])
def test_a_configuration_with_faults_is_not_heeded(content: bytes) -> None:
    """REQ-UP-012: its orchestrator says what is wrong with it."""
    with uploader_tester(parameters={"AUTO_START": False}) as tester:
        tester.write_file("/hive.toml", content)
        assert tester.send("START").response is OK
        assert tester.events.named("ConfigurationUnread")


def test_a_capture_waits_for_the_upload_delay_of_the_configuration() -> None:
    """REQ-UP-019: the original's key; UPLOAD_NOW does not wait, nor does what a start finds."""
    with uploader_tester() as tester:
        tester.write_file("/hive.toml", b"[ftp]\nupload_delay = 20\n")
        tester.call.hive_configured("/captures")
        tester.advance(1)
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(19)
        assert uploaded(tester) == []
        tester.advance(2)
        assert uploaded(tester) == [capture_path(1)]
        publish(tester, capture_path(2), DATA, tell=True)
        tester.send("UPLOAD_NOW")
        tester.advance(1)
        assert uploaded(tester)[1:] == [capture_path(2)]
        publish(tester, capture_path(3), DATA, tell=True)
        tester.restart()
        tester.advance(1)
        assert uploaded(tester) == [capture_path(3)]


def test_a_reloaded_configuration_reaches_uploads_that_run() -> None:
    """REQ-UP-017: priorities at once, the folder of the captures, and a file with faults changes nothing."""
    with uploader_tester() as tester:
        tester.advance(1)
        for sensor in ("video", "audio"):
            tester.write_file(f"/bee_tmp/{capture_path(1, sensor)}.json", sidecar_of(DATA))
            tester.write_file(f"/bee_tmp/{capture_path(1, sensor)}", DATA)
        for text in ("[video]\npriority = 9\n", "[video]\npriority = x\n"):
            tester.write_file("/hive.toml", text.encode())
            tester.call.hive_configured("/bee_tmp")
        tester.advance(1)
        assert uploaded(tester) == [capture_path(1, "video"), capture_path(1, "audio")]
        assert len(tester.events.named("ConfigurationUnread")) == 1
        publish(tester, capture_path(2), DATA)
        tester.call.hive_configured("/captures")
        tester.advance(1)
        assert uploaded(tester)[-1] == capture_path(2)


def test_the_folder_of_the_hives_configuration_is_that_of_the_captures() -> None:
    """REQ-UP-017: from the start on, and without an orchestrator too."""
    platform = SimulatedPlatform(0)
    with uploader_tester(platform=platform) as tester:
        tester.write_file("/hive.toml", b'[global]\nlocal_output_directory = "/bee_tmp"\n')
        tester.write_file(f"/bee_tmp/{capture_path(1)}.json", sidecar_of(DATA))
        tester.write_file(f"/bee_tmp/{capture_path(1)}", DATA)
        tester.restart()
        tester.advance(1)
        assert uploaded(tester) == [capture_path(1)]


def test_a_server_that_the_reloaded_configuration_names_gets_the_captures(tmp_path: Path) -> None:
    """REQ-UP-017: as at the start of the deployment."""
    (tmp_path / "in").mkdir()
    with FtpServer(tmp_path) as server, uploader_tester(remote="", platform=SimulatedPlatform(0)) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(1)
        port = int(server.endpoint.rpartition(":")[2])
        tester.write_file("/hive.toml", HIVE.format(port=port, auto="true").encode())
        tester.call.hive_configured("/captures")
        tester.advance(1)
        assert uploaded(tester) == [capture_path(1)]
        assert tester.events.named("UploadsStarted")


def test_a_corrected_server_is_tried_at_once(tmp_path: Path) -> None:
    """REQ-UP-017, REQ-UP-006: the pauses of an hour were those of the wrong one."""
    (tmp_path / "in").mkdir()
    with FtpServer(tmp_path) as server, uploader_tester(remote="", platform=SimulatedPlatform(0)) as tester:
        port = int(server.endpoint.rpartition(":")[2])
        text = HIVE.format(port=port, auto="true")
        tester.write_file("/hive.toml", text.replace("correct horse", "wrong horse").encode())
        tester.call.hive_configured("/captures")
        publish(tester, capture_path(1), DATA, tell=True)
        tester.advance(20_000)
        failures = len(tester.events.named("UploadFailed"))
        assert failures > 3
        tester.write_file("/hive.toml", text.encode())
        tester.call.hive_configured("/captures")
        tester.advance(1)
        assert uploaded(tester) == [capture_path(1)]
        assert len(tester.events.named("UploadFailed")) == failures


def test_a_damaged_capture_on_a_disk_that_takes_nothing_is_never_called_uploaded() -> None:
    """REQ-UP-004, REQ-UP-010: what fails while it is put aside must not look like an upload that is over."""
    with uploader_tester(parameters={"AUTO_START": False}) as tester:
        publish(tester, capture_path(1), DATA, sha256="0" * 64)
        tester.files.fail_every("sync_folder", errno.EIO)
        tester.send("START")
        tester.advance(400)
        assert uploaded(tester) == []
        assert tester.events.named("ManifestMismatch")
        assert f"{capture_path(1)}.bad.0" in left_files(tester)
