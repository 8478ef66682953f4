"""Routes: what is planned to be sent."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, source_of
from kittiwake_ground.api.acting import WaitS
from kittiwake_ground.api.bodies import PlanBody, PlanChangeBody, WhenBody
from kittiwake_ground.api.tags import IfMatch, revision_of, tag
from kittiwake_ground.passes.planned import AFTER, AT, PASS, PlanRefused, When
from kittiwake_ground.passes.planner import Owner
from kittiwake_ground.server.views import plan_object

router = APIRouter(tags=["plans"], prefix="/deployments/{deployment}/plans")


@router.get("")
async def plans(
    here: DeploymentHere,
    waiting: Annotated[bool, Query(description="only those that have not ended")] = False,
    limit: Annotated[int, Query(ge=1, le=2000)] = 200,
) -> dict[str, Any]:
    """The plans, the newest first."""
    planner = here.passes.planner
    found = [one for one in reversed(planner.plans.values()) if not (waiting and one.is_final)]
    return {"plans": [plan_object(one, planner.due(one)) for one in found[:limit]]}


@router.post("", status_code=201)
async def plan(
    here: DeploymentHere, body: PlanBody, request: Request, response: Response, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Plans a command, the run of a sequence, or a file; `confirm` says that what is hazardous is meant."""
    planner, content = here.passes.planner, body.content if body.kind == "upload" else None
    what = here.passes.ways.check(
        body.kind, body.subject, body.detail(), body.confirm, person.name, len(content or b"")
    )  # fmt: skip
    owner = ground.desk.owner_of(person)
    made = planner.plan(what, _when(body), person.name, Owner(owner.name, owner.way), body.confirm, content)
    detail = f"#{made.id} {what.kind} {what.subject} {body.arguments or ''}".rstrip()
    ground.audit.add(person.name, "plan made", here.name, detail, source_of(request))
    tag(response, made.revision)
    return plan_object(made, planner.due(made))


@router.get("/{id}")
async def one_plan(here: DeploymentHere, id: int, response: Response, wait_s: WaitS = 0.0) -> dict[str, Any]:
    """A plan as it stands, or its end if that comes within `wait_s` seconds."""
    planner = here.passes.planner
    if wait_s and not planner.find(id).is_final:
        with suppress(TimeoutError), here.hub.subscribe(["plans"]) as news:
            async with asyncio.timeout(wait_s):
                while not planner.find(id).is_final:
                    await news.wait()
    found = planner.find(id)
    tag(response, found.revision)
    return plan_object(found, planner.due(found))


@router.put("/{id}")
async def change(
    here: DeploymentHere, id: int, body: PlanChangeBody, request: Request, response: Response, person: Operator,
    ground: GroundHere, if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Changes a plan that waits: its time, and a command's arguments. Whoever changes it owns it from then on."""
    planner = here.passes.planner
    what = planner.find(id).what
    detail = what.detail if body.arguments is None else {**what.detail, "arguments": body.arguments}
    if body.confirm:
        detail = {key: value for key, value in detail.items() if key != "hazards"}  # of those that it has by now
    confirm = body.confirm or (planner.find(id).confirmed and body.arguments is None)
    made = here.passes.ways.check(what.kind, what.subject, detail, confirm, person.name, what.size)
    owner = ground.desk.owner_of(person)
    changed = planner.edit(
        id, made, _when(body), person.name, Owner(owner.name, owner.way), confirm, revision_of(if_match)
    )  # fmt: skip
    ground.audit.add(person.name, "plan changed", here.name, f"#{id} {what.kind} {what.subject}", source_of(request))
    tag(response, changed.revision)
    return plan_object(changed, planner.due(changed))


@router.delete("/{id}")
async def cancel(
    here: DeploymentHere, id: int, request: Request, person: Operator, ground: GroundHere, if_match: IfMatch = None
) -> dict[str, Any]:
    """Takes a plan back that was not sent."""
    planner = here.passes.planner
    found = planner.cancel(id, person.name, revision_of(if_match))
    what = found.what
    ground.audit.add(person.name, "plan cancelled", here.name, f"#{id} {what.kind} {what.subject}", source_of(request))
    return plan_object(found, planner.due(found))


def _when(body: WhenBody) -> When:
    """When it is to go. Raises `PlanRefused` unless that is said in one way."""
    given = [one for one in (body.at_us, body.after_s, body.pass_offset_s) if one is not None]
    if len(given) != 1:
        raise PlanRefused("when: either at_us, after_s or pass_offset_s (0 is the start of the next pass)")
    if body.at_us is not None:
        return When(AT, body.at_us, expiry_s=body.expiry_s)
    if body.after_s is not None:
        return When(AFTER, delay_s=body.after_s, expiry_s=body.expiry_s)
    return When(PASS, delay_s=given[0], expiry_s=body.expiry_s)
