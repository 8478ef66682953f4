"""BACnet's values as points hold them, and back. Imported with bacpypes3, when the first BACnet device opens.

A binary present value is a truth (`inactive` is `False`; as a text it would count as true), other enumerations are
their standard names, multi-state values whole numbers, bit strings objects of truths by name, arrays objects by index.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import isfinite
from typing import Any

from bacpypes3.apdu import AbortPDU, ErrorPDU, ErrorRejectAbortNack, RejectPDU
from bacpypes3.basetypes import BinaryPV, PriorityValue
from bacpypes3.constructeddata import Array, List, Sequence
from bacpypes3.primitivedata import (
    BitString,
    Boolean,
    CharacterString,
    Double,
    Enumerated,
    Integer,
    Null,
    OctetString,
    Real,
    Unsigned,
)

from kittiwake_components.platform_driver.drivers.interface import (
    BadType,
    BadValue,
    DriverFault,
    DriverInterfaceError,
    NoAnswer,
    NotSupported,
    ReadOnly,
    Scalar,
    Value,
)
from kittiwake_components.platform_driver.drivers.single_precision import shortest

ELEMENTS_LIMIT = 1024
TEXT_LIMIT = 1024

_FAULTS: dict[str, type[DriverFault]] = {
    "unknown-object": DriverInterfaceError,
    "unknown-property": DriverInterfaceError,
    "invalid-array-index": DriverInterfaceError,
    "property-is-not-an-array": DriverInterfaceError,
    "write-access-denied": ReadOnly,
    "value-out-of-range": BadValue,
    "parameter-out-of-range": BadValue,
    "invalid-data-type": BadType,
    "invalid-parameter-datatype": BadType,
    "invalid-tag": BadType,
    "datatype-not-supported": BadType,
    "unrecognized-service": NotSupported,
    "optional-functionality-not-supported": NotSupported,
    "no-response": NoAnswer,
    "tsm-timeout": NoAnswer,
}


def fault_of(answer: ErrorRejectAbortNack) -> DriverFault:
    """What an error, a reject or an abort of the device means, with its reason in BACnet's words."""
    if isinstance(answer, ErrorPDU):
        return error_fault(answer)
    kind = "rejected" if isinstance(answer, RejectPDU) else "aborted" if isinstance(answer, AbortPDU) else "failed"
    reason = str(answer.reason)
    return _FAULTS.get(reason, DriverFault)(f"{kind}: {reason}")


def error_fault(error: Any) -> DriverFault:
    """The same for an error class and code, as they stand in an error or in a result of ReadPropertyMultiple."""
    code = str(getattr(error, "errorCode", "other"))
    return _FAULTS.get(code, DriverFault)(f"{getattr(error, 'errorClass', 'device')}: {code}")


def decode(element: Any, state: type | None = None) -> Value:
    """The value of an element of BACnet; `state` is the type of the object's present value, for priority arrays.

    Raises `DriverFault` for what no point can hold.
    """
    if isinstance(element, (Array, List)):
        items = list(element)[:ELEMENTS_LIMIT]
        return {str(index): _scalar(item, state) for index, item in enumerate(items, 1)}
    if isinstance(element, BitString):
        return _bits(element)
    if isinstance(element, Sequence):
        return {name: _scalar(getattr(element, name), state) for name in element._elements}
    return _scalar(element, state)


def _scalar(element: Any, state: type | None) -> Scalar:
    if isinstance(element, PriorityValue):
        element = getattr(element, element._choice)
        if state is not None and issubclass(state, Enumerated) and isinstance(element, Enumerated):
            element = state(int(element))
    if element is None or isinstance(element, Null):
        return None
    if isinstance(element, (BinaryPV, Boolean)):
        return bool(int(element))
    if isinstance(element, Enumerated):
        name = str(element)
        return int(name) if name.isdigit() else name
    if isinstance(element, (Unsigned, Integer)):
        return int(element)
    if isinstance(element, (Real, Double)):
        return _number(element)
    if isinstance(element, OctetString):
        return bytes(element).hex()
    return str(element)[:TEXT_LIMIT]


def _number(element: float) -> float:
    number = float(element)
    if not isfinite(number):
        raise BadValue(f"the device gives {number}")
    return number if isinstance(element, Double) else shortest(number)  # a Double is a Real too


def _bits(element: Any) -> Mapping[str, bool]:
    names = {position: name for name, position in element._bitstring_names.items()}
    return {names.get(position, str(position)): bool(bit) for position, bit in enumerate(element)}


def encode(value: Value, kind: Any) -> Any:
    """The element of type `kind` for a value that is to be written. Raises `BadType` or `BadValue`."""
    if value is None:
        return Null(())
    if isinstance(value, Mapping):
        raise BadType("objects cannot be written, write their elements: priority-array[8]")
    try:
        return _encoded(value, kind)
    except (TypeError, ValueError, OverflowError, struct.error):
        raise BadValue(f"{value!r} is no {_name(kind)}") from None


def _encoded(value: bool | int | float | str, kind: Any) -> Any:
    if issubclass(kind, (BinaryPV, Boolean)):
        return kind(_truth(value, kind))
    if issubclass(kind, Enumerated):
        return kind(value)
    if issubclass(kind, CharacterString):
        if not isinstance(value, str):
            raise BadType(f"a text is wanted, not {value!r}")
        return kind(value)
    if issubclass(kind, (Real, Double, Unsigned, Integer)):
        return _encoded_number(value, kind)
    return kind(value)


def _truth(value: bool | int | float | str, kind: Any) -> int:
    """As Python has it but for texts, of which only BACnet's own two are taken."""
    if isinstance(value, str):
        if value not in ("active", "inactive") or not issubclass(kind, BinaryPV):
            raise BadValue(f"{value!r} is neither true nor false")
        return int(value == "active")
    if value not in (0, 1):
        raise BadValue(f"{value!r} is neither true nor false")
    return int(value)


def _encoded_number(value: bool | int | float | str, kind: Any) -> Any:
    if isinstance(value, (bool, str)):
        raise BadType(f"a number is wanted, not {value!r}")
    if issubclass(kind, (Unsigned, Integer)):
        if value != int(value):
            raise BadValue(f"a whole number is wanted, not {value!r}")
        return kind(int(value))
    if not isfinite(value):
        raise BadValue(f"a finite number is wanted, not {value!r}")
    if not issubclass(kind, Double):
        struct.pack(">f", value)  # too large for single precision: OverflowError
    return kind(value)


def _name(kind: Any) -> str:
    return str(kind.__name__)
