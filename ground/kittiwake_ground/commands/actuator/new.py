"""`kittiwake ground actuator new`: asks for slots of time on devices."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent
from kittiwake_ground.commands.actuator.tables import print_table

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.building.agent import Agent

PRIORITIES = ("HIGH", "LOW", "LOW_PREEMPT")
RELEASES = ("default", "hold", "revert")
MEMBERS = {"task", "priority", "slots", "on_release"}
MAX_FILE = 1 << 20
MALFORMED = ("MALFORMED", "MISSING", "INVALID", "REQUEST_CONFLICTS_WITH_SELF")
"""How the reasons begin for which a request makes no sense by itself."""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser(
        "new",
        "Ask for slots of time on devices; while a slot is open, you and nobody else write to its device. Times are as "
        "in 2026-12-01T22:00+01:00; those without a zone are as the deployment's NAIVE_TZ has them.",
    )
    made.add_argument("task", nargs="?", help="the task's name, of which there is no other yet")
    made.add_argument(
        "--slot", nargs=3, action="append", default=[], metavar=("DEVICE", "START", "END"), help="may be repeated"
    )
    made.add_argument("--priority", choices=PRIORITIES, help="default: LOW")
    made.add_argument(
        "--on-release", choices=RELEASES, help="what becomes of what was written (default: as ON_RELEASE has it)"
    )
    made.add_argument(
        "--file", type=Path, metavar="FILE",
        help="JSON instead: an object of task, priority, slots ([[device, start, end], ...]), and perhaps on_release",
    )  # fmt: skip
    return made


def main(arguments: list[str]) -> int:
    """Asks; 1 if it is refused, 2 if it makes no sense."""
    return carry_out(parser(), _ask, arguments)


def _ask(options: argparse.Namespace) -> int:
    wanted = _read_file(options.file) if options.file else {}
    said = {"task": options.task, "priority": options.priority, "on_release": options.on_release}
    wanted |= {name: value for name, value in said.items() if value is not None}
    if options.slot:
        wanted["slots"] = options.slot
    for name, how in (("task", "name it"), ("slots", "name them with --slot or --file")):
        if not wanted.get(name):
            raise Misuse(f"which {name}? {how[:1].upper()}{how[1:]}")
    request = {
        "requester_id": "", "task_id": wanted["task"], "priority": wanted.get("priority", "LOW"),
        "requests": wanted["slots"], **({"on_release": wanted["on_release"]} if "on_release" in wanted else {}),
    }  # fmt: skip
    return with_agent(options, lambda agent: print_result(_result(agent, request), options.json))


def _result(agent: Agent, request: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = agent.call("request_new_schedule", **request)
    return {"task": request["task_id"], **result}


def _read_file(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise Misuse(f"{path}: larger than {MAX_FILE} bytes")
    try:
        found = json.loads(content)
    except ValueError as fault:
        raise Misuse(f"{path}: {fault}") from None
    if not isinstance(found, dict) or set(found) - MEMBERS:
        raise Misuse(f"{path}: an object of {', '.join(sorted(MEMBERS))} is wanted, and nothing else")
    return found


def print_result(result: dict[str, Any], as_json: bool) -> int:
    """Prints what became of a request for a task; gives the status. Raises `Misuse` for one that makes no sense."""
    done, info = result["result"] == "SUCCESS", str(result["info"])
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    elif done:
        print(f"{result['task']}: {result['result']}" + (f" ({info})" if info else ""))
    if not done and info.startswith(MALFORMED):
        raise Misuse(info)
    if not done and not as_json:
        print(f"{result['task']}: {info}", file=sys.stderr)
    if not as_json:
        _print_others(result["data"])
    return 0 if done else 1


def _print_others(data: Any) -> None:
    """Prints whose slots stand in the way (owner -> task -> slots), or who was preempted ([owner, task], ...)."""
    if isinstance(data, list):
        print_table(("preempted of", "task"), data)
    elif isinstance(data, dict):
        heads = ("owner", "task", "device", "start", "end")
        print_table(
            heads,
            [(owner, task, *slot) for owner, tasks in data.items() for task, slots in tasks.items() for slot in slots],
        )
