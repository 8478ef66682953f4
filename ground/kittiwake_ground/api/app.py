"""The application: every route of the API on one ground station."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.websockets import WebSocketClose

import kittiwake
from kittiwake_ground.api import (
    acting,
    alarms,
    exporting,
    files,
    fleet,
    handbook,
    history,
    layouts,
    live,
    looking_back,
    parameters,
    passes,
    plans,
    procedures,
    redecoding,
    sequences,
    sessions,
    telemetry,
)
from kittiwake_ground.api.guard import Guard
from kittiwake_ground.api.problems import add_handlers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from kittiwake_ground.server.ground import Ground

PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def make_app(ground: Ground) -> FastAPI:
    """The application that serves a ground station, which somebody else starts and stops."""
    app = FastAPI(
        title="Kittiwake ground station",
        version=kittiwake.__version__,
        description="Operates deployments of Kittiwake, and by their dictionaries those of C++ F´.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=f"{PREFIX}/docs",
        redoc_url=None,
    )
    app.state.ground = ground
    add_handlers(app)
    routes = APIRouter(prefix=PREFIX)
    for module in (
        sessions,
        telemetry,
        fleet,
        alarms,
        exporting,
        history,
        layouts,
        looking_back,
        redecoding,
        acting,
        parameters,
        passes,
        plans,
        files,
        sequences,
        procedures,
        live,
    ):
        routes.include_router(module.router)
    app.include_router(routes)
    app.mount(PREFIX, _unanswered(app))
    app.include_router(handbook.router)
    configuration = ground.configuration
    app.add_middleware(Guard, max_body=configuration.max_upload_size, local_only=configuration.is_local)
    return app


def _unanswered(app: FastAPI) -> ASGIApp:
    """What answers below the API's prefix where no route does: else pages mounted at `/` would, in HTML."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        asked = {**scope, "root_path": scope.get("app_root_path", "")}
        routes = [route for route in app.routes if not isinstance(route, Mount)]
        methods = [
            method
            for method in METHODS
            if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in routes)
        ]
        if methods:
            raise HTTPException(405, f"{scope['path']} takes {', '.join(methods)}", {"Allow": ", ".join(methods)})
        raise HTTPException(404, f"the API has no {scope['path']}; {PREFIX}/docs lists what it has")

    return answer
