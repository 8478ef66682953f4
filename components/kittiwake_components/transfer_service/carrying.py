"""Carries the jobs out: one copy at a time by steps, and up to a number of CFDP transactions beside it."""

from __future__ import annotations

import errno
import posixpath
from math import ceil
from typing import TYPE_CHECKING

from kittiwake.cfdp.numbers import NUMBER_SIZE
from kittiwake.cfdp.pdu import TO_RECEIVER, Header, Metadata
from kittiwake.model import CommandResponse
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import PathRefused, reason_of
from kittiwake.storage.streamed import FileTooLarge
from kittiwake_components.transfer_service.folder_copy import ChecksumFault, digest_of, removed_unless_changed
from kittiwake_components.transfer_service.pauses import pause_after
from kittiwake_components.transfer_service.worker import WAITING

if TYPE_CHECKING:
    from kittiwake.cfdp.arrivals import Arrivals
    from kittiwake.cfdp.entity import Entity
    from kittiwake.cfdp.receiver import Receiver, Sink
    from kittiwake.cfdp.sender import Sender
    from kittiwake.platform.interface import File
    from kittiwake_components.transfer_service.component import TransferService
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.jobs import Job, Jobs
    from kittiwake_components.transfer_service.servers import Servers
    from kittiwake_components.transfer_service.stores import Store

TEXT_SIZE = 120
U32_MAX, U64_MAX = 0xFFFFFFFF, (1 << 64) - 1
HOPELESS = (FileNotFoundError, FileTooLarge, PathRefused, IsADirectoryError)
"""Faults that time does not heal: the transfer waits for RETRY or CANCEL."""


