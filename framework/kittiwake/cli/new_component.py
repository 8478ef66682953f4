"""`kittiwake new component`: a component with its design sheet and its tests, in a project."""

from __future__ import annotations

import argparse

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.skeleton_files import add_project_option, put_new


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake new component", description="Add a component with its design sheet and its tests to a project."
    )
    made.add_argument("name", help="as in WaterPump, water_pump or water-pump")
    made.add_argument(
        "--kind", choices=["passive", "active"], default="passive",
        help="passive: its caller does its work (default); active: it has a queue, and its commands may wait",
    )  # fmt: skip
    add_project_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Makes it and says how it comes into a topology; 1 if there is no project or the name is taken."""
    return carry_out(parser(), _make, arguments)


def _make(options: argparse.Namespace) -> int:
    from kittiwake.skeletons.names import read_name
    from kittiwake.skeletons.project import find_project
    from kittiwake.skeletons.rendering import Exists
    from kittiwake.skeletons.sources import component_files, instance_line

    names = read_name(options.name)
    project = find_project(options.folder)
    folder = project.folder / project.package / names.module
    if folder.exists() or folder.with_suffix(".py").exists():
        raise Exists(f"{folder} is there already")
    files = component_files(names, project.package, project.import_name, options.kind)
    put_new(project.folder, files)
    line = instance_line(names, project.import_name, options.kind, "0x10020000")
    print(f"\nNext, in a topology (with a free id, and the name of its rate group):\n  instances:\n    {line}")
    print(f"  connections:\n    - cycle.member_out -> {names.instance}.run")
    return 0
