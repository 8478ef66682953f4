"""`kittiwake budget`: what telemetry and events cost on the downlinks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import dictionary_of
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.output import put_text
from kittiwake.wire.framing import FRAMINGS

if TYPE_CHECKING:
    from kittiwake.budget.links import Link, Schedule
    from kittiwake.dictionary.entries import Dictionary

MAX_TIME_S = 366 * 86_400
MAX_EVENTS_PER_MINUTE = 1e6


def add_source(made: argparse.ArgumentParser) -> None:
    """Adds what the commands of this family read, and the framing that stands in for its own."""
    made.add_argument("source", type=Path, help="topology file (YAML) or F´ dictionary (JSON)")
    made.add_argument("--framing", choices=sorted(FRAMINGS), help="default: the topology's, else ccsds")
    made.add_argument("--frame-size", type=int, metavar="BYTES", help="of TM frames; default: the deployment's")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake budget",
        description="Show the bytes of every packet, bytes a second, and seconds on each downlink.",
    )
    add_source(made)
    made.add_argument(
        "--rate", action="append", default=[], metavar="[LINK=]BITS",
        help="bits a second of all links, or of one; may be repeated",
    )  # fmt: skip
    made.add_argument("--uart", action="store_true", help="a byte takes 10 bits, as on a serial line with a stop bit")
    made.add_argument("--pass", dest="pass_s", type=float, metavar="SECONDS", help="length of a pass")
    made.add_argument("--level", type=int, help="send level; default: the topology's, else all packets")
    made.add_argument("--cycle", type=float, metavar="SECONDS", help="telemetry cycle; default: the topology's, else 1")
    made.add_argument(
        "--every", action="append", default=[], metavar="PACKET=CYCLES", help="rate of a packet; may be repeated"
    )
    made.add_argument("--events", type=float, default=6.0, metavar="NUMBER", help="events a minute; default: 6")
    made.add_argument("--packet-set", default="", metavar="NAME", help="where a dictionary has several")
    made.add_argument("-v", "--verbose", action="store_true", help="every channel and event too")
    made.add_argument("--json", action="store_true", help="as JSON, always with every channel")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Shows the budget; 1 if the topology or dictionary has faults."""
    return carry_out(parser(), _show, arguments)


def read_source(options: argparse.Namespace) -> tuple[Dictionary, list[Link], Schedule, str]:
    """The dictionary, the downlinks, the telemetry's schedule and the name of what the options name.

    Raises `Faults`, `DictionaryFault`, `OSError`.
    """
    from kittiwake.budget.links import Link, Schedule, links_of, schedule_of
    from kittiwake.dictionary.load import load_dictionary
    from kittiwake.wire.framing import FramingParameters

    if options.frame_size is not None and options.frame_size < 1:
        raise Misuse(f"--frame-size is 1 or more bytes, not {options.frame_size}")
    path = options.source
    if path.suffix in (".yaml", ".yml"):
        from kittiwake.topology.compile import load_topology

        topology = load_topology(path)
        dictionary = dictionary_of(topology, str(path))
        links = links_of(topology, options.framing or "", options.frame_size or 0)
        return dictionary, links, schedule_of(topology), topology.name
    dictionary = load_dictionary(str(path))
    size = options.frame_size or dictionary.config.frame_size
    parameters = FramingParameters(dictionary.config.spacecraft_id, frame_size=size)
    return dictionary, [Link("downlink", options.framing or "ccsds", parameters)], Schedule(), dictionary.deployment


def _show(options: argparse.Namespace) -> int:
    from kittiwake.budget.plan import make_budget
    from kittiwake.budget.report import Rates, budget_json, budget_text

    _check(options)
    dictionary, links, schedule, name = read_source(options)
    if options.cycle is not None:
        schedule = schedule._replace(cycle_s=options.cycle)
    schedule = schedule._replace(rates={**schedule.rates, **_cycles(options.every)})
    budget = make_budget(
        dictionary, links, schedule, level=options.level, packet_set=options.packet_set,
        events_per_minute=options.events, name=name,
    )  # fmt: skip
    rates = Rates(*_rates(options.rate, [link.name for link in links]), 10 if options.uart else 8)
    if options.json:
        text = json.dumps(budget_json(budget, rates, options.pass_s), indent=2) + "\n"
    else:
        text = budget_text(budget, rates, options.pass_s, verbose=options.verbose)
    put_text(text, options.output)
    return 0


def _check(options: argparse.Namespace) -> None:
    for option, value_s in (("--cycle", options.cycle), ("--pass", options.pass_s)):
        if value_s is not None and not 0 < value_s <= MAX_TIME_S:
            raise Misuse(f"{option} is more than 0 and at most {MAX_TIME_S:.0f} s, not {value_s:g}")
    if options.level is not None and options.level < 0:
        raise Misuse(f"--level is 0 or more, not {options.level}")
    if not 0 <= options.events <= MAX_EVENTS_PER_MINUTE:
        raise Misuse(f"--events is 0 to {MAX_EVENTS_PER_MINUTE:g} a minute, not {options.events:g}")


def _rates(given: list[str], links: list[str]) -> tuple[float | None, dict[str, float]]:
    """The rate of all links, and those of single ones."""
    from kittiwake.faults import did_you_mean

    bare = [text for text in given if "=" not in text]
    if len(bare) > 1:
        raise Misuse(f"--rate stands here twice for all links: {', '.join(bare)}")
    by_link = _pairs("--rate", [text for text in given if "=" in text])
    for name in by_link:
        if name not in links:
            hint = did_you_mean(name, links)
            raise Misuse(f"--rate: there is no link {name!r}" + (f" ({hint})" if hint else ""))
    return (_number("--rate", bare[0]) if bare else None), by_link


def _cycles(given: list[str]) -> dict[str, int]:
    """The packets' rates in cycles."""
    found = _pairs("--every", given)
    for name, cycles in found.items():
        if not cycles.is_integer():
            raise Misuse(f"--every: {name} goes out every so many whole cycles, not {cycles:g}")
    return {name: int(cycles) for name, cycles in found.items()}


def _pairs(option: str, given: list[str]) -> dict[str, float]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Misuse(f"{option} wants NAME=NUMBER, not {text!r}")
        found[name] = _number(option, value)
    return found


def _number(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Misuse(f"{option}: {text!r} is no number") from None
    if not 0 < value < 1e12:
        raise Misuse(f"{option} is more than 0, not {text}")
    return value
