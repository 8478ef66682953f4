"""The fields that say when something is to go: for the next pass, after a delay, or at a date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.client.times import span_s
from kittiwake_ground.passes.planned import AFTER, AT, PASS, When

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = {PASS: "Next pass", AFTER: "In", AT: "At"}
HINTS = {PASS: "so long after its start, as in 30s", AFTER: "90s, 10m, 2h", AT: "2026-11-27 20:15:00, UTC"}
FIRST = {PASS: "0s", AFTER: "10m", AT: ""}


class WhenFields:
    """The fields; `changed` is told of every key."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._way = PASS
        with ui.element("div").classes("kw-bar kw-plan-when"):
            self._toggle = ui.toggle(WAYS, value=PASS, on_change=lambda change: self._choose(change.value))
            self._toggle.props("no-caps unelevated dense").classes("kw-toggle")
            self._time = ui.input("When", value=FIRST[PASS], on_change=changed).classes("kw-grow")
            self._time.props(f'outlined dense data-field=plan-time hint="{HINTS[PASS]}"')
            self._expiry = ui.input("Expires after", placeholder="1h, or the pass").props("outlined dense")

    def _choose(self, way: str) -> None:
        if way != self._way:
            self._way = way
            self._time.set_value(FIRST[way] or f"{datetime.now(UTC):%Y-%m-%d %H:%M:00}")
            self._time.props(f'hint="{HINTS[way]}"')

    def fill(self, when: When) -> None:
        """Shows a time; a delay is shown whole, as it begins anew."""
        self._toggle.set_value(when.kind)
        self._choose(when.kind)
        at = f"{datetime.fromtimestamp(when.at_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
        self._time.set_value(at if when.kind == AT else f"{when.delay_s:g}s")
        self._expiry.set_value("" if when.expiry_s is None else f"{when.expiry_s:g}s")

    def when(self) -> When:
        """What is entered. Raises `ValueError`."""
        expiry = (self._expiry.value or "").strip()
        expiry_s = span_s(expiry) if expiry else None
        text = (self._time.value or "").strip()
        if self._way != AT:
            return When(self._way, delay_s=span_s(text), expiry_s=expiry_s)
        return When(AT, moment_us(text), expiry_s=expiry_s)


def moment_us(text: str) -> int:
    """A date, UTC unless it says otherwise, in microseconds since 1970. Raises `ValueError`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date, as in 2026-11-27 20:15:00") from None
    dated = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(dated.timestamp() * 1e6)
