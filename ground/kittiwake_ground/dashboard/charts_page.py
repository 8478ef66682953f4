"""Strip charts of any numeric channels, live and of times gone by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.archive.tags import row_time
from kittiwake_ground.dashboard.layouts_bar import build_layouts
from kittiwake_ground.dashboard.numeric import is_numeric
from kittiwake_ground.dashboard.page import Context, complain
from kittiwake_ground.dashboard.power_facts import span_text
from kittiwake_ground.server.hub import TooManySubscriptions
from kittiwake_ground.server.layouts import MAX_CHANNELS, MAX_SPAN_S, SHARED, Layout
from kittiwake_ground.shown import json_value

if TYPE_CHECKING:
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.subscription import Subscription

LIVE_SPANS = {60: "1 min", 300: "5 min", 900: "15 min", 3600: "1 h"}
PAST_SPANS = {
    900: "15 min", 3600: "1 h", 6 * 3600: "6 h", 86400: "1 day", 7 * 86400: "7 days", 30 * 86400: "30 days",
    366 * 86400: "1 year",
}  # fmt: skip
OVER = {0: "nothing", 3600: "an hour earlier", 86400: "the day before", 7 * 86400: "the week before"}
"""What a time may be drawn over, in seconds before it."""

PREFERRED = ("CPU", "PROCESS_CPU", "MEMORY_USED", "BytesDown")
"""The ends of names to begin with."""


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<script src="/kittiwake/grid.js"></script><script src="/kittiwake/charts.js"></script>')
    charts = Charts(context)
    build_layouts(context, charts.state)
    charts.build()
    context.on_tick(lambda _: charts.tick())


class Charts:
    """The choice of channels and of time, and the chart itself."""

    def __init__(self, context: Context) -> None:
        self._hub = context.deployment.hub
        self._moving = "Live" if context.replay is None else "Replay"
        names = sorted(name for name, one in self._hub.dictionary.channels.items() if is_numeric(one))
        self._names = names
        self._chosen = [one for one in context.asked("channels").split(",") if one in names][:MAX_CHANNELS]
        self._chosen = self._chosen or _first_choice(names)
        self._live = context.asked("live") != "0"
        self._stacked = context.asked("stacked") != "0"
        asked = context.asked("span")
        spans = LIVE_SPANS if self._live else PAST_SPANS
        self._span = int(asked) if asked.isdecimal() and int(asked) in spans else 300 if self._live else 3600
        over, end = context.asked("over"), context.asked("end")
        self._over_s = int(over) if over.isdecimal() and int(over) <= MAX_SPAN_S and not self._live else 0
        self._end_s = float(end) if end.isdecimal() and self._over_s else 0.0
        self._feed: ChannelFeed | None = None
        ui.context.client.on_delete(self._close)

    def build(self) -> None:
        """The controls and the chart."""
        with ui.element("div").classes("kw-bar"):
            channels = ui.select(self._names, value=self._chosen, multiple=True, label="Channels", with_input=True)
            channels.props(f"outlined dense use-chips options-dense max-values={MAX_CHANNELS} data-key=/")
            channels.classes("kw-channels").on_value_change(lambda change: self._choose(change.value))
        with ui.element("div").classes("kw-bar"):
            when = ui.toggle({True: self._moving, False: "History"}, value=self._live).props("no-caps unelevated")
            when.classes("kw-toggle").on_value_change(lambda change: self._set_live(change.value))
            self._spans = ui.select(LIVE_SPANS if self._live else PAST_SPANS, value=self._span)
            self._spans.props("outlined dense options-dense aria-label=Span").classes("kw-span")
            self._spans.on_value_change(lambda change: self._set_span(change.value))
            with ui.element("div").classes("kw-bar kw-auto") as self._steps:
                for icon, name, share in (("chevron_left", "Earlier", -0.5), ("chevron_right", "Later", 0.5)):
                    step = ui.button(icon=icon, on_click=lambda _, share=share: self._step(share))
                    step.props(f"outline dense aria-label={name}")
                ui.button("Now", on_click=lambda: self._step(0)).props("outline no-caps dense padding='4px 12px'")
            layout = ui.toggle({True: "Stacked", False: "Overlaid"}, value=self._stacked).props("no-caps unelevated")
            layout.classes("kw-toggle").on_value_change(lambda change: self._set_stacked(change.value))
            self._over = ui.select(self._over_choices(), value=self._over_s, label="Over")
            self._over.props("outlined dense options-dense stack-label").classes("kw-over")
            self._over.on_value_change(lambda change: self._set_over(change.value))
            self._over.tooltip("Draws another time below this one; the axis is then the time since the start")
            export = ui.button("CSV", icon="download").props(
                "outline no-caps dense padding='4px 12px' data-action=export"
            )
            export.on("click", js_handler="() => kittiwakeCharts.save()").tooltip(
                "All values of the time that is shown"
            )
            ui.html('<span id="kw-chart-note" class="kw-muted" role="status"></span>', sanitize=False)
        with ui.card().classes("kw-card kw-chart-card"):
            self._chart = ui.echart({}).classes("kw-chart")
        self._begin()

    def _over_choices(self) -> dict[int, str]:
        return {**OVER, self._over_s: OVER.get(self._over_s, f"{span_text(self._over_s)} earlier")}

    def _set_over(self, seconds: int | None) -> None:
        if seconds is not None and seconds != self._over_s:
            self._over_s = seconds
            self._begin()

    def state(self) -> Layout:
        """What is shown, as a layout without a name of its own."""
        return Layout(
            self._hub.deployment, SHARED, "chart", tuple(self._chosen), self._span, self._live, self._stacked,
            0 if self._live else self._over_s,
        )  # fmt: skip

    def _choose(self, names: list[str] | None) -> None:
        self._chosen = list(names or [])[:MAX_CHANNELS]
        self._begin()

    def _set_live(self, live: bool) -> None:
        self._live = live
        self._span, self._end_s = (300 if live else 3600), 0.0
        self._spans.set_options(LIVE_SPANS if live else PAST_SPANS, value=self._span)
        self._begin()

    def _set_span(self, span: int | None) -> None:
        if span and span != self._span:
            self._span = span
            self._begin()

    def _set_stacked(self, stacked: bool) -> None:
        self._stacked = stacked
        self._begin()

    def _step(self, share: float) -> None:
        now = self._hub.now_us() / 1e6
        self._end_s = min(now, (self._end_s or now) + share * self._span) if share else 0.0
        self._begin()

    def _begin(self) -> None:
        self._close()
        self._steps.set_visibility(not self._live)
        self._over.set_visibility(not self._live)
        if self._live:
            try:
                self._feed = ChannelFeed(self._hub, self._chosen)
            except TooManySubscriptions as fault:
                complain(fault)
        end_s = self._end_s or self._hub.now_us() / 1e6
        channels = self._hub.dictionary.channels
        wanted = {
            "id": self._chart.id,
            "deployment": self._hub.deployment,
            "channels": [{"name": name, "unit": channels[name].unit} for name in self._chosen],
            "live": self._live,
            "windowS": self._span,
            "start": (end_s - self._span) * 1000,
            "end": end_s * 1000,
            "stacked": self._stacked,
            "overMs": 0 if self._live else self._over_s * 1000,
            "endGiven": bool(self._end_s),
        }
        ui.run_javascript(f"kittiwakeCharts.begin({json.dumps(wanted)})")

    def tick(self) -> None:
        """Sends what is new; an empty message moves the chart on."""
        if self._feed is not None:
            ui.run_javascript(f"kittiwakeCharts.push({json.dumps(self._feed.take())})")

    def _close(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None


class ChannelFeed:
    """The new values of some channels, as points of time in milliseconds and value."""

    def __init__(self, hub: Hub, names: list[str]) -> None:
        """Raises `TooManySubscriptions`."""
        self._subscription: Subscription | None = hub.subscribe(("channels",), names) if names else None

    def take(self) -> dict[str, list[tuple[float, Any]]]:
        """What came since the last time."""
        points: dict[str, list[tuple[float, Any]]] = {}
        for update in self._subscription.fetch() if self._subscription is not None else ():
            sample = update.subject
            value = json_value(sample.value)
            number = float(value) if isinstance(value, (int, float)) else None
            points.setdefault(sample.channel.name, []).append(
                (row_time(sample.tag, sample.received_us)[0] / 1000, number)
            )
        return points

    def close(self) -> None:
        """Takes no more."""
        if self._subscription is not None:
            self._subscription.close()


def _first_choice(names: list[str]) -> list[str]:
    found = [name for end in PREFERRED for name in names if name.endswith(f".{end}")]
    return found[:3] or names[:2]
