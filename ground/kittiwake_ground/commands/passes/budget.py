"""`kittiwake ground passes budget`: what fits into the next passes, and what waits."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.lines import one_line
from kittiwake_ground.commands.passes.served import rate_words, span_words
from kittiwake_ground.commands.served import served_parser, time_text, with_station
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.passes import Budget

LEFT = ("waits", "too large", "no pass")
WIDTH = 20
"""How many characters a bar has."""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = served_parser(
        "passes budget",
        "Print what each of the next passes can carry, and of all that waits, in the order in which it goes, whether "
        "it fits: into the next pass, into a later one, or not. Ends with 3 if something fits into none of them.",
    )
    made.add_argument("--count", type=int, default=5, metavar="N", help="reckon with so many passes (default: 5)")
    return made


def main(arguments: list[str]) -> int:
    """Prints the budget; 3 if something fits into no pass."""
    return with_station(parser(), arguments, _print)


async def _print(station: AsyncDeployment, options: argparse.Namespace) -> int:
    found = await station.passes.budget(options.count)
    if options.json:
        print(json.dumps(asdict(found), ensure_ascii=False))
    elif not found.passes:
        complain("No pass is to come: `kittiwake ground passes add`.")
    else:
        for line in budget_lines(found):
            print(one_line(line))
    left = any(one["verdict"] in LEFT for one in [*found.up, *found.down])
    return 3 if left else 0


def budget_lines(found: Budget) -> Iterator[str]:
    """The budget, line by line."""
    for number, one in enumerate(found.passes, 1):
        yield f"{number}. {time_text(one['start_us'])}  {span_words(one['duration_s'])}  {one['name']}".rstrip()
        for way in ("down", "up"):
            yield f"   {way:<4}  {_room(one[way], one[f'{way}_bps'], one[f'{way}_measured'])}"
    numbers = {one["start_us"]: number for number, one in enumerate(found.passes, 1)}
    for way, listed in (("down", found.down), ("up", found.up)):
        if listed:
            yield f"Waiting to go {way}, in this order:"
        for one in listed:
            fate, size = _fate(one, numbers), _size(one["bytes"])
            yield f"   {fate:<22}  {size:>10}  {one['kind']} {one['name']}  ({one['note']})"


def _room(room: Mapping[str, int], bps: float, measured: bool) -> str:
    capacity, background, used = room["capacity_bytes"], room["background_bytes"], room["used_bytes"]
    if not capacity:
        return "no rate is known: give one, or let a pass show it" if not bps else "nothing"
    filled = round(WIDTH * (background + used) / capacity)
    flow = f"{_size(background)} telemetry, " if background else ""
    bar = "#" * filled + "." * (WIDTH - filled)
    return f"[{bar}] {_size(capacity)} at {rate_words(bps, measured)}: {flow}{_size(used)} of what waits"


def _fate(one: Mapping[str, Any], numbers: Mapping[int, int]) -> str:
    verdict = one["verdict"]
    if verdict in ("fits", "later"):
        return f"goes in pass {numbers[one['done_start_us']]}"
    if verdict == "waits" and one["shares"]:
        return f"{_size(one['left_bytes'])} left behind"
    words = {"waits": "in none of these", "too large": "larger than a pass", "no pass": "no pass in its time"}
    return words.get(verdict, "size not known" if one["bytes"] is None else "rate not known")


def _size(size: int | None) -> str:
    if size is None:
        return "?"
    for unit in ("B", "kB", "MB"):
        if size < 10_000 or unit == "MB":
            return f"{size} {unit}"
        size = round(size / 1000)
    return str(size)
