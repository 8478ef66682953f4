"""What was read: the last of each point, and a history bounded in rows and in age. One poll is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.database import Database, open_database
from kittiwake_components.ports.platform_driver import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.platform.interface import Platform
    from kittiwake.storage.finding import Finding

LADDER = (
    (
        """CREATE TABLE latest (
            point_id TEXT PRIMARY KEY, value_json TEXT, good_us INTEGER, polled_us INTEGER, error TEXT)""",
        """CREATE TABLE sample (
            id INTEGER PRIMARY KEY AUTOINCREMENT, point_id TEXT NOT NULL, at_us INTEGER NOT NULL,
            value_json TEXT, quality INTEGER NOT NULL)""",
        "CREATE INDEX sample_by_point ON sample (point_id, at_us)",
        "CREATE INDEX sample_by_time ON sample (at_us)",
    ),
)


class Latest(NamedTuple):
    """The last of a point: its last good value and when it was read (on the boot clock, and on the wall)."""

    value_json: str | None = None
    good_ns: int = 0
    good_us: int | None = None
    polled_us: int | None = None
    error: str | None = None

    def quality(self, now_ns: int, stale_s: float) -> Quality:
        """How good it is; `stale_s` is the age from which a value is stale."""
        if self.value_json is None:
            return Quality.NEVER if self.error is None else Quality.ERROR
        if now_ns - self.good_ns > stale_s * 1e9:
            return Quality.STALE
        return Quality.GOOD if self.error is None else Quality.ERROR

    def age_s(self, now_ns: int) -> float | None:
        """How long ago its value was read."""
        return None if self.value_json is None else max(0, now_ns - self.good_ns) / 1e9


class Sample(NamedTuple):
    """One entry of the history."""

    point_id: str
    at_us: int
    value_json: str | None
    quality: Quality


class ValueStore:
    """The database. Methods raise `OSError`; the last seconds may be lost with the power, never a part of a poll."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, platform: Platform, path: str) -> tuple[ValueStore, tuple[Finding, ...]]:
        """Opens or makes the database. Raises `OSError`."""
        database, findings = open_database(platform, path, LADDER, durable=False)
        return cls(database), findings

    def close(self) -> None:
        """Closes."""
        self._database.close()

    def latest(self, now_ns: int, now_us: int) -> dict[str, Latest]:
        """The last of all points, their age brought from the wall clock to that since boot."""
        rows = self._database.rows("SELECT point_id, value_json, good_us, polled_us, error FROM latest")
        return {
            point_id: Latest(value, now_ns - 1000 * max(0, now_us - (good_us or 0)), good_us, polled_us, error)
            for point_id, value, good_us, polled_us, error in rows
        }

    def put_poll(self, latest: Iterable[tuple[str, Latest]], samples: Iterable[Sample]) -> None:
        """Notes what a poll has brought."""
        with self._database.transaction():
            self._database.run_many(
                "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?)",
                [(id, one.value_json, one.good_us, one.polled_us, one.error) for id, one in latest],
            )
            self._database.run_many(
                "INSERT INTO sample (point_id, at_us, value_json, quality) VALUES (?, ?, ?, ?)",
                [(one.point_id, one.at_us, one.value_json, int(one.quality)) for one in samples],
            )

    def history(self, point_id: str, since_us: int, until_us: int, limit: int, offset: int = 0) -> list[Sample]:
        """The samples of a point from `since_us` to before `until_us`, the oldest first."""
        rows = self._database.rows(
            "SELECT point_id, at_us, value_json, quality FROM sample WHERE point_id = ? AND at_us >= ? AND at_us < ? "
            "ORDER BY at_us, id LIMIT ? OFFSET ?", point_id, since_us, until_us, limit, offset,
        )  # fmt: skip
        return [Sample(id, at_us, value, Quality(quality)) for id, at_us, value, quality in rows]

    def count_samples(self) -> int:
        """How many samples there are."""
        return int(self._database.value("SELECT count(*) FROM sample"))

    def prune(self, rows: int, oldest_us: int) -> None:
        """Forgets all but the last `rows` samples, and those before `oldest_us`."""
        with self._database.transaction():
            self._database.run("DELETE FROM sample WHERE id <= (SELECT max(id) FROM sample) - ?", rows)
            self._database.run("DELETE FROM sample WHERE at_us < ?", oldest_us)

    def forget(self, point_ids: Sequence[str]) -> None:
        """Forgets points."""
        with self._database.transaction():
            for table in ("latest", "sample"):
                self._database.run_many(f"DELETE FROM {table} WHERE point_id = ?", [(id,) for id in point_ids])

    def point_ids(self) -> set[str]:
        """The points of which something is known."""
        return {str(row[0]) for row in self._database.rows("SELECT point_id FROM latest")}
