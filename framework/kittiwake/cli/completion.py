"""`kittiwake completion`: prints a script that completes commands in a shell, made from the commands' parsers."""

from __future__ import annotations

import argparse
import sys

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import carry_out

HOW = {
    "bash": "source <(kittiwake completion bash)",
    "zsh": "source <(kittiwake completion zsh)",
    "fish": "kittiwake completion fish | source",
}
"""Shell -> the line for its start file."""

NAMES = "commands"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    lines = "\n".join(f"  {shell}: {line}" for shell, line in HOW.items())
    made = argparse.ArgumentParser(
        "kittiwake completion",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Print a script that completes kittiwake's commands. Put into the shell's start file:\n{lines}",
    )
    made.add_argument(
        "shell", choices=(*HOW, NAMES), help=f"the shell; {NAMES} lists the dictionary's commands, for the scripts"
    )
    add_dictionary_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints the script."""
    return carry_out(parser(), _print_script, arguments)


def _print_script(options: argparse.Namespace) -> int:
    if options.shell == NAMES:
        print("\n".join(chosen_dictionary(options).commands))
        return 0
    from kittiwake.cli.completion_scripts import SCRIPTS
    from kittiwake.cli.completion_tree import read_tree
    from kittiwake.cli.main import COMMANDS

    sys.stdout.write(SCRIPTS[options.shell](read_tree(COMMANDS)))
    return 0
