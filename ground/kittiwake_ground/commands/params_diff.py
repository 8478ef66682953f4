"""`kittiwake ground params diff`: parameters against their defaults, between two times, or between two deployments."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import KnownValue, ParameterDifference

NOT_KNOWN, DIFFERS = 1, 3
"""Exit statuses where nothing differs but something is not known, and where something differs."""

OPERATOR_NEEDED, CANNOT_TELL = 403, 409


def add_diff_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of diff."""
    parser.add_argument("--from", dest="start", metavar="TIME", help="with diff: compare the values of then")
    parser.add_argument(
        "--to", dest="end", metavar="TIME", help="with diff: with those of this time (default: now); see `timeline`"
    )
    parser.add_argument("--with", dest="other", default="", metavar="NAME", help="with diff: with another deployment")
    parser.add_argument(
        "--last-known", action="store_true", help="with diff: take values that may be others by then as they were told"
    )


async def print_differences(ground: AsyncGround, options: argparse.Namespace) -> int:
    """Prints what differs, and gives the exit status."""
    station = await ground.deployment(options.deployment)
    if options.name:
        await station.parameters.get(options.name)
    if options.end is not None and options.start is None and not options.other:
        raise Misuse("--to says with which time to compare: --from says which one")
    is_default = options.start is None and not options.other
    if options.start is None:
        await refresh(station, options.timeout)
    if not is_default and options.end is None:
        await refresh(await ground.deployment(options.other or station.name), options.timeout)
    other = "" if is_default else options.other or station.name
    found = await station.parameters.diff(options.start, other, options.end, options.last_known)
    found = [one for one in found if not options.name or one.name == options.name]
    for one in found:
        if options.json and one.verdict != "same":
            print(json.dumps(_plain(one)))
        elif one.verdict in ("different", "absent"):
            print(_default_line(one) if is_default else _line(one))
    unknown = sum(one.verdict == "unknown" for one in found)
    if unknown:
        complain(f"{unknown} of {len(found)} parameters cannot be compared: a value is not known.")
    if any(one.verdict in ("different", "absent") for one in found):
        return DIFFERS
    return NOT_KNOWN if unknown else 0


async def refresh(station: AsyncDeployment, timeout_s: float) -> None:
    """Asks a deployment for its values; where it or whoever asks cannot, what is known from here has to do."""
    from kittiwake_ground.client import RequestRefused

    try:
        await station.parameters.refresh(timeout_s)
    except RequestRefused as fault:
        if fault.status not in (OPERATOR_NEEDED, CANNOT_TELL):
            raise


def _plain(one: ParameterDifference) -> dict[str, Any]:
    return {
        "name": one.name, "verdict": one.verdict, "first": one.first and asdict(one.first),
        "second": one.second and asdict(one.second),
    }  # fmt: skip


def _default_line(one: ParameterDifference) -> str:
    return f"{one.name} = {_known_text(one.first)}  (default {_known_text(one.second)})"


def _line(one: ParameterDifference) -> str:
    return f"{one.name}: {_known_text(one.first)} -> {_known_text(one.second)}"


def _known_text(known: KnownValue | None) -> str:
    if known is None:
        return "(has none)"
    return value_text(known.value) + (" (told before)" if known.stale else "")


def value_text(value: Any) -> str:
    """A value as it is typed."""
    return value if isinstance(value, str) else json.dumps(value)
