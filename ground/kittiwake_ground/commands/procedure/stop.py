"""`kittiwake ground procedure stop`: stops a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.procedure.served import (
    add_run_argument,
    procedure_parser,
    run_line,
    run_of,
    with_ground,
)

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround

STOP_WAIT_S = 20.0


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = procedure_parser("stop", "Ask a run to end, and wait until it has; it is killed if it does not.")
    add_run_argument(made)
    return made


def main(arguments: list[str]) -> int:
    """Stops a run; 1 if it has ended before."""
    return with_ground(parser(), arguments, _stop)


async def _stop(ground: AsyncGround, options: argparse.Namespace) -> int:
    run = await run_of(ground, options)
    await ground.procedures.stop(run.id)
    print(run_line(await ground.procedures.run(run.id, STOP_WAIT_S)))
    return 0
