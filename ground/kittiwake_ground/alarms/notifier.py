"""Tells people of alarms: a bounded queue for each receiver, a pace, and retries that wait longer each time.

What waits outlives the server: the database of alarms has it, until it is delivered or left out. A notice that was
delivered just before a kill is delivered again, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kittiwake.sequence.times import US_PER_S
from kittiwake_ground.alarms import email, mqtt, webhook
from kittiwake_ground.alarms.book import Change
from kittiwake_ground.alarms.life import EVENT, Alarm
from kittiwake_ground.alarms.notice import Addressed, DeliveryFault, Notice
from kittiwake_ground.alarms.receivers import EMAIL, MQTT, WEBHOOK
from kittiwake_ground.alarms.store import AlarmStore
from kittiwake_ground.archive.archive import wall_us
from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.people.rates import RateLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from kittiwake_ground.alarms.receivers import Receiver

    Deliver = Callable[[Receiver, Notice], Awaitable[None]]

MAX_WAITING = 200
"""The most notices that wait for one receiver; the oldest go, and the next one says how many."""

MAX_GONE = 50
"""The most notices that wait no more and are still in the database: forgetting them by many spares the disk."""

EXPIRY_S = 86_400
"""What has waited for longer is left out: it is in the history of alarms, and no news."""

MAX_ATTEMPTS = 8
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 120.0
BURST = 5

_WAYS: dict[str, Deliver] = {WEBHOOK: webhook.deliver, EMAIL: email.deliver, MQTT: mqtt.deliver}
_log = logging.getLogger(__name__)


class Outgoing:
    """The notices for one receiver, and how it goes with them."""

    def __init__(
        self, receiver: Receiver, store: AlarmStore | None = None, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self.receiver = receiver
        self._store = store or AlarmStore()
        self.sent = self.failed = self.dropped = 0
        self.fault = ""
        """Why the last attempt failed, or empty."""
        self.fault_us = 0
        self._waiting: deque[Notice] = deque()
        self._gone: list[str] = []
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

    def recall(self) -> None:
        """Takes up what has waited since an earlier server. Raises `StoreFault`."""
        kept, self._left_out = self._store.notices(self.receiver.name)
        for notice in kept:
            self.put(notice)

    def put(self, notice: Notice) -> None:
        """Takes a notice; without room the oldest goes."""
        if len(self._waiting) >= MAX_WAITING:
            self._leave_out(self._waiting.popleft(), f"{MAX_WAITING} wait already")
            if len(self._gone) >= MAX_GONE:
                self._forget()
        self._waiting.append(notice)
        self._news.set()

    def _leave_out(self, notice: Notice, reason: str) -> None:
        if not self._left_out:
            _log.warning("notify.%s: notices are left out, the first of %s: %s", self.receiver.name, notice.at, reason)
        self.dropped += 1
        self._left_out += 1
        self._gone.append(notice.id)

    def _forget(self) -> None:
        """Forgets what waits no more. A disk that refuses has it sent again after a restart, not lost."""
        try:
            self._store.end_notices(self.receiver.name, self._gone, self._left_out)
        except StoreFault as fault:
            _log.error("notify.%s: %s", self.receiver.name, fault)
            del self._gone[:-MAX_GONE]
        else:
            self._gone.clear()

    async def run(self) -> None:
        """Delivers on and on."""
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            self._expire()
            wait_s = self._pace.wait_s("") if self._waiting else 0.0
            if wait_s:
                await asyncio.sleep(wait_s)
            elif self._waiting:
                await self._deliver_next()

    def _expire(self) -> None:
        oldest_us = wall_us() - EXPIRY_S * US_PER_S
        if self._waiting and self._waiting[0].at_us < oldest_us:
            while self._waiting and self._waiting[0].at_us < oldest_us:
                self._leave_out(self._waiting.popleft(), "it has waited for too long")
            self._forget()

    async def _deliver_next(self) -> None:
        notice, told = self._waiting.popleft(), self._left_out
        if await self._deliver(notice._replace(dropped=told)):
            self._left_out -= told
        else:
            self._left_out += 1
        self._gone.append(notice.id)
        self._forget()

    async def _deliver(self, notice: Notice) -> bool:
        pause_s, attempts = self._first_pause_s, 0
        while True:
            attempts += 1
            try:
                await _WAYS[self.receiver.kind](self.receiver, notice)
            except (DeliveryFault, OSError, ValueError) as fault:
                self._note(str(fault))
                if attempts == MAX_ATTEMPTS or getattr(fault, "final", False):
                    self.failed += 1
                    return False
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self.sent += 1
                self.fault, self.fault_us = "", 0
                return True

    def _note(self, fault: str) -> None:
        if fault != self.fault:
            _log.warning("notify.%s: %s", self.receiver.name, fault)
        self.fault, self.fault_us = fault, wall_us()


class Notifier:
    """All receivers. `start` and `stop` it within a running event loop."""

    def __init__(self, receivers: Iterable[Receiver], store: AlarmStore | None = None) -> None:
        """Without a store what waits is lost with this."""
        self._store = store or AlarmStore()
        self.outgoing = {one.name: Outgoing(one, self._store) for one in receivers}
        self._tasks: list[asyncio.Task[None]] = []

    def address(self, change: Change) -> list[Addressed]:
        """The notices of a change for whoever wants to know. Keep them with the change, and then `tell`."""
        return [
            Addressed(name, notice_of(secrets.token_hex(8), change))
            for name, one in self.outgoing.items()
            if one.receiver.wants(change)
        ]

    def tell(self, change: Change) -> None:
        """Tells whoever the notices of a change are for."""
        for name, notice in change.notices:
            self.outgoing[name].put(notice)

    def test(self, name: str, by: str) -> None:
        """Tells one of them of an alarm that is none. It is not kept: whoever tries it watches."""
        now_us = wall_us()
        alarm = Alarm(
            0, "test", EVENT, "test", "YELLOW", "", f"{by} tries whether this arrives", now_us, now_us, now_us
        )
        self.outgoing[name].put(notice_of(secrets.token_hex(8), Change(alarm, "test", by, alarm.text)))

    async def start(self) -> None:
        """Begins to deliver, with what has waited since an earlier server. Raises `StoreFault`."""
        for name, count in self._store.end_receivers(self.outgoing).items():
            _log.warning("notify.%s is not configured any more: %d notices that waited are left out", name, count)
        for one in self.outgoing.values():
            one.recall()
        self._tasks = [asyncio.create_task(one.run()) for one in self.outgoing.values()]

    async def stop(self) -> None:
        """Ends; what still waits is told by the next server."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []


def notice_of(id: str, change: Change) -> Notice:
    """The notice of a change."""
    return Notice(id, change.action, change.alarm.plain(), change.by, change.text, wall_us())
