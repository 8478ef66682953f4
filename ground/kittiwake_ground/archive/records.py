"""What the archive takes and what it gives. Times are microseconds since the Unix epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import frozen

if TYPE_CHECKING:
    from array import array

COMMAND_STATES = (
    "planned", "queued", "sent", "dispatched", "completed", "failed", "timed_out", "refused", "expired", "cancelled",
)  # fmt: skip
"""The states in a command's life; from the fifth on they end it."""

FINAL_COMMAND_STATES = frozenset(COMMAND_STATES[4:])

FILE_STATES = ("queued", "running", "completed", "failed", "cancelled")
"""The states in a transfer's life; from the third on they end it."""

DIRECTIONS = ("up", "down")
"""To the deployment, and from it."""


class NewEvent(NamedTuple):
    """An event to be archived. `tag` is `time base << 64 | us`; `arguments` are by name, typed or plain."""

    name: str
    severity: str
    tag: int
    received_us: int
    text: str
    arguments: Any = ()


class ChannelDeclaration(NamedTuple):
    """What a dictionary says of a channel."""

    name: str
    type: str
    unit: str = ""


class Sample(NamedTuple):
    """One value of a channel. `name` is the constant's where `value` is an enum's number, else empty."""

    time_us: int
    position: int
    tag: int
    received_us: int
    value: Any
    name: str = ""


@frozen
class Buckets:
    """Statistics of a channel by time. The arrays are equally long; buckets without a sample are left out.

    `start_us` are multiples of `width_us`. `min`, `max`, `mean` and `last` are floats; the mean is NaN where the sum
    is none (both infinities occur).
    """

    width_us: int
    start_us: array[int]
    count: array[int]
    min: array[float]
    max: array[float]
    mean: array[float]
    last: array[float]


class ArchivedEvent(NamedTuple):
    """An event. `time_us` and `id` together are its cursor."""

    id: int
    time_us: int
    tag: int
    received_us: int
    name: str
    severity: str
    text: str
    arguments: Any


class CommandStep(NamedTuple):
    """One step in a command's life."""

    state: str
    at_us: int
    by: str
    response: str


class ArchivedCommand(NamedTuple):
    """A command with its whole life; `state` and `response` are those of the last step."""

    id: int
    deployment: str
    name: str
    opcode: int
    arguments: Any
    by: str
    created_us: int
    state: str
    response: str
    steps: tuple[CommandStep, ...]


class ArchivedFile(NamedTuple):
    """A transfer. `size` in bytes and `crc` are `None` as long as they are not known.

    `way` is packets or cfdp; `sha256` is in hex, and empty where it is not known.
    """

    id: int
    deployment: str
    direction: str
    source: str
    destination: str
    size: int | None
    crc: int | None
    state: str
    reason: str
    by: str
    created_us: int
    updated_us: int
    way: str = "packets"
    sha256: str = ""


MAX_SEQUENCE_FILES = 200
"""The most sequence files of a deployment of which it is kept what they hold; the one seen first goes first."""


class SequenceFile(NamedTuple):
    """What a sequence file of a deployment holds: its size in bytes and its CRC-32, and what it sends.

    `steps` is how many steps it has, `commands` are the names of the commands in them, each once.
    """

    path: str
    size: int
    crc: int
    steps: int
    commands: tuple[str, ...]
    seen_us: int


class Frame(NamedTuple):
    """The raw bytes of a frame. `direction` is up or down."""

    received_us: int
    direction: str
    bytes: bytes


class LinkStep(NamedTuple):
    """A state that a deployment's link went into, and why; it holds until the next one."""

    at_us: int
    state: str
    reason: str


class Loss(NamedTuple):
    """Something that the archive could not take: the time it was noted, the kind of thing, and how many."""

    at_us: int
    what: str
    lost: int


class ArchivedChannel(NamedTuple):
    """A channel that the archive knows, with what the dictionary that was declared last says of it."""

    name: str
    type: str
    unit: str
    dictionary_hash: str


class Statistics(NamedTuple):
    """What the writer did since it started. `fault` is what hinders it now, or empty."""

    samples: int
    events: int
    frames: int
    duplicates: int
    """Samples that were there already."""
    expired: int
    """Samples older than what retention keeps."""
    dropped: int
    """Items that found the queue full."""
    rejected: int
    """Items that cannot be stored, or could not until the end."""
    commits: int
    queued: int
    """Items that wait to be written."""
    fault: str
