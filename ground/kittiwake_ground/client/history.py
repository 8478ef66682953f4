"""The values of a channel over time, as arrays: numpy's where it is installed, else lists."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake_ground.client.connection import Connection

MAX_VALUES = 2_000_000
"""The most values that one question brings."""

PAGE = 50_000


class History(NamedTuple):
    """Values with their times in microseconds since 1970, the oldest first.

    `time_us` is the deployment's clock where that knows the date, else the ground's, which `received_us` always is.
    `cut` says that there are more, as at most `MAX_VALUES` are brought. Enumeration constants are their names.
    """

    name: str
    time_us: Any
    received_us: Any
    values: Any
    cut: bool = False

    def __len__(self) -> int:
        return len(self.time_us)


class Buckets(NamedTuple):
    """The least, mean and greatest of a channel's numbers in stretches of `width_us` that begin at `start_us`.

    Stretches without values are left out.
    """

    name: str
    width_us: int
    start_us: Any
    count: Any
    min: Any
    avg: Any
    max: Any

    def __len__(self) -> int:
        return len(self.start_us)


def as_array(values: Sequence[Any], kind: str = "") -> Any:
    """An array: `kind` is numpy's name of a type, or empty for whatever the values are."""
    if find_spec("numpy") is None:
        return list(values)
    import numpy as np

    return np.array(values, dtype=kind) if kind else np.array(values)


def values_array(values: Sequence[Any], kind: str) -> Any:
    """The values of a channel of a kind of type, as in the API; of composite kinds they stay a list."""
    if kind == "float":
        return as_array([float(one) for one in values], "float64")
    if kind == "integer" and not values:
        return as_array(values, "int64")
    if kind in ("integer", "boolean", "text", "enum"):
        return as_array(values, "bool" if kind == "boolean" else "")
    return list(values)


async def fetch_history(
    connection: Connection, path: str, kind: str, start_us: int | None, end_us: int | None
) -> History:
    """All values of a time, page by page; without a start the newest that the server holds."""
    times: list[int] = []
    received: list[int] = []
    values: list[Any] = []
    while True:
        query = {"start_us": start_us, "end_us": end_us, "limit": PAGE}
        page = await connection.request("GET", path, query=query)
        ends = len(page["time_us"])
        next_us = page["next_us"] if page["cut"] else None
        # The next page begins with all that has the time of its first: what this one has of those would come twice.
        while next_us is not None and ends and page["time_us"][ends - 1] >= next_us:
            ends -= 1
        stuck = next_us is not None and not ends
        ends = ends or len(page["time_us"])
        times += page["time_us"][:ends]
        received += page["received_us"][:ends]
        values += page["values"][:ends]
        if start_us is None or next_us is None or stuck or len(times) >= MAX_VALUES:
            break
        start_us = next_us
    made = values_array(values, kind)
    return History(page["name"], as_array(times, "int64"), as_array(received, "int64"), made, bool(page["cut"]))


def buckets_of(found: Mapping[str, Any]) -> Buckets:
    """Buckets from the API's object."""
    means = {name: as_array([float(one) for one in found[name]], "float64") for name in ("min", "avg", "max")}
    start_us, count = as_array(found["start_us"], "int64"), as_array(found["count"], "int64")
    return Buckets(found["name"], int(found["width_us"]), start_us, count, **means)
