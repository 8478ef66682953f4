"""Pages: the handbooks of the deployments."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from kittiwake.handbook.page import handbook_page, policy
from kittiwake_ground.api.access import DeploymentHere, GroundHere, Viewer
from kittiwake_ground.api.problems import Problem

router = APIRouter(prefix="/handbook", include_in_schema=False)


@router.get("")
async def first(person: Viewer, ground: GroundHere) -> Response:
    """Leads to the handbook of the first deployment."""
    if not ground.deployments:
        raise Problem(404, "this ground station serves no deployment")
    return RedirectResponse(f"/handbook/{next(iter(ground.deployments))}")


@router.get("/{deployment}")
async def handbook(here: DeploymentHere) -> HTMLResponse:
    """The handbook of a deployment, with the commands that are hazardous here marked, and derived channels."""
    page = await asyncio.to_thread(handbook_page, here.dictionary, here.name, here.hazardous)
    return HTMLResponse(page, headers={"Content-Security-Policy": policy(), "Cache-Control": "no-cache"})
