"""A battery device through days of virtual time: wakes, sleeps and brown-outs, with the power unit's own reference."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut
from kittiwake.runtime.wiring import Entries
from kittiwake.sequence.command_line import command_packet
from kittiwake.simulation.machine import ROOT, Machine
from kittiwake.simulation.power_unit import Limits
from kittiwake.simulation.surroundings.power import DEVICE, UnitPower
from kittiwake.wire.power_link import WakeReason
from tests.system.station_wake import put_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.image import Image

CUT_WINDOW = 2.0
"""Brown-outs are drawn over so many times the file operations or dispatches of the last awake time: half come."""

BLIP_NS = NS_PER_S // 10
RECORDINGS = "recordings"
COMMANDS = ("CMD_NO_OP", "CMD_NO_OP_STRING")


class Stuck(BaseException):
    """Nothing moves in the main unit any more: a handler never returns, or the process has ended."""


class Cut(NamedTuple):
    """Where the power goes: before or after the file operation or dispatch with that number.

    It stays away until the power unit notices, or with `is_blip` comes back at once, which the power unit does not see.
    """

    at_dispatch: bool
    number: int
    after: bool
    is_blip: bool = False


class StationFlight:
    """One device. `changes` are all wakes and cuts of the power unit, `brown_outs` those cuts that it had no part in.

    `executed` counts the no-op commands that were carried out, by name, whatever the device's own records say of them;
    `boots` are the boot counts that the device told, each with the number of the start. Another processor of the device
    leaves a file in each awake time's beginning, once `records` is set: `recordings`, by name.
    """

    def __init__(
        self, image: Image, seed: int, *, brown_outs: float = 0.0, hard_limit_s: int = 300,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.name: str = image["name"]
        self.random = SeededRandom(seed)
        self.brown_out_chance = brown_outs
        self.hard_limit_s = hard_limit_s
        self.power = UnitPower(limits=Limits(hard_limit_s=hard_limit_s))
        self.unit, self.changes = self.power.unit, self.power.changes
        self.machine = Machine(
            image, seed, {f"{self.name}.powerManager": {"unit": f"serial://{DEVICE}"}, **(settings or {})}
        )
        self.brown_outs: list[Cut] = []
        self.executed = Counter[str]()
        self.recordings: dict[str, bytes] = {}
        self.boots: list[tuple[int, int]] = []
        self.now_ns = 0
        self.records = False
        self._lengths = (200, 100)

    @property
    def platform(self) -> SimulatedPlatform:
        return self.machine.platform

    @property
    def deployment(self) -> Deployment | None:
        return self.machine.deployment

    # Time

    def fly(self, days: float) -> None:
        """Lets so many days pass."""
        end_ns = self.now_ns + round(days * 86_400 * NS_PER_S)
        while self.now_ns < end_ns:
            if not self.unit.is_on:
                self._advance(max(self.unit.next_ns(), self.now_ns))
            else:
                self.awake(self._drawn_cut())

    def _advance(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self.power.advance(now_ns)

    def _drawn_cut(self) -> Cut | None:
        random = self.random
        if not random.chance(self.brown_out_chance):
            return None
        at_dispatch = random.chance(0.5)
        number = 1 + random.below(round(CUT_WINDOW * self._lengths[at_dispatch]))
        return Cut(at_dispatch, number, after=random.chance(0.5), is_blip=random.chance(0.3))

    def awake(self, cut: Cut | None = None, first: Callable[[StationFlight], None] = lambda flight: None) -> None:
        """One awake time, from the power's coming to its going; `cut` is where it goes if that comes first.

        `first` is called once the device has started.
        """
        self.wake_up()
        if self.records:
            self._record()
        if cut is not None:
            self._arm(cut)
        platform = self.platform
        operations = platform.files.operations
        try:
            self._boot()
            first(self)
            self.run()
        except PowerCut:
            assert cut is not None
            self._went_out(cut)
        except Stuck:
            self._catch_up()
            self._note(was_begun=False)
            self._dark()
        else:
            self._lengths = (platform.files.operations - operations, platform.dispatches.dispatched)
            self._note(was_begun=False)
            self._dark()

    def _went_out(self, cut: Cut) -> None:
        self.brown_outs.append(cut)
        self._catch_up()
        self._note(was_begun=cut.at_dispatch and not cut.after)
        if cut.is_blip and self.unit.is_on:
            self._advance(self.now_ns + BLIP_NS)
            self.machine.go_dark(BLIP_NS)
        else:
            self._dark()

    def _arm(self, cut: Cut) -> None:
        platform = self.platform
        if cut.at_dispatch:
            platform.dispatches.cut_at(cut.number, after=cut.after)
        else:
            platform.files.cut_at(platform.files.operations + cut.number, after=cut.after)

    def wake_up(self) -> None:
        """Lets time pass until there is power."""
        while not self.unit.is_on:
            self._advance(max(self.unit.next_ns(), self.now_ns + 1))

    def run(self, seconds: float = inf) -> None:
        """Lets the device run until the power unit cuts its power, or for so many seconds."""
        deployment = self.deployment
        assert deployment is not None
        end_ns = self.now_ns + seconds * NS_PER_S
        while self.unit.is_on and self.now_ns < end_ns:
            deployment.run_for(min(0.5, seconds))
            self._catch_up()
            self.meanwhile()
            self.power.turn()
            if deployment.exit_reason:
                raise Stuck

    def _catch_up(self) -> None:
        """The power unit's time goes on with that of the main unit."""
        self._advance(self.machine.now_ns())

    def meanwhile(self) -> None:
        """What else there is in the world has its turn, twice a second."""

    def _note(self, *, was_begun: bool) -> None:
        """What an outsider saw of this awake time; if it `was_begun` only, the last dispatch did not happen."""
        dispatches = self.platform.dispatches
        calls = dispatches.calls - Counter([dispatches.log[-1]] if was_begun else [])
        self.executed.update({command: calls["CdhCore.cmdDisp", command] for command in COMMANDS})
        boots = self.deployment and self.instance("startupManager").boot_count
        if boots:
            self.boots.append((self.machine.life, boots))

    def _dark(self) -> None:
        """Until the power is there again; what was not synced may be lost."""
        went_ns = self.now_ns
        while self.unit.is_on:  # it was a brown-out, or nothing moves: until the watchdog or the hard limit notices
            self._advance(max(self.unit.next_ns(), self.now_ns + 1))
        self.wake_up()
        self.machine.go_dark(self.now_ns - went_ns)

    def _boot(self) -> None:
        self.machine.boot(self.now_ns, self.power.attach)
        self.power.listen(self.machine)

    # The device

    def _record(self) -> None:
        name = f"{len(self.recordings):04}.bin"
        self.recordings[name] = SeededRandom(len(self.recordings)).token_bytes(1 + self.random.below(4000))
        put_file(self.platform.files, f"{ROOT}/{RECORDINGS}/{name}", self.recordings[name])

    def read(self, path: str) -> bytes:
        """What the disk holds at an absolute path."""
        return self.platform.files.read(path, 1 << 20)

    def instance(self, name: str) -> Any:
        assert self.deployment is not None
        return self.deployment.instances[f"{self.name}.{name}"]

    def command(self, line: str) -> None:
        """Has a command line carried out, as if it came from the ground."""
        assert self.deployment is not None
        dispatcher = self.deployment.instances["CdhCore.cmdDisp"]
        entry = Entries(self.deployment).call(dispatcher, "seq_cmd_buff", 7, dispatcher._context)
        entry(command_packet(line, self.deployment.instances), 0)

    def runs(self) -> list[tuple[str, int, int, int]]:
        """Job, slot in microseconds, tries and state of every run on record."""
        store = self.instance("scheduler")._store
        query = "SELECT job.name, slot_us, attempt, state FROM run JOIN job ON job.id = run.job ORDER BY run.id"
        found: list[tuple[str, int, int, int]] = store._database.rows(query)
        return found

    def longest_awake_s(self) -> float:
        """The longest time that the main unit had its power."""
        longest, since_ns = 0, 0
        for change in self.changes:
            if change.is_on:
                since_ns = change.time_ns
            else:
                longest = max(longest, change.time_ns - since_ns)
        return longest / NS_PER_S

    def cuts(self) -> list[WakeReason]:
        """Why the power went, each time."""
        return [change.reason for change in self.changes if not change.is_on]
