"""Devices, points, leases and overrides in a durable database. One method is one transaction.

The tables `devices` and `points` have the upstream's columns (easy-aso, schema version 1) and ours. What is read from
the devices stands in a database of its own (`value_store`), which may lose its last seconds with the power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.database import Database, open_database
from kittiwake_components.daily_window import iso_time
from kittiwake_components.platform_driver.records import Device, Point
from kittiwake_components.platform_driver.values import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.platform.interface import Platform
    from kittiwake.storage.finding import Finding
    from kittiwake_components.platform_driver.seeds import Seed

LADDER = (
    (
        """CREATE TABLE devices (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, driver_type TEXT NOT NULL, device_address TEXT NOT NULL,
            rpc_base_url TEXT, rpc_entrypoint TEXT, scrape_interval_seconds REAL NOT NULL DEFAULT 5.0,
            enabled INTEGER NOT NULL DEFAULT 0, driver_settings TEXT NOT NULL DEFAULT '{}',
            version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL, updated_at TEXT NOT NULL)""",
        "CREATE INDEX devices_by_name ON devices (name)",
        """CREATE TABLE points (
            id TEXT PRIMARY KEY, device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
            name TEXT NOT NULL DEFAULT '', object_identifier TEXT NOT NULL,
            property_identifier TEXT NOT NULL DEFAULT 'present-value', enabled INTEGER NOT NULL DEFAULT 1,
            units TEXT NOT NULL DEFAULT '', writable INTEGER, default_json TEXT NOT NULL DEFAULT 'null',
            driver_settings TEXT NOT NULL DEFAULT '{}', version INTEGER NOT NULL DEFAULT 1,
            created_at TEXT NOT NULL, updated_at TEXT NOT NULL)""",
        "CREATE INDEX points_by_device ON points (device_id, name, object_identifier)",
        """CREATE TABLE leases (
            point_id TEXT NOT NULL REFERENCES points (id) ON DELETE CASCADE, priority INTEGER NOT NULL,
            value_json TEXT NOT NULL, clean_json TEXT, until_us INTEGER, PRIMARY KEY (point_id, priority))""",
        "CREATE TABLE overrides (pattern TEXT PRIMARY KEY, until_us INTEGER)",
        "CREATE TABLE seeded (at TEXT NOT NULL)",
    ),
)

_DEVICE = ", ".join(Device._fields)
_POINT = ", ".join(["default_json" if name == "default" else name for name in Point._fields])


class Lease(NamedTuple):
    """What was written to a point with a priority, and until when; `until_us` is on the wall clock.

    `clean_json` is the value that the point had before anything was written, `None` if that is not known.
    """

    point_id: str
    priority: int
    value_json: str
    clean_json: str | None = None
    until_us: int | None = None


def _device(row: Sequence[Any]) -> Device:
    values = dict(zip(Device._fields, row, strict=True))
    values["enabled"] = bool(values["enabled"])
    values["driver_settings"] = unpacked(values["driver_settings"])
    return Device(**values)


def _point(row: Sequence[Any]) -> Point:
    values = dict(zip(Point._fields, row, strict=True))
    values["enabled"] = bool(values["enabled"])
    values["writable"] = None if values["writable"] is None else bool(values["writable"])
    values["default"] = unpacked(values["default"])
    values["driver_settings"] = unpacked(values["driver_settings"])
    return Point(**values)


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Members of a device or a point as the database has them."""
    found = dict(fields)
    if "driver_settings" in found:
        found["driver_settings"] = packed(found["driver_settings"])
    if "default" in found:
        found["default_json"] = packed(found.pop("default"))
    return found


