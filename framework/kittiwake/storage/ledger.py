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


class Ledger:
    """Keys and values in the order in which they were first set. Call `open` first."""

    def __init__(self, files: Files, path: str) -> None:
        self._journal = Journal(files, path, VERSION, record_limit=RECORD_LIMIT, size_limit=SIZE_LIMIT)
        self._values: dict[str, Any] = {}

    def open(self) -> tuple[Finding, ...]:
        """Reads what is there, and returns what was wrong. Raises `OSError`: it is closed then, and takes nothing."""
        import json

        findings = self._journal.open()
        self._values = {}
        try:
            for record in self._journal.records():
                self._note(*json.loads(record))
        except OSError:
            self._journal.close()
            raise
        return findings

    def _note(self, key: str, value: Any) -> None:
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
        self._journal.append(_packed(key, value), sync=sync)
        self._note(key, value)

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
