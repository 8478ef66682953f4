"""`kittiwake new topology`: another deployment of a project's components, with its test."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake new topology", description="Add a topology that works, with its test, to a project."
    )
    made.add_argument("name", help="as in WeatherStation, weather_station or weather-station")
    made.add_argument("--in", dest="folder", type=Path, default=Path(), metavar="DIR", help="a folder of the project")
    return made


def main(arguments: list[str]) -> int:
    """Makes it; 1 if there is no project or the name is taken."""
    return carry_out(parser(), _make, arguments)


def _make(options: argparse.Namespace) -> int:
    from kittiwake.skeletons.names import read_name
    from kittiwake.skeletons.project import find_project
    from kittiwake.skeletons.rendering import write_new
    from kittiwake.skeletons.sources import topology_files

    names = read_name(options.name)
    project = find_project(options.folder)
    paths = write_new(project.folder, topology_files(names))
    for path in paths:
        print(path)
    print(f"\nNext: kittiwake check {paths[-1]}; kittiwake run {paths[-1]}")
    return 0
