"""Routes: passes, what becomes of them, and the data budget."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from kittiwake.faults import Faults
from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, source_of
from kittiwake_ground.api.bodies import ContactBody, ContactFileBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.passes.contact import Contact
from kittiwake_ground.passes.reading import read_contacts
from kittiwake_ground.passes.shown import budget_object, contact_object, outcome_object, pass_object
from kittiwake_ground.server.views import fault_object, iso_time

router = APIRouter(tags=["passes"], prefix="/deployments/{deployment}/passes")

Count = Annotated[int, Query(ge=1, le=100, description="how many passes at most")]
Us = Annotated[int | None, Query(ge=0, lt=1 << 62)]


@router.get("")
async def passes(here: DeploymentHere, count: Count = 10, from_us: Us = None) -> dict[str, Any]:
    """The pass that is under way, and the next ones; rates that nobody gave are those of earlier passes.

    `fault` says why something cannot be kept, if so.
    """
    current = here.passes.current
    return {
        "passes": [pass_object(one) for one in here.passes.coming(count, from_us)],
        "current": None if current is None else outcome_object(current),
        "fault": here.passes.fault,
    }


@router.get("/contacts")
async def contacts(here: DeploymentHere) -> dict[str, Any]:
    """The contacts that the passes come from: added by hand, imported, or predicted by the device's next wake."""
    found = sorted(here.passes.schedule.contacts.values(), key=lambda one: one.start_us)
    return {"contacts": [contact_object(one) for one in found]}


@router.post("/contacts", status_code=201)
async def add(
    here: DeploymentHere, body: ContactBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Adds a contact, once or again and again."""
    made = here.passes.schedule.add(Contact(**body.model_dump(), by=person.name))
    detail = f"#{made.id} {made.name} {iso_time(made.start_us)} for {made.duration_s:g} s"
    ground.audit.add(person.name, "contact added", here.name, detail, source_of(request))
    return contact_object(made)


@router.post("/import")
async def take_file(
    here: DeploymentHere, body: ContactFileBody, request: Request, person: Operator, ground: GroundHere
) -> dict[str, Any]:
    """Takes the contacts of a CSV or iCalendar file, all of them or none.

    What an earlier file had under the same uid is replaced. With `replace` what is to come of earlier files, and is not
    in this one, goes.
    """
    try:
        read = read_contacts(body.text, body.name, person.name, here.passes.clocks.wall_us())
    except Faults as found:
        errors = [fault_object(one) for one in found.faults]
        raise Problem(422, f"{len(errors)} faults, the first: {found.faults[0]}", errors=errors) from None
    taken, removed = here.passes.schedule.take_file(read, body.replace)
    detail = f"{body.name}: {len(taken)} contacts, {removed} removed"
    ground.audit.add(person.name, "contacts imported", here.name, detail, source_of(request))
    return {"contacts": [contact_object(one) for one in taken], "removed": removed}


@router.delete("/contacts/{id}")
async def remove(
    here: DeploymentHere, id: int, request: Request, person: Operator, ground: GroundHere, start_us: Us = None
) -> dict[str, Any]:
    """Removes a contact, or of one that recurs the pass that starts at `start_us`."""
    found = here.passes.schedule.remove(id, start_us)
    which = "" if start_us is None else f" at {iso_time(start_us)}"
    ground.audit.add(person.name, "contact removed", here.name, f"#{id} {found.name}{which}", source_of(request))
    return contact_object(found)


@router.get("/outcomes")
async def outcomes(
    here: DeploymentHere, limit: Annotated[int, Query(ge=1, le=1000)] = 100, before_us: Us = None
) -> dict[str, Any]:
    """What became of passes, the newest first: only of those during which the server ran."""
    found = here.passes.outcomes(limit, 1 << 62 if before_us is None else before_us)
    return {"outcomes": [outcome_object(one) for one in found]}


@router.get("/budget")
async def budget(here: DeploymentHere, count: Annotated[int, Query(ge=1, le=20)] = 5) -> dict[str, Any]:
    """What of all that waits fits into the next passes, and in which, in the order in which it goes."""
    return budget_object(here.passes.budget(count))
