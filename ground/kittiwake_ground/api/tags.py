"""ETags of what people change: whoever changes it says what they have seen."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Response

from kittiwake_ground.api.problems import Problem

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="the ETag that what is to be changed must still have")
]


def revision_of(if_match: str | None) -> int | None:
    """The revision that somebody has seen, or `None` where any will do. Raises `Problem`."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal() or len(text) > 20:
        raise Problem(412, f"If-Match: {if_match!r} is no ETag of this server's")
    return int(text)


def tag(response: Response, revision: int) -> None:
    """Says the revision of what is answered."""
    response.headers["ETag"] = f'"{revision}"'
