"""Looking back: the choice of a time, and the bar of every page that shows the past."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.client.times import when_us
from kittiwake_ground.replay.replay import SPEEDS
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from fastapi import Request

    from kittiwake_ground.dashboard.page import Context, Page
    from kittiwake_ground.replay.replay import Replay
    from kittiwake_ground.server.deployment import Deployment
    from kittiwake_ground.server.ground import Ground

AGO = {"10m": "10 min ago", "1h": "1 hour ago", "6h": "6 hours ago", "1d": "1 day ago", "7d": "7 days ago"}
SPAN_S = 3600
"""What the slider spans, in seconds."""


async def replay_of(request: Request, ground: Ground, live: Deployment) -> Replay | None:
    """The replay that a page's address asks for by `at`, open as long as the page; `None` for a live page.

    Raises `ValueError` for a time or speed that makes no sense, and `NoReplay`.
    """
    asked = request.query_params.get("at", "")
    if not asked:
        return None
    at_us = when_us(asked)
    assert at_us is not None
    speed = request.query_params.get("speed", "1")
    try:
        number = float(speed)
    except ValueError:
        raise ValueError(f"{speed!r} is no speed, as 1 and 60 are") from None
    paused = request.query_params.get("paused", "") == "1"
    replay = await ground.replays.open(live, at_us, number, paused=paused)
    client = ui.context.client

    def look(looked_at: bool) -> None:
        replay.abandoned = not looked_at

    look(False)  # until the browser has come back for the page
    client.on_connect(lambda: look(True))
    client.on_disconnect(lambda: look(False))
    client.on_delete(replay.close)
    return replay


def build_look_back(context: Context, page: Page) -> None:
    """The button in the header that asks for a time, and leads there."""
    if context.ground.archive is None:
        return
    with ui.dialog() as dialog, ui.card().classes("kw-card kw-dialog"):
        ui.label("Look back").classes("kw-title")
        ui.label("All pages show what was then, as if it came now. Nothing can be sent from the past.").classes(
            "kw-muted"
        )
        shown = iso_time(context.deployment.hub.now_us() - (SPAN_S * 1_000_000 if context.replay is None else 0))
        at = ui.input("Time, UTC", value=shown[:19]).props("outlined dense type=datetime-local step=1 stack-label")
        at.classes("kw-wide").mark("past-at")
        speeds = {speed: f"{speed} x" for speed in SPEEDS}
        speed = ui.select(speeds, value=1, label="Speed").props("outlined dense options-dense").classes("kw-wide")

        def go(asked: str) -> None:
            try:
                at_us = when_us(asked)
            except ValueError:
                at_us = None
            if at_us is None or at_us > now_us():
                ui.notify("Choose a time that is past.", type="negative", position="top")
                return
            ui.navigate.to(f"/d/{context.deployment.name}/{page.name}?at={iso_time(at_us)}&speed={speed.value}")

        with ui.element("div").classes("kw-bar"):
            for ago, words in AGO.items():
                ui.button(words, on_click=lambda _, ago=ago: go(ago)).props("outline no-caps dense padding='4px 10px'")
        with ui.element("div").classes("kw-bar"):
            ui.button("Look back", icon="history", on_click=lambda: go(str(at.value or ""))).props(
                "unelevated no-caps data-action=look-back"
            )
            ui.space()
            ui.button("Close", on_click=dialog.close).props("flat no-caps")
    ui.button(icon="history", color=None, on_click=dialog.open).props(
        'flat round dense data-key=t aria-label="Look back"'
    )


class PastBar:
    """Says that this is the past and which, and steers it: pause, speed, another time, back to now."""

    def __init__(self, context: Context, page: Page, replay: Replay) -> None:
        self._replay = replay
        self._shown = ""
        start_us = replay.position_us
        asked = context.asked("from")
        if asked.isdecimal() and int(asked) <= start_us < int(asked) + SPAN_S * 1_000_000:
            start_us = int(asked)
        ui.query("body").classes("kw-in-past")
        with ui.element("div").classes("kw-past").props("role=region aria-label='Replay of the past'"):
            ui.icon("history", size="22px")
            ui.html('<b>Past</b> <span id="kw-past-time"></span>', sanitize=False).classes("kw-past-words")
            self._play = ui.button(color=None, on_click=self._toggle).props("flat dense round data-key=k")
            self._play.mark("past-play")
            choices = {float(speed): f"{speed} x" for speed in SPEEDS}
            choices.setdefault(replay.speed, f"{replay.speed:g} x")
            speeds = ui.select(choices, value=replay.speed).props("dense borderless options-dense aria-label=Speed")
            speeds.classes("kw-past-speed").on_value_change(lambda change: self._set_speed(change.value))
            ui.html(
                f'<input type="range" id="kw-past-slider" min="{start_us // 1000}" step="1000" aria-label="Time" '
                f'max="{start_us // 1000 + SPAN_S * 1000}" value="{replay.position_us // 1000}">',
                sanitize=False,
            ).classes("kw-past-slide")
            self._note = ui.label().classes("kw-past-note").props("role=status")
            ui.html(
                f'<a class="kw-to-live" data-key="l" href="/d/{context.deployment.name}/{page.name}">Back to live</a>',
                sanitize=False,
            )
        ui.add_head_html(f"<script>kittiwake.setPast({self._state()})</script>")
        self._show()

    def _state(self) -> str:
        replay = self._replay
        return json.dumps({"at": replay.position_us / 1000, "speed": replay.speed, "paused": replay.paused})

    def _show(self) -> None:
        replay = self._replay
        state = "paused" if replay.paused else "plays"
        self._play.set_icon("play_arrow" if replay.paused else "pause")
        self._play.props(f'aria-label="{"Play" if replay.paused else "Pause"}"')
        notes = []
        if replay.caught_up:
            notes.append("This is now: go back to live.")
        if replay.thinned:
            notes.append("So fast that only the last value of each moment is shown.")
        if replay.misfits:
            notes.append(f"Values of {len(replay.misfits)} channels do not fit today's dictionary.")
        text = " ".join(notes)
        if (shown := f"{state} {text}") != self._shown:
            self._shown = shown
            self._note.set_text(text)

    def _toggle(self) -> None:
        self._replay.paused = not self._replay.paused
        self._sync()

    def _set_speed(self, speed: float | None) -> None:
        if speed:
            self._replay.set_speed(speed)
            self._sync()

    def _sync(self) -> None:
        self._show()
        ui.run_javascript(f"kittiwake.setPast({self._state()})")

    async def advance(self) -> None:
        """Lets the past go on, and the page's clock with it; a page that came back too late begins again."""
        if self._replay.closed:
            ui.navigate.reload()
            return
        await self._replay.advance()
        self._sync()
