"""`kittiwake ground actuator`: a building's schedules and points, over its API."""

from __future__ import annotations

_FOLDER = "kittiwake_ground.commands.actuator."

COMMANDS: dict[str, tuple[str, str]] = {
    "list": (_FOLDER + "listing", "list schedules, or who holds which device"),
    "new": (_FOLDER + "new", "ask for slots of time on devices"),
    "cancel": (_FOLDER + "cancel", "take a task back"),
    "get": (_FOLDER + "get", "read points"),
    "set": (_FOLDER + "set", "write a point of a device that you hold"),
    "revert": (_FOLDER + "revert", "take back what was written to a point or a device"),
    "override": (_FOLDER + "override", "keep everybody from writing to devices for a time"),
    "follow": (_FOLDER + "follow", "print what the actuator publishes"),
}
"""Sub-command -> module and a line of help."""
