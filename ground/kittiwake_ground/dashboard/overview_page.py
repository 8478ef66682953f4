"""The overview: is it there, is it well, and what happened last."""

from __future__ import annotations

from collections import deque
from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.alarm_rows import AlarmRows
from kittiwake_ground.dashboard.event_rows import SEVERITIES, event_row, record_row, row_html
from kittiwake_ground.dashboard.link_state import link_level, link_text
from kittiwake_ground.dashboard.live_html import LiveHtml, facts_html, tiles_html
from kittiwake_ground.dashboard.overview_facts import (
    deployment_facts,
    health_facts,
    link_facts,
    resources_html,
    tile_facts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.source import Source
    from kittiwake_ground.server.subscription import Update

MAX_EVENTS = 12
MAX_ALARMS = 50


async def build(context: Context) -> None:
    """The page."""
    deployment, is_past = context.deployment, context.replay is not None
    past = await context.past.events(deployment, lambda _: True, SEVERITIES, None, None, MAX_EVENTS)
    events = deque((event_row(one) for one in past["events"]), maxlen=MAX_EVENTS)
    parts: list[tuple[LiveHtml, Callable[[], str]]] = []
    if len(context.ground.deployments) > 1 and context.replay is None:
        parts.append((LiveHtml("kw-wide kw-fleet"), lambda: _fleet(context)))
    parts += [
        (LiveHtml("kw-wide"), lambda: _mismatch(deployment)),
        (LiveHtml("kw-tiles"), lambda: tiles_html(tile_facts(deployment, is_past))),
    ]
    with ui.element("div").classes("kw-columns"):
        with ui.element("div").classes("kw-stack"):
            alarms = _alarms(context)
            parts.append((_card("Last events"), lambda: _events(deployment.name, events)))
        with ui.element("div").classes("kw-stack"):
            resources = _card("Resources")
            parts.append((resources, lambda: resources_html(deployment) or _nothing("It tells nothing of them.")))
            parts.append((_card("Health"), lambda: _facts_or_none(deployment)))
        with ui.element("div").classes("kw-stack"):
            parts.append((_card("Link"), lambda: facts_html(link_facts(deployment, is_past))))
            parts.append((_card("Deployment"), lambda: facts_html(deployment_facts(deployment))))

    def refresh(updates: Iterable[Update] = ()) -> None:
        alarms.refresh()
        events.extend(record_row(one.subject, deployment.dictionary) for one in updates if one.kind == "events")
        for element, content in parts:
            element.show(content())

    refresh()
    context.on_tick(refresh)


def _card(title: str) -> LiveHtml:
    with ui.card().classes("kw-card kw-wide"):
        ui.label(title).classes("kw-heading").props("role=heading aria-level=2")
        return LiveHtml("kw-wide")


def _nothing(text: str) -> str:
    return f'<p class="kw-nothing">{escape(text)}</p>'


def _facts_or_none(deployment: Source) -> str:
    facts = health_facts(deployment)
    return facts_html(facts) if facts else _nothing("No counters of its health have come yet.")


def _events(deployment: str, rows: deque[dict[str, str]]) -> str:
    if not rows:
        return _nothing("No event has come yet.")
    shown = "".join(row_html(one) for one in reversed(rows))
    return f'<ul class="kw-events">{shown}</ul><a href="/d/{deployment}/events">All events</a>'


def _mismatch(deployment: Source) -> str:
    if deployment.hub.dictionary_matches is not False:
        return ""
    return (
        '<div class="kw-banner" role="alert"><b>The deployment was built with another dictionary.</b> What is shown '
        f"here may be wrong: it reports {escape(deployment.hub.dictionary_reported[:12])}, and this ground station "
        f"decodes with {escape(deployment.dictionary.hash[:12])}. Serve it with the dictionary of its build.</div>"
    )


def _fleet(context: Context) -> str:
    shown = []
    for one in context.ground.deployments.values():
        report, here = one.link, " kw-active" if one is context.deployment else ""
        unseen = len(one.hub.alarms.unseen())
        alarms = f'<span class="kw-count">{unseen}</span>' if unseen else ""
        shown.append(
            f'<a class="kw-ship{here}" href="/d/{one.name}/overview">'
            f'<span class="kw-dot kw-{link_level(report)}"></span>'
            f"<b>{escape(one.name)}</b><span>{escape(link_text(report).state)}</span>{alarms}</a>"
        )
    return "".join(shown)


def _alarms(context: Context) -> AlarmRows:
    with ui.card().classes("kw-card kw-wide"):
        ui.label("Alarms").classes("kw-heading").props("role=heading aria-level=2")
        return AlarmRows(context, MAX_ALARMS)
