"""Our packages in the peers' environment, as pip would install them: on the path, with their entry points."""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING

from tests.peers import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def path_of_packages(folder: Path) -> str:
    """A PYTHONPATH on which fprime-gds finds our framing plugin; what it needs is written into `folder`."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["fprime_gds"]
    metadata = folder / "site" / "kittiwake-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kittiwake\nVersion: 0\n")
    lines = [f"{name} = {target}\n" for name, target in points.items()]
    (metadata / "entry_points.txt").write_text("[fprime_gds]\n" + "".join(lines))
    folders = [ROOT / "framework", ROOT / "ground", metadata.parent]
    return os.pathsep.join(map(str, folders))
