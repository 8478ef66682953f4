"""Runs of procedures and their logs as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client.runlog import entry_text, entry_time
from kittiwake_ground.dashboard.life_html import chip, clock_text, span_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake_ground.procedures.run import Run
    from kittiwake_ground.procedures.shelf import Procedure

MAX_TEXT = 2000
"""The most characters of an entry that are shown."""


def pick_html(procedure: Procedure, chosen: bool, hazardous: bool) -> str:
    """A procedure in the list: a button."""
    mark = '<span class="kw-hazard" title="sends hazardous commands">!</span>' if hazardous else ""
    if procedure.fault:
        mark = '<span class="kw-chip kw-chip-bad">fault</span>'
    current = ' aria-current="true"' if chosen else ""
    name = escape(procedure.name)
    return f'<button type="button" class="kw-pick" data-procedure="{name}"{current}>{name}{mark}</button>'


def run_html(run: Run) -> str:
    """A run: what, with what, by whom, how long, and what became of it."""
    arguments = " ".join(
        f'<span class="kw-arg"><i>{escape(name)}</i> {escape(value_text(value))}</span>'
        for name, value in run.arguments.items()
    )
    took = f", {span_text(run.ended_us - run.started_us).removeprefix('+')}" if run.ended_us else ""
    reason = f'<div class="kw-reason kw-muted">{escape(run.reason)}</div>' if run.reason else ""
    if run.state == "failed":
        reason = reason.replace("kw-muted", "kw-bad")
    return (
        f'<div class="kw-row-head"><span class="kw-call"><b>{escape(run.procedure)}</b> {arguments}</span>'
        f'<span class="kw-by">#{run.id} by {escape(run.by)}, {clock_text(run.started_us)[:8]}{took}</span></div>'
        f'<div class="kw-steps" data-run-state="{escape(run.state)}">{chip(run.state)}</div>{reason}'
    )


def entries_html(entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries of a log, a row each."""
    return "".join(
        f'<div class="kw-log-row kw-log-{_level(entry)}"><i>{escape(entry_time(entry))}</i>'
        f"<b>{escape(str(entry['kind']))}</b><span>{escape(entry_text(entry)[:MAX_TEXT])}</span></div>"
        for entry in entries
    )


def _level(entry: Mapping[str, Any]) -> str:
    """How an entry is coloured: a step is a heading, what went wrong is red."""
    if entry["kind"] in ("step", "begin"):
        return "head"
    bad = entry.get("met") is False or entry.get("failed") is True or entry.get("outcome") in ("failed", "aborted")
    if entry["kind"] in ("command", "transfer", "sequence"):
        bad = bad or entry.get("state") in ("failed", "timed_out", "refused", "expired")
    good = entry.get("met") is True or entry.get("state") == "completed" or entry.get("outcome") == "passed"
    return "bad" if bad else "good" if good else "plain"
