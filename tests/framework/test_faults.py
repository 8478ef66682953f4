"""Faults with positions: how they are ordered and shown."""

from __future__ import annotations

from kittiwake.faults import MAX_RENDERED, Fault, Faults, did_you_mean, nearest_name, render


def test_a_fault_is_shown_with_its_line_a_caret_and_its_hint() -> None:
    shown = render([Fault("a.seq", 2, 5, "no such thing", "did you mean that?")], {"a.seq": "one\nabc\tdef\nthree"})
    assert shown.split("\n") == [
        "a.seq:2:5: no such thing",
        "    abc\tdef",
        "       \t^",
        "    did you mean that?",
    ]


def test_a_fault_in_an_unknown_file_or_line_is_shown_without_its_line() -> None:
    assert render([Fault("gone", 1, 1, "lost")], {}) == "gone:1:1: lost"
    assert render([Fault("short", 9, 1, "beyond")], {"short": "x"}) == "short:9:1: beyond"


def test_a_long_line_is_cut_around_the_column() -> None:
    head, line, caret = render([Fault("f", 1, 501, "here")], {"f": "a" * 500 + "X" + "b" * 500}).split("\n")
    assert head == "f:1:501: here"
    assert len(line) <= 124
    assert line[caret.index("^")] == "X"


def test_faults_are_in_the_order_of_their_lines() -> None:
    faults = Faults([Fault("b", 1, 1, "x"), Fault("a", 2, 9, "y"), Fault("a", 2, 3, "z", "h")], {"a": "\nabcdefghij"})
    assert [fault.message for fault in faults.faults] == ["z", "y", "x"]
    assert str(faults) == "a:2:3: z (h)\na:2:9: y\nb:1:1: x"
    assert "  ^" in faults.render()


def test_more_faults_than_the_limit_are_counted() -> None:
    shown = render([Fault("f", 1, 1, "x")] * (MAX_RENDERED + 3), {})
    assert shown.endswith("\nand 3 more faults")


def test_the_nearest_name_ignores_case_and_refuses_the_far() -> None:
    names = ["cmdDisp.CMD_NO_OP", "events.SET_ID_FILTER"]
    assert nearest_name("cmddisp.CMD_NOOP", names) == "cmdDisp.CMD_NO_OP"
    assert nearest_name("zzz", names) is None
    assert did_you_mean("events.SET_ID_FLITER", names) == "did you mean events.SET_ID_FILTER?"
    assert did_you_mean("zzz", names) == ""
