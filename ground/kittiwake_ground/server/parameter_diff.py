"""Parameters compared: with their defaults, between two times, or between two deployments of a ground station."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.dictionary.values import value_of
from kittiwake_ground.server.parameters import DEFAULT, UNKNOWN
from kittiwake_ground.server.views import iso_time, known_object
from kittiwake_ground.shown import json_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.entries import Parameter
    from kittiwake_ground.server.ground import Ground
    from kittiwake_ground.server.parameters import ParameterRecord

SAME, DIFFERENT, NOT_KNOWN, ABSENT = "same", "different", "unknown", "absent"
"""How a parameter compares. It is absent if only one side has it, and unknown unless both values are sure."""

VERDICTS = (DIFFERENT, ABSENT, NOT_KNOWN, SAME)


class Side(NamedTuple):
    """One side of a comparison: a deployment at a time, or now where `at_us` is `None`."""

    deployment: str
    at_us: int | None
    records: Mapping[str, ParameterRecord]


async def read_side(ground: Ground, deployment: str, at_us: int | None) -> Side:
    """A side as the ground knows it. Raises `UnknownDeployment`, and for a time as `Replays.open` does."""
    live = ground.deployment(deployment)
    if at_us is None:
        return Side(deployment, None, live.parameters.records)
    replay = await ground.replays.open(live, at_us, paused=True)
    try:
        return Side(deployment, at_us, replay.source.parameters.records)
    finally:
        replay.close()


def compare_with_defaults(first: Side, *, last_known: bool = False) -> dict[str, Any]:
    """Each parameter of a side against its default, as the API has it; see `compare`."""
    rows = []
    for name, record in first.records.items():
        default = record.parameter.default
        known = default is not None
        shown = {
            "known": "default" if known else UNKNOWN, "value": json_value(default) if known else None,
            "origin": DEFAULT if known else "", "known_us": 0, "stale": False, "partial": False,
        }  # fmt: skip
        if not (known and _is_known(record, last_known)):
            verdict = NOT_KNOWN
        elif record.origin == DEFAULT:  # the deployment's own word for it
            verdict = SAME
        else:
            verdict = _verdict(record, shown["value"])
        rows.append(_row(name, verdict, known_object(record), shown))
    return _comparison(first, {"deployment": "", "at_us": None, "at": "", "defaults": True}, rows)


def compare(first: Side, second: Side, *, last_known: bool = False) -> dict[str, Any]:
    """Each parameter of either side, as the API has it.

    A value that may be another by now is not sure, and so unknown, unless `last_known` takes it as it was told last.
    """
    rows = []
    for name in {**first.records, **second.records}:
        one, other = first.records.get(name), second.records.get(name)
        if one is None or other is None:
            verdict = ABSENT
        elif not (_is_known(one, last_known) and _is_known(other, last_known)):
            verdict = NOT_KNOWN
        else:
            verdict = _verdict(one, other.value, other.partial)
        rows.append(_row(name, verdict, one and known_object(one), other and known_object(other)))
    return _comparison(first, _side_object(second), rows)


def _is_known(record: ParameterRecord, last_known: bool) -> bool:
    return record.known != UNKNOWN and (last_known or not record.stale)


def _verdict(record: ParameterRecord, other: Any, other_partial: bool = False) -> str:
    """How a value compares with another one; of what was cut as it was told nothing is sure."""
    if record.partial or other_partial:
        return NOT_KNOWN
    same = record.value == other or _packed(record.parameter, record.value) == _packed(record.parameter, other)
    return SAME if same else DIFFERENT


def _packed(parameter: Parameter, value: Any) -> Any:
    """A value as it goes over the link, so that 0.1 is what an F32 makes of it; one that does not fit stays."""
    try:
        return parameter.type.pack(value_of(parameter.type, value))
    except (TypeError, ValueError):
        return value


def _row(name: str, verdict: str, first: Any, second: Any) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "first": first, "second": second}


def _side_object(side: Side) -> dict[str, Any]:
    at = "" if side.at_us is None else iso_time(side.at_us)
    return {"deployment": side.deployment, "at_us": side.at_us, "at": at, "defaults": False}


def _comparison(first: Side, second: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "first": _side_object(first),
        "second": second,
        "counts": {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS},
        "parameters": sorted(rows, key=lambda row: row["name"]),
    }
