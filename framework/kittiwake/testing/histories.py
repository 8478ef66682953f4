"""What a component under test did: its events, its channels, its calls of output ports, and the runtime's findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.model.channels import Channel
    from kittiwake.model.events import Event, Severity
    from kittiwake.model.ports import PortType
    from kittiwake.model.types import WireType

Trace = list[tuple[str, str, Any]]
"""All that was seen, in its order: ("event" | "port" | "channel" | "response", name, arguments or value)."""


class EmittedEvent(NamedTuple):
    """One event as the ground would see it: `name` as in the dictionary, `args` decoded, `tag` its time tag."""

    name: str
    severity: Severity
    args: tuple[Any, ...]
    tag: int
    declared: Event

    def named_args(self) -> dict[str, Any]:
        """The arguments by the names of the declaration."""
        return {name: value for (name, _), value in zip(self.declared.parameters, self.args, strict=True)}


class EventHistory(list[EmittedEvent]):
    """The events so far, in their order."""

    def named(self, name: str) -> list[EmittedEvent]:
        """Those of one name, in the dictionary's spelling or in Python's."""
        return [event for event in self if name in (event.name, event.declared.name)]

    def names(self) -> list[str]:
        """The names, in the dictionary's spelling."""
        return [event.name for event in self]


class ChannelHistory:
    """What was written to one channel: `history` all values, `tags` their time tags, the oldest first."""

    def __init__(self, declared: Channel[Any]) -> None:
        self.name = declared.label
        self.declared = declared
        self.history: list[Any] = []
        self.tags: list[int] = []

    @property
    def value(self) -> Any:
        """The latest value, or `None` if none was written."""
        return self.history[-1] if self.history else None

    def clear(self) -> None:
        """Forgets what was written so far."""
        self.history.clear()
        self.tags.clear()


class PortHistory(list[tuple[Any, ...]]):
    """The calls of one output port, as argument tuples. Arguments are checked against the port's types.

    `returns` is what a call returns, or a function of the arguments that gives it (and may raise).
    """

    def __init__(self, name: str, port: PortType[Any, Any], trace: Trace) -> None:
        super().__init__()
        self.name = name
        self.port = port
        self.returns: Any = None if port.returns is None else port.returns.default
        self._trace = trace

    def record(self, *arguments: Any) -> Any:
        """What the output port of the component is bound to."""
        check_arguments(self.name, self.port.parameters, arguments)
        kept = tuple([bytes(one) if isinstance(one, (bytearray, memoryview)) else one for one in arguments])
        self.append(kept)
        self._trace.append(("port", self.name, kept))
        returned = self.returns(*arguments) if callable(self.returns) else self.returns
        if self.port.returns is None:
            return None
        self.port.returns.check(returned)
        return returned


class PortArrayHistory(list[PortHistory]):
    """The histories of an array of output ports, by index."""

    def __init__(self, histories: Sequence[PortHistory]) -> None:
        super().__init__(histories)

    def clear_calls(self) -> None:
        """Forgets the calls of all of them."""
        for history in self:
            history.clear()


def check_arguments(where: str, parameters: Sequence[tuple[str, WireType]], arguments: Sequence[Any]) -> None:
    """Raises `TypeError` or `ValueError`, naming place and parameter, unless the arguments fit the declaration."""
    if len(arguments) != len(parameters):
        names = ", ".join(name for name, _ in parameters)
        raise TypeError(f"{where} takes ({names}), and was given {len(arguments)} arguments")
    for (name, form), value in zip(parameters, arguments, strict=True):
        try:
            form.check(value)
        except (TypeError, ValueError) as fault:
            raise type(fault)(f"{where}: {name}: {fault}") from None


class Finding(NamedTuple):
    """One finding of the runtime.

    `kind` is "failed", "slow", "full", "refused" or "unusable" (a saved parameter that does not fit), `where` the
    handler, port, command or parameter, `detail` the reason, duration or full-queue behaviour.
    """

    kind: str
    instance: str
    where: str
    detail: str


class Findings(list[Finding]):
    """What the runtime found, in its order. As a `Monitor` it takes the findings itself."""

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """Keeps the finding."""
        self.append(Finding("failed", instance, handler, reason))

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """Keeps the finding."""
        self.append(Finding("slow", instance, handler, f"{duration_us} us"))

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """Keeps the finding."""
        self.append(Finding("full", instance, port, full))

    def command_refused(self, instance: str, command: str, why: str) -> None:
        """Keeps the finding."""
        self.append(Finding("refused", instance, command, why))

    def of_kind(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self if finding.kind == kind]

    def faults(self) -> list[Finding]:
        """Handlers that failed, and queues that were full where the declaration asserts that they never are."""
        return [one for one in self if one.kind == "failed" or (one.kind == "full" and one.detail == "assert")]


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """The message for a name that is not declared."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else f" (there are: {', '.join(known) or 'none'})"
    return f"there is no {what} {name!r}{hint}"
