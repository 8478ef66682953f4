"""The `kittiwake` command: a table of sub-commands, each imported when it is called."""

from __future__ import annotations

import sys

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("kittiwake.cli.run", "start a deployment from a topology file or an image"),
    "check": ("kittiwake.cli.check", "check a topology file and list every fault"),
    "build": ("kittiwake.cli.build", "compile a topology into an image and its dictionary"),
}
"""Sub-command -> module with a function `main(arguments) -> exit status`, and a line of help."""


def usage() -> str:
    """The list of sub-commands."""
    width = max(len(name) for name in COMMANDS)
    rows = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(["usage: kittiwake COMMAND [ARGUMENT ...]", "", *rows, "", "kittiwake COMMAND --help says more."])


def main(arguments: list[str] | None = None) -> int:
    """Runs one sub-command and returns its exit status: 0 done, 1 refused or failed, 2 misused."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if given else 2
    if given[0] in ("-V", "--version"):
        import kittiwake

        print(f"kittiwake {kittiwake.__version__}")
        return 0
    found = COMMANDS.get(given[0])
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(given[0], COMMANDS, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        print(f"kittiwake: there is no command {given[0]!r}.{hint}\n\n{usage()}", file=sys.stderr)
        return 2
    from importlib import import_module

    try:
        return int(import_module(found[0]).main(given[1:]))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does.
        sys.stderr.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
