"""The ground station: every deployment of a configuration, the archive, and the people who may use it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from kittiwake_ground.alarms.notifier import Notifier
from kittiwake_ground.alarms.store import AlarmStore
from kittiwake_ground.fleet.fleet import Fleet
from kittiwake_ground.passes.store import PassStore
from kittiwake_ground.people.accounts import VIEWER
from kittiwake_ground.people.audit import AuditTrail
from kittiwake_ground.people.desk import Desk, Person
from kittiwake_ground.procedures.procedures import Procedures
from kittiwake_ground.replay.replays import Replays
from kittiwake_ground.server.archive_sink import NoArchive
from kittiwake_ground.server.archiving import ArchiveFeed
from kittiwake_ground.server.deployment import Deployment
from kittiwake_ground.server.layouts import Layouts
from kittiwake_ground.server.long_history import LongHistory
from kittiwake_ground.server.past import Past
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.subscription import KINDS, MAX_WAITING, Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.archive import Archive
    from kittiwake_ground.configuration import GroundConfiguration
    from kittiwake_ground.passes.planner import Owner
    from kittiwake_ground.server.archive_sink import ArchiveSink


_log = logging.getLogger(__name__)


class UnknownDeployment(LookupError):
    """There is no deployment of that name."""


class Ground:
    """Composes what a configuration says. `start` and `stop` it within a running event loop; use it only there."""

    def __init__(self, configuration: GroundConfiguration, archive: Archive | None = None) -> None:
        """Reads the dictionaries and the accounts; the archive belongs to whoever opened it.

        Raises `OSError`, `DictionaryFault`, `ConfigurationFault` and `ValueError`.
        """
        self.configuration = configuration
        self.archive = archive
        self.past = Past(archive)
        self.replays = Replays(archive)
        self.layouts = Layouts(configuration.folder)
        self.history = LongHistory(None if archive is None else configuration.archive, configuration.parquet)
        self._tasks: list[asyncio.Task[None]] = []
        feed: ArchiveSink = NoArchive() if archive is None else ArchiveFeed(archive)
        self.audit = AuditTrail(configuration.folder / "audit.jsonl", feed.add_audit)
        self.desk = Desk(configuration.users, self.audit, configuration.is_local)
        self.alarms = AlarmStore(configuration.folder / "alarms")
        self.passes = PassStore(configuration.folder / "passes")
        self.notifier = Notifier(configuration.receivers, self.alarms)
        self.procedures = Procedures(
            configuration.procedures, configuration.folder / "procedures", self.desk, configuration.procedures_at_once
        )
        files = configuration.folder / "files"
        self.deployments = {
            one.name: Deployment(one, files / one.name, feed, None, self.alarms, self.notifier, self.passes)
            for one in configuration.deployments
        }
        for deployment in self.deployments.values():
            deployment.commands.refusal = partial(self.procedures.refusal, deployment.hazardous)
            planner = deployment.passes.planner
            planner.role_of, planner.tell = self._role_of, partial(self._tell_of_plan, deployment.name)
        self.fleet = Fleet(self.deployments.values(), archive)
        self.started_us = 0

    def deployment(self, name: str) -> Deployment:
        """The deployment of a name. Raises `UnknownDeployment`."""
        found = self.deployments.get(name)
        if found is None:
            raise UnknownDeployment(f"no deployment {name!r}; there are {', '.join(self.deployments) or 'none'}")
        return found

    def _role_of(self, owner: Owner) -> str | None:
        return self.desk.role_now(Person(owner.name, VIEWER, owner.way))

    def _tell_of_plan(self, deployment: str, who: str, action: str, detail: str) -> None:
        self.audit.add(who, action, deployment, detail)

    def subscribe(
        self, kinds: Iterable[str] = KINDS, patterns: Iterable[str] = (), limit: int = MAX_WAITING
    ) -> Subscription:
        """News of all deployments from now on. Raises as `Hub.subscribe` does."""
        made = Subscription(self._unsubscribe, kinds, patterns, limit)
        for deployment in self.deployments.values():
            deployment.hub.join(made)
        return made

    def _unsubscribe(self, subscription: Subscription) -> None:
        for deployment in self.deployments.values():
            deployment.hub.unsubscribe(subscription)

    async def start(self) -> None:
        """Opens the audit trail, the alarms and the plans, and begins to connect. Raises `OSError`."""
        self.audit.open()
        self.alarms.open()
        self.passes.open()
        self.procedures.start()
        await self.notifier.start()
        self.started_us = now_us()
        for deployment in self.deployments.values():
            await self._recall_sequences(deployment)
            await deployment.start()
        self._tasks = [asyncio.create_task(work) for work in (self.history.run(), self.fleet.recall())]

    async def _recall_sequences(self, deployment: Deployment) -> None:
        """Learns from the archive what the sequence files on board hold; one that cannot be read tells nothing."""
        if self.archive is None:
            return
        try:
            deployment.sequences.files.restore(await asyncio.to_thread(self.archive.sequence_files, deployment.name))
        except Exception:  # noqa: BLE001 - what could not be recalled is not known, and the rest goes on
            _log.exception("deployment %s: what its sequence files hold could not be read", deployment.name)

    async def stop(self) -> None:
        """Ends procedures and every link, and closes the audit trail."""
        await self.procedures.stop()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for deployment in self.deployments.values():
            await deployment.stop()
        await self.notifier.stop()
        self.alarms.close()
        self.passes.close()
        self.audit.close()
