"""What a restart must know: which captures were acknowledged, and how far the one under way was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.transfer_service.jobs import Asked, Job
from kittiwake_components.uploader.captures import State

if TYPE_CHECKING:
    from kittiwake.storage.ledger import Ledger
    from kittiwake_components.uploader.captures import Capture

KIND = "uploaded"
MAX_MARKS = 1500
"""The most captures that are kept after their upload: what the journal has room for."""

_JOB = "job"
_OUTPUTS = "outputs"


class Marks:
    """Marks in a ledger. What changes something raises `OSError` as the ledger does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.by_path: dict[str, tuple[str, int]] = {}
        """SHA-256 and wall time in microseconds of each acknowledgement."""
        self.begun: Job | None = None
        self.outputs: list[str] = []
        """The output folders in which captures may lie, the latest first."""

    def load(self) -> None:
        """Takes in what the ledger has."""
        self.by_path = {path: (str(digest), int(time_us)) for path, (digest, time_us) in self._ledger.items(KIND)}
        kept: list[Any] | None = self._ledger[_JOB]
        self.begun = Job.unpacked(0, kept, 0) if kept else None
        self.outputs = [str(name) for name in self._ledger[_OUTPUTS] or ()]

    def keep_outputs(self, names: list[str]) -> None:
        """Makes durable where captures may lie."""
        if names != self.outputs:
            self._ledger.put(_OUTPUTS, names)
            self.outputs = list(names)

    def put(self, capture: Capture) -> None:
        """The other side has answered for a capture; durable on return."""
        self.by_path[capture.path] = capture.digest, capture.uploaded_us
        self.begun = None
        self._ledger.put(_JOB, None, sync=False)
        self._ledger.put(f"{KIND}/{capture.path}", list(self.by_path[capture.path]))

    def remove(self, path: str) -> None:
        """The capture is gone, or another one; durable with the next one that is put, and found again otherwise."""
        if self.by_path.pop(path, None) is not None:
            self._ledger.put(f"{KIND}/{path}", None, sync=False)

    def apply(self, capture: Capture) -> None:
        """Lets a capture that was found know that it was acknowledged."""
        capture.digest, capture.uploaded_us = self.by_path[capture.path]
        capture.state = State.UPLOADED

    def job_of(self, asked: Asked) -> Job:
        """The job of an upload: that which was begun, if it is the same."""
        if self.begun is None or self.begun.asked != asked:
            self.begun = Job(0, asked, 0)
        return self.begun

    def keep(self, job: Job) -> None:
        """Makes durable how far the upload is."""
        self._ledger.put(_JOB, job.packed())
