"""Routes: long history, as questions in SQL, and the files below it brought up to date."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from kittiwake_ground.api.access import GroundHere, Operator, Viewer, source_of
from kittiwake_ground.api.bodies import QueryBody
from kittiwake_ground.longterm.partitions import day_text

router = APIRouter(tags=["long history"], prefix="/history")


@router.post("/query")
async def query(body: QueryBody, person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """The answer to one SELECT over the views samples, events and commands of the Parquet files."""
    answer = await ground.history.ask(body.sql, body.limit)
    return answer._asdict()


@router.post("/export")
async def export(person: Operator, ground: GroundHere, request: Request) -> dict[str, Any]:
    """Brings the Parquet files up to date now, and says what became of each day."""
    ground.audit.add(person.name, "Parquet export", "", "", source_of(request))
    done = await ground.history.export()
    return {
        "partitions": [
            {**one.partition._asdict(), "day": day_text(one.partition.day), "outcome": one.outcome, "rows": one.rows}
            for one in done
        ]
    }
