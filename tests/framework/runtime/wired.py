"""Deployments of classes that a test defines itself, on a machine in memory."""

from __future__ import annotations

from typing import Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.testing.histories import Findings


def deploy(
    instances: dict[str, Any], connections: list[tuple[str, str, int, str, str, int]] | None = None, *,
    services: dict[str, str] | None = None, platform: Any = None, parameters: list[Any] | None = None,
) -> tuple[Deployment, Findings]:  # fmt: skip
    """A deployment and what its runtime finds.

    `instances` maps names to a class or to (class, options) with the options id, depth, priority, thread, settings;
    connections name their instances.
    """
    if platform is None:
        platform = SimulatedPlatform(0)
        # Such a test serves the loops of the threads itself.
        platform.has_threads = True
    findings = Findings()
    image: Any = wired_image(instances, connections, services=services, parameters=parameters)
    deployment = Deployment(image, platform, Root(platform.files, "/"))
    if "health" not in (services or {}):
        deployment.watch_with(findings)
    return deployment, findings


def wired_image(
    instances: dict[str, Any], connections: list[tuple[str, str, int, str, str, int]] | None = None, *,
    services: dict[str, str] | None = None, parameters: list[Any] | None = None,
) -> Any:  # fmt: skip
    """The image of such a deployment; what is to be written to a file names classes as module:Class."""
    names = list(instances)
    rows = []
    for place, (name, entry) in enumerate(instances.items()):
        cls, options = entry if isinstance(entry, tuple) else (entry, {})
        rows.append(
            (name, cls, options.get("id", 0x1000 * (place + 1)), options.get("depth", 5), options.get("priority", 0),
             options.get("thread", ""), options.get("settings", {}))
        )  # fmt: skip
    return {
        "name": "Wired", "version": "1", "dictionary_hash": "", "instances": rows,
        "connections": [
            (names.index(source), out, at, names.index(target), port, index)
            for source, out, at, target, port, index in connections or []
        ],
        "services": {service: names.index(name) for service, name in (services or {}).items()},
        "packets": [], "parameters": parameters or [],
    }  # fmt: skip
