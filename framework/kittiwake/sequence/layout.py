"""The sequence file as a construct description: the format to read in documentation, and the tests' slow reference.

Needs the construct package; nothing that flies imports this module. It describes F´'s default widths. What a
description of the layout does not say, `kittiwake.sequence.binary` checks as well: the limit on the file's size.
"""

from __future__ import annotations

from zlib import crc32

import construct as c

from kittiwake.sequence.binary import END, MAX_PACKET_SIZE, RELATIVE

Command = c.Struct(
    "descriptor" / c.Const(0, c.Int16ub),
    "opcode" / c.Int32ub,
    "arguments" / c.GreedyBytes,
)
"""A command packet: FW_PACKET_COMMAND, the opcode, the arguments in the order of the command's parameters."""

Timed = c.Struct(
    "seconds" / c.Int32ub,
    "microseconds" / c.ExprValidator(c.Int32ub, lambda value, _: value < 1_000_000),
    "size" / c.ExprValidator(c.Int32ub, lambda value, _: value <= MAX_PACKET_SIZE),
    "command" / c.FixedSized(c.this.size, Command),
)

Record = c.Struct(
    "kind" / c.ExprValidator(c.Int8ub, lambda value, _: value <= END),
    "timed" / c.If(c.this.kind <= RELATIVE, Timed),
)
"""Kind 0 is absolute, 1 relative, 2 the end of the sequence (one byte, nothing behind it)."""

Body = c.Struct(
    "length" / c.Int32ub,
    "count" / c.Int32ub,
    "time_base" / c.Int16ub,
    "time_context" / c.Int8ub,
    "records" / c.FixedSized(c.this.length - 4, c.Struct("items" / c.Array(c.this._.count, Record), c.Terminated)),
)

SequenceLayout = c.Struct(
    "body" / c.RawCopy(Body),
    "crc" / c.Checksum(c.Int32ub, crc32, c.this.body.data),
    c.Terminated,
)
"""A whole file. `length` counts what stands behind the header, the CRC included."""
