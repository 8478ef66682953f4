"""`kittiwake seq compile`: compiles a sequence to the binary file that a device runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.help_text import HelpText
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.output import write_whole
from kittiwake.cli.seq_text import read_text


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake seq compile", description="Compile a command sequence to the file that a device runs.",
        formatter_class=HelpText,
    )  # fmt: skip
    made.add_argument("sequence", type=Path, help="sequence text (.seq)")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: beside the text, as .bin")
    add_dictionary_option(made)
    made.add_argument(
        "--time-base", type=_time_base, default=0xFFFF, metavar="N", help="the clock it is for (default: 0xFFFF, any)"
    )
    return made


def _time_base(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def main(arguments: list[str]) -> int:
    """Compiles and prints the file's name; 1 if the text has faults."""
    return carry_out(parser(), _compile, arguments)


def _compile(options: argparse.Namespace) -> int:
    import gc

    # A compiler makes no cycles; collections would take a tenth of its time.
    gc.disable()
    try:
        return _write_compiled(options)
    finally:
        gc.enable()


def _write_compiled(options: argparse.Namespace) -> int:
    from kittiwake.sequence.compile import compile_text

    output = options.output or options.sequence.with_suffix(".bin")
    if output == options.sequence:
        raise Misuse(f"{output} would be overwritten; name another file with -o")
    text = read_text(options.sequence)
    write_whole(output, compile_text(text, str(options.sequence), chosen_dictionary(options), options.time_base))
    print(output)
    return 0
