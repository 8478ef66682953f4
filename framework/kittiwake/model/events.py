"""Events: what a component reports, typed by the signature of their declaration.

    @event(WARNING_LO, "Boot count not saved: {reason}")
    def boot_count_update_failure(self, reason: Annotated[str, Size(80)]) -> None: ...

Calling the method emits the event. It is packed at once and formatted on the ground.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from kittiwake.int_enum import IntEnum
from kittiwake.model.codec import downlink_packer
from kittiwake.model.names import pascal
from kittiwake.model.signature import Declared
from kittiwake.model.types import U8, TypeFault, wire_enum

F = TypeVar("F", bound=Callable[..., None])


@wire_enum(U8, name="Fw.LogSeverity")
class Severity(IntEnum):
    """How much an event matters (F´ Fw.LogSeverity)."""

    FATAL = 1
    WARNING_HI = 2
    WARNING_LO = 3
    COMMAND = 4
    ACTIVITY_HI = 5
    ACTIVITY_LO = 6
    DIAGNOSTIC = 7


FATAL = Severity.FATAL
WARNING_HI = Severity.WARNING_HI
WARNING_LO = Severity.WARNING_LO
COMMAND = Severity.COMMAND
ACTIVITY_HI = Severity.ACTIVITY_HI
ACTIVITY_LO = Severity.ACTIVITY_LO
DIAGNOSTIC = Severity.DIAGNOSTIC


class Event(Declared):
    """One declared event. `number` is its offset from the instance's base id, `throttle` the most reports in a row."""

    def __init__(
        self, severity: Severity, format: str, throttle: int, every_s: float, name: str, number: int | None,
        function: Any,
    ) -> None:  # fmt: skip
        self.name = function.__name__
        self.label = name or pascal(self.name)
        self.severity = severity
        self.doc = (function.__doc__ or "").strip()
        self.throttle = throttle
        self.every_s = every_s
        self.number = number
        self._format = format
        self.declare(function)

    def read(self) -> None:
        """Reads the signature, and the format that names its parameters."""
        super().read()
        self.format = positional(self._format, [parameter for parameter, _ in self.parameters], self.name)

    @cached_property
    def downlink_pack(self) -> Callable[..., bytes]:
        """A function that gives the arguments as the downlink carries them; made once for all instances and starts."""
        return downlink_packer([form for _, form in self.parameters])


def positional(format: str, parameters: list[str], where: str) -> str:
    """F´'s form of a format with named placeholders: `{reason}` is `{}`, `{volts:.2f}` is `{.2f}`.

    Raises `TypeFault` where the names do not follow the parameters' order, because F´'s placeholders have none.
    """
    out = []
    used = 0
    rest = format
    while True:
        text, brace, rest = rest.partition("{")
        out.append(text)
        if not brace:
            return "".join(out)
        if rest.startswith("{"):
            out.append("{{")
            rest = rest[1:]
            continue
        inside, closed, rest = rest.partition("}")
        name, _, spec = inside.partition(":")
        expected = parameters[used] if used < len(parameters) else "no further parameter"
        if not closed or name != expected:
            raise TypeFault(f"{where}: the format has {{{inside}}} where {expected} comes next")
        used += 1
        out.append("{" + spec + "}")


def event(
    severity: Severity, format: str, *, throttle: int = 0, every_s: float = 0.0, name: str = "", id: int | None = None
) -> Callable[[F], F]:
    """Declares an event.

    `format` names the parameters in their order (`"{volts:.2f} V"`). After `throttle` reports the event is only
    counted, until the throttle is cleared or, with `every_s`, that many seconds have passed (F´'s throttle).
    """

    def decorate(function: Any) -> Any:
        return Event(severity, format, throttle, every_s, name, id, function)

    return decorate
