"""Arithmetic over channels, as people write it: read with `ast`, held against a list of what is allowed, never run.

    Station.power.Volts * Station.power.Amps
    max(Ref.imu.Rates.x, Ref.imu.Rates.y) if Ref.modes.Mode == "SAFE" else 0
    Ref.thermal.Panels[2] - Ref.thermal.Panels[0]

Numbers are floats all the way, true is 1 and false is 0. A constant of an enum is compared as text.
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any

from kittiwake.faults import did_you_mean
from kittiwake.model.types import Array, Boolean, Enumeration, Float, Integer, Struct, resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.dictionary.entries import Channel
    from kittiwake.model.types import WireType

    Values = Mapping[str, Any]
    Term = Callable[[Values], float]

MAX_TEXT = 2000
MAX_TERMS = 200
MAX_DEPTH = 40

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: math.pow,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_FUNCTIONS: dict[str, tuple[Callable[..., float], int, int]] = {
    "abs": (abs, 1, 1), "min": (min, 2, 20), "max": (max, 2, 20), "sqrt": (math.sqrt, 1, 1), "exp": (math.exp, 1, 1),
    "log": (math.log, 1, 1), "log10": (math.log10, 1, 1), "sin": (math.sin, 1, 1), "cos": (math.cos, 1, 1),
    "tan": (math.tan, 1, 1), "asin": (math.asin, 1, 1), "acos": (math.acos, 1, 1), "atan2": (math.atan2, 2, 2),
    "floor": (math.floor, 1, 1), "ceil": (math.ceil, 1, 1), "hypot": (math.hypot, 2, 20),
    "degrees": (math.degrees, 1, 1), "radians": (math.radians, 1, 1),
}  # fmt: skip
"""Name -> the function, and how many arguments it takes at least and at most."""

_CONSTANTS = {"pi": math.pi, "e": math.e}


class ExpressionFault(ValueError):
    """An expression that cannot be; the message says where (`column`, from 1) and what would do."""

    def __init__(self, message: str, column: int = 1) -> None:
        self.column = column
        super().__init__(f"column {column}: {message}")


class NoValue(ArithmeticError):
    """An expression has no value with these inputs; the message says why."""


class Expression:
    """An expression that was read and checked against the channels there are."""

    def __init__(self, text: str, channels: Mapping[str, Channel]) -> None:
        """Raises `ExpressionFault`."""
        if len(text) > MAX_TEXT:
            raise ExpressionFault(f"an expression has at most {MAX_TEXT} characters, not {len(text)}")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
            message = fault.msg if isinstance(fault, SyntaxError) else "it nests too deeply"
            raise ExpressionFault(message, getattr(fault, "offset", None) or 1) from None
        self.text = text
        reader = _Reader(channels)
        self._term = reader.term(tree.body, 0)
        self.inputs = frozenset(reader.inputs)
        """The channels that it is made of."""
        if not self.inputs:
            raise ExpressionFault("there is no channel in it")

    def value(self, values: Values) -> float:
        """Its value, with one for each of the inputs. Raises `NoValue`."""
        try:
            found = float(self._term(values))
        except ZeroDivisionError:
            raise NoValue("division by zero") from None
        except (OverflowError, ValueError) as fault:
            raise NoValue(str(fault)) from None
        if not math.isfinite(found):
            raise NoValue(f"the value is {found}")
        return found


class _Reader:
    """Turns a syntax tree into functions, node by node; whatever it does not know is refused."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self.inputs: set[str] = set()
        self._terms = 0

    def term(self, node: ast.expr, depth: int) -> Term:
        self._terms += 1
        if self._terms > MAX_TERMS or depth > MAX_DEPTH:
            raise ExpressionFault("it is too long: derive a part of it by itself", _column(node))
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._named(node)
            case ast.UnaryOp():
                return self._unary(node, depth)
            case ast.BinOp():
                return self._binary(node, depth)
            case ast.BoolOp():
                return self._joined(node, depth)
            case ast.Compare():
                return self._compared(node, depth)
            case ast.IfExp():
                return self._chosen(node, depth)
            case ast.Call():
                return self._called(node, depth)
        raise ExpressionFault("this is nothing that can be computed with channels", _column(node))

    def _constant(self, node: ast.Constant) -> Term:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise ExpressionFault(f"{node.value!r} is no number; text is only compared with an enum", _column(node))
        try:
            number = float(node.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise ExpressionFault("the number is too large", _column(node))
        return lambda values: number

    def _named(self, node: ast.Name | ast.Attribute | ast.Subscript) -> Term:
        if isinstance(node, ast.Name) and node.id in _CONSTANTS and node.id not in self._channels:
            constant = _CONSTANTS[node.id]
            return lambda values: constant
        name, form, steps = self._place(node)
        if not isinstance(form, (Integer, Float, Boolean, Enumeration)):
            raise ExpressionFault(f"{ast.unparse(node)} is {form.name}, no number{_way_in(form)}", _column(node))
        self.inputs.add(name)
        if not steps:
            return lambda values: float(values[name])

        def read(values: Values) -> float:
            value = values[name]
            for step in steps:
                value = value[step] if isinstance(step, int) else getattr(value, step)
            return float(value)

        return read

    def _place(self, node: ast.expr) -> tuple[str, WireType, list[str | int]]:
        """The channel that is named, the type of what is meant of it, and the way there."""
        parts = _parts(node)
        names = [part for part in parts if isinstance(part, str)]
        for length in range(len(parts), 0, -1):
            name = ".".join([str(part) for part in parts[:length]])
            if all(isinstance(part, str) for part in parts[:length]) and name in self._channels:
                form = resolved(self._channels[name].type)
                for step in parts[length:]:
                    form = _inner(form, step, node)
                return name, form, parts[length:]
        hint = did_you_mean(".".join(names), self._channels)
        known = f"; functions are {', '.join(_FUNCTIONS)}" if len(names) == 1 and not hint else ""
        raise ExpressionFault(
            f"there is no channel {'.'.join(names)}" + (f" ({hint})" if hint else known), _column(node)
        )

    def _unary(self, node: ast.UnaryOp, depth: int) -> Term:
        inner = self.term(node.operand, depth + 1)
        match node.op:
            case ast.USub():
                return lambda values: -inner(values)
            case ast.UAdd():
                return inner
            case ast.Not():
                return lambda values: float(not inner(values))
        raise ExpressionFault("of signs there are -, + and not", _column(node))

    def _binary(self, node: ast.BinOp, depth: int) -> Term:
        act = _OPERATORS.get(type(node.op))
        if act is None:
            raise ExpressionFault("of operators there are + - * / // % and **", _column(node))
        left, right = self.term(node.left, depth + 1), self.term(node.right, depth + 1)
        return lambda values: act(left(values), right(values))

    def _joined(self, node: ast.BoolOp, depth: int) -> Term:
        parts = [self.term(one, depth + 1) for one in node.values]
        test = all if isinstance(node.op, ast.And) else any
        return lambda values: float(test(part(values) for part in parts))

    def _compared(self, node: ast.Compare, depth: int) -> Term:
        sides = [node.left, *node.comparators]
        pairs = list(zip(sides, node.ops, sides[1:], strict=False))
        tests = [self._pair(left, kind, right, depth) for left, kind, right in pairs]
        return lambda values: float(all(test(values) for test in tests))

    def _pair(self, left: ast.expr, kind: ast.cmpop, right: ast.expr, depth: int) -> Callable[[Values], bool]:
        act = _COMPARISONS.get(type(kind))
        if act is None:
            raise ExpressionFault("of comparisons there are < <= > >= == and !=", _column(left))
        one, other = self._side(left, right, kind, depth), self._side(right, left, kind, depth)
        return lambda values: act(one(values), other(values))

    def _side(self, node: ast.expr, opposite: ast.expr, kind: ast.cmpop, depth: int) -> Term:
        """A side of a comparison; text is a constant of the enum on the other side."""
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return self.term(node, depth + 1)
        if not isinstance(opposite, (ast.Name, ast.Attribute, ast.Subscript)) or not isinstance(
            kind, (ast.Eq, ast.NotEq)
        ):
            raise ExpressionFault("text is only == or != to a channel that is an enum", _column(node))
        form = self._place(opposite)[1]
        if not isinstance(form, Enumeration):
            raise ExpressionFault(f"{ast.unparse(opposite)} is {form.name}, no enum", _column(opposite))
        member = form.enum.__members__.get(node.value)
        if member is None:
            known = did_you_mean(node.value, form.enum.__members__) or f"there are {', '.join(form.enum.__members__)}"
            raise ExpressionFault(f"{node.value!r} is no constant of {form.name} ({known})", _column(node))
        number = float(member)
        return lambda values: number

    def _chosen(self, node: ast.IfExp, depth: int) -> Term:
        test, then, other = [self.term(one, depth + 1) for one in (node.test, node.body, node.orelse)]
        return lambda values: then(values) if test(values) else other(values)

    def _called(self, node: ast.Call, depth: int) -> Term:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        found = _FUNCTIONS.get(name)
        if found is None:
            known = did_you_mean(name, _FUNCTIONS) or f"there are {', '.join(_FUNCTIONS)}"
            raise ExpressionFault(f"there is no function {name} ({known})", _column(node))
        act, least, most = found
        if node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            raise ExpressionFault(f"{name} takes its arguments in order", _column(node))
        if not least <= len(node.args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ExpressionFault(f"{name} takes {wanted} arguments, not {len(node.args)}", _column(node))
        arguments = [self.term(one, depth + 1) for one in node.args]
        return lambda values: act(*[one(values) for one in arguments])


def _parts(node: ast.expr) -> list[str | int]:
    """The names and indices of `a.b[2].c`."""
    parts: list[str | int] = []
    while True:
        match node:
            case ast.Name():
                return [node.id, *reversed(parts)]
            case ast.Attribute():
                parts.append(node.attr)
                node = node.value
            case ast.Subscript(slice=ast.Constant(value=int() as index)) if not isinstance(index, bool):
                parts.append(index)
                node = node.value
            case _:
                raise ExpressionFault("a channel is named as in Ref.imu.Rates.x or Ref.panels.Volts[2]", _column(node))


def _inner(form: WireType, step: str | int, node: ast.expr) -> WireType:
    if isinstance(step, int) and isinstance(form, Array) and 0 <= step < form.size:
        return resolved(form.element)
    if isinstance(step, str) and isinstance(form, Struct) and step in form.members:
        return resolved(form.members[step])
    wanted = f"element {step}" if isinstance(step, int) else f"member {step}"
    raise ExpressionFault(f"{form.name} has no {wanted}{_way_in(form)}", _column(node))


def _way_in(form: WireType) -> str:
    if isinstance(form, Array):
        return f": take one of [0] to [{form.size - 1}]"
    if isinstance(form, Struct):
        return f": take one of .{', .'.join(form.members)}"
    return ""


def _column(node: ast.AST) -> int:
    return int(getattr(node, "col_offset", 0)) + 1
