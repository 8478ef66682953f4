"""What the sub-commands of `kittiwake ground procedure` share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake.dictionary.lines import clock_text, one_line
from kittiwake_ground.commands.served import served_parser
from kittiwake_ground.commands.server_option import server_address, through_ground

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Mapping

    from kittiwake_ground.client.asynchronous import AsyncGround
    from kittiwake_ground.client.procedures import AsyncProcedures, ProcedureRun


def procedure_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    return served_parser(f"procedure {name}", description)


def add_run_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the run that a sub-command is about."""
    parser.add_argument("run", nargs="?", type=int, help="its number (default: the run that was started last)")


def with_ground(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    action: Callable[[AsyncGround, argparse.Namespace], Awaitable[int]],
) -> int:
    """Does something with the server that the options name, and gives the exit status."""

    def act(options: argparse.Namespace) -> int:
        return through_ground(server_address(options), lambda ground: action(ground, options))

    return carry_out(parser, act, arguments)


async def run_of(ground: AsyncGround, options: argparse.Namespace) -> ProcedureRun:
    """The run that the options name. Raises `ValueError` where nothing has run."""
    if options.run is not None:
        return await ground.procedures.run(options.run)
    found = await ground.procedures.runs(1, options.deployment)
    if not found:
        raise ValueError("no procedure has run")
    return found[0]


def show_entry(entry: Mapping[str, Any], as_json: bool) -> None:
    """Prints an entry of a log."""
    from kittiwake_ground.client.runlog import entry_line

    print(json.dumps(entry, ensure_ascii=False) if as_json else entry_line(entry), flush=True)


async def follow(procedures: AsyncProcedures, id: int, as_json: bool) -> int:
    """Prints the log of a run until it has ended; 0 if it has passed."""
    async for entry in procedures.follow(id):
        show_entry(entry, as_json)
    run = await procedures.run(id)
    if not as_json:
        print(one_line(f"{run.procedure} #{run.id}: {run.state}" + (f": {run.reason}" if run.reason else "")))
    return 0 if run.state == "passed" else 1


def run_line(run: ProcedureRun) -> str:
    """A run in a line: its number, state, when, what and who."""
    at = clock_text("TB_WORKSTATION_TIME", run.started_us).partition(".")[0]
    arguments = "".join([f" {name}={value}" for name, value in run.arguments.items()])
    what = f"{run.procedure}{arguments} on {run.deployment}, by {run.by}"
    return one_line(f"{run.id:>4}  {run.state:<11}  {at}  {what}" + (f": {run.reason}" if run.reason else ""))
