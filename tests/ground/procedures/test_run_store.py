"""Runs are kept in a bounded number, and are what they were, or interrupted, or gone: never halves of themselves."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.system_files import SystemFiles
from kittiwake_ground.procedures.run import INTERRUPTED, PASSED, Run, RunStore

if TYPE_CHECKING:
    from pathlib import Path


def made(store: RunStore, id: int, **members: Any) -> Run:
    run = Run(id, "check", "station", "ada", {"rounds": 3}, ["A.b.RESET"], 1000 + id, **members)
    store.make(run)
    return run


def now_us() -> int:
    return 5000


def test_what_ran_when_the_server_ended_is_interrupted_and_the_rest_as_it_was(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    passed = made(store, 9, state=PASSED, ended_us=2000)
    made(store, 10)
    found = RunStore(tmp_path).load(now_us)
    assert list(found) == [9, 10]
    assert found[9] == passed
    assert (found[10].state, found[10].ended_us) == (INTERRUPTED, 5000)
    assert found[10].reason == "the ground station ended meanwhile"
    assert RunStore(tmp_path).load(lambda: 9999)[10].ended_us == 5000


def test_the_oldest_ended_runs_go_with_their_folders(tmp_path: Path) -> None:
    store = RunStore(tmp_path, keep=3)
    runs = {1: made(store, 1)}
    for id in range(2, 7):
        runs[id] = made(store, id, state=PASSED)
    store.prune(runs)
    assert list(runs) == [1, 5, 6]  # the first one is under way
    assert sorted(one.name for one in tmp_path.iterdir()) == ["1", "5", "6"]
    assert store.last_id() == 6


def test_a_record_that_cannot_be_read_now_hides_its_run_alone_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(tmp_path)
    runs = [made(store, id, state=PASSED) for id in (1, 2)]
    read = SystemFiles.read

    def silent(files: SystemFiles, path: str, limit: int) -> bytes:
        if path.endswith("1/run.json"):
            raise OSError(errno.EIO, "Input/output error", path)
        return read(files, path, limit)

    with monkeypatch.context() as broken:
        broken.setattr(SystemFiles, "read", silent)
        assert list(RunStore(tmp_path).load(now_us)) == [2]
    assert list(RunStore(tmp_path).load(now_us).values()) == runs


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 5000, b'{"id": 1', b"\xff" * 30, b'{"id": "1", "state": 5}'])
def test_a_broken_record_is_set_aside_and_its_number_not_given_again(content: bytes, tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    made(store, 1, state=PASSED)
    run = made(store, 2, state=PASSED)
    assert run.folder is not None
    (run.folder / "run.json").write_bytes(content)
    assert list(RunStore(tmp_path).load(now_us)) == [1]
    assert any(".bad." in one.name for one in run.folder.iterdir())
    assert store.last_id() == 2
    runs = {id: made(store, id, state=PASSED) for id in (3, 4)}
    RunStore(tmp_path, keep=2).prune(runs)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["3", "4"]


PLAIN = st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats(allow_nan=False) | st.text(max_size=20)


@given(st.dictionaries(st.text(max_size=8), PLAIN, max_size=4), st.text(max_size=20))
def test_a_record_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, arguments: dict[str, Any], reason: str
) -> None:
    store = RunStore(tmp_path_factory.mktemp("runs"))
    run = Run(1, "check", "station", "ada", arguments, [], 1, PASSED, reason, 2)
    store.make(run)
    assert store.load(now_us) == {1: run}
