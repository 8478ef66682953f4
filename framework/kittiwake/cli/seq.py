"""`kittiwake seq`: command sequences, text and binary."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "compile": ("kittiwake.cli.seq_compile", "compile a sequence to the file that a device runs"),
    "show": ("kittiwake.cli.seq_show", "print a binary sequence as text"),
    "check": ("kittiwake.cli.seq_check", "check sequences and list every fault"),
    "dryrun": ("kittiwake.cli.seq_dryrun", "print when each command of a sequence would be sent"),
}
"""Sub-command -> module and a line of help."""
