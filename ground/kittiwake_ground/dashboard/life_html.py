"""Commands, transfers and runs as HTML: chips of their states, their lives with times, bars of progress."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.server.transfer import CFDP
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVELS = {
    "completed": "good", "done": "good", "passed": "good", "stopped": "idle", "interrupted": "warning",
    "queued": "idle", "cancelled": "idle", "waiting": "idle", "not run": "idle",
    "failed": "bad", "timed_out": "bad", "refused": "bad", "expired": "bad", "not told": "warning",
}  # fmt: skip
"""How a state is coloured; the others are on their way."""

MAX_VALUE = 200
"""The most characters of an argument that are shown."""


def clock_text(time_us: int) -> str:
    """The time of day, UTC, to the millisecond."""
    return iso_time(time_us)[11:23]


def span_text(span_us: int) -> str:
    """A span of time: `+38 ms`, `+2.41 s`, `+3 min 5 s`."""
    if span_us < 1_000_000:
        return f"+{max(0, span_us) // 1000} ms"
    if span_us < 60_000_000:
        return f"+{span_us / 1e6:.2f} s"
    minutes, seconds = divmod(span_us // 1_000_000, 60)
    return f"+{minutes} min {seconds} s"


def chip(state: str) -> str:
    """A state as a coloured word."""
    return f'<span class="kw-chip kw-chip-{_LEVELS.get(state, "moving")}">{escape(state.replace("_", " "))}</span>'


def value_text(value: Any) -> str:
    """An argument for people, cut where it is long."""
    if isinstance(value, str):
        shown = f'"{value}"' if not value or not value.isidentifier() else value
    elif isinstance(value, bool):
        shown = "true" if value else "false"
    elif isinstance(value, dict):
        shown = "{" + ", ".join(f"{name}: {value_text(item)}" for name, item in value.items()) + "}"
    elif isinstance(value, list):
        shown = "[" + ", ".join(map(value_text, value)) + "]"
    else:
        shown = str(value)
    return shown if len(shown) <= MAX_VALUE else shown[: MAX_VALUE - 3] + "..."


def name_html(name: str) -> str:
    """A full name with its instance in grey."""
    instance, dot, last = name.rpartition(".")
    return f'<span class="kw-instance">{breakable(instance + dot)}</span><b>{breakable(last)}</b>'


def breakable(text: str) -> str:
    """Escaped text that may be broken behind dots, where names are read in parts."""
    return escape(text).replace(".", ".<wbr>")


def life_html(command: Mapping[str, Any]) -> str:
    """A command's states, each with the time since the one before."""
    parts = []
    before_us = 0
    for step in command["steps"]:
        at_us = step["time_us"]
        when = span_text(at_us - before_us) if before_us else clock_text(at_us)
        parts.append(f'<span class="kw-step" title="{escape(step["time"])}">{chip(step["state"])}<i>{when}</i></span>')
        before_us = at_us
    if not command["final"]:
        parts.append('<span class="kw-step kw-muted">waiting...</span>')
    return f'<div class="kw-steps">{"".join(parts)}</div>'


def end_html(command: Mapping[str, Any]) -> str:
    """Why a command has not done what it should: the reason, and the response unless the reason has it."""
    response, reason = command["response"], command["reason"]
    parts = (response if response != "OK" and response not in reason else "", reason)
    end = " - ".join(part for part in parts if part)
    return f'<div class="kw-bad kw-reason">{escape(end)}</div>' if end else ""


def command_html(command: Mapping[str, Any]) -> str:
    """A command of the history: what, by whom, its life, and how it ended."""
    arguments = " ".join(
        f'<span class="kw-arg"><i>{escape(name)}</i> {escape(value_text(value))}</span>'
        for name, value in command["arguments"].items()
    )
    when = command["steps"][0]["time"] if command["steps"] else ""
    return (
        f'<div class="kw-row-head"><span class="kw-call">{name_html(command["name"])} {arguments}</span>'
        f'<span class="kw-by" title="{escape(when)}">by {escape(command["by"])}, {escape(when[:10])}</span></div>'
        f"{life_html(command)}{end_html(command)}"
    )


def transfer_html(transfer: Mapping[str, Any]) -> str:
    """A transfer: its file, how far it has come, and how it ended."""
    size, done, state = transfer["size"], transfer["done_bytes"], transfer["state"]
    share = 1.0 if state == "completed" else (done / size if size else 0.0)
    arrow, words = ("&uarr;", "up to") if transfer["direction"] == "up" else ("&darr;", "down from")
    amount = size_text(size) if state == "completed" else f"{size_text(done)} of {size_text(size) if size else '?'}"
    if transfer["ended_us"]:
        amount += f", {span_text(transfer['ended_us'] - transfer['asked_us']).removeprefix('+')}"
    elif state == "running" and size:
        amount += f", {share:.0%}"
    reason = f'<div class="kw-bad kw-reason">{escape(transfer["reason"])}</div>' if transfer["reason"] else ""
    sha256 = f' title="SHA-256 {transfer["sha256"]}"' if transfer["sha256"] else ""
    way = f'<span class="kw-muted"{sha256}> by CFDP</span>' if transfer["way"] == CFDP else ""
    return (
        f'<div class="kw-row-head"><span class="kw-call"><span class="kw-way">{arrow}</span> {words} '
        f'<b class="kw-mono">{escape(transfer["remote"])}</b>{way}</span>'
        f'<span class="kw-by">by {escape(transfer["by"])}, {clock_text(transfer["asked_us"])[:8]}</span></div>'
        f'<div class="kw-steps">{chip(state)}{bar_html(share, state)}<i class="kw-amount">{amount}</i></div>{reason}'
    )


def bar_html(share: float, state: str) -> str:
    """A bar that is full to a share from 0 to 1."""
    percent = round(min(1.0, max(0.0, share)) * 100)
    return (
        f'<span class="kw-progress kw-progress-{_LEVELS.get(state, "moving")}" role="progressbar" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}"><span style="width:{percent}%"></span></span>'
    )
