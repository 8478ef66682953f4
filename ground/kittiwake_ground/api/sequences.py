"""Routes: sequences, from their text to the end of their run."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, Viewer, source_of
from kittiwake_ground.api.acting import WaitS
from kittiwake_ground.api.bodies import CheckBody, RunBody, SequenceBody, SequenceUploadBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.people.desk import Person
from kittiwake_ground.server.commands import CommandRefused
from kittiwake_ground.server.confirming import NotConfirmed, hazards_of
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.sequences import CheckedSequence, SequenceRun
from kittiwake_ground.server.views import command_object, fault_object, run_object, step_object, transfer_object

if TYPE_CHECKING:
    from collections.abc import Iterable

router = APIRouter(tags=["sequences"], prefix="/deployments/{deployment}/sequences")


@router.post("/check")
async def check(here: DeploymentHere, body: CheckBody, person: Viewer) -> dict[str, Any]:
    """What is wrong with a text and where, or when each of its commands would be sent, and which are hazardous."""
    checked = await asyncio.to_thread(here.sequences.check, body.text, body.name, body.start_us)
    return {
        "ok": not checked.faults,
        "faults": [fault_object(one) for one in checked.faults],
        "size": len(checked.binary),
        "hazards": hazards_of(checked.commands, here.hazardous),
        "steps": [step_object(one) for one in checked.steps],
    }


async def _compiled(here: Deployment, body: SequenceBody) -> CheckedSequence:
    checked = await asyncio.to_thread(here.sequences.check, body.text, body.name)
    if checked.faults:
        errors = [fault_object(one) for one in checked.faults]
        raise Problem(422, f"{len(errors)} faults, the first: {checked.faults[0]}", errors=errors)
    return checked


@router.post("/compile", response_class=Response)
async def compile_sequence(here: DeploymentHere, body: SequenceBody, person: Viewer) -> Response:
    """The binary file of a text."""
    checked = await _compiled(here, body)
    return Response(checked.binary, media_type="application/octet-stream")


def _check_confirmed(
    here: Deployment, body: SequenceUploadBody | RunBody, commands: Iterable[str], person: Person
) -> None:
    """Raises `NotConfirmed`, and `CommandRefused` for a procedure that does not declare what the sequence sends.

    What a procedure declares was confirmed as it was started.
    """
    hazards = hazards_of(commands, here.hazardous)
    for name in hazards:
        refusal = here.commands.refusal(here.dictionary.command(name), person.name)
        if refusal:
            raise CommandRefused(f"{body.remote}: {refusal}")
    if hazards and not body.confirm and person.way != "procedure":
        raise NotConfirmed(body.remote, hazards)


@router.post("/upload", status_code=202)
async def upload(
    here: DeploymentHere, body: SequenceUploadBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Compiles a text and brings it to the deployment; 409 with `hazards` until `confirm` says that those are meant."""
    checked = await _compiled(here, body)
    _check_confirmed(here, body, checked.commands, person)
    transfer = here.transfers.upload(checked.binary, body.remote, person.name)
    ground.audit.add(person.name, "sequence upload", here.name, body.remote, source_of(request))
    return transfer_object(transfer)


@router.post("/runs", status_code=202)
async def run(
    here: DeploymentHere, body: RunBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Has a sequence run that the deployment has; 409 with `hazards` until `confirm` says that those are meant.

    Hazardous commands are known of files that were brought up from here, or came down.
    """
    _check_confirmed(here, body, here.sequences.files.commands_of(body.remote), person)
    begun = here.sequences.run(body.remote, person.name, body.sequencer)
    ground.audit.add(person.name, "sequence run", here.name, f"{body.remote} #{begun.id}", source_of(request))
    return run_object(begun)


@router.get("/runs")
async def runs(here: DeploymentHere) -> dict[str, Any]:
    """The last runs, the newest first."""
    return {"runs": [run_object(one) for one in reversed(here.sequences.runs.values())]}


@router.get("/runs/{id}")
async def one_run(here: DeploymentHere, id: int, wait_s: WaitS = 0.0) -> dict[str, Any]:
    """A run as it stands."""
    found = _run(here, id)
    if wait_s and not found.is_final:
        try:
            await asyncio.wait_for(found.wait(), wait_s)
        except TimeoutError:
            return run_object(found)
    return run_object(found)


@router.post("/runs/{id}/stop", status_code=202)
async def stop(here: DeploymentHere, id: int, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Asks the sequencer to give a run up."""
    record = here.sequences.stop(_run(here, id).id, person.name)
    ground.audit.add(person.name, "sequence stopped", here.name, f"#{id}")
    return command_object(record)


def _run(here: Deployment, id: int) -> SequenceRun:
    found = here.sequences.runs.get(id)
    if found is None:
        raise Problem(404, f"no run has the id {id}")
    return found
