"""Data products: the files (`.fdp`) in which F´ stores and downlinks data (F´ `Fw::DpContainer`).

All integers are big-endian, the CRCs are zlib's. A product is a header

    descriptor 5 U16 | container id U32 | priority U32 | time tag (11 bytes) | processing types U8
    | user data (32 bytes) | state U8 | size of the data U16 | CRC-32 of all before U32

then the data, records one after the other, and the CRC-32 of the data. A record is its id U32 and its value; an array
record is its id, the number of values U16, and the values.
"""

from __future__ import annotations

from struct import Struct
from struct import error as struct_error
from zlib import crc32

from kittiwake.model.types import WireError
from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.packets import Apid
from kittiwake.wire.time_tag import BASE_SHIFT, MICROSECONDS_MASK, US_PER_S, join_tag

USER_DATA_SIZE = 32
DATA_SIZE_MAX = 0xFFFF

_FIELDS = Struct(f">HIIHBIIB{USER_DATA_SIZE}sBH")
_CRC = Struct(">I")
HEADER_SIZE = _FIELDS.size + _CRC.size
PRODUCT_SIZE_MAX = HEADER_SIZE + DATA_SIZE_MAX + _CRC.size
_DESCRIPTOR = int(Apid.DP)


class ProductHeader(NamedTuple):
    """What stands before the data. `tag` is `time base << 64 | microseconds`; `size` counts the bytes of the data."""

    container: int
    priority: int
    tag: int
    size: int
    state: int = 0
    user_data: bytes = bytes(USER_DATA_SIZE)
    processing: int = 0

    @property
    def seconds(self) -> int:
        """The whole seconds of its time."""
        return (self.tag & MICROSECONDS_MASK) // US_PER_S

    @property
    def useconds(self) -> int:
        """The microseconds of its time."""
        return (self.tag & MICROSECONDS_MASK) % US_PER_S

    @property
    def file_size(self) -> int:
        """The bytes of the whole product."""
        return HEADER_SIZE + self.size + _CRC.size

    @property
    def file_name(self) -> str:
        """The name that F´ gives the file: container id, seconds and microseconds."""
        return f"Dp_{self.container:08}_{self.seconds:08}_{self.useconds:08}.fdp"


class HeaderCrcError(WireError):
    """A header whose checksum is not the one that it states: `stored` and `computed`."""

    def __init__(self, stored: int, computed: int) -> None:
        super().__init__(f"the header's CRC is {stored:08x}, that of its content {computed:08x}")
        self.stored = stored
        self.computed = computed


def pack_product(header: ProductHeader, data: bytes) -> bytes:
    """The whole product; the header's own `size` does not matter. Raises `WireError` for more than 65535 bytes."""
    if len(data) > DATA_SIZE_MAX:
        raise WireError(f"a data product holds at most {DATA_SIZE_MAX} bytes, not {len(data)}")
    try:
        fields = _FIELDS.pack(
            _DESCRIPTOR, header.container, header.priority, header.tag >> BASE_SHIFT, 0, header.seconds,
            header.useconds, header.processing, header.user_data, header.state, len(data),
        )  # fmt: skip
    except struct_error as fault:
        raise WireError(f"the header does not fit: {fault}") from None
    return fields + _CRC.pack(crc32(fields)) + data + _CRC.pack(crc32(data))


def parse_header(product: bytes) -> ProductHeader:
    """The header at the beginning of a product, its checksum checked. Raises `WireError`, also `HeaderCrcError`."""
    if len(product) < HEADER_SIZE:
        raise WireError(f"{len(product)} bytes are less than a header, which has {HEADER_SIZE}")
    (stored,) = _CRC.unpack_from(product, _FIELDS.size)
    computed = crc32(product[: _FIELDS.size])
    if stored != computed:
        raise HeaderCrcError(stored, computed)
    descriptor, container, priority, base, _, seconds, useconds, processing, user_data, state, size = (
        _FIELDS.unpack_from(product)
    )
    if descriptor != _DESCRIPTOR:
        raise WireError(f"descriptor {descriptor} is that of no data product")
    tag = join_tag(base, seconds, useconds, 10)
    return ProductHeader(container, priority, tag, size, state, user_data, processing)


def parse_product(product: bytes) -> tuple[ProductHeader, bytes]:
    """Header and data of a whole product, both checksums checked. Raises `WireError`."""
    header = parse_header(product)
    if len(product) != header.file_size:
        raise WireError(f"the product has {len(product)} bytes, its header speaks of {header.file_size}")
    data = product[HEADER_SIZE : HEADER_SIZE + header.size]
    (stored,) = _CRC.unpack_from(product, HEADER_SIZE + header.size)
    if stored != crc32(data):
        raise WireError(f"the data's CRC is {stored:08x}, that of its content {crc32(data):08x}")
    return header, data
