"""Carries files between the device and its stores, and does not let go of one before it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cfdp.arrivals import Arrivals
from kittiwake.cfdp.entity import Entity
from kittiwake.cfdp.timing import Patience
from kittiwake.model import (
    U32,
    U64,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    async_port,
    command,
    guarded_port,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import Com, Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.ledger import Ledger
from kittiwake.storage.root import PathRefused, Root, reason_of
from kittiwake.wire.packets import DESCRIPTOR_SIZE
from kittiwake_components.ports.bearer import NO_BEARER, LinkPurpose, LinkRequest
from kittiwake_components.ports.file import FileAnnounce, FileName
from kittiwake_components.ports.link import Flow, Frame, LinkState, LinkStatus
from kittiwake_components.ports.supervision import DueWork
from kittiwake_components.ports.transfer import GetFile, PutFile, StoreName, TransferEnded
from kittiwake_components.transfer_service.carrying import Carrier
from kittiwake_components.transfer_service.inbox import NamedInbox
from kittiwake_components.transfer_service.jobs import Asked, Jobs
from kittiwake_components.transfer_service.reports import TransferReports
from kittiwake_components.transfer_service.servers import Servers
from kittiwake_components.transfer_service.stores import FILE_SERVERS, SENT_KINDS, Store, check_stores, parse_store
from kittiwake_components.transfer_service.syncing import names_below

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Loop, Timer
    from kittiwake_components.transfer_service.jobs import Job

MAX_JOBS = 64
PDUS_A_TURN = 16
POLL_S = 0.1
"""How often it is looked whether a server has answered a listing."""
WAY_S = 60
"""A bearer is asked for each second, and for so long."""
U32_MAX = 0xFFFFFFFF
APIDS = (8, 0x7FD)
SEGMENTS = (32, 4000)
MAX_FILE = 1 << 40


def _check_apid(apid: int) -> None:
    if apid in (0xFE, 0xFF):
        raise ValueError(f"an APID that no other packets have is wanted, not {apid}")


class TransferService(TransferReports):
    """Puts files into named stores and gets them from there: folders (a mounted disk), or CFDP over the link.

    What was asked for is durable before it is answered, goes on after every restart where it was, is tried again with
    patience, and is over only when the other side holds the file, checked.
    """

    pdu_out = OutputPort(Com, doc="CFDP's packets, to a queue of the downlink.")
    status_out = OutputPort(LinkStatus, doc="The link's state, passed on.")
    transfer_ended = OutputPort(TransferEnded, doc="How a transfer ended that was asked for through a port.")
    file_announce = OutputPort(FileAnnounce, doc="A file has arrived in the inbox.")
    link_request = OutputPort(LinkRequest, doc="Has a bearer brought up while something waits for a store beyond it.")
    acknowledged = OutputPort(Signal, doc="A store beyond a bearer or the link has answered for a file.")

    queue_depth = Channel(U32, on_change=True, doc="Transfers that wait, are under way or have failed.")
    failed_transfers = Channel(U32, on_change=True, doc="Those of them that wait for RETRY or CANCEL.")
    bytes_sent = Channel(U64, on_change=True, unit="B", doc="Bytes of files that stores have taken since the start.")
    bytes_received = Channel(U64, on_change=True, unit="B", doc="Bytes of files that have come since the start.")
    retries = Channel(U32, on_change=True, doc="Attempts that failed since the start.")
    oldest_pending_age = Channel(
        U32, on_change=True, unit="s", doc="How long the oldest transfer has been pending in this start."
    )
    dropped_pdus = Channel(U32, on_change=True, doc="CFDP packets that were damaged, unknown, or one too many.")

    chunk = Parameter(
        U32, default=65_536, low=512, high=1_048_576, unit="B",
        doc="A transfer's progress is made durable once in so many bytes: what a power cut costs, and wear.",
    )  # fmt: skip
    max_retry = Parameter(U32, default=0, low=0, high=1000, doc="Attempts after which a transfer has failed; 0: never.")
    backoff_s = Parameter(U32, default=10, low=1, high=3600, unit="s", doc="Pause after a failed attempt; it doubles.")
    backoff_max_s = Parameter(U32, default=3600, low=1, high=86_400, unit="s", doc="The longest pause.")
    stay_s = Parameter(
        U32, default=15, low=0, high=3600, unit="s",
        doc="Transfers that have not got on for so long are no reason to stay awake.",
    )  # fmt: skip

    stores = Setting(list[str], default=[], check=check_stores, doc="The stores, each as words of key=value.")
    entity = Setting(int, default=2, low=0, high=65_535, doc="This deployment's CFDP entity.")
    apid = Setting(int, default=0x20, low=APIDS[0], high=APIDS[1], check=_check_apid, doc="The APID of CFDP's packets.")
    segment_bytes = Setting(int, default=900, low=SEGMENTS[0], high=SEGMENTS[1], doc="Bytes of a file in one packet.")
    answer_s = Setting(
        float, default=10.0, low=0.1, high=86_400, doc="CFDP asks again after so long; longer than a round trip."
    )
    inactivity_s = Setting(
        float, default=600.0, low=0.1, high=86_400,
        doc="A CFDP transaction of which nothing was heard for so long, while the link was up, is given up.",
    )  # fmt: skip
    folder = Setting(str, default="/transfers", doc="Folder in the root for the journal and parts.")
    inbox = Setting(str, default="/inbox", doc="Folder in the root for files that arrive by CFDP.")
    max_file_bytes = Setting(int, default=1 << 30, low=1, high=MAX_FILE, doc="The largest file.")

    # Life

    def initialize(self) -> None:
        files, now_ns = self.platform.files, self.clock.now_ns()
        self._stores = {store.name: store for store in [parse_store(text) for text in self.stores]}
        self._header = self.apid.to_bytes(DESCRIPTOR_SIZE, "big")
        folder = self.root.resolve(self.folder)
        inbox = NamedInbox(files, self.root.resolve(self.inbox), self.max_file_bytes)
        self._folders = f"{folder}/arriving", inbox.top
        self._ledger = Ledger(files, f"{folder}/journal")
        self._jobs = Jobs(self._ledger)
        self._arrivals = Arrivals(files, self._ledger, self._folders[0], inbox)
        self._servers = Servers(self, self._jobs.keep)
        self._carrier = Carrier(self, self._jobs, self._stores, self._servers, self._arrivals)
        patience = Patience(self.answer_s, self.answer_s, self.inactivity_s, segment_size=self.segment_bytes)
        self._entity = Entity(self.entity, self._carrier, patience)
        self._entity.set_link(False, now_ns)
        self._is_open = self._is_awake = self._is_paused = self._is_link_up = False
        self.has_way = not self.is_connected(TransferService.link_request)
        self._moved_ns = now_ns
        self._timer: Timer | None = None

    def start(self) -> None:
        self._attempt(self._open)
        self._ask_for_a_way()
        self.wake()

    def _open(self) -> None:
        now_ns = self.clock.now_ns()
        self._arrivals.chunk = self.chunk
        for path in self._folders:
            make_folders_durably(self.platform.files, path)
        for finding in self._ledger.open():
            self.journal_finding(str(finding).removeprefix(self.root.path))
        self._jobs.load(now_ns)
        self._arrivals.resume(self._entity, now_ns)
        self._carrier.begin(self._entity)
        self._is_open = True
        self._moved_ns = now_ns

    def parameter_updated(self, name: str) -> None:
        self._arrivals.chunk = self.chunk

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._is_open:
            self._is_open = False
            self._carrier.close()
            self._arrivals.suspend()
            self._ledger.close()

    def _attempt(self, step: Callable[[], object]) -> bool:
        """Takes a step that the disk may refuse, and says whether it did not."""
        try:
            step()
        except (OSError, ValueError) as fault:
            self.journal_failed(reason_of(fault))
            return False
        return True

    # What is asked for

    @command(name="PUT")
    def put_command(self, store: StoreName, file: FileName, name: FileName, remove: Bool) -> None:
        """Brings a file of the root into a store as `name`. Answers once that is on record; events tell how it ends."""
        self._ask(Asked(True, store, file, name, remove))

    @command(name="GET")
    def get_command(self, store: StoreName, name: FileName, file: FileName) -> None:
        """Brings the file `name` of a store into the root. Answers once that is on record; events tell how it ends."""
        self._ask(Asked(False, store, file, name))

    @async_port(PutFile, full="hook")
    def put(self, store: str, file: str, name: str, remove: bool, token: int) -> None:
        """Another component wants a file in a store."""
        self._ask_by_port(Asked(True, store, file, name, remove, token))

    def put_overflow(self, store: str, file: str, name: str, remove: bool, token: int) -> None:
        """The component's own queue has no room for the request."""
        self.tell(token, CommandResponse.BUSY)

    @async_port(GetFile, full="hook")
    def get(self, store: str, name: str, file: str, token: int) -> None:
        """Another component wants a file of a store."""
        self._ask_by_port(Asked(False, store, file, name, token=token))

    def get_overflow(self, store: str, name: str, file: str, token: int) -> None:
        """The component's own queue has no room for the request."""
        self.tell(token, CommandResponse.BUSY)

    def _ask_by_port(self, asked: Asked) -> None:
        try:
            self._ask(asked)
        except CommandError as refusal:
            self.tell(asked.token, refusal.response)

    def tell(self, token: int, response: CommandResponse) -> None:
        """Answers whoever asked through a port."""
        if token and self.is_connected(TransferService.transfer_ended):
            self.transfer_ended(token, response)

    def announce(self, name: str) -> None:
        """Tells of a file that has arrived."""
        if self.is_connected(TransferService.file_announce):
            self.file_announce(name)

    def _ask(self, asked: Asked) -> None:
        """Records a transfer, or raises `CommandError`."""
        self._check_open()
        store = self._store(asked.store)
        try:
            self.root.resolve(asked.file)
            self._check_name(store, asked.name)
        except PathRefused as refusal:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"{refusal.name} {refusal.reason}") from None
        if store.backend == "cfdp" and not asked.is_put:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"{store.name}: its other end sends by itself")
        if self._jobs.has(asked):
            raise CommandError(CommandResponse.BUSY, f"{asked.file} is on its way already")
        if len(self._jobs.by_id) >= MAX_JOBS:
            raise CommandError(CommandResponse.BUSY, f"{MAX_JOBS} transfers wait already")
        if not self._attempt(lambda: self._jobs.add(asked, self.clock.now_ns())):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the journal cannot be written")
        self._ask_for_a_way()
        if store.backend == "folder" or (self._is_link_up if store.backend == "cfdp" else self.has_way):
            self._moved_ns = self.clock.now_ns()
        self.wake()

    def _check_name(self, store: Store, name: str) -> None:
        where = store.location if store.backend == "folder" else self.root.path
        Root(self.platform.files, where).resolve(store.name_of(name))
        if not name.strip("/"):
            raise PathRefused(name, "names no file")
        if store.endpoint and not name.isprintable():
            raise PathRefused(name, "has characters that no server takes")

    def _check_open(self) -> None:
        if not self._is_open:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the journal could not be opened")

    def _store(self, name: str) -> Store:
        store = self._stores.get(name)
        if store is None:
            self.store_unknown(name)
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no store {name}")
        return store

    @command(name="SYNC_STORE", exclusive=True)
    async def sync_store(self, store: StoreName) -> None:
        """Queues what belongs into a store of logs or monitoring, or comes from one of config or updates.

        Logs are removed once the store has them.
        """
        self._check_open()
        wanted = self._store(store)
        try:
            names = await self._names_to_sync(wanted)
        except OSError as fault:
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
        self._check_open()  # a listing takes its time
        self._queue_names(wanted, names)
        self._ask_for_a_way()
        self.wake()

    async def _names_to_sync(self, store: Store) -> list[str]:
        files = self.platform.files
        if store.kind in SENT_KINDS:
            return names_below(files, self.root.resolve(store.folder))
        if store.backend == "folder":
            return names_below(files, Root(files, store.location).resolve(store.prefix or "/"))
        if store.backend not in FILE_SERVERS:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"{store.name}: what it has cannot be listed")
        listing = self._servers.names(store)
        try:
            while True:
                next(listing)
                await self.clock.sleep(POLL_S)
        except StopIteration as end:
            names: list[str] = end.value
            return names
        finally:
            listing.close()

    def _queue_names(self, store: Store, names: list[str]) -> None:
        is_put = store.kind in SENT_KINDS
        count = left = 0
        for name in names:
            asked = Asked(is_put, store.name, f"{store.folder}/{name}", name, store.kind == "logs")
            if self._jobs.has(asked):
                continue
            if len(self._jobs.by_id) >= MAX_JOBS:
                left += 1
                continue
            if not self._attempt(lambda asked=asked: self._jobs.add(asked, self.clock.now_ns())):  # type: ignore[misc]
                raise CommandError(CommandResponse.EXECUTION_ERROR, "the journal cannot be written")
            count += 1
        self.store_synced(store.name, count, left)

    def _job(self, id: int) -> Job:
        self._check_open()
        job = self._jobs.by_id.get(id)
        if job is None:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no transfer {id}")
        return job

    @command(name="CANCEL")
    def cancel(self, id: U32) -> None:
        """Forgets a transfer; its file stays where it was."""
        job = self._job(id)
        if not self._attempt(lambda: self._carrier.cancel(job)):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the journal cannot be written")
        self.transfer_canceled(id, job.asked.file)
        self.tell(job.asked.token, CommandResponse.EXECUTION_ERROR)
        self.wake()

    @command(name="LIST")
    def list_transfers(self) -> None:
        """Reports each transfer that waits, is under way or has failed."""
        self._check_open()
        for job in self._jobs.by_id.values():
            self.transfer_listed(job.id, job.asked.store, job.asked.file, job.attempts, job.is_failed)

    @command(name="RETRY")
    def retry(self, id: U32) -> None:
        """Tries a transfer again now, also one that has failed; 0: all of them."""
        self._check_open()
        for job in [self._job(id)] if id else list(self._jobs.by_id.values()):
            if not self._attempt(lambda job=job: self._carrier.retry(job)):  # type: ignore[misc]
                raise CommandError(CommandResponse.EXECUTION_ERROR, "the journal cannot be written")
        self.wake()

    # The link

    @sync_port(LinkStatus)
    def link_status(self, state: LinkState) -> None:
        """The link came up, went down, or (UP again) has room."""
        now_ns = self.clock.now_ns()
        self._entity.set_link(state is LinkState.UP, now_ns)
        if self._is_link_up != (state is LinkState.UP):
            self._is_link_up = not self._is_link_up
            self._moved_ns = now_ns
        self.wake()
        if self.is_connected(TransferService.status_out):
            self.status_out(state)

    @sync_port(Flow)
    def flow_in(self, paused: bool) -> None:
        """The downlink's queue asks to wait or to go on."""
        self._is_paused = paused
        if not paused:
            self.wake()

    @async_port(Frame, full="drop")
    def pdu_in(self, data: bytes, context: int, authenticated: bool) -> None:
        """A packet that the router has no other place for. What is lost here is sent again."""
        if self._is_open and data.startswith(self._header):
            self._moved_ns = self.clock.now_ns()
            self._entity.receive(data[DESCRIPTOR_SIZE:], self._moved_ns)
            self.wake()

    @guarded_port(DueWork)
    def due_work(self) -> int:
        """How many transfers get on now, or may once their way is open: none that waits for another attempt."""
        if not self._is_open or self.clock.now_ns() - self._moved_ns > self.stay_s * NS_PER_S:
            return 0
        return self._carrier.live_jobs() + len(self._entity.receiving)

    def tell_acknowledged(self) -> None:
        """Tells that the other side has answered for a file."""
        if self.is_connected(TransferService.acknowledged):
            self.acknowledged()

    # Work

    @property
    def loop(self) -> Loop:
        """On which it works."""
        return self._context.loop

    def wake(self) -> None:
        """Goes on with the work."""
        if self._is_open and not self._is_awake:
            self._is_awake = True
            self.work()

    @internal_port(full="drop")
    def work(self) -> None:
        """Sends some packets and takes one step of one copy, so that commands and pings come in between."""
        self._is_awake = False
        if not self._is_open:
            return
        is_busy = self._carrier.step()
        if self._carrier.is_copying:
            self._moved_ns = self.clock.now_ns()
        if self.is_connected(TransferService.pdu_out):
            for _ in range(PDUS_A_TURN):
                # The queue may ask for a pause from within pdu_out: a PDU that was taken by then would be lost.
                pdu = None if self._is_paused else self._entity.next_pdu(self.clock.now_ns())
                if pdu is None:
                    break
                self.pdu_out(self._header + pdu, 0)
        if is_busy:
            self.wake()
        else:
            self._sleep()

    def _sleep(self) -> None:
        """Works again when the next timer or attempt is due."""
        times = [self._carrier.next_ns()]
        if not self._is_paused and self.is_connected(TransferService.pdu_out):
            times.append(self._entity.next_ns(self.clock.now_ns()))
        due = min([time for time in times if time is not None], default=None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None and due <= self.clock.now_ns():
            self.wake()
        elif due is not None:
            self._timer = self.clock.call_at(due, self.wake)

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Updates the telemetry, and opens the journal where that has failed."""
        if not self._is_open:
            self._attempt(self._open)
        if not self._is_open:
            return
        jobs = self._jobs.by_id.values()
        now_ns = self.clock.now_ns()
        self.queue_depth = len(jobs)
        self.failed_transfers = sum([job.is_failed for job in jobs])
        oldest_ns = min([job.since_ns for job in jobs], default=now_ns)
        self.oldest_pending_age = min((now_ns - oldest_ns) // NS_PER_S, U32_MAX)
        self.dropped_pdus = self._entity.dropped_pdus & U32_MAX
        self._ask_for_a_way()
        self._is_awake = False  # a wake-up that found no room in the queue is made up for here
        self.wake()

    def _ask_for_a_way(self) -> None:
        """Has a bearer brought up while something waits for it."""
        if not self.is_connected(TransferService.link_request):
            return
        waiting = self._carrier.bytes_beyond()
        self.has_way = waiting is not None and self.link_request(LinkPurpose.TRANSFER, waiting, WAY_S) != NO_BEARER
