"""`kittiwake ground alarms derived`: channels that the ground derives from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.alarms.served import alarms_parser, with_alarms
from kittiwake_ground.commands.served import show

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms
    from kittiwake_ground.client.records import DerivedChannel

ACTIONS = ("list", "set", "remove")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser(
        "derived",
        "List the derived channels; make one, or make it anew; remove one. Expressions have numbers, names of channels "
        "with their members and [elements], + - * / // %% **, comparisons, and, or, not, A if B else C, and functions "
        "such as abs, min, max, sqrt, log, sin and hypot.",
    )
    made.add_argument("action", choices=ACTIONS)
    made.add_argument("name", nargs="?", default="", help="words joined by dots, as in Ground.power.Total")
    made.add_argument("expression", nargs="?", default="", help="as in 'Ref.power.Volts * Ref.power.Amps'")
    made.add_argument("--unit", default="", metavar="TEXT")
    made.add_argument("--annotation", default="", metavar="TEXT", help="what it is")
    return made


def main(arguments: list[str]) -> int:
    """Lists or changes; 2 for an expression that cannot be."""
    return with_alarms(parser(), arguments, _act)


async def _act(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    found = await alarms.all_derived()
    if options.action == "list":
        for one in found:
            if not options.name or one.name == options.name:
                show(options, one, _line(one))
        return 0
    if not options.name or (options.action == "set" and not options.expression):
        raise Misuse("which channel?" if not options.name else f"how is {options.name} derived?")
    seen = next((one for one in found if one.name == options.name), None)
    if options.action == "remove":
        await alarms.remove_derived(options.name if seen is None else seen)
        return 0
    made = await alarms.derive(options.name, options.expression, options.unit, options.annotation, seen)
    show(options, made, _line(made))
    return 0


def _line(one: DerivedChannel) -> str:
    unit = f"  [{one.unit}]" if one.unit else ""
    return f"{one.name} = {one.expression}{unit}" + (f"  ({one.fault})" if one.fault else "")
