"""What the ground does in its contacts: commands, files up and down, parameters to keep, sequences of known length.

One thing is done at a time, drawn from the seed or given by a scenario. Each is a generator that yields what it waits
for; it is given up when the machine goes dark or the contact ends.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.sequence.binary import RELATIVE, Record, write_sequence
from kittiwake.sequence.command_line import CommandLineFault, command_packet
from kittiwake.simulation.drawn_values import draw_value
from kittiwake.simulation.surroundings.base import instances_of
from kittiwake.wire.file_packets import DataPacket, EndPacket, FileChecksum, StartPacket
from kittiwake.wire.packets import command_packet as packet_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.model.component import Component
    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.runtime.metering import Edge
    from kittiwake.simulation.ground import Ground
    from kittiwake.simulation.machine import Machine
    from kittiwake.simulation.surroundings.world import World
    from kittiwake.simulation.witness import SeenEvent

    Waits = tuple[Callable[[], bool], float]
    Doing = Generator[Waits, bool, None]

ANSWER_S = 40.0
RECEIVED_S = 10.0
FILE_BYTES_MAX = 3000
DATA_BYTES = 180
PACKETS_A_TURN = 8
FILES_MAX = 6
UPLOAD_TRIES = 3
PAUSE_S = (0.1, 3.0)
SLACK_S = 2.0
"""A sequencer looks at its records ten times a second, and waits for its commands."""

NEVER_SENT = (
    "FACTORY", "PRM_RESET_DEFAULT", "CS_MANUAL", "LOAD_SLOT", "PRM_COMMIT_STAGED", "INSTALL", "ROLL_BACK",
)  # fmt: skip
"""Commands whose names hold these are not drawn: they throw away what was acknowledged, as they should."""

NEVER_CHANGED = ("EventLog", "CommandDispatcher", "Health")
"""Components whose parameters stay: by them it is seen whether all is well."""


class Operator:
    """`uploads` is what was sent, by name; `expected_s` says how long a command must take, by opcode."""

    def __init__(self, machine: Machine, ground: Ground, world: World, random: SeededRandom, *, draws: bool) -> None:
        self.uploads: dict[str, bytes] = {}
        self.expected_s: dict[int, tuple[float, float]] = {}
        self.done = Counter[str]()
        self._machine = machine
        self._ground = ground
        self._world = world
        self._random = random
        self._draws = draws
        self._asked: deque[str] = deque()
        self._doing: Doing | None = None
        self._condition: Callable[[], bool] = lambda: True
        self._until_ns = 0
        self._answers = Counter[int]()
        self._good_answers = Counter[int]()
        self._received: set[str] = set()
        self._files = 0

    # What it hears

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        """An answer of the dispatcher's."""
        if edge.output.startswith("seq_cmd_status"):
            self._answers[arguments[0]] += 1
            self._good_answers[arguments[0]] += arguments[2] == 0

    def saw_event(self, event: SeenEvent) -> None:
        """An event of the device's."""
        if event.label == "FileReceived":
            self._received.add(event.args[0])

    # What it does

    def ask(self, line: str) -> None:
        """Has a command sent as soon as the device can be heard."""
        self._asked.append(line)

    @property
    def is_busy(self) -> bool:
        """Whether it waits for something, or is about to do something."""
        return self._doing is not None or bool(self._asked)

    def turn(self, now_ns: int) -> None:
        """Goes on with what it does, or begins with the next thing."""
        if not self._ground.is_connected or self._machine.deployment is None:
            self.give_up()
            return
        for _ in range(PACKETS_A_TURN):
            if self._doing is None and not self._begin():
                return
            if not self._step(now_ns):
                return

    def give_up(self) -> None:
        """The device cannot be heard any more."""
        if self._doing is not None:
            self._doing.close()
            self._doing = None
            self.expected_s.clear()

    def _begin(self) -> bool:
        if self._asked:
            self._doing = self._command(self._asked.popleft())
        elif self._draws:
            self._doing = self._drawn()
        else:
            return False
        self._condition, self._until_ns = (lambda: True), 0
        return True

    def _step(self, now_ns: int) -> bool:
        """One step; `False` while what it waits for has not come."""
        assert self._doing is not None
        has_come = self._condition()
        if not has_come and now_ns < self._until_ns:
            return False
        try:
            self._condition, limit_s = self._doing.send(has_come) if self._until_ns else next(self._doing)
            self._until_ns = now_ns + round(limit_s * NS_PER_S)
        except StopIteration:
            self._doing = None
        return True

    # Things to do

    def _drawn(self) -> Doing:
        yield _never, self._random.uniform(*PAUSE_S)
        things = (
            self._no_op, self._anything, self._anything, self._anything, self._suitable, self._suitable, self._upload,
            self._upload, self._keep_parameter, self._keep_parameter, self._sequence, self._sequence, self._download,
        )  # fmt: skip
        thing = things[self._random.below(len(things))]
        self.done[thing.__name__.lstrip("_")] += 1
        yield from thing()

    def _send_command(self, packet: bytes, limit_s: float = ANSWER_S) -> Generator[Waits, bool, bool]:
        """Sends it and waits for its answer; whether that was OK."""
        opcode = int.from_bytes(packet[2:6], "big")
        before, good = self._answers[opcode], self._good_answers[opcode]
        if not self._ground.send(packet):
            return False
        yield (lambda: self._answers[opcode] > before), limit_s
        return self._good_answers[opcode] > good

    def _command(self, line: str) -> Doing:
        assert self._machine.deployment is not None
        try:
            packet = command_packet(line, self._machine.deployment.instances)
        except CommandLineFault:
            return  # what a world offers need not be there in every version of a topology
        yield from self._send_command(packet)

    def _no_op(self) -> Doing:
        dispatchers = instances_of(self._world.image, "CommandDispatcher")
        if dispatchers:
            yield from self._command(f"{dispatchers[0]}.CMD_NO_OP")

    def _suitable(self) -> Doing:
        lines = self._world.commands()
        if lines:
            yield from self._command(lines[self._random.below(len(lines))])

    def _anything(self) -> Doing:
        """Any command of any instance, with arguments that fit its declaration."""
        instance = self._instance()
        opcodes = type(instance).__declarations__.opcodes()
        drawn = [(offset, declared) for offset, (what, declared) in opcodes.items() if what == "call"]
        if not drawn:
            return
        offset, declared = drawn[self._random.below(len(drawn))]
        if any(word in declared.label for word in NEVER_SENT) or self._is_left_alone(instance):
            return
        arguments = b"".join([form.pack(draw_value(form, self._random)) for _, form in declared.parameters])
        yield from self._send_command(packet_of(instance._context.base_id + offset, arguments), 5.0)

    def _keep_parameter(self) -> Doing:
        """Sets a parameter, saves it, and has the parameters' file written."""
        instance = self._instance()
        opcodes = type(instance).__declarations__.opcodes()
        sets = [(offset, one) for offset, (what, one) in opcodes.items() if what == "set" and "FILE" not in one.label]
        if not sets or self._is_left_alone(instance):
            return
        offset, parameter = sets[self._random.below(len(sets))]
        base = instance._context.base_id
        value = parameter.type.pack(draw_value(parameter.type, self._random))
        save = next(other for other, (what, one) in opcodes.items() if what == "save" and one is parameter)
        databases = instances_of(self._world.image, "ParameterDb")
        if (yield from self._send_command(packet_of(base + offset, value))) and databases:
            yield from self._send_command(packet_of(base + save, b""))
            yield from self._command(f"{databases[0]}.PRM_SAVE_FILE")

    def _instance(self) -> Component:
        assert self._machine.deployment is not None
        instances = list(self._machine.deployment.instances.values())
        return instances[self._random.below(len(instances))]

    def _is_left_alone(self, instance: Component) -> bool:
        return any(cls.__name__ in NEVER_CHANGED for cls in type(instance).__mro__)

    def _upload(self) -> Doing:
        if not instances_of(self._world.image, "FileUplink"):
            return
        self._files += 1
        data = self._random.token_bytes(1 + self._random.below(FILE_BYTES_MAX))
        yield from self._send_file(f"/sim{self._files % FILES_MAX}-{self._files}.bin", data)
        managers = instances_of(self._world.image, "FileManager")
        old = [name for name in self.uploads if name.startswith(f"/sim{(self._files + 1) % FILES_MAX}-")]
        if managers and old:
            yield from self._command(f'{managers[0]}.RemoveFile "{old[0]}", true')
            del self.uploads[old[0]]

    def _send_file(self, name: str, data: bytes) -> Doing:
        """Sends a file, again if it does not arrive."""
        self.uploads[name] = data
        for _ in range(UPLOAD_TRIES):
            for number, packet in enumerate(_file_packets(name, data)):
                if not self._ground.send(packet):
                    return
                if number % PACKETS_A_TURN == 0:
                    yield _never, 0.1
            if (yield (lambda: name in self._received), RECEIVED_S):
                return

    def _sequence(self) -> Doing:
        """A sequence of no-ops with delays, whose length is known."""
        sequencers = instances_of(self._world.image, "CmdSequencer")
        dispatchers = instances_of(self._world.image, "CommandDispatcher")
        if not sequencers or not dispatchers or self._machine.deployment is None:
            return
        instances = self._machine.deployment.instances
        no_op = command_packet(f"{dispatchers[0]}.CMD_NO_OP", instances)
        delays = [1 + self._random.below(6) for _ in range(1 + self._random.below(3))]
        name = "/simulated.bin"
        data = write_sequence([Record(RELATIVE, delay, 0, no_op) for delay in delays])
        self._received.discard(name)
        yield from self._send_file(name, data)
        if name not in self._received:
            return
        packet = command_packet(f'{sequencers[-1]}.CS_RUN "{name}", BLOCK', instances)
        self.expected_s[int.from_bytes(packet[2:6], "big")] = sum(delays), sum(delays) + SLACK_S
        yield from self._send_command(packet, sum(delays) + ANSWER_S)

    def _download(self) -> Doing:
        senders = instances_of(self._world.image, "FileDownlink")
        names = [name for name in self.uploads if name in self._received]
        if senders and names:
            name = names[self._random.below(len(names))]
            yield from self._command(f'{senders[0]}.SendFile "{name}", "{name}"')


def _never() -> bool:
    return False


def _file_packets(name: str, data: bytes) -> list[bytes]:
    checksum = FileChecksum()
    packets = [StartPacket(0, len(data), name, name).encode()]
    for offset in range(0, len(data), DATA_BYTES):
        piece = data[offset : offset + DATA_BYTES]
        checksum.update(offset, piece)
        packets.append(DataPacket(len(packets), offset, piece).encode())
    packets.append(EndPacket(len(packets), checksum.value).encode())
    return packets


__all__ = ["Operator"]
