"""One deployment as the ground knows it: its link, its state, its commands, files, sequences and parameters."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.system import SystemRandom
from kittiwake.platform.system_files import SystemFiles
from kittiwake.wire.link_address import parse_link
from kittiwake.wire.packets import DESCRIPTOR_SIZE
from kittiwake_ground.alarms.book import AlarmBook
from kittiwake_ground.alarms.derived import DerivedChannels
from kittiwake_ground.alarms.store import AlarmStore
from kittiwake_ground.building.access import api_address
from kittiwake_ground.cfdp.exchange import FILE_DATA_OVERHEAD, Exchange
from kittiwake_ground.cfdp.pump import Pump
from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes.leaving import Ways
from kittiwake_ground.passes.passes import Passes
from kittiwake_ground.passes.planned import UNCERTAIN
from kittiwake_ground.passes.store import PassStore
from kittiwake_ground.server.building import Building
from kittiwake_ground.server.commands import CommandRecord, Commands
from kittiwake_ground.server.folders import Folders
from kittiwake_ground.server.hub import Hub
from kittiwake_ground.server.links import SILENT_AFTER_S, UP, LinkReport
from kittiwake_ground.server.parameters import ParameterRecord, Parameters
from kittiwake_ground.server.sequences import SequenceRun, Sequences
from kittiwake_ground.server.session import Session, now_us
from kittiwake_ground.server.transfers import Transfer, Transfers, check_name, remove_leftovers
from kittiwake_ground.server.views import command_object, transfer_object
from kittiwake_ground.uplink import Pace, default_rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
    from kittiwake.dictionary.entries import Channel, Dictionary
    from kittiwake.platform.interface import Network
    from kittiwake.wire.file_packets import FilePacket
    from kittiwake_ground.alarms.notifier import Notifier
    from kittiwake_ground.cfdp.file_record import CfdpFile
    from kittiwake_ground.configuration import DeploymentConfiguration
    from kittiwake_ground.passes.planned import Planned
    from kittiwake_ground.passes.planner import PlanNews
    from kittiwake_ground.server.archive_sink import ArchiveSink

RESTART_S = 1.0
WATCH_S = 0.25
"""How often it is looked whether an alarm is due, in seconds."""

PASSES_S = 0.25
"""How often it is looked whether something that is planned is due, in seconds."""

NUMBERS = "sequence_numbers"
"""The folder, in a deployment's own, with the sequence numbers of its signed uplink."""

ANSWERS_MISSED = 3
"""A link without connections is down for CFDP once nothing came for so many of its answers, and for ten seconds."""

_log = logging.getLogger(__name__)


