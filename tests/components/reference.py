"""The reference deployment on a machine in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.image import Image

REFERENCE = Path(__file__).parents[2] / "topologies" / "reference.yaml"
SETTINGS: dict[str, dict[str, Any]] = {
    "ComCcsds.link": {"url": "tcp-listen://127.0.0.1:5000"}, "CdhCore.textLogger": {"console": False},
}  # fmt: skip


def reference(seconds: float, change: Callable[[Image], None] | None = None) -> Any:
    """The deployment, started and run for so long, with its root at /root."""
    platform = SimulatedPlatform(1)
    platform.files.make_folder("/root")
    image = build_image(load_topology(REFERENCE), "")
    if change is not None:
        change(image)
    deployment = Deployment(image, platform, Root(platform.files, "/root"), SETTINGS)
    deployment.start()
    deployment.run_for(seconds)
    return deployment
