"""`kittiwake ground send`: sends a command and waits for its answer."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from kittiwake.cli.dictionary_names import CommandName
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_way_options, by_either_way
from kittiwake_ground.commands.session import EventPrinter, connected, drop, seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Update

PROGRAM = "kittiwake ground send"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        PROGRAM,
        description="Send a command, print the events until its answer, and end with 0 if it completed. A hazardous "
        "one asks first.",
        epilog="Put -- before an argument that starts with a minus and is no plain number.",
    )
    made.add_argument("command", type=CommandName, help="full name, as in CdhCore.cmdDisp.CMD_NO_OP")
    made.add_argument(
        "arguments", nargs="*", metavar="argument", help="in the command's order; arrays and structs as JSON"
    )
    made.add_argument("--help-arguments", action="store_true", help="print what the command takes, and send nothing")
    made.add_argument("--yes", action="store_true", help="send a hazardous command without asking")
    made.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="S", help="how long to wait for the answer (default: 10)"
    )
    add_way_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Sends; 0 if the command completed, 1 if it failed or was not answered, 2 if it cannot be sent as given."""
    return carry_out(parser(), _send, arguments)


def _send(options: argparse.Namespace) -> int:
    return by_either_way(options, _send_straight, _send_through)


def _send_straight(options: argparse.Namespace) -> int:
    from kittiwake.cli.dictionary_option import chosen_dictionary
    from kittiwake_ground.commands.dictionary_command import command_object_of

    dictionary = chosen_dictionary(options)
    name = str(options.command)
    try:
        shown = command_object_of(dictionary, name)
        if options.help_arguments:
            return _help(shown)
        from kittiwake.dictionary.decode import encode_command

        encode_command(dictionary, name, options.arguments)
    except ValueError as fault:
        raise Misuse(str(fault)) from None
    confirm(shown, options.yes)
    from kittiwake_ground.commanding import command_and_wait

    with connected(options, dictionary) as station:
        station.settle(drop)
        answer = command_and_wait(station, name, options.arguments, options.timeout, EventPrinter(station))
    return _ended(name, "" if answer.completed else answer.reason)


async def _send_through(station: AsyncDeployment, options: argparse.Namespace) -> int:
    import asyncio

    from kittiwake_ground.commands.dictionary_command import find_command

    name = str(options.command)
    if options.timeout <= 0:
        raise Misuse("--timeout is more than 0")
    shown = find_command(await station.dictionary(), name)
    if options.help_arguments:
        return _help(shown)
    confirm(shown, options.yes)
    async with station.news("events") as updates:
        sent = await station.send(name, *options.arguments, wait=False, timeout_s=options.timeout)
        if sent.state == "queued":
            await _say_if_held(station, options.timeout)
        events = _Events(sent.asked_us)
        printing = asyncio.create_task(events.follow(updates))
        try:
            result = await station.answer(sent, options.timeout, check=False)
        finally:
            printing.cancel()
    if result.steps[-1].state != "cancelled":
        for shown in (await station.request("GET", "/events", {"limit": 1000}))["events"]:
            if shown["received_us"] <= result.steps[-1].time_us:
                events.show(shown)
    return _ended(name, "" if result.completed else result.outcome)


async def _say_if_held(station: AsyncDeployment, timeout_s: float) -> None:
    """Says why nothing happens yet where the link is not there."""
    link = await station.link()
    if link.state != "up":
        why = f" ({link.reason})" if link.reason else ""
        print(f"The link is {link.state}{why}: the command is held for up to {timeout_s:g} s", file=sys.stderr)


class _Events:
    """Prints the events that came since a command was asked for, each once."""

    def __init__(self, since_us: int) -> None:
        self._since_us = since_us
        self._last = 0

    def show(self, shown: Mapping[str, Any]) -> None:
        from kittiwake_ground.shown import event_object_line

        if shown["number"] > self._last and shown["received_us"] >= self._since_us:
            self._last = shown["number"]
            print(event_object_line(shown), flush=True)

    async def follow(self, updates: AsyncIterator[Update]) -> None:
        """Prints them as they come, until it is cancelled. What the server does not tell in time is for `show`."""
        async for update in updates:
            self.show(update.shown)


def confirm(shown: dict[str, Any], yes: bool, verb: str = "send") -> None:
    """Asks whether a hazardous command is meant. Raises `Misuse` if it is not, or nobody can be asked."""
    if yes or not shown["hazardous"]:
        return
    if not sys.stdin.isatty():
        raise Misuse(f"{shown['name']} is hazardous; say --yes to {verb} it")
    print(f"{shown['name']} is hazardous: {shown['annotation']}", file=sys.stderr)
    print(f"{verb.capitalize()} it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Misuse("it was not confirmed" if verb != "send" else "not sent")


def _help(shown: dict[str, Any]) -> int:
    from kittiwake_ground.commands.dictionary_command import argument_help

    print(argument_help(shown))
    return 0


def _ended(name: str, why_not: str) -> int:
    if not why_not:
        return 0
    print(f"{PROGRAM}: {name} {why_not}", file=sys.stderr)
    return 1
