"""Several components on one simulated machine, wired as a topology would: for tests of what they do together."""

from __future__ import annotations

from typing import Any

from kittiwake.model.codec import unpacker
from kittiwake.model.component import PassiveComponent
from kittiwake.model.events import Severity
from kittiwake.model.fw import Log
from kittiwake.model.ports import sync_port
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root

ROOT = "/flight"
STEP = 0x1000


class EventRecorder(PassiveComponent):
    """The event service: keeps what comes, packed."""

    def initialize(self) -> None:
        self.seen: list[tuple[int, int, bytes]] = []

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """Takes an event."""
        self.seen.append((id, tag, bytes(arguments)))


class Flight:
    """Instances by name, each a class and its settings; connections as text, `a.out[0] -> b.in`.

    `cycled` are the inputs that are called once a second, as `instance.port`.
    """

    def __init__(
        self, classes: dict[str, Any], connections: list[str], cycled: list[str], platform: Any = None
    ) -> None:
        self.platform: Any = SimulatedPlatform(0) if platform is None else platform
        files = self.platform.files
        files.make_folders(ROOT)
        files.sync_folder("/")
        self._names = ["events", *classes]
        made = [one if isinstance(one, tuple) else (one, {}) for one in classes.values()]
        self._classes = [EventRecorder, *[cls for cls, _ in made]]
        instances = [
            (name, cls, index * STEP, 20 if cls.KIND != "passive" else 0, 10, "", settings)
            for index, (name, (cls, settings)) in enumerate(zip(self._names, [(EventRecorder, {}), *made], strict=True))
        ]
        image: Any = {
            "name": "Flight", "version": "", "dictionary_hash": "", "instances": instances,
            "connections": [self._connection(text) for text in connections],
            "services": {"event": 0}, "packets": [], "parameters": [],
        }  # fmt: skip
        self.deployment = Deployment(image, self.platform, Root(files, ROOT))
        self.deployment.start()
        self.deployment.run_for(0)
        self._cycled = [text.split(".") for text in cycled]

    def _connection(self, text: str) -> tuple[Any, ...]:
        ends: list[Any] = []
        for end in text.split(" -> "):
            name, _, port = end.partition(".")
            port, _, index = port.partition("[")
            ends += [self._names.index(name), port, int(index.rstrip("]") or 0)]
        return tuple(ends)

    def __getitem__(self, name: str) -> Any:
        return self.deployment.instances[name]

    def run(self, seconds: int) -> None:
        """Lets time pass, second by second."""
        for _ in range(seconds):
            self.deployment.run_for(1)
            for name, port in self._cycled:
                getattr(self[name], port)(0)
        self.deployment.run_for(0)

    @property
    def events(self) -> list[tuple[str, str, tuple[Any, ...]]]:
        """The events so far: instance, event, arguments."""
        found = []
        for id, _, arguments in self["events"].seen:
            name, cls = self._names[id // STEP], self._classes[id // STEP]
            event = next(one for one in cls.__declarations__.events.values() if one.number == id % STEP)
            found.append((name, event.label, unpacker([form for _, form in event.parameters])(arguments)))
        return found

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each event of that name."""
        return [arguments for _, event, arguments in self.events if event == name]

    def stop(self) -> None:
        """Shuts down."""
        self.deployment.stop()
