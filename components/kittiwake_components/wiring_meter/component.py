"""Tells the ground for a while what goes over each connection, and how full each queue was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U8,
    U16,
    U32,
    WARNING_LO,
    Channel,
    PassiveComponent,
    Range,
    command,
    event,
    wire_array,
    wire_enum,
    wire_struct,
)
from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from kittiwake.runtime.counted_wiring import CountedWiring
    from kittiwake.runtime.loop import Timer

PAGE = 64
"""Connections of one channel; there are four."""
MAX_CONNECTIONS = 4 * PAGE
MAX_QUEUES = 32
MAX_DURATION_S = 3600
MAX_PERIOD_S = 60
_U16_MAX = 0xFFFF

CallCounts = wire_array("Svc.WiringCalls", U16, PAGE)
QueueCounts = wire_array("Svc.WiringQueues", U16, MAX_QUEUES)


@wire_enum(U8, name="Svc.MeteringEnd")
class MeteringEnd(IntEnum):
    """Why nothing is counted any more."""

    TIME_OVER = 0
    COMMANDED = 1


@wire_struct(name="Svc.WiringReport")
class WiringReport:
    """What the other channels of a report are about; all is 0 once nothing is counted any more."""

    number: U32
    """Counts the reports since boot."""
    span_ms: U32
    """The time in which the calls were made."""
    remaining_s: U32
    """How long more is counted."""
    connections: U16
    """How many connections there are reports of: the first of the topology."""
    queues: U16
    """How many queues there are reports of: those of the first instances that have one."""


class WiringMeter(PassiveComponent):
    """Counts calls between METER_START and METER_STOP, at most an hour, and reports them every period.

    The wiring is plain before and after that, as if there were no meter, and no timer runs. Connections and queues are
    counted in the order of the topology, which is also in the dictionary. A count that is too great stays at 65535.
    """

    report = Channel(WiringReport, doc="Number, length and remaining time of the latest report.")
    calls_0 = Channel(CallCounts, name="Calls0", doc="Calls of connections 0 to 63 in the time of the report.")
    calls_1 = Channel(CallCounts, name="Calls1", doc="Calls of connections 64 to 127.")
    calls_2 = Channel(CallCounts, name="Calls2", doc="Calls of connections 128 to 191.")
    calls_3 = Channel(CallCounts, name="Calls3", doc="Calls of connections 192 to 255.")
    queue_peaks = Channel(QueueCounts, doc="The most messages found waiting in each queue in the time of the report.")
    queue_highs = Channel(QueueCounts, doc="The most messages ever found waiting in each queue.")
    queue_drops = Channel(QueueCounts, doc="Messages that found no room in each queue since boot.")

    @event(ACTIVITY_HI, "Wiring is metered for {duration_s} s, with a report every {period_s} s")
    def metering_started(self, duration_s: U32, period_s: U16) -> None: ...

    @event(ACTIVITY_LO, "Wiring is plain again: {reason}")
    def metering_ended(self, reason: MeteringEnd) -> None: ...

    @event(WARNING_LO, "Only {connections} connections and {queues} queues fit the reports, {left_out} do not")
    def metering_partial(self, connections: U16, queues: U16, left_out: U16) -> None: ...

    def initialize(self) -> None:
        self._wiring: CountedWiring | None = None
        self._timer: Timer | None = None
        self._end_ns = self._reported_ns = self._period_ns = 0
        self._number = 0

    def stop(self) -> None:
        self._put_back()

    @command(name="METER_START")
    def meter_start(
        self, duration_s: Annotated[U32, Range(1, MAX_DURATION_S)], period_s: Annotated[U16, Range(1, MAX_PERIOD_S)]
    ) -> None:
        """Counts from now on for so long, with a report every period; what was to end before or after ends then."""
        from kittiwake.runtime.counted_wiring import CountedWiring

        self._put_back()
        deployment = self._context.deployment
        connections, queues = len(deployment.image["connections"]), len(deployment.queues())
        left_out = max(connections - MAX_CONNECTIONS, 0) + max(queues - MAX_QUEUES, 0)
        if left_out:
            self.metering_partial(min(connections, MAX_CONNECTIONS), min(queues, MAX_QUEUES), min(left_out, _U16_MAX))
        for queue in deployment.queues():
            queue.take_peak()
        self._wiring = CountedWiring(deployment, MAX_CONNECTIONS)
        self._wiring.attach()
        self._reported_ns = self.clock.now_ns()
        self._period_ns = period_s * NS_PER_S
        self._end_ns = self._reported_ns + duration_s * NS_PER_S
        self.metering_started(duration_s, period_s)
        self._wait()

    @command(name="METER_STOP")
    def meter_stop(self) -> None:
        """Ends the counting; if there is none, nothing happens."""
        if self._wiring is not None:
            self._end(MeteringEnd.COMMANDED)

    def _wait(self) -> None:
        self._timer = self.clock.call_at(min(self._reported_ns + self._period_ns, self._end_ns), self._take_turn)

    def _take_turn(self) -> None:
        wiring = self._wiring
        if wiring is None:
            return
        now_ns = self.clock.now_ns()
        if now_ns >= self._end_ns:
            self._end(MeteringEnd.TIME_OVER)
            return
        self._report(wiring, now_ns)
        wiring.attach()  # what was restarted meanwhile has plain connections again
        self._wait()

    def _report(self, wiring: CountedWiring, now_ns: int) -> None:
        calls = [min(count, _U16_MAX) for count in wiring.take()]
        queues = self._context.deployment.queues()[:MAX_QUEUES]
        self._show_calls(calls)
        self.queue_peaks = _filled([queue.take_peak() for queue in queues], MAX_QUEUES)
        self.queue_highs = _filled([queue.high for queue in queues], MAX_QUEUES)
        self.queue_drops = _filled([sum(queue.dropped.values()) for queue in queues], MAX_QUEUES)
        self._number = (self._number + 1) & 0xFFFFFFFF
        remaining_s = -(-(self._end_ns - now_ns) // NS_PER_S)
        span_ms = (now_ns - self._reported_ns) // 1_000_000
        self.report = WiringReport(self._number, span_ms, remaining_s, len(calls), len(queues))
        self._reported_ns = now_ns

    def _show_calls(self, calls: list[int]) -> None:
        """Only in the channels that hold a connection: a topology need not send the others."""
        pages = [_filled(calls[first : first + PAGE], PAGE) for first in range(0, len(calls), PAGE)]
        for name, page in zip(("calls_0", "calls_1", "calls_2", "calls_3"), pages, strict=False):
            setattr(self, name, page)

    def _end(self, reason: MeteringEnd) -> None:
        """Nothing is left that could be taken for a count of now."""
        wiring = self._wiring
        assert wiring is not None
        self._put_back()
        self._show_calls([0] * len(wiring.take()))
        self.queue_peaks = (0,) * MAX_QUEUES
        self.report = WiringReport(self._number, 0, 0, 0, 0)
        self.metering_ended(reason)

    def _put_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wiring is not None:
            self._wiring.detach()
            self._wiring = None


def _filled(values: list[int], size: int) -> tuple[int, ...]:
    return (*[min(value, _U16_MAX) for value in values], *[0] * (size - len(values)))
