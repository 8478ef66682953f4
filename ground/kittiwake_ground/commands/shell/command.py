"""`kittiwake ground shell`: the sub-commands of `kittiwake ground` at a prompt, or from a script."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.main import dispatch
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands import ground
from kittiwake_ground.commands.events import SEVERITIES
from kittiwake_ground.commands.server_option import add_way_options
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake_ground.commands.shell.way import Way

PROGRAM = "kittiwake ground shell"
SILENT = "none"
ENDS = ("exit", "quit")
OWN = ("help", *ENDS)
INTERRUPTED = 130
MOST_HINTS = 3


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        PROGRAM,
        description="Take the commands of `kittiwake ground` at a prompt that shows the status of the last one, or a "
        "line each from what is piped in, until one fails. The full name of a deployment's command sends it.",
        epilog="Lines are split as in a shell, without variables and patterns; one that begins with # is a comment.",
    )
    made.add_argument(
        "--keep-going", action="store_true", help="of a script: go on after a failure, and end with the first status"
    )
    made.add_argument(
        "--notices", choices=(SILENT, *SEVERITIES), default="ACTIVITY_HI",
        help="show a server's events of this severity and graver while you type (default: ACTIVITY_HI)",
    )  # fmt: skip
    made.add_argument(
        "--history-file", type=Path, metavar="FILE", help="default: kittiwake/shell_history in $XDG_STATE_HOME"
    )
    add_way_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Takes commands; of a script the status of the first that fails, of a person 0."""
    return carry_out(parser(), _take_commands, arguments)


def _take_commands(options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.shell.way import way_of

    shell = Shell(way_of(options))
    if sys.stdin.isatty():
        return _converse(shell, options)
    return _run_script(shell, sys.stdin, options.keep_going)


class Shell:
    """Runs lines. `status` is that of the last command."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.commands: Mapping[str, tuple[str, str]] = {
            name: entry for name, entry in ground.COMMANDS.items() if name != "shell"
        }
        self.status = 0
        self.dictionary: Mapping[str, Any] = {"commands": ()}
        """The deployment's, where a person is at the prompt."""

    def run(self, line: str) -> bool:
        """Runs a line; `False` if it ends the shell. One without a command leaves the status as it is."""
        try:
            words = shlex.split(line)
        except ValueError as fault:
            complain(f"{PROGRAM}: {str(fault).lower()}")
            self.status = 2
            return True
        if not words or words[0].startswith("#"):
            return True
        if words[0] in ENDS:
            return False
        try:
            self.status = self._run(words)
        except SystemExit as ended:  # argparse, for arguments that it cannot read, and for help
            self.status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except KeyboardInterrupt:
            self.status = INTERRUPTED
        sys.stdout.flush()
        return True

    def _run(self, words: list[str]) -> int:
        name = words[0]
        if name == "help":
            return self._help(words[1:])
        if name not in self.commands and "." in name:
            words = ["send", *words]
        elif name not in self.commands:
            from kittiwake.faults import did_you_mean

            hint = did_you_mean(name, [*self.commands, *OWN]) or self._named(name)
            complain(f"{PROGRAM}: there is no command {name!r}; {hint or '`help` lists them'}")
            return 2
        return dispatch("kittiwake ground", self.commands, self.way.added(words, self.commands))

    def _named(self, part: str) -> str:
        """Which of the deployment's commands may be meant by a part of their names."""
        from kittiwake_ground.commands.shell.completer import names_like

        found = names_like(self.dictionary, part)
        if not found:
            return ""
        return f"did you mean {', '.join(found[:MOST_HINTS])}{' ...' if len(found) > MOST_HINTS else ''}?"

    def _help(self, words: list[str]) -> int:
        if words and "." in words[0]:
            return self._run(["send", words[0], "--help-arguments"])
        if words:
            return self._run([*words, "--help"])
        rows = {name: summary for name, (_, summary) in self.commands.items()}
        rows["help"] = "list these; with a command, say what it takes"
        rows["exit"] = "end the shell, as Ctrl-D does"
        width = max(map(len, rows))
        print("\n".join([f"{name:<{width}}  {summary}" for name, summary in rows.items()]))
        print("\nThe full name of a deployment's command, with its arguments, sends it. Tab completes.")
        return 0


def _run_script(shell: Shell, lines: Iterable[str], keep_going: bool) -> int:
    """Runs lines until one fails, or all of them; gives the status of the first that failed."""
    first = 0
    for number, line in enumerate(lines, 1):
        shell.status = 0
        if not shell.run(line):
            break
        if shell.status:
            complain(f"{PROGRAM}: line {number} ended with {shell.status}: {line.strip()}")
            first = first or shell.status
            if not keep_going or shell.status == INTERRUPTED:
                break
    return first


def _converse(shell: Shell, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.shell.completer import Completer
    from kittiwake_ground.commands.shell.notices import tell_of_events
    from kittiwake_ground.commands.shell.terminal import Terminal, history_file

    name, shell.dictionary = shell.way.dictionary()
    terminal = Terminal(options.history_file or history_file(), Completer(shell.commands, OWN, shell.dictionary))
    if shell.way.server is not None and options.notices != SILENT:
        graver = SEVERITIES[: SEVERITIES.index(options.notices) + 1]
        tell_of_events(shell.way.server, name, graver, terminal.notify)
    try:
        while True:
            try:
                line = terminal.read(f"{name} [{shell.status}]> ")
            except KeyboardInterrupt:
                print()
                continue
            if not shell.run(line):
                return 0
    except EOFError:
        print()
        return 0
    finally:
        terminal.close()
