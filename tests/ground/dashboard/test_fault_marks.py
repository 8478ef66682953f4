"""Faults of a sequence lie where the text is wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.faults import Fault
from kittiwake_ground.dashboard.fault_marks import MAX_MARKS, fault_marks

TEXT = "; survey\nR00:00:01 core.NO_OPP 5\n"


def test_a_fault_marks_its_line_its_word_and_says_what_is_wrong_behind_it() -> None:
    marks = fault_marks(TEXT, [Fault("x", 2, 11, "no command core.NO_OPP", "did you mean core.NO_OP?")])
    line, word, widget = marks
    assert line == {"kind": "line", "line": 2, "class": "kw-fault-line"}
    assert TEXT[word["from"] : word["to"]] == "core.NO_OPP"
    assert TEXT[widget["position"]] == "\n"
    assert widget["text"] == "no command core.NO_OPP (did you mean core.NO_OP?)"


def test_a_fault_behind_the_end_of_a_line_has_no_word() -> None:
    marks = fault_marks(TEXT, [Fault("x", 2, 99, "more is wanted")])
    assert [one["kind"] for one in marks] == ["line", "widget"]


@given(st.text(max_size=60), st.integers(-2, 80), st.integers(-2, 80))
def test_no_mark_lies_outside_the_text(text: str, line: int, column: int) -> None:
    for mark in fault_marks(text, [Fault("x", line, column, "wrong")]):
        for key in ("from", "to", "position"):
            assert 0 <= mark.get(key, 0) <= len(text)
        assert 1 <= mark.get("line", 1) <= text.count("\n") + 1
        assert mark["kind"] != "mark" or mark["from"] < mark["to"]


def test_a_text_full_of_faults_has_marks_for_the_first_ones() -> None:
    faults = [Fault("x", 1, 1, "wrong")] * (MAX_MARKS + 5)
    assert sum(mark["kind"] == "widget" for mark in fault_marks("x", faults)) == MAX_MARKS
