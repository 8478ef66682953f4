"""One replay: a time that goes on at a speed, and a past deployment that is told what the archive holds of it.

Times are [start, end): at the position `p` everything before `p` has happened. A step from `p` to `q` tells what is in
[p, q), so that however a time is cut into steps, each thing is told once and in its order.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake_ground.archive.moments import cut_life
from kittiwake_ground.replay.past_deployment import PastDeployment
from kittiwake_ground.replay.retyped import command_record, told_event, transfer_record, typed_value
from kittiwake_ground.replay.told_parameters import read_tellings, tell
from kittiwake_ground.server.links import UP
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake_ground.alarms.store import PastLimits
    from kittiwake_ground.archive import ArchivedCommand, ArchivedEvent, ArchivedFile, History, LinkStep, Sample
    from kittiwake_ground.server.source import Source

SPEEDS = (1, 2, 5, 10, 30, 60, 300)
MAX_SPEED = 1000.0
LONGEST_STEP_S = 2.0
"""A replay that was not asked to go on for longer than this goes on slower, rather than jump."""

MAX_SAMPLES = 3_000
"""Of more samples in one step only the last of each channel are told: a replay must not take the processor."""

MAX_EVENTS = 1_000
MAX_COMMANDS = 200
MAX_FILES = 100
FIRST_COMMANDS = 60


class Step(NamedTuple):
    """What happened in a stretch of time. `thinned` says that of the samples only the last of each channel are here."""

    samples: list[tuple[str, Sample]]
    events: list[ArchivedEvent]
    commands: list[ArchivedCommand]
    files: list[ArchivedFile]
    links: list[LinkStep]
    thinned: bool = False


class Replay:
    """A replay of a deployment. `start` it, and call `advance` again and again; use it in one event loop."""

    def __init__(
        self,
        archive: History,
        live: Source,
        at_us: int,
        speed: float = 1.0,
        *,
        paused: bool = False,
        release: Callable[[Replay], None] = lambda replay: None,
        reading: asyncio.Lock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = now_us,
    ) -> None:
        """`reading` is held while the archive is read. Raises `ValueError` for a time or speed that makes no sense."""
        if not 0 <= at_us <= wall():
            raise ValueError("only what is past can be replayed, and the time asked for is yet to come")
        self.position_us = at_us
        self.paused = paused
        self.set_speed(speed)
        self.source = PastDeployment(live, lambda: self.position_us)
        self.thinned = False
        """Whether the last step left samples out."""
        self.misfits: set[str] = set()
        """Channels with values that do not fit the dictionary of today."""
        self.closed = False
        self.abandoned = False
        """Whether nobody looks at it just now: then its place may be given to somebody else."""
        self._archive = archive
        self._release = release
        self._reading = asyncio.Lock() if reading is None else reading
        self._monotonic = monotonic
        self._wall = wall
        self._last_s = monotonic()
        self._running: list[ArchivedFile] = []
        self._kept_alarms = live.hub.alarms.store
        self._limits: deque[PastLimits] = deque()

    def set_speed(self, speed: float) -> None:
        """How many seconds of then go by in one of now. Raises `ValueError`."""
        if not 0 < speed <= MAX_SPEED:
            raise ValueError(f"the speed is more than 0 and at most {MAX_SPEED:g}, not {speed:g}")
        self.speed = float(speed)

    def close(self) -> None:
        """Ends it, and gives its place to others."""
        if not self.closed:
            self.closed = True
            self._release(self)

    @property
    def caught_up(self) -> bool:
        """Whether it has come to the present."""
        return self.position_us >= self._wall()

    async def start(self) -> None:
        """Reads how everything stood."""
        at_us, name = self.position_us, self.source.name
        async with self._reading:
            step = await asyncio.to_thread(self._before, name, at_us)
            tellings = await asyncio.to_thread(read_tellings, self._archive, name, at_us)
        self._limits.extend({one.name: one for one in self._kept_alarms.past_limits(name, 0, at_us)}.values())
        self._take_limits(at_us)
        self._take(step, at_us)
        tell(self.source.parameters, tellings, self.source.dictionary)
        self.thinned = False
        self._last_s = self._monotonic()

    async def advance(self, until_us: int | None = None) -> None:
        """Goes on by the time that went by since the last call, and not past `until_us`."""
        now_s = self._monotonic()
        elapsed_s, self._last_s = min(now_s - self._last_s, LONGEST_STEP_S), now_s
        if not self.paused and not self.closed:
            end_us = self._wall() if until_us is None else min(until_us, self._wall())
            await self.go_to(min(self.position_us + int(elapsed_s * self.speed * 1e6), end_us))

    async def go_to(self, target_us: int) -> None:
        """Goes on to a later time, and tells what happened until then."""
        if target_us <= self.position_us:
            return
        start_us, name = self.position_us, self.source.name
        async with self._reading:
            step = await asyncio.to_thread(self._between, name, start_us, target_us)
        self.position_us = target_us
        self._limits.extend(self._kept_alarms.past_limits(name, start_us, target_us))
        self._take(step, target_us)
        self._take_limits(target_us)

    def _before(self, name: str, at_us: int) -> Step:
        """How it stood; in a thread, as `_between`."""
        archive = self._archive
        samples = sorted(archive.latest(name, 0, at_us).items(), key=lambda one: one[1].time_us)
        commands = archive.commands(name, end_us=at_us, limit=FIRST_COMMANDS)[::-1]
        lives = [cut_life(one, at_us) for one in commands]
        files = archive.files(name, end_us=at_us, limit=MAX_FILES)[::-1]
        return Step(samples, [], lives, files, archive.link_states(name, at_us, at_us))

    def _between(self, name: str, start_us: int, end_us: int) -> Step:
        archive = self._archive
        samples = archive.span(name, start_us, end_us, MAX_SAMPLES)
        thinned = samples is None
        if samples is None:
            samples = sorted(archive.latest(name, start_us, end_us).items(), key=lambda one: one[1].time_us)
        events = archive.events(name, start_us=start_us, end_us=end_us, limit=MAX_EVENTS)[::-1]
        commands = archive.command_steps(name, start_us, end_us, MAX_COMMANDS)
        files = archive.files(name, start_us=start_us, end_us=end_us, limit=MAX_FILES)[::-1]
        return Step(samples, events, commands, files, archive.link_states(name, start_us, end_us), thinned)

    def _take(self, step: Step, end_us: int) -> None:
        source = self.source
        self.thinned = step.thinned
        for link in step.links:
            source.enter_link(link)
            if link.state != UP:
                source.parameters.forget()
        self._take_samples(step.samples)
        for event in step.events:
            decoded = told_event(event, source.dictionary)
            source.last_packet_us = max(source.last_packet_us, event.received_us)
            source.hub.take_event(decoded, event.received_us)
            source.parameters.take_event(decoded, event.time_us)
        for command in step.commands:
            record = command_record(command, source.dictionary)
            source.commands.records[record.id] = record
            source.parameters.take_command(record)
            source.hub.publish("commands", command.name, record)
        while len(source.commands.records) > MAX_COMMANDS:
            del source.commands.records[next(iter(source.commands.records))]
        self._take_files(step.files, end_us)

    def _take_limits(self, end_us: int) -> None:
        """Has the limits count that operators had set before a time."""
        while self._limits and self._limits[0].time_us < end_us:
            changed = self._limits.popleft()
            self.source.hub.alarms.replay_limits(changed.name, changed.made)

    def _take_samples(self, samples: Sequence[tuple[str, Sample]]) -> None:
        source = self.source
        channels, formats = source.dictionary.channels, source.dictionary.formats
        for received_us, group in groupby(samples, key=lambda one: one[1].received_us):
            items = []
            for name, sample in group:
                self._take_limits(sample.time_us)
                channel = channels.get(name)
                if channel is None:
                    continue
                try:
                    value = typed_value(channel, sample)
                except (TypeError, ValueError):
                    self.misfits.add(name)
                    continue
                items.append(DecodedChannel(channel, sample.tag, value, formats))
            source.last_packet_us = max(source.last_packet_us, received_us)
            source.hub.take_samples(items, received_us)

    def _take_files(self, files: Sequence[ArchivedFile], end_us: int) -> None:
        """Shows transfers that began, and those that were under way and have ended since."""
        source = self.source
        ended = [one for one in self._running if one.updated_us < end_us]
        for file in (*files, *ended):
            transfer = transfer_record(file, end_us)
            source.transfers.records[transfer.id] = transfer
            source.hub.publish("transfers", transfer.remote, transfer)
        self._running = [one for one in (*self._running, *files) if one.updated_us >= end_us]
        while len(source.transfers.records) > MAX_FILES:
            del source.transfers.records[next(iter(source.transfers.records))]
