"""Reads the objects of a JSON dictionary and notes every fault with its JSON path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FAULTS = 200
"""The most faults that one reading keeps; more are counted."""

_ABSENT = object()
_KINDS = {str: "text", int: "a whole number", bool: "true or false", list: "an array", dict: "an object"}


class DictionaryFault(ValueError):
    """A dictionary that cannot be used. `faults` lists what is wrong, each with its JSON path."""

    def __init__(self, where: str, faults: list[str], more: int = 0) -> None:
        self.where = where
        self.faults = faults
        self.more = more
        super().__init__(where, faults)

    def __str__(self) -> str:
        lines = [f"{self.where}: {fault}" for fault in self.faults]
        if self.more:
            lines.append(f"{self.where}: and {self.more} more faults")
        return "\n".join(lines)


class FaultList:
    """Collects faults up to `MAX_FAULTS`."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.more = 0

    def add(self, path: str, message: str) -> None:
        """Notes what is wrong at a JSON path."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{path}: {message}" if path else message)
        else:
            self.more += 1

    def raise_if_any(self, where: str) -> None:
        """Raises `DictionaryFault` with everything noted, if anything was."""
        if self.faults:
            raise DictionaryFault(where, self.faults, self.more)


class Fields:
    """One JSON object and its path. A getter that finds a fault notes it and gives an empty value of the kind."""

    __slots__ = ("data", "faults", "path")

    def __init__(self, data: dict[str, Any], path: str, faults: FaultList) -> None:
        self.data = data
        self.path = path
        self.faults = faults

    def fault(self, key: str, message: str) -> None:
        """Notes a fault at one of the object's keys (or at the object itself, for an empty key)."""
        parts = [part for part in (self.path, key) if part]
        self.faults.add(".".join(parts), message)

    def get(self, key: str, kind: type, default: Any = _ABSENT) -> Any:
        """The value of a key, of a JSON kind (`str`, `int`, `bool`, `list` or `dict`).

        An absent key, or null, gives `default`; without one it is a fault.
        """
        value = self.data.get(key)
        if type(value) is kind:
            return value
        if value is None:
            if default is not _ABSENT:
                return default
            self.fault(key, f"is missing (it should be {_KINDS[kind]})")
        else:
            self.fault(key, f"should be {_KINDS[kind]}, not {_shown(value)}")
        return kind()

    def child(self, key: str) -> Fields:
        """The object at a key; a missing one is a fault."""
        return Fields(self.get(key, dict), f"{self.path}.{key}" if self.path else key, self.faults)

    def children(self, key: str, *, required: bool = True) -> Iterator[Fields]:
        """The objects in the array at a key; members of another kind are faults."""
        path = f"{self.path}.{key}" if self.path else key
        for index, item in enumerate(self.get(key, list) if required else self.get(key, list, [])):
            if type(item) is dict:
                yield Fields(item, f"{path}[{index}]", self.faults)
            else:
                self.faults.add(f"{path}[{index}]", f"should be an object, not {_shown(item)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
