"""Holds packets for the downlink until the link takes them, the most important first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.model import (
    ACTIVITY_HI,
    U8,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Setting,
    command,
    event,
    internal_port,
    sync_port,
    wire_array,
)
from kittiwake.model.fw import Com, Sched
from kittiwake_components.ports.link import Flow, Flush, LinkState, LinkStatus, PacketsGone, Pending, Room

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

QUEUES = 4
MAX_DEPTH = 100_000
MAX_PATIENCE = 10_000
MAX_PAUSE_S = 3600

QueueDepths = wire_array("Svc.ComQueueDepth", U32, QUEUES)


def _check_count(numbers: list[int]) -> None:
    if len(numbers) != QUEUES:
        raise ValueError(f"{QUEUES} numbers are wanted, one a queue, not {len(numbers)}")


class ComQueue(ActiveComponent):
    """Four bounded queues of packets in front of a link: by use events, files, telemetry and others.

    While the link is down packets wait; when a queue is full its oldest packet goes, counted. Who fills a queue that is
    half full is asked to pause until it is down to a quarter; a limit makes sure that a ground which does not listen
    cannot lock the uplink that way. Its priority is the lowest of all, so that it runs when all others have said what
    they have to say, and frames fill up.
    """

    data_out = OutputPort(Com, required=True, doc="Packets for the framer.")
    flush_out = OutputPort(Flush, required=True, doc="No more packets come now: send what is held.")
    room = OutputPort(Room, required=True, doc="How many bytes the link takes now.")
    flow_out = OutputPortArray(Flow, QUEUES, doc="Asks who fills a queue to pause while it is half full or more.")
    gone_out = OutputPortArray(PacketsGone, QUEUES, doc="Tells who fills a queue how many packets have left it.")

    com_queue_depth = Channel(QueueDepths, on_change=True, doc="Most packets in each queue since the last report.")
    packets_dropped = Channel(QueueDepths, on_change=True, doc="Packets of each queue that were dropped.")
    packets_sent = Channel(U32, on_change=True, doc="Packets handed to the framer.")

    depths = Setting(
        list[int], default=[2000, 50, 500, 50], low=1, high=MAX_DEPTH, check=_check_count,
        doc="Packets each queue holds.",
    )  # fmt: skip
    priorities = Setting(
        list[int], default=[0, 1, 2, 3], low=0, high=255, check=_check_count, doc="Lowest number goes first."
    )
    patience = Setting(
        int, default=8, low=0, high=MAX_PATIENCE,
        doc="After so many packets of more important queues one of a lesser queue goes; 0: never.",
    )  # fmt: skip
    flow_limits_s = Setting(
        list[int], default=[10, 0, 0, 0], low=0, high=MAX_PAUSE_S, check=_check_count,
        doc="Longest pause asked for by each queue; 0: no limit.",
    )  # fmt: skip

    @event(WARNING_HI, "Queue {queue} overflowed: {total} packets dropped so far", throttle=2, every_s=60.0)
    def queue_overflow(self, queue: U8, total: U32) -> None: ...

    @event(ACTIVITY_HI, "Queue {queue} flushed: {dropped} packets dropped")
    def queue_flushed(self, queue: U8, dropped: U32) -> None: ...

    def initialize(self) -> None:
        self._queues: list[deque[bytes]] = [deque() for _ in range(QUEUES)]
        order = sorted(range(QUEUES), key=lambda index: self.priorities[index])
        self._ordered = [(index, self._queues[index]) for index in order]
        self._halves = [(depth + 1) // 2 - 1 for depth in self.depths]
        self._dropped = [0] * QUEUES
        self._overflowed = [0] * QUEUES
        self._reported = [0] * QUEUES
        self._told = [False] * QUEUES
        self._most = [0] * QUEUES
        self._sent = 0
        self._awake = self._blocked = False
        self._passed = self._turn = 0
        self._paused = [False] * QUEUES
        self._pausing = False
        self._timers: dict[int, Timer] = {}
        self._tells = [self.is_connected(ComQueue.gone_out, index) for index in range(QUEUES)]

    def stop(self) -> None:
        """In a restart whoever was asked to wait goes on, and hears of what is dropped with the queues."""
        if self._context.loop.stopping:
            return
        for timer in self._timers.values():
            timer.cancel()
        for index, queue in enumerate(self._queues):
            if self._tells[index] and queue:
                self.gone_out[index](len(queue))
            if self._paused[index]:
                self._let_go(index)

    def evidence(self) -> dict[str, Any]:
        return {
            "waiting_packets": [len(queue) for queue in self._queues], "dropped_packets": self._dropped,
            "waits_for_link": self._blocked,
        }  # fmt: skip

    # Taking packets

    @sync_port(Com, size=QUEUES)
    def com_packet_in(self, index: int, data: bytes, context: int) -> None:
        """A packet for queue `index`."""
        queue = self._queues[index]
        if len(queue) >= self._halves[index]:
            self._fill(index, queue)
        queue.append(data)
        if not self._awake and not self._blocked:
            self._awake = True
            self.wake()

    def _fill(self, index: int, queue: deque[bytes]) -> None:
        """Makes room in a full queue for one more packet; one that is half full with it asks for a pause."""
        if len(queue) >= self.depths[index]:
            queue.popleft()
            self._dropped[index] += 1
            self._overflowed[index] += 1
            if self._tells[index]:
                self.gone_out[index](1)
        if not self._paused[index]:
            self._pause(index)

    # Handing them on

    @internal_port(full="drop")
    def wake(self) -> None:
        """Sends what the link has room for."""
        self._awake = False
        room = self.room()
        if room <= 0:
            self._blocked = True
            return
        self._measure()
        while room > 0 and (waiting := [index for index, queue in self._ordered if queue]):
            room = self._share(waiting, room)
        self.flush_out()
        if self._pausing:
            self._relieve()
        if room <= 0 and any(self._queues):
            self._wake()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self.wake()

    def _share(self, waiting: list[int], room: int) -> int:
        """Sends by priority, but a lesser queue in its turn once its patience is at an end; gives the room left."""
        first = waiting[0]
        if len(waiting) == 1 or not self.patience:
            return self._drain(first, room, len(self._queues[first]))
        before = self._sent
        room = self._drain(first, room, self.patience - self._passed)
        self._passed += self._sent - before
        if self._passed >= self.patience and room > 0:
            self._passed = 0
            self._turn += 1
            room = self._drain(waiting[1 + self._turn % (len(waiting) - 1)], room, 1)
        return room

    def _drain(self, index: int, room: int, count: int) -> int:
        """Sends up to `count` packets of one queue; gives the room left."""
        queue = self._queues[index]
        send = self.data_out
        before = self._sent
        while count and room > 0 and queue:
            packet = queue.popleft()
            room -= len(packet)
            count -= 1
            self._sent += 1
            send(packet, index)
        if self._tells[index]:
            self.gone_out[index](self._sent - before)
        return room

    @sync_port(LinkStatus)
    def link_status(self, state: LinkState) -> None:
        """The link came up, or has room again."""
        if state is LinkState.UP:
            self._blocked = False
            self._wake()

    @sync_port(Pending)
    def pending(self) -> int:
        """How many packets wait."""
        return sum(len(queue) for queue in self._queues)

    def _measure(self) -> None:
        most = self._most
        for index, queue in self._ordered:
            if len(queue) > most[index]:
                most[index] = len(queue)

    # Asking for pauses

    def _pause(self, index: int) -> None:
        self._paused[index] = self._pausing = True
        if not self.is_connected(ComQueue.flow_out, index):
            return
        self.flow_out[index](True)
        limit_s = self.flow_limits_s[index]
        if limit_s:
            self._timers[index] = self.clock.call_after(limit_s, self._let_go, index)

    def _relieve(self) -> None:
        """Ends the pauses of queues that are down to a quarter."""
        for index, paused in enumerate(self._paused):
            if paused and len(self._queues[index]) * 4 <= self.depths[index]:
                self._paused[index] = False
                timer = self._timers.pop(index, None)
                if timer is not None:
                    timer.cancel()
                self._let_go(index)
        self._pausing = any(self._paused)

    def _let_go(self, index: int) -> None:
        """Ends a pause, also where its limit has passed; `_paused` then stays set, so that it happens once."""
        self._timers.pop(index, None)
        if self.is_connected(ComQueue.flow_out, index):
            self.flow_out[index](False)

    # Once a second, and by command

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry and reports new drops."""
        self._measure()
        self.com_queue_depth = tuple(self._most)
        self._most = [len(queue) for queue in self._queues]
        self.packets_sent = self._sent & 0xFFFFFFFF
        self._report_overflows()
        self.packets_dropped = tuple(total & 0xFFFFFFFF for total in self._dropped)
        self._awake = False  # a wake-up that found no room in the queue is made up for here
        if any(self._queues):
            self._wake()

    def _report_overflows(self) -> None:
        """Each report is one more packet that waits: while nothing goes out, the first says it all."""
        for index, total in enumerate(self._overflowed):
            if total != self._reported[index] and not (self._blocked and self._told[index]):
                self.queue_overflow(index, total & 0xFFFFFFFF)
                self._reported[index] = total
                self._told[index] = self._blocked

    @command(name="FLUSH_QUEUE")
    def flush_queue(self, queue: U8) -> None:
        """Drops what waits in one queue."""
        if queue >= QUEUES:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there are queues 0 to {QUEUES - 1}")
        self._flush(queue)

    @command(name="FLUSH_ALL_QUEUES")
    def flush_all_queues(self) -> None:
        """Drops what waits in every queue."""
        for queue in range(QUEUES):
            self._flush(queue)

    def _flush(self, index: int) -> None:
        gone = len(self._queues[index])
        self._queues[index].clear()
        self._dropped[index] += gone
        if self._tells[index]:
            self.gone_out[index](gone)
        self._relieve()
        self.queue_flushed(index, gone)
