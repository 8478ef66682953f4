"""The battery device of topologies/station.yaml in virtual time, with its simulated power unit."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kittiwake.cli.build import build
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.simulation.witness import EventTable
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.wire.ed25519 import public_key, sign
from kittiwake.wire.enrollment_package import Enrolment, signed_package
from tests.peers import ROOT

FOLDER = "/station"
PREFIX = "StationDeployment."
MACHINE = "station-7"
SEED = bytes(32)
ENROLLED = {
    "keys/enrollment.keys": f"1 {public_key(SEED).hex()}\n".encode(),
    "incoming/enrollment.kwe": signed_package(Enrolment(MACHINE, 1, "", {}), 1, lambda text: sign(SEED, text)),
}
"""The files of a device that waits to be enrolled, with its configuration at hand."""

CUT = "the simulated power unit cut the power"


@cache
def built() -> Any:
    """The image of the topology."""
    with TemporaryDirectory() as folder:
        image, _, _ = build(load_topology(ROOT / "topologies/station.yaml"), Path(folder))
        return image


def put_file(files: Any, path: str, data: bytes) -> None:
    """Puts a file onto a machine's disk, durable at once."""
    folder = path.rpartition("/")[0]
    files.make_folders(folder)
    with files.open(path, "x") as file:
        file.write_at(0, data)
        file.sync()
    while folder:
        files.sync_folder(folder)
        folder = folder.rpartition("/")[0]
    files.sync_folder("/")


class StationWake:
    """One wake of the device, on a new machine or on one that has slept."""

    def __init__(
        self, platform: Any = None, files: dict[str, bytes] | None = None,
        settings: dict[str, dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.platform: Any = SimulatedPlatform(0) if platform is None else platform
        self.platform.files.make_folders(FOLDER)
        for name, data in (files or {}).items():
            self.write(name, data)
        own = {PREFIX + "enrollment": {"machine_id": MACHINE}, **(settings or {})}
        self.deployment = Deployment(built(), self.platform, Root(self.platform.files, FOLDER), own)
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self._table = EventTable()
        self.deployment.instances["CdhCore.events"].text_out = self._heard  # type: ignore[attr-defined]
        self.deployment.start()

    def write(self, name: str, data: bytes) -> None:
        """Puts a file into the root, durable at once."""
        put_file(self.platform.files, f"{FOLDER}/{name}", data)

    def read_json(self, name: str) -> Any:
        """What a JSON file in the root says."""
        return json.loads(self.platform.files.read(f"{FOLDER}/{name}", 1 << 20))

    def _heard(self, id: int, tag: int, severity: Any, arguments: bytes) -> None:
        event = self._table.seen(self.deployment, id, tag, severity, arguments)
        self.events.append((f"{event.instance}.{event.label}".removeprefix(PREFIX), event.args))

    def run_until_cut(self, limit_s: int = 1200) -> float:
        """Lets time pass until the power is cut; how many seconds that took. Raises `AssertionError` if it is not."""
        began_ns = self.platform.clock.now_ns()
        for _ in range(limit_s):
            self.deployment.run_for(1)
            if self.deployment.exit_reason:
                assert self.deployment.exit_reason.startswith(CUT), self.deployment.exit_reason
                return float(self.platform.clock.now_ns() - began_ns) / 1e9
        raise AssertionError(f"the power was held for {limit_s} s")

    def sleep(self) -> StationWake:
        """The power is gone until the time that was asked for; the next wake."""
        asked = self.named("powerManager.PowerdownScheduled")
        assert asked, "no powerdown was acknowledged"
        return StationWake(self.platform.crash(off_ns=asked[-1][1] * 1_000_000_000))

    def __getitem__(self, name: str) -> Any:
        return self.deployment.instances.get(PREFIX + name) or self.deployment.instances[name]

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each event of that name, `instance.Event`."""
        return [args for heard, args in self.events if heard == name]
