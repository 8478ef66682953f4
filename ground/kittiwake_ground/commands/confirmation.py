"""Asks whether hazardous commands are meant."""

from __future__ import annotations

import sys

from kittiwake.cli.outcome import Misuse


def confirm_hazards(said: str, verb: str) -> None:
    """Asks whether what is `said` is meant. Raises `Misuse` if it is not, or nobody can be asked."""
    if not sys.stdin.isatty():
        raise Misuse(f"{said}; say --yes to confirm them")
    print(said, file=sys.stderr)
    print(f"{verb.capitalize()} it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Misuse("it was not confirmed")
