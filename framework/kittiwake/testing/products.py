"""The data products that a component under test has sent, decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.wire.data_product import parse_product

if TYPE_CHECKING:
    from kittiwake.model.component import Declarations
    from kittiwake.model.products import Record


class SentProduct(NamedTuple):
    """One product: the name of its container, its priority, its time tag, and name and value of each record.

    The value of an array record is a list.
    """

    container: str
    priority: int
    tag: int
    records: list[tuple[str, Any]]
    user_data: bytes


def sent_product(packed: bytes, declared: Declarations, base_id: int) -> SentProduct:
    """A whole product of the component with these declarations. Raises `WireError`, and `LookupError` for its ids."""
    header, data = parse_product(packed)
    containers = {base_id + (one.number or 0): one.label for one in declared.containers.values()}
    kinds = {base_id + (one.number or 0): one for one in declared.records.values()}
    records = []
    offset = 0
    while offset < len(data):
        kind = kinds[int.from_bytes(data[offset : offset + 4], "big")]
        value, offset = _value(kind, data, offset + 4)
        records.append((kind.label, value))
    return SentProduct(containers[header.container], header.priority, header.tag, records, header.user_data)


def _value(kind: Record[Any], data: bytes, offset: int) -> tuple[Any, int]:
    if not kind.array:
        return kind.type.unpack(data, offset)
    count = int.from_bytes(data[offset : offset + 2], "big")
    offset += 2
    values = []
    for _ in range(count):
        value, offset = kind.type.unpack(data, offset)
        values.append(value)
    return values, offset
