"""One mission: a deployment and its world through virtual time, with faults, and invariants checked throughout.

outcome = Mission(image, Scenario(seed=7, length_ns=...)).fly()
outcome.broken       # (invariant, what was found, when), or None
outcome.digest       # of all that the deployment said: equal for equal seeds
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut
from kittiwake.runtime.monitor import fault_reason
from kittiwake.simulation.collection import collected_rarely
from kittiwake.simulation.disturbances import Disturbances
from kittiwake.simulation.fault_plan import BLIP_S, clock_text, draw_faults
from kittiwake.simulation.ground import Ground
from kittiwake.simulation.invariants import INVARIANTS, Invariant
from kittiwake.simulation.machine import Machine
from kittiwake.simulation.operator import Operator
from kittiwake.simulation.samples import Samples
from kittiwake.simulation.scenario import Contact, Scenario
from kittiwake.simulation.surroundings import PARTS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake.runtime.image import Image
    from kittiwake.runtime.metering import Edge
    from kittiwake.simulation.fault_plan import Fault
    from kittiwake.simulation.surroundings import Part
    from kittiwake.simulation.witness import SeenEvent

BUSY_S = 0.25
IN_CONTACT_S = 2.0
IDLE_S = 60.0
RESTART_S = 1.0
MOST_LINES = 2000
"""What is kept of the log for the summary."""
MOST_LIVES_AN_HOUR = 400
"""More starts than that are a boot loop that would never end the mission."""


class Broken(NamedTuple):
    """An invariant that did not hold, what was found, and the mission's time."""

    invariant: str
    what: str
    at_ns: int

    def __str__(self) -> str:
        return f"{clock_text(self.at_ns)}  BROKEN {self.invariant}: {self.what}"


class Outcome(NamedTuple):
    """What became of a mission."""

    scenario: Scenario
    faults: tuple[Fault, ...]
    contacts: tuple[Contact, ...]
    broken: Broken | None
    digest: str
    lives: int
    events: int
    answers: int
    samples: Samples
    lines: tuple[str, ...]


