"""Links between the documents lead to files and headings that exist."""

from __future__ import annotations

import re

import pytest

from tests.peers import ROOT

DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("components/**/*.md")]
    if "build" not in path.parts
)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """The anchor that Markdown renderers give a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("name", [str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    broken = []
    for match in _LINK.finditer(_CODE.sub("", document.read_text(encoding="utf-8"))):
        target = match[1] or match[2]
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, heading = target.partition("#")
        found = document if not path else document.parent / path
        headings = _HEADING.findall(found.read_text(encoding="utf-8")) if heading and found.is_file() else []
        if not found.exists() or (heading and heading not in map(anchor, headings)):
            broken.append(target)
    assert broken == []
