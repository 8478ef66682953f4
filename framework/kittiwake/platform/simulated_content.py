"""What a SQLite database of a simulated machine holds, and what of it a power cut cannot take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

    from kittiwake.platform.seeded import SeededRandom

COMMITS_A_CHECKPOINT = 16
"""So many transactions of a database that is not durable are settled together."""

Statement = tuple[str, Any, bool]


def _in_memory() -> sqlite3.Connection:
    import sqlite3

    raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA foreign_keys = ON")
    return raw


class Content:
    """What a database file holds: the state that the system sees, and the transactions that are not settled yet."""

    __slots__ = ("_settled", "_unsettled", "raw")

    def __init__(self) -> None:
        self.raw = _in_memory()
        self._settled = _in_memory()
        self._unsettled: list[list[Statement]] = []

    def committed(self, transaction: list[Statement], durable: bool) -> None:
        """Takes note of a transaction; durable ones, and many of the others, settle all before them."""
        self._unsettled.append(transaction)
        if durable or len(self._unsettled) >= COMMITS_A_CHECKPOINT:
            self.settle()

    def settle(self) -> None:
        """Makes durable what was committed."""
        for transaction in self._unsettled:
            _replay(self._settled, transaction)
        self._unsettled.clear()

    def survivor(self, random: SeededRandom) -> Content:
        """The database as a power cut leaves it: with all that was durable, and the first few transactions after it."""
        left = Content()
        self._settled.backup(left.raw)
        for transaction in self._unsettled[: random.below(len(self._unsettled) + 1)]:
            _replay(left.raw, transaction)
        left.raw.backup(left._settled)
        return left


def _replay(raw: sqlite3.Connection, transaction: list[Statement]) -> None:
    raw.execute("BEGIN")
    for sql, parameters, many in transaction:
        (raw.executemany if many else raw.execute)(sql, parameters)
    raw.execute("COMMIT")
