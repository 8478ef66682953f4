"""Installs signed updates beside the running software, tries them, and keeps them only if they prove themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    U8,
    U32,
    WARNING_HI,
    ActiveComponent,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    Size,
    String,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.slots import FACTORY, VERSION_SIZE, Outcome, SlotDamaged, Slots, SlotState
from kittiwake.wire.update_package import UpdateFault
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.lifecycle import WatchDog
from kittiwake_components.ports.link import PacketRouted
from kittiwake_components.update_manager.installation import Installation, free_slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.storage.slots import Table

REASON_SIZE = 120

FileName = Annotated[str, Size(PATH_SIZE)]
Reason = Annotated[str, Size(REASON_SIZE)]
Version = Annotated[str, Size(VERSION_SIZE)]


@wire_enum(U8, name="Components.SlotName")
class SlotName(IntEnum):
    """A slot; FACTORY is neither: the image of the command line."""

    FACTORY = 0
    A = 1
    B = 2


@wire_enum(U8, name="Components.UpdateState")
class UpdateState(IntEnum):
    """Where an update stands."""

    NONE = 0
    """There is none, or the deployment was started without slots."""
    INSTALLING = 1
    """A package is on its way into a slot."""
    READY = 2
    """A slot holds an update that was verified."""
    PENDING = 3
    """The next start tries it."""
    TRIAL = 4
    """It runs, and is not confirmed yet."""


def _check_slot(name: str) -> None:
    if name not in ("", "a", "b"):
        raise ValueError(f"a slot is a, b or empty, not {name!r}")


class UpdateManager(ActiveComponent):
    """A/B updates: prepare, verify, activate, try, confirm or roll back (as MCUboot's test and confirm).

    A package that came up as a file is checked against the update keys and brought into the slot that is not in use.
    ACTIVATE gives it a number of starts. It is confirmed when Health has been satisfied for CONFIRM_AFTER_S without a
    break and, if LINK_REQUIRED, a packet came up meanwhile; if it is not, the software before it runs again.
    """

    stroke_out = OutputPort(WatchDog, doc="Hands Health's stroke on, to the watchdog.")
    packet_routed_out = OutputPort(PacketRouted, doc="Hands the router's report on.")
    restart = OutputPort(Signal, doc="The update was not confirmed in time: the deployment should start again.")

    running_slot = Channel(SlotName, on_change=True, doc="What this start runs.")
    running_version = Channel(String(VERSION_SIZE), on_change=True, doc="The version of it; empty for the factory's.")
    active_slot = Channel(SlotName, on_change=True, doc="What runs where nothing is on trial.")
    update_state = Channel(UpdateState, on_change=True, doc="Where an update stands.")
    update_version = Channel(String(VERSION_SIZE), on_change=True, doc="The version of that update.")
    tries_left = Channel(U8, on_change=True, doc="Starts that the update has left to be confirmed in.")
    last_outcome = Channel(Outcome, on_change=True, doc="Why a slot was given up last.")

    confirm_after_s = Parameter(
        U32, default=300, low=1, high=86400, unit="s", doc="How long all must be well for a confirmation."
    )
    link_required = Parameter(Bool, default=True, doc="Whether a packet must have come up for a confirmation.")
    tries = Parameter(U8, default=3, low=1, high=100, doc="Starts that ACTIVATE gives an update.")
    trial_limit_s = Parameter(
        U32, default=3600, low=0, high=604800, unit="s", doc="A start on trial that lasts longer is given up; 0: none."
    )

    folder = Setting(str, default="", doc="The folder of the slots; `kittiwake run --slots` sets it.")
    slot = Setting(str, default="", check=_check_slot, doc="The slot that runs; `kittiwake run --slots` sets it.")

    stroke_gap_s = Setting(
        int, default=3, low=1, high=3600, doc="So long without a stroke of Health's, and all is not well."
    )

    @event(ACTIVITY_HI, "Version {version} is ready in slot {slot}")
    def update_prepared(self, version: Version, slot: SlotName) -> None: ...

    @event(WARNING_HI, "Update refused: {reason}")
    def update_refused(self, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "The next start tries version {version} in slot {slot}; it has {tries} starts")
    def update_activated(self, version: Version, slot: SlotName, tries: U8) -> None: ...

    @event(ACTIVITY_HI, "Version {version} is on trial; {tries} more starts")
    def update_on_trial(self, version: Version, tries: U8) -> None: ...

    @event(ACTIVITY_HI, "Version {version} in slot {slot} is confirmed")
    def update_confirmed(self, version: Version, slot: SlotName) -> None: ...

    @event(WARNING_HI, "Slot {slot} was given up ({outcome}); slot {active} is the active one")
    def update_rolled_back(self, slot: SlotName, outcome: Outcome, active: SlotName) -> None: ...

    @event(WARNING_HI, "Slot record: {reason}", throttle=5, every_s=600.0)
    def slot_record_fault(self, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "Running {running} {version}, active {active}, update {state} {update}, {tries} starts left")
    def update_status(
        self, running: SlotName, version: Version, active: SlotName, state: UpdateState, update: Version, tries: U8
    ) -> None: ...

    def initialize(self) -> None:
        self._slots = Slots(self.platform.files, self.folder) if self.folder else None
        self._working = False
        self._on_trial = False
        self._began_ns = self.clock.now_ns()
        self._well_since_ns: int | None = None
        self._stroke_ns = 0
        self._link_seen = False

    def start(self) -> None:
        slots = self._slots
        self.running_slot = _named(self.slot)
        if slots is None:
            self._show()
            return
        self._require_read(slots)
        table = slots.table
        self.running_version = table.slot(self.slot).version if self.slot else ""
        self._on_trial = bool(self.slot) and table.pending == self.slot
        self._show()
        if table.outcome is not Outcome.NONE:
            self.update_rolled_back(_named(table.failed), table.outcome, _named(table.active))
        if self._on_trial:
            self.update_on_trial(self.running_version, table.tries)

    # Ports

    @sync_port(WatchDog)
    def health_stroke(self, code: int) -> None:
        """Health found all well in its last cycle."""
        now = self.clock.now_ns()
        if self._well_since_ns is None or now - self._stroke_ns > self.stroke_gap_s * NS_PER_S:
            self._well_since_ns = now
        self._stroke_ns = now
        if self.is_connected(UpdateManager.stroke_out):
            self.stroke_out(code)

    @sync_port(PacketRouted)
    def packet_routed(self, apid: int, authenticated: bool) -> None:
        """A packet came up, so that the ground can reach this software."""
        self._link_seen = True
        if self.is_connected(UpdateManager.packet_routed_out):
            self.packet_routed_out(apid, authenticated)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Confirms an update that has proved itself, or gives up one that took too long."""
        if not self._on_trial:
            return
        now = self.clock.now_ns()
        if self._is_proved(now):
            self._try(self._confirm)
        elif self.trial_limit_s and now - self._began_ns >= self.trial_limit_s * NS_PER_S:
            self._try(self._end_trial)

    def _end_trial(self) -> None:
        self._give_up(self.slot, Outcome.NOT_CONFIRMED)
        if self.is_connected(UpdateManager.restart):
            self.restart()

    def _is_proved(self, now_ns: int) -> bool:
        if self._well_since_ns is None or now_ns - self._stroke_ns > self.stroke_gap_s * NS_PER_S:
            return False
        lasted = self._stroke_ns - self._well_since_ns >= self.confirm_after_s * NS_PER_S
        return lasted and (self._link_seen or not self.link_required)

    # Commands

    @command(name="PREPARE", exclusive=True)
    async def prepare(self, file: FileName) -> None:
        """Checks a package and brings it into the slot that is not in use; answers when the slot is ready."""
        slots = self._begin_work()
        try:
            installation = Installation(
                self.platform.files, self.root.resolve(file), slots, free_slot(slots, self.slot)
            )
            installation.check(self._context.deployment.image["name"])
            self.update_state = UpdateState.INSTALLING
            await self._carry_out(installation.portions())
        except (UpdateFault, OSError) as fault:
            raise self._refused(fault) from None
        finally:
            self._end_work()
        self.update_prepared(installation.manifest.version, _named(installation.target))

    @command(name="VERIFY", exclusive=True)
    async def verify(self) -> None:
        """Reads the prepared slot once more and compares it with what was signed."""
        slots = self._begin_work()
        try:
            name = self._ready_slot(slots)
            await self._carry_out(slots.verify(name, slots.table.slot(name)))
        except UpdateFault as fault:
            raise self._refused(fault) from None
        except OSError as fault:
            if isinstance(fault, (SlotDamaged, FileNotFoundError)):
                self._try(lambda: self._give_up(name, Outcome.DAMAGED))
            raise self._refused(fault) from None
        finally:
            self._end_work()

    @command(name="ACTIVATE", hazardous=True)
    def activate(self) -> None:
        """Has the next start try the prepared slot. It may do so for TRIES starts."""
        slots = self._begin_work()
        try:
            name = self._ready_slot(slots)
            self._write(slots.table._replace(pending=name, tries=self.tries))
        except UpdateFault as fault:
            raise self._refused(fault) from None
        finally:
            self._end_work()
        self.update_activated(slots.table.slot(name).version, _named(name), self.tries)

    @command(name="CONFIRM")
    def confirm(self) -> None:
        """Keeps the update that is on trial, whatever Health says."""
        self._free_slots()
        if not self._on_trial:
            raise self._refused(UpdateFault("nothing that runs is on trial"))
        self._confirm()

    @command(name="ROLLBACK", hazardous=True)
    def rollback(self) -> None:
        """Gives up the slot that is to be tried or on trial, else the active one; it counts at the next start."""
        slots = self._free_slots()
        name = slots.table.pending or slots.table.active
        if not name:
            raise self._refused(UpdateFault("the factory's image is the active one: there is nothing before it"))
        self._give_up(name, Outcome.COMMANDED)

    @command(name="STATUS")
    def status(self) -> None:
        """Reports what runs, what is active and where an update stands."""
        self._show()
        self.update_status(
            self.running_slot, self.running_version, self.active_slot, self.update_state, self.update_version,
            self.tries_left,
        )  # fmt: skip

    # How they work

    def _begin_work(self) -> Slots:
        slots = self._free_slots()
        self._working = True
        return slots

    def _free_slots(self) -> Slots:
        """The slots, on which one command works at a time."""
        if self._slots is None:
            raise self._refused(UpdateFault("the deployment was started without --slots"))
        if self._working:
            raise CommandError(CommandResponse.BUSY, "another command works on the slots")
        if not self._require_read(self._slots):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the record of the slots cannot be read yet")
        return self._slots

    def _require_read(self, slots: Slots) -> bool:
        try:
            for finding in slots.require_read():
                self.slot_record_fault(str(finding))
        except OSError as fault:
            self.slot_record_fault(str(fault))
            return False
        return True

    def _end_work(self) -> None:
        self._working = False
        self._show()

    async def _carry_out(self, portions: Iterator[None]) -> None:
        """Does work portion by portion, so that others get their turn."""
        for _ in portions:
            await self.clock.sleep(0)

    def _ready_slot(self, slots: Slots) -> str:
        for name in ("a", "b"):
            if slots.table.slot(name).state is SlotState.READY and name != slots.table.pending:
                return name
        raise UpdateFault("no slot is prepared")

    def _confirm(self) -> None:
        slots = self._slots
        assert slots is not None, "only a slot can be on trial"
        self._write(slots.table.confirmed())
        self._on_trial = False
        self._show()
        self.update_confirmed(self.running_version, self.running_slot)

    def _give_up(self, name: str, why: Outcome) -> None:
        slots = self._slots
        assert slots is not None, "only a slot can be given up"
        self._write(slots.table.given_up(name, why))
        self._on_trial = self._on_trial and name != self.slot
        self._show()
        self.update_rolled_back(_named(name), why, _named(slots.table.active))

    def _write(self, table: Table) -> None:
        assert self._slots is not None, "the caller has slots"
        try:
            self._slots.write(table)
        except OSError as fault:
            self.slot_record_fault(str(fault))
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the record of the slots was not written") from None

    def _try(self, step: Callable[[], None]) -> None:
        """Takes a step that may find the record not writable, which an event has said; the next cycle tries again."""
        try:
            step()
        except CommandError:
            return

    def _refused(self, fault: Exception) -> CommandError:
        reason = str(fault)
        self.update_refused(reason)
        return CommandError(CommandResponse.EXECUTION_ERROR, reason)

    def _show(self) -> None:
        if self._slots is None:
            return
        table = self._slots.table
        ready = [name for name in ("a", "b") if table.slot(name).state is SlotState.READY]
        named = table.pending or (ready[0] if ready else FACTORY)
        self.active_slot = _named(table.active)
        self.tries_left = table.tries
        self.last_outcome = table.outcome
        self.update_version = table.slot(named).version if named else ""
        if self._on_trial:
            self.update_state = UpdateState.TRIAL
        elif table.pending:
            self.update_state = UpdateState.PENDING
        else:
            self.update_state = UpdateState.READY if ready else UpdateState.NONE


def _named(name: str) -> SlotName:
    return {"a": SlotName.A, "b": SlotName.B}.get(name, SlotName.FACTORY)
