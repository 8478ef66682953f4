"""`kittiwake ground alarms limits`: limits that count in place of the dictionary's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.alarms.served import alarms_parser, with_alarms
from kittiwake_ground.commands.served import show
from kittiwake_ground.commands.session import seconds

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms
    from kittiwake_ground.client.records import ChannelLimits

ACTIONS = ("list", "set", "remove")
SIDES, COLOURS = ("low", "high"), ("yellow", "orange", "red")
NONE = "none"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser(
        "limits",
        "List the limits that count; set those of a channel, where what is not given stays as it is; or remove what "
        "was set, so that the dictionary's count again.",
    )
    made.add_argument("action", choices=ACTIONS)
    made.add_argument("channel", nargs="?", default="", help="full name, as in ComCcsds.link.BytesDown")
    for side in SIDES:
        for colour in COLOURS:
            beyond = "below" if side == "low" else "above"
            shown = f"{colour} {beyond} X, or none"
            made.add_argument(f"--{side}-{colour}", type=_limit, metavar="X", help=shown)
    made.add_argument("--samples", type=int, metavar="N", help="so many values in a row must be beyond (default: 1)")
    made.add_argument("--hold", dest="hold_s", type=seconds, metavar="S", help="and for so long (default: 0)")
    made.add_argument("--hysteresis", type=float, metavar="X", help="by so much a value must be within to be back")
    made.add_argument(
        "--stale", dest="stale_s", type=seconds, metavar="S", help="silent for so long is an alarm; 0: never"
    )
    made.add_argument("--stale-level", choices=("YELLOW", "ORANGE", "RED"), help="how grave that is (default: YELLOW)")
    return made


def _limit(text: str) -> float | str:
    return NONE if text == NONE else float(text)


def main(arguments: list[str]) -> int:
    """Lists or changes; 1 if somebody else has changed them meanwhile, 2 for limits that cannot be."""
    return with_alarms(parser(), arguments, _act)


async def _act(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    if options.action == "list":
        found = [await alarms.limits(options.channel)] if options.channel else await alarms.all_limits()
        for one in found:
            show(options, one, limits_line(one))
        return 0
    if not options.channel:
        raise Misuse(f"{options.action} the limits of which channel?")
    seen = await alarms.limits(options.channel)
    if options.action == "remove":
        left = await alarms.remove_limits(seen)
    else:
        left = await alarms.set_limits(options.channel, _wanted(seen, options), seen)
    show(options, left, limits_line(left))
    return 0


def _wanted(seen: ChannelLimits, options: argparse.Namespace) -> dict[str, Any]:
    """What the options change."""
    wanted: dict[str, Any] = {}
    for side in SIDES:
        given = {colour: getattr(options, f"{side}_{colour}") for colour in COLOURS}
        merged = {**getattr(seen, side), **{key: limit for key, limit in given.items() if limit is not None}}
        wanted[side] = {key: limit for key, limit in merged.items() if limit != NONE}
    for name in ("samples", "hold_s", "hysteresis", "stale_s", "stale_level"):
        if getattr(options, name) is not None:
            wanted[name] = getattr(options, name)
    return wanted


def limits_line(one: ChannelLimits) -> str:
    """The limits of a channel in a line."""
    parts = [f"{colour} below {one.low[colour]:g}" for colour in COLOURS if colour in one.low]
    parts += [f"{colour} above {one.high[colour]:g}" for colour in COLOURS if colour in one.high]
    if one.stale_s:
        parts.append(f"{one.stale_level.lower()} after {one.stale_s:g} s of silence")
    more = [f"by {one.by}" if one.by else "of the dictionary"]
    if one.samples > 1:
        more.append(f"{one.samples} values")
    more += [f"{name} {value:g}{unit}" for name, value, unit in _patience(one) if value]
    return f"{one.channel}: {', '.join(parts) or 'none'}  ({', '.join(more)})"


def _patience(one: ChannelLimits) -> tuple[tuple[str, float, str], ...]:
    return ("for", one.hold_s, " s"), ("hysteresis", one.hysteresis, "")
