"""Saved chart layouts: whose they are, their bounds, and that nobody overwrites what they have not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.server import layouts as layouts_module
from kittiwake_ground.server.layouts import (
    MAX_SPAN_S,
    SHARED,
    Layout,
    LayoutChanged,
    LayoutRefused,
    Layouts,
    NoSuchLayout,
)

if TYPE_CHECKING:
    from pathlib import Path


def layout(name: str = "power", owner: str = "ada", **more: Any) -> Layout:
    return Layout("ref", owner, name, **{"channels": ("a.B", "a.C"), **more})


def test_one_sees_ones_own_and_those_for_all_also_after_a_restart(tmp_path: Path) -> None:
    made = Layouts(tmp_path)
    for owner in ("ada", "bob", SHARED):
        made.save(layout(owner=owner), 0)
    made.save(Layout("other", SHARED, "x", ("a.B",)), 0)
    for one in (made, Layouts(tmp_path)):
        assert [found.owner for found in one.seen_by("ada", "ref")] == [SHARED, "ada"]
        assert one.get("ref", "bob", "power") == layout(owner="bob")


def test_of_two_who_change_one_the_second_is_told(tmp_path: Path) -> None:
    made = Layouts(tmp_path)
    first = made.save(layout(), 0)
    second = made.save(layout(span_s=60), first.version)
    assert (first.version, second.version) == (1, 2)
    with pytest.raises(LayoutChanged, match="was changed"):
        made.save(layout(span_s=70), first.version)
    with pytest.raises(LayoutChanged, match="exists already"):
        made.save(layout(), 0)
    with pytest.raises(LayoutChanged, match="was changed"):
        made.remove("ref", "ada", "power", first.version)
    assert made.get("ref", "ada", "power").span_s == 60
    made.remove("ref", "ada", "power", second.version)
    with pytest.raises(LayoutChanged, match="was removed"):
        made.save(layout(), second.version)
    with pytest.raises(NoSuchLayout):
        made.remove("ref", "ada", "power", 2)


def test_there_are_so_many_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts_module, "MAX_OF_A_PERSON", 2)
    monkeypatch.setattr(layouts_module, "MAX_LAYOUTS", 3)
    made = Layouts(tmp_path)
    for name in "ab":
        made.save(layout(name), 0)
    with pytest.raises(LayoutRefused, match="ada have 2"):
        made.save(layout("c"), 0)
    made.save(layout("c", "bob"), 0)
    with pytest.raises(LayoutRefused, match="3 layouts already"):
        made.save(layout("d", "eve"), 0)
    made.save(layout("a", span_s=9), 1)


@pytest.mark.parametrize(
    "more",
    [
        {"name": ""}, {"name": " x"}, {"name": "x" * 81}, {"name": "a\nb"}, {"channels": ()},
        {"channels": tuple("abcdefghi")}, {"channels": ("a", "a")}, {"span_s": 0}, {"span_s": MAX_SPAN_S + 1},
        {"over_s": 60}, {"over_s": -1, "live": False}, {"over_s": MAX_SPAN_S + 1, "live": False},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(LayoutRefused):
        layout(**more)


def test_a_bad_file_is_set_aside_and_the_one_before_it_used(tmp_path: Path) -> None:
    made = Layouts(tmp_path)
    made.save(layout("a"), 0)
    made.save(layout("b"), 0)
    (tmp_path / "layouts.json").write_text("{")
    assert [one.name for one in Layouts(tmp_path).seen_by("ada", "ref")] == ["a"]
    assert len(list(tmp_path.glob("layouts.json.bad.*"))) == 1


@given(content=st.binary(max_size=60))
def test_no_content_of_the_file_is_a_traceback(content: bytes) -> None:
    reason = layouts_module._complaint(content)
    assert reason is None or reason.startswith("is no file of layouts")
