"""The way of a file up: its packets at their pace, and again if some were lost."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from kittiwake.wire.file_packets import CancelPacket
from kittiwake_ground.server.links import LinkDown
from kittiwake_ground.server.session import QUIET_S
from kittiwake_ground.server.transfer import COMPLETED, SILENCE_S, Transfer, TransferCancelled
from kittiwake_ground.uplink import Pace, UplinkCourse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Dictionary

SETTLE_LIMIT_S = 3.0


class Uploader:
    """Carries one file at a time. `progress` is told how much was sent, `end` that a transfer has ended.

    `rate` is the pace of the file's packets, `shared_pace` that of all that goes up.
    """

    def __init__(
        self,
        dictionary: Dictionary,
        rate: float,
        shared_pace: Pace,
        max_packet: int,
        send_packet: Callable[[bytes], Awaitable[int]],
        is_ready: Callable[[], bool],
        progress: Callable[[Transfer, int], None],
        end: Callable[[Transfer, str], None],
    ) -> None:
        self._dictionary = dictionary
        self._rate = rate
        self._shared_pace = shared_pace
        self._max_packet = max_packet
        self._send_packet = send_packet
        self._is_ready = is_ready
        self._progress = progress
        self._end = end
        self._heard = asyncio.Event()
        self._course: UplinkCourse | None = None
        self._last_event = 0.0

    def wake(self) -> None:
        """The link has changed, or somebody gives the transfer up."""
        self._heard.set()

    def take_event(self, event: DecodedEvent) -> None:
        """Looks at an event."""
        self._last_event = time.monotonic()
        if self._course is not None:
            self._course.watch.take(event)
            if self._course.watch.is_over:
                self._heard.set()

    async def carry(self, transfer: Transfer) -> None:
        """Brings a file up.

        Raises `UplinkFailed`, `LinkDown`, `TransferCancelled`, and `ValueError` for names that a packet cannot hold.
        """
        content = transfer.content or b""
        course = UplinkCourse(self._dictionary, content, transfer.name, transfer.remote, self._max_packet, self._rate)
        self._course = course
        try:
            while course.begins():
                await self._transmit(transfer, course)
                if not course.watch.is_over:
                    await self._listen(transfer, course, SILENCE_S)
                if course.watch.lost:
                    await self._settle()
        finally:
            self._course = None
        transfer.done_bytes = transfer.size
        self._end(transfer, COMPLETED)

    async def _transmit(self, transfer: Transfer, course: UplinkCourse) -> None:
        pace = Pace(course.rate, time.monotonic())
        for packet in course.packets():
            size = await self._send_packet(packet)
            self._progress(transfer, course.sent_bytes)
            now_s = time.monotonic()
            await self._listen(transfer, course, max(pace.wait_s(size, now_s), self._shared_pace.wait_s(size, now_s)))

    async def _listen(self, transfer: Transfer, course: UplinkCourse, wait_s: float) -> None:
        """Lets `wait_s` pass unless something is decided."""
        await self._give_up_if_asked(transfer)
        if wait_s <= 0:
            await asyncio.sleep(0)
            return
        self._heard.clear()
        if course.watch.is_over:
            return
        try:
            async with asyncio.timeout(wait_s):
                await self._heard.wait()
        except TimeoutError:
            return
        await self._give_up_if_asked(transfer)
        if not self._is_ready():
            raise LinkDown("the link broke")

    async def _give_up_if_asked(self, transfer: Transfer) -> None:
        if transfer.cancelling.is_set():
            await self._send_packet(CancelPacket(0).encode())
            raise TransferCancelled

    async def _settle(self) -> None:
        """What the deployment still says of one transmission is not to be taken for the next one's."""
        limit = time.monotonic() + SETTLE_LIMIT_S
        self._last_event = time.monotonic()
        while (left_s := min(self._last_event + QUIET_S, limit) - time.monotonic()) > 0:
            await asyncio.sleep(left_s)
