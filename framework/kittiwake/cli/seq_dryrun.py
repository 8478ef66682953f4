"""`kittiwake seq dryrun`: prints when each command of a sequence would be sent, without sending any."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake.cli.seq_text import read_bytes, read_text

_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d(?:\.\d{1,6})?)Z?", re.ASCII)


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake seq dryrun",
        description="Print when each command of a sequence would be sent. Commands are taken to complete at once.",
    )
    made.add_argument("sequence", type=Path, help="sequence, text (.seq) or binary")
    made.add_argument(
        "--start", type=_start_us, metavar="TIME",
        help="when it starts, UTC: YYYY-DDDTHH:MM:SS or YYYY-MM-DDTHH:MM:SS (default: now)",
    )  # fmt: skip
    add_dictionary_option(made)
    return made


def _start_us(text: str) -> int:
    from datetime import date

    from kittiwake.sequence.times import absolute_us

    try:
        found = _ISO_DATE.fullmatch(text)
        if found is None:
            return absolute_us(text)
        year, month, day = (int(part) for part in found.groups()[:3])
        return absolute_us(f"{year:04}-{date(year, month, day).timetuple().tm_yday:03}T{found[4]}")
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def main(arguments: list[str]) -> int:
    """Prints the timeline; 1 if the sequence has faults."""
    return carry_out(parser(), _print_timeline, arguments)


def _print_timeline(options: argparse.Namespace) -> int:
    from kittiwake.sequence.binary import SequenceError
    from kittiwake.sequence.compile import compile_text
    from kittiwake.sequence.timeline import render_timeline, timeline

    start_us = time.time_ns() // 1000 if options.start is None else options.start
    dictionary = chosen_dictionary(options)
    if options.sequence.suffix == ".seq":
        content = compile_text(read_text(options.sequence), str(options.sequence), dictionary)
    else:
        content = read_bytes(options.sequence)
    try:
        steps = timeline(content, dictionary, start_us)
    except SequenceError as fault:
        raise ValueError(f"{options.sequence}: {fault}") from None
    print(render_timeline(steps) if steps else "The sequence holds no command.")
    return 0
