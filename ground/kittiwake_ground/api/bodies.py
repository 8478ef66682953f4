"""The bodies of requests, with their limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from kittiwake_ground.alarms.book import MAX_SHELVED_S
from kittiwake_ground.alarms.derived import MAX_ANNOTATION, MAX_UNIT
from kittiwake_ground.alarms.expression import MAX_TEXT
from kittiwake_ground.alarms.life import MAX_COMMENT
from kittiwake_ground.alarms.limits import MAX_SAMPLES, MAX_SECONDS
from kittiwake_ground.longterm.asking import DEFAULT_ROWS, MAX_ROWS, MAX_SQL
from kittiwake_ground.passes.contact import DEFAULT_EFFICIENCY, GREATEST_BPS, LONGEST_EVERY_S, LONGEST_S, MAX_NAME
from kittiwake_ground.passes.planned import LONGEST_DELAY_S
from kittiwake_ground.passes.reading import MAX_TEXT as MAX_CONTACT_FILE
from kittiwake_ground.passes.store import MAX_CONTENT
from kittiwake_ground.server.commands import MAX_TIMEOUT_S
from kittiwake_ground.server.layouts import MAX_CHANNELS, MAX_SPAN_S
from kittiwake_ground.server.sequences import MAX_TEXT_SIZE

Name = Annotated[str, Field(min_length=1, max_length=300)]
Path = Annotated[str, Field(min_length=1, max_length=255)]


class Body(BaseModel):
    """A JSON object without members that nobody reads."""

    model_config = ConfigDict(extra="forbid")


class LogInBody(Body):
    """A name and a password."""

    name: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=1000)]


class CommandBody(Body):
    """A command with its arguments in order or by name; `wait` to get the answer once it has ended."""

    name: Name
    arguments: Annotated[list[Any], Field(max_length=1000)] | dict[str, Any] = []
    timeout_s: Annotated[float | None, Field(gt=0, le=MAX_TIMEOUT_S)] = None
    wait: bool = False


class RemoteBody(Body):
    """A file of the deployment."""

    remote: Path


class FolderBody(Body):
    """A folder of the deployment."""

    path: Path = "/"


class SequenceBody(Body):
    """The text of a sequence; `name` stands for the file in faults."""

    text: Annotated[str, Field(max_length=MAX_TEXT_SIZE)]
    name: Annotated[str, Field(max_length=255)] = "sequence"


class CheckBody(SequenceBody):
    """A sequence to check; the dry run starts at `start_us`, microseconds since 1970, or now."""

    start_us: Annotated[int | None, Field(ge=0, lt=1 << 62)] = None


class SequenceUploadBody(SequenceBody):
    """A sequence to compile and bring up; `confirm` says that the hazardous commands in it are meant."""

    remote: Path
    confirm: bool = False


class RunBody(Body):
    """A sequence file of the deployment to run, and the sequencer that runs it: by default the first.

    `confirm` says that the hazardous commands in it are meant.
    """

    remote: Path
    confirm: bool = False
    sequencer: Annotated[str, Field(max_length=300)] = ""


class ProcedureBody(Body):
    """A procedure to start on a deployment; `confirm` says that the hazardous commands it declares are meant."""

    deployment: Name
    arguments: Annotated[dict[str, Any], Field(max_length=100)] = {}
    confirm: bool = False


class QueryBody(Body):
    """A question in SQL: one SELECT; at most `limit` rows are answered."""

    sql: Annotated[str, Field(min_length=1, max_length=MAX_SQL)]
    limit: Annotated[int, Field(ge=1, le=MAX_ROWS)] = DEFAULT_ROWS


class RedecodeBody(Body):
    """A dictionary, as its file has it, and the time of reception of what it is to decode again.

    Nothing is written with `dry_run`; `packet_set` names the set of telemetry packets, if the dictionary has several.
    """

    dictionary: dict[str, Any]
    start_us: Annotated[int, Field(ge=0, lt=1 << 62)]
    end_us: Annotated[int, Field(ge=0, lt=1 << 62)]
    packet_set: Annotated[str, Field(max_length=300)] = ""
    dry_run: bool = True


class LayoutBody(Body):
    """A chart layout: `version` is the one that was seen, 0 for a new layout."""

    version: Annotated[int, Field(ge=0)] = 0
    channels: Annotated[list[Name], Field(min_length=1, max_length=MAX_CHANNELS)]
    span_s: Annotated[int, Field(ge=1, le=MAX_SPAN_S)] = 300
    live: bool = True
    stacked: bool = True
    over_s: Annotated[int, Field(ge=0, le=MAX_SPAN_S)] = 0


class ParameterBody(Body):
    """A value to set; `save` to keep it, `wait` to get the answer once the setting has ended."""

    value: Any
    save: bool = False
    wait: bool = False


Comment = Annotated[str, Field(max_length=MAX_COMMENT)]


class AcknowledgeBody(Body):
    """What whoever has seen an alarm wants to say of it."""

    comment: Comment = ""


class AcknowledgeAllBody(AcknowledgeBody):
    """The same for several alarms; `source` is a pattern of channels and events."""

    source: Annotated[str, Field(max_length=300)] = ""


class CommentBody(Body):
    """What there is to say of an alarm."""

    text: Comment


class ShelveBody(Body):
    """For how long nobody is to be told, and why."""

    for_s: Annotated[float, Field(gt=0, le=MAX_SHELVED_S)]
    comment: Comment = ""


Limit = Annotated[float | None, Field(allow_inf_nan=False)]


class SideBody(Body):
    """The limits on one side."""

    yellow: Limit = None
    orange: Limit = None
    red: Limit = None


class LimitsBody(Body):
    """Limits of a channel; see `LimitPlan`."""

    low: SideBody = SideBody()
    high: SideBody = SideBody()
    samples: Annotated[int, Field(ge=1, le=MAX_SAMPLES)] = 1
    hold_s: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = 0.0
    hysteresis: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    stale_s: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = 0.0
    stale_level: str = "YELLOW"


class DerivedBody(Body):
    """How a channel is derived from others."""

    expression: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    unit: Annotated[str, Field(max_length=MAX_UNIT)] = ""
    annotation: Annotated[str, Field(max_length=MAX_ANNOTATION)] = ""


class ContactBody(Body):
    """A contact: rates in bits a second, 0 for those that earlier passes have shown; `every_s` for one that recurs."""

    start_us: Annotated[int, Field(ge=0, lt=1 << 62)]
    duration_s: Annotated[float, Field(gt=0, le=LONGEST_S)]
    name: Annotated[str, Field(max_length=MAX_NAME)] = ""
    link: Annotated[str, Field(max_length=MAX_NAME)] = ""
    down_bps: Annotated[float, Field(ge=0, le=GREATEST_BPS)] = 0.0
    up_bps: Annotated[float, Field(ge=0, le=GREATEST_BPS)] = 0.0
    efficiency: Annotated[float, Field(gt=0, le=1)] = DEFAULT_EFFICIENCY
    every_s: Annotated[float, Field(ge=0, le=LONGEST_EVERY_S)] = 0.0
    until_us: Annotated[int, Field(ge=0, lt=1 << 62)] = 0


class ContactFileBody(Body):
    """The text of a CSV or iCalendar file; `name` stands for it in faults."""

    text: Annotated[str, Field(max_length=MAX_CONTACT_FILE)]
    name: Annotated[str, Field(max_length=255)] = "contacts"
    replace: bool = False


class WhenBody(Body):
    """When something is to be sent, in one of three ways: `at_us`, a date in microseconds since 1970; `after_s`, a
    delay from now; `pass_offset_s`, so long after the start of the next pass.

    `expiry_s` is for how long it may wait for the link: by default an hour, or until the end of the pass.
    """

    at_us: Annotated[int | None, Field(ge=0, lt=1 << 62)] = None
    after_s: Annotated[float | None, Field(ge=0, le=LONGEST_DELAY_S)] = None
    pass_offset_s: Annotated[float | None, Field(ge=0, le=LONGEST_S)] = None
    expiry_s: Annotated[float | None, Field(ge=1, le=LONGEST_DELAY_S)] = None


class PlanBody(WhenBody):
    """What is to be sent: a command with its arguments, a sequence on board to run, or a file to bring up.

    `subject` is the command's name or the name on board; `name` and `content` (in base64) are those of the file.
    """

    kind: Literal["command", "sequence", "upload"] = "command"
    subject: Name
    arguments: Annotated[list[Any], Field(max_length=1000)] | dict[str, Any] = []
    sequencer: Annotated[str, Field(max_length=300)] = ""
    name: Annotated[str, Field(max_length=255)] = ""
    way: Literal["packets", "cfdp"] = "packets"
    content: Annotated[Base64Bytes, Field(max_length=MAX_CONTENT)] = b""
    confirm: bool = False

    def detail(self) -> dict[str, Any]:
        """What the kind needs besides its subject."""
        if self.kind == "command":
            return {"arguments": self.arguments}
        return {"sequencer": self.sequencer} if self.kind == "sequence" else {"name": self.name, "way": self.way}


class PlanChangeBody(WhenBody):
    """Another time for a plan, and other arguments of its command unless they stay as they are."""

    arguments: Annotated[list[Any], Field(max_length=1000)] | dict[str, Any] | None = None
    confirm: bool = False
