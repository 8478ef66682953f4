"""Each weakness that docs/satellite.md lists has its test, which says that it is about one."""

from __future__ import annotations

import ast
import re

import pytest

from tests.peers import ROOT

ROW = re.compile(r"^\|[^|]*\|([^|]+)\| `(tests/[^`]+\.py)::(\w+)` \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs/satellite.md").read_text(encoding="utf-8").partition("## What is weak upstream")[2])
LEAST = 50
"""The list has grown to as many; none may be taken out."""


def test_the_list_is_whole() -> None:
    assert len(ROWS) >= LEAST
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
