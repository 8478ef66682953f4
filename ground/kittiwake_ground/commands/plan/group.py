"""`kittiwake ground plan`: what the server sends later: at a time, after a delay, or in the next pass."""

from __future__ import annotations

_FOLDER = "kittiwake_ground.commands.plan."

COMMANDS: dict[str, tuple[str, str]] = {
    "list": (_FOLDER + "listing", "list what waits, or all plans"),
    "add": (_FOLDER + "add", "plan a command"),
    "run": (_FOLDER + "run", "plan the run of a sequence that is on board"),
    "upload": (_FOLDER + "upload", "plan that a file goes up"),
    "change": (_FOLDER + "change", "give a plan another time or other arguments"),
    "cancel": (_FOLDER + "cancel", "take plans back"),
}
"""Sub-command -> module and a line of help."""
