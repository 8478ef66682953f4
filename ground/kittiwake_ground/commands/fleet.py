"""`kittiwake ground fleet`: all deployments of a ground station, the worst first."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake.dictionary.lines import one_line
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_ground
from kittiwake_ground.fleet.words import next_text, since_text
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from kittiwake_ground.client.asynchronous import AsyncGround
    from kittiwake_ground.client.fleet import FleetStanding

FOLLOW_S = 1.0
"""How often `--follow` asks."""

COLUMNS = (
    ("", 7), ("DEPLOYMENT", 20), ("STATE", 12), ("HEARD", 11), ("NEXT", 11), ("MODE", 18), ("BATTERY", 12),
    ("BOOTS", 7), ("ALARMS", 8), ("WAITING", 8),
)  # fmt: skip
"""What is printed of each, and how wide."""

INDENT = " " * COLUMNS[0][1]


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground fleet",
        description="Print all deployments side by side, the worst first, and why; end with 0 if none wants attention.",
    )
    made.add_argument("--attention", action="store_true", help="only those that want attention")
    made.add_argument("--follow", action="store_true", help="print them again whenever one stands otherwise")
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints the fleet; 1 if one wants attention, or there is no server."""
    return carry_out(parser(), _print_fleet, arguments)


def _print_fleet(options: argparse.Namespace) -> int:
    async def act(ground: AsyncGround) -> int:
        return await _print(ground, options)

    return through_ground(server_address(options), act)


async def _print(ground: AsyncGround, options: argparse.Namespace) -> int:
    shown = None
    while True:
        found = [one for one in await ground.fleet() if options.deployment in ("", None, one.name)]
        worth = [one for one in found if one.level or not options.attention]
        standing = [(one.name, one.state, [(why.concern, why.text) for why in one.reasons]) for one in worth]
        if standing != shown:
            shown = standing
            print("\n".join(_lines(worth, options.json)), flush=True)
        if not options.follow:
            return 1 if any(one.level for one in found) else 0
        await asyncio.sleep(FOLLOW_S)


def _lines(standings: list[FleetStanding], as_json: bool) -> list[str]:
    from dataclasses import asdict

    if as_json:
        return [json.dumps(asdict(one)) for one in standings]
    lines = [_line([title for title, _ in COLUMNS])]
    for one in standings:
        lines.append(standing_line(one))
        for why in one.reasons:
            text = since_text(why.text, why.since_us, one.now_us)
            lines.append(one_line(f"{INDENT}{why.level or '-':<7}{text}"))
    return lines


def standing_line(one: FleetStanding) -> str:
    """A deployment on a line; what it does not tell is a dash."""
    return _line([
        one.level or "ok",
        one.name,
        one.state,
        age_text(one.heard_us, one.now_us),
        next_text(one.next_contact_us, one.heard_us, one.now_us),
        one.mode,
        one.battery,
        "" if one.boot_count is None else str(one.boot_count),
        str(sum(one.unseen.values())),
        str(one.waiting),
    ])  # fmt: skip


def _line(texts: list[str]) -> str:
    first, *others = texts
    shown = [first, *[text or "-" for text in others]]
    return one_line("".join([f"{text:<{width}}" for text, (_, width) in zip(shown, COLUMNS, strict=True)])).rstrip()
