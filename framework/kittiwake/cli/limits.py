"""`kittiwake limits`: what a device watches by itself, text and binary."""

from __future__ import annotations

from kittiwake.cli.main import dispatch

COMMANDS: dict[str, tuple[str, str]] = {
    "compile": ("kittiwake.cli.limits_compile", "compile a file of limits to the table that a device loads"),
    "check": ("kittiwake.cli.limits_check", "check files of limits and list every fault"),
    "show": ("kittiwake.cli.limits_show", "print a table of limits as text"),
}
"""Sub-command -> module and a line of help."""


def main(arguments: list[str]) -> int:
    """Runs one of the sub-commands."""
    return dispatch("kittiwake limits", COMMANDS, arguments)
