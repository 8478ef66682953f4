"""Telemetry channels: values that a component writes by assignment.

battery_voltage = Channel(F32, unit="V", format="{:.2f}", limits=Limits(low_red=6.2, low_yellow=6.7))

self.battery_voltage = 7.4
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kittiwake.model.codec import downlink_packer
from kittiwake.model.names import pascal
from kittiwake.model.types import Boolean, Float, Integer, TypeFault, resolved, wire_type

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from kittiwake.model.types import WireType

T = TypeVar("T")

_LIMITS = ("low_red", "low_orange", "low_yellow", "high_yellow", "high_orange", "high_red")


class Limits:
    """The values below or above which a channel is yellow, orange or red; those left out do not limit."""

    __slots__ = _LIMITS

    def __init__(
        self, *, low_red: float | None = None, low_orange: float | None = None, low_yellow: float | None = None,
        high_yellow: float | None = None, high_orange: float | None = None, high_red: float | None = None,
    ) -> None:  # fmt: skip
        values = (low_red, low_orange, low_yellow, high_yellow, high_orange, high_red)
        given = [value for value in values if value is not None]
        if given != sorted(given):
            raise TypeFault(f"limits must ascend from low red to high red: {given}")
        for name, value in zip(_LIMITS, values, strict=True):
            setattr(self, name, value)


class Conversion:
    """Engineering value = `scale` x raw value + `offset`: the raw count is sent, the ground shows the converted one."""

    __slots__ = ("offset", "scale")

    def __init__(self, scale: float, offset: float = 0.0) -> None:
        self.scale = scale
        self.offset = offset


class Channel(Generic[T]):
    """One declared channel. With `on_change` a value equal to the last is not sent again (F´'s "on change")."""

    def __init__(
        self, type: type[T], *, on_change: bool = False, unit: str = "", format: str = "", limits: Limits | None = None,
        conversion: Conversion | None = None, doc: str = "", name: str = "", id: int | None = None,
    ) -> None:  # fmt: skip
        self.type = wire_type(type)
        self.on_change = on_change
        self.unit = unit
        self.format = format
        self.limits = limits
        self.conversion = conversion
        self.doc = doc
        self.label = name
        self.number = id
        self.name = ""
        self.index = 0
        if (limits or conversion) and not isinstance(resolved(self.type), (Integer, Float)):
            raise TypeFault("only a number has limits or a conversion")

    def bind(self, name: str) -> None:
        """Takes the name under which the component declares it."""
        self.name = name
        self.label = self.label or pascal(name)

    @cached_property
    def downlink_pack(self) -> Callable[[Any], bytes]:
        """A function that gives a value as the downlink carries it; made once for all instances and starts."""
        return downlink_packer([self.type])

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type) -> T: ...

        def __set__(self, instance: object, value: T) -> None: ...


class ChannelCell:
    """One channel of one instance: the latest value, its time tag (0: never written), whether it waits to be sent."""

    __slots__ = ("channel", "dirty", "id", "pending", "tag", "value")

    def __init__(self, channel: Channel[Any], id: int, value: Any, pending: deque[ChannelCell]) -> None:
        self.channel = channel
        self.id = id
        self.value = value
        self.tag = 0
        self.dirty = False
        self.pending = pending


_FLOAT_HIGH = {32: 3.4028234663852886e38, 64: float("inf")}


def _plain_bounds(form: WireType) -> tuple[type | None, Any, Any]:
    """The exact Python class and bounds of values that need no call of `check`."""
    if isinstance(form, Integer):
        return int, form.low, form.high
    if isinstance(form, Float):
        return float, -_FLOAT_HIGH[form.bits], _FLOAT_HIGH[form.bits]
    if isinstance(form, Boolean):
        return bool, False, True
    return None, 0, 0


def _frozen(value: Any) -> Any:
    """An array as tuples: the author may go on to change the list, which is no longer what was written then."""
    return tuple([_frozen(one) for one in value]) if isinstance(value, list) else value


def channel_property(channel: Channel[Any]) -> property:
    """The attribute through which a component reads and writes the channel; a write checks the value's range.

    Plain scalars are compared in place: a call of the type's `check` costs as much as the whole write.
    """
    index = channel.index
    check = channel.type.check
    on_change = channel.on_change
    exact, low, high = _plain_bounds(channel.type)

    def read(self: Any) -> Any:
        return self._cells[index].value

    def write(self: Any, value: Any) -> None:
        if type(value) is not exact or not low <= value <= high:
            check(value)
            if value.__class__ is list:
                value = _frozen(value)
        cell = self._cells[index]
        if on_change and cell.tag and cell.value == value:
            return
        cell.value = value
        tags = self._tags
        if tags.stale:
            cell.tag = tags.now()
        else:
            tags.last = cell.tag = tags.last + 1
        if not cell.dirty:
            cell.dirty = True
            cell.pending.append(cell)

    return property(read, write, doc=channel.doc)