class Mission:
    """`say` is told of every fault as it comes. Its `now_ns` is the world's time."""

    def __init__(
        self, image: Image, scenario: Scenario, *, say: Callable[[str], None] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None, parts: Iterable[type[Part]] = PARTS,
        invariants: Iterable[type[Invariant]] = INVARIANTS,
    ) -> None:  # fmt: skip
        self.scenario = scenario
        self.now_ns = 0
        self.broken: Broken | None = None
        self.events = self.answers = 0
        self._lines: list[str] = []
        self._tell = say
        self._digest = sha256()
        random = SeededRandom(scenario.seed)
        self.world = World(image, random.fork(), parts)
        merged = self.world.settings()
        for name, own in (settings or {}).items():
            merged.setdefault(name, {}).update(own)
        self._invariants = [invariant(self, self._break) for invariant in invariants]
        self._event_readers = [one for one in self._invariants if type(one).saw_event is not Invariant.saw_event]
        self.ports = frozenset({"seq_cmd_status"}).union(*[one.ports for one in self._invariants])
        self.machine = Machine(image, random.bits(), merged, self)
        self.ground = Ground(random.fork(), *self.world.framing(), self._digest.update, self._heard)
        self.operator = Operator(
            self.machine, self.ground, self.world, random.fork(), draws=scenario.draws in ("all", "work")
        )
        if scenario.draws != "nothing":
            for line in self.world.first_commands():
                self.operator.ask(line)
        drawn = random.fork()
        self.faults = tuple(
            sorted(
                [
                    *scenario.faults,
                    *(draw_faults(drawn, scenario.length_ns, self.world.devices()) if scenario.draws == "all" else ()),
                ]
            )
        )
        self.disturbances = Disturbances(self.faults, self.machine, self.world, self.ground, self._say)
        self._contacts = scenario.contacts or _draw_contacts(random.fork(), scenario.length_ns)
        self.contacts = list(self._contacts)
        self._changes = sorted(scenario.changes)
        self._orders = sorted(scenario.orders)
        self._on_ns = 0
        self.samples = Samples(scenario.length_ns)

    # What invariants see

    @property
    def disk_trouble_ns(self) -> int:
        """When a fault of the disk was last there."""
        return self.disturbances.disk_trouble_ns

    @property
    def uploads(self) -> dict[str, bytes]:
        """What the ground has sent, by name."""
        return self.operator.uploads

    @property
    def expected_s(self) -> dict[int, tuple[float, float]]:
        """How long commands must take, by opcode."""
        return self.operator.expected_s

    def _heard(self, packet: bytes) -> None:
        self.world.heard(packet, self.now_ns)

    def _break(self, invariant: str, what: str) -> None:
        if self.broken is None:
            self.broken = Broken(invariant, what, self.now_ns)
            self._say_line(str(self.broken))

    def _say(self, what: str) -> None:
        self._say_line(f"{clock_text(self.now_ns)}  {what}")

    def _say_line(self, line: str) -> None:
        if len(self._lines) < MOST_LINES:
            self._lines.append(line)
        elif len(self._lines) == MOST_LINES:
            self._lines.append(f"{clock_text(self.now_ns)}  ... more lines than {MOST_LINES} are not kept")
        self._digest.update(line.encode())
        if self._tell is not None:
            self._tell(line)

    # What the deployment tells

    def saw_event(self, event: SeenEvent) -> None:
        """An event was reported."""
        self.events += 1
        self._digest.update(b"%d %d %d " % (event.id, event.tag, event.severity) + event.arguments)
        self.samples.note_event(event)
        self.operator.saw_event(event)
        for invariant in self._event_readers:
            invariant.saw_event(event)

    def saw_call(self, edge: Edge, arguments: tuple[Any, ...]) -> None:
        """A connection is about to be used."""
        self.answers += edge.output.startswith("seq_cmd_status")
        self.operator.saw_call(edge, arguments)
        for invariant in self._invariants:
            invariant.saw_call(edge, arguments)

    def saw_fault(self, instance: str, handler: str, reason: str) -> None:
        """A handler has raised."""
        for invariant in self._invariants:
            invariant.saw_fault(instance, handler, reason)

    def saw_drop(self, instance: str, port: str, full: str) -> None:
        """A message found no room."""
        self.samples.note_drop()
        for invariant in self._invariants:
            invariant.saw_drop(instance, port, full)

    # Time

    def fly(self) -> Outcome:
        """Lets the mission's time pass, up to its end or to the first invariant that breaks."""
        for part in self.world.parts:
            part.install(self.machine)
        end_ns = self.scenario.length_ns
        with collected_rarely():
            while self.now_ns < end_ns and self.broken is None:
                if self.machine.deployment is not None:
                    self._run(end_ns)
                elif self.world.power.is_on and self.now_ns >= self._on_ns:
                    self._start()
                else:
                    self._wait(end_ns)
        return self._outcome()

    def _outcome(self) -> Outcome:
        return Outcome(
            self.scenario, self.faults, self._contacts, self.broken, self._digest.hexdigest()[:32], self.machine.life,
            self.events, self.answers, self.samples, tuple(self._lines),
        )  # fmt: skip

    def _wait(self, end_ns: int) -> None:
        """In the dark, until something is due."""
        times = [end_ns, self._next_ns()]
        due_ns = self.world.power.next_ns()
        if due_ns is not None:
            times.append(due_ns)
        if self._on_ns > self.now_ns:
            times.append(self._on_ns)
        self._advance(max(min(times), self.now_ns + 1))

    def _next_ns(self) -> int:
        """When a fault, a step or a contact is due."""
        times = [self.now_ns + round(IDLE_S * NS_PER_S)]
        due_ns = self.disturbances.next_ns()
        if due_ns is not None:
            times.append(due_ns)
        times += [steps[0].at_ns for steps in (self._changes, self._orders) if steps]
        for contact in self.contacts[:2]:
            times += [at_ns for at_ns in (contact.at_ns, contact.end_ns) if at_ns > self.now_ns]
        return min(times)

    def _advance(self, now_ns: int) -> None:
        """The world's time goes on."""
        self.now_ns = now_ns
        self.world.power.advance(now_ns)
        self.disturbances.turn(now_ns)
        while self._changes and self._changes[0].at_ns <= now_ns:
            change = self._changes.pop(0)
            self._say(f"{change.name} is set to {change.value:g}")
            self.world.values()[change.name](change.value)
        while self._orders and self._orders[0].at_ns <= now_ns:
            self.operator.ask(self._orders.pop(0).line)
        self._follow_contacts(now_ns)
        self.samples.take(self)

    def _follow_contacts(self, now_ns: int) -> None:
        contacts = self.contacts
        while contacts and now_ns >= contacts[0].end_ns:
            contacts.pop(0)
        self.ground.is_calling = bool(contacts) and now_ns >= contacts[0].at_ns

    # Lives

    def _start(self) -> None:
        machine = self.machine
        if machine.life > MOST_LIVES_AN_HOUR * (1 + self.now_ns / (3600 * NS_PER_S)):
            self._break("no_unhandled_fault", f"started {machine.life} times")
            return
        for invariant in self._invariants:
            invariant.begun()
        try:
            machine.boot(self.now_ns, self._meet)
            self.world.started(machine)
            for invariant in self._invariants:
                invariant.started()
        except PowerCut as cut:
            self._went_out(cut)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
            self._break("no_unhandled_fault", f"the start failed: {fault_reason(fault)}")

    def _meet(self, platform: Any) -> None:
        self.world.meet(platform)
        self.disturbances.meet(platform, self.now_ns)
        self.ground.meet(platform)

    def _run(self, end_ns: int) -> None:
        """A slice of a life."""
        if self.operator.is_busy and self.ground.is_connected:
            slice_s = BUSY_S
        else:
            slice_s = IN_CONTACT_S if self.ground.is_calling else IDLE_S
        slice_s = min(slice_s, self.world.power.slice_s)
        until_ns = min(self.now_ns + round(slice_s * NS_PER_S), self._next_ns(), end_ns)
        machine = self.machine
        try:
            machine.run_until(max(until_ns, self.now_ns + 1))
            self._advance(machine.now_ns())
            self._look_around()
        except PowerCut as cut:
            self._went_out(cut)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
            self._break("no_unhandled_fault", f"the run failed: {fault_reason(fault)}")

    def _look_around(self) -> None:
        machine, now_ns = self.machine, self.now_ns
        for invariant in self._invariants:
            invariant.turn()
        if not self.world.power.is_on:
            self._end_life(orderly=False)
            self._go_dark(0, SeededRandom(now_ns))
        elif machine.deployment is not None and machine.deployment.exit_reason:
            self._exit()
        elif any(one.has_expired() for one in machine.platform.watchdogs.values()):
            self._say("the watchdog cuts the power")
            self._end_life(orderly=False)
            self._go_dark(round(RESTART_S * NS_PER_S), SeededRandom(now_ns))
        else:
            self.ground.turn(now_ns)
            self.world.turn(machine, now_ns)
            self.world.exchange(self.ground, now_ns)
            self.operator.turn(now_ns)

    def _exit(self) -> None:
        """The deployment has asked for its end."""
        machine = self.machine
        assert machine.deployment is not None
        self._say(f"the deployment stops: {machine.deployment.exit_reason}")
        machine.deployment.stop()
        is_cycled = machine.is_to_be_cycled()
        self._end_life(orderly=True)
        if is_cycled:
            self._go_dark(round(RESTART_S * NS_PER_S), SeededRandom(self.now_ns))
        else:
            machine.end_process()
            self._on_ns = self.now_ns + round(RESTART_S * NS_PER_S)

    def _went_out(self, cut: PowerCut) -> None:
        """A fault has cut the power, or killed the process."""
        self.now_ns = max(self.now_ns, self.machine.now_ns())
        fault = self.disturbances.cause_of(cut)
        self._end_life(orderly=False)
        off_ns = round(fault.for_s * NS_PER_S)
        if fault.kind == "kill":
            self.machine.end_process()
            self._on_ns = self.now_ns + off_ns
        elif self.world.power.slice_s < IDLE_S and fault.for_s > BLIP_S:
            self._go_dark(off_ns, SeededRandom(fault.seed), until_cut=True)
        else:
            self._go_dark(off_ns, SeededRandom(fault.seed))

    def _end_life(self, *, orderly: bool) -> None:
        for invariant in self._invariants:
            invariant.ended(orderly=orderly)
        if self.machine.deployment is not None:
            self.samples.note_state(self)
        self.operator.give_up()
        self.ground.lose_sight()
        self.world.went_dark()
        self.world.exchange(self.ground, self.now_ns)

    def _go_dark(self, off_ns: int, random: SeededRandom, *, until_cut: bool = False) -> None:
        """The machine is without power for `off_ns`, or until its power unit has noticed and wakes it again."""
        went_ns = self.now_ns
        self.machine.deployment = None
        self._on_ns = went_ns + off_ns
        power = self.world.power
        while until_cut and power.is_on and self.now_ns < self.scenario.length_ns:
            self._advance(max(power.next_ns() or 0, self.now_ns + 1))
        while not power.is_on and self.now_ns < self.scenario.length_ns:
            self._wait(self.scenario.length_ns)
        dark_ns = max(self.now_ns - went_ns, off_ns)
        self.machine.go_dark(dark_ns, random)


def _draw_contacts(random: SeededRandom, length_ns: int) -> tuple[Contact, ...]:
    """Contacts over the whole mission: most of a short one, a share of a long one."""
    period_s = min(max(240.0, length_ns / NS_PER_S / 6), 5400.0)
    contacts: list[Contact] = []
    at_ns = 0
    while at_ns < length_ns:
        for_s = period_s * random.uniform(0.4, 0.9)
        contacts.append(Contact(at_ns, round(for_s, 3)))
        at_ns += round((for_s + period_s * random.uniform(0.05, 0.4)) * NS_PER_S)
    return tuple(contacts)


__all__ = ["Broken", "Mission", "Outcome"]
