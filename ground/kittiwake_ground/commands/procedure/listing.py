"""`kittiwake ground procedure list`: what there is to run, or what has run."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from kittiwake.dictionary.lines import one_line
from kittiwake_ground.commands.dictionary_command import type_text
from kittiwake_ground.commands.procedure.served import procedure_parser, run_line, with_ground
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround
    from kittiwake_ground.client.procedures import Procedure


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = procedure_parser("list", "List the procedures with their arguments; those with faults have them instead.")
    made.add_argument("--runs", action="store_true", help="list what runs and has run instead, the newest first")
    return made


def main(arguments: list[str]) -> int:
    """Lists procedures or runs."""
    return with_ground(parser(), arguments, _list)


async def _list(ground: AsyncGround, options: argparse.Namespace) -> int:
    if options.runs:
        for run in await ground.procedures.runs(deployment=options.deployment):
            print(json.dumps(asdict(run), ensure_ascii=False) if options.json else run_line(run))
        return 0
    found = await ground.procedures.all()
    for one in found:
        print(json.dumps(asdict(one), ensure_ascii=False) if options.json else procedure_text(one, options.deployment))
    if not found and not options.json:
        complain("The folder of procedures has none.")
    return 0


def procedure_text(one: Procedure, deployment: str = "") -> str:
    """A procedure with its arguments, below one another."""
    if one.fault:
        return one_line(f"{one.name}: cannot be started: {one.fault}")
    lines = [one_line(f"{one.name}: {one.doc.partition(chr(10) * 2)[0]}")]
    for argument in one.arguments:
        default = "" if argument["required"] else f" = {json.dumps(argument['default'], ensure_ascii=False)}"
        note = f"  {argument['annotation']}" if argument["annotation"] else ""
        lines.append(one_line(f"  {argument['name']}{default}  {type_text(argument['type'])}{note}"))
    hazards = {name for place, names in one.hazards.items() if deployment in ("", place) for name in names}
    if hazards:
        lines.append(one_line(f"  hazardous: {', '.join(sorted(hazards))}"))
    return "\n".join(lines)
