"""`kittiwake new component`: a component with its design sheet and its tests, in a project."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out


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
    made.add_argument("--in", dest="folder", type=Path, default=Path(), metavar="DIR", help="a folder of the project")
    return made


def main(arguments: list[str]) -> int:
    """Makes it and says how it comes into a topology; 1 if there is no project or the name is taken."""
    return carry_out(parser(), _make, arguments)


def _make(options: argparse.Namespace) -> int:
    from kittiwake.skeletons.names import read_name
    from kittiwake.skeletons.project import find_project
    from kittiwake.skeletons.rendering import Exists, write_new
    from kittiwake.skeletons.sources import component_files, instance_line

    names = read_name(options.name)
    project = find_project(options.folder)
    folder = project.folder / project.package / names.module
    if folder.exists() or folder.with_suffix(".py").exists():
        raise Exists(f"{folder} is there already")
    files = component_files(names, project.package, project.import_name, options.kind)
    for path in write_new(project.folder, files):
        print(path)
    line = instance_line(names, project.import_name, options.kind, "0x10020000")
    print(f"\nNext, in a topology (with a free id, and the name of its rate group):\n  instances:\n    {line}")
    print(f"  connections:\n    - cycle.member_out -> {names.instance}.run")
    return 0