class Carrier:
    """Works on `jobs` for `service`, and is the user of its CFDP entity."""

    def __init__(
        self, service: TransferService, jobs: Jobs, stores: dict[str, Store], servers: Servers, arrivals: Arrivals
    ) -> None:
        self._service = service
        self._jobs = jobs
        self._stores = stores
        self._arrivals = arrivals
        self._files = service.platform.files
        self._servers = servers
        self._entity: Entity | None = None
        self._job: Job | None = None
        self._steps: Steps | None = None
        self._on_link: dict[int, tuple[Job, File]] = {}

    def begin(self, entity: Entity) -> None:
        """Goes on with what a restart has interrupted."""
        self._entity = entity
        for job in self._jobs.by_id.values():
            if (job.offset or job.number) and not job.is_failed:
                self._service.transfer_resumed(job.id, job.asked.file, job.offset)

    def close(self) -> None:
        """Closes every file."""
        self._drop_steps()
        for _, file in self._on_link.values():
            file.close()
        self._on_link.clear()

    # Steps

    def step(self) -> bool:
        """Takes one step, and says whether there is another one to take now."""
        if self._steps is None:
            self._job = self._next_job()
            if self._job is None:
                return False
            self._steps = self._carried(self._job)
        job = self._job
        assert job is not None, "steps are those of a job"
        try:
            return next(self._steps) is not WAITING
        except StopIteration:
            pass
        except ChecksumFault as fault:
            self._service.checksum_mismatch(job.id, self._shown(str(fault)))
            if fault.kept is not None:
                self._service.quarantine_file(self._shown(str(fault.kept)))
            job.begin_anew()
            self._fail(job, "its checksum is wrong")
        except (OSError, ValueError) as fault:
            self._fail(job, reason_of(fault), is_hopeless=isinstance(fault, HOPELESS))
        self._drop_steps()
        return True

    @property
    def is_copying(self) -> bool:
        """Whether a copy gets on. What is sent by CFDP does so only when the other side says something."""
        return self._job is not None and self._backend(self._job) != "cfdp"

    def _drop_steps(self) -> None:
        if self._steps is not None:
            self._steps.close()
        self._steps = self._job = None

    def _shown(self, text: str) -> str:
        return text.removeprefix(self._service.root.path)

    def _next_job(self) -> Job | None:
        """The job whose turn it is: that of the most important store, the oldest of those."""
        now_ns = self._service.clock.now_ns()
        ready = [job for job in self._waiting() if job.due_ns <= now_ns and self._has_room(job)]
        return min(ready, key=lambda job: (self._priority(job), job.id), default=None)

    def _waiting(self) -> list[Job]:
        return [job for job in self._jobs.by_id.values() if not job.is_failed and job.number not in self._on_link]

    def _priority(self, job: Job) -> int:
        store = self._stores.get(job.asked.store)
        return store.priority if store is not None else 0

    def _has_room(self, job: Job) -> bool:
        store = self._stores.get(job.asked.store)
        if store is None or store.backend == "folder" or job.is_delivered:
            return True
        if store.backend != "cfdp":
            return self._service.has_way
        assert self._entity is not None, "a journal that is open has its entity"
        return self._entity.has_room

    def next_ns(self) -> int | None:
        """When a job is tried again; whoever a job waits for wakes the service."""
        if self._steps is not None:
            return None
        return min([job.due_ns for job in self._waiting() if self._has_room(job)], default=None)

    def live_jobs(self) -> int:
        """How many jobs are under way, or have their turn now."""
        now_ns = self._service.clock.now_ns()
        return len(self._on_link) + sum([job.due_ns <= now_ns for job in self._waiting()])

    def bytes_beyond(self) -> int | None:
        """How many bytes wait for a store beyond a bearer, as far as that is known; `None`: nothing waits."""
        jobs = [job for job in self._jobs.by_id.values() if not job.is_failed and self._backend(job) != "folder"]
        return sum([max(0, job.size - job.offset) for job in jobs]) if jobs else None

    def _backend(self, job: Job) -> str:
        store = self._stores.get(job.asked.store)
        return store.backend if store is not None else "folder"

    # One job

    def _carried(self, job: Job) -> Steps:
        store = self._stores.get(job.asked.store)
        if store is None:
            raise FileNotFoundError(errno.ENOENT, "its store is no longer among the settings")
        if not job.attempts and not job.offset and not job.number and not job.is_delivered:
            self._service.transfer_started(job.id, store.name, job.asked.file)
        if not job.is_delivered:
            if store.backend == "cfdp":
                yield from self._sent_off(job, store)
                return
            yield from self._servers.copied(job, store)
            self._deliver(job)
        yield from self._concluded(job)

    def _sent_off(self, job: Job, store: Store) -> Steps:
        """Hands a file to the entity, which says by `sent` how that ends."""
        assert self._entity is not None, "a journal that is open has its entity"
        path = self._service.root.resolve(job.asked.file)
        is_resumed = bool(job.number) and self._files.size(path) == job.size
        if not is_resumed:
            job.digest, job.size = yield from digest_of(self._files, path, self._service.chunk)
            if job.size > self._service.max_file_bytes:
                raise FileTooLarge(job.asked.file, job.size, self._service.max_file_bytes)
            job.number = self._jobs.new_transaction(self._service.platform.random.token_bytes(NUMBER_SIZE))
            self._jobs.keep(job)
        header = Header(self._entity.id, job.number, store.entity, TO_RECEIVER, is_large=job.size > U32_MAX)
        metadata = Metadata(job.size, posixpath.basename(job.asked.file), store.name_of(job.asked.name))
        file = self._files.open(path, "r")
        try:
            now_ns = self._service.clock.now_ns()
            self._entity.put(header, metadata, file.read_at, now_ns, priority=store.priority, resumed=is_resumed)
        except (OSError, ValueError):
            file.close()
            raise
        self._on_link[job.number] = job, file

    def _deliver(self, job: Job) -> None:
        job.is_delivered = True
        if job.asked.is_removed:
            self._jobs.keep(job)

    def _concluded(self, job: Job) -> Steps:
        """The other side has the file: it may go here, if it is still the same, and the job is done."""
        if job.asked.is_put and job.asked.is_removed:
            path = self._service.root.resolve(job.asked.file)
            if not (yield from removed_unless_changed(self._files, path, job.digest, self._service.chunk)):
                self._service.source_kept(job.asked.file)
        self._jobs.remove(job)
        service = self._service
        if self._backend(job) != "folder":
            service.tell_acknowledged()
        if job.asked.is_put:
            service.bytes_sent = service.bytes_sent + job.size & U64_MAX
        else:
            service.bytes_received = service.bytes_received + job.size & U64_MAX
        service.transfer_done(job.id, job.asked.store, job.asked.file, job.size)
        service.tell(job.asked.token, CommandResponse.OK)

    def _fail(self, job: Job, reason: str, *, is_hopeless: bool = False) -> None:
        service = self._service
        job.attempts += 1
        service.retries = service.retries + 1 & U32_MAX
        job.is_failed = is_hopeless or 0 < service.max_retry < job.attempts
        pause_s = 0.0
        if not job.is_failed:
            pause_s = pause_after(job.attempts, service.backoff_s, service.backoff_max_s, service.platform.random)
            job.due_ns = service.clock.now_ns() + round(pause_s * NS_PER_S)
        self._keep(job)
        service.transfer_failed(job.id, job.asked.store, job.asked.file, reason, ceil(pause_s))
        if job.is_failed:
            service.tell(job.asked.token, CommandResponse.EXECUTION_ERROR)

    def _keep(self, job: Job) -> None:
        try:
            self._jobs.keep(job)
        except (OSError, ValueError) as fault:
            self._service.journal_failed(reason_of(fault))

    # By command

    def cancel(self, job: Job) -> None:
        """Forgets a job. Raises `OSError`."""
        self._jobs.remove(job)
        if job is self._job:
            self._drop_steps()
        held = self._on_link.pop(job.number, None)
        if held is not None and self._entity is not None:
            self._entity.cancel((self._entity.id, job.number), self._service.clock.now_ns())
            held[1].close()

    def retry(self, job: Job) -> None:
        """Lets a job be tried now. Raises `OSError`."""
        job.due_ns = self._service.clock.now_ns()
        if job.is_failed:
            job.is_failed, job.attempts = False, 0
            self._jobs.keep(job)

    # What the entity says

    def open_sink(self, header: Header) -> Sink:
        """Where a file that begins to arrive goes."""
        return self._arrivals.open_sink(header)

    def advanced(self, receiver: Receiver) -> None:
        """Makes durable what has come."""
        try:
            self._arrivals.keep(receiver)
        except (OSError, ValueError) as fault:
            self._service.journal_failed(reason_of(fault))

    def sent(self, sender: Sender) -> None:
        """A file that was sent has ended."""
        held = self._on_link.pop(sender.header.number, None)
        if held is None:
            return  # canceled
        job, file = held
        file.close()
        job.number = 0
        if not sender.is_delivered:
            self._fail(job, f"CFDP: {sender.condition.name}")
            return
        job.is_delivered = True
        self._keep(job)

    def received(self, receiver: Receiver) -> None:
        """A file that arrived has ended."""
        service = self._service
        try:
            sink = self._arrivals.end(receiver)
        except (OSError, ValueError) as fault:
            service.journal_failed(reason_of(fault))
            return
        if not receiver.is_complete or receiver.metadata is None:
            service.arrival_failed(receiver.header.source, receiver.condition.name)
            return
        service.bytes_received = service.bytes_received + receiver.metadata.size & U64_MAX
        name = service.root.name_of(sink.placed)
        service.file_arrived(name, receiver.metadata.size)
        service.announce(name)

    def closed(self, receiver: Receiver) -> None:
        """The other end knows how a file that arrived has ended."""
        try:
            self._arrivals.close(receiver)
        except (OSError, ValueError) as fault:
            self._service.journal_failed(reason_of(fault))
