"""How a sub-command ends: its exit status, and what it says where its input is at fault."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # a device's start takes `typing` from its code pack
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable
    from pathlib import Path


class Misuse(ValueError):
    """Arguments that make no sense; the message says which."""


def carry_out(parser: ArgumentParser, action: Callable[[Namespace], int], arguments: list[str]) -> int:
    """Parses the arguments and runs the action; gives its status, 1 for bad input, 2 for misuse.

    Faults of files are shown with their places, everything else behind the command's name. argparse itself ends the
    program, with status 2, for arguments that it cannot read.
    """
    options = parser.parse_intermixed_args(arguments)
    try:
        return action(options)
    except BrokenPipeError:
        raise
    except (OSError, ValueError, RecursionError) as fault:
        show_fault(parser.prog, fault)
        return 2 if isinstance(fault, Misuse) else 1


def check_each(program: str, paths: Iterable[Path], describe: Callable[[Path], str]) -> int:
    """Prints what `describe` says of each file, and the faults of those for which it raises; 1 if there is one."""
    status = 0
    for path in paths:
        try:
            print(f"{path}: {describe(path)}")
        except (OSError, ValueError) as fault:
            show_fault(program, fault)
            status = 1
    return status


def show_fault(program: str, fault: Exception) -> None:
    """Says on the terminal what is wrong with an input."""
    from kittiwake.dictionary.fields import DictionaryFault
    from kittiwake.faults import Faults

    if isinstance(fault, Faults):
        print(fault.render(), file=sys.stderr)
    elif isinstance(fault, DictionaryFault):
        print(fault, file=sys.stderr)
    else:
        print(f"{program}: {message_of(fault)}", file=sys.stderr)


def message_of(fault: Exception) -> str:
    """What an exception says; of a system error its file and reason, without the number."""
    if isinstance(fault, RecursionError):
        return "the input nests too deeply"
    if isinstance(fault, OSError) and fault.strerror:
        return f"{fault.filename}: {fault.strerror}" if fault.filename else fault.strerror
    return str(fault) or type(fault).__name__
