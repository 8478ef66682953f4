"""`kittiwake ground passes list`: the next passes, or the contacts that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.passes.served import rate_words, span_words
from kittiwake_ground.commands.served import served_parser, show, time_text, with_station
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.passes import ComingPass, Contact


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = served_parser(
        "passes list",
        "List the pass that is under way and the next ones; a rate with a * is that of earlier passes. Or list the "
        "contacts that they come from.",
    )
    made.add_argument("--count", type=int, default=10, metavar="N", help="so many passes (default: 10)")
    made.add_argument("--contacts", action="store_true", help="the contacts instead")
    return made


def main(arguments: list[str]) -> int:
    """Lists passes."""
    return with_station(parser(), arguments, _list)


async def _list(station: AsyncDeployment, options: argparse.Namespace) -> int:
    if options.contacts:
        contacts = await station.passes.contacts()
        for contact in contacts:
            show(options, contact, contact_line(contact))
        if not contacts and not options.json:
            complain("There is no contact.")
        return 0
    passes = await station.passes.coming(options.count)
    for one in passes:
        show(options, one, pass_line(one))
    if not passes and not options.json:
        complain("No pass is to come: `kittiwake ground passes add`.")
    return 0


def pass_line(one: ComingPass) -> str:
    """A pass in a line."""
    rates = f"down {rate_words(one.down_bps, one.down_measured)}, up {rate_words(one.up_bps, one.up_measured)}"
    names = " ".join(name for name in (one.name, f"({one.link})" if one.link else "") if name)
    origin = "" if one.origin == "hand" else f", {one.origin}"
    start = time_text(one.start_us)
    return f"{start}  {span_words(one.duration_s):<12}  {rates}  {names}  #{one.contact}{origin}"


def contact_line(one: Contact) -> str:
    """A contact in a line."""
    again = f", each {span_words(one.every_s)}" if one.every_s else ""
    until = f" until {time_text(one.until_us)}" if one.until_us else ""
    names = " ".join(name for name in (one.name, f"({one.link})" if one.link else "") if name)
    return f"{one.id:>4}  {time_text(one.start_us)}  {span_words(one.duration_s)}{again}{until}  {names}  {one.origin}"
