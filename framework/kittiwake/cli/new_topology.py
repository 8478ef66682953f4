"""`kittiwake new topology`: another deployment of a project's components, with its test."""

from __future__ import annotations

import argparse

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.skeleton_files import add_project_option, put_new


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake new topology", description="Add a topology that works, with its test, to a project."
    )
    made.add_argument("name", help="as in WeatherStation, weather_station or weather-station")
    add_project_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Makes it; 1 if there is no project or the name is taken."""
    return carry_out(parser(), _make, arguments)


def _make(options: argparse.Namespace) -> int:
    from kittiwake.skeletons.names import read_name
    from kittiwake.skeletons.project import find_project
    from kittiwake.skeletons.sources import topology_files

    names = read_name(options.name)
    project = find_project(options.folder)
    paths = put_new(project.folder, topology_files(names))
    print(f"\nNext: kittiwake check {paths[-1]}; kittiwake run {paths[-1]}")
    return 0
