"""Routes: alarms and what people do about them, limits, and channels derived from others."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from kittiwake_ground.alarms.levels import LEVELS
from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, Viewer, source_of
from kittiwake_ground.api.bodies import (
    AcknowledgeAllBody,
    AcknowledgeBody,
    CommentBody,
    DerivedBody,
    LimitsBody,
    ShelveBody,
)
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.api.tags import IfMatch, revision_of, tag
from kittiwake_ground.api.telemetry import EndUs, StartUs
from kittiwake_ground.server.views import limits_object

router = APIRouter(tags=["alarms"])
HERE = "/deployments/{deployment}"


@router.get(HERE + "/alarms")
async def alarms(here: DeploymentHere) -> dict[str, Any]:
    """The open alarms, the worst first; `fault` says why they cannot be kept, if so."""
    book = here.alarms
    return {
        "alarms": [book.plain(one) for one in book.current()],
        "unacknowledged": len(book.unseen()),
        "fault": book.fault,
    }


@router.get(HERE + "/alarms/history")
async def history(
    here: DeploymentHere,
    source: Annotated[str, Query(max_length=300, description="a name or pattern of channels and events")] = "",
    level: Annotated[list[str], Query(max_length=3)] = [],  # noqa: B006
    action: Annotated[str, Query(max_length=40)] = "",
    start_us: StartUs = None,
    end_us: EndUs = None,
    before: Annotated[int | None, Query(ge=0, lt=1 << 62, description="only entries with a lower id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """What became of alarms and limits, the newest first."""
    for one in level:
        if one not in LEVELS[1:]:
            raise Problem(422, f"level: there is no {one!r}; there are {', '.join(LEVELS[1:])}")
    found = here.alarms.history(
        source=source, levels=level, action=action, start_us=start_us or 0,
        end_us=1 << 62 if end_us is None else end_us, before=before, limit=limit,
    )  # fmt: skip
    return {"entries": [asdict(one) for one in found]}


@router.post(HERE + "/alarms/acknowledge")
async def acknowledge_all(
    here: DeploymentHere, body: AcknowledgeAllBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Acknowledges all alarms that are not shelved, or those whose source matches a pattern."""
    seen = here.alarms.acknowledge_all(person.name, body.comment, body.source)
    detail = f"{len(seen)} alarms" + (f" of {body.source}" if body.source else "")
    ground.audit.add(person.name, "acknowledge", here.name, f"{detail} {body.comment}".rstrip(), source_of(request))
    return {"alarms": [here.alarms.plain(one) for one in seen]}


