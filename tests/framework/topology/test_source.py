"""Reading YAML with positions: what stands where, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.topology.source import (
    MAX_DEPTH,
    MAX_FILE_BYTES,
    Items,
    Report,
    Scalar,
    Table,
    plain,
    read_file,
    read_text,
)

if TYPE_CHECKING:
    from pathlib import Path


def fault_of(text: str) -> tuple[int, int, str]:
    report = Report()
    read_text(text, "t.yaml", report)
    (fault,) = report.faults
    return fault.line, fault.col, fault.message


def test_every_key_and_value_knows_its_place() -> None:
    root = read_text("a:\n  bc: [x, 'y z']\n", "t.yaml", Report())
    assert isinstance(root, Table)
    inner = root.entries["a"][1]
    assert isinstance(inner, Table)
    key, values = inner.entries["bc"]
    assert (key.line, key.col) == (2, 3)
    assert isinstance(values, Items)
    assert [(item.line, item.col) for item in values.items] == [(2, 8), (2, 11)]


@pytest.mark.parametrize(
    "text, value",
    [
        ("0x10003000", 0x10003000), ("12", 12), ("-3", -3), ("1_000", 1000), ("0b101", 5), ("0o17", 15),
        ("1.5", 1.5), ("-2e3", -2000.0), (".5", 0.5),
        ("true", True), ("false", False), ("null", None), ("~", None),
        ("on", "on"), ("yes", "yes"), ("012", "012"), ("1:30", "1:30"), ("2026-01-01", "2026-01-01"),
        ("1.2.3", "1.2.3"),
        ("'12'", "12"), ('"true"', "true"),
    ],
)  # fmt: skip
def test_words_are_what_they_look_like(text: str, value: object) -> None:
    root = read_text(f"key: {text}", "t.yaml", Report())
    assert root is not None
    found = plain(root)["key"]
    assert (type(found), found) == (type(value), value)


def test_a_fault_inside_a_text_is_pointed_at_behind_its_quotes() -> None:
    report = Report()
    root = read_text("- plain text\n- 'quoted text'\n- \"esc\\taped text\"\n", "t.yaml", report)
    assert isinstance(root, Items)
    for item in root.items:
        report.add(item, "here", offset=6)
    assert [fault.col for fault in report.faults] == [9, 10, 3]


@pytest.mark.parametrize(
    "text, line, col, part",
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "a is here a second time; it is already in line 1"),
        ("a: &x 1\nb: *x\n", 1, 4, "anchors and aliases"),
        ("a: !!python/object:os.system x\n", 1, 4, "tags such as"),
        ("a: !own x\n", 1, 4, "tags such as !own"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document"),
        ("a: [1, 2\nb: 3\n", 2, 2, "is not YAML"),
        ("a:\n\t- 1\n", 2, 1, "is not YAML"),
        ("[a, b]: 1\n", 1, 1, "a key is a word"),
        ("", 1, 1, "is empty"),
        ("# nothing\n", 1, 1, "is empty"),
        ("a: b\x07\n", 1, 5, "is not YAML"),
        ("a: " + "[" * (MAX_DEPTH + 5), 1, 3 + MAX_DEPTH, "nested deeper"),
    ],
)
def test_what_is_refused_is_refused_with_its_place(text: str, line: int, col: int, part: str) -> None:
    found_line, found_col, message = fault_of(text)
    assert part in message
    assert (found_line, found_col) == (line, col)


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30))
    assert fault_of(bomb)[:2] == (1, 4)


def test_a_file_that_is_too_large_or_not_utf_8_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    found = []
    for name in ("large.yaml", "latin.yaml", "absent.yaml"):
        report = Report()
        assert read_file(tmp_path / name, name, report) is None
        found += [(fault.file, fault.line, fault.col) for fault in report.faults]
    assert found == [("large.yaml", 1, 1), ("latin.yaml", 2, 4), ("absent.yaml", 1, 1)]


def test_a_byte_order_mark_moves_no_position(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfkey: 1\n")
    root = read_file(tmp_path / "bom.yaml", "bom.yaml", Report())
    assert isinstance(root, Table)
    assert root.entries["key"][0].col == 1


WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, blacklist_categories=["Cc"]), max_size=12)
PLAIN = st.recursive(
    st.integers(-(2**70), 2**70) | st.booleans() | st.none() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_json_is_read_as_json(value: object) -> None:
    text = json.dumps({"key": value}, ensure_ascii=False)
    report = Report()
    root = read_text(text, "t.yaml", report)
    if root is None:
        assert "nested deeper" in report.faults[0].message
    else:
        assert (plain(root), report.faults) == ({"key": value}, [])


@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>'\"\n #,?%@`\t", max_size=40))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    report = Report()
    root = read_text(text.encode("utf-8", "replace").decode(), "t.yaml", report)
    assert root is not None or report.faults


def test_a_scalar_keeps_how_it_was_written() -> None:
    root = read_text("id: 0x0010", "t.yaml", Report())
    assert isinstance(root, Table)
    value = root.entries["id"][1]
    assert isinstance(value, Scalar)
    assert (value.text, value.value) == ("0x0010", 16)
