"""`kittiwake ground links`: how the links of a ground station stand."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_ground

if TYPE_CHECKING:
    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground links", description="Print how each link stands; end with 0 if all of them are up."
    )
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints links; 1 if one is not up, or there is no server."""
    return carry_out(parser(), _print_links, arguments)


def _print_links(options: argparse.Namespace) -> int:
    async def act(ground: AsyncGround) -> int:
        return await _print(ground, options)

    return through_ground(server_address(options), act)


async def _print(ground: AsyncGround, options: argparse.Namespace) -> int:
    from dataclasses import asdict

    if options.deployment:
        found = {options.deployment: await (await ground.deployment(options.deployment)).link()}
    else:
        found = await ground.links()
    for name, link in found.items():
        if options.json:
            print(json.dumps({"deployment": name, **asdict(link)}))
            continue
        note = link.reason or ("silent" if link.silent else "")
        signed = "open" if link.spi is None else f"signed, key {link.spi}"
        stands = f"{name:<16} {link.state:<10} {link.address}  since {link.since}  {signed}"
        print(stands + (f"  ({note})" if note else ""))
    return 0 if all(link.state == "up" for link in found.values()) else 1
