"""The sequences that the ground station keeps: no name leads out of their folder, nothing is lost unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.dashboard import sequence_texts
from kittiwake_ground.dashboard.sequence_texts import SequenceTextFault, SequenceTexts


@pytest.fixture
def texts(tmp_path: Path) -> SequenceTexts:
    return SequenceTexts(tmp_path / "sequences" / "station")


def test_a_text_is_kept_listed_read_and_deleted(texts: SequenceTexts) -> None:
    assert texts.names() == []
    assert texts.write("survey", "R00:00:01 a.B\n", None) == "survey.seq"
    assert texts.write("a.first.seq", "", None) == "a.first.seq"
    assert texts.names() == ["a.first.seq", "survey.seq"]
    assert texts.read("survey") == texts.read("survey.seq") == "R00:00:01 a.B\n"
    texts.delete("survey.seq")
    assert texts.names() == ["a.first.seq"]


def test_nobodys_work_is_written_over_unseen(texts: SequenceTexts) -> None:
    texts.write("survey", "one", None)
    with pytest.raises(SequenceTextFault, match=r"there is a survey\.seq already"):
        texts.write("survey", "two", None)
    texts.write("survey", "two", "one")
    with pytest.raises(SequenceTextFault, match="somebody else has changed"):
        texts.write("survey", "three", "one")
    assert texts.read("survey") == "two"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc/passwd", ".hidden", "a\0b", "x" * 61, "a b", "-x"]
)
def test_a_name_that_is_none_is_refused(name: str, texts: SequenceTexts) -> None:
    for act in (texts.read, texts.delete, lambda one: texts.write(one, "", None)):
        with pytest.raises(SequenceTextFault, match="is no name for a sequence"):
            act(name)
    assert not texts.folder.exists()


@given(st.text(max_size=70))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    texts = SequenceTexts(Path("/kept/station"))
    try:
        path = texts._path(name)
    except SequenceTextFault:
        return
    assert path.parent == texts.folder
    assert path.suffix == ".seq"


def test_what_is_too_much_is_refused(texts: SequenceTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_texts, "MAX_TEXTS", 1)
    monkeypatch.setattr(sequence_texts, "MAX_TEXT_BYTES", 4)
    with pytest.raises(SequenceTextFault, match="longer than 4 bytes"):
        texts.write("long", "12345", None)
    texts.write("first", "1234", None)
    with pytest.raises(SequenceTextFault, match="1 sequences are kept already"):
        texts.write("second", "", None)
    (texts.folder / "first.seq").write_bytes(b"12345")
    with pytest.raises(SequenceTextFault, match="longer than 4 bytes"):
        texts.read("first")


def test_a_file_that_is_no_text_is_told(texts: SequenceTexts) -> None:
    texts.write("first", "", None)
    (texts.folder / "first.seq").write_bytes(b"\xff\xfe")
    with pytest.raises(SequenceTextFault, match="not UTF-8"):
        texts.read("first")
