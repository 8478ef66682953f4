"""Routes: saved chart layouts."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as PathPart

from kittiwake_ground.api.access import DeploymentHere, GroundHere, Viewer
from kittiwake_ground.api.bodies import LayoutBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.people.accounts import OPERATOR
from kittiwake_ground.people.desk import Person
from kittiwake_ground.server.layouts import MAX_NAME, SHARED, Layout

router = APIRouter(tags=["looking back"], prefix="/deployments/{deployment}/layouts")

LayoutName = Annotated[str, PathPart(min_length=1, max_length=MAX_NAME)]
Shared = Annotated[bool, Query(description="of the layouts that are for all, instead of one's own")]


def _owner(person: Person, shared: bool) -> str:
    if shared and not person.may(OPERATOR):
        raise Problem(403, f"{person.name} is a {person.role}: what is for all takes an operator")
    return SHARED if shared else person.name


def _shown(layout: Layout) -> dict[str, Any]:
    return {**asdict(layout), "channels": list(layout.channels), "shared": layout.owner == SHARED}


@router.get("")
async def layouts(here: DeploymentHere, person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """The chart layouts that are one's own, or for all."""
    return {"layouts": [_shown(one) for one in ground.layouts.seen_by(person.name, here.name)]}


@router.put("/{layout:path}")
async def save(
    here: DeploymentHere,
    layout: LayoutName,
    body: LayoutBody,
    person: Viewer,
    ground: GroundHere,
    shared: Shared = False,
) -> dict[str, Any]:
    """Saves a layout, with the version that was seen, 0 for a new one; another version there is a conflict."""
    for name in body.channels:
        here.dictionary.channel(name)
    made = Layout(
        here.name,
        _owner(person, shared),
        layout,
        tuple(body.channels),
        body.span_s,
        body.live,
        body.stacked,
        body.over_s,
    )
    saved = ground.layouts.save(made, body.version)
    if shared:
        ground.audit.add(person.name, "layout saved", here.name, layout)
    return _shown(saved)


@router.delete("/{layout:path}")
async def remove(
    here: DeploymentHere,
    layout: LayoutName,
    person: Viewer,
    ground: GroundHere,
    version: Annotated[int, Query(ge=1)],
    shared: Shared = False,
) -> dict[str, Any]:
    """Removes a layout, with the version that was seen."""
    ground.layouts.remove(here.name, _owner(person, shared), layout, version)
    if shared:
        ground.audit.add(person.name, "layout removed", here.name, layout)
    return {"removed": layout}
