"""Each weakness that the pages list has its test, which says that it is about one."""

from __future__ import annotations

import ast
import re

import pytest

from tests.peers import ROOT

ROW = re.compile(r"^\|[^|]*\|([^|]+)\| `(tests/[^`]+\.py)::(\w+)` \|$", re.MULTILINE)
LEAST = {"docs/satellite.md": 50, "docs/building.md": 21, "docs/hive.md": 30}
"""The lists of the pages have grown to as many; none may be taken out."""


def rows_of(page: str) -> list[tuple[str, str, str]]:
    """Weakness, file and test of each row."""
    return ROW.findall((ROOT / page).read_text(encoding="utf-8").partition("## What is weak upstream")[2])


ROWS = [row for page in LEAST for row in rows_of(page)]


def test_the_lists_are_whole() -> None:
    assert all(len(rows_of(page)) >= least for page, least in LEAST.items())
    assert len({weakness for weakness, *_ in ROWS}) == len(ROWS)
    assert len({(path, name) for _, path, name in ROWS}) == len(ROWS)


@pytest.mark.parametrize("weakness, path, name", ROWS)
def test_a_weakness_has_its_test(weakness: str, path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    docs = [
        ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert docs, f"{path} has no test {name}, which shows that this is not so: {weakness}"
    assert "Upstream:" in docs[0]
