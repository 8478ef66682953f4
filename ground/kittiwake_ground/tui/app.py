"""The screen: the line of the standing, the views, the last events, the line for commands, and the keys."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from rich.text import Text
from textual.app import App
from textual.binding import Binding
from textual.widgets import ContentSwitcher, Footer, Static

from kittiwake.dictionary.lines import one_line
from kittiwake_ground.client.asynchronous import AsyncGround
from kittiwake_ground.client.faults import RequestRefused, ServerUnreachable
from kittiwake_ground.client.records import Plan
from kittiwake_ground.tui.alarms_view import AlarmsView
from kittiwake_ground.tui.asking import DeploymentPicker, Details, Question, Remark
from kittiwake_ground.tui.channel_screen import ChannelScreen
from kittiwake_ground.tui.channels_view import ChannelsView
from kittiwake_ground.tui.command_entry import CommandEntry
from kittiwake_ground.tui.commands_view import CommandsView
from kittiwake_ground.tui.events_view import EventsView
from kittiwake_ground.tui.following import Following
from kittiwake_ground.tui.picture import MAX_TRAIL, Picture, number_of
from kittiwake_ground.tui.records_text import alarm_text, command_text, event_text, plan_text
from kittiwake_ground.tui.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.timer import Timer

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.tui.record_list import RecordList
    from kittiwake_ground.tui.view import View

REFRESH_S = 0.25
STEADY = 4
"""Without news it is drawn every so many times, as ages grow."""

PAUSE_BEFORE_TRAIL_S = 0.2
TAIL_LINES = 3
NOTICE_S = 60.0
ANSWER_TIMEOUT_S = 30.0
VIEWS: tuple[type[View], ...] = (ChannelsView, EventsView, CommandsView, AlarmsView)


class OperatorApp(App[None]):
    """The terminal's whole screen, for one server. `picture` is of the deployment that is shown."""

    TITLE = "Kittiwake"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar = [
        *[Binding(str(number), f"open('{one.title}')", one.title, show=False) for number, one in enumerate(VIEWS, 1)],
        Binding("left", "beside(-1)", "View to the left", show=False),
        Binding("right", "beside(1)", "View to the right", show=False),
        Binding("c,colon", "command", "Command", key_display="c"),
        Binding("d", "deployments", "Deployment"),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False),
    ]
    CSS = """
    #views { height: 1fr; }
    #tail { height: 3; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    .-short #tail, #tail.spare, .-short ChannelsView > Sparkline, .-short ChannelsView > Static { display: none; }
    #tabs { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    #notice { height: auto; max-height: 3; display: none; padding: 0 1; }
    #notice.used { display: block; }
    """

    def __init__(self, address: str, deployment: str, pick: bool = False) -> None:
        """`deployment` is shown; with `pick` the others are offered first."""
        # A terminal without colour gets none at all, not even grey.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.ground = AsyncGround(address)
        self.picture = Picture(deployment)
        self.following = Following(self.ground, self.picture)
        # Held here, as what comes while the screen is taken down finds them no more by asking for them.
        self._standing = Standing(self.following)
        self._tabs, self._tail = Static(id="tabs"), Static(id="tail", markup=False)
        self._notice = Static(id="notice", markup=False)
        self._entry = CommandEntry(self.picture)
        self._views = {kind.title: kind(self.picture, id=kind.title) for kind in VIEWS}
        self._switcher = ContentSwitcher(*self._views.values(), initial=ChannelsView.title, id="views")
        self._pick = pick
        self._drawn = -1
        self._idle = 0
        self._forgetting: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._standing
        yield self._tabs
        yield self._switcher
        yield self._tail
        yield self._notice
        yield self._entry
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Starts to follow."""
        self.run_worker(self.following.run(), group="following", exclusive=True)
        self.set_interval(REFRESH_S, self._draw)
        self.view.list.focus()
        if self._pick:
            self.run_worker(self._offer_deployments())

    async def on_unmount(self) -> None:
        """Gives the connections back."""
        await self.ground.close()

    @property
    def view(self) -> View:
        """The view that is seen."""
        return self._views[str(self._switcher.current)]

    @property
    def station(self) -> AsyncDeployment | None:
        """The deployment as the client has it; `None` while the server is away."""
        return None if self.following.fault else self.following.station

    # Drawing

    def _draw(self) -> None:
        self._idle += 1
        if self.picture.changes == self._drawn and self._idle < STEADY:
            return
        self._drawn, self._idle = self.picture.changes, 0
        self._standing.bring_up_to_date()
        self.view.bring_up_to_date()
        self._tabs.update(self._tabs_text())
        self._tail.update(self._tail_text())

    def _tabs_text(self) -> Text:
        text, picture = Text(), self.picture
        counts = {
            ChannelsView: len(picture.channels), EventsView: len(picture.events), CommandsView: len(picture.commands),
            AlarmsView: len(picture.alarms),
        }  # fmt: skip
        for number, kind in enumerate(VIEWS, 1):
            style = "bold reverse" if isinstance(self.view, kind) else ""
            text.append(f" {number} {kind.title} {counts[kind]} ", style).append(" ")
        return text

    def _tail_text(self) -> Text:
        lines, events = Text(), self._views[EventsView.title]
        for event in list(events.records())[-TAIL_LINES:]:
            at, severity, said = events.cells(event)
            lines.append(one_line(f"{at.text} {severity.text:<11} {said.text}") + "\n", severity.style)
        return lines

    def tell(self, text: str, style: str = "") -> None:
        """Says what has become of something, above the line for commands, for a while."""
        if self._forgetting is not None:
            self._forgetting.stop()
        self._forgetting = self.set_timer(NOTICE_S, lambda: self._notice.remove_class("used"))
        self._notice.update(Text(one_line(text), style))
        self._notice.set_class(bool(text), "used")

    def on_view_hint(self, event: View.Hint) -> None:
        """Says why a key does nothing."""
        self.tell(event.text, "yellow")

    # Where one is

    def action_open(self, title: str) -> None:
        """Shows a view."""
        self._switcher.current = title
        self._tail.set_class(title == EventsView.title, "spare")
        self.view.list.focus()
        self._drawn = -1
        self._draw()

    def action_beside(self, by: int) -> None:
        """Shows the view before or after this one."""
        titles = [kind.title for kind in VIEWS]
        self.action_open(titles[(titles.index(self.view.title) + by) % len(titles)])

    def action_command(self) -> None:
        """Goes to the line for commands."""
        self._entry.begin()

    def on_command_entry_left(self) -> None:
        """Goes back to the view."""
        self.view.list.focus()

    def action_keys(self) -> None:
        """Says what keys there are."""
        self.push_screen(Details(KEYS))

    def action_deployments(self) -> None:
        """Offers the deployments."""
        self.run_worker(self._offer_deployments())

    async def _offer_deployments(self) -> None:
        try:
            found = await self.ground.deployments()
        except (ServerUnreachable, RequestRefused) as fault:
            self.tell(str(fault), "red")
            return
        name = await self.push_screen_wait(DeploymentPicker(found))
        if name is not None and name != self.picture.name:
            self._turn_to(name)

    def _turn_to(self, name: str) -> None:
        self.picture = Picture(name)
        self.following = Following(self.ground, self.picture)
        for view in self._views.values():
            view.picture = self.picture
        self._entry.picture = self.picture
        self._standing.follow(self.following)
        self.run_worker(self.following.run(), group="following", exclusive=True)
        self.tell("")
        self._drawn = -1

    # What is asked for

    def on_channels_view_chosen(self, event: ChannelsView.Chosen) -> None:
        """Begins the curve of another channel."""
        self.picture.choose(event.channel)
        self.run_worker(self._read_trail(self.picture, event.channel), group="trail", exclusive=True)

    async def _read_trail(self, picture: Picture, channel: str) -> None:
        await asyncio.sleep(PAUSE_BEFORE_TRAIL_S)
        if self.station is None:
            return
        path = f"/channels/{quote(channel, safe='')}/history"
        try:
            found = await self.station.request("GET", path, query={"limit": MAX_TRAIL})
        except (ServerUnreachable, RequestRefused):
            return  # the line of the standing says so; what comes is drawn all the same
        numbers = [number_of(one) for one in found["values"]]
        picture.choose(channel, [one for one in numbers if one is not None])

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Shows more of a record."""
        record: Any = event.source.record
        if isinstance(self.view, ChannelsView):
            self.push_screen(ChannelScreen(self.picture, self.station, record))
            return
        if isinstance(record, Plan):
            self.push_screen(Details(plan_text(record)))
            return
        texts: dict[type[View], Callable[[Any], str]] = {
            EventsView: event_text, CommandsView: command_text, AlarmsView: alarm_text,
        }  # fmt: skip
        self.push_screen(Details(texts[type(self.view)](record)))

    def on_command_entry_given(self, event: CommandEntry.Given) -> None:
        """Sends a command, once it is sure that it is meant."""
        self.run_worker(self._send(event.order.shown, event.order.arguments))

    async def _send(self, shown: Any, arguments: Any) -> None:
        name = str(shown["name"])
        if shown["hazardous"]:
            text = f"{name} is hazardous: {shown['annotation']}\n\n{' '.join([name, *arguments])}\n\nSend it?"
            if not await self.push_screen_wait(Question(text)):
                self.tell(f"{name} was not sent")
                return

        async def send(station: AsyncDeployment) -> None:
            link = self.picture.link
            held = link is not None and link.state != "up"
            self.tell(f"{name}: held, the link is {link.state}" if held and link else f"{name}: sent", "yellow")
            result = await station.send(name, *arguments, timeout_s=ANSWER_TIMEOUT_S, check=False)
            self.tell(f"{name} {result.outcome}", "green" if result.completed else "bold red")

        await self._act(send, name)

    def on_commands_view_taken_back(self, event: CommandsView.TakenBack) -> None:
        """Takes a queued command or a plan back."""
        record, following = event.record, self.following
        name = record.subject if isinstance(record, Plan) else record.name

        async def take_back(station: AsyncDeployment) -> None:
            if isinstance(record, Plan):
                await station.plans.cancel(record)
                following.ask_soon()
            else:
                await station.request("DELETE", f"/commands/{record.id}")
            self.tell(f"{name} was taken back")

        self.run_worker(self._act(take_back, name))

    def on_alarms_view_acknowledged(self, event: AlarmsView.Acknowledged) -> None:
        """Acknowledges an alarm, with a comment if somebody has one."""
        self.run_worker(self._acknowledge(event.alarm))

    async def _acknowledge(self, alarm: Any) -> None:
        comment = await self.push_screen_wait(
            Remark(f"Acknowledge {alarm.source}: {alarm.text}", "a comment, or nothing")
        )
        if comment is None:
            return

        async def acknowledge(station: AsyncDeployment) -> None:
            await station.alarms.acknowledge(alarm, comment)
            self.tell(f"{alarm.source} was acknowledged")

        await self._act(acknowledge, alarm.source)

    async def _act(self, action: Any, about: str) -> None:
        """Does something with the deployment, and says why where that cannot be done."""
        station = self.station
        if station is None:
            self.tell(f"{about}: the server is away, nothing was sent", "bold red")
            return
        try:
            await action(station)
        except ServerUnreachable as fault:
            self.tell(f"{about}: {fault}; whether it was done is not known", "bold red")
        except RequestRefused as fault:
            self.tell(f"{about}: {fault}", "bold red")


KEYS = """Keys

1 2 3 4, left, right   channels, events, commands, alarms
up, down, PgUp, PgDn   move; Home and End go to the ends
Enter                  more about the line at the cursor
/                      filter by words; Escape shows all again
c                      type a command: Tab completes, up and down
                       choose or go back, Escape leaves
s  S                   events: only graver ones, or less grave too
x                      commands: take a queued or planned one back
a                      alarms: acknowledge
d                      another deployment
q                      quit"""
