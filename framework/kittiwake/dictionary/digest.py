"""The hash of a dictionary, by which device and ground know that they speak of the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def dictionary_hash(data: Mapping[str, Any]) -> str:
    """The SHA-256 of a JSON dictionary's content, as 64 hex digits.

    It covers every section but `metadata`, which may hold the hash itself. Neither the order of the sections nor that
    of the entries in a section nor the layout of the file changes it.
    """
    import hashlib
    import json

    content = {}
    for section, entries in data.items():
        if section != "metadata":
            content[section] = sorted(entries, key=_name) if isinstance(entries, list) else entries
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def short_hash(digest: str) -> int:
    """The first 32 bits of a dictionary's hash: what a U32 channel or event reports."""
    return int(digest[:8], 16)


def _name(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(entry.get("qualifiedName", entry.get("name", "")))
    return ""
