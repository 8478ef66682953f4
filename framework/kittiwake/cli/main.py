"""The `kittiwake` command: a table of sub-commands, each imported when it is called."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # a device's start takes `typing` from its code pack
if TYPE_CHECKING:
    from collections.abc import Mapping

    Commands = Mapping[str, tuple[str, str]]

COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("kittiwake.cli.new", "make the skeleton of a project, a component or a topology"),
    "run": ("kittiwake.cli.run", "start a deployment from a topology file or an image"),
    "top": ("kittiwake.cli.top", "show what the instances of a running deployment do, as they do it"),
    "explain": ("kittiwake.cli.explain", "say why something is late, silent, safe or refused, with the evidence"),
    "up": ("kittiwake_ground.commands.up", "build and start a deployment with the ground station in front of it"),
    "check": ("kittiwake.cli.check", "check a topology file and list every fault"),
    "build": ("kittiwake.cli.build", "compile a topology into an image and its dictionary"),
    "graph": ("kittiwake.cli.graph", "draw a topology as Mermaid, DOT or SVG"),
    "schema": ("kittiwake.cli.schema", "print the JSON Schema of topology files, for editors"),
    "dictionary": ("kittiwake.cli.dictionary", "write the F´ dictionary of a topology"),
    "handbook": ("kittiwake.cli.handbook", "write a reference of a topology or dictionary as HTML, with search"),
    "budget": ("kittiwake.cli.budget", "show what packets, telemetry and events cost on the downlinks"),
    "packet": ("kittiwake.cli.packet", "draw how packets stand on the wire"),
    "fpp": ("kittiwake.cli.fpp", "write a topology and its components in FPP"),
    "xtce": ("kittiwake.cli.xtce", "write a dictionary as XTCE, for Yamcs and other ground systems"),
    "seq": ("kittiwake.cli.seq", "compile, show, check and dry-run command sequences"),
    "limits": ("kittiwake.cli.limits", "compile, check and show limits that a device watches by itself"),
    "replay": ("kittiwake.cli.replay", "fly a recorded flight again, and stop where it differs"),
    "sim": ("kittiwake.cli.sim", "fly a deployment through simulated days with faults, and check what must hold"),
    "power-unit": ("kittiwake.cli.power_unit", "run a deployment behind a power unit that really cuts its power"),
    "keys": ("kittiwake.cli.keys", "make, list and rotate the keys that sign the uplink"),
    "update": ("kittiwake.cli.update", "make, sign and check software updates"),
    "enroll": ("kittiwake.cli.enroll", "sign the configuration that makes a device known to its administration"),
    "ground": ("kittiwake_ground.commands.ground", "the ground station, and commands, telemetry and files from here"),
    "completion": ("kittiwake.cli.completion", "print a script that completes these commands in a shell"),
}
"""Sub-command -> module with a function `main(arguments) -> exit status`, or with such a table; and a line of help."""


def usage(program: str = "kittiwake", commands: Commands = COMMANDS) -> str:
    """The list of sub-commands."""
    width = max(len(name) for name in commands)
    rows = [f"  {name:<{width}}  {summary}" for name, (_, summary) in commands.items()]
    return "\n".join(
        [f"usage: {program} COMMAND [ARGUMENT ...]", "", *rows, "", f"{program} COMMAND --help says more."]
    )


def dispatch(program: str, commands: Commands, given: list[str]) -> int:
    """Runs the sub-command that the first argument names, and returns its exit status; 2 if there is no such one."""
    if given and given[0] in ("-V", "--version") and commands is COMMANDS:
        import kittiwake

        print(f"kittiwake {kittiwake.__version__}")
        return 0
    if not given or given[0] in ("-h", "--help", "help"):
        print(usage(program, commands), file=sys.stdout if given else sys.stderr)
        return 0 if given else 2
    found = commands.get(given[0])
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(given[0], commands, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        print(f"{program}: there is no command {given[0]!r}.{hint}\n\n{usage(program, commands)}", file=sys.stderr)
        return 2
    from importlib import import_module

    module = import_module(found[0])
    if hasattr(module, "COMMANDS"):
        return dispatch(f"{program} {given[0]}", module.COMMANDS, given[1:])
    return int(module.main(given[1:]))


def _settle_outputs() -> None:
    """Has what goes to a closed output (`>&-`) go nowhere, and letters that an output does not know become `?`."""
    for name in ("stdout", "stderr"):
        output = getattr(sys, name)
        if output is None:  # it lives as long as the process
            setattr(sys, name, open("/dev/null", "w"))  # noqa: SIM115
        elif name == "stdout" and output.errors == "strict":
            output.reconfigure(errors="replace")


def _write_no_more() -> None:
    """Has what is still buffered go nowhere: written at the end, it would fail once more."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main(arguments: list[str] | None = None) -> int:
    """Runs one sub-command and returns its exit status: 0 done, 1 refused or failed, 2 misused."""
    given = sys.argv[1:] if arguments is None else arguments
    if arguments is None:
        _settle_outputs()
    try:
        status = dispatch("kittiwake", COMMANDS, given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _write_no_more()  # whoever read our output has gone, as `| head` does
        return 1
    except OSError as fault:
        if arguments is not None:
            raise
        from kittiwake.cli.outcome import message_of

        _write_no_more()
        print(f"kittiwake: {message_of(fault)}", file=sys.stderr)
        return 1
    if arguments is None:
        import gc

        gc.freeze()  # the process ends: to look through all that it made for cycles would take milliseconds
    return status


if __name__ == "__main__":
    sys.exit(main())
