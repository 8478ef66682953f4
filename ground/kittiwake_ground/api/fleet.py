"""Route: all deployments side by side, the worst first."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from kittiwake_ground.api.access import GroundHere, Viewer

router = APIRouter(tags=["fleet"])


@router.get("/fleet")
async def fleet(person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """Every deployment, the worst first, each with the reasons why it stands where it stands."""
    return {"deployments": [one.plain() for one in ground.fleet.standings()]}
