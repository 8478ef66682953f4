"""Hypothesis strategies made from declarations: values, arguments, and whole runs of a component.

@given(values_of(TimeInterval))
@given(arguments_of(StartupManager, "WAIT_FOR_QUIESCENCE"))
@given(actions_of(StartupManager))
def test_no_run_breaks_it(actions):
    with ComponentTester(StartupManager) as tester:
        for action in actions:
            action.apply(tester)
"""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from kittiwake.model.fw import TagType
from kittiwake.model.types import (
    Alias,
    Array,
    Boolean,
    Enumeration,
    Float,
    Integer,
    Octets,
    Ranged,
    Struct,
    Text,
    WireType,
    resolved,
    wire_type,
)
from kittiwake.testing.histories import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.model.component import ComponentType
    from kittiwake.testing.tester import ComponentTester

MAX_ACTIONS = 30
MAX_WAIT_S = 100.0


def values_of(declared: Any, *, ascii_only: bool = False) -> st.SearchStrategy[Any]:
    """Values of a declared type: exactly those that its `check` lets pass, floats other than NaN and infinity.

    `declared` is a `WireType` or anything that `wire_type` takes. With `ascii_only` text is what the downlink carries
    unchanged. Raises `TypeFault` for what has no wire form.
    """
    form = wire_type(declared)
    if isinstance(form, Alias):
        return values_of(form.underlying, ascii_only=ascii_only)
    if isinstance(form, Ranged):
        return _ranged(form)
    if isinstance(form, Boolean):
        return st.booleans()
    if isinstance(form, TagType):
        return _tags()
    if isinstance(form, Integer):
        return st.integers(form.low, form.high)
    if isinstance(form, Float):
        return st.floats(width=form.bits, allow_nan=False, allow_infinity=False)  # type: ignore[arg-type]
    if isinstance(form, Text):
        return _text(form, ascii_only)
    if isinstance(form, Octets):
        return st.binary(max_size=form.size)
    if isinstance(form, Enumeration):
        return st.sampled_from(list(form.enum))
    if isinstance(form, Array):
        element = values_of(form.element, ascii_only=ascii_only)
        return st.lists(element, min_size=form.size, max_size=form.size).map(tuple)
    assert isinstance(form, Struct), f"{form!r} is of no kind known here"
    members = [values_of(member, ascii_only=ascii_only) for member in form.members.values()]
    return st.tuples(*members).map(lambda values: form.python(*values))


def _tags() -> st.SearchStrategy[int]:
    parts = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF), st.integers(0, 999_999))
    return parts.map(lambda part: part[0] << 64 | part[1] * 1_000_000 + part[2])


def _ranged(form: Ranged) -> st.SearchStrategy[Any]:
    scalar = resolved(form)
    if isinstance(scalar, Integer):
        return st.integers(max(scalar.low, ceil(form.low)), min(scalar.high, floor(form.high)))
    if isinstance(scalar, Float) and scalar.bits == 64:
        return st.floats(form.low, form.high)
    # The bounds need not be floats of 32 bits themselves.
    rounded = st.floats(form.low, form.high).map(lambda one: scalar.unpack(scalar.pack(one))[0])
    return rounded.filter(lambda one: form.low <= one <= form.high)


def _text(form: Text, ascii_only: bool) -> st.SearchStrategy[str]:
    if ascii_only:
        return st.text(st.characters(max_codepoint=127), max_size=form.size)
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=form.size)
    return text.map(lambda one: one.encode()[: form.size].decode(errors="ignore"))


def argument_tuples(parameters: Sequence[tuple[str, WireType]]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Tuples of one value for each declared parameter."""
    return st.tuples(*[values_of(form) for _, form in parameters])


def arguments_of(cls: type[Any], name: str) -> st.SearchStrategy[tuple[Any, ...]]:
    """Arguments for a command (either spelling), an input or an output port of a component class.

    Raises `LookupError` for a name that it does not declare.
    """
    declared = _declared(cls)
    for command in declared.commands.values():
        if name in (command.label, command.name):
            return argument_tuples(command.parameters)
    for ports in (declared.inputs, declared.outputs):
        if name in ports:
            return argument_tuples(ports[name].port.parameters)
    for parameter in declared.parameters.values():
        if name == f"{parameter.label}_PRM_SET":
            return argument_tuples([("value", parameter.type)])
    known = [command.label for command in declared.commands.values()]
    raise LookupError(unknown("command or port", name, [*known, *declared.inputs, *declared.outputs]))


def _declared(cls: type[Any]) -> Any:
    component_class: ComponentType = cls  # type: ignore[assignment]
    return component_class.__declarations__


class Action(NamedTuple):
    """One step of a run: `kind` is "call" (with `element`, the index in an array), "send" or "advance" (seconds)."""

    kind: str
    name: str
    arguments: tuple[Any, ...]
    element: int | None = None

    def apply(self, tester: ComponentTester[Any]) -> Any:
        """Does it; gives the `SentCommand` or what the port returned. What a sync port raises comes through."""
        if self.kind == "advance":
            tester.advance(*self.arguments)
            return None
        if self.kind == "send":
            return tester.send(self.name, *self.arguments)
        call = getattr(tester.call, self.name)
        return (call if self.element is None else call[self.element])(*self.arguments)


def commands_of(cls: type[Any]) -> st.SearchStrategy[Action]:
    """Commands of a component class with arguments that fit, the set and save commands of parameters included."""
    declared = _declared(cls)
    found = [_send(one.label, one.parameters) for one in declared.commands.values()]
    for parameter in declared.parameters.values():
        found.append(_send(f"{parameter.label}_PRM_SET", [("value", parameter.type)]))
        found.append(_send(f"{parameter.label}_PRM_SAVE", []))
    return st.one_of(found)


def _send(label: str, parameters: Sequence[tuple[str, WireType]]) -> st.SearchStrategy[Action]:
    return st.builds(
        Action, kind=st.just("send"), name=st.just(label), arguments=argument_tuples(parameters), element=st.none()
    )


def calls_of(cls: type[Any]) -> st.SearchStrategy[Action]:
    """Calls of the input ports of a component class with arguments that fit."""
    return st.one_of([_call(one) for one in _declared(cls).inputs.values()])


def _call(port: Any) -> st.SearchStrategy[Action]:
    index = st.integers(0, port.size - 1) if port.is_array else st.none()
    return st.builds(
        Action, kind=st.just("call"), name=st.just(port.name), arguments=argument_tuples(port.port.parameters),
        element=index,
    )  # fmt: skip


def actions_of(cls: type[Any], *, max_size: int = MAX_ACTIONS) -> st.SearchStrategy[list[Action]]:
    """Whole runs: commands, port calls and the passing of time, in any order."""
    wait = st.floats(0, MAX_WAIT_S).map(lambda seconds: Action("advance", "", (seconds,)))
    return st.lists(st.one_of(commands_of(cls), calls_of(cls), wait), max_size=max_size)
