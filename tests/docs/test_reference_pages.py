"""`make docs`: a page for each component and topology, and the README's figures."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_components import COMPONENTS
from tests.peers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(240)  # all pages of all components and topologies, on a busy machine

docs: Any = import_module("docs.__main__")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    return {path.stem: path.read_text() for path in docs.write_pages(folder, ROOT / "topologies")}


def test_each_component_and_each_main_topology_has_a_page_in_the_index(pages: dict[str, str]) -> None:
    assert {*COMPONENTS, "ReferenceDeployment"} <= set(pages)
    assert "CdhCore" not in pages
    linked = set(re.findall(r"\[(\w+)\]\(\1\.md\)", pages["index"]))
    assert linked == set(pages) - {"index"}


def test_a_component_s_page_has_all_that_it_declares(pages: dict[str, str]) -> None:
    page = pages["StartupManager"]
    declared = getattr(import_module("kittiwake_components"), "StartupManager").__declarations__  # noqa: B009
    for group in declared.groups()[:6]:
        for name, one in group.items():
            assert f"| `{getattr(one, 'label', name)}`" in page


def test_tables_have_as_many_cells_as_heads(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            counts = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
            assert len(counts) == 1, f"{name}:\n{block}"


def test_a_topology_s_page_links_its_components_and_draws_it(pages: dict[str, str]) -> None:
    page = pages["ReferenceDeployment"]
    assert "| `CdhCore.cmdDisp` | [CommandDispatcher](CommandDispatcher.md) | 0x01000000 |" in page
    assert "```mermaid\nflowchart LR\n" in page
    assert "![ReferenceDeployment](ReferenceDeployment.svg)" in page


def test_a_second_topology_of_a_name_has_the_page_of_its_file_and_a_large_one_a_drawing_of_each_group(
    pages: dict[str, str],
) -> None:
    page = pages["proves"]
    assert "| `ReferenceDeployment.burnwire` | [Burnwire](Burnwire.md) | 0x1001b000 |" in page
    assert "![proves-Radio](proves-Radio.svg)" in page
    assert "proves.svg" not in page


def test_a_topology_s_page_has_its_data_budget_and_its_packets(pages: dict[str, str]) -> None:
    page = pages["ReferenceDeployment"]
    assert "\nComCcsds.framer: CCSDS, TM frames of 1024 B\n" in page
    assert "![Commands](ReferenceDeployment.Commands.svg)" in page
    assert "\nComCcsdsLora.framer: CCSDS, TM frames of 248 B\n" in pages["proves"]


def test_figures_replace_those_that_stand_in_the_readme(tmp_path: Path) -> None:
    results = [{"name": "port call", "value": 48.2237, "unit": "ns", "reference": 39.6, "ratio": 1.22474, "budget": 1.5,
                "stretch": 1.4, "within_budget": True}]  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps(results))
    readme = tmp_path / "README.md"
    readme.write_text(f"# A\n{docs.FIGURES_BEGIN}old\n{docs.FIGURES_END}end\n")
    docs.put_figures(readme, tmp_path / "results.json")
    text = readme.read_text()
    assert "| port call | 48.2 ns | 1.22 | ≤ 1.5 | yes |" in text
    assert "old" not in text
    assert text.endswith("end\n")
    readme.write_text("# A\n")
    with pytest.raises(ValueError, match="lacks the marks"):
        docs.put_figures(readme, tmp_path / "results.json")


def test_the_committed_drawing_is_the_reference_deployment_as_it_is() -> None:
    from kittiwake.topology.compile import load_topology
    from kittiwake.topology.graph import make_graph
    from kittiwake.topology.svg import svg

    drawn = svg(make_graph(load_topology(ROOT / "topologies" / "reference.yaml")))
    assert (ROOT / "docs" / "reference.svg").read_text(encoding="utf-8") == drawn, (
        "draw it anew: kittiwake graph topologies/reference.yaml -o docs/reference.svg"
    )


def test_the_readme_shows_every_figure_that_was_measured() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition(docs.FIGURES_BEGIN)[2]
    results = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in results if f"| {one['name']} |" not in table] == [], (
        "bring the README up to date: python -m docs --figures"
    )
