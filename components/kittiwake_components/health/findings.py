"""What the runtime finds, on its way to events: at once while it is little, gathered and bounded once it is much.

An event may itself cause a finding (a full downlink queue, an event log that raises), which causes an event, and so
on. Therefore what is found while one is being reported waits, at most `PROMPT` findings a second are reported when
they come, and the rest is gathered by kind, instance and place until the second is over.
"""

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any

from kittiwake.runtime.deployment import MAIN_LOOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.tasks import TaskClock

PROMPT = 10
GATHERED = 32
WINDOW_S = 1.0
_PENDING_POSTS = 100


class Findings:
    """Calls `report(kind, instance, where, detail)` for findings. `lost` counts those for which there was no room."""

    def __init__(self, clock: TaskClock, loop: Loop, report: Callable[[str, str, str, Any], None]) -> None:
        self.lost = 0
        self._clock = clock
        self._loop = loop
        self._report = report
        self._thread = get_ident() if loop.name == MAIN_LOOP else 0
        self._posted = 0
        self._reporting = False
        self._spent = 0
        self._window_open = False
        self._gathered: dict[tuple[str, str, str], Any] = {}

    def take(self, kind: str, instance: str, where: str, detail: Any) -> None:
        """Takes a finding, from any thread."""
        if get_ident() == self._thread:
            self._take(kind, instance, where, detail)
        elif self._posted >= _PENDING_POSTS or not self._loop.post(self._take_posted, kind, instance, where, detail):
            self.lost += 1
        else:
            self._posted += 1

    def _take_posted(self, kind: str, instance: str, where: str, detail: Any) -> None:
        self._thread = get_ident()
        self._posted = max(self._posted - 1, 0)
        self._take(kind, instance, where, detail)

    def _take(self, kind: str, instance: str, where: str, detail: Any) -> None:
        if not self._window_open:
            self._window_open = True
            self._spent = 0
            self._clock.call_after(WINDOW_S, self._close_window)
        if not self._reporting and self._spent < PROMPT:
            self._spent += 1
            self._emit(kind, instance, where, detail)
        elif (kind, instance, where) in self._gathered or len(self._gathered) < GATHERED:
            self._gathered[kind, instance, where] = detail
        else:
            self.lost += 1

    def _close_window(self) -> None:
        """Reports what was gathered; if there was something, another second follows before more is reported."""
        self._window_open = False
        gathered, self._gathered = self._gathered, {}
        if not gathered:
            return
        self._window_open = True
        self._spent = 0
        self._clock.call_after(WINDOW_S, self._close_window)
        for (kind, instance, where), detail in gathered.items():
            self._emit(kind, instance, where, detail)

    def _emit(self, kind: str, instance: str, where: str, detail: Any) -> None:
        self._reporting = True
        try:
            self._report(kind, instance, where, detail)
        except Exception:  # noqa: BLE001 - the event log is what failed: there is nobody left to tell
            self.lost += 1
        finally:
            self._reporting = False