class RegistryStore:
    """The database. Methods raise `OSError` where the medium fails; nothing of the call was done then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(
        cls, platform: Platform, path: str, *, seeds: Sequence[Seed]
    ) -> tuple[RegistryStore, tuple[Finding, ...]]:  # fmt: skip
        """Opens or makes the database; a new one gets all the seeds. Raises `OSError`."""
        database, findings = open_database(platform, path, LADDER)
        store = cls(database)
        try:
            if seeds and not store.count_devices() and not database.value("SELECT count(*) FROM seeded"):
                store._sow(seeds, platform.clock.wall_ns() // 1000)
        except BaseException:
            database.close()
            raise
        return store, findings

    def _sow(self, seeds: Sequence[Seed], now_us: int) -> None:
        now = iso_time(now_us)
        dates = {"created_at": now, "updated_at": now}
        with self._database.transaction():
            self._database.run("INSERT INTO seeded (at) VALUES (?)", now)
            for seed in seeds:
                self._insert("devices", {"id": seed.id, **_columns(seed.device), **dates})
                for id, fields in seed.points.items():
                    self._insert("points", {"id": id, "device_id": seed.id, **_columns(fields), **dates})

    def close(self) -> None:
        """Closes."""
        self._database.close()

    def _insert(self, table: str, columns: Mapping[str, Any]) -> None:
        names = ", ".join(columns)
        places = ", ".join(["?"] * len(columns))
        self._database.run(f"INSERT INTO {table} ({names}) VALUES ({places})", *columns.values())

    def _update(self, table: str, id: str, fields: Mapping[str, Any], now_us: int) -> None:
        columns = {**_columns(fields), "updated_at": iso_time(now_us)}
        sets = ", ".join([f"{name} = ?" for name in columns])
        self._database.run(f"UPDATE {table} SET {sets}, version = version + 1 WHERE id = ?", *columns.values(), id)

    # Devices

    def count_devices(self) -> int:
        """How many devices there are."""
        return int(self._database.standing_value("SELECT count(*) FROM devices"))

    def count_points(self) -> int:
        """How many points there are."""
        return int(self._database.standing_value("SELECT count(*) FROM points"))

    def devices(self, *, enabled_only: bool = False) -> list[Device]:
        """All devices, by name."""
        where = "WHERE enabled = 1" if enabled_only else ""
        return [_device(row) for row in self._database.rows(f"SELECT {_DEVICE} FROM devices {where} ORDER BY name, id")]

    def device(self, id: str) -> Device | None:
        """The device of an id."""
        rows = self._database.rows(f"SELECT {_DEVICE} FROM devices WHERE id = ?", id)
        return _device(rows[0]) if rows else None

    def devices_named(self, name: str) -> list[Device]:
        """The devices of a name, which need not be one."""
        return [_device(row) for row in self._database.rows(f"SELECT {_DEVICE} FROM devices WHERE name = ?", name)]

    def add_device(self, id: str, fields: Mapping[str, Any], now_us: int) -> None:
        """Adds a device."""
        now = iso_time(now_us)
        with self._database.transaction():
            self._insert("devices", {"id": id, **_columns(fields), "created_at": now, "updated_at": now})

    def change_device(self, id: str, fields: Mapping[str, Any], now_us: int) -> None:
        """Changes members of a device."""
        with self._database.transaction():
            self._update("devices", id, fields, now_us)

    def remove_device(self, id: str) -> None:
        """Removes a device with its points and their leases."""
        with self._database.transaction():
            self._database.run("DELETE FROM devices WHERE id = ?", id)

    # Points

    def points(self, device_id: str, *, enabled_only: bool = False) -> list[Point]:
        """The points of a device, by name, then by object."""
        where = "AND enabled = 1" if enabled_only else ""
        rows = self._database.rows(
            f"SELECT {_POINT} FROM points WHERE device_id = ? {where} ORDER BY name, object_identifier, id", device_id
        )
        return [_point(row) for row in rows]

    def point(self, id: str) -> Point | None:
        """The point of an id."""
        rows = self._database.rows(f"SELECT {_POINT} FROM points WHERE id = ?", id)
        return _point(rows[0]) if rows else None

    def points_labelled(self, device_id: str, label: str) -> list[Point]:
        """The points of a device that are called so, by their name or, without one, by their object."""
        rows = self._database.rows(
            f"SELECT {_POINT} FROM points WHERE device_id = ? AND "
            "(name = ? OR (name = '' AND object_identifier = ?))", device_id, label, label,
        )  # fmt: skip
        return [_point(row) for row in rows]

    def add_point(self, id: str, device_id: str, fields: Mapping[str, Any], now_us: int) -> None:
        """Adds a point."""
        self.put_points([(id, device_id, fields)], [], now_us)

    def change_point(self, id: str, fields: Mapping[str, Any], now_us: int) -> None:
        """Changes members of a point."""
        self.put_points([], [(id, fields)], now_us)

    def put_points(
        self, new: Sequence[tuple[str, str, Mapping[str, Any]]], changed: Sequence[tuple[str, Mapping[str, Any]]],
        now_us: int,
    ) -> None:  # fmt: skip
        """Adds points (id, device, members) and changes others (id, members), all or none."""
        now = iso_time(now_us)
        with self._database.transaction():
            for id, device_id, fields in new:
                columns = {"id": id, "device_id": device_id, **_columns(fields), "created_at": now, "updated_at": now}
                self._insert("points", columns)
            for id, fields in changed:
                self._update("points", id, fields, now_us)

    def remove_point(self, id: str) -> None:
        """Removes a point and its leases."""
        with self._database.transaction():
            self._database.run("DELETE FROM points WHERE id = ?", id)

    def point_ids(self) -> set[str]:
        """The ids of all points."""
        return {str(row[0]) for row in self._database.rows("SELECT id FROM points")}

    # Leases and overrides

    def leases(self) -> list[Lease]:
        """All leases."""
        rows = self._database.rows("SELECT point_id, priority, value_json, clean_json, until_us FROM leases")
        return [Lease(*row) for row in rows]

    def put_lease(self, lease: Lease) -> None:
        """Notes a lease, in place of that of the same point and priority."""
        with self._database.transaction():
            self._database.run("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", *lease)

    def drop_lease(self, point_id: str, priority: int) -> None:
        """Forgets a lease."""
        with self._database.transaction():
            self._database.run("DELETE FROM leases WHERE point_id = ? AND priority = ?", point_id, priority)

    def overrides(self) -> dict[str, int | None]:
        """Patterns with their ends."""
        return dict(self._database.rows("SELECT pattern, until_us FROM overrides ORDER BY pattern"))

    def put_override(self, pattern: str, until_us: int | None) -> None:
        """Notes an override, in place of that of the same pattern."""
        with self._database.transaction():
            self._database.run("INSERT OR REPLACE INTO overrides VALUES (?, ?)", pattern, until_us)

    def drop_overrides(self, patterns: Sequence[str]) -> None:
        """Forgets overrides."""
        with self._database.transaction():
            self._database.run_many("DELETE FROM overrides WHERE pattern = ?", [(pattern,) for pattern in patterns])
