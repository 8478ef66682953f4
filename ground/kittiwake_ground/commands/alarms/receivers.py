"""`kittiwake ground alarms receivers`: who is told of alarms, and how that goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from kittiwake.cli.outcome import carry_out
from kittiwake.dictionary.lines import one_line
from kittiwake_ground.commands.alarms.served import alarms_parser
from kittiwake_ground.commands.server_option import server_address, through_ground

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser(
        "receivers", "List who is told of alarms and how that goes. Ends with 1 if something could not be delivered."
    )
    made.add_argument("--test", default="", metavar="NAME", help="have one of them be told of an alarm that is none")
    return made


def main(arguments: list[str]) -> int:
    """Lists receivers; 1 if one of them cannot be reached, 2 for one that there is not."""
    return carry_out(parser(), _act, arguments)


def _act(options: argparse.Namespace) -> int:
    async def act(ground: AsyncGround) -> int:
        if options.test:
            await ground.request("POST", f"/receivers/{quote(options.test, safe='')}/test")
        found = (await ground.request("GET", "/receivers"))["receivers"]
        for one in found:
            counts = ", ".join([f"{one[name]} {name}" for name in ("sent", "waiting", "failed", "dropped")])
            line = f"{one['name']:<16} {one['kind']:<8} {counts}" + (f"  ({one['fault']})" if one["fault"] else "")
            print(json.dumps(one, ensure_ascii=False) if options.json else one_line(line))
        return 1 if any(one["fault"] for one in found) else 0

    return through_ground(server_address(options), act)
