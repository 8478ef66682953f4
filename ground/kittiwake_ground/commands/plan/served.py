"""What the sub-commands of `kittiwake ground plan` share: when something is to go, and how a plan is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_ground.commands.passes.served import moment, span
from kittiwake_ground.commands.served import served_parser, time_text

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.records import Plan


def plan_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    return served_parser(f"plan {name}", description)


def add_when_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say when."""
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--at", type=moment, metavar="TIME", help="at a date, as in 2026-11-27T20:15:00Z")
    when.add_argument("--in", dest="after", type=span, metavar="TIME", help="so long from now: 90s, 10m, 2h, 7d")
    when.add_argument(
        "--pass", dest="offset", nargs="?", const=0.0, type=span, metavar="TIME",
        help="at the start of the next pass, or so long after it",
    )  # fmt: skip
    parser.add_argument(
        "--expiry", type=span, metavar="TIME",
        help="how long it may then wait for the link (default: an hour, or until the end of the pass)",
    )  # fmt: skip


def when_of(options: argparse.Namespace) -> dict[str, Any]:
    """When, as the client wants it."""
    return {
        "at": options.at, "after_s": options.after, "pass_offset_s": options.offset, "expiry_s": options.expiry,
    }  # fmt: skip


def plan_line(plan: Plan) -> str:
    """A plan in a line: its number, state, when, what and who."""
    arguments = "".join([f" {name}={value}" for name, value in (plan.arguments or {}).items()])
    kind = "" if plan.kind == "command" else f"{plan.kind} "
    due_us = plan.released_us or plan.due_us
    due = time_text(due_us) if due_us is not None else f"{'in the next pass':<19}"
    what = f"{kind}{plan.subject}{arguments}, by {plan.by}"
    return f"{plan.id:>4}  {plan.state:<10}  {due}  {what}" + (f": {plan.reason}" if plan.reason else "")
