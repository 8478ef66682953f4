"""Filters events, sends them on, and keeps the newest of them over restarts."""

# ruff: noqa: N803 - the arguments of commands and events keep F´'s names
from __future__ import annotations

import errno
import posixpath
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U8,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    Size,
    async_port,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.events import Severity
from kittiwake.model.fw import Com, Enabled, FwEventIdType, Log, Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.event_batch import BATCH_SIZE_MAX
from kittiwake.storage.recall import Recall
from kittiwake.storage.record import AtomicRecord
from kittiwake.storage.root import reason_of
from kittiwake.wire.packets import event_packet
from kittiwake_components.event_log.filters import (
    ALWAYS_SHOWN,
    ID_FILTERS_MAX,
    RECORD_SIZE_MAX,
    VERSION,
    Filters,
    FilterSeverity,
    FiltersFault,
    unpack_filters,
)
from kittiwake_components.event_log.ring import EventRing
from kittiwake_components.event_log.throttles import Throttles
from kittiwake_components.ports.lifecycle import FatalEvent

if TYPE_CHECKING:
    from kittiwake.storage.event_batch import Kept

WAITING_MAX = 5000
"""The most events that wait to be written; more of them are counted as dropped."""
QUERY_MAX = 2000
POWER_ENDS_DELAY_S = 0.1
"""From the word that the power is about to be cut until the ring is made durable: others still report meanwhile."""

PACKET_SIZE_MAX = 2048
"""The longest event packet that the ring keeps, in bytes."""
TEXT_SIZE = 120

Text = Annotated[str, Size(TEXT_SIZE)]

_HELD_BACK, _SENT, _KEPT, _URGENT = range(4)


@wire_enum(U8, name="Svc.EventManager.QueryScope")
class QueryScope(IntEnum):
    """Which of the kept events a query is about."""

    ALL = 0
    BEFORE_BOOT = 1


def _check_ring_size(size: int) -> None:
    if size != 0 and not 4 * BATCH_SIZE_MAX <= size <= 1 << 26:
        raise ValueError(f"ring_bytes is 0 for no ring, or {4 * BATCH_SIZE_MAX} to {1 << 26}, not {size}")


