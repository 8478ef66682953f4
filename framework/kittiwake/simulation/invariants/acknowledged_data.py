"""What the device has acknowledged is there after any power cut: uploaded files, saved parameters, grave events."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.model.commands import CommandResponse
from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.invariants.base import Invariant
from kittiwake.wire.packets import event_packet

if TYPE_CHECKING:
    from kittiwake.runtime.metering import Edge
    from kittiwake.simulation.witness import SeenEvent

EVENTS_CHECKED = 50
DURABLE_NS = NS_PER_S // 2
"""Grave events are durable within 0.1 s; this is longer, so that a message on its way is no loss."""
EXCUSED_NS = 60 * NS_PER_S
"""So long after a fault of the disk the log may still be catching up."""

REMOVALS = ("RemoveFile", "MoveFile", "AppendFile")
"""Commands after which a file is not what it was."""

_Parameter = tuple[str, str]


class AcknowledgedData(Invariant):
    """Keeps a ledger of what was acknowledged, and holds each start against it."""

    name = "no_acknowledged_data_lost"
    ports = frozenset({"seq_cmd_buff", "seq_cmd_status"})

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._files: dict[str, bytes] = {}
        self._attempts: dict[str, list[bytes]] = {}
        """What was sent under a name since the last that was acknowledged: any of it may stand there, whole."""
        self._values: dict[_Parameter, Any] = {}
        self._taken: dict[_Parameter, Any] = {}
        self._urgent: deque[tuple[int, SeenEvent]] = deque(maxlen=EVENTS_CHECKED)
        self._kept: list[SeenEvent] = []
        self._saves: dict[int, _Parameter] = {}
        self._file_saves: set[int] = set()
        self._removals: set[int] = set()

    def started(self) -> None:
        self._taken = dict(self._values)
        if not self._saves:
            self._learn_opcodes()
        self._check_files()
        self._check_parameters()
        self._check_events()

    def turn(self) -> None:
        for name, data in self.view.uploads.items():
            attempts = self._attempts.setdefault(name, [])
            if attempts[-1:] != [data]:
                attempts.append(data)

    def _learn_opcodes(self) -> None:
        deployment = self.view.machine.deployment
        assert deployment is not None
        for instance in deployment.instances.values():
            for offset, (what, declared) in type(instance).__declarations__.opcodes().items():
                opcode = instance._context.base_id + offset
                if what == "save":
                    self._saves[opcode] = instance.name, declared.name
                elif what == "call" and declared.label == "PRM_SAVE_FILE":
                    self._file_saves.add(opcode)
                elif what == "call" and declared.label in REMOVALS:
                    self._removals.add(opcode)

    # What is acknowledged

    def saw_event(self, event: SeenEvent) -> None:
        if event.label == "FileReceived":
            name = event.args[0]
            if name in self.view.uploads:
                self._files[name] = self.view.uploads[name]
                self._attempts[name] = []
        logs = self.instances("EventLog")
        if logs and event.severity <= logs[0].sync_severity:
            self._urgent.append((self.view.machine.platform.clock.now_ns(), event))

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        if edge.input.startswith("seq_cmd_buff"):
            self._forget_what_is_removed(arguments[0])
        elif edge.output.startswith("seq_cmd_status"):
            opcode, _, response = arguments
            if response is not CommandResponse.OK:
                return
            if opcode in self._saves:
                place = self._saves[opcode]
                self._taken[place] = self._value(place)
            elif opcode in self._file_saves:
                self._values = dict(self._taken)

    def _forget_what_is_removed(self, packet: bytes) -> None:
        if int.from_bytes(packet[2:6], "big") in self._removals:
            for name in [name for name in self._files if name.encode() in packet]:
                del self._files[name]

    def _value(self, place: _Parameter) -> Any:
        deployment = self.view.machine.deployment
        assert deployment is not None
        return getattr(deployment.instances[place[0]], place[1])

    # What is there

    def _check_files(self) -> None:
        for name, data in self._files.items():
            there = self.view.machine.read(name)
            if there not in (data, self.view.uploads.get(name), *self._attempts.get(name, ())):
                what = "is gone" if there is None else f"has {len(there)} other bytes"
                self.broken(f"{name}, acknowledged with {len(data)} bytes, {what}")

        for name, data in self.view.world.kept().items():
            there = self.view.machine.read(name)
            if there != data:
                self.broken(f"{name}, which nobody else has, {'is gone' if there is None else 'is another'}")

    def _check_parameters(self) -> None:
        if self._is_disk_in_trouble():
            # A medium that cannot be read is taken for a bad one: the file is kept aside, reported, and done without.
            self._values.clear()
            self._taken.clear()
            return
        for place, value in self._values.items():
            if self._value(place) != value:
                name = ".".join(place)
                self.broken(f"{name} was saved as {value!r} and is {self._value(place)!r}")

    def _check_events(self) -> None:
        """Those that had their time to become durable stand in the ring's files."""
        for log in self.instances("EventLog"):
            rings = [self.view.machine.read(f"{log.folder}/ring.{half}") or b"" for half in "ab"]
            for event in self._kept:
                packet = event_packet(event.id, event.tag, event.arguments)
                if not any(packet in ring for ring in rings):
                    self.broken(f"{event} was reported in time and is not in the ring")
        self._kept.clear()

    def _is_disk_in_trouble(self) -> bool:
        return self.view.disk_trouble_ns >= self.view.now_ns - NS_PER_S

    def ended(self, *, orderly: bool) -> None:
        if self.view.disk_trouble_ns >= self.view.now_ns - EXCUSED_NS:
            self._kept.clear()  # the log says itself that it could not keep them
        else:
            last_ns = self.view.machine.platform.clock.now_ns()
            self._kept += [event for at_ns, event in self._urgent if at_ns < last_ns - DURABLE_NS]
            del self._kept[:-EVENTS_CHECKED]
        self._urgent.clear()


__all__ = ["AcknowledgedData"]
