"""A TelemetryStore in a deployment with two instances that have channels, and what comes out of it."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

from kittiwake.model import (
    F32,
    U8,
    U32,
    Bool,
    Channel,
    CommandResponse,
    Limits,
    PassiveComponent,
    Size,
    String,
    sync_port,
    wire_enum,
    wire_struct,
)
from kittiwake.model.codec import packer
from kittiwake.model.fw import Com
from kittiwake.model.types import WireType
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.testing.histories import EventHistory
from kittiwake.testing.sent_command import SentCommand
from kittiwake.testing.services import Records, TesterServices
from kittiwake_components.telemetry_store.component import TelemetryStore

BASE = 0x100
FIRST, SECOND = 0x1000, 0x2000


@wire_enum(U8, name="Station.Mode")
class Mode(IntEnum):
    """Modes."""

    OFF = 0
    ON = 1


@wire_struct(name="Station.Label")
class Label:
    """A struct with a string."""

    text: Annotated[str, Size(6)]
    mode: Mode


class Source(PassiveComponent):
    """Has channels of many kinds."""

    count = Channel(U32)
    title = Channel(String(12))
    volts = Channel(F32, limits=Limits(low_red=6.0, low_yellow=6.5, high_yellow=8.5, high_orange=9.0, high_red=10.0))
    ready = Channel(Bool, on_change=True)
    label = Channel(Label)


class Ground(PassiveComponent):
    """Keeps the packets."""

    def initialize(self) -> None:
        self.packets: list[bytes] = []

    @sync_port(Com)
    def take(self, data: bytes, context: int) -> None:
        """One packet."""
        self.packets.append(data)


PACKETS = [
    ("Fast", 3, 1, [FIRST, FIRST + 1, FIRST + 2, FIRST + 3]),
    ("Slow", 4, 2, [SECOND, FIRST + 4]),
    ("Own", 5, 1, [BASE, BASE + 1, BASE + 2]),
]


class Station:
    """The deployment; `packets` are those since the last `take`."""

    def __init__(self, packets: list[Any] | None = None, **settings: Any) -> None:
        self.records = Records(TelemetryStore, BASE, {})
        self._sequence = 0
        image = {
            "name": "Station", "version": "", "dictionary_hash": "",
            "instances": [
                ("store", TelemetryStore, BASE, 10, 0, "", settings),
                ("first", Source, FIRST, 0, 0, "", {}),
                ("second", Source, SECOND, 0, 0, "", {}),
                ("ground", Ground, 0x3000, 0, 0, "", {}),
                ("tester", TesterServices, 0, 1, 0, "", {"records": self.records}),
            ],
            "connections": [(0, "pkt_send", 0, 3, "take", 0)],
            "services": {"event": 4, "command": 4, "health": 4, "telemetry": 0},
            "packets": PACKETS if packets is None else packets, "parameters": [],
        }  # fmt: skip
        platform = SimulatedPlatform(0)
        self.deployment = Deployment(image, platform, Root(platform.files, "/"))
        instances: dict[str, Any] = dict(self.deployment.instances)
        self.store: TelemetryStore = instances["store"]
        self.first: Source = instances["first"]
        self.second: Source = instances["second"]
        self._ground: Ground = instances["ground"]
        self.deployment.start()

    @property
    def events(self) -> EventHistory:
        """The store's events."""
        return self.records.events

    def send(self, name: str, *arguments: Any) -> CommandResponse | None:
        """Sends the store a command and gives the answer."""
        offset, forms = _command(name)
        self._sequence += 1
        sent = self.records.sent[self._sequence] = SentCommand(name, BASE + offset, self._sequence)
        assert self.records.command_entry is not None
        self.records.command_entry(BASE + offset, self._sequence, packer(forms)(*arguments))
        self.deployment.main.settle(1000)
        return sent.response

    def cycle(self, times: int = 1) -> list[bytes]:
        """Lets cycles pass and gives the packets that came."""
        for _ in range(times):
            self.deployment.run_for(1.0)
            self.store.run(0)
        return self.take()

    def take(self) -> list[bytes]:
        """The packets since the last time."""
        packets, self._ground.packets = self._ground.packets, []
        return packets

    def finish(self) -> None:
        """Shuts down; no handler may have failed."""
        self.deployment.stop()
        assert list(self.records.monitor.faults()) == []


def _command(name: str) -> tuple[int, list[WireType]]:
    """The opcode's offset and the types of the arguments."""
    for offset, (what, declared) in TelemetryStore.__declarations__.opcodes().items():
        if what == "call" and declared.label == name:
            return offset, [form for _, form in declared.parameters]
        if what == "set" and name == f"{declared.label}_PRM_SET":
            return offset, [declared.type]
    raise LookupError(name)
