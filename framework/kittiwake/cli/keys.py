"""`kittiwake keys`: the keys that sign the uplink."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("kittiwake.cli.keys_new", "add a key, and make the file if there is none"),
    "list": ("kittiwake.cli.keys_list", "list the keys, without what is secret"),
    "rotate": ("kittiwake.cli.keys_rotate", "add a key and retire the one before"),
}
"""Sub-command -> module and a line of help."""
