"""Routes: procedures, from their list to the logs of their runs."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse

from kittiwake_ground.api.access import GroundHere, Operator, Viewer, source_of
from kittiwake_ground.api.acting import WaitS
from kittiwake_ground.api.bodies import ProcedureBody
from kittiwake_ground.procedures.procedures import Procedures
from kittiwake_ground.procedures.reading import read_log
from kittiwake_ground.procedures.shelf import Procedure
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.views import procedure_run_object

router = APIRouter(tags=["procedures"], prefix="/procedures")

LOOK_S = 0.1
"""How often a log is looked at while somebody waits for more of it, in seconds."""


def _procedure_object(procedure: Procedure, deployments: list[Deployment]) -> dict[str, Any]:
    """A procedure, with the hazardous commands of each deployment that are confirmed when it is started there."""
    hazards = {one.name: procedure.hazards(one.hazardous) for one in deployments}
    return {
        "name": procedure.name,
        "doc": procedure.doc,
        "arguments": list(procedure.arguments),
        "hazards": {name: commands for name, commands in hazards.items() if commands},
        "fault": procedure.fault,
    }


@router.get("")
async def procedures(person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """Every procedure with its arguments, or with what is wrong with it.

    `hazards` are the hazardous commands, by deployment, that it says it sends: they are confirmed when it is started.
    """
    found = await ground.procedures.shelf.all()
    return {"procedures": [_procedure_object(one, list(ground.deployments.values())) for one in found]}


@router.post("/{name}/runs", status_code=202)
async def start(
    name: str, body: ProcedureBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Starts a procedure."""
    here = ground.deployment(body.deployment)
    run = await ground.procedures.begin(name, here, body.arguments, person, body.confirm)
    detail = f"{name} {run.arguments or ''} #{run.id}"
    ground.audit.add(person.name, "procedure started", here.name, detail, source_of(request))
    return procedure_run_object(run)


@router.get("/runs")
async def runs(
    person: Viewer, ground: GroundHere, limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    deployment: Annotated[str, Query(max_length=100)] = "",
) -> dict[str, Any]:  # fmt: skip
    """The runs that are kept, the newest first."""
    found = [one for one in reversed(ground.procedures.runs.values()) if deployment in ("", one.deployment)]
    return {"runs": [procedure_run_object(one) for one in found[:limit]]}


@router.get("/runs/{id}")
async def one_run(id: int, person: Viewer, ground: GroundHere, wait_s: WaitS = 0.0) -> dict[str, Any]:
    """A run as it stands."""
    return procedure_run_object(await ground.procedures.ended(id, wait_s))


@router.get("/runs/{id}/log")
async def log(
    id: int, person: Viewer, ground: GroundHere, start: Annotated[int, Query(ge=0, lt=1 << 62)] = 0,
    wait_s: WaitS = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """A piece of the log from `start`, which is 0 or the `next` of the piece before.

    Where there is nothing new, it waits up to `wait_s` seconds for something, or for the end of the run.
    """
    return await _more_of(ground.procedures, id, start, wait_s)


async def _more_of(procedures: Procedures, id: int, start: int, wait_s: float) -> dict[str, Any]:
    run = procedures.run(id)
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        was_final = run.is_final
        piece = read_log(run.log_path, start)
        if piece.entries or was_final or asyncio.get_running_loop().time() >= deadline:
            # An ended run has told everything once there are no more entries.
            return {"run": procedure_run_object(run), "entries": piece.entries, "next": piece.next or start}
        await asyncio.sleep(LOOK_S)


@router.get("/runs/{id}/output", response_class=PlainTextResponse)
async def output(id: int, person: Viewer, ground: GroundHere) -> PlainTextResponse:
    """What a run has printed."""
    return PlainTextResponse(ground.procedures.output(ground.procedures.run(id)))


@router.post("/runs/{id}/stop", status_code=202)
async def stop(id: int, request: Request, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Asks a run to end; it is killed if it does not."""
    run = ground.procedures.cancel(id, person.name)
    ground.audit.add(person.name, "procedure stopped", run.deployment, f"{run.procedure} #{id}", source_of(request))
    return procedure_run_object(run)
