"""Uploader when there is no room: what goes, in which order, and that nothing else ever does."""

from __future__ import annotations

import errno
from typing import Any

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kittiwake_components.uploader.departures import WELL_AFTER_S
from tests.components.uploader.uploader_bench import (
    Tester,
    capture_path,
    content,
    exists,
    far_captures,
    far_files,
    left_files,
    publish,
    uploader_tester,
)

DATA = content(3, 1000)


def dropped(tester: Tester) -> list[str]:
    return [event.args[0] for event in tester.events.named("CaptureDropped")]


def test_what_was_uploaded_goes_first_and_the_oldest_of_it() -> None:
    """REQ-UP-013. Upstream: there was no disk policy."""
    with uploader_tester(parameters={"KEEP_S": 10_000, "QUOTA_BYTES": 5100}) as tester:
        for number in range(1, 4):
            publish(tester, capture_path(number), DATA, tell=True)
        tester.send("STOP")
        publish(tester, capture_path(4), DATA, tell=True)
        tester.advance(1)
        assert [event.name for event in tester.events if event.name == "DiskLow"] == []
        publish(tester, capture_path(5), DATA, tell=True)
        tester.advance(1)
        assert not exists(tester, f"/captures/{capture_path(1)}")
        assert exists(tester, f"/captures/{capture_path(2)}")
        assert dropped(tester) == []
        assert len(tester.events.named("DiskLow")) == 1
        tester.advance(WELL_AFTER_S)
        tester.call.run(0)
        assert len(tester.events.named("DiskIsWell")) == 1
        assert len(far_captures(tester)) == 3


def test_then_the_least_important_go_and_the_oldest_of_these() -> None:
    """REQ-UP-013: what is put aside before what is good; each that was not uploaded is told."""
    options: Any = {"settings": {"priorities": ["video=0"]}}
    with uploader_tester(remote="bucket_name=/gone", **options) as tester:
        tester.write_file(f"/captures/{capture_path(9)}.bad.0", DATA)
        for number in (1, 2):
            for sensor in ("audio", "video"):
                publish(tester, capture_path(number, sensor), DATA)
        tester.advance(301)
        for quota in (5000, 3000, 2000, 1):
            tester.set_parameter("QUOTA_BYTES", quota)
            tester.advance(1)
        order = [capture_path(number, sensor) for sensor in ("video", "audio") for number in (1, 2)]
        order = [f"{capture_path(9)}.bad.0", *order]
        assert dropped(tester) == order
        assert tester.channels["Dropped"] == 5
        assert left_files(tester) == []


def test_what_is_larger_than_the_quota_takes_no_other_with_it() -> None:
    """REQ-UP-013: it can never stay, however important it is."""
    with uploader_tester(remote="", settings={"priorities": ["video=9"]}) as tester:
        tester.set_parameter("QUOTA_BYTES", 5000)
        for number in (1, 2):
            publish(tester, capture_path(number), DATA, tell=True)
        publish(tester, capture_path(3, "video"), content(4, 6000), tell=True)
        tester.advance(1)
        assert dropped(tester) == [capture_path(3, "video")]
        assert tester.channels["UploadQueue"] == 2


def test_what_is_being_written_never_goes() -> None:
    """REQ-UP-013."""
    with uploader_tester(parameters={"QUOTA_BYTES": 100}) as tester:
        tester.write_file(f"/captures/{capture_path(1)}.part", DATA)
        tester.advance(301)
        assert left_files(tester) == [f"{capture_path(1)}.part"]
        assert tester.channels["DiskUsed"] == 1000
        assert len(tester.events.named("DiskLow")) == 1


def test_free_room_below_its_limit_counts_as_well() -> None:
    """REQ-UP-013."""
    with uploader_tester(remote="bucket_name=/gone") as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        free, _ = tester.files.space("/")
        tester.set_parameter("DISK_LOW", free + 500)
        tester.advance(1)
        assert dropped(tester) == [capture_path(1)]
        assert tester.events.named("DiskLow")[0].args[1:] == (0, free, free + 500)
        assert tester.channels["DiskFree"] >= free + 1000


