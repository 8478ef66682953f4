"""The form of a command: its fields made from the dictionary's types, what is typed into them, and what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.values import value_of
from kittiwake.model.types import Array, Boolean, Enumeration, Integer, Ranged, Struct, Text, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.dictionary.entries import Command
    from kittiwake.model.types import WireType

    FindId = Callable[[str, str], int | None]

TEXT, CHOICE, SWITCH, JSON = "text", "choice", "switch", "json"
"""How a field is filled in. An array or struct of more than `MAX_FIELDS` values is written as JSON."""

MAX_FIELDS = 64


class Entry:
    """A field of one value. `raw` is what was typed or chosen: a text, a boolean for a switch, `None` for no choice."""

    def __init__(self, label: str, form: WireType, find_id: FindId, annotation: str = "") -> None:
        base = resolved(form)
        self.label = label
        self.form = form
        self.annotation = annotation
        self.kind = _kind(base)
        self.choices: tuple[str, ...] = tuple(base.enum.__members__) if isinstance(base, Enumeration) else ()
        self.raw: Any = {SWITCH: False, CHOICE: None}.get(self.kind, "")
        self._base = base
        self._find_id = find_id

    @property
    def rule(self) -> str:
        """What may be entered, in words."""
        if self.kind == JSON:
            return f"JSON, {_size_text(self._base)}"
        return rule_of(self.form)

    @property
    def is_blank(self) -> bool:
        """Whether nothing was entered where something must be; an empty text is a value of its own."""
        if self.kind == SWITCH or isinstance(self._base, Text):
            return False
        return self.raw is None or not str(self.raw).strip()

    def plain(self) -> Any:
        """The value in JSON's terms. Raises `ValueError` with what is wrong."""
        if self.is_blank:
            raise ValueError("choose one" if self.kind == CHOICE else "is needed")
        raw = self.raw.strip() if isinstance(self.raw, str) and not isinstance(self._base, Text) else self.raw
        try:
            return self.form.to_plain(value_of(self.form, raw, self._find_id))
        except TypeError as fault:
            raise ValueError(str(fault)) from None

    def problem(self) -> str:
        """What is wrong with the entry, or the empty string."""
        try:
            self.plain()
        except ValueError as fault:
            return str(fault)
        return ""

    def problems(self) -> list[tuple[str, str]]:
        """The field's name with what is wrong, if something is."""
        found = self.problem()
        return [(self.label, found)] if found else []

    def fill(self, plain: Any) -> None:
        """Enters a value in JSON's terms; one that does not fit is entered as it is, and found wrong."""
        if self.kind == SWITCH:
            self.raw = plain is True
        elif self.kind == CHOICE:
            self.raw = plain if plain in self.choices else None
        elif self.kind == JSON:
            self.raw = json.dumps(plain)
        else:
            self.raw = plain if isinstance(plain, str) else repr(plain)


class Group:
    """An array's or a struct's fields."""

    def __init__(self, label: str, form: WireType, find_id: FindId, annotation: str = "") -> None:
        base = resolved(form)
        assert isinstance(base, (Array, Struct))
        self.label = label
        self.annotation = annotation
        self.is_array = isinstance(base, Array)
        if isinstance(base, Array):
            named = {f"[{index}]": base.element for index in range(base.size)}
        else:
            named = base.members
        self.rule = f"{form.name or 'array'}, {_size_text(base)}"
        self.fields: tuple[Field, ...] = tuple(make_field(name, one, find_id) for name, one in named.items())
        self.fill(base.to_plain(base.default))

    def plain(self) -> Any:
        """The value in JSON's terms. Raises `ValueError` that names the field."""
        values = []
        for one in self.fields:
            try:
                values.append(one.plain())
            except ValueError as fault:
                raise ValueError(f"{one.label}: {fault}") from None
        return values if self.is_array else dict(zip([one.label for one in self.fields], values, strict=True))

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, each with the way to its field: `window.low`, `gains[2]`."""
        joint = "" if self.is_array else "."
        return [(f"{self.label}{joint}{path}", what) for one in self.fields for path, what in one.problems()]

    def fill(self, plain: Any) -> None:
        """Enters a list's or an object's values, as far as there are fields for them."""
        if self.is_array and isinstance(plain, (list, tuple)):
            for one, value in zip(self.fields, plain, strict=False):
                one.fill(value)
        elif not self.is_array and isinstance(plain, dict):
            for one in self.fields:
                if one.label in plain:
                    one.fill(plain[one.label])


Field = Entry | Group


class ArgumentForm:
    """The fields of one command; `given` are values to begin with, in JSON's terms, by argument."""

    def __init__(self, command: Command, find_id: FindId, given: Mapping[str, Any] | None = None) -> None:
        self.command = command
        self.fields: tuple[Field, ...] = tuple(
            make_field(one.name, one.type, find_id, one.annotation) for one in command.formals
        )
        for field in self.fields:
            if given is not None and field.label in given:
                field.fill(given[field.label])

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, each with the way to its field."""
        return [one for field in self.fields for one in field.problems()]

    def arguments(self) -> dict[str, Any]:
        """The arguments by name, for `Commands.submit`. Raises `ValueError` for the first that is wrong."""
        for path, what in self.problems():
            raise ValueError(f"{path}: {what}")
        return {field.label: field.plain() for field in self.fields}


def make_field(label: str, form: WireType, find_id: FindId, annotation: str = "") -> Field:
    """The field of a type: nested ones for arrays and structs of a bearable size."""
    base = resolved(form)
    if isinstance(base, (Array, Struct)) and leaf_count(base) <= MAX_FIELDS:
        return Group(label, form, find_id, annotation)
    return Entry(label, form, find_id, annotation)


def leaf_count(form: WireType) -> int:
    """How many single values a type holds."""
    base = resolved(form)
    if isinstance(base, Array):
        return base.size * leaf_count(base.element)
    if isinstance(base, Struct):
        return sum(map(leaf_count, base.members.values()))
    return 1


def rule_of(form: WireType) -> str:
    """What a single value may be: `U8, 0 to 255`, `text, at most 40 bytes`, or an enumeration's name."""
    base = resolved(form)
    if isinstance(base, Text):
        return f"text, at most {base.size} bytes"
    bounds = _bounds(form)
    if bounds is None and isinstance(base, Integer):
        bounds = (base.low, base.high)
    return form.name if bounds is None else f"{form.name}, {bounds[0]} to {bounds[1]}"


def _bounds(form: WireType) -> tuple[float, float] | None:
    """The range that a type's aliases and ranges leave."""
    found: list[tuple[float, float]] = []
    while (underlying := getattr(form, "underlying", None)) is not None:
        if isinstance(form, Ranged):
            found.append((form.low, form.high))
        form = underlying
    return (max(low for low, _ in found), min(high for _, high in found)) if found else None


def _kind(base: WireType) -> str:
    if isinstance(base, Enumeration):
        return CHOICE
    if isinstance(base, Boolean):
        return SWITCH
    return JSON if isinstance(base, (Array, Struct)) else TEXT


def _size_text(base: WireType) -> str:
    if isinstance(base, Array):
        return f"{base.size} x {base.element.name}"
    assert isinstance(base, Struct)
    return f"{len(base.members)} members"
