"""Routes: what is archived, as CSV, however much it is."""

# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from kittiwake_ground.api.access import DeploymentHere, GroundHere
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.api.telemetry import EndUs, Patterns, StartUs
from kittiwake_ground.archive.buckets import LAST_US

if TYPE_CHECKING:
    from collections.abc import Iterator

router = APIRouter(tags=["telemetry"], prefix="/deployments/{deployment}/export")


@router.get("/samples", response_class=StreamingResponse)
async def samples(
    here: DeploymentHere,
    ground: GroundHere,
    patterns: Patterns = [],  # noqa: B006
    start_us: StartUs = None,
    end_us: EndUs = None,
) -> StreamingResponse:
    """The archived samples of channels with these names or patterns in this time as CSV, channel after channel."""
    names = [name for name in here.dictionary.channels if any(fnmatchcase(name, one) for one in patterns or ["*"])]
    if not names:
        raise Problem(404, f"no channel is called {', '.join(patterns)}")
    end = LAST_US if end_us is None else end_us
    return _csv(ground.past.samples_csv(here.name, names, start_us or 0, end), f"{here.name}-samples.csv")


@router.get("/events", response_class=StreamingResponse)
async def events(
    here: DeploymentHere, ground: GroundHere, start_us: StartUs = None, end_us: EndUs = None
) -> StreamingResponse:
    """The archived events of this time as CSV, the newest first."""
    end = LAST_US if end_us is None else end_us
    return _csv(ground.past.events_csv(here.name, start_us or 0, end), f"{here.name}-events.csv")


def _csv(pieces: Iterator[str] | None, name: str) -> StreamingResponse:
    if pieces is None:
        raise Problem(409, "this ground station keeps no archive")
    return StreamingResponse(
        pieces, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
