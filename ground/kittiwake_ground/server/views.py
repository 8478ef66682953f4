"""The server's records as plain objects, for the API, the WebSocket and the archive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake_ground.archive import FINAL_COMMAND_STATES
from kittiwake_ground.shown import json_value, value_alarm

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Config, Dictionary
    from kittiwake.faults import Fault
    from kittiwake.sequence.timeline import Step
    from kittiwake_ground.alarms.book import Change
    from kittiwake_ground.alarms.limits import LimitPlan
    from kittiwake_ground.archive import ArchivedCommand, ArchivedEvent
    from kittiwake_ground.passes.planned import Planned
    from kittiwake_ground.passes.planner import Due
    from kittiwake_ground.procedures.run import Run
    from kittiwake_ground.server.commands import CommandRecord
    from kittiwake_ground.server.folders import Listing
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.links import LinkReport
    from kittiwake_ground.server.parameters import ParameterRecord
    from kittiwake_ground.server.samples import EventRecord, Sample
    from kittiwake_ground.server.sequences import SequenceRun
    from kittiwake_ground.server.subscription import Update
    from kittiwake_ground.server.transfers import Transfer

_MICROSECONDS_MASK = (1 << 64) - 1
_DATED = ("TB_WORKSTATION_TIME", "TB_SC_TIME")


def iso_time(time_us: int) -> str:
    """A time since 1970 as ISO 8601, UTC; the empty string for 0."""
    if not time_us:
        return ""
    seconds, rest = divmod(time_us, 1_000_000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06}Z"
    except (OverflowError, ValueError, OSError):
        return ""


def tag_object(tag: int, config: Config) -> dict[str, Any]:
    """A device's time tag: `time` is empty where its clock does not know the date."""
    base, time_us = tag >> 64, tag & _MICROSECONDS_MASK
    name = next((name for name, value in config.time_bases.items() if value == base), str(base))
    return {"time": iso_time(time_us) if name in _DATED else "", "time_us": time_us, "time_base": name}


def sample_object(sample: Sample, dictionary: Dictionary) -> dict[str, Any]:
    """A channel's value."""
    channel, tag, value, received_us = sample
    return {
        "name": channel.name,
        **tag_object(tag, dictionary.config),
        "received_us": received_us,
        "value": json_value(value),
        "text": DecodedChannel(channel, tag, value, dictionary.formats).text,
        "unit": channel.unit,
        "alarm": value_alarm(channel, value),
    }


def latest_object(sample: Sample, hub: Hub) -> dict[str, Any]:
    """A channel's latest value by the limits that count, with the gravest alarm since it was last acknowledged."""
    limited = sample._replace(channel=hub.alarms.limited(sample.channel))
    return {**sample_object(limited, hub.dictionary), "latched": hub.latched.get(sample.channel.name, "")}


def event_object(record: EventRecord, dictionary: Dictionary) -> dict[str, Any]:
    """An event."""
    event = record.decoded
    formals = event.event.formals
    return {
        "number": record.number,
        "name": event.name,
        **tag_object(event.tag, dictionary.config),
        "received_us": record.received_us,
        "severity": event.severity,
        "text": event.text,
        "arguments": {formal.name: json_value(value) for formal, value in zip(formals, event.args, strict=True)},
    }


def command_object(record: CommandRecord) -> dict[str, Any]:
    """A command with its life so far."""
    return {
        "id": record.id,
        "name": record.command.name,
        "opcode": record.command.opcode,
        "arguments": {name: json_value(value) for name, value in record.arguments.items()},
        "by": record.by,
        "state": record.state,
        "final": record.is_final,
        "response": record.response,
        "reason": record.reason,
        "timeout_s": record.timeout_s,
        "steps": [{"state": state, "time": iso_time(time_us), "time_us": time_us} for state, time_us in record.steps],
    }


def archived_event_object(event: ArchivedEvent, dictionary: Dictionary) -> dict[str, Any]:
    """An event from the archive, as one that is held here; its number is 0, as it came before the server started."""
    return {
        "number": 0,
        "name": event.name,
        **tag_object(event.tag, dictionary.config),
        "received_us": event.received_us,
        "severity": event.severity,
        "text": event.text,
        "arguments": event.arguments,
    }


def archived_command_object(command: ArchivedCommand) -> dict[str, Any]:
    """A command from the archive, as one that is held here."""
    final = command.state in FINAL_COMMAND_STATES
    return {
        "id": command.created_us,
        "name": command.name,
        "opcode": command.opcode,
        "arguments": command.arguments,
        "by": command.by,
        "state": command.state,
        "final": final,
        "response": command.response,
        "reason": "" if final else "the ground station was stopped before it ended",
        "timeout_s": 0.0,
        "steps": [{"state": one.state, "time": iso_time(one.at_us), "time_us": one.at_us} for one in command.steps],
    }


