"""Routes: deployments, their links and dictionaries, channels with their history, and events."""
# ruff: noqa: TC001 - FastAPI reads the annotations at run time

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Any

from fastapi import APIRouter, Query

from kittiwake.dictionary.load import SEVERITIES
from kittiwake_ground.api.access import DeploymentHere, GroundHere, Operator, Viewer
from kittiwake_ground.api.described import dictionary_object
from kittiwake_ground.api.problems import Problem
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.views import (
    latest_object,
    link_object,
)

router = APIRouter(tags=["telemetry"])

MAX_VALUES = 50_000
MAX_PATTERNS = 1000

StartUs = Annotated[int | None, Query(ge=0, lt=1 << 62, description="µs since 1970; the first that counts")]
EndUs = Annotated[int | None, Query(ge=0, lt=1 << 62, description="µs since 1970; the first that counts no more")]
Patterns = Annotated[list[str], Query(alias="name", max_length=MAX_PATTERNS, description="names or patterns")]


def _deployment_object(deployment: Deployment) -> dict[str, Any]:
    """A deployment at a glance."""
    hub, dictionary = deployment.hub, deployment.dictionary
    return {
        "name": deployment.name,
        "deployment": dictionary.deployment,
        "link": link_object(deployment.link),
        "queue_policy": deployment.configuration.queue,
        "queued_commands": sum(one.state == "queued" for one in deployment.commands.records.values()),
        "dictionary_hash": dictionary.hash,
        "dictionary_reported": hub.dictionary_reported,
        "dictionary_matches": {True: "true", False: "false", None: "unknown"}[hub.dictionary_matches],
        "channels_seen": len(hub.latest),
        "samples": hub.sample_count,
        "events": hub.event_count,
        "alarms": dict(hub.latched),
        "unacknowledged": len(hub.alarms.unseen()),
        "sequencers": list(deployment.sequences.sequencers),
    }


@router.get("/deployments")
async def deployments(person: Viewer, ground: GroundHere) -> dict[str, Any]:
    """Every deployment at a glance."""
    return {"deployments": [_deployment_object(one) for one in ground.deployments.values()]}


@router.get("/deployments/{deployment}")
async def one_deployment(here: DeploymentHere) -> dict[str, Any]:
    """A deployment at a glance."""
    return _deployment_object(here)


@router.get("/deployments/{deployment}/link")
async def link(here: DeploymentHere) -> dict[str, Any]:
    """How the link stands."""
    return link_object(here.link)


@router.get("/deployments/{deployment}/dictionary")
async def dictionary(here: DeploymentHere) -> dict[str, Any]:
    """Commands, events, channels and parameters, with their types."""
    return dictionary_object(here)


@router.get("/deployments/{deployment}/channels")
async def channels(here: DeploymentHere, patterns: Patterns = []) -> dict[str, Any]:  # noqa: B006
    """The latest value of each channel that has one, in the order of the dictionary."""
    latest = here.hub.latest
    return {
        "channels": [
            latest_object(latest[name], here.hub)
            for name in here.dictionary.channels
            if name in latest and matches(name, patterns)
        ]
    }


@router.get("/deployments/{deployment}/channels/{channel}")
async def channel_value(here: DeploymentHere, channel: str) -> dict[str, Any]:
    """The latest value of a channel."""
    found = here.dictionary.channel(channel)
    sample = here.hub.latest.get(found.name)
    if sample is None:
        raise Problem(404, f"{channel} has no value yet")
    return latest_object(sample, here.hub)


@router.post("/deployments/{deployment}/channels/{channel}/acknowledge")
async def acknowledge(here: DeploymentHere, channel: str, person: Operator, ground: GroundHere) -> dict[str, Any]:
    """Acknowledges that a channel was in alarm."""
    here.hub.acknowledge(channel, person.name)
    ground.audit.add(person.name, "acknowledge", here.name, channel)
    return await channel_value(here, channel)


@router.get("/deployments/{deployment}/channels/{channel}/history")
async def history(
    here: DeploymentHere,
    channel: str,
    ground: GroundHere,
    start_us: StartUs = None,
    end_us: EndUs = None,
    buckets: Annotated[int | None, Query(ge=2, le=10_000)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_VALUES)] = 10_000,
) -> dict[str, Any]:
    """The values of a channel over time, or their least, mean and greatest in so many buckets of the same width."""
    name = here.dictionary.channel(channel).name
    if buckets is not None:
        return await ground.past.buckets(here.hub, name, start_us, end_us, buckets)
    return await ground.past.values(here.hub, name, start_us, end_us, limit)


@router.get("/deployments/{deployment}/events")
async def events(
    here: DeploymentHere,
    ground: GroundHere,
    patterns: Patterns = [],  # noqa: B006
    severity: str | None = None,
    start_us: StartUs = None,
    end_us: EndUs = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> dict[str, Any]:
    """Events of these names, this grave or graver, in this time; the newest of them, the oldest first."""
    if severity is not None and severity not in SEVERITIES:
        raise Problem(422, f"severity: there is no {severity!r}; there are {', '.join(SEVERITIES)}")
    grave = SEVERITIES if severity is None else SEVERITIES[: SEVERITIES.index(severity) + 1]
    return await ground.past.events(here, lambda name: matches(name, patterns), grave, start_us, end_us, limit)


def matches(name: str, patterns: list[str]) -> bool:
    """Whether a name is one of these or fits one of the patterns; without any each does."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
