"""The ledger: values by key that outlive a power cut, in a journal.

Each record is a JSON list [key, value]; the last one of a key counts, and null removes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.storage.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
RECORD_LIMIT = 16_384
SIZE_LIMIT = 1 << 20
COMPACT_AT = SIZE_LIMIT // 2
LEAST_RECORDS = 64
"""Each start reads all records: when there are so many, and twice as many as values, those that count are left alone.

Fewer would save a start less than the writing of them costs.
"""


class Ledger:
    """Keys and values in the order in which they were first set. Call `open` first."""

    def __init__(self, files: Files, path: str) -> None:
        self._journal = Journal(files, path, VERSION, record_limit=RECORD_LIMIT, size_limit=SIZE_LIMIT)
        self._values: dict[str, Any] = {}
        self._held = 0
        self._most = LEAST_RECORDS

    def open(self) -> tuple[Finding, ...]:
        """Reads what is there, and returns what was wrong. Raises `OSError`: it is closed then, and takes nothing."""
        from json import loads

        self._values = {}
        self._held, self._most = 0, LEAST_RECORDS
        return self._journal.open(lambda record: self._note(*loads(record.decode())))

    def _note(self, key: str, value: Any) -> None:
        self._held += 1
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._values.get(key)

    def items(self, kind: str) -> list[tuple[str, Any]]:
        """What is kept under keys that begin with `kind` and a slash, without that beginning."""
        start = kind + "/"
        return [(key[len(start) :], value) for key, value in self._values.items() if key.startswith(start)]

    def put(self, key: str, value: Any, *, sync: bool = True) -> None:
        """Sets a value, or removes it with `None`; durable on return with `sync`.

        Raises `OSError` or `PayloadTooLarge`; the old value then counts.
        """
        if value is None and key not in self._values:
            return
        if self._journal.size > COMPACT_AT:
            self._journal.compact(self._records())
            self._held = len(self._values)
        elif self._held >= max(self._most, 2 * len(self._values)):
            self._compact_in_time()
        self._journal.append(_packed(key, value), sync=sync)
        self._note(key, value)

    def _compact_in_time(self) -> None:
        """What there is no room for now is tried again when there are twice as many records; so long they all stay."""
        try:
            self._journal.compact(self._records())
        except OSError:
            self._most = 2 * self._held
        else:
            self._held, self._most = len(self._values), LEAST_RECORDS

    def sync(self) -> None:
        """Makes all that was put durable. Raises `OSError`."""
        self._journal.sync()

    def _records(self) -> Iterator[bytes]:
        for key, value in self._values.items():
            yield _packed(key, value)

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()


def _packed(key: str, value: Any) -> bytes:
    import json

    return json.dumps([key, value], separators=(",", ":")).encode()
