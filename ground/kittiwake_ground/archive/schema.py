"""The tables of the archive, and how a database of an older version becomes one of this.

`PRAGMA user_version` counts the migrations that were applied. A migration that was released is never edited: what
changes comes as another one behind it.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

APPLICATION_ID = 0x4B747761
"""What tells the archive from another program's database."""

_FIRST = """
CREATE TABLE deployments (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    name TEXT NOT NULL,
    UNIQUE (deployment, name)
);
-- What a dictionary says of a channel; a deployment changes its dictionary now and then.
CREATE TABLE channel_types (
    channel INTEGER NOT NULL REFERENCES channels,
    dictionary_hash TEXT NOT NULL,
    type TEXT NOT NULL,
    unit TEXT NOT NULL,
    declared_us INTEGER NOT NULL,
    PRIMARY KEY (channel, dictionary_hash)
) WITHOUT ROWID;
-- A channel belongs to one deployment, so the channel alone leads the key. "position" tells apart, in the order of
-- their coming, samples with one time and different values.
CREATE TABLE samples (
    channel INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    position INTEGER NOT NULL,
    base INTEGER NOT NULL,
    device_us INTEGER,
    received_us INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    number,
    text TEXT,
    PRIMARY KEY (channel, time_us, position)
) WITHOUT ROWID;
CREATE TABLE rollups (
    channel INTEGER NOT NULL,
    level INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    count INTEGER NOT NULL,
    min NOT NULL,
    max NOT NULL,
    sum REAL,
    last NOT NULL,
    PRIMARY KEY (channel, level, start_us)
) WITHOUT ROWID;
-- The chunks of time whose samples are not in the roll-ups yet.
CREATE TABLE open_chunks (
    channel INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    PRIMARY KEY (channel, chunk)
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    time_us INTEGER NOT NULL,
    base INTEGER NOT NULL,
    device_us INTEGER,
    received_us INTEGER NOT NULL,
    name TEXT NOT NULL,
    severity TEXT NOT NULL,
    text TEXT NOT NULL,
    arguments TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (deployment, time_us, id);
CREATE INDEX events_by_age ON events (received_us);
CREATE TABLE commands (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    name TEXT NOT NULL,
    opcode INTEGER NOT NULL,
    arguments TEXT NOT NULL,
    by TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    response TEXT NOT NULL
);
CREATE INDEX commands_by_deployment ON commands (deployment, id);
CREATE INDEX commands_by_age ON commands (created_us);
CREATE TABLE command_states (
    command INTEGER NOT NULL REFERENCES commands,
    step INTEGER NOT NULL,
    state TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    by TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (command, step)
) WITHOUT ROWID;
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    direction TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    size INTEGER,
    crc INTEGER,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
);
CREATE INDEX files_by_deployment ON files (deployment, id);
CREATE INDEX files_by_age ON files (created_us);
CREATE TABLE frames (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    received_us INTEGER NOT NULL,
    direction TEXT NOT NULL,
    bytes BLOB NOT NULL
);
CREATE INDEX frames_by_time ON frames (deployment, received_us, id);
CREATE INDEX frames_by_age ON frames (received_us);
-- What the archive could not take, by its own count: a gap that history shows.
CREATE TABLE losses (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    at_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    count INTEGER NOT NULL
);
CREATE INDEX losses_by_time ON losses (deployment, at_us);
-- Before these times a deployment has no samples, and no roll-ups, any more; without a row it has them all.
CREATE TABLE horizons (
    deployment INTEGER NOT NULL REFERENCES deployments,
    what TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    PRIMARY KEY (deployment, what)
) WITHOUT ROWID;
"""

_WAYS = """
ALTER TABLE files ADD COLUMN way TEXT NOT NULL DEFAULT 'packets';
ALTER TABLE files ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
"""

_LOOKING_BACK = """
-- How links stood: each row holds until the next one of its deployment.
CREATE TABLE link_states (
    id INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL REFERENCES deployments,
    at_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX link_states_by_time ON link_states (deployment, at_us, id);
CREATE INDEX command_states_by_time ON command_states (at_us);
"""

_SEQUENCE_FILES = """
-- What the sequence files of a deployment hold, as far as it was seen: size and CRC-32 say which content that is.
CREATE TABLE sequence_files (
    deployment INTEGER NOT NULL REFERENCES deployments,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    commands TEXT NOT NULL,
    seen_us INTEGER NOT NULL,
    PRIMARY KEY (deployment, path)
) WITHOUT ROWID;
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _WAYS, _LOOKING_BACK, _SEQUENCE_FILES)
"""SQL scripts; the one at index n makes version n + 1 of version n."""


class ArchiveTooNew(ValueError):
    """The database was written by a later version of Kittiwake."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        self.path = path
        self.found = found
        self.known = known
        super().__init__(
            f"{path} has version {found} of the archive's tables, and this Kittiwake knows them up to {known}: "
            "start the version that wrote it, or name another archive folder"
        )


class NotAnArchive(ValueError):
    """The database is healthy, but another program's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path} is a database, but no archive of Kittiwake's: name another archive folder")


def migrate(
    connection: sqlite3.Connection,
    path: Path,
    migrations: Sequence[str] = MIGRATIONS,
    application_id: int = APPLICATION_ID,
) -> None:
    """Brings the tables to the newest version; each migration is applied whole or not at all.

    Raises `ArchiveTooNew`, `NotAnArchive` and `sqlite3.Error`.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if application != application_id and (application or version or tables):
        raise NotAnArchive(path)
    if version > len(migrations):
        raise ArchiveTooNew(path, version, len(migrations))
    for number in range(version, len(migrations)):
        script = (
            f"BEGIN IMMEDIATE; {migrations[number]};"
            f"PRAGMA application_id = {application_id}; PRAGMA user_version = {number + 1}; COMMIT;"
        )
        try:
            connection.executescript(script)
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
