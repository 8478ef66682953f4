"""Data products: files of records that a component fills and hands to the data product manager (F´'s data products).

pixels = Record(U16, array=True, doc="Brightness of each pixel.")
picture = Container(priority=5, doc="One picture.")
product_send_out = OutputPort(DpSend)

product = self.picture()
product.add(self.pixels, [1, 2, 3])
self.product_send_out(product.container, product.pack())
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from kittiwake.model.codec import downlink_packer
from kittiwake.model.names import pascal
from kittiwake.model.types import RangeError, TypeFault, wire_type
from kittiwake.wire.data_product import DATA_SIZE_MAX, USER_DATA_SIZE, ProductHeader, pack_product

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.model.component import Component
    from kittiwake.runtime.tags import TagSource

T = TypeVar("T")

PRIORITY_MAX = 0xFFFFFFFF
ARRAY_SIZE_MAX = 0xFFFF

_ID = Struct(">I")
_COUNT = Struct(">H")


class ProductFull(ValueError):
    """A record that a product has no room for: `size` it would come to, and `limit`, both in bytes of data."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the product would hold {size} bytes, {limit} are allowed")
        self.size = size
        self.limit = limit


class Record(Generic[T]):
    """One declared kind of record; with `array` each holds any number of values."""

    __data_product__ = "records"

    def __init__(
        self, type: type[T], *, array: bool = False, doc: str = "", name: str = "", id: int | None = None
    ) -> None:
        self.type = wire_type(type)
        self.array = array
        self.doc = doc
        self.label = name
        self.number = id
        self.name = ""
        self.pack = downlink_packer([self.type])

    def bind(self, name: str) -> None:
        """Takes the name under which the component declares it."""
        self.name = name
        self.label = self.label or pascal(name)

    @overload
    def __get__(self, instance: None, owner: type) -> Record[T]: ...
    @overload
    def __get__(self, instance: Component, owner: type) -> BoundRecord[T]: ...
    def __get__(self, instance: Component | None, owner: type) -> Record[T] | BoundRecord[T]:
        if instance is None:
            return self
        assert self.number is not None, "numbers are settled when the class is made"
        return BoundRecord(self, instance._context.base_id + self.number)


class BoundRecord(Generic[T]):
    """A kind of record of one instance, with the id that it has there."""

    __slots__ = ("declared", "id")

    def __init__(self, declared: Record[T], id: int) -> None:
        self.declared = declared
        self.id = id

    def packed(self, value: T | Iterable[T]) -> bytes:
        """A record with a value, or with the values of an array. Raises `TypeError` or `ValueError`."""
        declared = self.declared
        if not declared.array:
            return _ID.pack(self.id) + _checked(declared, value)
        assert not isinstance(value, (str, bytes)), "an array record takes a list of values"
        values: Any = value
        parts = [_checked(declared, one) for one in values]
        if len(parts) > ARRAY_SIZE_MAX:
            raise ValueError(f"{declared.label} takes at most {ARRAY_SIZE_MAX} values, not {len(parts)}")
        return _ID.pack(self.id) + _COUNT.pack(len(parts)) + b"".join(parts)


def _checked(declared: Record[Any], value: Any) -> bytes:
    try:
        declared.type.check(value)
        return declared.pack(value)
    except RangeError as fault:
        raise ValueError(f"{declared.label}: {fault}") from None
    except (TypeError, ValueError) as fault:
        raise type(fault)(f"{declared.label}: {fault}") from None


class Container:
    """One declared kind of product. A lower `priority` is sent to the ground first."""

    __data_product__ = "containers"

    def __init__(self, *, priority: int = 10, doc: str = "", name: str = "", id: int | None = None) -> None:
        if not 0 <= priority <= PRIORITY_MAX:
            raise TypeFault(f"a priority is 0 to {PRIORITY_MAX}, not {priority}")
        self.priority = priority
        self.doc = doc
        self.label = name
        self.number = id
        self.name = ""

    def bind(self, name: str) -> None:
        """Takes the name under which the component declares it."""
        self.name = name
        self.label = self.label or pascal(name)

    @overload
    def __get__(self, instance: None, owner: type) -> Container: ...
    @overload
    def __get__(self, instance: Component, owner: type) -> BoundContainer: ...
    def __get__(self, instance: Component | None, owner: type) -> Container | BoundContainer:
        if instance is None:
            return self
        assert self.number is not None, "numbers are settled when the class is made"
        return BoundContainer(self, instance._context.base_id + self.number, instance._tags)


class BoundContainer:
    """A kind of product of one instance; a call begins one."""

    __slots__ = ("declared", "id", "tags")

    def __init__(self, declared: Container, id: int, tags: TagSource) -> None:
        self.declared = declared
        self.id = id
        self.tags = tags

    def __call__(self, *, priority: int | None = None, limit: int = DATA_SIZE_MAX) -> Product:
        """A new product, empty, of at most `limit` bytes of data; `priority` instead of the declared one."""
        return Product(self.id, self.declared.priority if priority is None else priority, self.tags, limit)


class Product:
    """A product that is being filled. `container` is its id, `size` the bytes of data in it."""

    def __init__(self, container: int, priority: int, tags: TagSource, limit: int) -> None:
        self.container = container
        self.priority = priority
        self.size = 0
        self.user_data = b""
        self._tags = tags
        self._limit = min(limit, DATA_SIZE_MAX)
        self._parts: list[bytes] = []

    def add(self, record: BoundRecord[T], value: T | Iterable[T]) -> None:
        """Adds a record: a value, or the values of an array record.

        Raises `TypeError` or `ValueError` for what is none, and `ProductFull`: the product is then as it was.
        """
        part = record.packed(value)
        if self.size + len(part) > self._limit:
            raise ProductFull(self.size + len(part), self._limit)
        self._parts.append(part)
        self.size += len(part)

    def pack(self) -> bytes:
        """The whole product, with the time of now."""
        user_data = self.user_data.ljust(USER_DATA_SIZE, b"\0")
        assert len(user_data) == USER_DATA_SIZE, f"at most {USER_DATA_SIZE} bytes of user data"
        header = ProductHeader(self.container, self.priority, self._tags.now(), self.size, user_data=user_data)
        return pack_product(header, b"".join(self._parts))
