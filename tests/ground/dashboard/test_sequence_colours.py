"""The colours of a sequence's text lie on its times, commands, texts and comments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.dashboard.sequence_colours import MAX_LINES, colour_marks


def coloured(text: str) -> list[tuple[str, str]]:
    return [
        (mark["class"].removeprefix("kw-sequence-"), text[mark["from"] : mark["to"]]) for mark in colour_marks(text)
    ]


def test_every_part_of_a_line_has_its_colour() -> None:
    text = '; survey\nR00:00:01 core.dispatcher.SAY "a; b" 5 ; why\nA2026-001T00:00:00 core.NO_OP'
    assert coloured(text) == [
        ("comment", "; survey"),
        ("time", "R00:00:01"), ("command", "core.dispatcher.SAY"), ("text", '"a; b"'), ("comment", "; why"),
        ("time", "A2026-001T00:00:00"), ("command", "core.NO_OP"),
    ]  # fmt: skip


@given(st.text(alphabet="R0:;\"'\\ab.\n ", max_size=60))
def test_colours_follow_one_another_within_the_text(text: str) -> None:
    end = 0
    for mark in colour_marks(text):
        assert end <= mark["from"] < mark["to"] <= len(text)
        end = mark["to"]


def test_a_long_text_is_coloured_in_part() -> None:
    assert len(colour_marks("R00:00:00\n" * (MAX_LINES + 9))) == MAX_LINES
