"""`kittiwake limits`: what a device watches by itself, text and binary."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "compile": ("kittiwake.cli.limits_compile", "compile a file of limits to the table that a device loads"),
    "check": ("kittiwake.cli.limits_check", "check files of limits and list every fault"),
    "show": ("kittiwake.cli.limits_show", "print a table of limits as text"),
}
"""Sub-command -> module and a line of help."""
