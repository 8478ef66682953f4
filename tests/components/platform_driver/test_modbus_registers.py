"""Registers hold what was put in, and the requests for many points miss none and stay within the limits."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.platform_driver.drivers.interface import BadValue, DriverFault, PointAddress, Scalar
from kittiwake_components.platform_driver.drivers.modbus_registers import (
    BIT_TABLES,
    BITS_LIMIT,
    FORMATS,
    TABLES,
    Place,
    decoded,
    encoded,
    place_of,
    spans,
)

RANGES = {
    name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if name.startswith("int") else (0, 2**bits - 1)
    for bits in (16, 32, 64)
    for name in (f"int{bits}", f"uint{bits}")
}


def register(kind: str, order: str = "big", scale: float = 1.0) -> Place:
    settings: dict[str, Scalar] = {"type": kind, "word_order": order, "scale": scale}
    return place_of(PointAddress("id", "holding-register,1", settings=settings), "big")


@given(st.data(), st.sampled_from(sorted(RANGES)), st.sampled_from(["big", "little"]))
def test_whole_numbers_come_back(data: st.DataObject, kind: str, order: str) -> None:
    low, high = RANGES[kind]
    number = data.draw(st.integers(low, high))
    place = register(kind, order)
    words = encoded(place, number)
    assert len(words) == place.size
    assert decoded(place, words) == number
    other = register(kind, "little" if order == "big" else "big")
    assert encoded(other, number) == words[::-1]


@pytest.mark.parametrize("kind", sorted(RANGES))
def test_numbers_beyond_a_register_are_refused(kind: str) -> None:
    for number in (RANGES[kind][0] - 1, RANGES[kind][1] + 1):
        with pytest.raises(BadValue):
            encoded(register(kind), number)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["float32", "float64"]))
def test_floats_come_back_in_their_precision(number: float, kind: str) -> None:
    place = register(kind)
    try:
        taken = decoded(place, encoded(place, number))
    except BadValue:
        assert kind == "float32"
        return
    assert encoded(place, taken) == encoded(place, number)
    assert kind == "float32" or taken == number


@given(st.sampled_from(sorted(FORMATS)), st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4))
def test_any_registers_are_a_number_or_a_fault(kind: str, words: list[int]) -> None:
    place = register(kind, scale=0.1)
    try:
        assert isinstance(decoded(place, words[: place.size]), float)
    except DriverFault:
        assert kind.startswith("float")


places = st.builds(
    lambda table, address, size: Place(table, address, 1 if table in BIT_TABLES else size, "", False, 1.0, 0.0),
    st.sampled_from(TABLES), st.integers(0, 500), st.sampled_from([1, 2, 4]),
)  # fmt: skip


@given(st.lists(places, max_size=60), st.integers(0, 20), st.integers(4, 125))
def test_the_requests_cover_every_place_once_and_stay_within_the_limits(
    places: Sequence[Place], max_gap: int, max_registers: int
) -> None:
    found = spans(places, max_gap, max_registers)
    assert sorted(member for span in found for member in span.members) == list(range(len(places)))
    for span in found:
        assert span.size <= (BITS_LIMIT if span.table in BIT_TABLES else max_registers)
        for member in span.members:
            place = places[member]
            assert place.table == span.table
            assert span.address <= place.address
            assert place.address + place.size <= span.address + span.size


def test_a_gap_that_is_too_wide_makes_two_requests() -> None:
    at = [Place("coil", address, 1, "", False, 1.0, 0.0) for address in (0, 9, 19)]
    assert [(span.address, span.size) for span in spans(at, 8, 125)] == [(0, 10), (19, 1)]