class EventLog(ActiveComponent):
    """F´'s event manager, with a memory.

    What passes the filters goes to the ground at once, and in batches, once a cycle, into a ring on the disk, which
    the ground can ask for what happened before a restart.
    """

    pkt_send = OutputPort(Com, required=True, doc="Event packets for the ground.")
    text_out = OutputPort(Log, doc="Every event that passes, for a log of text.")
    event_out = OutputPort(Log, doc="Every event, those that filters hold back too, for who acts upon them.")
    fatal_announce = OutputPort(FatalEvent, doc="Tells of every FATAL event.")

    events_filtered = Channel(U32, on_change=True, doc="Events that a filter held back.")
    events_throttled = Channel(U32, on_change=True, doc="Events that their throttles held back, over all instances.")
    events_dropped_total = Channel(
        U32, on_change=True, name="EventsDropped", doc="Events that were sent but could not be kept in the ring."
    )
    events_kept = Channel(U32, on_change=True, doc="Events in the ring.")
    events_sent = Channel(U32, on_change=True, doc="Event packets handed to the downlink since the start.")

    ring_severity = Parameter(
        Severity, default=Severity.ACTIVITY_LO, doc="The ring keeps events of this severity and worse."
    )
    sync_severity = Parameter(
        Severity, default=Severity.WARNING_HI, doc="Events of this severity and worse are made durable within 0.1 s."
    )

    folder = Setting(str, default="/events", doc="Folder in the root for the filters and the ring.")
    ring_bytes = Setting(int, default=262_144, check=_check_ring_size, doc="Most bytes of the ring; 0: none is kept.")
    sync_delay_ms = Setting(
        int, default=100, low=0, high=60_000, doc="How long urgent events are gathered before they are made durable."
    )
    query_rate = Setting(int, default=50, low=1, high=1000, doc="Events that QUERY sends a second.")
    throttle_report_s = Setting(int, default=60, low=1, high=86_400, doc="How often throttled events are reported.")

    @event(ACTIVITY_LO, "{severity} filter state. {enabled}", name="SEVERITY_FILTER_STATE", id=0)
    def severity_filter_state(self, severity: FilterSeverity, enabled: Enabled) -> None: ...

    @event(ACTIVITY_HI, "ID 0x{ID:x} is filtered.", name="ID_FILTER_ENABLED", id=1)
    def id_filter_enabled(self, ID: FwEventIdType) -> None: ...

    @event(WARNING_LO, "ID filter list is full. Cannot filter 0x{ID:x}.", name="ID_FILTER_LIST_FULL", id=2)
    def id_filter_list_full(self, ID: FwEventIdType) -> None: ...

    @event(ACTIVITY_HI, "ID filter ID 0x{ID:x} removed.", name="ID_FILTER_REMOVED", id=3)
    def id_filter_removed(self, ID: FwEventIdType) -> None: ...

    @event(WARNING_LO, "ID filter ID 0x{ID:x} not found.", name="ID_FILTER_NOT_FOUND", id=4)
    def id_filter_not_found(self, ID: FwEventIdType) -> None: ...

    @event(WARNING_HI, "{count} events were not kept: the ring did not take them in time", id=0x20)
    def events_dropped(self, count: U32) -> None: ...

    @event(WARNING_LO, "Event 0x{ID:x} was held back {count} times by its throttle", name="EventThrottled", id=0x21)
    def event_throttled(self, ID: FwEventIdType, count: U32) -> None: ...

    @event(ACTIVITY_LO, "{count} events of earlier boots are kept", id=0x22)
    def old_events_kept(self, count: U32) -> None: ...

    @event(ACTIVITY_HI, "{count} events of earlier boots removed", id=0x23)
    def old_events_cleared(self, count: U32) -> None: ...

    @event(ACTIVITY_LO, "Query completed: {count} events sent", id=0x24)
    def query_complete(self, count: U32) -> None: ...

    @event(WARNING_LO, "Event file {finding}", id=0x25)
    def event_file_finding(self, finding: Text) -> None: ...

    @event(WARNING_HI, "Events cannot be kept or read: {reason}", throttle=3, every_s=600.0, id=0x26)
    def ring_failed(self, reason: Text) -> None: ...

    @event(WARNING_HI, "Filters could not be read or saved: {reason}", id=0x27)
    def filters_failed(self, reason: Text) -> None: ...

    def initialize(self) -> None:
        files = self.platform.files
        folder = self._folder = self.root.resolve(self.folder)
        self._held_back = 0
        self._sent = 0
        self._dropped = 0
        self._waiting: deque[Kept] = deque()
        self._is_hurried = self._owes_sync = False
        self._ring = EventRing(files, posixpath.join(folder, "ring"), self.ring_bytes) if self.ring_bytes else None
        self._ring_is_open = False
        self._throttles = Throttles(self._context.deployment)
        self._throttles_due_ns = self.clock.now_ns() + self.throttle_report_s * NS_PER_S
        self._writes_text = self.is_connected(EventLog.text_out)
        self._tells = self.is_connected(EventLog.event_out)
        self._announces = self.is_connected(EventLog.fatal_announce)
        self._record = AtomicRecord(files, posixpath.join(folder, "filters"), VERSION, RECORD_SIZE_MAX)
        self._use(Filters())
        self._recall = Recall(self.clock, self._take_filters)
        self._read_filters()

    def stop(self) -> None:
        self._write_out(sync=True)
        if self._ring is not None:
            self._ring.close()
            self._ring_is_open = False

    def parameter_updated(self, name: str) -> None:
        """Takes what the ring is to keep."""
        self._use(self._filters)

    def evidence(self) -> dict[str, Any]:
        return {
            "held_back_severities": sorted(set(Severity) - self._filters.shown),
            "held_back_ids": sorted(self._filters.ids),
            "ring": self._ring is not None and f"{self.folder}/ring",
            "ring_severity": self.ring_severity,
        }

    # Filters

    def _use(self, filters: Filters) -> None:
        """Makes a table of what becomes of each severity, so that an event costs one look into it."""
        self._filters = filters
        self._filtered_ids = filters.ids
        self._marks = [_HELD_BACK] * (len(Severity) + 1)
        for severity in filters.shown:
            self._marks[severity] = _SENT
            if self._ring is not None and severity <= self.ring_severity:
                self._marks[severity] = _URGENT if severity <= self.sync_severity else _KEPT

    def _read_filters(self) -> None:
        try:
            self._recall.ensure()
        except OSError as fault:
            self.filters_failed(reason_of(fault))

    def _take_filters(self, last_try: bool) -> None:
        reading = self._record.read(last_try=last_try)
        self._report(reading.findings)
        try:
            self._use(Filters() if reading.payload is None else unpack_filters(reading.payload))
        except FiltersFault as fault:
            self.filters_failed(reason_of(fault))

    def _known_filters(self) -> Filters:
        """Those in use, which a command changes. Raises `CommandError` where there may be others that nobody knows."""
        if not self._recall.is_done:
            self._read_filters()
        if not self._recall.is_done:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the filters of before this start cannot be read yet")
        return self._filters

    def _save(self, filters: Filters) -> None:
        """Makes filters durable, then uses them. Raises `CommandError`: those before it are still in use."""
        try:
            make_folders_durably(self.platform.files, self._folder)
            self._report(self._record.write(filters.pack()))
        except OSError as fault:
            self.filters_failed(reason_of(fault))
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self._use(filters)

    def _report(self, findings: object) -> None:
        assert isinstance(findings, tuple)
        for finding in findings:
            self.event_file_finding(str(finding).removeprefix(self.root.path))

    # Events

    def shows(self, severity: Severity) -> bool:
        """Whether anybody gets events of a severity: who has hundreds of them to report may spare itself the work."""
        return self._tells or self._marks[severity] != _HELD_BACK

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """One event. Nothing here waits for the disk."""
        if self._tells:
            self.event_out(id, tag, severity, arguments)
        mark = self._marks[severity]
        if not mark or (id in self._filtered_ids and severity not in ALWAYS_SHOWN):
            self._held_back += 1
            return
        packet = event_packet(id, tag, arguments)
        self._sent += 1
        self.pkt_send(packet, 0)
        if mark > _SENT:
            waiting = self._waiting
            if len(waiting) < WAITING_MAX and len(packet) <= PACKET_SIZE_MAX:
                waiting.append((severity, packet))
            else:
                self._dropped += 1
            if mark == _URGENT and not self._is_hurried:
                self._is_hurried = True
                self.clock.call_after(self.sync_delay_ms / 1000, self._hurry)
        if self._writes_text:
            self.text_out(id, tag, severity, arguments)
        if severity is Severity.FATAL and self._announces:
            self.fatal_announce(id)

    def _hurry(self) -> None:
        self._is_hurried, self._owes_sync = False, True
        self._write_out(sync=True)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Writes what has come since the last cycle into the ring, and updates the telemetry."""
        self._write_out(sync=False)
        if not self._recall.is_done:
            self._read_filters()
        self.events_filtered = self._held_back & 0xFFFFFFFF
        self.events_sent = self._sent & 0xFFFFFFFF
        dropped = self._dropped & 0xFFFFFFFF
        if dropped != self.events_dropped_total:
            self.events_dropped(dropped - self.events_dropped_total & 0xFFFFFFFF)
            self.events_dropped_total = dropped
        self._count_throttled()

    @async_port(Signal, full="drop")
    def power_ends(self) -> None:
        """The power is about to be cut: a moment later all that was reported is made durable."""
        self.clock.call_after(POWER_ENDS_DELAY_S, self._hurry)

    def _write_out(self, *, sync: bool) -> None:
        """Writes the waiting events; those that the disk does not take wait on."""
        ring = self._ring
        if ring is None:
            return
        try:
            if not self._ring_is_open:
                self._open(ring)
            waiting = self._waiting
            while waiting:
                for _ in range(ring.append(islice(waiting, len(waiting)), sync=False)):
                    waiting.popleft()
            if sync or self._owes_sync:
                ring.sync()
                self._owes_sync = False
        except OSError as fault:
            self.ring_failed(reason_of(fault))
            self._ring_is_open = self._ring_is_open and fault.errno != errno.EBADF
        self.events_kept = ring.count

    def _open(self, ring: EventRing) -> None:
        """Opens the ring: not before it is needed, as reading it through takes time that the boot does not have."""
        is_first = not ring.was_opened
        findings = ring.open()
        self._ring_is_open = True
        self._report(findings)
        if is_first:
            self.old_events_kept(ring.count)

    def _count_throttled(self) -> None:
        self.events_throttled = self._throttles.total() & 0xFFFFFFFF
        now = self.clock.now_ns()
        if now >= self._throttles_due_ns:
            self._throttles_due_ns = now + self.throttle_report_s * NS_PER_S
            for id, count in self._throttles.report():
                self.event_throttled(id, count & 0xFFFFFFFF)

    # Commands

    @command(name="SET_EVENT_FILTER", opcode=0)
    def set_event_filter(self, filterLevel: FilterSeverity, filterEnabled: Enabled) -> None:
        """Lets events of a severity through (ENABLED) or holds them back; that outlives a restart."""
        severity, known = Severity[filterLevel.name], self._known_filters()
        if filterEnabled is Enabled.ENABLED:
            self._save(Filters(known.shown | {severity}, known.ids))
        elif severity in ALWAYS_SHOWN:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"{severity.name} events cannot be held back")
        else:
            self._save(Filters(known.shown - {severity}, known.ids))

    @command(name="SET_ID_FILTER", opcode=2)
    def set_id_filter(self, ID: FwEventIdType, idFilterEnabled: Enabled) -> None:
        """Holds back the event of one id (ENABLED) or lets it through again; that outlives a restart."""
        ids = self._known_filters().ids
        if idFilterEnabled is Enabled.DISABLED:
            if ID not in ids:
                self.id_filter_not_found(ID)
                raise CommandError(CommandResponse.EXECUTION_ERROR)
            self._save(Filters(self._filters.shown, ids - {ID}))
            self.id_filter_removed(ID)
            return
        if self._severity_of(ID) in ALWAYS_SHOWN:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "FATAL and COMMAND events cannot be held back")
        if ID not in ids and len(ids) >= ID_FILTERS_MAX:
            self.id_filter_list_full(ID)
            raise CommandError(CommandResponse.EXECUTION_ERROR)
        self._save(Filters(self._filters.shown, ids | {ID}))
        self.id_filter_enabled(ID)

    def _severity_of(self, id: int) -> Severity | None:
        for component in self._context.deployment.instances.values():
            offset = id - component._context.base_id
            for declared in type(component).__declarations__.events.values():
                if declared.number == offset:
                    return declared.severity
        return None

    @command(name="DUMP_FILTER_STATE", opcode=3)
    def dump_filter_state(self) -> None:
        """Reports the state of every filter."""
        for level in FilterSeverity:
            shown = Severity[level.name] in self._filters.shown
            self.severity_filter_state(level, Enabled.ENABLED if shown else Enabled.DISABLED)
        for id in sorted(self._filters.ids):
            self.id_filter_enabled(id)

    @command(name="QUERY", opcode=4, exclusive=True)
    async def query(self, count: U32, severity: Severity, scope: QueryScope) -> None:
        """Sends the newest kept events of a severity and worse again, with their own time tags, the oldest first."""
        if not 1 <= count <= QUERY_MAX:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"1 to {QUERY_MAX} events can be asked for")
        self._write_out(sync=False)
        ring = self._opened_ring()
        try:
            packets = ring.newest(count, severity, scope is QueryScope.BEFORE_BOOT)
        except OSError as fault:
            self._fail(fault)
        for packet in packets:
            self._sent += 1
            self.pkt_send(packet, 0)
            await self.clock.sleep(1 / self.query_rate)
        self.query_complete(len(packets))

    @command(name="CLEAR_OLD", opcode=5)
    def clear_old(self) -> None:
        """Removes the events of earlier boots from the ring."""
        self._write_out(sync=False)
        ring = self._opened_ring()
        try:
            removed = ring.clear_old()
        except OSError as fault:
            self._fail(fault)
        self.events_kept = ring.count
        self.old_events_cleared(removed)

    def _opened_ring(self) -> EventRing:
        if self._ring is None or not self._ring_is_open:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "no events are kept")
        return self._ring

    def _fail(self, fault: OSError) -> NoReturn:
        self.ring_failed(reason_of(fault))
        raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
