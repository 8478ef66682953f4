"""`kittiwake new deployment`: a project of its own that depends on the installed package."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.skeleton_files import put_new


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake new deployment",
        description="Make a project in a new folder: a component, a topology, a sequence, and tests of all of them.",
    )
    made.add_argument("name", help="as in WeatherStation, weather_station or weather-station")
    made.add_argument("--in", dest="folder", type=Path, default=Path(), metavar="DIR", help="where the folder is made")
    made.add_argument(
        "--kittiwake", metavar="SOURCE",
        help="where the project gets Kittiwake from: ==VERSION, or a URL or path that pip takes (default: as this one)",
    )  # fmt: skip
    return made


def main(arguments: list[str]) -> int:
    """Makes it and says what is next; 1 if the name is taken."""
    return carry_out(parser(), _make, arguments)


def _make(options: argparse.Namespace) -> int:
    from kittiwake.skeletons.names import check_package_name, read_name
    from kittiwake.skeletons.project import given_source, kittiwake_source
    from kittiwake.skeletons.rendering import Exists
    from kittiwake.skeletons.sources import deployment_files

    names = read_name(options.name)
    folder = options.folder / names.module
    if folder.exists():
        raise Exists(f"{folder} is there already")
    check_package_name(names.module)
    source = given_source(options.kittiwake) if options.kittiwake else kittiwake_source()
    put_new(folder, deployment_files(names, source))
    print(f"\nNext: cd {folder}; make test; make run")
    return 0
