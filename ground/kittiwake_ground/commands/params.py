"""`kittiwake ground params`: the parameters of a deployment."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_names import ParameterName
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.params_diff import add_diff_options, print_differences, refresh, value_text
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_ground, through_server
from kittiwake_ground.commands.session import seconds

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import ParameterValue

ACTIONS = ("list", "get", "set", "save", "diff")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground params",
        description="List parameters, get or set one, save the value that one has, or list those that differ: from "
        "their defaults, between two times, or between two deployments. list, get and diff of now ask the deployment "
        "first, where it can tell. diff ends with 0 if all are the same, 3 if some differ, 1 if some are not known.",
    )
    made.add_argument("action", choices=ACTIONS)
    made.add_argument("name", nargs="?", type=ParameterName, default="", help="full name, as in CdhCore.tlmSend.LEVEL")
    made.add_argument("value", nargs="?", help="arrays and structs as JSON")
    made.add_argument("--save", action="store_true", help="with set: have the deployment keep the value, too")
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    made.add_argument("--timeout", type=seconds, default=10.0, metavar="S", help="for each answer (default: 10)")
    add_diff_options(made)
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Lists or changes; 1 if the deployment fails it, 2 for names and values that do not fit, 3 if some differ."""
    return carry_out(parser(), _act, arguments)


def _act(options: argparse.Namespace) -> int:
    if options.action in ("get", "set", "save") and not options.name:
        raise Misuse(f"which parameter to {options.action}?")
    if options.action == "set" and options.value is None:
        raise Misuse(f"which value for {options.name}?")
    if options.action == "diff":
        return through_ground(server_address(options), lambda ground: print_differences(ground, options))

    async def act(station: AsyncDeployment) -> int:
        if options.action == "set":
            await station.parameters.set(options.name, options.value, options.save, options.timeout)
        elif options.action == "save":
            await station.parameters.save(options.name, options.timeout)
        else:
            await _print(station, options)
        return 0

    return through_server(options, server_address(options), act)


async def _print(station: AsyncDeployment, options: argparse.Namespace) -> None:
    if options.name:
        await station.parameters.get(options.name)
    await refresh(station, options.timeout)
    for one in await station.parameters.all():
        if not options.name or one.name == options.name:
            print(json.dumps(asdict(one)) if options.json else _line(one))


def _line(one: ParameterValue) -> str:
    if one.known == "unknown":
        return f"{one.name} = ?  (default {value_text(one.default)})"
    default = f"  (default {value_text(one.default)})" if one.differs else ""
    return f"{one.name} = {value_text(one.value)}{default}" + ("  (before the link was lost)" if one.stale else "")
