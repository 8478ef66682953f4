"""Holds packets for the downlink until the link takes them, the most important first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kittiwake.model import (
    U8,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
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

from kittiwake_components.ports import Flow, Flush, LinkState, LinkStatus, Room

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer

QUEUES = 4

QueueDepths = wire_array("Svc.ComQueueDepth", U32, QUEUES)


def _check_depths(depths: list[int]) -> None:
    if len(depths) != QUEUES or min(depths) < 1 or max(depths) > 100_000:
        raise ValueError(f"{QUEUES} depths of 1 to 100000 packets are wanted, not {depths}")


def _check_one_each(numbers: list[int]) -> None:
    if len(numbers) != QUEUES:
        raise ValueError(f"{QUEUES} numbers are wanted, not {numbers}")


class ComQueue(ActiveComponent):
    """Four bounded queues of packets in front of a link: by use events, files, telemetry and others.

    While the link is down packets wait; when a queue is full its oldest packet goes, counted. Who fills a queue that is
    half full is asked to pause until it is down to a quarter; a limit makes sure that a ground which does not listen
    cannot lock the uplink that way.
    """

    data_out = OutputPort(Com, required=True, doc="Packets for the framer.")
    flush_out = OutputPort(Flush, doc="No more packets come now: send what is held.")
    room = OutputPort(Room, required=True, doc="How many bytes the link takes now.")
    flow_out = OutputPortArray(Flow, QUEUES, doc="Asks who fills a queue to pause while it is half full or more.")

    com_queue_depth = Channel(QueueDepths, on_change=True, doc="Most packets that waited in each queue.")
    packets_dropped = Channel(QueueDepths, on_change=True, doc="Packets of each queue that found no room.")
    packets_sent = Channel(U32, on_change=True, doc="Packets handed to the framer.")

    depths = Setting(list[int], default=[2000, 50, 500, 50], check=_check_depths, doc="Packets each queue holds.")
    priorities = Setting(list[int], default=[0, 1, 2, 3], check=_check_one_each, doc="Lowest number goes first.")
    flow_limits_s = Setting(
        list[int], default=[10, 0, 0, 0], check=_check_one_each, doc="Longest pause asked for by each queue; 0: none."
    )

    @event(WARNING_HI, "Queue {queue} overflowed: {dropped} packets dropped", throttle=2, every_s=60.0)
    def queue_overflow(self, queue: U8, dropped: U32) -> None: ...

    def initialize(self) -> None:
        self._queues: list[deque[bytes]] = [deque() for _ in range(QUEUES)]
        self._order = sorted(range(QUEUES), key=lambda index: self.priorities[index])
        self._dropped = [0] * QUEUES
        self._high = [0] * QUEUES
        self._sent = 0
        self._awake = False
        self._paused = [False] * QUEUES
        self._timers: dict[int, Timer] = {}

    @sync_port(Com, size=QUEUES)
    def com_packet_in(self, index: int, data: bytes, context: int) -> None:
        """A packet for queue `index`."""
        queue = self._queues[index]
        if len(queue) >= self.depths[index]:
            queue.popleft()
            self._dropped[index] += 1
        queue.append(data)
        if not self._awake:
            self._awake = True
            self.wake()
        if not self._paused[index] and len(queue) * 2 >= self.depths[index]:
            self._pause(index)

    @internal_port(full="drop")
    def wake(self) -> None:
        """Sends what the link has room for; this component has the lowest priority, so that frames fill up first."""
        self._awake = False
        room = self.room()
        sent = False
        for index in self._order:
            queue = self._queues[index]
            if len(queue) > self._high[index]:
                self._high[index] = len(queue)
            while queue and room > 0:
                packet = queue.popleft()
                room -= len(packet)
                self._sent += 1
                sent = True
                self.data_out(packet, index)
        if sent and self.is_connected(ComQueue.flush_out):
            self.flush_out()
        for index, paused in enumerate(self._paused):
            if paused and len(self._queues[index]) * 4 <= self.depths[index]:
                self._resume(index)

    @sync_port(LinkStatus)
    def link_status(self, state: LinkState) -> None:
        """The link came up, or has room again."""
        if state is LinkState.UP and not self._awake:
            self._awake = True
            self.wake()

    def _pause(self, index: int) -> None:
        self._paused[index] = True
        if not self.is_connected(ComQueue.flow_out, index):
            return
        self.flow_out[index](True)
        limit_s = self.flow_limits_s[index]
        if limit_s:
            self._timers[index] = self.clock.call_after(limit_s, self._let_go, index)

    def _resume(self, index: int) -> None:
        self._paused[index] = False
        timer = self._timers.pop(index, None)
        if timer is not None:
            timer.cancel()
        self._let_go(index)

    def _let_go(self, index: int) -> None:
        """Ends the pause, also where the limit has passed; `_paused` then stays set, so that it happens once."""
        self._timers.pop(index, None)
        if self.is_connected(ComQueue.flow_out, index):
            self.flow_out[index](False)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry and reports new drops."""
        self.com_queue_depth = tuple(self._high)
        self.packets_sent = self._sent & 0xFFFFFFFF
        reported = self.packets_dropped
        for index, (now, before) in enumerate(zip(self._dropped, reported, strict=True)):
            if now != before:
                self.queue_overflow(index, now)
        self.packets_dropped = tuple(self._dropped)

    @command(name="FLUSH_QUEUE")
    def flush_queue(self, queue: U8) -> None:
        """Drops what waits in one queue."""
        from kittiwake.model import CommandError, CommandResponse

        if queue >= QUEUES:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there are queues 0 to {QUEUES - 1}")
        self._queues[queue].clear()
