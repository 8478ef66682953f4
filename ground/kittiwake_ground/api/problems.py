"""Errors as problem details (RFC 9457): what is wrong, in words that help, and never a trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kittiwake.dictionary.entries import UnknownName
from kittiwake_ground.alarms.book import Changed, NoSuchAlarm
from kittiwake_ground.alarms.derived import NoSuchDerived
from kittiwake_ground.archive import ArchiveFault, ArchiveInUse, QueryTooLong
from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes.leaving import NotConfirmed as PlanNotConfirmed
from kittiwake_ground.passes.planner import NoSuchPlan, PlanChanged, PlanSettled
from kittiwake_ground.passes.schedule import NoSuchContact
from kittiwake_ground.people.desk import TooManyAttempts
from kittiwake_ground.procedures.procedures import CannotStart, NoSuchRun, NotConfirmed, TooManyRuns
from kittiwake_ground.procedures.shelf import NoProcedures, NoSuchProcedure
from kittiwake_ground.redecoding import NothingToDecode
from kittiwake_ground.replay.replays import NoReplay, TooManyReplays
from kittiwake_ground.server.commands import CommandRefused
from kittiwake_ground.server.confirming import NotConfirmed as SequenceNotConfirmed
from kittiwake_ground.server.folders import ListingFailed
from kittiwake_ground.server.ground import UnknownDeployment
from kittiwake_ground.server.hub import TooManySubscriptions
from kittiwake_ground.server.instances import NoSuchAbility
from kittiwake_ground.server.layouts import LayoutChanged, NoSuchLayout
from kittiwake_ground.server.long_history import NoLongHistory, TooManyQuestions
from kittiwake_ground.server.transfers import TransferRefused

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 100


class Problem(Exception):
    """An answer that is an error: its HTTP status, what is wrong, and more members for the object."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.members = members


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> JSONResponse:
    """The response of a problem."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse({**content, **members}, status, headers, media_type=MEDIA_TYPE)


_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (UnknownName, 404),
    (UnknownDeployment, 404),
    (NoSuchAlarm, 404),
    (NoSuchDerived, 404),
    (NoSuchContact, 404),
    (NoSuchPlan, 404),
    (Changed, 412),
    (PlanChanged, 412),
    (PlanNotConfirmed, 409),
    (SequenceNotConfirmed, 409),
    (PlanSettled, 409),
    (StoreFault, 507),
    (CommandRefused, 409),
    (TransferRefused, 409),
    (ListingFailed, 409),
    (NoSuchAbility, 409),
    (TooManySubscriptions, 429),
    (NoSuchProcedure, 404),
    (NoSuchRun, 404),
    (NoProcedures, 409),
    (CannotStart, 409),
    (NotConfirmed, 409),
    (TooManyRuns, 409),
    (NoReplay, 409),
    (TooManyReplays, 429),
    (NoLongHistory, 409),
    (TooManyQuestions, 429),
    (ArchiveInUse, 409),
    (NothingToDecode, 409),
    (NoSuchLayout, 404),
    (LayoutChanged, 409),
    (ArchiveFault, 503),
    (QueryTooLong, 422),
    (ValueError, 422),
    (TypeError, 422),
)
"""What the server raises for requests that cannot be met, and the status that it becomes."""


def status_of(fault: Exception) -> int | None:
    """The status of a fault that is the request's, or `None` for one that is ours."""
    return next((status for kind, status in _STATUSES if isinstance(fault, kind)), None)


def add_handlers(app: FastAPI) -> None:
    """Makes every error of the application a problem."""

    async def on_problem(request: Request, fault: Exception) -> JSONResponse:
        assert isinstance(fault, Problem)
        return problem_response(fault.status, fault.detail, fault.headers, **fault.members)

    async def on_http(request: Request, fault: Exception) -> JSONResponse:
        assert isinstance(fault, HTTPException)
        return problem_response(fault.status_code, str(fault.detail), dict(fault.headers or {}))

    async def on_invalid(request: Request, fault: Exception) -> JSONResponse:
        assert isinstance(fault, RequestValidationError)
        errors = [
            {"where": ".".join(map(str, one["loc"])), "message": str(one["msg"])} for one in fault.errors()[:MAX_ERRORS]
        ]
        first = errors[0] if errors else {"where": "the request", "message": "is not valid"}
        return problem_response(422, f"{first['where']}: {first['message']}", errors=errors)

    async def on_attempts(request: Request, fault: Exception) -> JSONResponse:
        assert isinstance(fault, TooManyAttempts)
        return problem_response(429, str(fault), {"Retry-After": str(int(fault.wait_s) + 1)})

    async def on_fault(request: Request, fault: Exception) -> JSONResponse:
        members: dict[str, Any] = {"hint": fault.hint} if isinstance(fault, UnknownName) and fault.hint else {}
        if isinstance(fault, (SequenceNotConfirmed, PlanNotConfirmed)):
            members["hazards"] = fault.hazards
        return problem_response(status_of(fault) or 500, str(fault), **members)

    async def on_own_fault(request: Request, fault: Exception) -> JSONResponse:
        return problem_response(500, "the ground station made a mistake; its log says more")

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(TooManyAttempts, on_attempts)
    app.add_exception_handler(Exception, on_own_fault)
    for kind, _ in _STATUSES:
        app.add_exception_handler(kind, on_fault)
