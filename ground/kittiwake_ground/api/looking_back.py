"""Routes: how things stood at a time that is past, and what happened in a stretch of time, side by side."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from kittiwake_ground.api.access import DeploymentHere, GroundHere
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.api.telemetry import EndUs, Patterns, StartUs, matches
from kittiwake_ground.server.past import DEFAULT_SPAN_US
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.timeline import read_timeline
from kittiwake_ground.server.views import latest_object, link_object

router = APIRouter(tags=["looking back"])

AtUs = Annotated[int, Query(ge=0, lt=1 << 62, description="µs since 1970; all before counts")]


@router.get("/deployments/{deployment}/then")
async def then(here: DeploymentHere, ground: GroundHere, at_us: AtUs, patterns: Patterns = []) -> dict[str, Any]:  # noqa: B006
    """How a deployment stood at a time: its link, and the latest value of each channel, of these names or patterns."""
    replay = await ground.replays.open(here, at_us, paused=True)
    try:
        source = replay.source
        latest = source.hub.latest
        return {
            "at_us": at_us,
            "link": link_object(source.link),
            "channels": [
                latest_object(latest[name], source.hub)
                for name in source.dictionary.channels
                if name in latest and matches(name, patterns)
            ],
            "misfits": sorted(replay.misfits),
        }
    finally:
        replay.close()


@router.get("/deployments/{deployment}/timeline")
async def timeline(
    here: DeploymentHere, ground: GroundHere, start_us: StartUs = None, end_us: EndUs = None
) -> dict[str, Any]:
    """Link, modes, boots, events and the lives of commands in a stretch of time; by default the last hour."""
    if ground.archive is None:
        raise Problem(409, "this ground station keeps no archive")
    end = now_us() if end_us is None else end_us
    start = max(end - DEFAULT_SPAN_US, 0) if start_us is None else start_us
    return await read_timeline(ground.archive, here, start, end)
