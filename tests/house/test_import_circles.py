"""What may import what: no modules import one another in a circle, not even late, and ports know no component."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

import pytest

from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = ("framework", "components", "ground")
SHARED_PORTS = "kittiwake_components.ports."
LET_BE = {("kittiwake.model", "kittiwake.runtime")}
"""Folder -> folder whose types it may name, though the latter stands on it: a component says what runs it."""


def module_trees() -> dict[str, ast.Module]:
    """The modules by their dotted names."""
    found = {}
    for base in (ROOT / place for place in PLACES):
        for path in base.glob("kittiwake*/**/*.py"):
            parts = path.relative_to(base).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def import_statements(node: ast.AST, for_types: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Each import in a module, wherever it stands, and whether it is for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import() | ast.ImportFrom():
                yield child, for_types
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                for one in child.body:
                    yield from import_statements(ast.Module([one], []), for_types=True)
                for one in child.orelse:
                    yield from import_statements(ast.Module([one], []), for_types)
            case _:
                yield from import_statements(child, for_types)


def imported(statement: ast.Import | ast.ImportFrom, known: dict[str, ast.Module]) -> set[str]:
    """The known modules that a statement imports."""
    if isinstance(statement, ast.Import):
        names = {alias.name for alias in statement.names}
    else:
        inner = {f"{statement.module}.{alias.name}" for alias in statement.names}
        names = {name if name in known else str(statement.module) for name in inner}
    return names & known.keys()


def folder(module: str) -> str:
    """The package that a module stands in."""
    return module.rpartition(".")[0]


def may_point_back(module: str, other: str) -> bool:
    """Whether a module may name types of another that imports it: a part those of the whole in its folder."""
    return folder(module) == folder(other) or (folder(module), folder(other)) in LET_BE


def circle(trees: dict[str, ast.Module]) -> list[str]:
    """Modules that import one another in a circle, if there are any; the last is the first again."""
    graph: dict[str, set[str]] = {
        module: {
            other
            for statement, for_types in import_statements(tree)
            for other in imported(statement, trees) - {module}
            if not (for_types and may_point_back(module, other))
        }
        for module, tree in trees.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        return list(reversed(fault.args[1]))
    return []


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert circle(module_trees()) == []


def test_ports_stand_below_the_components_that_share_them() -> None:
    trees = module_trees()
    above = {
        other
        for module, tree in trees.items()
        if module.startswith(SHARED_PORTS)
        for statement, _ in import_statements(tree)
        for other in imported(statement, trees)
        if other.startswith("kittiwake_components.") and not other.startswith(SHARED_PORTS)
    }
    assert above == set()


@pytest.mark.parametrize(
    "first, second, found",
    [
        ("import house.part", "import house.whole", True),
        ("import house.part", "def late():\n    from house import whole", True),
        ("from house.part import Part", "if TYPE_CHECKING:\n    from house.whole import Whole", False),
        ("import house.part", "import elsewhere", False),
    ],
)
def test_the_check_sees_circles(first: str, second: str, found: bool) -> None:
    trees = {"house.whole": ast.parse(first), "house.part": ast.parse(second)}
    assert bool(circle(trees)) is found


def test_types_of_another_folder_make_a_circle_too() -> None:
    trees = {
        "house.whole": ast.parse("import shed.part"),
        "shed.part": ast.parse("if TYPE_CHECKING:\n    from house.whole import Whole"),
    }
    assert circle(trees)[0] == circle(trees)[-1]
