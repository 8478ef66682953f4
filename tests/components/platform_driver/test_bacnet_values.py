"""BACnet's values become Python's and go back, whatever they are; what does not fit is refused."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from bacpypes3.apdu import AbortPDU, Error, RejectPDU
from bacpypes3.basetypes import BinaryPV, EngineeringUnits, PriorityValue
from bacpypes3.constructeddata import ArrayOf
from bacpypes3.primitivedata import Boolean, CharacterString, Double, Integer, Null, OctetString, Real, Unsigned
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.platform_driver.drivers.interface import (
    BadType,
    BadValue,
    DriverFault,
    DriverInterfaceError,
    NoAnswer,
    NotSupported,
    ReadOnly,
)
from kittiwake_components.platform_driver.drivers.sessions.bacnet_values import decode, encode, fault_of
from kittiwake_components.platform_driver.drivers.single_precision import shortest

singles = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(singles)
def test_a_real_is_shown_by_the_shortest_number_that_is_the_same(number: float) -> None:
    short = shortest(number)
    assert struct.pack(">f", short) == struct.pack(">f", number)
    assert len(repr(short)) <= len(repr(number))
    assert decode(Real(number)) == short


def test_a_real_has_no_digits_that_nobody_wrote() -> None:
    assert decode(Real(struct.unpack(">f", struct.pack(">f", 21.3))[0])) == 21.3


@given(
    st.one_of(
        st.tuples(st.booleans(), st.just(BinaryPV)),
        st.tuples(st.booleans(), st.just(Boolean)),
        st.tuples(st.integers(0, 2**32 - 1), st.just(Unsigned)),
        st.tuples(st.integers(-(2**31), 2**31 - 1), st.just(Integer)),
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.just(Double)),
        st.tuples(st.text(max_size=40), st.just(CharacterString)),
        st.tuples(singles.map(shortest), st.just(Real)),
    )
)
def test_what_is_written_reads_back_the_same(case: tuple[Any, Any]) -> None:
    value, kind = case
    element = encode(value, kind)
    assert isinstance(element, kind)
    taken = decode(element)
    assert taken == value
    assert type(taken) is type(value)


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    st.sampled_from([BinaryPV, Boolean, Unsigned, Integer, Real, Double, CharacterString, EngineeringUnits]),
)
def test_any_value_is_taken_or_refused_by_a_fault_of_the_driver(value: Any, kind: Any) -> None:
    try:
        element = encode(value, kind)
    except DriverFault:
        return
    assert isinstance(element, (kind, Null))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_fault_of_the_reading(number: float) -> None:
    for kind in (Real, Double):
        with pytest.raises(BadValue):
            decode(kind(number))
        with pytest.raises(BadValue):
            encode(number, kind)


def test_null_is_nothing_and_nothing_is_null() -> None:
    assert decode(Null(())) is None
    assert isinstance(encode(None, Real), Null)


def test_an_array_is_an_object_by_index() -> None:
    array = ArrayOf(PriorityValue)([PriorityValue(null=()), PriorityValue(enumerated=1)])
    assert decode(array, BinaryPV) == {"1": None, "2": True}
    assert decode(OctetString(b"\x01\xfe")) == "01fe"


def test_a_number_that_stands_for_no_name_stays_a_number() -> None:
    assert decode(EngineeringUnits(62)) == "degrees-celsius"
    assert decode(EngineeringUnits(40_000)) == 40_000


@pytest.mark.parametrize(
    "answer, fault",
    [
        (Error(service_choice=12, errorClass="object", errorCode="unknownObject"), DriverInterfaceError),
        (Error(service_choice=12, errorClass="property", errorCode="writeAccessDenied"), ReadOnly),
        (Error(service_choice=12, errorClass="property", errorCode="valueOutOfRange"), BadValue),
        (Error(service_choice=12, errorClass="property", errorCode="invalidDataType"), BadType),
        (Error(service_choice=12, errorClass="device", errorCode="deviceBusy"), DriverFault),
        (RejectPDU(reason="unrecognizedService"), NotSupported),
        (AbortPDU(reason="noResponse"), NoAnswer),
        (AbortPDU(reason="outOfResources"), DriverFault),
    ],
)
def test_refusals_become_the_faults_that_users_know(answer: Any, fault: type[DriverFault]) -> None:
    found = fault_of(answer)
    assert type(found) is fault
    assert str(found)
