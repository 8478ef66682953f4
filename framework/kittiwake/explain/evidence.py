"""What there is to explain with: a snapshot of the running deployment, if there is one, and the events on its disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.display import plain_value
from kittiwake.dictionary.lines import one_line, time_text
from kittiwake.model.types import WireError
from kittiwake.runtime.tags import MICROSECONDS
from kittiwake.storage.event_batch import BATCH_SIZE_MAX, JOURNAL_VERSION, batch_events, batch_span
from kittiwake.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.platform.interface import Files


class KeptEvent(NamedTuple):
    """An event on the disk: full name, severity, text, and its arguments by name."""

    tag: int
    name: str
    severity: str
    text: str
    arguments: dict[str, Any]

    @property
    def instance(self) -> str:
        """The instance that reported it."""
        return self.name.rpartition(".")[0]

    @property
    def label(self) -> str:
        """Its name without the instance's."""
        return self.name.rpartition(".")[2]


class Evidence:
    """The evidence: `events` oldest first, `snapshot` or `None`. `undecoded` events are not in the dictionary."""

    def __init__(
        self, dictionary: Dictionary, events: list[KeptEvent], snapshot: dict[str, Any] | None, undecoded: int = 0
    ) -> None:
        self.dictionary = dictionary
        self.events = events
        self.snapshot = snapshot
        self.undecoded = undecoded
        found: list[dict[str, Any]] = [] if snapshot is None else snapshot["instances"]
        self.instances = {one["name"]: one for one in found}

    def time(self, tag: int) -> str:
        """A time tag as text."""
        return time_text(tag, self.dictionary.config)

    def line(self, event: KeptEvent) -> str:
        """An event as a link of a chain: its time, who reported it, what it says."""
        return one_line(f"{self.time(event.tag)}  {event.name}: {event.text}")

    def fact(self, text: str) -> str:
        """Something that the running deployment says of now."""
        return one_line(f"{self.time(self.snapshot['tag'] if self.snapshot else 0)}  now: {text}")

    def labelled(self, *labels: str) -> list[KeptEvent]:
        """The events of these names, whichever instance reported them."""
        return [event for event in self.events if event.label in labels]

    def around(self, event: KeptEvent, before_s: float, after_s: float = 0.0) -> list[KeptEvent]:
        """The events of the time around one, by their tags; those of another clock are left out."""
        low, high = event.tag - round(before_s * 1e6), event.tag + round(after_s * 1e6)
        return [one for one in self.events if low <= one.tag <= high]

    def with_evidence(self, key: str) -> list[dict[str, Any]]:
        """The running instances whose own evidence has a key."""
        return [one for one in self.instances.values() if key in one["evidence"]]


def seconds_between(earlier: int, later: int) -> float:
    """The seconds from one time tag to another of the same clock."""
    return ((later & MICROSECONDS) - (earlier & MICROSECONDS)) / 1e6


def kept_packets(files: Files, root: str) -> list[bytes]:
    """The event packets on the disk of a deployment, the oldest first; it may be running. Raises `OSError`."""
    batches: list[bytes] = []
    for path in _rings(files, root):
        # What the writer's limits were does not matter here: no batch is larger than this.
        journal = Journal(files, path, JOURNAL_VERSION, record_limit=BATCH_SIZE_MAX, size_limit=1)
        batches += journal.peek()
    batches.sort(key=batch_span)
    return [packet for batch in batches for _, packet in batch_events(batch)]


def _rings(files: Files, root: str) -> list[str]:
    """The journals of events: EventLog has a folder of its own."""
    folders = [path for name in files.list(root) if files.is_folder(path := f"{root}/{name}")]
    return [path for folder in folders for end in ("a", "b") if files.exists(path := f"{folder}/ring.{end}")]


def read_events(dictionary: Dictionary, packets: Iterable[bytes]) -> tuple[list[KeptEvent], int]:
    """The events of these packets, and how many the dictionary does not know."""
    decoder = Decoder(dictionary)
    events: list[KeptEvent] = []
    undecoded = 0
    for packet in packets:
        try:
            found = decoder.decode_event(packet)
        except WireError:
            undecoded += 1
            continue
        names = [formal.name for formal in found.event.formals]
        arguments = {name: plain_value(value) for name, value in zip(names, found.args, strict=True)}
        events.append(KeptEvent(found.tag, found.name, found.severity, found.text, arguments))
    return events, undecoded
