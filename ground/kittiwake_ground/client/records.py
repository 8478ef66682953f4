"""What the server tells, as records. Times named `_us` are microseconds since 1970, UTC."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

R = TypeVar("R")


def record_of(kind: type[R], shown: Mapping[str, Any]) -> R:
    """A record from the API's object of the same members; what a newer server says besides is left out."""
    return kind(**{one.name: shown[one.name] for one in fields(kind) if one.name in shown})  # type: ignore[arg-type]


class CommandStep(NamedTuple):
    """A state that a command went into, and when by the ground's clock."""

    state: str
    time_us: int


@dataclass(frozen=True)
class CommandResult:
    """A command and its life so far.

    `state` is queued, sent, dispatched, completed, failed, timed_out, refused, expired or cancelled; the first of its
    `steps` is planned where it was. `response` is F´'s word for the answer: OK, EXECUTION_ERROR, ...
    """

    id: int
    name: str
    arguments: Mapping[str, Any]
    by: str
    state: str
    final: bool
    response: str
    reason: str
    steps: tuple[CommandStep, ...] = ()

    @property
    def completed(self) -> bool:
        """Whether it was carried out."""
        return self.state == "completed"

    @property
    def asked_us(self) -> int:
        """When the server took it, by the ground's clock."""
        return self.steps[0].time_us if self.steps else self.id

    @property
    def outcome(self) -> str:
        """The end in words, to stand behind the name."""
        return self.reason or self.state


@dataclass(frozen=True)
class ChannelValue:
    """A value of a channel. `time_us` is by the deployment's clock `time_base`; `time` is empty if that has no date.

    `alarm` is the gravest limit that the value breaks (YELLOW, ORANGE, RED), `latched` the gravest since somebody
    acknowledged it.
    """

    name: str
    value: Any
    text: str
    unit: str
    time: str
    time_us: int
    time_base: str
    received_us: int
    alarm: str
    latched: str = ""


@dataclass(frozen=True)
class Event:
    """An event. `number` counts the events since the server started, 0 for one from before."""

    number: int
    name: str
    severity: str
    text: str
    arguments: Mapping[str, Any]
    time: str
    time_us: int
    time_base: str
    received_us: int


@dataclass(frozen=True)
class TransferResult:
    """A file on its way: `direction` up or down; `state` queued, running, completed, failed or cancelled.

    `way` is packets (F´'s file packets) or cfdp; by CFDP the file's `sha256` is told as well, in hex.
    """

    id: int
    direction: str
    way: str
    remote: str
    name: str
    by: str
    state: str
    final: bool
    reason: str
    size: int
    done_bytes: int
    sha256: str
    asked_us: int
    ended_us: int


@dataclass(frozen=True)
class SequenceRun:
    """A run of a sequence: `step` of `total` commands are answered; `total` is 0 where the server has not the text.

    `state` is requested, loaded, running, completed, failed or cancelled. `failed_steps` count from 0.
    """

    id: int
    sequencer: str
    remote: str
    by: str
    state: str
    final: bool
    reason: str
    step: int
    total: int
    started_us: int
    ended_us: int
    failed_steps: tuple[int, ...] = ()
    steps: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def completed(self) -> bool:
        """Whether it ran to its end without an error."""
        return self.state == "completed" and not self.failed_steps


class SequenceStep(NamedTuple):
    """A command of a sequence that was answered: `number` of `total` from 1, its text where it is known."""

    number: int
    total: int
    command: str
    failed: bool


@dataclass(frozen=True)
class ParameterValue:
    """A parameter. `known` is unknown, set (from here) or dump (told by the deployment), since `known_us`.

    `stale` after a lost link or a reset: it may be another by now. `partial` if its text was cut when it was told.
    """

    name: str
    type: str
    default: Any
    annotation: str
    settable: bool
    savable: bool
    known: str
    value: Any
    origin: str
    stale: bool
    partial: bool = False
    known_us: int = 0

    @property
    def differs(self) -> bool:
        """Whether the value is known, and not the default."""
        # The deployment tells composite values as text, which may write the default otherwise.
        return self.known != "unknown" and self.origin != "DEFAULT" and self.value != self.default


@dataclass(frozen=True)
class KnownValue:
    """What is known of a parameter's value at a time; as in `ParameterValue`, or `known` is default."""

    known: str
    value: Any
    origin: str
    known_us: int
    stale: bool
    partial: bool


class ParameterDifference(NamedTuple):
    """How a parameter compares: `verdict` is same, different, unknown, or absent where only one side has it."""

    name: str
    verdict: str
    first: KnownValue | None
    second: KnownValue | None


@dataclass(frozen=True)
class LinkState:
    """How a link stands; `state` is down, connecting or up. `silent` says that nothing came for a while.

    `spi` is the key that the ground signs commands with, `None` if it signs none; `accepted` is the last sequence
    number that the deployment has said it accepted, `resynchronisations` how often the ground's was put right by it.
    """

    address: str
    state: str
    reason: str
    since: str
    since_us: int
    last_packet_us: int
    silent: bool
    connections: int
    sent_bytes: int
    received_bytes: int
    frames: int
    packets: int
    crc_errors: int
    gaps: int
    skipped_bytes: int
    undecodable: int
    spi: int | None = None
    accepted: int | None = None
    resynchronisations: int = 0


