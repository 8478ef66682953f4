"""Whole deployments on a machine in memory, from their topology files.

    with SimulatedDeployment(Path("topologies/orchard.yaml")) as simulated:
        simulated.run_for(3600)
        assert simulated.instance("CdhCore.health").handler_failures == 0

An hour of a small deployment takes a fraction of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.testing.disk import put_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.explain.evidence import KeptEvent
    from kittiwake.model.component import Component

ROOT = "/kittiwake"
LAST_SOURCE = 7
"""The dispatcher's last source of commands, which topologies leave open: nobody waits for the answers there."""


class SimulatedDeployment:
    """The deployment of a topology file, started. `deployment` is the present one, `platform` its machine.

    `settings` replaces settings of instances, `files` are put into its root before the start, and `seed` decides all
    that is random. Raises `Faults` for a topology with faults.
    """

    def __init__(
        self, topology: Path, *, settings: Mapping[str, Mapping[str, Any]] | None = None,
        files: Mapping[str, bytes] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        from kittiwake.topology.compile import load_topology
        from kittiwake.topology.image import build_image

        loaded = load_topology(topology)
        self.image = build_image(loaded)
        self._topology = loaded
        self.platform = SimulatedPlatform(seed)
        self._dictionary: Dictionary | None = None
        self._settings = settings
        self.platform.files.make_folders(ROOT)
        self.platform.files.sync_folder("/")
        for name, data in (files or {}).items():
            put_file(self.platform.files, Root(self.platform.files, ROOT).resolve(name), data)
        self._start()

    def _start(self) -> None:
        self.deployment = Deployment(self.image, self.platform, Root(self.platform.files, ROOT), self._settings)
        self.deployment.start()

    def run_for(self, seconds: float) -> None:
        """Lets virtual time pass, with all that is due in it."""
        self.deployment.run_for(seconds)

    @property
    def dictionary(self) -> Dictionary:
        """The dictionary of the deployment."""
        if self._dictionary is None:
            from kittiwake.cli.dictionary_option import dictionary_of

            self._dictionary = dictionary_of(self._topology, self._topology.name)
        return self._dictionary

    def send(self, name: str, *arguments: Any) -> None:
        """Has the dispatcher take a command by its full name, and serves what that causes; events say how it ended.

        Raises `UnknownName`, and `ValueError` for arguments that do not fit.
        """
        from kittiwake.dictionary.decode import encode_command

        names = list(self.deployment.instances)
        dispatcher: Any = self.deployment.instances[names[self.image["services"]["command"]]]
        dispatcher.seq_cmd_buff(LAST_SOURCE, encode_command(self.dictionary, name, arguments), 0)
        self.deployment.run_for(0)

    def events(self) -> list[KeptEvent]:
        """The events that are kept on its disk, the oldest first: not DIAGNOSTIC ones, nor those of the last cycle."""
        from kittiwake.explain.evidence import kept_packets, read_events

        return read_events(self.dictionary, kept_packets(self.platform.files, ROOT))[0]

    def instance(self, name: str) -> Component:
        """The instance of that qualified name. Raises `LookupError`."""
        return self.deployment.instances[name]

    def crash(self, off_s: float = 0.0) -> None:
        """Cuts the power, and starts anew with what the disk has kept."""
        self.platform = self.platform.crash(off_ns=round(off_s * 1e9))
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.deployment.stop()


def compiled_sequence(sequence: Path, topology: Path) -> bytes:
    """The binary form of a sequence's text for a deployment. Raises `OSError` and `Faults`."""
    from kittiwake.cli.dictionary_option import dictionary_of
    from kittiwake.sequence.compile import compile_text
    from kittiwake.topology.compile import load_topology

    dictionary = dictionary_of(load_topology(topology), str(topology))
    return compile_text(sequence.read_text(encoding="utf-8"), str(sequence), dictionary)