def test_low_room_is_said_once_before_captures_go_for_it_and_once_while_the_quota_is_full() -> None:
    """REQ-UP-018. Upstream: nobody heeded the room on the disk."""
    with uploader_tester(remote="") as tester:
        free, _ = tester.files.space("/")
        for number in range(1, 21):
            publish(tester, capture_path(number), DATA, tell=True)
        tester.set_parameter("DISK_WARN", free)
        tester.advance(60)
        assert [event.args for event in tester.events.named("DiskLow")] == [
            (tester.channels["DiskUsed"], 0, tester.channels["DiskFree"], free)
        ]
        assert dropped(tester) == []
        tester.call.run(0)
        tester.set_parameter("DISK_WARN", free // 2)
        tester.advance(WELL_AFTER_S - 10)
        tester.call.run(0)
        assert tester.events.named("DiskIsWell") == []
        tester.advance(10)
        tester.call.run(0)
        assert len(tester.events.named("DiskIsWell")) == 1
        tester.set_parameter("QUOTA_BYTES", 5 * 1200)
        for number in range(21, 41):
            publish(tester, capture_path(number), DATA, tell=True)
            tester.advance(60)
        assert tester.channels["Dropped"] == 35
        assert dropped(tester)[:15] == [capture_path(number) for number in range(1, 16)]
        assert (len(tester.events.named("DiskLow")), len(tester.events.named("DiskIsWell"))) == (2, 1)


def test_a_disk_that_removes_nothing_keeps_all_and_goes_on() -> None:
    """REQ-UP-013, REQ-UP-010."""
    with uploader_tester(parameters={"QUOTA_BYTES": 1500, "KEEP_S": 1000, "BACKOFF_S": 1}) as tester:
        publish(tester, capture_path(1), DATA, tell=True)
        tester.files.fail_every("remove", errno.EROFS)
        publish(tester, capture_path(2), DATA, tell=True)
        tester.advance(100)
        assert len(left_files(tester)) == 4
        tester.files.heal()
        tester.advance(1000)
        assert far_captures(tester) == {capture_path(1): DATA, capture_path(2): DATA}


SENSORS = st.sampled_from(["audio", "video", "temp"])
PRIORITIES = {"audio": 3, "video": 0, "temp": 9}


class Lives(RuleBasedStateMachine):
    """REQ-UP-013, REQ-UP-014: nothing goes that was not acknowledged, but for its room, and then in order.

    There are captures, uploads, failures, kills and power cuts, and a quota that comes and goes.
    """

    def __init__(self) -> None:
        super().__init__()
        words = [f"{sensor}={number}" for sensor, number in PRIORITIES.items()]
        parameters = {"KEEP_S": 100, "RESCAN_S": 50, "BACKOFF_S": 2, "BACKOFF_MAX_S": 8, "MAX_RETRY": 3}
        self.tester = uploader_tester(settings={"priorities": words}, parameters=parameters)
        self.published: dict[str, bytes] = {}
        self.gone: set[str] = set()
        self.number = 0
        self.is_away = False

    def _look(self) -> None:
        """Notes what was dropped since the last look, and judges the order."""
        tester = self.tester
        drops = dropped(tester)
        captures = tester.component._captures.by_path.values()
        waiting = [self._key(one.path) for one in captures if one.state >= 2 and one.path in self.published]
        assert all(self._key(path) < key for path in drops for key in waiting), (drops, waiting)
        if drops and not tester.events.named("UploadDone"):
            assert not [one for one in captures if one.state == 0]
        self.gone |= set(drops)
        tester.clear_history()

    @staticmethod
    def _key(path: str) -> tuple[int, str]:
        sensor, _, name = path.partition("/")
        return PRIORITIES[sensor], name.rpartition("/")[2]

    @rule(sensor=SENSORS, size=st.integers(0, 3000), is_told=st.booleans())
    def publish(self, sensor: str, size: int, is_told: bool) -> None:
        self.number += 1
        path, data = capture_path(self.number, sensor), content(self.number, size)
        self.published[path] = data
        publish(self.tester, path, data, tell=is_told)
        self._look()

    @rule(seconds=st.sampled_from([1, 5, 60, 400]))
    def advance(self, seconds: int) -> None:
        self.tester.advance(seconds)
        self._look()

    @rule()
    def toggle_remote(self) -> None:
        source, target = ("/away", "/far") if self.is_away else ("/far", "/away")
        self.tester.files.rename(source, target)
        self.tester.files.sync_folder("/")
        self.is_away = not self.is_away

    @rule(name=st.sampled_from(["START", "STOP", "UPLOAD_NOW"]))
    def command(self, name: str) -> None:
        self.tester.send(name)
        self._look()

    @rule(quota=st.sampled_from([0, 3000, 8000]))
    def set_quota(self, quota: int) -> None:
        self.tester.set_parameter("QUOTA_BYTES", quota)
        self._look()

    @rule(is_power=st.booleans())
    def end(self, is_power: bool) -> None:
        (self.tester.crash if is_power else self.tester.restart)()
        self._look()

    @precondition(lambda self: self.published)
    @rule(
        code=st.sampled_from([errno.EIO, errno.ENOSPC]),
        operation=st.sampled_from(["write_at", "sync", "rename", "remove"]),
    )
    def fail_for_a_while(self, code: int, operation: str) -> None:
        self.tester.files.fail_every(operation, code)
        self.tester.advance(10)
        self.tester.files.heal()
        self._look()

    @invariant()
    def nothing_is_deleted_that_was_not_acknowledged(self) -> None:
        far = far_files(self.tester, "/away" if self.is_away else "/far")
        for path, data in self.published.items():
            if path in self.gone:
                continue
            is_here = exists(self.tester, f"/captures/{path}") and exists(self.tester, f"/captures/{path}.json")
            is_there = far.get(f"hive-7/{path}") == data and f"hive-7/{path}.json" in far
            assert is_here or is_there, path

    def teardown(self) -> None:
        if self.is_away:
            self.toggle_remote()
        self.tester.set_parameter("QUOTA_BYTES", 0)
        self.tester.send("START")
        self.tester.send("RETRY", "")
        self.tester.send("UPLOAD_NOW")
        self.tester.advance(1000)
        self.nothing_is_deleted_that_was_not_acknowledged()
        assert left_files(self.tester) == []
        self.tester.finish()


TestLives = Lives.TestCase
TestLives.settings = hypothesis_settings(max_examples=30, stateful_step_count=30, deadline=None)
