"""The alarms of one deployment: what is watched, what is open, and what people do about it."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake_ground.alarms.evaluation import CALM, Triggers, is_stale, judge, level_of, pass_time, restored
from kittiwake_ground.alarms.levels import DEFAULT_SEVERITIES, EVENT_LEVELS, rank
from kittiwake_ground.alarms.life import (
    CLOSED,
    EVENT,
    HAPPENINGS,
    KINDS,
    LIMIT,
    MAX_COMMENT,
    PLAN,
    RAISED,
    STALE,
    Alarm,
    acknowledge,
    key_of,
    move,
    repeat,
)
from kittiwake_ground.alarms.limits import LimitPlan, check_channel, dictionary_plan, limits_text, plan_from
from kittiwake_ground.alarms.store import LIMITS, AlarmStore, Entry, Made, Shelf
from kittiwake_ground.archive.archive import wall_us
from kittiwake_ground.kept_database import StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Channel, Dictionary
    from kittiwake_ground.alarms.notice import Addressed

MAX_SHELVED_S = 7 * 86400.0
MAX_TEXT = 300
_log = logging.getLogger(__name__)


class NoSuchAlarm(LookupError):
    """No open alarm has that number."""


class Changed(ValueError):
    """What was to be changed is not any more as whoever asked has seen it."""


class Change(NamedTuple):
    """What became of an alarm: its present record, the word for it, who did it if it was a person, and what they said.

    `is_shelved` says that nobody is to be told of it now. `notices` are for whoever is told outside; they are kept with
    the change, so that no kill comes between.
    """

    alarm: Alarm
    action: str
    by: str = ""
    text: str = ""
    is_shelved: bool = False
    notices: tuple[Addressed, ...] = ()


def steady_us() -> int:
    """Microseconds of a clock that never steps, as the evaluation wants it."""
    return time.monotonic_ns() // 1000


class AlarmBook:
    """The alarms of a deployment. Everything here happens in the event loop's thread; `open` it first.

    What a person does raises `NoSuchAlarm`, `Changed`, `LimitFault` and `ValueError` where it cannot be, and
    `StoreFault` where it could not be kept: then nothing has changed.
    """

    def __init__(
        self,
        deployment: str,
        dictionary: Dictionary,
        store: AlarmStore | None = None,
        severities: Collection[str] = DEFAULT_SEVERITIES,
        clock: Callable[[], int] = steady_us,
    ) -> None:
        self.deployment = deployment
        self.store = store or AlarmStore()
        self.latched: dict[str, str] = {}
        """The gravest level of each channel that has an open alarm."""
        self.open_alarms: dict[str, Alarm] = {}
        self.shelves: dict[str, Shelf] = {}
        self.plans: dict[str, LimitPlan] = {}
        """The limits that count, of all channels that can become alarms."""
        self.fault = ""
        """Why alarms cannot be kept, or empty."""
        self.told: Callable[[Change], None] = lambda change: None
        self.address: Callable[[Change], Iterable[Addressed]] = lambda change: ()
        """Gives the notices of a change: the notifier does."""
        self.count = 0
        """How many changes there were since the start."""
        self._dictionary = dictionary
        self._severities = frozenset(severities)
        self._clock = clock
        self._states: dict[str, Triggers] = {}
        self._heard: dict[str, int] = {}
        self._pending: list[Change] = []
        self._repeated: dict[str, Alarm] = {}
        self._unkept: dict[int, Alarm] = {}
        self._made: dict[str, Made] = {}
        self.last_value: Callable[[str], Any] = lambda name: None
        """The last value of a channel, or `None`: the hub has them."""

    def open(self) -> None:
        """Takes up what was kept. Raises `StoreFault`."""
        self.store.open()
        self.open_alarms = {one.key: one for one in self.store.alarms(self.deployment)}
        self.shelves = self.store.shelves(self.deployment)
        self._made = {one.name: one for one in self.store.made(self.deployment, LIMITS)}
        for channel in self._dictionary.channels.values():
            self.watch(channel)
        for alarm in list(self.open_alarms.values()):
            if alarm.kind not in HAPPENINGS and alarm.source not in self.plans and alarm.now:
                self._move(alarm, "", "it is watched no more")
            self._mark(alarm)
        self.settle()

    # What is watched

    def watch(self, channel: Channel) -> None:
        """Begins to watch a channel by the limits that count for it, or ends it where it has none."""
        name = channel.name
        made = self._made.get(name)
        plan = dictionary_plan(channel) if made is None else plan_from(made.content, made.by, made.revision)
        if plan.is_watched:
            self.plans[name] = plan
            self._states[name] = restored(plan, self._now(LIMIT, name))
            self._heard[name] = self._clock()
        else:
            self.forget(name)

    def forget(self, name: str) -> None:
        """Watches a channel no more."""
        for kept in (self.plans, self._states, self._heard):
            kept.pop(name, None)

    def _now(self, kind: str, name: str) -> str:
        alarm = self.open_alarms.get(key_of(kind, name))
        return "" if alarm is None else alarm.now

    def limited(self, channel: Channel) -> Channel:
        """The channel with the limits that count."""
        made = self._made.get(channel.name)
        if made is None:
            return channel
        plan = self.plans.get(channel.name, LimitPlan())
        return channel._replace(low=plan.low, high=plan.high)

    def plan(self, name: str) -> LimitPlan:
        """The limits that count for a channel, also where it has none. Raises `UnknownName`."""
        channel = self._dictionary.channel(name)
        made = self._made.get(channel.name)
        return dictionary_plan(channel) if made is None else plan_from(made.content, made.by, made.revision)

    def set_limits(self, name: str, plain: Mapping[str, Any], by: str, revision: int | None = None) -> LimitPlan:
        """Has these limits count for a channel; with `revision`, only if that is still the one of those that do."""
        channel = self._dictionary.channel(name)
        self._check_revision(name, revision)
        plan = plan_from(plain, by, self.store.new_revision())
        check_channel(channel, plan)
        made = Made(channel.name, plan.plain(), by, plan.revision)
        self._keep_limits(channel, made, "limits set", by)
        return plan

    def remove_limits(self, name: str, by: str, revision: int | None = None) -> LimitPlan:
        """Has the dictionary's limits count again, and gives them."""
        channel = self._dictionary.channel(name)
        self._check_revision(name, revision)
        if channel.name in self._made:
            self._keep_limits(channel, None, "limits removed", by)
        return self.plan(name)

    def _check_revision(self, name: str, revision: int | None) -> None:
        found = self.plan(name)
        if revision is not None and revision != found.revision:
            whose = f"{found.by} has set them" if found.by else "they are the dictionary's again"
            raise Changed(f"the limits of {name} were changed meanwhile: {whose}")

    def _keep_limits(self, channel: Channel, made: Made | None, action: str, by: str) -> None:
        text = "" if made is None else limits_text(plan_from(made.content))
        entry = Entry(wall_us(), 0, action, LIMIT, channel.name, "", by, text)
        self.store.keep(self.deployment, entries=[entry], made=[(LIMITS, channel.name, made)])
        self._count_limits(channel, made)

    def replay_limits(self, name: str, made: Made | None) -> None:
        """Has limits count that did at a time that is past; nothing is kept. A channel that is gone is left out."""
        channel = self._dictionary.channels.get(name)
        if channel is not None:
            self._count_limits(channel, made)

    def _count_limits(self, channel: Channel, made: Made | None) -> None:
        if made is None:
            self._made.pop(channel.name, None)
        else:
            self._made[channel.name] = made
        self.watch(channel)
        self._limits_changed(channel)

    def _limits_changed(self, channel: Channel) -> None:
        """Holds what is open by the old limits, and the last value, against the new ones."""
        name = channel.name
        plan = self.plans.get(name, LimitPlan())
        self._find(LIMIT, name, level_of(self._states.get(name, CALM)), "the limits were changed")
        if not plan.stale_s:
            self._find(STALE, name, "", "the limits were changed")
        value = self.last_value(name)
        if plan.has_limits and value is not None:
            before = self._states[name]
            self._judged(channel, before, judge(plan, before, value, self._clock()), value)
        self.settle()

    # What comes

    def take(self, channel: Channel, value: Any) -> None:
        """Takes a value of a channel that is watched; `settle` ends a row of them."""
        name = channel.name
        plan = self.plans[name]
        now_us = self._heard[name] = self._clock()
        if plan.stale_s:
            self._find(STALE, name, "", "it is heard again")
        before = self._states[name]
        after = judge(plan, before, value, now_us)
        if after is not before:
            self._judged(channel, before, after, value)

    def _judged(self, channel: Channel, before: Triggers, after: Triggers, value: Any) -> None:
        self._states[channel.name] = after
        level = level_of(after)
        if level != level_of(before):
            plan = self.plans[channel.name]
            self._find(LIMIT, channel.name, level, self._said(channel, plan, value))

    def _said(self, channel: Channel, plan: LimitPlan, value: Any) -> str:
        shown = DecodedChannel(channel, 0, value, self._dictionary.formats).text
        return f"{shown} {channel.unit}".rstrip() + f"; {limits_text(plan)}"

    def _find(self, kind: str, source: str, level: str, text: str) -> None:
        """Brings the alarm of a source to its present level; raises one where there is none."""
        alarm = self.open_alarms.get(key_of(kind, source))
        if alarm is not None:
            if alarm.now != level:
                self._move(alarm, level, text)
        elif level:
            self._raise(kind, source, level, level, text)

    def _raise(self, kind: str, source: str, level: str, now: str, text: str) -> None:
        at_us = wall_us()
        alarm = Alarm(
            self.store.new_id(), self.deployment, kind, source, level, now, text[:MAX_TEXT], at_us, at_us, at_us
        )
        self._note(alarm, RAISED, text=alarm.text)

    def _move(self, alarm: Alarm, level: str, text: str) -> None:
        text = text[:MAX_TEXT]
        moved, action = move(alarm, level, text, wall_us())
        self._note(moved, action, text)

    def _note(self, alarm: Alarm, action: str, text: str) -> None:
        self._put(alarm)
        self._pending.append(self._addressed(Change(alarm, action, "", text, self.is_shelved(alarm))))

    def _addressed(self, change: Change) -> Change:
        return change._replace(notices=tuple(self.address(change)))

    def _keep(
        self,
        changes: Collection[Change],
        alarms: Iterable[Alarm] = (),
        shelves: Iterable[tuple[str, Shelf | None]] = (),
    ) -> None:
        """Keeps changes with their notices and what goes with them, all or nothing. Raises `StoreFault`."""
        notices = [notice for change in changes for notice in change.notices]
        self.store.keep(self.deployment, alarms, [_entry(one) for one in changes], shelves, notices=notices)

    def _put(self, alarm: Alarm) -> None:
        if alarm.state == CLOSED:
            self.open_alarms.pop(alarm.key, None)
        else:
            self.open_alarms[alarm.key] = alarm
        self._mark(alarm)

    def _mark(self, alarm: Alarm) -> None:
        if alarm.kind in HAPPENINGS:
            return
        levels = [
            self.open_alarms[key].level
            for kind in (LIMIT, STALE)
            if (key := key_of(kind, alarm.source)) in self.open_alarms
        ]
        if levels:
            self.latched[alarm.source] = max(levels, key=rank)
        else:
            self.latched.pop(alarm.source, None)

    def take_event(self, event: DecodedEvent) -> None:
        """Takes an event; one of the severities that are alarms is one. `settle` ends a row of them."""
        severity = event.severity
        if severity not in self._severities:
            return
        self._happened(EVENT, event.name, EVENT_LEVELS.get(severity, "YELLOW"), event.text)

    def take_plan(self, subject: str, level: str, text: str) -> None:
        """Something that was planned has not become what it should, with nobody there to see it."""
        self._happened(PLAN, subject, level, text)
        self.settle()

    def _happened(self, kind: str, source: str, level: str, text: str) -> None:
        alarm = self.open_alarms.get(key_of(kind, source))
        if alarm is None:
            self._raise(kind, source, level, "", text)
        else:
            # Kept with the next tick: a storm of one event is one alarm, and little work.
            repeated = self._repeated[alarm.key] = repeat(alarm, text[:MAX_TEXT], wall_us())
            self.open_alarms[alarm.key] = repeated

    def pass_time(self) -> None:
        """Lets time go by: what has lasted long enough is an alarm now, and what was shelved comes back."""
        now_us = self._clock()
        for name, plan in self.plans.items():
            if plan.stale_s and is_stale(plan, self._heard[name], now_us):
                self._find(STALE, name, plan.stale_level, f"nothing came for {plan.stale_s:g} s")
            before = self._states[name]
            if before is not CALM:
                after = pass_time(plan, before, now_us)
                if after is not before:
                    self._states[name] = after
                    text = f"for {plan.hold_s:g} s; {limits_text(plan)}"
                    self._find(LIMIT, name, level_of(after), text)
        self._end_shelves(wall_us())
        self.settle(everything=True)

    def _end_shelves(self, now_us: int) -> None:
        for key, shelf in list(self.shelves.items()):
            if shelf.until_us <= now_us:
                self._unshelve(key, "", "its time is over")

    def settle(self, everything: bool = False) -> None:
        """Keeps what has become of alarms, and tells of it; `everything` is with what can wait for a moment.

        A disk that refuses is complained of once, and tried again with the next tick.
        """
        changes, self._pending = self._pending, []
        if not changes and not (everything and (self._repeated or self._unkept)):
            return
        alarms = {one.id: one for one in self._repeated.values() if self.open_alarms.get(one.key) is one}
        alarms |= self._unkept | {change.alarm.id: change.alarm for change in changes}
        self._repeated = {}
        try:
            self._keep(changes, alarms.values())
            self.fault, self._unkept = "", {}
        except StoreFault as fault:
            if not self.fault:
                _log.error("%s", fault)
            self.fault, self._unkept = str(fault), alarms
        for change in changes:
            self._tell(change)

    def _tell(self, change: Change) -> None:
        self.count += 1
        self.told(change)

    # What is open

    def is_shelved(self, alarm: Alarm) -> bool:
        """Whether nobody wants to be told of it just now."""
        shelf = self.shelves.get(alarm.key)
        return shelf is not None and shelf.until_us > wall_us()

    def plain(self, alarm: Alarm) -> dict[str, Any]:
        """An alarm for JSON, with what is known of its shelf."""
        shelf = self.shelves.get(alarm.key)
        until_us, by = (0, "") if shelf is None else shelf
        return {**alarm.plain(), "shelved_until_us": until_us, "shelved_by": by}

    def current(self) -> list[Alarm]:
        """The open alarms, the worst first: shelved ones last, the gravest and those that nobody has seen first."""
        return sorted(
            self.open_alarms.values(),
            key=lambda one: (self.is_shelved(one), -rank(one.level), bool(one.acknowledged_by), -one.raised_us),
        )

    def unseen(self) -> list[Alarm]:
        """The open alarms that are neither acknowledged nor shelved, the worst first."""
        return [one for one in self.current() if not one.acknowledged_by and not self.is_shelved(one)]

    def alarm(self, id: int) -> Alarm:
        """The open alarm of a number. Raises `NoSuchAlarm`."""
        for one in self.open_alarms.values():
            if one.id == id:
                return one
        raise NoSuchAlarm(f"no open alarm has the number {id}")

    def history(self, **filters: Any) -> list[Entry]:
        """What became of alarms, the newest first; see `AlarmStore.history`."""
        return self.store.history(self.deployment, **filters)

    # What people do

    def acknowledge(self, id: int, by: str, comment: str = "", revision: int | None = None) -> Alarm:
        """Somebody has seen an alarm; with `revision`, as it was then: if it is graver meanwhile, they have not."""
        alarm = self.alarm(id)
        if revision is not None and revision != alarm.revision:
            raise Changed(f"alarm {id} has become {alarm.level} meanwhile")
        return self._acknowledge([alarm], by, comment)[0]

    def acknowledge_all(self, by: str, comment: str = "", pattern: str = "") -> list[Alarm]:
        """Somebody has seen all alarms that are not shelved, or those of them whose source matches."""
        wanted = [one for one in self.unseen() if not pattern or fnmatchcase(one.source, pattern)]
        return self._acknowledge(wanted, by, comment)

    def acknowledge_channel(self, name: str, by: str = "local") -> None:
        """Somebody has seen what there is of a channel. Raises `UnknownName`."""
        self._dictionary.channel(name)
        keys = [key_of(kind, name) for kind in KINDS]
        self._acknowledge([self.open_alarms[key] for key in keys if key in self.open_alarms], by, "")

    def _acknowledge(self, alarms: list[Alarm], by: str, comment: str) -> list[Alarm]:
        _check_comment(comment)
        seen = [acknowledge(one, by, wall_us()) for one in alarms if not one.acknowledged_by]
        if comment:
            seen = [replace(one, comment=comment, comment_by=by) for one in seen]
        self._by_person([Change(one, "acknowledged", by, comment) for one in seen])
        return seen or alarms

    def comment(self, id: int, text: str, by: str) -> Alarm:
        """Somebody says something about an alarm."""
        _check_comment(text)
        alarm = replace(self.alarm(id), comment=text, comment_by=by)
        self._by_person([Change(alarm, "commented", by, text)])
        return alarm

    def _by_person(self, changes: list[Change]) -> None:
        """Keeps what a person did, and only then has it count."""
        self.settle()
        changes = [self._addressed(one) for one in changes]
        self._keep(changes, [one.alarm for one in changes])
        for change in changes:
            self._put(change.alarm)
            self._tell(change)

    def shelve(self, id: int, for_s: float, by: str, comment: str = "") -> Alarm:
        """Somebody does not want to be told of an alarm for a time, whatever becomes of it and however often."""
        if not 0 < for_s <= MAX_SHELVED_S:
            raise ValueError(f"an alarm is shelved for at most {MAX_SHELVED_S:g} s, not {for_s:g}")
        _check_comment(comment)
        alarm = self.alarm(id)
        shelf = Shelf(wall_us() + int(for_s * 1_000_000), by)
        text = f"for {for_s:g} s" + (f": {comment}" if comment else "")
        change = self._addressed(Change(alarm, "shelved", by, text))
        self._keep([change], shelves=[(alarm.key, shelf)])
        self.shelves[alarm.key] = shelf
        self._tell(change)
        return alarm

    def unshelve(self, id: int, by: str) -> Alarm:
        """Somebody wants to be told of an alarm again."""
        alarm = self.alarm(id)
        if alarm.key in self.shelves:
            self._unshelve(alarm.key, by, "")
        return alarm

    def _unshelve(self, key: str, by: str, text: str) -> None:
        alarm = self.open_alarms.get(key)
        changes = [] if alarm is None else [self._addressed(Change(alarm, "unshelved", by, text))]
        try:
            self._keep(changes, shelves=[(key, None)])
        except StoreFault:
            if by:
                raise
        self.shelves.pop(key, None)
        for change in changes:
            self._tell(change)


def _entry(change: Change) -> Entry:
    alarm = change.alarm
    return Entry(
        wall_us(), alarm.id, change.action, alarm.kind, alarm.source, alarm.level, change.by, change.text
    )  # fmt: skip


def _check_comment(text: str) -> None:
    if len(text) > MAX_COMMENT:
        raise ValueError(f"a comment has at most {MAX_COMMENT} characters, not {len(text)}")
