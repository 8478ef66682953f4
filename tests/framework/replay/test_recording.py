"""The file of a recording: its blocks, its limit, and what is read of one that is torn or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.replay import recording
from kittiwake.replay.recording import CALL, DRIVE, NOW, WALL, NotARecording, Recorder, Recording, records_of
from kittiwake.replay.values import ValueDamaged
from kittiwake.storage.journal import Journal

if TYPE_CHECKING:
    from kittiwake.platform.simulated_files import SimulatedFiles

PATH = "/flight"
Read = list[tuple[int, tuple[Any, ...]]]
readings = st.tuples(st.integers(NOW, WALL), st.tuples(st.integers(0, 1 << 62)))
arguments = st.tuples(st.binary(max_size=20))
calls = st.tuples(st.just(CALL), st.tuples(st.integers(0, 99), st.just(0), arguments, st.just((0, None))))
entries = st.lists(readings | calls | st.none(), max_size=30)


def written(what: list[Any], **options: Any) -> tuple[SimulatedFiles, Recorder]:
    """A recording of what is given; `None` begins another block."""
    files = SimulatedPlatform().files
    recorder = Recorder(files, PATH, {"image": b"x"}, **options)
    for one in what:
        if one is None:
            recorder.flush()
        elif one[0] <= WALL:
            recorder.showed(one[0], *one[1])
        else:
            recorder.add(one[0], *one[1])
    return files, recorder


def read(files: SimulatedFiles) -> tuple[Read, str]:
    found = Recording(files, PATH)
    assert found.header == {"image": b"x"}
    records = list(records_of(found.blocks()))
    found.close()
    return records, found.ended


@given(entries)
def test_what_was_recorded_is_read_again(what: list[Any]) -> None:
    files, recorder = written(what)
    recorder.close("done")
    assert read(files) == ([one for one in what if one is not None], "done")


@given(entries, st.data())
def test_a_torn_recording_is_read_up_to_the_tear(what: list[Any], data: st.DataObject) -> None:
    files, recorder = written(what)
    header_end = written([])[1].size
    recorder.close("done")
    with files.open(PATH, "w") as file:
        file.truncate(data.draw(st.integers(header_end, file.size())))
    records, _ = read(files)
    assert records == [one for one in what if one is not None][: len(records)]


@given(entries, st.integers(60, 400), st.integers(1, 255))
def test_a_damaged_recording_is_read_up_to_the_damage(what: list[Any], place: int, flip: int) -> None:
    files, recorder = written(what)
    recorder.close("done")
    size = files.size(PATH)
    with files.open(PATH, "w") as file:
        at = min(place, size - 1)
        file.write_at(at, bytes([file.read_at(at, 1)[0] ^ flip]))
    records, ended = read(files)
    assert records == [one for one in what if one is not None][: len(records)]
    assert ended != "done"


@given(st.binary(max_size=80))
def test_garbage_in_a_block_is_records_or_is_refused(garbage: bytes) -> None:
    try:
        for _ in records_of(iter([garbage])):
            pass
    except ValueDamaged:
        pass


def test_a_file_of_something_else_is_no_recording_and_stays_as_it_is() -> None:
    files = SimulatedPlatform().files
    for content in (b"", b"something else", b"KWJL\0\x01\0\0"):
        with files.open(PATH, "w") as file:
            file.truncate(0)
            file.write_at(0, content)
        with pytest.raises(NotARecording):
            Recording(files, PATH)
        assert files.read(PATH, 100) == content
    files.remove(PATH)
    journal = Journal(files, PATH, recording.VERSION, record_limit=100, size_limit=1000)
    journal.open()
    journal.append(b"somebody else's record")
    journal.close()
    with pytest.raises(NotARecording, match="no header"):
        Recording(files, PATH)


def test_a_recording_ends_at_its_limit_says_so_and_counts_what_comes_after() -> None:
    files, recorder = written([], size_limit=20_000)
    noise = SimulatedPlatform(5).random
    for _ in range(40):
        recorder.add(CALL, 1, 1, (noise.token_bytes(1000),), (0, None))
        recorder.flush()
    assert files.size(PATH) <= 20_000
    assert recorder.ended == "it has reached its limit of 20000 bytes"
    records, ended = read(files)
    assert ended == recorder.ended
    assert 10 < len(records) == 40 - recorder.dropped


def test_a_full_disk_ends_the_recording_and_not_the_flight() -> None:
    files, recorder = written([(NOW, (1,)), None])
    files.disk.capacity = files.size(PATH)
    recorder.showed(NOW, 2)
    recorder.flush()
    recorder.showed(NOW, 3)
    recorder.close("done")
    assert "No space" in recorder.ended
    assert recorder.dropped == 2
    assert read(files)[0] == [(NOW, (1,))]


def test_what_is_no_value_ends_the_recording_and_not_the_flight() -> None:
    files, recorder = written([(NOW, (1,))])
    recorder.add(DRIVE, (object(),))
    recorder.showed(NOW, 2)
    recorder.close("done")
    assert read(files) == (
        [(NOW, (1,))],
        "something in it is no value: builtins.object is no value that a recording knows",
    )
    assert recorder.dropped == 2
