"""Requests whose answers come later, by the token that comes back with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.tasks import Reply, TaskClock

TOKEN_MAX = 0xFFFFFFFF


class AwaitedAnswers:
    """Gives out tokens, none of them twice, so that no late answer is taken for that of another request.

    Where answers may come from before a restart, `last_token` is drawn at random.
    """

    def __init__(self, clock: TaskClock, last_token: int = 0) -> None:
        self._clock = clock
        self._token = last_token
        self._waiting: dict[int, Reply[Any]] = {}

    def next_token(self) -> int:
        """A token that no request has had."""
        self._token = self._token % TOKEN_MAX + 1
        return self._token

    async def to(self, send: Callable[[int], object], limit_s: float) -> Any:
        """Sends a request with its token and waits for the answer; `None` if none comes in time."""
        token = self.next_token()
        reply = self._waiting[token] = self._clock.reply()
        timer = self._clock.call_after(limit_s, reply.set, None)
        try:
            send(token)
            return await reply
        finally:
            timer.cancel()
            self._waiting.pop(token, None)

    def answered(self, token: int, answer: Any) -> None:
        """An answer has come; one to a request that was given up is not heeded."""
        reply = self._waiting.get(token)
        if reply is not None:
            reply.set(answer)
