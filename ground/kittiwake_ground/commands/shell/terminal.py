"""A line from a person at a terminal: completion, a history that is kept, and notices above the line being typed."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HISTORY_LINES = 2000


def history_file() -> Path:
    """Where the history is kept if nobody says otherwise (XDG Base Directory Specification, state)."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "kittiwake" / "shell_history"


class Terminal:
    """The lines of one person. Only one can be open at a time, as readline is."""

    def __init__(self, history: Path, complete: Callable[[str, str], list[str]]) -> None:
        """Raises `OSError` where the history cannot be kept."""
        import readline

        self._readline = readline
        self._history = history
        self._complete = complete
        self._found: list[str] = []
        self._prompt = ""
        self._lock = threading.Lock()
        history.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # It may hold what is nobody else's business, and is never open to others, not even at first.
        os.close(os.open(history, os.O_CREAT | os.O_WRONLY, 0o600))
        history.chmod(0o600)
        readline.set_history_length(HISTORY_LINES)
        readline.clear_history()
        readline.read_history_file(history)
        readline.set_auto_history(False)
        readline.set_completer_delims(" \t\n")
        readline.set_completer(self._offer)
        readline.parse_and_bind("tab: complete")
        # Bracketed paste would put more escape sequences around each prompt than a log of the session is worth.
        readline.parse_and_bind("set enable-bracketed-paste off")

    def read(self, prompt: str) -> str:
        """The next line. Raises `EOFError` at the end, and `KeyboardInterrupt`."""
        with self._lock:
            self._prompt = prompt
        try:
            line = input(prompt)
        finally:
            with self._lock:
                self._prompt = ""
        # As in other shells, a line that begins with a blank is not kept.
        if line.strip() and not line.startswith(" "):
            self._readline.add_history(line)
            self._readline.append_history_file(1, self._history)
        return line

    def notify(self, text: str) -> None:
        """Shows a line above the one that is being typed; may be called from any thread.

        The line that is typed moves down by one, with the cursor where it was in it. Where that cannot be done (nobody
        is typing, the line is longer than the terminal is wide, or the terminal can do nothing) it is left out.
        """
        columns = shutil.get_terminal_size().columns
        with self._lock:
            typed = len(self._prompt) + len(self._readline.get_line_buffer())
            if not self._prompt or typed >= columns or os.environ.get("TERM", "dumb") == "dumb":
                return
            shown = "".join([letter if letter.isprintable() else " " for letter in text])[: columns - 1]
            # Have a line below; insert one here and write it; go back to the place, now one further down (ECMA-48).
            sys.stdout.write(f"\x1bD\x1b[A\x1b7\r\x1b[L{shown}\x1b8\x1b[B")
            sys.stdout.flush()

    def close(self) -> None:
        """Shortens the history to what is kept."""
        self._readline.set_completer(None)
        try:
            self._readline.write_history_file(self._history)
            self._history.chmod(0o600)
        except OSError:
            return

    def _offer(self, word: str, number: int) -> str | None:
        if number == 0:
            before = self._readline.get_line_buffer()[: self._readline.get_begidx()]
            self._found = self._complete(before, word)
        return self._found[number] if number < len(self._found) else None
