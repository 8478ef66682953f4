"""What the screen knows of one deployment: the newest of everything, and never more than so much of it."""

from __future__ import annotations

import time
from collections import deque
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake_ground.alarms.levels import rank as rank_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake_ground.client.records import (
        Alarm,
        AlarmChange,
        ChannelValue,
        CommandResult,
        DeploymentState,
        Event,
        LinkState,
        Plan,
        Update,
    )

MAX_EVENTS = 1000
MAX_COMMANDS = 200
MAX_TRAIL = 512
"""The most values of the chosen channel that are held for its curve."""

SETTLED_US = 2_000_000
"""What comes later than this after a connection is news, and tells what the ground's clock says now."""

CLOSED = "closed"


def local_us() -> int:
    """The time of this machine in microseconds since 1970."""
    return time.time_ns() // 1000


class Picture:
    """One deployment. `changes` counts what came; whoever draws compares it with what it has drawn."""

    def __init__(self, name: str, clock_us: Callable[[], int] = local_us) -> None:
        self.name = name
        self.dictionary: Mapping[str, Any] = {"commands": (), "channels": ()}
        self.state: DeploymentState | None = None
        self.link: LinkState | None = None
        self.channels: dict[str, ChannelValue] = {}
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self.commands: dict[int, CommandResult] = {}
        self.plans: list[Plan] = []
        """What is planned and has not ended, in the order in which it is due."""
        self.alarms: dict[int, Alarm] = {}
        self.chosen = ""
        """The channel whose curve is drawn."""
        self.trail: deque[float] = deque(maxlen=MAX_TRAIL)
        self.live = False
        """Whether the server is there, so that what is held is what it knows."""
        self.missed = 0
        """Updates that the server left out, as this program was too slow."""
        self.changes = 0
        self._clock_us = clock_us
        self._ahead_us: int | None = None
        self._since_us = clock_us()
        self._last_event = 0

    # What comes

    def begin(
        self,
        dictionary: Mapping[str, Any],
        state: DeploymentState,
        channels: Mapping[str, ChannelValue],
        events: Iterable[Event],
        commands: Iterable[CommandResult],
        alarms: Iterable[Alarm],
    ) -> None:
        """Takes what the server knows once it is there, in place of what was held.

        The last values of channels that it knows no more stay, as old ones.
        """
        self.dictionary = dictionary
        self.state, self.link = state, state.link
        self.channels = {name: self.channels[name] for name in self._channel_names() if name in self.channels}
        self.channels.update(channels)
        self.events.clear()
        self.events.extend(events)
        self._last_event = max((one.number for one in self.events), default=0)
        self.commands.clear()
        for one in sorted(commands, key=lambda command: command.asked_us):
            self._take_command(one)
        self.alarms = {one.id: one for one in alarms}
        self.live = True
        self._since_us, self._ahead_us = self._clock_us(), None
        self.changes += 1

    def _channel_names(self) -> list[str]:
        return [str(one["name"]) for one in self.dictionary["channels"]]

    def take_plans(self, plans: Iterable[Plan]) -> None:
        """Takes what is planned, in place of what was held."""
        self.plans = sorted(plans, key=lambda one: (one.due_us is None, one.due_us or 0, one.id))
        self.changes += 1

    def lose(self) -> None:
        """The server is gone: what is held is old from now on."""
        self.live = False
        self.changes += 1

    def take(self, update: Update) -> None:
        """Takes a piece of news."""
        subject = update.subject
        self.missed += update.dropped
        self.changes += 1
        if update.kind == "channels":
            self._take_channel(subject)
        elif update.kind == "events":
            if subject.number > self._last_event:
                self._last_event = subject.number
                self.events.append(subject)
                self._learn_time(subject.received_us)
        elif update.kind == "commands":
            self._take_command(subject)
        elif update.kind == "links":
            self.link = subject
        elif update.kind == "alarms":
            self._take_change(subject)
        elif update.kind == "plans":
            self._take_plan(subject)

    def _take_channel(self, value: ChannelValue) -> None:
        self.channels[value.name] = value
        self._learn_time(value.received_us)
        if value.name == self.chosen and (number := number_of(value.value)) is not None:
            self.trail.append(number)

    def _take_command(self, command: CommandResult) -> None:
        self.commands[command.id] = command
        if len(self.commands) > MAX_COMMANDS:
            del self.commands[next(iter(self.commands))]

    def _take_change(self, change: AlarmChange) -> None:
        alarm = change.alarm
        if alarm.state == CLOSED:
            self.alarms.pop(alarm.id, None)
        else:
            self.alarms[alarm.id] = alarm

    def _take_plan(self, plan: Plan) -> None:
        held = [one for one in self.plans if one.id != plan.id]
        self.take_plans(held if plan.final else [*held, plan])

    def choose(self, channel: str, trail: Iterable[float] = ()) -> None:
        """Begins a curve, with the values that are known of it already."""
        self.chosen = channel
        self.trail.clear()
        self.trail.extend(trail)
        self.changes += 1

    # What follows from it

    def _learn_time(self, received_us: int) -> None:
        """Learns by how much the ground's clock is ahead of this machine's, from what has just come."""
        ahead_us = received_us - self._clock_us()
        settled = self._clock_us() - self._since_us > SETTLED_US
        if (settled or ahead_us > 0) and (self._ahead_us is None or ahead_us > self._ahead_us):
            self._ahead_us = ahead_us

    def now_us(self) -> int:
        """The ground's time, as far as it is known here."""
        return self._clock_us() + (self._ahead_us or 0)

    def age_s(self, value: ChannelValue) -> float:
        """How long ago a value came to the ground, in seconds."""
        return max(self.now_us() - value.received_us, 0) / 1e6

    def quality(self, value: ChannelValue) -> str:
        """How far a value can be trusted.

        It is live; or stale: its channel is silent for longer than its limits allow; or held: the link or the server is
        not there, or the value is from before they were.
        """
        link = self.link
        if not self.live or link is None or link.state != "up" or link.silent or value.received_us < link.since_us:
            return "held"
        if any(one.kind == "stale" and one.source == value.name and one.now for one in self.alarms.values()):
            return "stale"
        return "live"

    def sorted_alarms(self) -> list[Alarm]:
        """The open alarms, the worst first, shelved ones last."""

        def place(alarm: Alarm) -> tuple[bool, int, int]:
            return (bool(alarm.shelved_until_us), -rank_of(alarm.level), -alarm.raised_us)

        return sorted(self.alarms.values(), key=place)

    def waiting_alarms(self) -> int:
        """How many alarms nobody has acknowledged."""
        return sum(one.state in ("active", "latched") for one in self.alarms.values())

    def queued_commands(self) -> int:
        """How many commands wait for the link."""
        return sum(one.state == "queued" for one in self.commands.values())

    def local_name(self, name: str) -> str:
        """A name without the deployment's in front, which says nothing where all is of that deployment."""
        return name if self.state is None else name.removeprefix(f"{self.state.deployment}.")

    def channel_shown(self, name: str) -> Mapping[str, Any]:
        """A channel in the dictionary; empty if it has none of that name."""
        found: Mapping[str, Any] = next((one for one in self.dictionary["channels"] if one["name"] == name), {})
        return found


def number_of(value: Any) -> float | None:
    """A value as a point of a curve, or `None` if it is none."""
    if isinstance(value, (int, float)) and isfinite(value):
        return float(value)
    return None
