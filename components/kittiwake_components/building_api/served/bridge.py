"""The way from the API's thread to the deployment's loop, and back: requests with answers, and streams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake.runtime.loop import Loop

MAX_WAITING = 256
MAX_BACKLOG = 1000
"""The most messages that a subscriber may be behind with; one that is slower is cut off."""

MAX_SUBSCRIBERS = 32
U32_MAX = 0xFFFFFFFF


class Overloaded(RuntimeError):
    """More is asked than may wait."""


class Bridge:
    """Sends requests from the thread in which it is made to a loop, and has the answers awaited there."""

    def __init__(self, loop: Loop, limit_s: Callable[[], float]) -> None:
        self._loop = loop
        self._limit_s = limit_s
        self._here = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._token = 0

    async def ask(self, send: Callable[..., object], *arguments: Any) -> Any:
        """Has `send(token, *arguments)` called on the loop, and returns what `answer` is given for the token.

        Raises `TimeoutError`, and `Overloaded` where too many wait.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded(f"{MAX_WAITING} requests wait already")
        self._token = token = self._token % U32_MAX + 1
        future = self._waiting[token] = self._here.create_future()
        try:
            if not self._loop.post(send, token, *arguments):
                raise Overloaded("the deployment has no time for more")
            async with asyncio.timeout(self._limit_s()):
                return await future
        finally:
            del self._waiting[token]

    def tell(self, send: Callable[..., object], *arguments: Any) -> None:
        """Has `send(*arguments)` called on the loop. Raises `Overloaded`."""
        if not self._loop.post(send, *arguments):
            raise Overloaded("the deployment has no time for more")

    def answer(self, token: int, reply: Any) -> None:
        """An answer has come; safe from any thread."""
        self._here.call_soon_threadsafe(self._settle, token, reply)

    def _settle(self, token: int, reply: Any) -> None:
        future = self._waiting.get(token)
        if future is not None and not future.done():
            future.set_result(reply)


class Item(NamedTuple):
    """Something that happened, by the name that subscribers pick it by."""

    name: str
    content: Any


class Subscriber:
    """One who listens; `next` gives what came, and `None` once it was too slow."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._queue: asyncio.Queue[Item | None] = asyncio.Queue(MAX_BACKLOG)
        self.is_cut_off = False

    def put(self, item: Item) -> None:
        """One more."""
        if self.is_cut_off or not item.name.startswith(self.prefix):
            return
        if self._queue.qsize() >= MAX_BACKLOG - 1:
            self.is_cut_off = True
            self._queue.put_nowait(None)
        else:
            self._queue.put_nowait(item)

    async def next(self) -> Item | None:
        """The next that came."""
        return await self._queue.get()


class Hub:
    """Hands what happens to all who listen. `has_listeners` may be read from any thread."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self.has_listeners = False

    def join(self, subscriber: Subscriber) -> None:
        """One more listens. Raises `Overloaded`."""
        if len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise Overloaded(f"{MAX_SUBSCRIBERS} listen already")
        self._subscribers.append(subscriber)
        self.has_listeners = True

    def leave(self, subscriber: Subscriber) -> None:
        """One listens no longer."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
        self.has_listeners = bool(self._subscribers)

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(self._subscribers)

    def publish(self, item: Item) -> None:
        """Something happened."""
        for subscriber in self._subscribers:
            subscriber.put(item)
