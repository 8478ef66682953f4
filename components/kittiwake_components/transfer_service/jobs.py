"""The transfers that were asked for: what a restart must know of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.cfdp.numbers import next_number
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from kittiwake.storage.ledger import Ledger

KIND = "job"
_LAST = "last"
_LAST_TRANSACTION = "transaction"


class Asked(NamedTuple):
    """What was asked for: `file` is a name in the root, `name` one in the store."""

    is_put: bool
    store: str
    file: str
    name: str
    is_removed: bool = False
    token: int = 0


class Job:
    """A transfer that waits, is under way, or has failed.

    `digest` and `size` are those of the file that goes; `offset` says how much of it is durable on the other side;
    `number` is the CFDP transaction. `is_delivered` says that the other side has it, and only its removal is left.
    """

    __slots__ = (
        "asked", "attempts", "digest", "due_ns", "id", "is_delivered", "is_failed", "number", "offset", "since_ns",
        "size",
    )  # fmt: skip

    def __init__(self, id: int, asked: Asked, now_ns: int) -> None:
        self.id = id
        self.asked = asked
        self.digest = ""
        self.size = self.offset = self.number = self.attempts = 0
        self.is_delivered = self.is_failed = False
        self.due_ns = self.since_ns = now_ns

    def begin_anew(self) -> None:
        """Forgets how far it was."""
        self.digest = ""
        self.size = self.offset = self.number = 0

    def packed(self) -> list[Any]:
        """What is kept."""
        return [
            *self.asked, self.digest, self.size, self.offset, self.number, self.attempts, self.is_delivered,
            self.is_failed,
        ]  # fmt: skip

    @classmethod
    def unpacked(cls, id: int, values: list[Any], now_ns: int) -> Job:
        """A job that was kept."""
        count = len(Asked._fields)
        job = cls(id, Asked(*values[:count]), now_ns)
        job.digest, job.size, job.offset, job.number, job.attempts, job.is_delivered, job.is_failed = values[count:]
        return job


class Jobs:
    """All jobs, in the ledger and in memory. What changes something raises `OSError` as the ledger does."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.by_id: dict[int, Job] = {}

    def load(self, now_ns: int) -> None:
        """Takes in what the ledger has."""
        self.by_id = {int(key): Job.unpacked(int(key), values, now_ns) for key, values in self._ledger.items(KIND)}

    def add(self, asked: Asked, now_ns: int) -> Job:
        """A new job, durable on return."""
        id = int(self._ledger[_LAST] or 0) % 0xFFFFFFFF + 1
        job = Job(id, asked, now_ns)
        self._ledger.put(_LAST, id, sync=False)
        self.keep(job)
        self.by_id[id] = job
        return job

    def keep(self, job: Job) -> None:
        """Makes a job's present state durable."""
        self._ledger.put(f"{KIND}/{job.id}", job.packed())

    def remove(self, job: Job) -> None:
        """It is done, or no longer wanted."""
        self._ledger.put(f"{KIND}/{job.id}", None)
        del self.by_id[job.id]

    def new_transaction(self, drawn: bytes) -> int:
        """A transaction number that was never used; durable with the next job that is kept. See `next_number`."""
        number = next_number(self._ledger[_LAST_TRANSACTION], drawn)
        self._ledger.put(_LAST_TRANSACTION, number, sync=False)
        return number

    def has(self, asked: Asked) -> bool:
        """Whether the same file waits already."""
        return any(job.asked[:4] == asked[:4] for job in self.by_id.values())
