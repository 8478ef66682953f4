"""Settings are read from the text of a command line as their kinds say."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from kittiwake.model.component import PassiveComponent
from kittiwake.model.parameters import Setting
from kittiwake.runtime.settings import SettingFault, read_setting


def ascending(values: list[int]) -> None:
    if values != sorted(values):
        raise ValueError(f"{values} do not ascend")


class Set(PassiveComponent):
    count = Setting(int, default=0, low=0, high=20)
    ratio = Setting(float, default=0.0)
    on = Setting(bool, default=False)
    title = Setting(str, default="")
    limits = Setting(list[int], default=[], check=ascending)
    names = Setting(list[str], default=[])
    table = Setting(dict[str, int], default={})


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("settled")
    made.Set = Set  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "settled", made)


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("count", "0x10", 16),
        ("ratio", "2.5", 2.5),
        ("on", "TRUE", True),
        ("on", "false", False),
        ("title", "a=b, c", "a=b, c"),
        ("limits", "1, 2,3", [1, 2, 3]),
        ("limits", "", []),
        ("names", "a, b", ["a", "b"]),
    ],
)
def test_a_text_becomes_a_value_of_its_kind(name: str, text: str, value: Any) -> None:
    assert read_setting("settled:Set", name, text) == value


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("gone", "1", "there is no such setting"),
        ("count", "1.5", "'1.5' is no number"),
        ("count", "21", "21 is outside 0 to 20"),
        ("ratio", "much", "'much' is no number"),
        ("on", "yes", "'yes' is neither true nor false"),
        ("limits", "1,x", "'x' is no number"),
        ("limits", "2,1", r"\[2, 1\] do not ascend"),
        ("table", "a", "only in the topology file"),
    ],
)
def test_a_text_that_is_no_value_says_why(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingFault, match=message):
        read_setting("settled:Set", name, text)
