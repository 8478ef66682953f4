"""Pages look as they were looked at: point by point on three panels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("PIL")

from PIL import Image, ImageChops, features

from kittiwake_components.display.drawing import draw_page
from kittiwake_components.display.lettering import FONTS, Lettering
from kittiwake_components.display.pages import MAX_ROWS, NONE, Page, Row, Source, pack_rows, read_source, unpack_rows
from kittiwake_components.display.ssd1680 import (
    ACTIVATE,
    COUNTER_X,
    FULL_UPDATE,
    PARTIAL_UPDATE,
    UPDATE_CONTROL,
    WRITE_NEW,
    WRITE_OLD,
    Ssd1680,
)
from tests.components.display.golden import FREETYPE, PANELS, cases, drawn, path_of

OTHER_FREETYPE_SHARE = 0.03


def share_of_other_points(one: Image.Image, other: Image.Image) -> float:
    """How many points differ clearly, of all."""
    changed = ImageChops.difference(one.convert("L"), other.convert("L")).point(lambda level: 255 * (level > 96))
    return changed.histogram()[255] / (one.width * one.height)


@pytest.mark.parametrize("page, panel, font", cases())
def test_a_page_is_drawn_as_it_was_looked_at(page: str, panel: str, font: str) -> None:
    """REQ-DI-001, REQ-DI-002."""
    picture = drawn(page, panel, font)
    with Image.open(path_of(page, panel, font)) as golden:
        assert picture.size == golden.size == PANELS[panel][0]
        # Text in the outline font is set by FreeType, whose versions differ in single points.
        if font == "bitmap" or (features.version("freetype2") or "").startswith(FREETYPE):
            assert ImageChops.difference(picture.convert("RGB"), golden.convert("RGB")).getbbox() is None
        else:
            assert share_of_other_points(picture, golden) < OTHER_FREETYPE_SHARE


def test_a_picture_that_differs_is_found() -> None:
    one, other = drawn("device", "epaper", "outline"), drawn("status", "epaper", "outline")
    assert share_of_other_points(one, other) > OTHER_FREETYPE_SHARE


@pytest.mark.parametrize("font", FONTS)
def test_text_that_is_too_long_ends_in_an_ellipsis(font: str) -> None:
    """REQ-DI-003."""
    letters = Lettering(Image.new("1", (200, 20)), font)
    assert letters.cut("short", 11, 200) == "short"
    cut = letters.cut("a machine id that nobody can read at once", 11, 90)
    assert cut.endswith(("…", "..."))
    assert letters.width(cut, 11) <= 90


def test_the_font_has_what_stands_for_the_unknown_and_for_the_rest() -> None:
    """REQ-DI-003, REQ-DI-005."""

    def shape(text: str) -> bytes:
        image = Image.new("1", (30, 30))
        Lettering(image, "outline").write(5, 22, text, 18, 1)
        return image.tobytes()

    missing = shape("\ue000")
    assert missing not in (shape(NONE), shape("…"), shape("°"))
    assert shape("\u2013") == missing  # were it there, it would be the better dash


texts = st.text(max_size=20)
rows = st.builds(Row, texts, texts, st.text(max_size=6), st.none() | st.floats(0, 1, width=32))


@given(st.lists(rows, max_size=MAX_ROWS), st.sampled_from(sorted(PANELS)), st.sampled_from(FONTS), texts)
def test_any_page_can_be_drawn(rows: list[Row], panel: str, font: str, title: str) -> None:
    """REQ-DI-002."""
    size, colours, mode = PANELS[panel]
    assert draw_page(Page(title, tuple(rows)), size, colours, mode, font).size == size


@given(st.lists(rows, max_size=MAX_ROWS))
def test_rows_come_back(rows: list[Row]) -> None:
    """REQ-DI-004."""
    assert list(unpack_rows(pack_rows(rows))) == rows


@given(st.binary(max_size=80))
def test_rows_that_make_no_sense_are_refused_in_words(data: bytes) -> None:
    """REQ-DI-004."""
    try:
        rows = unpack_rows(data)
    except ValueError as fault:
        told = str(fault)
    else:
        told = "sound" if len(rows) <= MAX_ROWS else ""
    assert told


def test_a_declared_row_is_read() -> None:
    """REQ-DI-005."""
    assert read_source("Tank level: plant.tank.Level 0..500") == Source("Tank level", "plant.tank.Level", 0.0, 500.0)
    assert read_source("Mode:a.Mode") == Source("Mode", "a.Mode")
    for wrong in ("Mode", "Mode: Mode", ": a.B", "A: a.B 5..5", "A: a.B 0..inf", "A: a.B 0-5", "A: a.B 0..5 6"):
        with pytest.raises(ValueError, match=r"wanted|LOW"):
            read_source(wrong)


class Line:
    """A serial line to a controller, and the controller's memories as the data sheet has them."""

    def __init__(self) -> None:
        self.memories: dict[int, bytes] = {}
        self.updates: list[int] = []
        self._command = 0

    def command(self, command: int) -> None:
        self._command = command

    def data(self, data: list[int]) -> None:
        if self._command in (WRITE_NEW, WRITE_OLD):
            self.memories[self._command] = bytes(data)
        elif self._command == UPDATE_CONTROL:
            self.updates.extend(data)
        assert self._command != ACTIVATE
        assert self._command != COUNTER_X or data == [0]


def test_e_paper_gets_the_picture_turned_as_its_rows_lie_and_the_one_before_it() -> None:
    """REQ-DI-006."""
    line = Line()
    paper = Ssd1680(line, (250, 122))
    first, second = drawn("device", "epaper", "outline"), drawn("status", "epaper", "outline")
    paper.show(first, is_full=False)
    assert len(line.memories[WRITE_NEW]) == 16 * 250
    turned = Image.frombytes("1", (122, 250), line.memories[WRITE_NEW])
    assert turned.transpose(Image.Transpose.ROTATE_270).tobytes() == first.tobytes()
    paper.show(second, is_full=False)
    assert line.memories[WRITE_OLD] == turned.tobytes()
    paper.show(first, is_full=True)
    assert line.updates == [FULL_UPDATE, PARTIAL_UPDATE, FULL_UPDATE]
