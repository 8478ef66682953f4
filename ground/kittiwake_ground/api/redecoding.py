"""Routes: raw frames of the archive decoded again by another dictionary."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, source_of
from kittiwake_ground.api.bodies import RedecodeBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.redecoding import put_in_place, redecode
from kittiwake_ground.server.views import iso_time

router = APIRouter(tags=["looking back"])


@router.post("/deployments/{deployment}/redecode")
async def redecode_frames(
    here: DeploymentHere, body: RedecodeBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """What another dictionary makes of the raw frames of a time; unless it is a dry run, that takes their place."""
    archive, plan = ground.archive, here.configuration
    if archive is None:
        raise Problem(409, "this ground station keeps no archive")
    dictionary = read_dictionary(body.dictionary, "the dictionary")
    found = await asyncio.to_thread(
        redecode, archive, here.name, dictionary, body.start_us, body.end_us, plan.framing, body.packet_set
    )
    if not body.dry_run and found.is_change:
        detail = f"{iso_time(body.start_us)} to {iso_time(body.end_us)} by {dictionary.hash[:12]}"
        ground.audit.add(person.name, "decoded again", here.name, detail, source_of(request))
        await asyncio.to_thread(put_in_place, archive, found)
    return {**found.summary(), "written": found.is_change and not body.dry_run}
