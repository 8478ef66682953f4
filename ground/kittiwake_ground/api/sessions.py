"""Routes: who is asking, the audit trail, and whether the server is well."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

import kittiwake
from kittiwake_ground.api.access import COOKIE, GroundHere, Operator, Viewer, source_of
from kittiwake_ground.api.bodies import LogInBody
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.people.desk import Person
from kittiwake_ground.server.session import now_us

router = APIRouter(tags=["people"])


@router.get("/health", tags=["health"])
async def health(ground: GroundHere) -> dict[str, Any]:
    """That the server runs; for everybody."""
    return {
        "status": "ok",
        "version": kittiwake.__version__,
        "uptime_s": (now_us() - ground.started_us) / 1e6,
        "deployments": len(ground.deployments),
    }


@router.post("/session")
async def log_in(body: LogInBody, request: Request, response: Response, ground: GroundHere) -> dict[str, Any]:
    """Logs in: sets the cookie, and gives the token that goes with everything that changes something."""
    made = await ground.desk.log_in(body.name, body.password, source_of(request))
    if made is None:
        raise Problem(401, "the name or the password is wrong")
    response.set_cookie(COOKIE, made.id, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return {**_shown(made.person), "csrf_token": made.csrf}


@router.get("/session")
async def who(request: Request, person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """Who is asking."""
    found = ground.desk.session(request.cookies.get(COOKIE, "")) if person.way == "session" else None
    return {
        **_shown(person),
        "csrf_token": "" if found is None else found.csrf,
        "needs_password": not ground.desk.is_open,
    }


@router.delete("/session", status_code=204)
async def log_out(request: Request, person: Viewer, ground: GroundHere) -> Response:
    """Logs out."""
    ground.desk.log_out(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE)
    return response


@router.get("/audit")
async def audit(
    person: Operator, ground: GroundHere, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> dict[str, Any]:
    """Who did what, the newest first."""
    return {"entries": list(ground.audit.entries)[: -limit - 1 : -1]}


def _shown(person: Person) -> dict[str, Any]:
    return {"name": person.name, "role": person.role, "way": person.way}
