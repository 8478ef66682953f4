"""Filters events and sends them on, as F´'s event manager does."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

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
    Size,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.events import Severity
from kittiwake.model.fw import Com, Enabled, FwEventIdType, Log, Sched
from kittiwake.wire.packets import event_packet

from kittiwake_components.ports import FatalEvent

MAX_ID_FILTERS = 25


@wire_enum(U8, name="Svc.EventManager.FilterSeverity")
class FilterSeverity(IntEnum):
    """The severities that can be filtered: FATAL cannot, and neither can COMMAND, which answers depend on."""

    WARNING_HI = 0
    WARNING_LO = 1
    COMMAND = 2
    ACTIVITY_HI = 3
    ACTIVITY_LO = 4
    DIAGNOSTIC = 5


class EventLog(ActiveComponent):
    """Takes every event of the deployment."""

    pkt_send = OutputPort(Com, doc="Event packets for the ground.")
    text_out = OutputPort(Log, doc="Every event that passes, for a log of text.")
    fatal_announce = OutputPort(FatalEvent, doc="Tells of every FATAL event.")

    events_filtered = Channel(U32, on_change=True, doc="Events that a filter held back.")

    @event(ACTIVITY_LO, "{severity} filter state. {enabled}", name="SEVERITY_FILTER_STATE")
    def severity_filter_state(self, severity: FilterSeverity, enabled: Enabled) -> None: ...

    @event(ACTIVITY_HI, "ID 0x{ID:x} is filtered.", name="ID_FILTER_ENABLED")
    def id_filter_enabled(self, ID: FwEventIdType) -> None: ...

    @event(WARNING_LO, "ID filter list is full. Cannot filter 0x{ID:x}.", name="ID_FILTER_LIST_FULL")
    def id_filter_list_full(self, ID: FwEventIdType) -> None: ...

    @event(ACTIVITY_HI, "ID filter ID 0x{ID:x} removed.", name="ID_FILTER_REMOVED")
    def id_filter_removed(self, ID: FwEventIdType) -> None: ...

    @event(WARNING_LO, "ID filter ID 0x{ID:x} not found.", name="ID_FILTER_NOT_FOUND")
    def id_filter_not_found(self, ID: FwEventIdType) -> None: ...

    def initialize(self) -> None:
        self._filtered_ids: set[int] = set()
        self._shown = [True] * (len(Severity) + 1)
        self._shown[Severity.DIAGNOSTIC] = False
        self._held_back = 0
        self._writes_text = self.is_connected(EventLog.text_out)

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """One event."""
        if not self._shown[severity] or id in self._filtered_ids:
            self._held_back += 1
            return
        self.pkt_send(event_packet(id, tag, arguments), 0)
        if self._writes_text:
            self.text_out(id, tag, severity, arguments)
        if severity is Severity.FATAL:
            self.fatal_announce(id)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry."""
        self.events_filtered = self._held_back & 0xFFFFFFFF

    @command(kind="sync", name="SET_EVENT_FILTER")
    def set_event_filter(self, filterLevel: FilterSeverity, filterEnabled: Enabled) -> None:
        """Lets events of a severity through (ENABLED) or holds them back."""
        if filterLevel is FilterSeverity.COMMAND:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "COMMAND events cannot be filtered")
        self._shown[Severity[filterLevel.name]] = filterEnabled is Enabled.ENABLED

    @command(kind="sync", name="SET_ID_FILTER", opcode=2)
    def set_id_filter(self, ID: FwEventIdType, idFilterEnabled: Enabled) -> None:
        """Holds back the event of one id (ENABLED) or lets it through again."""
        if idFilterEnabled is Enabled.DISABLED:
            if ID not in self._filtered_ids:
                self.id_filter_not_found(ID)
                raise CommandError(CommandResponse.EXECUTION_ERROR)
            self._filtered_ids.discard(ID)
            self.id_filter_removed(ID)
            return
        if ID not in self._filtered_ids and len(self._filtered_ids) >= MAX_ID_FILTERS:
            self.id_filter_list_full(ID)
            raise CommandError(CommandResponse.EXECUTION_ERROR)
        self._filtered_ids.add(ID)
        self.id_filter_enabled(ID)

    @command(kind="sync", name="DUMP_FILTER_STATE")
    def dump_filter_state(self) -> None:
        """Reports the state of every filter."""
        for severity in FilterSeverity:
            shown = self._shown[Severity[severity.name]]
            self.severity_filter_state(severity, Enabled.ENABLED if shown else Enabled.DISABLED)
        for id in sorted(self._filtered_ids):
            self.id_filter_enabled(id)
