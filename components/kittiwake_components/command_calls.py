"""Commands that a component has sent and waits for, by the context that comes back with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model import CommandResponse
    from kittiwake.runtime.tasks import Reply, TaskClock

CONTEXT_MAX = 0xFFFFFFFF


class CommandCalls:
    """Sends commands and has their answers awaited.

    No context is given twice, so that no late answer is taken for that of another command.
    """

    def __init__(self, clock: TaskClock) -> None:
        self._clock = clock
        self._waiting: dict[int, Reply[CommandResponse | None]] = {}
        self._context = 0

    async def send(self, send: Callable[[bytes, int], object], packet: bytes, timeout_s: float) -> str:
        """Sends one and waits for its answer: empty if that is OK, else what became of it."""
        from kittiwake.model import CommandResponse

        self._context = context = self._context % CONTEXT_MAX + 1
        reply: Reply[CommandResponse | None] = self._clock.reply()
        self._waiting[context] = reply
        timer = self._clock.call_after(timeout_s, reply.set, None)
        try:
            send(packet, context)
            response = await reply
        finally:
            timer.cancel()
            self._waiting.pop(context, None)
        if response is None:
            return f"no answer within {timeout_s:g} s"
        return "" if response is CommandResponse.OK else response.name

    def answered(self, context: int, response: CommandResponse) -> None:
        """An answer has come; one to a command that was given up is not heeded."""
        reply = self._waiting.get(context)
        if reply is not None:
            reply.set(response)