@router.post(HERE + "/alarms/{id}/acknowledge")
async def acknowledge(
    here: DeploymentHere, id: int, body: AcknowledgeBody, request: Request, person: Operator, ground: GroundHere,
    if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Acknowledges an alarm; its ETag is its `revision`."""
    seen = here.alarms.acknowledge(id, person.name, body.comment, revision_of(if_match))
    detail = f"{seen.source} #{id} {body.comment}".rstrip()
    ground.audit.add(person.name, "acknowledge", here.name, detail, source_of(request))
    return here.alarms.plain(seen)


@router.post(HERE + "/alarms/{id}/comment")
async def comment(
    here: DeploymentHere, id: int, body: CommentBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Says something about an alarm."""
    alarm = here.alarms.comment(id, body.text, person.name)
    ground.audit.add(person.name, "alarm comment", here.name, f"{alarm.source} #{id} {body.text}", source_of(request))
    return here.alarms.plain(alarm)


@router.post(HERE + "/alarms/{id}/shelve")
async def shelve(
    here: DeploymentHere, id: int, body: ShelveBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Has nobody be told of an alarm for a time, also if it comes again."""
    alarm = here.alarms.shelve(id, body.for_s, person.name, body.comment)
    detail = f"{alarm.source} #{id} for {body.for_s:g} s {body.comment}".rstrip()
    ground.audit.add(person.name, "alarm shelved", here.name, detail, source_of(request))
    return here.alarms.plain(alarm)


@router.delete(HERE + "/alarms/{id}/shelve")
async def unshelve(
    here: DeploymentHere, id: int, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Has people be told of an alarm again."""
    alarm = here.alarms.unshelve(id, person.name)
    ground.audit.add(person.name, "alarm unshelved", here.name, f"{alarm.source} #{id}", source_of(request))
    return here.alarms.plain(alarm)


@router.get(HERE + "/limits")
async def all_limits(here: DeploymentHere) -> dict[str, Any]:
    """The limits that count, of all channels that have any; `by` is empty for those of the dictionary."""
    return {"limits": [limits_object(name, plan) for name, plan in here.alarms.plans.items()]}


@router.get(HERE + "/limits/{channel}")
async def limits(here: DeploymentHere, channel: str, response: Response) -> dict[str, Any]:
    """The limits that count for a channel."""
    plan = here.alarms.plan(channel)
    tag(response, plan.revision)
    return limits_object(channel, plan)


@router.put(HERE + "/limits/{channel}")
async def set_limits(
    here: DeploymentHere, channel: str, body: LimitsBody, request: Request, response: Response, person: Operator,
    ground: GroundHere, if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Has these limits count for a channel, in place of the dictionary's."""
    plan = here.alarms.set_limits(channel, body.model_dump(), person.name, revision_of(if_match))
    ground.audit.add(person.name, "limits set", here.name, f"{channel} {plan.plain()}", source_of(request))
    tag(response, plan.revision)
    return limits_object(channel, plan)


@router.delete(HERE + "/limits/{channel}")
async def remove_limits(
    here: DeploymentHere, channel: str, request: Request, person: Operator, ground: GroundHere,
    if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Has the dictionary's limits count again, and gives them."""
    plan = here.alarms.remove_limits(channel, person.name, revision_of(if_match))
    ground.audit.add(person.name, "limits removed", here.name, channel, source_of(request))
    return limits_object(channel, plan)


@router.get(HERE + "/derived")
async def all_derived(here: DeploymentHere) -> dict[str, Any]:
    """The channels that the ground derives from others."""
    return {"derived": [asdict(one) for one in here.derived.channels.values()]}


@router.get(HERE + "/derived/{name}")
async def one_derived(here: DeploymentHere, name: str, response: Response) -> dict[str, Any]:
    """A derived channel."""
    found = here.derived.find(name)
    tag(response, found.revision)
    return asdict(found)


@router.put(HERE + "/derived/{name}")
async def set_derived(
    here: DeploymentHere, name: str, body: DerivedBody, request: Request, response: Response, person: Operator,
    ground: GroundHere, if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """Derives a channel from others, or changes how it is derived."""
    made = here.derived.derive(name, body.expression, body.unit, body.annotation, person.name, revision_of(if_match))
    ground.audit.add(person.name, "channel derived", here.name, f"{name} = {body.expression}", source_of(request))
    tag(response, made.revision)
    return asdict(made)


@router.delete(HERE + "/derived/{name}")
async def remove_derived(
    here: DeploymentHere, name: str, request: Request, person: Operator, ground: GroundHere, if_match: IfMatch = None
) -> dict[str, Any]:
    """Derives a channel no more; what is archived of it stays."""
    removed = here.derived.remove(name, revision_of(if_match))
    ground.audit.add(person.name, "channel derived no more", here.name, name, source_of(request))
    return asdict(removed)


@router.get("/receivers")
async def receivers(person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """Who is told of alarms, and how it goes: what was sent, what waits, and why something could not be delivered."""
    return {"receivers": [one.plain() for one in ground.notifier.outgoing.values()]}


@router.post("/receivers/{name}/test", status_code=202)
async def try_receiver(name: str, request: Request, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Sends a notice of no alarm to a receiver."""
    found = ground.notifier.outgoing.get(name)
    if found is None:
        raise Problem(404, f"no receiver is called {name!r}; there are {', '.join(ground.notifier.outgoing) or 'none'}")
    ground.audit.add(person.name, "receiver tested", "", name, source_of(request))
    ground.notifier.test(name, person.name)
    return found.plain()
