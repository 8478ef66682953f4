"""Brings the captures of sensors to a remote, and lets go of each only once the remote has answered for it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

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
)
from kittiwake.model.codec import clip
from kittiwake.model.fw import Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.finding import move_aside
from kittiwake.storage.ledger import Ledger
from kittiwake.storage.root import PathRefused, reason_of
from kittiwake_components.deployment_time import time_is_known
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.hive import CaptureDone, HiveConfigured, SensorStatus
from kittiwake_components.ports.transfer import PutFile, TransferEnded
from kittiwake_components.transfer_service.pauses import pause_after
from kittiwake_components.transfer_service.stores import Login
from kittiwake_components.transfer_service.worker import WAITING
from kittiwake_components.uploader.captures import SIDECAR, Capture, Captures, State, is_path
from kittiwake_components.uploader.departures import Departures
from kittiwake_components.uploader.hive_settings import read_hive, remote_of
from kittiwake_components.uploader.manifest import Mismatch
from kittiwake_components.uploader.marks import Marks
from kittiwake_components.uploader.output_folders import OutputFolders
from kittiwake_components.uploader.remote import (
    check_priorities,
    check_remote,
    parse_priorities,
    parse_remote,
    place_of,
)
from kittiwake_components.uploader.reports import TEXT_SIZE, UploaderReports
from kittiwake_components.uploader.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.runtime.loop import Loop, Timer
    from kittiwake_components.transfer_service.folder_copy import Steps
    from kittiwake_components.transfer_service.stores import Store

TARGET = "uploader"
"""The name by which the text protocol knows it."""

MAX_LISTED = 50
U32_MAX, U64_MAX = 0xFFFFFFFF, (1 << 64) - 1
MAX_FILE = 1 << 40


class Uploader(UploaderReports):
    """Sends finished captures, each with its manifest, to an FTP or SFTP server, a bucket, a folder or a store.

    A file counts as uploaded when the remote holds it, proved by its SHA-256, and its sidecar after it. Only then it is
    removed, or kept for KEEP_S. When there is no room, what was uploaded goes first, then the least important.
    """

    transfer_put = OutputPort(PutFile, doc="To the transfer service, for a remote that is one of its stores.")
    acknowledged = OutputPort(Signal, doc="The remote has answered for a capture.")

    upload_queue = Channel(U32, on_change=True, doc="Captures that wait for their upload, or are under way.")
    failed_uploads = Channel(U32, on_change=True, doc="Captures that wait for RETRY.")
    uploaded = Channel(U32, on_change=True, doc="Captures that were uploaded since the start.")
    bytes_sent = Channel(U64, on_change=True, unit="B", doc="Bytes of captures that were uploaded since the start.")
    retries = Channel(U32, on_change=True, doc="Attempts that failed since the start.")
    dropped = Channel(U32, on_change=True, doc="Captures that went for their room, not uploaded, since the start.")
    oldest_pending_age = Channel(
        U32, on_change=True, unit="s", doc="How long the oldest capture has been waiting in this start."
    )
    disk_free = Channel(U64, on_change=True, unit="B", doc="Free room of the output folder's file system.")
    disk_used = Channel(U64, on_change=True, unit="B", doc="What the output folder takes.")
    running = Channel(Bool, on_change=True, doc="Whether it uploads.")

    chunk = Parameter(
        U32, default=65_536, low=512, high=1_048_576, unit="B",
        doc="An upload's progress is made durable once in so many bytes: what a power cut costs, and wear.",
    )  # fmt: skip
    auto_start = Parameter(Bool, default=True, doc="Whether it uploads from the start of the deployment on.")
    keep_s = Parameter(
        U32, default=0, low=0, high=31_536_000, unit="s", doc="A capture is kept for so long after its upload."
    )
    rescan_s = Parameter(
        U32, default=300, low=1, high=86_400, unit="s", doc="The output folder is looked through so often."
    )
    quota_bytes = Parameter(U64, default=0, unit="B", doc="The most that the output folder may take; 0: no limit.")
    disk_low = Parameter(U64, default=0, unit="B", doc="Free room below which captures go; 0: none does for that.")
    max_retry = Parameter(U32, default=0, low=0, high=1000, doc="Attempts after which an upload has failed; 0: never.")
    backoff_s = Parameter(U32, default=10, low=1, high=3600, unit="s", doc="Pause after a failed attempt; it doubles.")
    backoff_max_s = Parameter(U32, default=3600, low=1, high=86_400, unit="s", doc="The longest pause.")
    disk_warn = Parameter(
        U64, default=500_000_000, unit="B", doc="Free room below which that is said, before captures go for it."
    )

    output = Setting(
        str, default="/captures", doc="Folder in the root with the captures, if no local_output_directory says it."
    )
    remote = Setting(
        str, default="", check=check_remote, doc="Where captures go, as words of key=value; empty: nowhere."
    )
    priorities = Setting(
        list[str], default=[], check=check_priorities,
        doc="Words sensor=number, over those of the hive's configuration: the higher goes first, and stays longest.",
    )  # fmt: skip
    configuration = Setting(str, default="", doc="The hive's configuration; empty: that which its orchestrator takes.")
    folder = Setting(str, default="/uploads", doc="Folder in the root for the journal.")
    max_file_bytes = Setting(int, default=1 << 30, low=1, high=MAX_FILE, doc="The largest file.")

    # Life

    def initialize(self) -> None:
        files, now_ns = self.platform.files, self.clock.now_ns()
        self._ledger = Ledger(files, f"{self.root.resolve(self.folder)}/journal")
        self._marks = Marks(self._ledger)
        self._upload: tuple[Capture, Steps] | None = None
        self._sending: Sending | None = None
        self._sent_to: tuple[Store, Login | None] | None = None
        self._captures = Captures()
        self._output = OutputFolders(files, self.root, [_plain(self.output)], self._captures, self._marks)
        self._departures = Departures(self, self._captures, self._output, self._marks)
        self._scan: Generator[None, None, int] | None = None
        self._is_scanned = False
        self._scan_due_ns = now_ns
        self._delay_ns = 0
        self.has_transfer_service = self.is_connected(Uploader.transfer_put)
        self._is_open = self._is_awake = self._is_stirred = self._is_running = False
        self._failures = 0
        self._latest_fault = ""
        self._pause_until_ns = now_ns
        self._timer: Timer | None = None

    def _watch(self, folder: str) -> None:
        """Takes the captures of a folder of the root from now on, and what is left in the one before."""
        if not self._is_open:  # then that was none yet into which anything was recorded
            self._output.names = []
        self._output.record_into(folder)
        self._scan, self._is_scanned, self._scan_due_ns = None, False, self.clock.now_ns()
        self._remember_outputs()

    def _remember_outputs(self) -> None:
        """Keeps in mind where captures lie, as the folder of the recordings may be another one after the next start."""
        if not self._is_open:
            return
        for name in self._output.remember(self._marks.outputs):
            self.output_forgotten(name)
        self.attempt(lambda: self._marks.keep_outputs(self._output.names))

    def _send_to(self, remote: tuple[Store, Login | None] | None) -> None:
        """Sends to a remote from now on, without the pauses that another one's failures have made.

        What is under way to the same one goes on, and waits as it did.
        """
        if remote == self._sent_to:
            return
        self._end_upload()
        if self._sending is not None:
            self._sending.rest()
        now_ns = self.clock.now_ns()
        self._failures, self._pause_until_ns = 0, now_ns
        for capture in self._captures.of(State.PENDING):
            if capture.attempts:
                capture.due_ns = now_ns
        self._sent_to = remote
        self._sending = Sending(self, self._output, self._marks, *remote) if remote is not None else None

    def start(self) -> None:
        may_start = self._configure()
        self._is_running = bool(self.auto_start) and may_start and self._sending is not None
        self._try_to_open()
        self._stir()

    def _configure(self, output: str = "") -> bool:
        """Reads who is important, and where captures are and go, if that is not among the settings.

        `output` is where they are, from whoever knows. Where the file cannot be read, what it has said before holds.

        Says whether the configuration lets uploads start by themselves.
        """
        hive, is_unread = None, True
        try:
            hive = read_hive(self.platform.files, self.root, self.configuration)
            is_unread = False
        except OSError as fault:
            self.configuration_unread(reason_of(fault))
        except ValueError:
            self.configuration_unread("it has faults")
        before = self._captures.priorities if is_unread else {}
        stated = {sensor.name: sensor.priority for sensor in hive.sensors} if hive is not None else before
        folder = _plain(output or (hive.local_output_directory if hive is not None else "") or self.output)
        if folder != self._output.names[0]:
            self._watch(folder)
        if hive is not None:
            self._delay_ns = round(hive.ftp.upload_delay_s * NS_PER_S)
        self._captures.priorities = {**stated, **parse_priorities(self.priorities)}
        remote = parse_remote(self.remote) if self.remote else remote_of(hive.ftp) if hive is not None else None
        if remote is None:
            self._send_to(self._sent_to if is_unread else None)
            return False
        login = Login(hive.ftp.username, hive.ftp.password.reveal()) if hive is not None and not self.remote else None
        self._send_to((remote, login))
        return hive is None or bool(self.remote) or hive.ftp.auto_start

    def _try_to_open(self) -> None:
        try:
            make_folders_durably(self.platform.files, self.root.resolve(self.folder))
            for finding in self._ledger.open():
                self.journal_finding(str(finding).removeprefix(self.root.path))
            self._marks.load()
        except (OSError, ValueError) as fault:
            self.journal_failed(reason_of(fault))
            return
        self._is_open = True
        self._remember_outputs()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._end_upload()
        if self._sending is not None:
            self._sending.rest()
        if self._is_open:
            self._is_open = False
            self._ledger.close()

    def parameter_updated(self, name: str) -> None:
        self._scan_due_ns = min(self._scan_due_ns, self.clock.now_ns() + self.rescan_s * NS_PER_S)
        self._stir()

    # What is asked for

    @async_port(CaptureDone, full="drop")
    def capture_done(self, sensor: str, file: str, size: int) -> None:
        """A sensor has published a capture. One that is lost here is found by the next scan."""
        try:
            if not is_path(file):
                raise PathRefused(file, "is no capture's")
            if self._is_open:
                now_ns = self.clock.now_ns()
                self._output.published(file, size, now_ns, now_ns + self._delay_ns)
        except OSError:
            self.capture_unknown(file)
        self._stir()

    @async_port(HiveConfigured, full="drop")
    def hive_configured(self, output: str) -> None:
        """The hive has another configuration. A remote that is new starts uploads as at the start of the deployment."""
        had_remote = self._sending is not None
        may_start = self._configure(output)
        if may_start and self.auto_start and not had_remote and not self._is_running:
            self._is_running = True
            self.uploads_started()
        self._stir()

    @async_port(TransferEnded, full="drop")
    def transfer_ended(self, token: int, response: CommandResponse) -> None:
        """The transfer service has ended what it was asked for."""
        if self._sending is not None and self._sending.answered(token, response):
            self._stir()

    @command(name="START")
    def start_uploads(self) -> None:
        """Reads the hive's configuration, and uploads from now on."""
        if not self._is_running:
            self._configure()
        if self._sending is None:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "no remote is set")
        if not self._is_running:
            self._is_running = True
            self.uploads_started()
        self._hurry()

    @command(name="STOP")
    def stop_uploads(self) -> None:
        """Uploads no more until START or the next start of the deployment; what is under way goes on there."""
        if self._is_running:
            self._is_running = False
            self._end_upload()
            if self._sending is not None:
                self._sending.rest()
            self.uploads_stopped()
        self._update()

    @command(name="UPLOAD_NOW")
    def upload_now(self) -> None:
        """Looks through the output folder, and tries all that waits without a pause."""
        if not self._is_running:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "uploads are stopped")
        self._hurry()

    def _hurry(self) -> None:
        now_ns = self.clock.now_ns()
        self._failures, self._pause_until_ns, self._scan_due_ns = 0, now_ns, now_ns
        for capture in self._captures.of(State.PENDING):
            capture.due_ns = now_ns
        self._stir()

    @command(name="RETRY")
    def retry(self, file: FileName) -> None:
        """Lets a capture that was given up, by its path in the output folder, be tried again; empty: all of them."""
        chosen = [one for one in self._captures.of(State.FAILED) if file in ("", one.path)]
        if file and not chosen:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"no upload of {file} has failed")
        for capture in chosen:
            capture.state, capture.attempts, capture.due_ns = State.PENDING, 0, self.clock.now_ns()
        self._stir()

    @command(name="LIST")
    def list_captures(self) -> None:
        """Reports the first 50 captures that wait or were given up."""
        waiting = sorted(self._captures.of(State.PENDING, State.FAILED), key=lambda capture: capture.stamp)
        for capture in waiting[:MAX_LISTED]:
            self.capture_listed(capture.path, capture.size, capture.attempts, capture.state is State.FAILED)

    @command(name="STATUS")
    def tell_status(self) -> None:
        """Reports how the uploads stand."""
        self.uploader_status(self._status())

    @guarded_port(SensorStatus)
    def status(self, target: str, place: int) -> str:
        """How the uploads stand, for people; nothing for another target than `uploader`."""
        return self._status() if target in ("", TARGET) and place == 0 else ""

    def _status(self) -> str:
        counts = {state: len(list(self._captures.of(state))) for state in State}
        return (
            f"{TARGET}: {self._doing()}, {counts[State.PENDING]} waiting, {counts[State.FAILED]} failed, "
            f"{counts[State.UPLOADED]} kept, {counts[State.QUARANTINED]} put aside, "
            f"{self.uploaded} uploaded since the start{self._whither()}"
        )

    def _whither(self) -> str:
        return f", to {clip(place_of(self._sent_to[0]), TEXT_SIZE)}" if self._sent_to is not None else ""

    def _doing(self) -> str:
        if self._sending is None:
            return "no remote"
        if not self._is_running:
            return "stopped"
        if self._upload is not None:
            return "uploading"
        return f"pausing, as {clip(self._latest_fault, TEXT_SIZE)}" if self._failures else "idle"

    # Work

    @property
    def loop(self) -> Loop:
        """On which it works."""
        return self._context.loop

    def _stir(self) -> None:
        """Looks at everything anew: something has changed, or is due."""
        self._is_stirred = True
        self.wake()

    def wake(self) -> None:
        """Goes on with the upload."""
        if not self._is_awake:
            self._is_awake = True
            self.work()

    @internal_port(full="drop")
    def work(self) -> None:
        """Takes one step of each thing that is under way, so that commands and pings come in between.

        A piece of an upload that has gone changes nothing for the rest, which is long where thousands wait.
        """
        self._is_awake = False
        if not self._is_open:
            return
        is_busy = self._is_stirred and (self._step_scan() or self._step_departure())
        is_busy = self._step_upload() or is_busy
        if is_busy:
            self._stir()
        elif self._is_stirred:
            self._is_stirred = False
            self._update()
            self._sleep()

    def _sleep(self) -> None:
        """Works again when the next scan, attempt or removal is due."""
        due_ns = min(self._times())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.call_at(max(due_ns, self.clock.now_ns() + 1), self._stir)

    def _times(self) -> list[int]:
        times = [self._scan_due_ns]
        if self._is_running and self._upload is None:
            waiting = [capture.due_ns for capture in self._captures.of(State.PENDING)]
            times += [max(min(waiting), self._pause_until_ns)] if waiting else []
        times += [self._departures.gone_ns(capture) for capture in self._captures.of(State.UPLOADED)]
        return times

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Updates the telemetry, looks at the room, and opens the journal where that has failed."""
        if not self._is_open:
            self._try_to_open()
        self._is_awake = False  # a wake-up that found no room in the queue is made up for here
        self._stir()

    def _update(self) -> None:
        self.running = self._is_running
        waiting = list(self._captures.of(State.PENDING))
        self.upload_queue = len(waiting)
        self.failed_uploads = len(list(self._captures.of(State.FAILED)))
        now_ns = self.clock.now_ns()
        oldest_ns = min([capture.since_ns for capture in waiting], default=now_ns)
        self.oldest_pending_age = min((now_ns - oldest_ns) // NS_PER_S, U32_MAX)
        self.disk_used = self._captures.used_bytes
        free = self._departures.free_bytes()
        if free is not None:
            self.disk_free = free

    # The scan

    def _step_scan(self) -> bool:
        now_ns = self.clock.now_ns()
        if self._scan is None:
            if now_ns < self._scan_due_ns:
                return False
            self._scan_due_ns = now_ns + self.rescan_s * NS_PER_S
            # What is there at the start was published before: nobody knows when, and it has waited long enough.
            self._scan = self._output.scanned(now_ns, now_ns + self._delay_ns * self._is_scanned)
        try:
            next(self._scan)
            return True
        except StopIteration as end:
            if end.value:
                self.captures_left(end.value)
        except OSError as fault:
            self.output_failed(reason_of(fault))
        self._scan = None
        self._is_scanned = True
        return True

    # What goes

    def _step_departure(self) -> bool:
        if not self._is_scanned or self._scan is not None:
            return False
        return self._departures.step(self._upload[0] if self._upload else None)

    # The upload

    def _step_upload(self) -> bool:
        if self._upload is None and not self._begin_upload():
            return False
        assert self._upload is not None, "it was begun just now"
        capture, steps = self._upload
        try:
            return next(steps) is not WAITING
        except StopIteration:
            settle = partial(self._acknowledge, capture)
        except Mismatch as mismatch:
            settle = partial(self._put_aside, capture, str(mismatch))
        except (OSError, ValueError) as fault:
            settle = partial(self._fail, capture, reason_of(fault))
        # Ended first: should settling it fail, steps that are over would look like an upload that is done.
        self._end_upload()
        settle()
        return True

    def _begin_upload(self) -> bool:
        now_ns = self.clock.now_ns()
        if not self._is_running or self._sending is None or now_ns < self._pause_until_ns:
            return False
        if self._scan is not None or not self._is_scanned:
            return False  # something more important may be found
        begun = self._marks.begun
        path = begun.asked.name if begun is not None else ""
        capture = self._captures.next_upload(now_ns, path)
        if capture is None:
            self._sending.rest()
            return False
        self._upload = capture, self._sending.sent(capture)
        return True

    def _end_upload(self) -> None:
        if self._upload is not None:
            self._upload[1].close()
            self._upload = None

    def _acknowledge(self, capture: Capture) -> None:
        """The remote has it: that is durable before anything is removed."""
        now_ns = self.clock.now_ns()
        self._failures = 0
        capture.state, capture.since_ns, capture.due_ns, capture.attempts = State.UPLOADED, now_ns, now_ns, 0
        capture.uploaded_us = self.clock.wall_ns() // 1000 if time_is_known(self._context.tags) else 0
        # Where the disk takes no mark the acknowledgement counts in this start; the next one finds it at the remote.
        self.attempt(lambda: self._marks.put(capture))
        self.uploaded = self.uploaded + 1 & U32_MAX
        self.bytes_sent = self.bytes_sent + capture.size & U64_MAX
        self.upload_done(capture.path, capture.size)
        if self.is_connected(Uploader.acknowledged):
            self.acknowledged()

    def _put_aside(self, capture: Capture, reason: str) -> None:
        """Keeps a file that is not what its manifest says, and its manifest, out of the way."""
        files, path = self.platform.files, self._output.path_of(capture)
        self._marks.begun = None
        kept = [move_aside(files, name, reason) for name in (path, path + SIDECAR) if files.exists(name)]
        if any(finding.kept_as is None for finding in kept):
            self._fail(capture, reason)
            return
        with suppress(OSError):  # a power cut may then bring it back under its name, and it is put aside again
            files.sync_folder(path.rpartition("/")[0])
        self._captures.forget(capture)
        self._scan_due_ns = self.clock.now_ns()  # it finds them, so that they count as what they are
        self.manifest_mismatch(capture.path, reason)

    def _fail(self, capture: Capture, reason: str) -> None:
        if not self.platform.files.exists(self._output.path_of(capture)):
            self._captures.forget(capture)
            return
        self._latest_fault = reason
        self.retries = self.retries + 1 & U32_MAX
        pause_s = self.postpone(capture)
        if 0 < self.max_retry < capture.attempts:
            capture.state, pause_s = State.FAILED, 0.0
        self.upload_failed(capture.path, reason, ceil(pause_s))

    def postpone(self, capture: Capture) -> float:
        """Lets all wait for a while, and this one for twice as long, so that others have their turn."""
        capture.attempts += 1
        self._failures += 1
        pause_s = pause_after(self._failures, self.backoff_s, self.backoff_max_s, self.platform.random)
        now_ns = self.clock.now_ns()
        self._pause_until_ns = now_ns + round(pause_s * NS_PER_S)
        is_alone = sum([1 for _ in self._captures.of(State.PENDING)]) == 1
        capture.due_ns = now_ns + round(pause_s * NS_PER_S) * (1 if is_alone else 2)
        return pause_s

    def attempt(self, step: Callable[[], object]) -> None:
        """Takes a step that the disk may refuse."""
        try:
            step()
        except (OSError, ValueError) as fault:
            self.journal_failed(reason_of(fault))


def _plain(name: str) -> str:
    """The name of a folder in the root, always written in the same way."""
    return "/" + name.strip("/")
