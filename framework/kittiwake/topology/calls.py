"""Which output ports a handler calls before it returns, read from the component's source.

Only what is certain counts: `self.port(...)`, `self.ports[index](...)`, a loop over `self.ports`, the same in methods
of the component that the handler calls. A method that is handed on (to a timer, say) or defined inside runs later, and
so does an internal port.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kittiwake.model.component import ComponentType

MAX_SOURCE_BYTES = 4 * 1024 * 1024


def outputs_called(component: ComponentType, handler: str) -> frozenset[str]:
    """The outputs that `handler` calls, itself or through other methods. Empty where there is no source to read."""
    outputs = component.__declarations__.outputs
    found: set[str] = set()
    seen = {handler, *component.__declarations__.internals}
    waiting = [handler]
    while waiting:
        for name in _uses(getattr(component, waiting.pop(), None)):
            if name in outputs:
                found.add(name)
            elif name not in seen:
                seen.add(name)
                waiting.append(name)
    return frozenset(found)


def _uses(method: Any) -> frozenset[str]:
    """The names of `self` that a method calls, or takes out to call."""
    code = getattr(method, "__code__", None)
    if code is None or code.co_argcount == 0:
        return frozenset()
    function = _functions(code.co_filename).get(code.co_firstlineno)
    if not isinstance(function, ast.FunctionDef) or function.name != code.co_name:
        return frozenset()
    reader = _Reader(code.co_varnames[0])
    for statement in function.body:
        reader.visit(statement)
    return frozenset(reader.names)


@cache
def _functions(file: str) -> dict[int, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a source file by first line, their decorators' included; none if it cannot be read."""
    from linecache import getlines

    text = "".join(getlines(file))
    if len(text) > MAX_SOURCE_BYTES:
        return {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[min([node.lineno, *[decorator.lineno for decorator in node.decorator_list]])] = node
    return found


class _Reader(ast.NodeVisitor):
    """Collects what is read of `self`, but for what is handed on to be called later."""

    def __init__(self, own: str) -> None:
        self.own = own
        self.names: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Counts `self.name`."""
        if isinstance(node.value, ast.Name) and node.value.id == self.own:
            if isinstance(node.ctx, ast.Load):
                self.names.add(node.attr)
        else:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Counts what is called, and arguments other than a bare `self.name`: the callee may keep that for later."""
        self.visit(node.func)
        passed = [*node.args, *[keyword.value for keyword in node.keywords]]
        # enumerate, zip and their like call nothing, and what they give is called in the loop's body.
        hands_on = not (
            isinstance(node.func, ast.Name) and node.func.id in ("enumerate", "zip", "reversed", "list", "tuple")
        )
        for argument in passed:
            if not (hands_on and isinstance(argument, ast.Attribute)):
                self.visit(argument)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Leaves out what is only stored in an attribute."""
        if isinstance(node.value, ast.Attribute) and all(isinstance(target, ast.Attribute) for target in node.targets):
            return
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function inside runs later, if at all."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        """A function inside runs later, if at all."""

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """A function inside runs later, if at all."""
