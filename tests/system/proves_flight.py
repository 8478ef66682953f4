"""The PROVES satellite of topologies/proves.yaml in virtual time: its procedures, what it says, and what is true."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kittiwake.cli.build import build
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.sequence.compile import compile_text
from kittiwake.simulation.spacecraft import Spacecraft, spacecraft_of
from kittiwake.simulation.witness import EventTable
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from tests.peers import ROOT

FOLDER = "/flight"
PREFIX = "ReferenceDeployment."


@cache
def built() -> tuple[Any, Any]:
    """The image and the dictionary of the topology."""
    with TemporaryDirectory() as folder:
        image, _, dictionary = build(load_topology(ROOT / "topologies/proves.yaml"), Path(folder))
        return image, load_dictionary(str(dictionary))


def sequence(text: str) -> bytes:
    """A compiled sequence."""
    return compile_text(text, "test.seq", built()[1])


def procedure(name: str) -> bytes:
    """A compiled sequence of sequences/proves."""
    return sequence((ROOT / f"sequences/proves/{name}.seq").read_text(encoding="utf-8"))


class ProvesFlight:
    """One start of the deployment, on a new machine or on what a power cut has left of one."""

    def __init__(self, platform: Any = None, settings: dict[str, dict[str, Any]] | None = None) -> None:
        image, _ = built()
        self.platform: Any = SimulatedPlatform(0) if platform is None else platform
        files = self.platform.files
        files.make_folders(FOLDER + "/seq")
        files.sync_folder("/")
        files.sync_folder(FOLDER)
        self.deployment = Deployment(image, self.platform, Root(files, FOLDER), settings)
        self.events: list[tuple[float, str, tuple[Any, ...]]] = []
        self._table = EventTable()
        self.deployment.instances["CdhCore.events"].text_out = self._heard  # type: ignore[attr-defined]

    def start(self) -> ProvesFlight:
        """Starts it."""
        self.deployment.start()
        self.run(0)
        return self

    def write(self, name: str, data: bytes) -> None:
        """Puts a file where it would be uplinked to."""
        with self.platform.files.open(f"{FOLDER}/{name}", "x") as file:
            file.write_at(0, data)
            file.sync()
        self.platform.files.sync_folder(FOLDER + "/seq")

    def _heard(self, id: int, tag: int, severity: Any, arguments: bytes) -> None:
        event = self._table.seen(self.deployment, id, tag, severity, arguments)
        time_s = self.platform.clock.now_ns() / 1e9
        self.events.append((time_s, f"{event.instance}.{event.label}", event.args))

    def run(self, seconds: float) -> None:
        """Lets time pass."""
        self.deployment.run_for(seconds)

    def __getitem__(self, name: str) -> Any:
        return self.deployment.instances.get(PREFIX + name) or self.deployment.instances[name]

    @property
    def craft(self) -> Spacecraft:
        """What is true."""
        return spacecraft_of(self.platform)

    def command(self, text: str) -> None:
        """Sends one command as sequences write it, through a sequencer, and expects that it is answered OK."""
        name = f"command{self.platform.clock.wall_ns()}.bin"
        self.write(name, sequence(f"R00:00:00 {text}"))
        errors = self["payloadSeq"].cs_errors
        self["payloadSeq"].seq_run_in(f"/{name}", 0)
        self.run(1)
        assert self["payloadSeq"].cs_errors == errors, f"{text}: {self.events[-3:]}"

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each event of that name, `instance.Event`."""
        return [args for _, heard, args in self.events if heard == PREFIX + name or heard == name]

    def stop(self) -> None:
        """Shuts it down."""
        self.deployment.stop()
