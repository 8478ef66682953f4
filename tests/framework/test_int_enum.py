"""Integer enumerations: what is quickly made is what `enum.IntEnum` makes."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.int_enum import IntEnum, int_enum

if TYPE_CHECKING:
    from collections.abc import Callable

STDLIB: Any = enum.IntEnum


class Colour(IntEnum):
    """What a lamp shows."""

    RED = 1
    GREEN = 2
    CRIMSON = 1
    DARK = -7

    @property
    def is_lit(self) -> bool:
        """Whether it shows anything."""
        return self.value > 0

    @classmethod
    def brightest(cls) -> Colour:
        """The first of them."""
        return cls.RED


class Reference(STDLIB):  # type: ignore[misc]
    """What a lamp shows."""

    RED = 1
    GREEN = 2
    CRIMSON = 1
    DARK = -7

    @property
    def is_lit(self) -> bool:
        """Whether it shows anything."""
        return bool(self.value > 0)

    @classmethod
    def brightest(cls) -> Any:
        """The first of them."""
        return cls.RED


def outcome(call: Callable[[], Any]) -> str:
    """What comes of a call, with either class called by one name."""
    try:
        shown = repr(call())
    except (TypeError, ValueError, AttributeError, KeyError) as fault:
        shown = repr(fault)
    return shown.replace("Reference", "Colour")


@pytest.mark.parametrize(
    "use",
    [
        lambda cls: cls,
        lambda cls: type(cls),
        lambda cls: (cls.__mro__[1:], cls.__module__, cls.__qualname__, cls.__doc__),
        lambda cls: (list(cls), list(reversed(cls)), len(cls), bool(cls)),
        lambda cls: (cls.__members__, dir(cls)),
        lambda cls: (cls(2), cls["DARK"], cls.CRIMSON, cls.RED is cls.CRIMSON, cls.brightest()),
        lambda cls: cls(3),
        lambda cls: cls("RED"),
        lambda cls: cls["BLUE"],
        lambda cls: cls.BLUE,
        lambda cls: (cls.RED.name, cls.RED.value, cls.DARK.is_lit),
        lambda cls: (str(cls.RED), f"{cls.RED}", f"{cls.GREEN:03d}", repr(cls.DARK)),
        lambda cls: (
            cls.RED in cls,
            isinstance(cls.RED, int),
            isinstance(cls.RED, enum.Enum),
            issubclass(cls, enum.IntEnum),
        ),
        lambda cls: (cls.RED == 1, cls.RED < cls.GREEN, cls.RED | cls.GREEN, {1: "one"}[cls.RED], hash(cls.DARK)),
        lambda cls: setattr(cls, "RED", 5),
        lambda cls: delattr(cls, "RED"),
        lambda cls: setattr(cls.RED, "value", 5),
        lambda cls: type("More", (cls,), {}),
        lambda cls: (pickle.loads(pickle.dumps(cls.GREEN)) is cls.GREEN, copy.deepcopy(cls.RED) is cls.RED),
        lambda cls: json.dumps({"colour": cls.GREEN}),
    ],
)
def test_it_is_as_the_standard_library_makes_it(use: Callable[[Any], Any]) -> None:
    assert outcome(lambda: use(Colour)) == outcome(lambda: use(Reference))


@given(st.dictionaries(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,5}\Z"), st.integers(), min_size=1, max_size=20))
def test_any_members_are_as_the_standard_library_has_them(values: dict[str, int]) -> None:
    ours = int_enum("Made", {"__module__": __name__, **values})
    theirs = enum.IntEnum("Made", values)  # type: ignore[misc]
    assert [(one.name, one.value) for one in ours] == [(one.name, one.value) for one in theirs]
    assert [(key, one.name) for key, one in ours.__members__.items()] == [
        (key, one.name) for key, one in theirs.__members__.items()
    ]
    assert all(getattr(ours, key) is ours[key] is ours(value) for key, value in values.items())


@pytest.mark.parametrize("value", [enum.auto(), True, "one", 1.0, (1, 2), None])
def test_a_member_that_is_no_plain_integer_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"Made.A is no plain integer"):
        int_enum("Made", {"A": value})


def test_one_without_members_is_refused() -> None:
    with pytest.raises(TypeError, match="Made has no members"):
        int_enum("Made", {"__module__": __name__})
