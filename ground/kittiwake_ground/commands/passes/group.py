"""`kittiwake ground passes`: when a deployment can be reached, and what fits into that."""

from __future__ import annotations

_FOLDER = "kittiwake_ground.commands.passes."

COMMANDS: dict[str, tuple[str, str]] = {
    "list": (_FOLDER + "listing", "list the next passes, or the contacts that they come from"),
    "add": (_FOLDER + "add", "add a contact, once or again and again"),
    "import": (_FOLDER + "take_file", "take the contacts of a CSV or iCalendar file"),
    "remove": (_FOLDER + "remove", "remove a contact, or one pass of it"),
    "budget": (_FOLDER + "budget", "what fits into the next passes, and what waits"),
    "history": (_FOLDER + "past", "what became of passes"),
}
"""Sub-command -> module and a line of help."""
