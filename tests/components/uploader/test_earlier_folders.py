"""Uploader: what lies in the folders into which the sensors recorded before the configuration named another one."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from kittiwake_components.uploader.output_folders import MAX_OUTPUTS
from tests.components.power_cuts import cut_everywhere
from tests.components.uploader.uploader_bench import (
    Tester,
    capture_path,
    content,
    exists,
    far_captures,
    publish,
    uploader_tester,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = content(6, 700)


def record_into(tester: Tester, output: str) -> None:
    """Changes the configuration, and lets the deployment start again: sensors keep their folder until then."""
    tester.write_file("/hive.toml", f'[global]\nlocal_output_directory = "{output}"\n'.encode())
    tester.restart()
    tester.advance(1)


def is_here(tester: Tester, output: str, number: int) -> bool:
    name = f"{output}/{capture_path(number)}"
    return exists(tester, name) and exists(tester, f"{name}.json")


def numbers_there(tester: Tester) -> Iterator[int]:
    there = far_captures(tester)
    return (number for number in range(30) if capture_path(number) in there)


def test_what_is_left_in_earlier_folders_is_uploaded_and_then_deleted() -> None:
    """REQ-UP-020: over restarts, with what a process published there after the next start; never unacknowledged."""
    with uploader_tester(parameters={"AUTO_START": False}) as tester:
        publish(tester, capture_path(1), DATA)
        record_into(tester, "/new")
        publish(tester, capture_path(2), DATA, output="/new")
        publish(tester, capture_path(3), DATA)
        record_into(tester, "/newest")
        tester.restart()
        tester.advance(301)
        assert tester.channels["UploadQueue"] == 3
        assert tester.channels["DiskUsed"] > 2100
        tester.files.fail_every("rename", errno.EIO)
        tester.send("START")
        tester.advance(1)
        assert [is_here(tester, *one) for one in (("/captures", 1), ("/new", 2), ("/captures", 3))] == [True] * 3
        tester.files.heal()
        tester.advance(100)
        assert list(numbers_there(tester)) == [1, 2, 3]
        tester.advance(301)
        assert not exists(tester, f"/captures/{capture_path(1).rpartition('/')[0]}")
        assert tester.channels["UploadQueue"] == tester.channels["DiskUsed"] == 0


def test_what_is_left_in_earlier_folders_goes_first_for_its_room() -> None:
    """REQ-UP-020, REQ-UP-013: the quota is that of all folders together."""
    with uploader_tester(remote="") as tester:
        publish(tester, capture_path(1), DATA)
        record_into(tester, "/new")
        publish(tester, capture_path(2), DATA, output="/new", tell=True)
        tester.advance(1)
        tester.set_parameter("QUOTA_BYTES", 1000)
        tester.advance(1)
        assert [event.args[0] for event in tester.events.named("CaptureDropped")] == [capture_path(1)]
        assert is_here(tester, "/new", 2)


def test_so_many_folders_are_remembered() -> None:
    """REQ-UP-020: those that hold nothing go first; of the others it is said which one is not."""
    with uploader_tester(remote="") as tester:
        publish(tester, capture_path(0), DATA)
        for number in range(1, MAX_OUTPUTS + 4):
            record_into(tester, f"/out{number}")
            if number > 4:
                publish(tester, capture_path(number), DATA, output=f"/out{number}")
            assert len(tester.component._output.names) <= MAX_OUTPUTS
        assert not tester.events.named("OutputForgotten")
        record_into(tester, "/last")
        assert [event.args[0] for event in tester.events.named("OutputForgotten")] == ["/captures"]
        assert tester.channels["UploadQueue"] == MAX_OUTPUTS - 1


def test_a_folder_that_cannot_be_read_holds_up_none_of_the_others() -> None:
    """REQ-UP-020, REQ-UP-010: it is looked at again later."""
    with uploader_tester(parameters={"AUTO_START": False}) as tester:
        publish(tester, capture_path(1), DATA)
        record_into(tester, "/new")
        publish(tester, capture_path(2), DATA, output="/new")
        tester.component._output.names = ["/new", "/../outside", "/captures"]
        tester.send("START")
        tester.advance(1)
        assert list(numbers_there(tester)) == [1, 2]
        assert "outside" in tester.events.named("OutputFailed")[0].args[0]


def test_an_earlier_folder_is_never_forgotten_by_a_power_cut() -> None:
    """REQ-UP-020, REQ-UP-014: wherever it comes while the folder changes."""

    def prepared(seed: int) -> Tester:
        tester = uploader_tester(seed, parameters={"AUTO_START": False})
        publish(tester, capture_path(1), DATA)
        tester.write_file("/hive.toml", b'[global]\nlocal_output_directory = "/new"\n')
        return tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        tester.call.hive_configured("/new")

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        tester.send("START")
        tester.advance(1)
        assert list(numbers_there(tester)) == [1]
        assert not exists(tester, f"/captures/{capture_path(1)}")
        assert tester.component._output.names == ["/new", "/captures"]

    assert cut_everywhere(prepared, scenario, judge) > 5
