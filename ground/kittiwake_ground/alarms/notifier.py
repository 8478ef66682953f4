"""Tells people of alarms: a bounded queue for each receiver, a pace, and retries that wait longer each time."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kittiwake_ground.alarms import email, mqtt, webhook
from kittiwake_ground.alarms.book import Change
from kittiwake_ground.alarms.life import EVENT, Alarm
from kittiwake_ground.alarms.notice import DeliveryFault, Notice, notice_of
from kittiwake_ground.alarms.receivers import EMAIL, MQTT, WEBHOOK
from kittiwake_ground.archive.archive import wall_us
from kittiwake_ground.people.rates import RateLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from kittiwake_ground.alarms.receivers import Receiver

    Deliver = Callable[[Receiver, Notice], Awaitable[None]]

MAX_WAITING = 200
"""The most notices that wait for one receiver; the oldest go, and the next one says how many."""

MAX_ATTEMPTS = 8
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 120.0
BURST = 5

_WAYS: dict[str, Deliver] = {WEBHOOK: webhook.deliver, EMAIL: email.deliver, MQTT: mqtt.deliver}
_log = logging.getLogger(__name__)


class Outgoing:
    """The notices for one receiver, and how it goes with them."""

    def __init__(self, receiver: Receiver, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self.receiver = receiver
        self.sent = self.failed = self.dropped = 0
        self.fault = ""
        """Why the last attempt failed, or empty."""
        self.fault_us = 0
        self._waiting: deque[Notice] = deque()
        self._left_out = 0
        self._news = asyncio.Event()
        self._pace = RateLimit(BURST, receiver.per_minute / 60)
        self._first_pause_s = first_pause_s

    def plain(self) -> dict[str, Any]:
        """How it stands, for JSON; no secrets."""
        return {
            "name": self.receiver.name, "kind": self.receiver.kind, "sent": self.sent, "failed": self.failed,
            "dropped": self.dropped, "waiting": len(self._waiting), "fault": self.fault, "fault_us": self.fault_us,
        }  # fmt: skip

    def put(self, notice: Notice) -> None:
        """Takes a notice; without room the oldest goes."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.dropped += 1
            self._left_out += 1
        self._waiting.append(notice)
        self._news.set()

    async def run(self) -> None:
        """Delivers on and on."""
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            wait_s = self._pace.wait_s("")
            if wait_s:
                await asyncio.sleep(wait_s)
                continue
            notice = self._waiting.popleft()._replace(dropped=self._left_out)
            self._left_out = 0
            await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> None:
        pause_s = self._first_pause_s
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                await _WAYS[self.receiver.kind](self.receiver, notice)
            except (DeliveryFault, OSError, ValueError) as fault:
                self._note(str(fault))
                if attempt == MAX_ATTEMPTS or getattr(fault, "final", False):
                    self.failed += 1
                    return
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self.sent += 1
                self.fault, self.fault_us = "", 0
                return

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            _log.warning("notify.%s: %s", self.receiver.name, fault)
        self.fault, self.fault_us = fault, wall_us()


class Notifier:
    """All receivers. `start` and `stop` it within a running event loop."""

    def __init__(self, receivers: Iterable[Receiver]) -> None:
        self.outgoing = {one.name: Outgoing(one) for one in receivers}
        self._tasks: list[asyncio.Task[None]] = []

    def tell(self, change: Change) -> None:
        """Tells whoever wants to know."""
        for one in self.outgoing.values():
            if one.receiver.wants(change):
                one.put(notice_of(secrets.token_hex(8), change))

    def test(self, name: str, by: str) -> None:
        """Tells one of them of an alarm that is none."""
        now_us = wall_us()
        alarm = Alarm(
            0, "test", EVENT, "test", "YELLOW", "", f"{by} tries whether this arrives", now_us, now_us, now_us
        )
        self.outgoing[name].put(notice_of(secrets.token_hex(8), Change(alarm, "test", by, alarm.text)))

    async def start(self) -> None:
        """Begins to deliver."""
        self._tasks = [asyncio.create_task(one.run()) for one in self.outgoing.values()]

    async def stop(self) -> None:
        """Ends; what still waits is lost."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
