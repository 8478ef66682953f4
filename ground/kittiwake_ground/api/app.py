"""The application: every route of the API on one ground station."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

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
    from kittiwake_ground.server.ground import Ground

PREFIX = "/api/v1"


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
    app.include_router(handbook.router)
    configuration = ground.configuration
    app.add_middleware(Guard, max_body=configuration.max_upload_size, local_only=configuration.is_local)
    return app
