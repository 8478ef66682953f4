"""`kittiwake ground passes history`: what became of passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.passes.served import rate_words, span_words
from kittiwake_ground.commands.served import served_parser, show, time_text, with_station
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.passes import PassOutcome


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = served_parser("passes history", "Print what became of passes while the server ran, the oldest first.")
    made.add_argument("--last", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    return made


def main(arguments: list[str]) -> int:
    """Prints outcomes."""
    return with_station(parser(), arguments, _print)


async def _print(station: AsyncDeployment, options: argparse.Namespace) -> int:
    found = await station.passes.outcomes(options.last)
    for one in reversed(found):
        show(options, one, outcome_line(one))
    if not found and not options.json:
        complain("No pass was watched yet.")
    return 0


def outcome_line(one: PassOutcome) -> str:
    """What became of a pass, in a line."""
    names = " ".join(name for name in (one.name, f"({one.link})" if one.link else "") if name)
    start = f"{time_text(one.start_us)}  {names or 'pass'}"
    if not one.last_frame_us:
        return f"{start}: nothing came in {span_words(one.watched_s)}"
    contact = span_words((one.last_frame_us - one.first_frame_us) / 1e6)
    amounts = f"down {one.bytes_down} bytes, up {one.bytes_up}, {one.commands} commands"
    peak = f"at most {rate_words(one.peak_down_bps)} down" if one.peak_down_bps else "too short for a rate"
    return f"{start}: {amounts}; frames for {contact}, {peak}" + ("" if one.is_over else "; under way")
