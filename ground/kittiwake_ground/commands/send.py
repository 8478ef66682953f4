"""`kittiwake ground send`: sends a command and waits for its answer."""

from __future__ import annotations

import argparse
import sys

from kittiwake.cli.command_name import CommandName
from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.session import EventPrinter, add_session_options, connected, drop, seconds

PROGRAM = "kittiwake ground send"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        PROGRAM,
        description="Send a command, print the events until its answer, and end with 0 if it completed.",
        epilog="Put -- before an argument that starts with a minus and is no plain number.",
    )
    made.add_argument("command", type=CommandName, help="full name, as in CdhCore.cmdDisp.CMD_NO_OP")
    made.add_argument(
        "arguments", nargs="*", metavar="argument", help="in the command's order; arrays and structs as JSON"
    )
    made.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="S", help="how long to wait for the answer (default: 10)"
    )
    add_session_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Sends; 0 if the command completed, 1 if it failed or was not answered, 2 if it cannot be sent as given."""
    return carry_out(parser(), _send, arguments)


def _send(options: argparse.Namespace) -> int:
    from kittiwake.cli.run import Misuse
    from kittiwake.dictionary.decode import encode_command
    from kittiwake_ground.commanding import command_and_wait

    name = str(options.command)
    dictionary = chosen_dictionary(options)
    try:
        encode_command(dictionary, name, options.arguments)
    except ValueError as fault:
        raise Misuse(str(fault)) from None
    with connected(options, dictionary) as station:
        station.settle(drop)
        answer = command_and_wait(station, name, options.arguments, options.timeout, EventPrinter(station))
    if not answer.completed:
        print(f"{PROGRAM}: {name} {answer.reason}", file=sys.stderr)
        return 1
    return 0
