"""Uploader under power cuts: a capture is whole here or there at every instant, and none is sent for ever."""

from __future__ import annotations

from typing import Any

from tests.components.power_cuts import cut_everywhere
from tests.components.uploader.uploader_bench import (
    Tester,
    capture_path,
    content,
    exists,
    far_files,
    left_files,
    publish,
    sidecar_of,
    uploader_tester,
)

WANTED = {capture_path(1): content(5, 700)}
TEMP = capture_path(2, "temp", "csv")


def is_here(tester: Tester, path: str) -> bool:
    return exists(tester, f"/captures/{path}") and exists(tester, f"/captures/{path}.json")


def is_there(tester: Tester, path: str) -> bool:
    far, data = far_files(tester), WANTED[path]
    return far.get(f"hive-7/{path}") == data and far.get(f"hive-7/{path}.json") == sidecar_of(data)


def test_an_upload_outlives_every_cut() -> None:
    """REQ-UP-014: nothing acknowledged is lost, or sent again; nothing unacknowledged is deleted."""

    def prepared(seed: int) -> Tester:
        tester = uploader_tester(seed, parameters={"AUTO_START": False, "KEEP_S": 1})
        for path, data in WANTED.items():
            publish(tester, path, data, tell=True)
        return tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        try:
            tester.send("START")
            tester.advance(2)
        finally:
            noted += [list(WANTED).index(event.args[0]) for event in tester.events.named("UploadDone")]

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        done = [list(WANTED)[place] for place in noted]
        assert all(is_there(tester, path) for path in done)
        assert all(is_here(tester, path) or is_there(tester, path) for path in WANTED)
        tester.send("START")
        tester.advance(20)
        assert all(is_there(tester, path) for path in WANTED)
        again = [event.args[0] for event in tester.events.named("UploadDone")]
        assert not set(again) & set(done)
        assert left_files(tester) == []
        assert not tester.component._marks.by_path

    assert cut_everywhere(prepared, scenario, judge) > 60


def test_making_room_outlives_every_cut() -> None:
    """REQ-UP-014, REQ-UP-013: the important one is never in danger, and no sidecar stays alone."""

    def prepared(seed: int) -> Tester:
        tester = uploader_tester(seed, remote="bucket_name=/gone", settings={"priorities": ["temp=0"]})
        publish(tester, capture_path(1), WANTED[capture_path(1)], tell=True)
        publish(tester, TEMP, b"21.5", tell=True)
        return tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        tester.set_parameter("QUOTA_BYTES", 950)
        tester.advance(1)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        assert is_here(tester, capture_path(1))
        tester.advance(301)
        assert exists(tester, f"/captures/{TEMP}.json") == exists(tester, f"/captures/{TEMP}")

    assert cut_everywhere(prepared, scenario, judge) >= 4
