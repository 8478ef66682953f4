"""`kittiwake build`: compiles a topology into an image, and writes the dictionary beside it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import message_of
from kittiwake.cli.output import naming, write_whole

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image
    from kittiwake.topology.model import Topology


def compile_topology(path: Path) -> Topology | None:
    """The checked topology, or `None` after its faults were printed."""
    from kittiwake.faults import Faults
    from kittiwake.topology.compile import load_topology

    try:
        return load_topology(path)
    except Faults as faults:
        print(faults.render(), file=sys.stderr)
        return None


def build(topology: Topology, folder: Path) -> tuple[Image, Path, Path]:
    """Writes `<Name>TopologyDictionary.json` and `<Name>.image` into a folder; gives the image and both paths.

    Raises `OSError`, and `ValueError` for declarations that no dictionary can hold.
    """
    from kittiwake import __version__
    from kittiwake.dictionary.export import HASH_KEY, write_dictionary
    from kittiwake.runtime.image import dump_image
    from kittiwake.topology.image import build_image

    folder.mkdir(parents=True, exist_ok=True)
    dictionary = folder / f"{topology.name}TopologyDictionary.json"
    with naming(dictionary):
        written = write_dictionary(str(dictionary), topology, __version__)
    image = build_image(topology, written["metadata"][HASH_KEY])
    image_path = folder / f"{topology.name}.image"
    write_whole(image_path, dump_image(image))
    return image, image_path, dictionary


def read_image(path: Path) -> Image:
    """The image in a file. Raises `OSError`, and `ImageFault`, which names the file."""
    from kittiwake.runtime.image import MAX_IMAGE_BYTES, ImageFault, load_image

    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise ImageFault(f"{path}: too large for an image")
    try:
        return load_image(path.read_bytes())
    except ImageFault as fault:
        raise ImageFault(f"{path}: {fault}") from None


def write_unit(name: str, image: Path) -> Path:
    """Writes `<name>.service` beside the image, for this installation of `kittiwake`. Raises `OSError`."""
    from kittiwake.cli.systemd_unit import unit_text

    path = image.with_name(f"{name}.service")
    write_whole(path, unit_text(name, Path(sys.executable).with_name("kittiwake"), image.resolve()).encode())
    return path


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake build", description="Compile a topology into an image and its dictionary."
    )
    made.add_argument("topology", type=Path, help="topology file (YAML)")
    made.add_argument("-o", "--output", type=Path, default=Path("build"), metavar="DIR", help="default: build")
    made.add_argument(
        "--systemd", action="store_true", help="write a unit beside the image by which systemd runs and watches it"
    )
    return made


def main(arguments: list[str]) -> int:
    """Builds; 1 if the topology has faults."""
    options = parser().parse_args(arguments)
    topology = compile_topology(options.topology)
    if topology is None:
        return 1
    try:
        _, image, dictionary = build(topology, options.output)
        unit = write_unit(topology.name, image) if options.systemd else None
    except (OSError, ValueError) as fault:
        print(f"kittiwake build: {message_of(fault)}", file=sys.stderr)
        return 1
    print(image)
    print(dictionary)
    if unit is not None:
        print(unit)
    return 0
