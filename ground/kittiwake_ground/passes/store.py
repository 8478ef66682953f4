"""What must outlive a kill: contacts, what became of passes, and what is planned. A database in the server's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from kittiwake_ground.kept_database import KeptDatabase
from kittiwake_ground.passes.contact import Contact, ContactRefused
from kittiwake_ground.passes.outcome import Outcome
from kittiwake_ground.passes.planned import Planned, PlanRefused, plain_of, planned_from

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DATABASE = "passes.db"
APPLICATION_ID = 0x4B747761 ^ 2
MAX_CONTACTS = 5000
"""The most contacts that are kept of a deployment; past ones go where there is no room."""

MAX_OUTCOMES = 2000
MAX_OPEN = 1000
"""The most plans of a deployment that may wait."""

MAX_ENDED = 1000
"""The most plans of a deployment that are remembered once they have ended."""

MAX_CONTENT = 16 << 20
MAX_CONTENTS = 128 << 20
"""The most bytes of one planned file, and of all of them."""

_FIRST = """
CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX contacts_by_deployment ON contacts (deployment, id);
CREATE TABLE outcomes (
    deployment TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (deployment, start_us)
) WITHOUT ROWID;
CREATE TABLE planned (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment TEXT NOT NULL,
    is_final INTEGER NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX planned_by_deployment ON planned (deployment, is_final, id);
CREATE TABLE contents (
    planned INTEGER PRIMARY KEY REFERENCES planned,
    content BLOB NOT NULL
);
"""
MIGRATIONS = (_FIRST,)


class PassStore(KeptDatabase):
    """The database. Without a folder it is in memory. Everything raises `StoreFault` where the disk refuses."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(None if folder is None else folder / DATABASE, "passes", MIGRATIONS, APPLICATION_ID)

    # Contacts

    def contacts(self, deployment: str) -> list[Contact]:
        """The contacts of a deployment."""
        query = "SELECT id, record FROM contacts WHERE deployment = ? ORDER BY id"
        return [_contact(id, record) for id, record in self._database.execute(query, (deployment,)).fetchall()]

    def change_contacts(
        self, deployment: str, put: Iterable[Contact] = (), removed: Iterable[int] = ()
    ) -> list[Contact]:
        """Puts contacts, those with the id 0 as new ones, and removes some; all or nothing. Gives what was put.

        Raises `ContactRefused` where there is no room.
        """
        given = []
        with self._transaction() as database:
            for id in removed:
                database.execute("DELETE FROM contacts WHERE id = ? AND deployment = ?", (id, deployment))
            for one in put:
                row = (one.id or None, deployment, json.dumps(asdict(one), ensure_ascii=False))
                cursor = database.execute("INSERT OR REPLACE INTO contacts VALUES (?, ?, ?)", row)
                given.append(replace(one, id=one.id or int(cursor.lastrowid or 0)))
            query = "SELECT count(*) FROM contacts WHERE deployment = ?"
            if int(database.execute(query, (deployment,)).fetchone()[0]) > MAX_CONTACTS:
                raise ContactRefused(f"a deployment has at most {MAX_CONTACTS} contacts")
        return given

    # What became of passes

    def outcome(self, deployment: str, start_us: int) -> Outcome | None:
        """What became of the pass that started then."""
        query = "SELECT record FROM outcomes WHERE deployment = ? AND start_us = ?"
        row = self._database.execute(query, (deployment, start_us)).fetchone()
        return None if row is None else Outcome(**json.loads(row[0]))

    def outcomes(self, deployment: str, limit: int = 100, before_us: int = 1 << 62) -> list[Outcome]:
        """What became of the last passes that started before a time, the newest first."""
        query = "SELECT record FROM outcomes WHERE deployment = ? AND start_us < ? ORDER BY start_us DESC LIMIT ?"
        rows = self._database.execute(query, (deployment, before_us, limit)).fetchall()
        return [Outcome(**json.loads(record)) for (record,) in rows]

    def keep_outcome(self, deployment: str, outcome: Outcome) -> None:
        """Keeps what is known of a pass; the oldest of too many go."""
        with self._transaction() as database:
            row = (deployment, outcome.start_us, json.dumps(asdict(outcome), ensure_ascii=False))
            database.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", row)
            database.execute(
                "DELETE FROM outcomes WHERE deployment = ?1 AND start_us <= (SELECT start_us FROM outcomes"
                " WHERE deployment = ?1 ORDER BY start_us DESC LIMIT 1 OFFSET ?2)",
                (deployment, MAX_OUTCOMES),
            )

    # Plans

    def plans(self, deployment: str) -> list[Planned]:
        """The plans of a deployment that are kept, the oldest first."""
        query = "SELECT record FROM planned WHERE deployment = ? ORDER BY id"
        return [planned_from(json.loads(one)) for (one,) in self._database.execute(query, (deployment,)).fetchall()]

    def add_plan(self, deployment: str, plan: Planned, content: bytes | None = None) -> Planned:
        """Keeps a new plan, with the content of its file, and gives it its id. Raises `PlanRefused` without room."""
        with self._transaction() as database:
            query = "SELECT count(*) FROM planned WHERE deployment = ? AND NOT is_final"
            if int(database.execute(query, (deployment,)).fetchone()[0]) >= MAX_OPEN:
                raise PlanRefused(f"{MAX_OPEN} plans wait already")
            cursor = database.execute("INSERT INTO planned VALUES (NULL, ?, 0, '')", (deployment,))
            made = replace(plan, id=int(cursor.lastrowid or 0))
            if content is not None:
                held = int(database.execute("SELECT coalesce(sum(length(content)), 0) FROM contents").fetchone()[0])
                if len(content) > MAX_CONTENT or held + len(content) > MAX_CONTENTS:
                    raise PlanRefused(
                        f"a planned file has at most {MAX_CONTENT} bytes, and all of them together {MAX_CONTENTS}"
                    )
                database.execute("INSERT INTO contents VALUES (?, ?)", (made.id, content))
            database.execute("UPDATE planned SET record = ? WHERE id = ?", (_record(made), made.id))
        return made

    def keep_plan(self, deployment: str, plan: Planned) -> None:
        """Keeps a plan as it stands. One that has ended needs its file no more; the oldest of too many go."""
        with self._transaction() as database:
            database.execute(
                "UPDATE planned SET record = ?, is_final = ? WHERE id = ?", (_record(plan), plan.is_final, plan.id)
            )
            if plan.is_final:
                database.execute("DELETE FROM contents WHERE planned = ?", (plan.id,))
                database.execute(
                    "DELETE FROM planned WHERE deployment = ?1 AND is_final AND id <= (SELECT id FROM planned"
                    " WHERE deployment = ?1 AND is_final ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                    (deployment, MAX_ENDED),
                )

    def content(self, plan: int) -> bytes:
        """The content of a planned file."""
        row = self._database.execute("SELECT content FROM contents WHERE planned = ?", (plan,)).fetchone()
        return b"" if row is None else bytes(row[0])


def _contact(id: int, record: str) -> Contact:
    plain = json.loads(record)
    return Contact(**{**plain, "id": id, "skipped_us": tuple(plain["skipped_us"])})


def _record(plan: Planned) -> str:
    return json.dumps(plain_of(plan), ensure_ascii=False)
