"""A battery device through days of virtual time: wakes, sleeps and brown-outs, with the power unit's own reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.wiring import Entries
from kittiwake.sequence.command_line import command_packet
from kittiwake.simulation.power import Battery
from kittiwake.simulation.power_unit import Limits, PowerUnit
from kittiwake.storage.root import Root
from kittiwake.wire.power_link import WakeReason

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.power_unit import Change

DEVICE = "/dev/ttyPOWER"
ROOT = "/device"
NAME = "ReferenceDeployment"
PANEL_W = 0.5
BROWN_OUT_WINDOW = 200
"""A brown-out comes at one of so many file operations of an awake time, which has about 190."""


def panel_w(now_ns: int) -> float:
    """A small panel in the light of half the day: without it the brown-outs alone would empty the battery in weeks."""
    return PANEL_W if now_ns // (12 * 3600 * NS_PER_S) % 2 == 0 else 0.0


class StationFlight:
    """One device. `changes` are all wakes and cuts; `brown_outs` how often the power went without the unit's doing."""

    def __init__(self, image: Image, seed: int, *, brown_outs: float = 0.0, hard_limit_s: int = 300) -> None:
        self.image = image
        self.random = SeededRandom(seed)
        self.brown_out_chance = brown_outs
        self.hard_limit_s = hard_limit_s
        self.platform = SimulatedPlatform(seed)
        self.unit = PowerUnit(Battery(38.0, 0.9, 0.1), limits=Limits(hard_limit_s=hard_limit_s), supply_w=panel_w)
        self.changes: list[Change] = []
        self.brown_outs = 0
        self.now_ns = 0
        self.platform.files.make_folder(ROOT)
        self.platform.files.sync_folder("/")
        self.deployment: Deployment | None = None
        self._slept_from_ns = 0

    # Time

    def fly(self, days: float) -> None:
        """Lets so many days pass."""
        end_ns = self.now_ns + round(days * 86_400 * NS_PER_S)
        while self.now_ns < end_ns:
            if not self.unit.is_on:
                self._advance(max(self.unit.next_ns(), self.now_ns))
            else:
                self.awake()

    def _advance(self, now_ns: int) -> list[Change]:
        self.now_ns = now_ns
        changes = self.unit.advance(now_ns)
        self.changes += changes
        return changes

    def awake(self) -> None:
        """One awake time, from the power's coming to its going."""
        platform = self.platform
        began_ns, base_ns = self.now_ns, platform.clock.now_ns()
        files = platform.files
        if self.random.chance(self.brown_out_chance):
            files.cut_at(files.operations + 1 + self.random.below(BROWN_OUT_WINDOW), after=self.random.chance(0.5))
        try:
            self._boot()
            deployment = self.deployment
            assert deployment is not None
            while self.unit.is_on:
                deployment.run_for(0.5)
                self._advance(began_ns + platform.clock.now_ns() - base_ns)
                said = self.unit.notices()
                if said:
                    self.far.send(said)
        except PowerCut:
            self.brown_outs += 1
            self._advance(began_ns + platform.clock.now_ns() - base_ns)
        self._dark()

    def _dark(self) -> None:
        """Until the power is there again; what was not synced may be lost."""
        self.deployment = None
        went_ns = self.now_ns
        while self.unit.is_on:  # after a brown-out: until the watchdog or the hard limit notices
            self._advance(max(self.unit.next_ns(), self.now_ns + 1))
        while not self.unit.is_on:
            self._advance(max(self.unit.next_ns(), self.now_ns + 1))
        self.platform = self.platform.crash(off_ns=self.now_ns - went_ns)

    def _boot(self) -> None:
        platform = self.platform
        self.far = platform.network.attach_serial(DEVICE)
        settings = {f"{NAME}.powerManager": {"unit": f"serial://{DEVICE}"}}
        deployment = Deployment(self.image, platform, Root(platform.files, ROOT), settings)
        self.deployment = deployment
        self.poller = deployment.main.poller
        self.poller.add(self.far.fileno(), self._readable, None)
        deployment.start()

    def _readable(self) -> None:
        data = self.far.receive(4096)
        if not data:
            self.poller.remove(self.far.fileno())
            return
        reply = self.unit.receive(data)
        if reply:
            self.far.send(reply)

    # The device

    def instance(self, name: str) -> Any:
        assert self.deployment is not None
        return self.deployment.instances[f"{NAME}.{name}"]

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
