"""What people do about alarms on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.alarms.life import MAX_COMMENT
from kittiwake_ground.dashboard.page import Refused, complain

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.alarms.life import Alarm
    from kittiwake_ground.dashboard.page import Context

SPANS = {900: "15 min", 3600: "1 h", 8 * 3600: "8 h", 86400: "1 day", 7 * 86400: "7 days"}


def carry_out(context: Context, action: str, detail: str, do: Callable[[str], object]) -> bool:
    """Does something in the name of whoever is at the page, and says why it could not be done."""
    try:
        do(context.act(action, detail))
    except (Refused, LookupError, ValueError, OSError) as fault:
        complain(fault)
        return False
    return True


def acknowledge_channel(context: Context, name: str) -> None:
    """Acknowledges the alarms of a channel."""
    carry_out(context, "acknowledge", name, lambda by: context.deployment.hub.acknowledge(name, by))


def acknowledge(context: Context, alarm: Alarm) -> None:
    """Acknowledges an alarm as it is shown: not if it is graver by now."""
    book = context.deployment.hub.alarms
    carry_out(
        context, "acknowledge", f"{alarm.source} #{alarm.id}",
        lambda by: book.acknowledge(alarm.id, by, revision=alarm.revision),
    )  # fmt: skip


def acknowledge_all(context: Context) -> None:
    """Acknowledges all that are not shelved."""
    book = context.deployment.hub.alarms
    carry_out(context, "acknowledge", f"{len(book.unseen())} alarms", book.acknowledge_all)


def unshelve(context: Context, alarm: Alarm) -> None:
    """Has people be told of an alarm again."""
    book = context.deployment.hub.alarms
    carry_out(context, "alarm unshelved", f"{alarm.source} #{alarm.id}", lambda by: book.unshelve(alarm.id, by))


async def comment(context: Context, alarm: Alarm) -> None:
    """Asks for a comment."""
    book = context.deployment.hub.alarms
    text = await _ask("Comment", alarm, alarm.comment, None)
    if text is not None:
        detail = f"{alarm.source} #{alarm.id} {text[0]}"
        carry_out(context, "alarm comment", detail, lambda by: book.comment(alarm.id, text[0], by))


async def shelve(context: Context, alarm: Alarm) -> None:
    """Asks for how long nobody is to be told, and why."""
    book = context.deployment.hub.alarms
    answer = await _ask("Shelve", alarm, "", 3600)
    if answer is not None:
        text, for_s = answer
        detail = f"{alarm.source} #{alarm.id} for {for_s} s {text}".rstrip()
        carry_out(context, "alarm shelved", detail, lambda by: book.shelve(alarm.id, for_s or 0, by, text))


async def _ask(verb: str, alarm: Alarm, first: str, span_s: int | None) -> tuple[str, int | None] | None:
    with ui.dialog() as dialog, ui.card().classes("kw-card kw-dialog"):
        ui.label(verb).classes("kw-title")
        ui.label(alarm.source).classes("kw-muted kw-anywhere")
        spans = None
        if span_s is not None:
            ui.label("Nobody is told meanwhile, also if it comes again.").classes("kw-muted")
            spans = ui.toggle(SPANS, value=span_s).props("no-caps unelevated dense").classes("kw-toggle")
        text = ui.textarea("Why" if spans else "What is to be said", value=first).classes("kw-wide")
        text.props(f"outlined autogrow maxlength={MAX_COMMENT}")
        with ui.element("div").classes("kw-bar kw-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button(verb, on_click=lambda: dialog.submit(True)).props("unelevated no-caps data-action=agree")
    agreed: Any = await dialog
    dialog.delete()
    return (text.value or "", None if spans is None else int(spans.value or 0)) if agreed else None
