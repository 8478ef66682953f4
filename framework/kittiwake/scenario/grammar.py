"""The keys of a scenario file: what each holds and means. The reader and the editors' schema are both made from it."""

from __future__ import annotations

import re
from typing import Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.fault_plan import KINDS
from kittiwake.simulation.scenario import DRAWS
from kittiwake.topology.grammar import INTEGER, NUMBER, TEXT, Key

STEPS = "a list of tables"
LENGTH_MAX_S = 3660 * 86_400
SEED_MAX = (1 << 63) - 1
STEPS_MAX = 10_000

FILE_KEYS = {
    "scenario": Key(TEXT, "What the scenario is called.", required=True),
    "doc": Key(TEXT, "What it is for."),
    "seed": Key(INTEGER, "Decides what is drawn; default 1."),
    "length": Key(TEXT, "How long it takes: 90s, 15m, 6h, 1d12h; default 15m."),
    "draws": Key(TEXT, f"What the seed adds to the steps: {', '.join(DRAWS)}; default nothing."),
    "steps": Key(STEPS, "What happens when."),
}
STEP_KEYS = {
    "at": Key(TEXT, "The time since the beginning: 0s, 90s, 1h30m, 12.5s.", required=True),
    "command": Key(TEXT, "The ground sends this command, as it is written in a sequence."),
    "fault": Key(TEXT, f"This goes wrong: {', '.join(KINDS)}."),
    "set": Key(TEXT, "A value of the surroundings changes, such as battery.charge; `to` says to what."),
    "to": Key(NUMBER, "With `set`: the value."),
    "contact_s": Key(NUMBER, "The ground calls for so many seconds; with such steps no contacts are drawn."),
    "where": Key(TEXT, "With `fault`: the place that it hits."),
    "amount": Key(NUMBER, "With `fault`: how much, how many or which one."),
    "for_s": Key(NUMBER, "With `fault`: how long, in seconds."),
    "seed": Key(INTEGER, "With `fault`: decides what is left to chance, as what a disk keeps; default 0."),
}
WHAT = ("command", "fault", "set", "contact_s")
"""A step has one of these."""

_UNITS_S = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")


def parse_time_ns(text: str) -> int:
    """Nanoseconds of a time such as `90s`, `1h30m` or `12.5s`. Raises `ValueError`."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no time; write 90s, 15m, 6h or 1d12h")
    seconds = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    if seconds > LENGTH_MAX_S:
        raise ValueError(f"{text!r} is longer than ten years")
    return round(seconds * NS_PER_S)


def scenario_schema() -> dict[str, Any]:
    """A JSON Schema (draft 7) of scenario files, for editors."""
    kinds = {TEXT: "string", INTEGER: "integer", NUMBER: "number"}
    time = {"type": "string", "pattern": r"^(\d+(\.\d+)?[dhms])+$"}

    def properties(keys: dict[str, Key]) -> dict[str, Any]:
        plain = {name: key for name, key in keys.items() if key.kind != STEPS}
        return {name: {"type": kinds[key.kind], "description": key.doc} for name, key in plain.items()}

    step = properties(STEP_KEYS)
    step["at"] |= time
    step["fault"] |= {"enum": list(KINDS)}
    file = properties(FILE_KEYS)
    file["length"] |= time
    file["draws"] |= {"enum": list(DRAWS)}
    file["steps"] = {
        "type": "array",
        "description": FILE_KEYS["steps"].doc,
        "items": {
            "type": "object",
            "properties": step,
            "additionalProperties": False,
            "required": ["at"],
            "oneOf": [{"required": [name]} for name in WHAT],
        },
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Kittiwake scenario",
        "type": "object",
        "properties": file,
        "additionalProperties": False,
        "required": ["scenario"],
    }
