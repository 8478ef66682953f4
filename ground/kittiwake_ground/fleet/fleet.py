"""All deployments of a ground station side by side, the worst first."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from kittiwake_ground.archive import UnknownChannel
from kittiwake_ground.fleet.reading import GRAVE, Reader, Remembered, wanted_channels
from kittiwake_ground.fleet.standing import in_order, standing
from kittiwake_ground.replay.retyped import typed_value
from kittiwake_ground.server.samples import Sample
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake_ground.archive import History
    from kittiwake_ground.fleet.standing import Standing
    from kittiwake_ground.server.deployment import Deployment

FRESH_S = 0.25
"""All who ask within so long are given the same: many open pages cost no more than one."""

_log = logging.getLogger(__name__)


class Fleet:
    """Every deployment at a glance. Everything but `recall` happens in the event loop's thread."""

    def __init__(
        self, deployments: Iterable[Deployment], archive: History | None, clock: Callable[[], int] = now_us
    ) -> None:
        self._readers = [Reader(one) for one in deployments]
        self._archive = archive
        self._clock = clock
        self._served_us = clock()
        self._made_s = float("-inf")
        self._made: list[Standing] = []

    def standings(self) -> list[Standing]:
        """All deployments, the worst first."""
        now_s = time.monotonic()
        if now_s - self._made_s >= FRESH_S:
            now = self._clock()
            self._made = in_order(
                standing(one.glance(now, self._served_us), one.deployment.configuration.fleet) for one in self._readers
            )
            self._made_s = now_s
        return self._made

    async def recall(self) -> None:
        """Learns from the archive how each deployment stood before this server started: one that sleeps is silent now.

        It ends once it has learnt that; a deployment whose archive cannot be read goes without.
        """
        archive = self._archive
        if archive is None:
            return
        for reader in self._readers:
            try:
                reader.remembered = await asyncio.to_thread(remembered, archive, reader)
            except Exception:  # noqa: BLE001 - what could not be recalled is not shown, and the rest is
                _log.exception("deployment %s: how it stood before could not be read", reader.deployment.name)


def remembered(archive: History, reader: Reader) -> Remembered:
    """What an archive knows of a deployment; nothing where it was never heard."""
    name = reader.deployment.name
    channels = wanted_channels(reader)
    try:
        latest = archive.latest(name)
        events = archive.events(name, severities=GRAVE, limit=1)
    except UnknownChannel:
        return Remembered()
    samples = {}
    for one, sample in latest.items():
        if one in channels:
            try:
                value = typed_value(channels[one], sample)
            except (TypeError, ValueError):
                continue  # the dictionary is another one now
            samples[one] = Sample(channels[one], sample.tag, value, sample.received_us)
    event = None
    if events:
        event = reader.grave(events[0].severity, events[0].name, events[0].text, events[0].received_us)
    return Remembered(samples, event, max([one.received_us for one in latest.values()], default=0))
