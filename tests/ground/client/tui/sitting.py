"""An operator at the screen, in this process, and what is seen there."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.events import Paste

from kittiwake_ground.tui.app import OperatorApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

TIMEOUT_S = 30.0


class Sitting:
    """Types and looks."""

    def __init__(self, app: OperatorApp, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    def lines(self) -> list[str]:
        """What is on the screen."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    def line(self, words: str) -> str:
        """The first line that has these words, or the empty string."""
        return next((one for one in self.lines() if words in one), "")

    async def press(self, *keys: str) -> None:
        """Presses keys."""
        await self._pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Brings a text into the line that has the focus, as a terminal does that is pasted to."""
        assert self.app.focused is not None
        self.app.focused.post_message(Paste(text))
        await self._pilot.pause()

    async def resize(self, columns: int, rows: int) -> None:
        """Makes the terminal larger or smaller."""
        await self._pilot.resize_terminal(columns, rows)

    async def until(self, met: Callable[[], object]) -> None:
        """Waits until something is so."""
        end_s = time.monotonic() + TIMEOUT_S
        while not met():
            assert time.monotonic() < end_s, "\n".join(self.lines())
            await self._pilot.pause(0.02)

    async def see(self, words: str) -> str:
        """Waits until a line with these words is on the screen, and gives it."""
        await self.until(lambda: self.line(words))
        return self.line(words)


@asynccontextmanager
async def sit_down(
    url: str, deployment: str = "small", size: tuple[int, int] = (80, 24), pick: bool = False
) -> AsyncIterator[Sitting]:
    """Opens the screen on a server."""
    app = OperatorApp(url, deployment, pick)
    async with app.run_test(size=size) as pilot:
        yield Sitting(app, pilot)
