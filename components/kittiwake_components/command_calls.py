"""Commands that a component has sent and waits for, by the context that comes back with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.awaited_answers import AwaitedAnswers

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model import CommandResponse
    from kittiwake.runtime.tasks import TaskClock


class CommandCalls:
    """Sends commands and has their answers awaited."""

    def __init__(self, clock: TaskClock) -> None:
        self._answers = AwaitedAnswers(clock)

    async def send(self, send: Callable[[bytes, int], object], packet: bytes, timeout_s: float) -> str:
        """Sends one and waits for its answer: empty if that is OK, else what became of it."""
        from kittiwake.model import CommandResponse

        response = await self._answers.to(lambda context: send(packet, context), timeout_s)
        if response is None:
            return f"no answer within {timeout_s:g} s"
        return "" if response is CommandResponse.OK else str(response.name)

    def answered(self, context: int, response: CommandResponse) -> None:
        """An answer has come; one to a command that was given up is not heeded."""
        self._answers.answered(context, response)
