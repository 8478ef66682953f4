"""`kittiwake new`: skeletons that work, are tested and are documented, before anything is changed in them."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "deployment": ("kittiwake.cli.new_deployment", "make a project: a component, a topology, a sequence, tests"),
    "component": ("kittiwake.cli.new_component", "add a component with its design sheet and tests to a project"),
    "topology": ("kittiwake.cli.new_topology", "add a topology with its test to a project"),
}
"""Sub-command -> module and a line of help."""
