"""Writes the reference pages from the declarations, and the README's table of figures.

`python -m docs` (`make docs`) writes `build/docs`: a page for each component and each topology, and an index.
`python -m docs --figures` puts the figures of `bench/results.json` into README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.budget.diagram_svg import diagram_svg
from kittiwake.budget.fields import telemetry_message
from kittiwake.budget.links import links_of, schedule_of
from kittiwake.budget.plan import make_budget
from kittiwake.budget.report import Rates, budget_text
from kittiwake.cli.dictionary_option import dictionary_of
from kittiwake.model.state_diagram import mermaid as state_diagram
from kittiwake.topology.compile import load_topology
from kittiwake.topology.graph import make_graph, mermaid
from kittiwake.topology.instances import import_component
from kittiwake.topology.schema import listed_components
from kittiwake.topology.svg import svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.model.component import ComponentType, Declarations
    from kittiwake.model.types import WireType
    from kittiwake.topology.model import Topology

ROOT = Path(__file__).resolve().parent.parent
FIGURES_BEGIN = "<!-- figures -->\n"
FIGURES_END = "<!-- end of figures -->\n"

MOST_DRAWN_AT_ONCE = 40
"""The most instances that one drawing can show to a reader."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, or a word where it would be empty."""
    lines = ["| " + " | ".join(_cell(one) for one in row) + " |" for row in rows]
    if not lines:
        return "None.\n"
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _first(doc: str) -> str:
    """The first paragraph of a docstring."""
    return doc.strip().partition("\n\n")[0]


def _parameters(parameters: Iterable[tuple[str, WireType]]) -> str:
    return ", ".join(f"{name}: {form!r}" for name, form in parameters) or "–"


def component_page(cls: ComponentType) -> str:
    """The page of one component."""
    declared = cls.__declarations__
    sections = {
        "Ports": _ports(declared),
        "Commands": _commands(declared),
        "Events": _events(declared),
        "Channels": _channels(declared),
        "Parameters": _declared_parameters(declared),
        "Settings": _settings(declared),
        **_products(declared),
    }
    for machine in declared.machines.values():
        sections[f"State machine `{machine.name}`"] = (
            f"{machine.doc}\n\n```mermaid\n{state_diagram(machine)}```\n".lstrip()
        )
    body = "\n".join(f"## {title}\n\n{content}" for title, content in sections.items())
    return f"# {cls.__name__}\n\n{cls.KIND.capitalize()}. {_first(cls.__doc__ or '')}\n\n{body}"


def _ports(declared: Declarations) -> str:
    rows = [
        (
            f"`{one.name}`{_size(one)}",
            f"in, {one.kind}",
            one.port.name,
            _parameters(one.port.parameters),
            _first(one.doc),
        )
        for one in declared.inputs.values()
    ] + [
        (f"`{one.name}`{_size(one)}", "out", one.port.name, _parameters(one.port.parameters), one.doc or one.port.doc)
        for one in declared.outputs.values()
    ]
    return table(("Port", "Direction", "Type", "Arguments", "Meaning"), rows)


def _commands(declared: Declarations) -> str:
    rows = [
        (f"`{one.label}`", f"{one.number:#04x}", one.kind, _parameters(one.parameters), _first(one.doc))
        for one in declared.commands.values()
    ]
    return table(("Command", "Opcode", "Kind", "Arguments", "Meaning"), rows)


def _events(declared: Declarations) -> str:
    rows = [
        (
            f"`{one.label}`", f"{one.number:#04x}", one.severity.name, _parameters(one.parameters), f"`{one.format}`",
            one.doc,
        )
        for one in declared.events.values()
    ]  # fmt: skip
    return table(("Event", "Id", "Severity", "Arguments", "Text", "Meaning"), rows)


def _channels(declared: Declarations) -> str:
    rows = [
        (
            f"`{one.label}`", f"{one.number:#04x}", repr(one.type), one.unit,
            "on change" if one.on_change else "always", one.doc,
        )
        for one in declared.channels.values()
    ]  # fmt: skip
    return table(("Channel", "Id", "Type", "Unit", "Sent", "Meaning"), rows)


def _declared_parameters(declared: Declarations) -> str:
    rows = [
        (f"`{one.label}`", f"{one.number:#04x}", repr(one.type), one.default, one.unit, one.doc)
        for one in declared.parameters.values()
    ]
    return table(("Parameter", "Id", "Type", "Default", "Unit", "Meaning"), rows)


def _settings(declared: Declarations) -> str:
    rows = [
        (f"`{one.name}`", repr(one.default), " to ".join(map(str, one.range or ())), one.doc)
        for one in declared.settings.values()
    ]
    return table(("Setting", "Default", "Range", "Meaning"), rows)


def _products(declared: Declarations) -> dict[str, str]:
    """The tables of data products, where there are any."""
    records = [
        (f"`{one.label}`", f"{one.number:#04x}", f"{one.type!r}{' array' if one.array else ''}", one.doc)
        for one in declared.records.values()
    ]
    containers = [
        (f"`{one.label}`", f"{one.number:#04x}", one.priority, one.doc) for one in declared.containers.values()
    ]
    if not containers:
        return {}
    return {
        "Containers": table(("Container", "Id", "Priority", "Meaning"), containers),
        "Records": table(("Record", "Id", "Type", "Meaning"), records),
    }


def _size(port: Any) -> str:
    return f" [{port.size}]" if port.is_array else ""


