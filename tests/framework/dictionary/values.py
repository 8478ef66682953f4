"""A Hypothesis strategy for the values of any type of a dictionary."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kittiwake.model.types import Array, Boolean, Enumeration, Float, Integer, Struct, Text, WireType, resolved


def values(form: WireType) -> st.SearchStrategy[Any]:
    """Values that the type can hold, NaN left out since it equals nothing."""
    base = resolved(form)
    if isinstance(base, Integer):
        return st.integers(base.low, base.high)
    if isinstance(base, Float):
        return st.floats(width=base.bits, allow_nan=False)  # type: ignore[arg-type]
    if isinstance(base, Boolean):
        return st.booleans()
    if isinstance(base, Enumeration):
        return st.sampled_from(list(base.enum))
    if isinstance(base, Text):
        size = base.size
        characters = st.characters(codec="utf-8")
        return st.text(characters, max_size=size).filter(lambda text: len(text.encode()) <= size)
    if isinstance(base, Array):
        return st.tuples(*[values(base.element)] * base.size)
    assert isinstance(base, Struct)
    python: Any = base.python
    return st.tuples(*[values(member) for member in base.members.values()]).map(lambda items: python(*items))
