"""Routes: commands."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, source_of
from kittiwake_ground.api.bodies import CommandBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.server.commands import CommandRecord
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.views import command_object

router = APIRouter(tags=["commands"])

MAX_WAIT_S = 60.0
WaitS = Annotated[float, Query(ge=0, le=MAX_WAIT_S, description="how long to wait for the end, in seconds")]


@router.post("/deployments/{deployment}/commands", status_code=202)
async def send(
    here: DeploymentHere, body: CommandBody, request: Request, response: Response, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Sends a command, or holds it while the link is down."""
    record = here.commands.submit(body.name, body.arguments, person.name, body.timeout_s)
    detail = f"{body.name} {body.arguments or ''} #{record.id}"
    ground.audit.add(person.name, "command", here.name, detail, source_of(request))
    return await answer_to(record, body.wait, response)


async def answer_to(record: CommandRecord, wait: bool, response: Response) -> dict[str, Any]:
    """A command as it stands, or with `wait` as it ended."""
    if wait:
        await record.wait()
        response.status_code = 200
    return command_object(record)


@router.get("/deployments/{deployment}/commands")
async def commands(
    here: DeploymentHere, ground: GroundHere, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """The last commands, the newest first, from the archive too."""
    return {"commands": await ground.past.commands(here, limit)}


@router.get("/deployments/{deployment}/commands/{id}")
async def one_command(here: DeploymentHere, id: int, wait_s: WaitS = 0.0) -> dict[str, Any]:
    """A command with its life so far."""
    record = _command(here, id)
    if wait_s and not record.is_final:
        try:
            await asyncio.wait_for(record.wait(), wait_s)
        except TimeoutError:
            return command_object(record)
    return command_object(record)


@router.delete("/deployments/{deployment}/commands/{id}")
async def take_back(here: DeploymentHere, id: int, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Takes a queued command back."""
    record = here.commands.cancel(_command(here, id).id)
    ground.audit.add(person.name, "command taken back", here.name, f"{record.command.name} #{id}")
    return command_object(record)


def _command(here: Deployment, id: int) -> CommandRecord:
    record = here.commands.records.get(id)
    if record is None:
        raise Problem(404, f"no command has the id {id}")
    return record
