"""Generates the functions that read one event, channel or telemetry packet.

Every type becomes `struct` codes and a Python expression over the fields that they give; adjacent types share one
`struct.Struct`. What has no fixed size (a string, or a type that holds one) is read by its `unpack`; in a telemetry
packet it fills a slot of its greatest size, so there the whole packet is one `struct.Struct`, and a string is a length
and the bytes of its slot. Results are named tuples, made by `tuple.__new__`, which costs half of a call of their class.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NoReturn

from kittiwake.dictionary.typedefs import ForeignText
from kittiwake.model.types import Array, Boolean, Enumeration, Ranged, Struct, Text, WireError, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.dictionary.entries import Channel, Config, Event, Packet
    from kittiwake.model.types import Integer, WireType

_MAX_GENERATED_FIELDS = 256
"""A type of more fields than this is read by its `unpack`, so that no function grows without bound."""

_TAG = "{base} << 64 | ({seconds} * 1000000 + {useconds})"


class _Source:
    """Lines of a function, and the names that they use."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"WireError": WireError, "new": tuple.__new__}
        self.lines: list[str] = []
        self.fields = 0

    def name(self, value: Any, prefix: str) -> str:
        """A name that stands for a value."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def field(self) -> str:
        """A new variable."""
        self.fields += 1
        return f"v{self.fields}"

    def function(self, head: str) -> Callable[..., Any]:
        """The function of the lines; `KeyError` for an undefined constant becomes `WireError`."""
        body = "\n".join(f"        {line}" for line in self.lines)
        text = (
            f"def read({head}):\n    try:\n{body}\n"
            "    except KeyError as fault:\n"
            "        raise WireError(f'{fault.args[0]} is no value of an enum or bool') from None\n"
            "    except UnicodeDecodeError:\n"
            "        raise WireError('a string is not UTF-8') from None\n"
        )
        exec(compile(text, "<generated decoder>", "exec"), self.names)
        made: Callable[..., Any] = self.names["read"]
        return made


_BOOLEANS = {0x00: False, 0xFF: True}


def _fixed(form: WireType) -> bool:
    """Whether every value of the type has one size, and few enough fields to read them one by one."""
    return 0 < _field_count(form) <= _MAX_GENERATED_FIELDS


def _field_count(form: WireType) -> int:
    """How many `struct` fields a type takes; a negative count for one without a fixed size."""
    base = resolved(form)
    if base.code:
        return 1 if not isinstance(form, Ranged) else -1
    if isinstance(base, Array):
        return _field_count(base.element) * base.size
    if isinstance(base, Struct):
        counts = [_field_count(member) for member in base.members.values()]
        return sum(counts) if min(counts) > 0 else -1
    return -1


def _expression(source: _Source, form: WireType, codes: list[str], variables: list[str]) -> str:
    """Appends the codes and variables of a fixed type; gives the expression of its value."""
    base = resolved(form)
    if isinstance(base, Array):
        return f"({', '.join([_expression(source, base.element, codes, variables) for _ in range(base.size)])},)"
    if isinstance(base, Struct):
        members = [_expression(source, member, codes, variables) for member in base.members.values()]
        return f"new({source.name(base.python, 's')}, ({', '.join(members)},))"
    codes.append(base.code)
    variable = source.field()
    variables.append(variable)
    if isinstance(base, Enumeration):
        return f"{source.name(base.by_value, 'e')}[{variable}]"
    if isinstance(base, Boolean):
        return f"{source.name(_BOOLEANS, 'b')}[{variable}]"
    return variable


def _refuse_length(length: int, size: int) -> NoReturn:
    raise WireError(f"string of {length} bytes is longer than the {size} allowed")


class _Run:
    """Fields that one `struct.Struct` reads together."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.codes: list[str] = []
        self.variables: list[str] = []

    def field(self, code: str) -> str:
        """A field of one code; gives its variable."""
        self.codes.append(code)
        variable = self.source.field()
        self.variables.append(variable)
        return variable

    def skip(self, *forms: Integer) -> None:
        """Integers that nobody reads."""
        self.codes += [f"{form.max_size}x" for form in forms]

    def tag(self, config: Config) -> str:
        """The time tag; gives its expression."""
        base = self.field(config.time_base.code)
        self.skip(config.time_context)
        return _TAG.format(base=base, seconds=self.field("I"), useconds=self.field("I"))

    def value(self, form: WireType) -> str:
        """A fixed value; gives its expression."""
        return _expression(self.source, form, self.codes, self.variables)

    def slot(self, form: WireType) -> str:
        """A value at the start of a slot of its greatest size; gives its expression."""
        if _fixed(form):
            return self.value(form)
        base = resolved(form)
        if not isinstance(base, Text):
            return f"{self.source.name(form.unpack, 'u')}({self.field(f'{form.max_size}s')})[0]"
        prefix = base.prefix.code if isinstance(base, ForeignText) else "H"
        length, content = self.field(prefix.upper()), self.field(f"{base.size}s")
        refuse = self.source.name(_refuse_length, "r")
        return f"({content}[:{length}].decode() if {length} <= {base.size} else {refuse}({length}, {base.size}))"

    def flush(self, method: str, at: str) -> int:
        """Writes the line that reads the fields; gives the bytes they take."""
        if not self.codes:
            return 0
        form = struct.Struct(">" + "".join(self.codes))
        unpack = self.source.name(getattr(form, method), "u")
        self.source.lines.append(f"{', '.join(self.variables)}, = {unpack}({at})")
        self.codes, self.variables = [], []
        return form.size


