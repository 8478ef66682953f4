"""Puts the dashboard onto the application."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app as dashboard_app
from nicegui import ui

from kittiwake_ground.api.access import person_of
from kittiwake_ground.archive import QueryTooLong
from kittiwake_ground.dashboard.fleet_page import build_fleet
from kittiwake_ground.dashboard.frame import build_frame, build_notice, dress
from kittiwake_ground.dashboard.log_in_form import build_log_in
from kittiwake_ground.dashboard.page import Context, Page
from kittiwake_ground.dashboard.pages import PAGES
from kittiwake_ground.dashboard.past_bar import replay_of
from kittiwake_ground.replay.replays import NoReplay, TooManyReplays
from kittiwake_ground.server.ground import UnknownDeployment

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kittiwake_ground.server.ground import Ground
    from kittiwake_ground.server.source import Source

ASSETS = Path(__file__).parent / "assets"
RECONNECT_S = 8.0
"""How long a page that lost its connection may take to come back without being built anew, in seconds."""

MAX_UNACKNOWLEDGED = 200
"""The most messages that are kept for a page until it has acknowledged them."""


def mount_dashboard(app: FastAPI, ground: Ground) -> None:
    """Adds the pages to the application that serves a ground station. Once in a process: NiceGUI is one of a kind."""
    dashboard_app.add_static_files("/kittiwake", ASSETS)
    for page in PAGES:
        _add_page(ground, page)

    @ui.page("/")
    def home() -> Response | None:
        if not ground.deployments:
            dress()
            build_notice("No deployment", "This ground station serves none: see `kittiwake ground serve --help`.")
            return None
        if len(ground.deployments) > 1:
            return RedirectResponse("/fleet")
        return RedirectResponse(f"/d/{next(iter(ground.deployments))}/{PAGES[0].name}")

    @ui.page("/fleet", title="Fleet - Kittiwake")
    def fleet(request: Request) -> None:
        dress(request.cookies.get("kittiwake_theme", ""))
        person = person_of(request, ground.desk)
        if person is None:
            build_log_in()
        else:
            build_fleet(ground, request, person)

    # FastAPI reads the annotations; they must name what this module has.
    fleet.__annotations__ = {"request": Request, "return": None}
    ui.run_with(
        app,
        title="Kittiwake",
        favicon=ASSETS / "kittiwake.svg",
        dark=None,
        tailwind=False,
        storage_secret=secrets.token_urlsafe(32),
        reconnect_timeout=RECONNECT_S,
        message_history_length=MAX_UNACKNOWLEDGED,
        show_welcome_message=False,
    )


def _add_page(ground: Ground, page: Page) -> None:
    async def show(request: Request, deployment: str) -> None:
        dress(request.cookies.get("kittiwake_theme", ""))
        person = person_of(request, ground.desk)
        if person is None:
            build_log_in()
            return
        try:
            found = ground.deployment(deployment)
        except UnknownDeployment as fault:
            build_notice("No such deployment", str(fault))
            return
        try:
            replay = await replay_of(request, ground, found)
        except (NoReplay, TooManyReplays, QueryTooLong, ValueError) as fault:
            build_notice("This cannot be looked back at", str(fault))
            return
        source: Source = found if replay is None else replay.source
        await build_frame(Context(ground, source, request, person, replay), page)

    # FastAPI reads the annotations; they must name what this module has.
    show.__annotations__ = {"request": Request, "deployment": str, "return": None}
    ui.page(f"/d/{{deployment}}/{page.name}", title=f"{page.title} - Kittiwake")(show)
