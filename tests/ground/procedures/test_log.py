"""The log of a run: whatever is written comes back, at whatever place reading begins or writing broke off."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.client import runlog
from kittiwake_ground.client.runlog import RunLog, entry_line
from kittiwake_ground.procedures import reading
from kittiwake_ground.procedures.reading import last_entry, read_log

KINDS = st.sampled_from(["step", "note", "command", "wait", "expectation", "transfer", "sequence", "end", "else"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.dictionaries(
    st.sampled_from(["name", "text", "number", "life", "state", "seen", "outcome", "reason", "arguments"]), VALUES
)
ENTRIES = st.lists(st.tuples(KINDS, FIELDS), max_size=8)


def written(folder: Path, entries: list[tuple[str, dict[str, Any]]]) -> Path:
    with RunLog("procedure", folder, "http://127.0.0.1:1", lambda log: None, run=1) as log:
        for kind, fields in entries:
            log.add(kind, **fields)
    return log.path


@given(ENTRIES, st.floats(0, 1))
def test_pieces_are_the_whole_and_a_cut_log_has_a_beginning_of_its_entries(
    entries: list[tuple[str, dict[str, Any]]], share: float
) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), entries)
        whole = read_log(path)
        assert [one["kind"] for one in whole.entries] == ["begin", *[kind for kind, _ in entries], "end"]
        for one, (_, fields) in zip(whole.entries[1:-1], entries, strict=True):
            assert json.loads(json.dumps(fields)).items() <= one.items()
        assert whole.next == path.stat().st_size
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        first = read_log(path)
        assert first.entries == whole.entries[: len(first.entries)]
        path.write_bytes(content)
        assert first.entries + read_log(path, first.next).entries == whole.entries
        assert last_entry(path) == whole.entries[-1]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_any_bytes_are_read_and_shown(content: bytes, start: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(content)
        found = read_log(path, start)
        assert found.next <= max(len(content), start)
        for entry in found.entries:
            assert "\n" not in entry_line(entry)


@given(st.dictionaries(st.sampled_from(["time", "kind", "life", "arguments", "seen", "met", "cut"]), VALUES), KINDS)
def test_any_entry_is_one_printable_line(entry: dict[str, Any], kind: str) -> None:
    assert entry_line({**entry, "kind": kind}).isprintable()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlog, "MAX_SIZE", 2000)
    monkeypatch.setattr(reading, "MAX_READ", 600)


def test_a_log_is_bounded_and_its_end_says_how_much_is_left_out(small: None, tmp_path: Path) -> None:
    path = written(tmp_path, [("note", {"text": "x" * 100})] * 50)
    assert path.stat().st_size < 2500
    entries, start = [], 0
    while piece := read_log(path, start):
        if not piece.entries:
            break
        entries += piece.entries
        start = piece.next
    kept = [one["kind"] for one in entries]
    assert entries[-1]["left_out"] + kept.count("note") == 50
    assert "entries were left out" in entry_line(entries[-1])
    assert path.with_suffix(".txt").read_text().splitlines()[-1].endswith("entries were left out)")