def transfer_object(transfer: Transfer) -> dict[str, Any]:
    """A transfer."""
    return {
        "id": transfer.id,
        "direction": transfer.direction,
        "way": transfer.way,
        "remote": transfer.remote,
        "name": transfer.name,
        "by": transfer.by,
        "state": transfer.state,
        "final": transfer.is_final,
        "reason": transfer.reason,
        "size": transfer.size,
        "done_bytes": transfer.done_bytes,
        "sha256": transfer.sha256,
        "asked_us": transfer.asked_us,
        "ended_us": transfer.ended_us,
    }


def link_object(report: LinkReport) -> dict[str, Any]:
    """How a link stands."""
    return {**report._asdict(), "since": iso_time(report.since_us)}


def step_object(step: Step) -> dict[str, Any]:
    """A step of a dry run."""
    return {**step._asdict(), "at": iso_time(step.at_us)}


def fault_object(fault: Fault) -> dict[str, Any]:
    """A fault in a text."""
    return {"line": fault.line, "column": fault.col, "message": fault.message, "hint": fault.hint}


def run_object(run: SequenceRun) -> dict[str, Any]:
    """A run of a sequence."""
    return {
        "id": run.id,
        "sequencer": run.sequencer,
        "remote": run.remote,
        "by": run.by,
        "state": run.state,
        "final": run.is_final,
        "reason": run.reason,
        "step": run.step,
        "total": run.total,
        "failed_steps": list(run.failed_steps),
        "started_us": run.started_us,
        "ended_us": run.ended_us,
        "steps": [step_object(step) for step in run.steps],
    }


def parameter_object(record: ParameterRecord) -> dict[str, Any]:
    """A parameter and what is known of its value."""
    parameter = record.parameter
    return {
        "name": parameter.name,
        "type": repr(parameter.type),
        "default": None if parameter.default is None else json_value(parameter.default),
        "annotation": parameter.annotation,
        "settable": bool(record.set_command),
        "savable": bool(record.save_command),
        **known_object(record),
    }


def known_object(record: ParameterRecord) -> dict[str, Any]:
    """What is known of a parameter's value."""
    return {
        "known": record.known,
        "value": record.value,
        "origin": record.origin,
        "known_us": record.known_us,
        "stale": record.stale,
        "partial": record.partial,
    }


def listing_object(listing: Listing) -> dict[str, Any]:
    """A folder."""
    return {
        "path": listing.path,
        "complete": listing.complete,
        "counted": listing.counted,
        "entries": [one._asdict() for one in listing.entries],
    }


def change_object(change: Change, hub: Hub) -> dict[str, Any]:
    """What became of an alarm."""
    return {**hub.alarms.plain(change.alarm), "action": change.action, "by": change.by, "said": change.text}


def limits_object(name: str, plan: LimitPlan) -> dict[str, Any]:
    """A channel's limits."""
    return {"channel": name, **plan.plain(), "by": plan.by, "revision": plan.revision}


def plan_object(plan: Planned, due: Due) -> dict[str, Any]:
    """A plan, with when it is due and until when it may wait, as far as that is known."""
    what, when = plan.what, plan.when
    detail = {name: json_value(value) for name, value in what.detail.items()}
    return {
        "id": plan.id, "kind": what.kind, "subject": what.subject, **detail, "size": what.size,
        "when": when.kind, "at_us": when.at_us, "delay_s": when.delay_s, "expiry_s": when.expiry_s,
        "due_us": due.due_us, "until_us": due.until_us, "due": iso_time(due.due_us or 0),
        "by": plan.by, "confirmed": plan.confirmed, "created_us": plan.created_us, "state": plan.state,
        "final": plan.is_final, "reason": plan.reason, "sent_id": plan.sent_id, "released_us": plan.released_us,
        "ended_us": plan.ended_us, "revision": plan.revision,
    }  # fmt: skip


def update_object(update: Update, hub: Hub) -> dict[str, Any]:
    """A piece of news: its kind, its deployment, and its subject as the API shows it elsewhere."""
    subject = update.subject
    if update.kind == "channels":
        shown = latest_object(subject, hub)
    elif update.kind == "alarms":
        shown = change_object(subject, hub)
    elif update.kind == "events":
        shown = event_object(subject, hub.dictionary)
    else:
        shown = _VIEWS[update.kind](subject)
    return {"kind": update.kind, "deployment": update.deployment, "subject": shown}


_VIEWS: dict[str, Any] = {
    "commands": command_object,
    "links": link_object,
    "transfers": transfer_object,
    "sequences": run_object,
    "parameters": parameter_object,
    "plans": lambda news: plan_object(news.plan, news.due),
}


def procedure_run_object(run: Run) -> dict[str, Any]:
    """A run of a procedure."""
    return {**run.plain(), "final": run.is_final, "started": iso_time(run.started_us), "ended": iso_time(run.ended_us)}
