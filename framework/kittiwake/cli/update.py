"""`kittiwake update`: makes, signs and checks update packages."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "key": ("kittiwake.cli.update_key", "make a pair of keys that sign and check updates"),
    "pack": ("kittiwake.cli.update_pack", "pack an image, and Python packages, into an update"),
    "sign": ("kittiwake.cli.update_sign", "sign a package"),
    "verify": ("kittiwake.cli.update_verify", "check a package as a device does, and show what is in it"),
}
"""Sub-command -> module and a line of help."""
