"""The power link as construct descriptions, made from its declarations: to read, and as the tests' slow reference.

Needs the construct package; nothing that flies imports this module. `LAYOUTS` has the payload of each kind,
`FrameLayout` the frame around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import construct as c

from kittiwake.model.types import Enumeration, Integer, Struct, resolved, wire_type
from kittiwake.wire.crc import crc16
from kittiwake.wire.power_link import MAX_PAYLOAD, PAYLOADS, SYNC

if TYPE_CHECKING:
    from typing import Any

    from kittiwake.model.types import WireType
    from kittiwake.wire.power_link import Kind

_INTEGERS = {
    "U8": c.Int8ub, "U16": c.Int16ub, "U32": c.Int32ub, "I16": c.Int16sb, "I32": c.Int32sb,
}  # fmt: skip


def layout_of(form: WireType) -> Any:
    """The construct description of a type made of integers, enums and structs."""
    base = resolved(form)
    if isinstance(base, Struct):
        return c.Struct(*[name / layout_of(member) for name, member in base.members.items()])
    if isinstance(base, Enumeration):
        return c.Enum(_INTEGERS[base.representation.name], **{one.name: int(one) for one in base.enum})
    assert isinstance(base, Integer), "the power link carries integers, enums and structs of them"
    return _INTEGERS[base.name]


LAYOUTS: dict[Kind, Any] = {
    kind: c.Pass if payload is None else layout_of(wire_type(payload)) for kind, payload in PAYLOADS.items()
}
"""Kind -> payload."""

FrameLayout = c.Struct(
    "checked"
    / c.RawCopy(
        c.Struct(
            "sync" / c.Const(SYNC),
            "version" / c.Int8ub,
            "kind" / c.Int8ub,
            "sequence" / c.Int8ub,
            "length" / c.ExprValidator(c.Int8ub, lambda value, _: value <= MAX_PAYLOAD),
            "payload" / c.Bytes(c.this.length),
        )
    ),
    "crc" / c.Checksum(c.Int16ub, crc16, c.this.checked.data),
)
"""A whole frame."""