def topology_page(topology: Topology, drawings: Iterable[str], more: dict[str, str]) -> str:
    """The page of one topology, with its graph for viewers of Mermaid; the drawings stand beside it.

    `more` are sections, by title, that come last.
    """
    instances = [
        (f"`{one.name}`", f"[{one.component.__name__}]({one.component.__name__}.md)", f"{one.base_id:#010x}",
         one.queue or "–", one.priority or "–", one.thread or "main")
        for one in topology.instances
    ]  # fmt: skip
    services = [(service, f"`{name}`") for service, name in topology.services.items()]
    packets = [
        (f"`{one.name}`", one.id, one.group, ", ".join(f"{name}.{channel}" for name, channel in one.channels))
        for one in topology.packets
    ]
    pictures = "\n\n".join(f"![{name}]({name}.svg)" for name in drawings)
    sections = {
        "Instances": table(("Instance", "Component", "Base id", "Queue", "Priority", "Thread"), instances),
        "Services": table(("Service", "Instance"), services),
        "Telemetry packets": table(("Packet", "Id", "Level", "Channels"), packets),
        "Graph": f"{pictures}\n\n```mermaid\n{mermaid(make_graph(topology))}```\n",
        **more,
    }
    body = "\n".join(f"## {title}\n\n{content}" for title, content in sections.items())
    return f"# {topology.name}\n\n{topology.doc}\n\n{body}"


def write_pages(folder: Path, topologies: Path) -> list[Path]:
    """Writes all pages; gives their paths, the index first. Raises `Faults` for a topology with faults."""
    folder.mkdir(parents=True, exist_ok=True)
    components = [import_component(name)[0] for name in listed_components()]
    pages = {cls.__name__: component_page(cls) for cls in components}
    mains: list[str] = []
    for path in sorted(topologies.glob("*.yaml"), key=lambda path: (path.stem != "reference", path)):
        if _is_main(path):
            topology = load_topology(path)
            # Several may deploy under one name; it is the page of the first of them, which is the reference.
            name = path.stem if topology.name in mains else topology.name
            mains.append(name)
            more = _wire_sections(topology, folder, name)
            pages[name] = topology_page(topology, _draw(topology, folder, name), more)
    lists = {"Topologies": mains, "Components": sorted(cls.__name__ for cls in components)}
    links = [f"## {title}\n\n" + "".join(f"- [{one}]({one}.md)\n" for one in names) for title, names in lists.items()]
    written = []
    for name, text in {"index": "# Reference\n\n" + "\n".join(links), **pages}.items():
        written.append(folder / f"{name}.md")
        written[-1].write_text(text, encoding="utf-8")
    return written


def _draw(topology: Topology, folder: Path, name: str) -> list[str]:
    """Draws a topology, a large one group by group; gives the names of the drawings."""
    groups = dict.fromkeys(connection.group for connection in topology.connections)
    parts = {name: make_graph(topology)}
    if len(topology.instances) > MOST_DRAWN_AT_ONCE:
        parts = {f"{name}-{group}": make_graph(topology, [group]) for group in groups}
    for part, graph in parts.items():
        (folder / f"{part}.svg").write_text(svg(graph), encoding="utf-8")
    return list(parts)


def _wire_sections(topology: Topology, folder: Path, name: str) -> dict[str, str]:
    """The data budget, and the telemetry packets on the wire, which are drawn into files of the folder."""
    dictionary = dictionary_of(topology, topology.name)
    budget = make_budget(dictionary, links_of(topology), schedule_of(topology))
    pictures = []
    for packet in [packet for one in dictionary.packet_sets for packet in one.packets]:
        message = telemetry_message(dictionary, packet)
        file = f"{name}.{packet.name}.svg"
        drawing = diagram_svg(f"{packet.name}: {message.size} bytes", message.fields)
        (folder / file).write_text(drawing, encoding="utf-8")
        pictures.append(f"![{packet.name}]({file})\n")
    text = budget_text(budget, Rates(None, {}), None)
    return {"Data budget": f"```text\n{text}```\n", "Packets on the wire": "\n".join(pictures)}


def _is_main(path: Path) -> bool:
    return any(line.startswith("topology:") for line in path.read_text(encoding="utf-8").splitlines())


def figures(results: Sequence[dict[str, Any]]) -> str:
    """The README's table of measured figures."""
    rows = [
        (
            one["name"],
            f"{_short(one['value'])} {one['unit']}",
            _short(one["ratio"]),
            f"{'≥' if one['stretch'] > one['budget'] else '≤'} {one['budget']:,g}",
            "yes" if one["within_budget"] else "no",
        )
        for one in results
    ]
    return table(("Figure", "Measured", "Ratio", "Budget", "Within"), rows)


def _short(value: float) -> str:
    """Three digits, and whole thousands."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def put_figures(readme: Path, results: Path) -> None:
    """Replaces what stands between the two marks in the README. Raises `ValueError` if they are missing."""
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(FIGURES_BEGIN)
    _, end, after = rest.partition(FIGURES_END)
    if not begin or not end:
        raise ValueError(f"{readme} lacks the marks around its figures")
    made = figures(json.loads(results.read_text(encoding="utf-8")))
    readme.write_text(f"{before}{begin}\n{made}\n{end}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what is asked for."""
    parser = argparse.ArgumentParser("python -m docs", description="Write the reference pages from the declarations.")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("build/docs"), metavar="DIR", help="default: build/docs"
    )
    parser.add_argument("--figures", action="store_true", help="only put bench/results.json into README.md")
    options = parser.parse_args(arguments)
    if options.figures:
        put_figures(ROOT / "README.md", ROOT / "bench" / "results.json")
        return 0
    pages = write_pages(options.output, ROOT / "topologies")
    print(f"{len(pages)} pages: {pages[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