class Deployment:
    """A deployment. `start` and `stop` it within a running event loop, and use it in that loop only."""

    def __init__(
        self,
        configuration: DeploymentConfiguration,
        folder: Path,
        archive: ArchiveSink,
        network: Network | None = None,
        alarms: AlarmStore | None = None,
        notifier: Notifier | None = None,
        passes: PassStore | None = None,
    ) -> None:
        """Files that come down are kept in `folder`, what is to last of alarms in `alarms`, and of passes in `passes`.

        `notifier` tells people of whatever becomes of an alarm.

        Raises `OSError`, `DictionaryFault` and `ValueError`.
        """
        self.name = configuration.name
        self.configuration = configuration
        self.dictionary = load_dictionary(str(configuration.dictionary))
        self.hazardous = _hazardous(self.dictionary, configuration)
        """Names of the commands that are to be armed before they are sent."""
        store = AlarmStore() if alarms is None else alarms
        self.alarms = AlarmBook(self.name, self.dictionary, store, configuration.alarm_events)
        self.derived = DerivedChannels(self.name, self.dictionary, store)
        self.derived.appeared, self.derived.vanished = self._channel_appeared, self._channel_vanished
        self.hub = Hub(self.name, self.dictionary, configuration.history_size, alarms=self.alarms)
        if notifier is not None:
            self.alarms.address, self.hub.told = notifier.address, notifier.tell
        self.derived.last_sample, self.derived.computed = self.hub.latest.get, self._take_derived
        self.session = Session(configuration, self.dictionary, self, network, folder / NUMBERS)
        session = self.session
        self.commands = Commands(
            configuration, self.dictionary, session.send_packet, lambda: session.ready, self._command_changed
        )
        rate = default_rate(parse_link(configuration.link)) if configuration.rate is None else configuration.rate
        self._folder = folder
        pace = Pace(rate, time.monotonic())
        self.transfers = Transfers(
            self.dictionary, self.commands, folder, rate, session.max_packet, session.send_packet,
            lambda: session.ready, self._transfer_changed, pace, self._cancel_cfdp,
        )  # fmt: skip
        self.cfdp = Pump(self._exchange(), configuration.cfdp.apid, pace, session.send_packet, self._hears_cfdp)
        self.folders = Folders(self.dictionary, self.commands)
        self.sequences = Sequences(
            self.dictionary, self.commands, self._run_changed, partial(archive.note_sequence_file, self.name)
        )
        self.building = _building(configuration)
        """What is known of its building, if it has one."""
        self.parameters = Parameters(self.dictionary, self.commands, self._parameter_changed)
        self.passes = self._make_passes(PassStore() if passes is None else passes)
        self._archive = archive
        self._tasks: list[asyncio.Task[None]] = []
        self._was_up = False
        self._link_known: tuple[str, str] | None = None

    def _make_passes(self, store: PassStore) -> Passes:
        session = self.session
        ways = Ways(
            self.dictionary, self.hazardous, self.commands, self.sequences, self.transfers, self.upload_by_cfdp,
            lambda: session.ready,
        )  # fmt: skip
        made = Passes(self.name, store, self.hub, self.commands, self.transfers.records.values, ways, session.report)
        self.commands.left = made.planner.took_off
        made.planner.missed = self._plan_missed
        made.planner.changed = self._plan_changed
        return made

    def _exchange(self) -> Exchange:
        plan = self.configuration.cfdp
        segment = min(plan.segment_bytes, self.session.max_packet - DESCRIPTOR_SIZE - FILE_DATA_OVERHEAD)
        folder = str(self._folder.absolute())
        return Exchange(SystemFiles(), folder, plan, segment, SystemRandom(), self.transfers.new_id, self._cfdp_changed)

    def _hears_cfdp(self) -> bool:
        """Whether the device hears what is sent: a link without connections only tells by what comes."""
        session = self.session
        if not session.ready or not session.link.is_open:
            return False
        patience_s = max(SILENT_AFTER_S, ANSWERS_MISSED * self.configuration.cfdp.answer_s)
        return session.link.has_connections or session.quiet_s < patience_s

    @property
    def link(self) -> LinkReport:
        """How the link stands."""
        return self.session.report()

    async def start(self) -> None:
        """Begins to connect. Raises `OSError`."""
        remove_leftovers(self._folder)
        self.derived.open()
        self.alarms.open()
        self.passes.open()
        self._archive.declare(self.name, self.dictionary)
        self._tasks = [
            asyncio.create_task(self._keep(run))
            for run in (
                self.session.run, self.commands.run, self.transfers.run, self.cfdp.run, self._watch, self._watch_passes,
            )
        ]  # fmt: skip
        if self.building is not None:
            self._tasks.append(asyncio.create_task(self._keep(self.building.run)))

    async def _keep(self, run: Callable[[], Awaitable[None]]) -> None:
        """Runs one of the parts on and on: a fault in it, which is ours, ends neither it nor the others."""
        while True:
            try:
                await run()
            except Exception:  # noqa: BLE001 - whatever it is, it is logged, and the other parts go on
                _log.exception("deployment %s: a fault of the ground station", self.name)
            await asyncio.sleep(RESTART_S)

    async def _watch(self) -> None:
        """Looks whether time has made something an alarm."""
        while True:
            self.alarms.pass_time()
            await asyncio.sleep(WATCH_S)

    async def _watch_passes(self) -> None:
        """Looks whether something that is planned is due, and what goes over the link in a pass."""
        while True:
            self.passes.tick()
            await asyncio.sleep(PASSES_S)

    def _channel_appeared(self, channel: Channel) -> None:
        self._archive.declare(self.name, self.dictionary)
        self.alarms.watch(channel)

    def _channel_vanished(self, name: str) -> None:
        self.alarms.forget(name)
        self.hub.forget(name)

    async def stop(self) -> None:
        """Ends the link and what is under way."""
        with suppress(StoreFault):
            self.passes.close()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        self.session.close()

    # What the session hands on

    @property
    def is_behind(self) -> bool:
        return self._archive.is_behind

    def take_samples(self, items: Sequence[DecodedChannel], received_us: int) -> None:
        derived = self.derived.compute(items)
        self._take(items if not derived else [*items, *derived], received_us)

    def _take_derived(self, items: Sequence[DecodedChannel]) -> None:
        self._take(items, now_us())

    def _take(self, items: Sequence[DecodedChannel], received_us: int) -> None:
        self._archive.add_samples(self.name, items, received_us)
        self.hub.take_samples(items, received_us)

    def take_events(self, items: Sequence[DecodedEvent], received_us: int) -> None:
        self._archive.add_events(self.name, items, received_us)
        for item in items:
            self.hub.take_event(item, received_us)
            self.commands.take_event(item)
            self.transfers.take_event(item)
            self.folders.take_event(item)
            self.sequences.take_event(item)
            self.parameters.take_event(item)
        self.alarms.settle()

    def take_file_packet(self, packet: FilePacket) -> None:
        self.transfers.take_packet(packet)

    def take_cfdp_packet(self, packet: bytes) -> None:
        self.cfdp.take_packet(packet)

    def take_raw(self, up: bool, data: bytes, at_us: int) -> None:
        self._archive.add_raw(self.name, up, data, at_us)

    def link_changed(self, report: LinkReport) -> None:
        up = report.state == UP
        if (report.state, report.reason) != self._link_known:
            self._link_known = (report.state, report.reason)
            self._archive.add_link_state(self.name, report.state, report.reason, now_us())
        if self._was_up and not up:
            self.hub.forget_dictionary()
            self.commands.forget_late()
            self.parameters.forget()
        self._was_up = up
        self.transfers.link_changed()
        self.cfdp.link_changed()
        self.hub.publish("links", self.name, report)

    def link_ready(self) -> None:
        self.commands.wake()
        self.transfers.link_changed()
        self.cfdp.link_changed()

    # What is told to whoever listens

    def _command_changed(self, record: CommandRecord) -> None:
        self._archive.add_command(self.name, command_object(record))
        self.parameters.take_command(record)
        self.transfers.command_changed()
        self.passes.planner.take(record)
        self.hub.publish("commands", record.command.name, record)

    def _transfer_changed(self, transfer: Transfer) -> None:
        if transfer.is_final:
            self._archive.add_file(self.name, transfer_object(transfer))
        self.sequences.files.take_transfer(transfer)
        self.passes.planner.take(transfer)
        self.hub.publish("transfers", transfer.remote, transfer)

    def upload_by_cfdp(self, content: bytes, remote: str, by: str, name: str = "") -> Transfer:
        """Takes a file for the deployment's inbox, and keeps it until it is there. Raises `TransferRefused`."""
        name = name or remote.rpartition("/")[2]
        check_name(remote, name)
        return self.cfdp.upload(content, remote, name, by)

    def _cancel_cfdp(self, transfer: Transfer) -> None:
        self.cfdp.cancel(transfer)

    def _cfdp_changed(self, file: CfdpFile) -> None:
        if file.id in self.transfers.records:
            self._transfer_changed(file)
        else:
            self.transfers.remember(file)

    def _plan_missed(self, plan: Planned) -> None:
        """Nobody may be there who sees it: it is an alarm."""
        level = "ORANGE" if plan.state == UNCERTAIN else "YELLOW"
        text = f"plan {plan.id} by {plan.by}, {plan.state}" + (f": {plan.reason}" if plan.reason else "")
        self.alarms.take_plan(plan.what.subject, level, text)

    def _plan_changed(self, news: PlanNews) -> None:
        self.hub.publish("plans", news.plan.what.subject, news)

    def _run_changed(self, run: SequenceRun) -> None:
        self.hub.publish("sequences", run.remote, run)

    def _parameter_changed(self, record: ParameterRecord) -> None:
        self.hub.publish("parameters", record.parameter.name, record)


def _building(configuration: DeploymentConfiguration) -> Building | None:
    if configuration.building_token is None:
        return None
    return Building(api_address(configuration.building), configuration.building_token)


def _hazardous(dictionary: Dictionary, configuration: DeploymentConfiguration) -> frozenset[str]:
    return frozenset(
        name
        for name, command in dictionary.commands.items()
        if command.hazardous or any(fnmatchcase(name, one) for one in configuration.hazardous)
    )
