"""The frame of every page: header, navigation, keyboard, and the one timer."""

from __future__ import annotations

from html import escape
from inspect import isawaitable
from itertools import zip_longest
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.alarm_html import pill_html
from kittiwake_ground.dashboard.link_state import link_level, link_text
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import TICK_S, Context, Page, complain
from kittiwake_ground.dashboard.past_bar import PastBar, build_look_back
from kittiwake_ground.server.hub import TooManySubscriptions
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from kittiwake_ground.people.desk import Person
    from kittiwake_ground.server.subscription import Subscription

KEYS = "1234567890"
"""What opens the first pages, in the order of the navigation."""

CHECK_TICKS = 20
"""Ticks between two looks whether the log-in still counts."""


def dress(theme: str = "") -> None:
    """Colours, typography and the script of the dashboard; `theme` is `dark`, `light`, or empty for the system's."""
    ui.add_head_html(
        '<link rel="stylesheet" href="/kittiwake/kittiwake.css"><script src="/kittiwake/kittiwake.js"></script>'
    )
    ui.dark_mode({"dark": True, "light": False}.get(theme))
    ui.colors(
        primary="#0b6bcb", secondary="#0f3d5e", accent="#0b6bcb", dark="#161e26", dark_page="#0e141a",
        positive="#1a7f4b", negative="#c62828", info="#0b6bcb", warning="#b26a00",
    )  # fmt: skip


def build_notice(title: str, text: str) -> None:
    """A page that says one thing."""
    with ui.column().classes("kw-center"), ui.card().classes("kw-card"):
        ui.label(title).classes("kw-title")
        ui.label(text)
        ui.link("Back to the start", "/")


async def build_frame(context: Context, page: Page) -> None:
    """The frame with the page in it."""
    try:
        subscription = context.deployment.hub.subscribe({*page.kinds, "links"})
    except TooManySubscriptions as fault:
        build_notice("Too many pages are open", str(fault))
        return
    ui.context.client.on_delete(subscription.close)
    set_clock()
    drawer = _navigation(context, page)
    _header(context, page, drawer)
    bar = None if context.replay is None else PastBar(context, page, context.replay)
    with ui.column().classes("kw-page"):
        built = page.build(context)
        if isawaitable(built):
            await built
    _start_timer(context, subscription, bar)


def set_clock() -> None:
    """Has the page's clock show the ground station's time."""
    ui.add_head_html(f"<script>kittiwake.setClock({now_us() // 1000})</script>")


def _navigation(context: Context, page: Page) -> ui.left_drawer:
    from kittiwake_ground.dashboard.pages import PAGES

    # With a value of None, NiceGUI would ask the browser, and complain if the page is gone before it answers.
    with ui.left_drawer(value=False, bordered=True).classes("kw-drawer") as drawer:
        drawer.props("width=200 breakpoint=900 show-if-above")
        if len(context.ground.deployments) > 1:
            with ui.link(target="/fleet").classes("kw-nav").props("data-key=f"):
                ui.icon("view_list", size="20px")
                ui.label("Fleet")
                ui.label("f").classes("kw-key")
        pages = [one for one in PAGES if one.is_for(context.deployment)]
        for one, key in zip_longest(pages, KEYS[: len(pages)]):
            place = f"/d/{context.deployment.name}/{one.name}"
            active = " kw-active" if one is page else ""
            with ui.link(target=place).classes(f"kw-nav{active}").props(f"data-key={key}" if key else ""):
                ui.icon(one.icon, size="20px")
                ui.label(one.title)
                if key:
                    ui.label(key).classes("kw-key")
        ui.space()
        with ui.column().classes("kw-foot"):
            ui.html("<kbd>/</kbd> search <kbd>p</kbd> pause<br><kbd>d</kbd> dark <kbd>m</kbd> menu", sanitize=False)
            ui.link("Handbook", f"/handbook/{context.deployment.name}", new_tab=True)
            ui.link("API", "/api/v1/docs", new_tab=True)
    return drawer


def _header(context: Context, page: Page, drawer: ui.left_drawer) -> None:
    deployment = context.deployment
    with ui.header(elevated=False).classes("kw-header"):
        ui.button(icon="menu", color=None, on_click=drawer.toggle).props("flat round dense data-key=m aria-label=Menu")
        ui.image("/kittiwake/kittiwake.svg").classes("kw-mark")
        chooser = ui.select(sorted(context.ground.deployments), value=deployment.name).props(
            "dense borderless options-dense aria-label=Deployment"
        )
        chooser.classes("kw-chooser").mark("deployment")
        chooser.on_value_change(lambda change: ui.navigate.to(context.place_of(change.value, page.name)))
        ui.space()
        _alarm_state(context)
        _link_state(context)
        build_look_back(context, page)
        build_header_tools(context.person)


def build_header_tools(person: Person) -> None:
    """What stands at the right end of every header: the clock, dark or light, and who is logged in."""
    ui.html('<span id="kw-clock" title="The ground station&#39;s clock, UTC"></span>', sanitize=False)
    ui.button(icon="contrast", color=None).props('flat round dense data-key=d aria-label="Dark or light"').on(
        "click", js_handler="() => kittiwake.toggleDark()"
    )
    if person.way == "session":
        with ui.button(icon="account_circle", color=None).props("flat round dense aria-label=Account"), ui.menu():
            ui.item(f"{person.name} ({person.role})").props("disable")
            ui.menu_item("Log out").on("click", js_handler="() => kittiwake.logOut()")


def _alarm_state(context: Context) -> None:
    shown = LiveHtml("kw-alarm-count")
    hub = context.deployment.hub

    def refresh(_: object = None) -> None:
        shown.show(pill_html(hub.alarms.unseen(), context.place("alarms")))

    refresh()
    context.on_tick(refresh)


def _link_state(context: Context) -> None:
    shown = ui.html("", sanitize=False).classes("kw-link-state").props("role=status aria-live=polite")
    last = ""

    def refresh(_: object = None) -> None:
        nonlocal last
        report = context.deployment.link
        text = link_text(report, context.deployment.hub.now_us())
        content = (
            f'<span class="kw-dot kw-{link_level(report)}"></span>'
            f'<span class="kw-link-text">{escape(text.state)}</span>'
            f'<span class="kw-link-reason">{escape(text.reason)}</span>'
        )
        if content != last:
            last = content
            shown.set_content(content)

    refresh()
    context.on_tick(refresh)


def _start_timer(context: Context, subscription: Subscription, bar: PastBar | None) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks % CHECK_TICKS == 0 and not context.still_here():
            ui.navigate.reload()
            return
        if bar is not None:
            await bar.advance()
        updates = subscription.fetch()
        if subscription.dropped:
            complain(f"{subscription.dropped} updates were left out: more came than this page can take")
            subscription.dropped = 0
        await context.tick(updates)

    ui.timer(TICK_S, tick)
