"""What is known of one deployment: latest values, histories, events, alarms, and who wants to hear of news."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.digest import short_hash
from kittiwake_ground.alarms.book import AlarmBook, Change
from kittiwake_ground.server.samples import EventRecord, Sample
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.subscription import KINDS, MAX_WAITING, Subscription, Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
    from kittiwake.dictionary.entries import Dictionary

MAX_EVENTS = 5000
"""The most events that are held for a deployment."""

MAX_SUBSCRIPTIONS = 1000
HASH = "DictionaryHash"
_log = logging.getLogger(__name__)


class TooManySubscriptions(RuntimeError):
    """There are `MAX_SUBSCRIPTIONS` already."""


class Hub:
    """State of one deployment. Everything here happens in the event loop's thread."""

    def __init__(
        self,
        deployment: str,
        dictionary: Dictionary,
        history_size: int,
        clock: Callable[[], int] = now_us,
        alarms: AlarmBook | None = None,
    ) -> None:
        """`clock` says what time it is for whoever looks, in microseconds since 1970.

        Without `alarms` there is a book of alarms that nobody keeps.
        """
        self.now_us = clock
        self.deployment = deployment
        self.dictionary = dictionary
        self.latest: dict[str, Sample] = {}
        self.events: deque[EventRecord] = deque(maxlen=MAX_EVENTS)
        self._since_us = clock()
        self.event_count = 0
        self.sample_count = 0
        self.dictionary_matches: bool | None = None
        """Whether the deployment has said that it was built with this dictionary; `None` before it says anything."""
        self.dictionary_reported = ""
        self._histories: dict[str, deque[Sample]] = {}
        self._history_size = history_size
        self._subscriptions: list[Subscription] = []
        self.alarms = alarms or AlarmBook(deployment, dictionary)
        self.alarms.last_value = self.value_of
        self.alarms.told = self._alarm_changed
        self.told: Callable[[Change], None] = lambda change: None
        """Told of whatever becomes of an alarm."""
        if alarms is None:
            self.alarms.open()

    def take_samples(self, items: Sequence[DecodedChannel], received_us: int) -> None:
        """Takes channel values that came together."""
        latest, histories, watched = self.latest, self._histories, self.alarms.plans
        listeners = [one for one in self._subscriptions if "channels" in one.kinds]
        self.sample_count += len(items)
        for channel, tag, value, _ in items:
            name = channel.name
            sample = Sample(channel, tag, value, received_us)
            latest[name] = sample
            history = histories.get(name)
            if history is None:
                history = histories[name] = deque(maxlen=self._history_size)
            history.append(sample)
            if name in watched:
                self.alarms.take(channel, value)
            elif name.endswith(HASH):
                self._compare(value)
            for listener in listeners:
                if listener.wants("channels", name):
                    listener.put(Update("channels", self.deployment, sample))
        self.alarms.settle()

    def take_event(self, item: DecodedEvent, received_us: int) -> EventRecord:
        """Takes an event."""
        self.event_count += 1
        record = EventRecord(self.event_count, item, received_us)
        self.events.append(record)
        if item.name.endswith(HASH) and item.args:
            self._compare(item.args[0])
        self.publish("events", item.name, record)
        self.alarms.take_event(item)
        return record

    @property
    def latched(self) -> dict[str, str]:
        """The gravest alarm of each channel since it was last acknowledged, channels without one left out."""
        return self.alarms.latched

    def acknowledge(self, name: str, by: str = "local") -> None:
        """Acknowledges the alarms of a channel; if it still is in alarm, that stays. Raises `UnknownName`."""
        self.alarms.acknowledge_channel(name, by)

    def value_of(self, name: str) -> Any:
        """The latest value of a channel, or `None`."""
        sample = self.latest.get(name)
        return None if sample is None else sample.value

    def forget(self, name: str) -> None:
        """A channel is no more."""
        self.latest.pop(name, None)
        self._histories.pop(name, None)

    def _alarm_changed(self, change: Change) -> None:
        self.publish("alarms", change.alarm.source, change)
        self.told(change)

    def _compare(self, reported: Any) -> None:
        """Holds what the deployment says of its dictionary against the one that decodes it."""
        own = self.dictionary.hash
        if isinstance(reported, str):
            self.dictionary_reported = reported
            # A channel may be too short for the whole hash.
            matches = len(reported) >= 8 and own.startswith(reported.lower())
        elif isinstance(reported, int):
            self.dictionary_reported = f"{reported:08x}"
            matches = reported == short_hash(own)
        else:
            return
        if not matches and self.dictionary_matches is not False:
            self._warn_of_mismatch()
        self.dictionary_matches = matches

    def _warn_of_mismatch(self) -> None:
        _log.warning(
            "deployment %s was built with the dictionary %s, and is decoded with %s: what it says may be misread",
            self.deployment, self.dictionary_reported[:8], self.dictionary.hash[:8],
        )  # fmt: skip

    def forget_dictionary(self) -> None:
        """A new connection may be to another build: what it was built with is unknown again."""
        self.dictionary_matches = None
        self.dictionary_reported = ""

    def history(self, name: str, start_us: int | None = None, end_us: int | None = None) -> list[Sample]:
        """The values of a channel that are held, in the order they came, with start <= received < end."""
        held = self._histories.get(name, ())
        return [
            sample
            for sample in held
            if (start_us is None or sample.received_us >= start_us) and (end_us is None or sample.received_us < end_us)
        ]

    def subscribe(
        self, kinds: Iterable[str] = KINDS, patterns: Iterable[str] = (), limit: int = MAX_WAITING
    ) -> Subscription:
        """News from now on. Raises `ValueError` for an unknown kind, and `TooManySubscriptions`."""
        made = Subscription(self.unsubscribe, kinds, patterns, limit)
        self.join(made)
        return made

    def join(self, subscription: Subscription) -> None:
        """Sends this deployment's news to a subscription too. Raises as `subscribe` does."""
        unknown = subscription.kinds - set(KINDS)
        if unknown:
            raise ValueError(f"there is no kind {min(unknown)!r}; there are {', '.join(KINDS)}")
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions(f"{MAX_SUBSCRIPTIONS} subscriptions are open")
        self._subscriptions.append(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Sends it nothing more."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    @property
    def held_since_us(self) -> int:
        """When the oldest of all events came that are held here, by the ground's clock."""
        return self.events[0].received_us if len(self.events) == MAX_EVENTS else self._since_us

    @property
    def subscriber_count(self) -> int:
        """How many listen."""
        return len(self._subscriptions)

    def publish(self, kind: str, name: str, subject: Any) -> None:
        """Tells those who want to know."""
        for one in self._subscriptions:
            if one.wants(kind, name):
                one.put(Update(kind, self.deployment, subject))
