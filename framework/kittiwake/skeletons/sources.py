"""The files of each skeleton, with the words that stand in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.skeletons.rendering import render

if TYPE_CHECKING:
    from kittiwake.skeletons.names import Names

PASSIVE = "passive"
ACTIVE = "active"
KINDS = (PASSIVE, ACTIVE)

FIRST_COMPONENT = "Beacon"
FIRST_ID = "0x10010000"

_IMPORTED = (
    "ACTIVITY_HI",
    "U32",
    "Bool",
    "Channel",
    "CommandError",
    "CommandResponse",
    "Parameter",
    "command",
    "event",
)


def component_files(names: Names, package: str, import_name: str, kind: str) -> dict[str, str]:
    """A component with its design sheet and its tests."""
    base = "ActiveComponent" if kind == ACTIVE else "PassiveComponent"
    port = "async_port" if kind == ACTIVE else "sync_port"
    words = {
        **_words(names), "package": package, "import_name": import_name, "base": base,
        # A project's own package stands apart from what is installed; the house's components do not.
        "gap": "" if import_name.startswith("kittiwake") else "\n",
        "imports": "".join(f"    {name},\n" for name in sorted([*_IMPORTED, base, port], key=_import_order)),
        "port": f'{port}(Sched, full="drop")' if kind == ACTIVE else f"{port}(Sched)",
        "port_kind": port.removesuffix("_port"), "kind": kind,
        "queued": "It has a queue: a cycle that finds it full is dropped." if kind == ACTIVE else
        "It has no queue: a cycle is done when the call returns.",
    }  # fmt: skip
    return render("component", words)


def topology_files(names: Names, component: Names | None = None, import_name: str = "") -> dict[str, str]:
    """A topology with its test, and with an instance of a passive component if one is given."""
    words = {**_words(names), "instances": "", "connections": ""}
    if component is not None:
        words["instances"] = f"  {instance_line(component, import_name, PASSIVE, FIRST_ID)}\n"
        words["connections"] = f"    - cycle.member_out -> {component.instance}.run\n"
    return render("topology", words)


def deployment_files(names: Names, source: str) -> dict[str, str]:
    """A project: what it is built with, a component, a topology, a sequence, and tests of all. Raises `NameFault`."""
    from kittiwake.skeletons.names import read_name

    component = read_name(FIRST_COMPONENT)
    words = {**_words(names), "source": source, "component": component.class_name}
    files = render("deployment", words)
    files |= component_files(component, names.module, names.module, PASSIVE)
    files |= topology_files(names, component, names.module)
    return files


def instance_line(names: Names, import_name: str, kind: str, base_id: str) -> str:
    """The line that makes an instance of a new component in a topology."""
    queue = ", queue: 10, priority: 30" if kind == ACTIVE else ""
    where = f"{import_name}.{names.module}.component.{names.class_name}"
    return f"{names.instance}: {{component: {where}, id: {base_id}{queue}}}"


def _words(names: Names) -> dict[str, str]:
    return {
        "name": names.class_name, "module": names.module, "instance": names.instance, "title": names.title,
        "requirement": names.requirement,
    }  # fmt: skip


def _import_order(name: str) -> tuple[int, str]:
    """Constants, classes, functions, each by the alphabet."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name
