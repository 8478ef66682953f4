"""`kittiwake ground seq`: sequences by the server: compile, upload, run and follow them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.confirmation import confirm_hazards
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server
from kittiwake_ground.commands.session import seconds

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import SequenceRun

ACTIONS = ("compile", "upload", "run", "follow")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground seq",
        description="Compile a sequence with the server's dictionary, bring it up, run it (bringing it up first) or "
        "follow the run that was started last. A run is followed to its end unless --no-follow.",
    )
    made.add_argument("action", choices=ACTIONS)
    made.add_argument("sequence", nargs="?", type=Path, help="sequence text (.seq); not for follow")
    made.add_argument(
        "--remote", default="", metavar="NAME",
        help="its name in the deployment's root (default: /, the text's name and .bin); run without a text runs it",
    )  # fmt: skip
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="of compile; default: beside the text, as .bin")
    made.add_argument("--sequencer", default="", metavar="INSTANCE", help="which one is to run it (default: the first)")
    made.add_argument("--yes", action="store_true", help="upload and run hazardous commands without asking")
    made.add_argument("--no-follow", action="store_true", help="run, and do not wait for the end")
    made.add_argument(
        "--timeout", type=seconds, metavar="S", help="the longest time to follow a run (default: no limit)"
    )
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Does it; 1 for a text with faults, a file that does not arrive or a run that does not complete, 2 for hazardous
    commands that nobody confirms.
    """
    return carry_out(parser(), _act, arguments)


def _act(options: argparse.Namespace) -> int:
    if options.action in ("compile", "upload") and options.sequence is None:
        raise Misuse(f"which sequence to {options.action}?")
    if options.action == "run" and options.sequence is None and not options.remote:
        raise Misuse("which sequence to run? Name a text, or with --remote one that the deployment has")
    actions = {"compile": _compile, "upload": _upload, "run": _run, "follow": _follow_last}

    async def act(station: AsyncDeployment) -> int:
        from kittiwake_ground.client import RequestRefused

        try:
            return await actions[options.action](station, options)
        except RequestRefused as fault:
            if not fault.hazards:
                raise faults_of(fault, options.sequence) from None
            confirm_hazards(fault.detail.partition(";")[0], options.action)
        options.yes = True
        return await actions[options.action](station, options)

    return through_server(options, server_address(options), act)


def faults_of(fault: ValueError, path: Path | None) -> ValueError:
    """The faults of a text with its lines, where the server has found such, else the fault itself."""
    from kittiwake.faults import Fault, Faults

    errors = [one for one in getattr(fault, "errors", ()) if "line" in one]
    if not errors or path is None:
        return fault
    name = str(path)
    found = [Fault(name, one["line"], one["column"], one["message"], one["hint"]) for one in errors]
    return Faults(found, {name: path.read_text(encoding="utf-8", errors="replace")})


async def _compile(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake.cli.output import write_whole

    output = options.output or options.sequence.with_suffix(".bin")
    if output == options.sequence:
        raise Misuse(f"{output} would be overwritten; name another file with -o")
    write_whole(output, await station.compile_sequence(options.sequence))
    print(output)
    return 0


async def _upload(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.progress import progress_bar

    with progress_bar(str(options.sequence)) as told:
        result = await station.upload_sequence(options.sequence, options.remote, told, confirm=options.yes)
    print(f"{result.remote}: {result.size} bytes")
    return 0


async def _run(station: AsyncDeployment, options: argparse.Namespace) -> int:
    run = await station.run_sequence(
        options.sequence, options.remote, options.sequencer, wait=False, confirm=options.yes
    )
    if options.no_follow:
        print(f"{run.remote}: {run.state}")
        return 0
    return await _follow(station, run, options)


async def _follow_last(station: AsyncDeployment, options: argparse.Namespace) -> int:
    runs = [one for one in await station.runs() if not options.remote or one.remote == options.remote]
    if not runs:
        raise ValueError("the server knows of no such run")
    return await _follow(station, runs[0], options)


async def _follow(station: AsyncDeployment, run: SequenceRun, options: argparse.Namespace) -> int:
    async for step in station.follow(run, options.timeout):
        of = f"/{step.total}" if step.total else ""
        print(f"{step.number}{of}  {'FAILED' if step.failed else 'done'}  {step.command}".rstrip(), flush=True)
    print(f"{run.remote}: completed")
    return 0
