"""`kittiwake ground procedure`: Python procedures that the ground station runs."""

from __future__ import annotations

_FOLDER = "kittiwake_ground.commands.procedure."

COMMANDS: dict[str, tuple[str, str]] = {
    "list": (_FOLDER + "listing", "list procedures with their arguments, or what has run"),
    "run": (_FOLDER + "run", "start a procedure, and print its log as it is written"),
    "watch": (_FOLDER + "watch", "print the log of a run as it is written"),
    "stop": (_FOLDER + "stop", "stop a run"),
    "log": (_FOLDER + "log", "print the log of a run, or what it printed"),
}
"""Sub-command -> module and a line of help."""
