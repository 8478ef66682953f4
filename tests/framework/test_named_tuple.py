"""Named tuples: what is quickly made is what `typing.NamedTuple` makes."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import U8, wire_struct
from kittiwake.named_tuple import NamedTuple, named_tuple

if TYPE_CHECKING:
    from collections.abc import Callable

STDLIB: Any = typing.NamedTuple


class Place(NamedTuple):
    """Where something is."""

    name: str
    north: float = 0.0
    east: float = 1.5

    @property
    def is_named(self) -> bool:
        """Whether it has a name."""
        return bool(self.name)

    def moved(self, north: float) -> Place:
        """A place further north."""
        return self._replace(north=self.north + north)


class Reference(STDLIB):  # type: ignore[misc]
    """The same, by the standard library."""

    name: str
    north: float = 0.0
    east: float = 1.5


class Harbour(Place):
    """Derived from a named tuple, with no field of its own."""


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (TypeError, AttributeError) as fault:
        return type(fault)


@pytest.mark.parametrize(
    "use",
    [
        lambda cls: tuple(cls("a", 1.0, 2.0)),
        lambda cls: tuple(cls("a")),
        lambda cls: tuple(cls(east=3.0, name="a")),
        lambda cls: cls(),
        lambda cls: cls("a", 1.0, 2.0, 3.0),
        lambda cls: cls("a", south=1.0),
        lambda cls: cls("a", name="b"),
        lambda cls: cls("a").north,
        lambda cls: cls("a") == ("a", 0.0, 1.5),
        lambda cls: hash(cls("a")) == hash(("a", 0.0, 1.5)),
        lambda cls: cls._fields,
        lambda cls: cls._field_defaults,
        lambda cls: cls.__match_args__,
        lambda cls: cls("a")._asdict(),
        lambda cls: tuple(cls("a")._replace(north=9.0)),
        lambda cls: tuple(cls._make(["a", 1.0, 2.0])),
        lambda cls: cls._make([]),
        lambda cls: repr(cls("a")).partition("(")[2],
        lambda cls: setattr(cls("a"), "name", "b"),
        lambda cls: setattr(cls("a"), "other", "b"),
        lambda cls: [(one.name, one.default, one.kind) for one in inspect.signature(cls).parameters.values()],
        lambda cls: list(typing.get_type_hints(cls)),
        lambda cls: type(copy.deepcopy(cls("a"))) is cls and tuple(copy.copy(cls("a"))),
        lambda cls: type(pickle.loads(pickle.dumps(cls("a")))) is cls,
        lambda cls: type(cls),
        lambda cls: cls.north.__doc__,
        lambda cls: cls.__new__.__qualname__.rpartition(".")[2],
        lambda cls: cls.__module__,
    ],
)
def test_it_is_as_the_standard_library_makes_it(use: Callable[[Any], Any]) -> None:
    assert outcome(lambda: use(Place)) == outcome(lambda: use(Reference))


@given(st.integers(0, 40), st.data())
def test_each_field_is_read_back_whatever_their_number(size: int, data: st.DataObject) -> None:
    names = [f"field_{number}" for number in range(size)]
    cls = named_tuple("Many", names, {"__module__": __name__})
    values = data.draw(st.lists(st.integers(), min_size=size, max_size=size))
    for made in (cls(*values), cls(**dict(zip(names, values, strict=True)))):
        assert [getattr(made, name) for name in names] == values == list(made)


def test_classes_with_equally_many_fields_keep_their_own_names() -> None:
    class Pair(NamedTuple):
        first: int
        second: int

    class Span(NamedTuple):
        begin: int
        end: int

    assert (Pair(second=2, first=1), Span(end=4, begin=3)) == ((1, 2), (3, 4))
    with pytest.raises(TypeError, match=r"Span.__new__\(\) got an unexpected keyword argument 'first'"):
        Span(first=1, end=2)  # type: ignore[call-arg]


def test_methods_properties_and_matching_work() -> None:
    assert Place("a", 1.0).moved(2.0) == Place("a", 3.0)
    assert not Place("").is_named
    match Place("a", 2.0):
        case Place(name, north, east=1.5):
            assert (name, north) == ("a", 2.0)
        case _:
            pytest.fail("it does not match by place and name")


def test_a_class_derived_from_one_has_its_fields() -> None:
    harbour = Harbour("b")
    assert (type(harbour), harbour.is_named, harbour._replace(name="c").name) == (Harbour, True, "c")
    assert isinstance(harbour, Place)


def test_a_field_that_is_none_cannot_be_replaced() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'south'"):  # as from Python 3.13 on
        Place("a")._replace(south=9.0)  # type: ignore[call-arg]


def test_a_struct_is_made_alike_and_keeps_methods_and_text() -> None:
    @wire_struct(name="Test.Pair")
    class Pair:
        """Two numbers."""

        first: U8
        second: U8 = 2

        def sum(self) -> int:
            return self.first + self.second

    assert (Pair(1).sum(), Pair.__doc__, repr(Pair(1))) == (3, "Two numbers.", "Pair(first=1, second=2)")
    assert not hasattr(Pair(1), "__dict__")


@pytest.mark.parametrize(
    "fields, body, message",
    [
        (["a", "b"], {"a": 1}, "a field without a default stands behind a"),
        (["_a"], {}, "no field may begin with an underscore"),
    ],
)
def test_what_no_named_tuple_can_be_is_refused(fields: list[str], body: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        named_tuple("Wrong", fields, body)
