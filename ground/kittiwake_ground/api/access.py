"""Who is asking, for the routes: a bearer token, a log-in's cookie, or this machine where nobody has a password."""
# ruff: noqa: TC002 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from kittiwake_ground.api.guard import SAFE_METHODS
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.people.accounts import OPERATOR
from kittiwake_ground.people.desk import Desk, Person, same_secret
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.ground import Ground

COOKIE = "kittiwake_session"
CSRF_HEADER = "X-CSRF-Token"
_BEARER = "Bearer "


def person_of(connection: HTTPConnection, desk: Desk) -> Person | None:
    """Who a request or a WebSocket is from, or `None` if they have not said so."""
    authorization = connection.headers.get("authorization", "")
    if authorization.startswith(_BEARER):
        return desk.with_token(authorization.removeprefix(_BEARER))
    log_in = desk.session(connection.cookies.get(COOKIE, ""))
    return desk.anyone() if log_in is None else log_in.person


def source_of(connection: HTTPConnection) -> str:
    """The address that a request came from."""
    return connection.client.host if connection.client is not None else ""


def ground_of(request: Request) -> Ground:
    """The ground station that serves a request."""
    found: Ground = request.app.state.ground
    return found


GroundHere = Annotated[Ground, Depends(ground_of)]


def viewer(request: Request, ground: GroundHere) -> Person:
    """Somebody who is known; what changes something needs the token of the log-in. Raises `Problem`."""
    person = person_of(request, ground.desk)
    if person is None:
        raise Problem(401, "log in, or send a token", {"WWW-Authenticate": "Bearer"})
    if person.way == "session" and request.method not in SAFE_METHODS:
        log_in = ground.desk.session(request.cookies.get(COOKIE, ""))
        if log_in is None or not same_secret(request.headers.get(CSRF_HEADER, ""), log_in.csrf):
            raise Problem(403, f"the header {CSRF_HEADER} is missing or wrong")
    return person


Viewer = Annotated[Person, Depends(viewer)]


def operator(person: Viewer, ground: GroundHere) -> Person:
    """Somebody who may act, and has not done so too often just now. Raises `Problem`."""
    if not person.may(OPERATOR):
        raise Problem(403, f"{person.name} is a {person.role}: this takes an operator")
    wait_s = ground.desk.action_wait_s(person)
    if wait_s:
        raise Problem(429, f"too many actions; try again in {wait_s:.1f} s", {"Retry-After": str(int(wait_s) + 1)})
    return person


Operator = Annotated[Person, Depends(operator)]


def deployment_of(deployment: str, person: Viewer, ground: GroundHere) -> Deployment:
    """The deployment that the path names, for somebody who is known. Raises `UnknownDeployment`."""
    return ground.deployment(deployment)


DeploymentHere = Annotated[Deployment, Depends(deployment_of)]