@dataclass(frozen=True)
class DeploymentState:
    """A deployment at a glance; `deployment` is what it is called in its dictionary.

    `alarms` are the gravest levels of its channels, `unacknowledged` is how many alarms nobody has acknowledged.
    """

    name: str
    deployment: str
    link: LinkState
    queue_policy: str
    queued_commands: int
    dictionary_hash: str
    dictionary_matches: str
    alarms: Mapping[str, str]
    sequencers: tuple[str, ...]
    unacknowledged: int = 0


@dataclass(frozen=True)
class Alarm:
    """An alarm: `kind` is limit, stale or event, `source` the channel's or the event's name.

    `state` is active, latched (it has recovered, and nobody has acknowledged it), acknowledged or closed; `level` is
    the gravest since it was raised or acknowledged, `now` the present one, empty once it has recovered. `text` says
    what was seen when `level` was reached, at `level_us`; `count` how often it was raised.
    """

    id: int
    deployment: str
    kind: str
    source: str
    state: str
    level: str
    now: str
    text: str
    raised_us: int
    level_us: int
    changed_us: int
    count: int
    revision: int
    acknowledged_by: str = ""
    acknowledged_us: int = 0
    comment: str = ""
    comment_by: str = ""
    shelved_until_us: int = 0
    shelved_by: str = ""


class AlarmChange(NamedTuple):
    """What became of an alarm, who did it if it was a person, and what they said or what was seen."""

    alarm: Alarm
    action: str
    by: str
    said: str


@dataclass(frozen=True)
class AlarmEntry:
    """An entry of the history of alarms; `alarm` is 0 where limits were changed."""

    id: int
    time_us: int
    alarm: int
    action: str
    kind: str
    source: str
    level: str
    by: str
    text: str


@dataclass(frozen=True)
class ChannelLimits:
    """The limits that count for a channel, by colour; `by` is who set them, empty for those of the dictionary.

    `samples` values in a row must be beyond, for `hold_s` seconds; a value that is within by `hysteresis` is back. A
    channel that is silent for `stale_s` seconds (0: never) is an alarm of `stale_level`.
    """

    channel: str
    low: Mapping[str, float]
    high: Mapping[str, float]
    samples: int
    hold_s: float
    hysteresis: float
    stale_s: float
    stale_level: str
    by: str
    revision: int

    def wanted(self) -> dict[str, Any]:
        """What would set the same."""
        return {
            one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("channel", "by", "revision")
        }


@dataclass(frozen=True)
class DerivedChannel:
    """A channel that the ground derives from others; `fault` says why it has no value now."""

    name: str
    expression: str
    unit: str
    annotation: str
    by: str
    revision: int
    fault: str
    fault_us: int


def change_of(shown: Mapping[str, Any]) -> AlarmChange:
    """What became of an alarm."""
    return AlarmChange(record_of(Alarm, shown), str(shown["action"]), str(shown["by"]), str(shown["said"]))


@dataclass(frozen=True)
class Plan:
    """Something that is planned: `kind` is command, sequence or upload, and `subject` its name or that on board.

    `state` is planned, releasing, released, completed, failed, expired, cancelled, refused, uncertain (the server was
    killed while it was sent, and it is not sent again) or unanswered (it was sent, and its end is not known). `due_us`
    is `None` for a pass that is not known yet. `sent_id` is the command or transfer that it became.
    """

    id: int
    kind: str
    subject: str
    when: str
    due_us: int | None
    until_us: int
    by: str
    state: str
    final: bool
    reason: str
    sent_id: int
    created_us: int
    released_us: int
    ended_us: int
    revision: int
    arguments: Mapping[str, Any] | None = None

    @property
    def completed(self) -> bool:
        """Whether it was carried out."""
        return self.state == "completed"


@dataclass(frozen=True)
class Update:
    """A piece of news: its record, and its `kind`, which is one of those of `SUBJECTS`.

    `dropped` says how many older ones were left out before it, as whoever listened lagged; `shown` is the API's object.
    """

    kind: str
    deployment: str
    subject: Any
    shown: Mapping[str, Any] = field(repr=False)
    dropped: int = 0


def command_of(shown: Mapping[str, Any]) -> CommandResult:
    """A command."""
    steps = tuple(CommandStep(str(one["state"]), int(one["time_us"])) for one in shown["steps"])
    return record_of(CommandResult, {**shown, "steps": steps})


def difference_of(shown: Mapping[str, Any]) -> ParameterDifference:
    """How a parameter compares."""
    first, second = (shown[side] and record_of(KnownValue, shown[side]) for side in ("first", "second"))
    return ParameterDifference(str(shown["name"]), str(shown["verdict"]), first, second)


def run_of(shown: Mapping[str, Any]) -> SequenceRun:
    """A run of a sequence."""
    return record_of(
        SequenceRun, {**shown, "failed_steps": tuple(shown["failed_steps"]), "steps": tuple(shown["steps"])}
    )


def deployment_of(shown: Mapping[str, Any]) -> DeploymentState:
    """A deployment at a glance."""
    link = record_of(LinkState, shown["link"])
    return record_of(DeploymentState, {**shown, "link": link, "sequencers": tuple(shown["sequencers"])})


SUBJECTS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "channels": lambda shown: record_of(ChannelValue, shown),
    "events": lambda shown: record_of(Event, shown),
    "commands": command_of,
    "links": lambda shown: record_of(LinkState, shown),
    "transfers": lambda shown: record_of(TransferResult, shown),
    "sequences": run_of,
    "parameters": lambda shown: record_of(ParameterValue, shown),
    "alarms": change_of,
    "plans": lambda shown: record_of(Plan, shown),
}
"""Kind of update -> what makes a record of its object."""
