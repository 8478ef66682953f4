"""`kittiwake ground timeline`: prints what happened in a stretch of time: link, modes, boots, events and commands."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.printing import Printer, add_format_options
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment

COLUMNS = ("time", "kind", "what", "detail")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground timeline",
        description="Print link states, modes, boots, events and commands in the order of their times; by default of "
        "the last hour.",
    )
    made.add_argument("--start", metavar="TIME", help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h, 7d")
    made.add_argument("--end", metavar="TIME", help="likewise; default: now")
    add_format_options(made)
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints the timeline; 1 if there is no server or no archive, 2 for a time that makes no sense."""
    return carry_out(parser(), _print_timeline, arguments)


def _print_timeline(options: argparse.Namespace) -> int:
    async def act(station: AsyncDeployment) -> int:
        from kittiwake.dictionary.lines import one_line
        from kittiwake_ground.commands.session import complain

        found = await station.past.timeline(options.start, options.end)
        show = Printer(options, COLUMNS)
        for row in sorted(rows_of(found), key=lambda row: row["time"]):
            words = f"{row['time']}  {row['kind']:<8}  {row['what']}  {row['detail']}".rstrip()
            show(row, one_line(words))
        if found["event_count"] and not found["events"]:
            complain(f"{found['event_count']} events are too many to print one by one: say --start and --end for less.")
        return 0

    return through_server(options, server_address(options), act)


def rows_of(found: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each thing that happened."""
    rows = [_row(one["since_us"], "link", one["state"], one["reason"]) for one in found["link"]]
    for mode in found["modes"]:
        rows += [_row(one["since_us"], "mode", mode["channel"], str(one["value"])) for one in mode["spans"]]
    rows += [_row(one["since_us"], "boot", str(one["value"]), "") for one in found["boots"]]
    rows += [_row(one["at_us"], one["severity"], one["name"], one["text"]) for one in found["events"]]
    for one in found["commands"]:
        states = ", ".join(step["state"] for step in one["steps"])
        rows.append(_row(one["id"], "command", one["name"], f"by {one['by']}: {states}"))
    return rows


def _row(time_us: int, kind: str, what: str, detail: str) -> dict[str, str]:
    from kittiwake_ground.server.views import iso_time

    return {"time": iso_time(time_us), "kind": kind, "what": what, "detail": detail}
