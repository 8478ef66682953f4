"""Routes: parameters, live and compared."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator
from kittiwake_ground.api.acting import answer_to
from kittiwake_ground.api.bodies import ParameterBody
from kittiwake_ground.server.parameter_diff import compare, compare_with_defaults, read_side
from kittiwake_ground.server.views import command_object, parameter_object

router = APIRouter(tags=["parameters"])

AtUs = Annotated[int | None, Query(ge=0, lt=1 << 62, description="µs since 1970; without it: now")]
OtherName = Annotated[str, Query(max_length=200, description="the deployment of the other side")]
LastKnown = Annotated[bool, Query(description="take values that may be others by now as they were told last")]


@router.get("/deployments/{deployment}/parameters")
async def parameters(here: DeploymentHere) -> dict[str, Any]:
    """Every parameter, and what is known of its value."""
    return {"parameters": [parameter_object(one) for one in here.parameters.records.values()]}


@router.post("/deployments/{deployment}/parameters/refresh", status_code=202)
async def refresh(here: DeploymentHere, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Asks the deployment for every value; they come as updates."""
    record = here.parameters.refresh(person.name)
    ground.audit.add(person.name, "parameters asked for", here.name)
    return command_object(record)


@router.get("/deployments/{deployment}/parameters/diff")
async def differences(
    here: DeploymentHere,
    ground: GroundHere,
    at_us: AtUs = None,
    other: OtherName = "",
    other_at_us: AtUs = None,
    last_known: LastKnown = False,
) -> dict[str, Any]:
    """Parameters compared: of this deployment at a time, or now, with another side, or with the defaults without one.

    The other side is named by `other`, by `other_at_us` (then of the same deployment), or by both.
    """
    first = await read_side(ground, here.name, at_us)
    if not other and other_at_us is None:
        return compare_with_defaults(first, last_known=last_known)
    second = await read_side(ground, other or here.name, other_at_us)
    return compare(first, second, last_known=last_known)


@router.get("/deployments/{deployment}/parameters/{name}")
async def one_parameter(here: DeploymentHere, name: str) -> dict[str, Any]:
    """A parameter, and what is known of its value."""
    return parameter_object(here.parameters.records[here.dictionary.parameter(name).name])


@router.put("/deployments/{deployment}/parameters/{name}", status_code=202)
async def set_parameter(
    here: DeploymentHere, name: str, body: ParameterBody, response: Response, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Sets a parameter, and with `save` has the deployment keep it once it is set."""
    record = here.parameters.set(name, body.value, person.name)
    if body.save:
        here.parameters.save_after(record, name, person.name)
    verb = "parameter set and saved" if body.save else "parameter set"
    ground.audit.add(person.name, verb, here.name, f"{name} = {body.value}")
    return await answer_to(record, body.wait, response)


@router.post("/deployments/{deployment}/parameters/{name}/save", status_code=202)
async def save_parameter(here: DeploymentHere, name: str, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Has the deployment keep the value that it uses."""
    record = here.parameters.save(name, person.name)
    ground.audit.add(person.name, "parameter saved", here.name, name)
    return command_object(record)
