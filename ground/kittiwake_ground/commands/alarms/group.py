"""`kittiwake ground alarms`: alarms, limits and derived channels of a deployment, through the server."""

from __future__ import annotations

_FOLDER = "kittiwake_ground.commands.alarms."

COMMANDS: dict[str, tuple[str, str]] = {
    "list": (_FOLDER + "listing", "list open alarms, the worst first; ends with 3 if there are any"),
    "follow": (_FOLDER + "follow", "print what becomes of alarms"),
    "history": (_FOLDER + "past", "print what became of alarms"),
    "ack": (_FOLDER + "ack", "say that you have seen alarms"),
    "comment": (_FOLDER + "comment", "say something about an alarm"),
    "shelve": (_FOLDER + "shelve", "have nobody be told of an alarm for a time"),
    "limits": (_FOLDER + "limits", "list, set and remove limits of channels"),
    "receivers": (_FOLDER + "receivers", "list who is told of alarms, and how that goes"),
    "derived": (_FOLDER + "derived", "list, make and remove channels derived from others"),
}
"""Sub-command -> module and a line of help."""