def update_reader(
    channel: Channel, config: Config, make: type, formats: Mapping[str, str]
) -> Callable[[bytes, int], tuple[Any, int]]:
    """Reads a channel's time tag and value at an offset (behind the id); gives the update and the offset behind it.

    `make` takes one tuple: channel, time tag, value and formats.
    """
    source = _Source()
    run = _Run(source)
    tag = run.tag(config)
    names = {"make": make, "channel": channel, "formats": formats}
    source.names.update(names)
    if _fixed(channel.type):
        value = run.value(channel.type)
        size = run.flush("unpack_from", "data, offset")
        source.lines.append(f"return make((channel, {tag}, {value}, formats)), offset + {size}")
    else:
        size = run.flush("unpack_from", "data, offset")
        source.names["unpack"] = channel.type.unpack
        source.lines.append(f"value, end = unpack(data, offset + {size})")
        source.lines.append(f"return make((channel, {tag}, value, formats)), end")
    return source.function("data, offset")


def event_reader(event: Event, config: Config, make: type) -> Callable[[bytes], Any]:
    """Reads a whole event packet, from its descriptor to its last byte."""
    source = _Source()
    source.names.update({"make": make, "event": event})
    run = _Run(source)
    run.skip(config.descriptor, config.event_id)
    tag = run.tag(config)
    if all(_fixed(formal.type) for formal in event.formals):
        values = [run.value(formal.type) for formal in event.formals]
        # `unpack` wants exactly its size, so surplus bytes are refused as well.
        run.flush("unpack", "data")
        source.lines.append(f"return new(make, (event, {tag}, ({''.join([f'{value}, ' for value in values])})))")
        return source.function("data")
    size = run.flush("unpack_from", "data")
    source.lines.append(f"offset = {size}")
    variables = []
    for formal in event.formals:
        variable = source.field()
        unpack = source.name(formal.type.unpack, "u")
        source.lines.append(f"{variable}, offset = {unpack}(data, offset)")
        variables.append(f"{variable}, ")
    source.lines.append("if offset != len(data):")
    source.lines.append(
        "    raise WireError(f'{len(data) - offset} bytes stand behind the arguments of ' + event.name)"
    )
    source.lines.append(f"return new(make, (event, {tag}, ({''.join(variables)})))")
    return source.function("data")


def packet_reader(
    packet: Packet, config: Config, make: type, formats: Mapping[str, str]
) -> Callable[[bytes], list[Any]]:
    """Reads a whole packetised telemetry packet: one time tag, then each channel in a slot of its greatest size.

    `make` is as for `update_reader`.
    """
    source = _Source()
    source.names.update({"make": make, "formats": formats})
    run = _Run(source)
    run.skip(config.descriptor, config.packet_id)
    tag = run.tag(config)
    updates = []
    for channel in packet.channels:
        updates.append(f"make(({source.name(channel, 'c')}, tag, {run.slot(channel.type)}, formats))")
    run.flush("unpack", "data")
    source.lines.append(f"tag = {tag}")
    source.lines.append(f"return [{', '.join(updates)}]")
    return source.function("data")
