"""What a deployment calls of its platform: the kinds of objects, their methods, and what kind each method gives.

A recording knows a method by its place in these tables, and an object by the number it got when it came into being.
So tables only grow at their ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import Finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import (
        Children,
        Databases,
        Files,
        Network,
        Programs,
        Random,
        StallWatch,
        Thread,
        WatchdogTimer,
    )


class Method(NamedTuple):
    """A method: `gives` is the kind of object it returns, or empty for a value.

    `changes` says that the world is another afterwards, so that its arguments are an output.
    """

    name: str
    gives: str = ""
    changes: bool = False


def _kind(*methods: Method | str) -> tuple[Method, ...]:
    return tuple(Method(one) if isinstance(one, str) else one for one in methods)


def _changes(*names: str) -> list[Method]:
    return [Method(name, changes=True) for name in names]


KINDS: dict[str, tuple[Method, ...]] = {
    "files": _kind(
        Method("open", "file"), "read", *_changes("rename", "remove", "make_folder", "make_folders", "remove_folder"),
        "list", *_changes("sync_folder"), "exists", "is_folder", "size", "modified_ns", "real_path", "space",
    ),
    "file": _kind("read_at", *_changes("write_at"), "size", *_changes("truncate", "sync", "close")),
    "databases": _kind(Method("open", "connection")),
    "connection": _kind(*_changes("execute", "execute_many", "begin", "commit", "rollback", "close")),
    "network": _kind(
        Method("connect_tcp", "stream"), Method("listen_tcp", "listener"), Method("open_udp", "stream"),
        Method("open_serial", "stream"),
    ),
    "stream": _kind("fileno", "receive", *_changes("send"), "overruns", *_changes("close"), "address"),
    "listener": _kind("fileno", "address", Method("accept", "stream"), *_changes("close")),
    "random": _kind("uniform", "token_bytes"),
    "programs": _kind(*_changes("run")),
    "machine": _kind(Method("poller", "poller"), Method("watch_stalls", "stalls"), Method("open_watchdog", "watchdog"),
                     Method("start_thread", "thread", changes=True)),
    "poller": _kind(*_changes("add", "remove", "close")),
    "stalls": _kind(*_changes("arm", "close")),
    "watchdog": _kind(*_changes("stroke", "close")),
    "children": _kind(Method("spawn", "child")),
    "child": _kind("end_fileno", "status", *_changes("terminate", "kill", "close")),
    "thread": _kind("is_alive", "join"),
}  # fmt: skip
"""By kind: its methods. What a poller waits for and what the clock shows have records of their own."""

PARTS = ("files", "databases", "network", "random", "programs", "machine", "children")
"""The objects that are there from the start, with the numbers 0, 1, 2..."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {"watchdog": ("timeout_s",), "children": ("interpreter",), "child": ("pid",)}
"""What an object of a kind shows without being called, read when it comes into being."""

MEMBERS = {"child": (("input", "stream"), ("output", "stream"), ("errors", "stream"))}
"""The objects that an object of a kind brings with it, which get the numbers behind its own."""

VALUE_TYPES = {"run": Finished}
"""Methods whose value has a type of its own."""


class BoundaryPlatform:
    """What a recording platform and a replaying one have in common: the parts that are made from the tables."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.files: Files = made["files"]
        self.databases: Databases = made["databases"]
        self.network: Network = made["network"]
        self.random: Random = made["random"]
        self.programs: Programs = made["programs"]
        self.children: Children = made["children"]
        self._machine = made["machine"]

    def start_thread(self, name: str, work: Callable[[], object]) -> Thread:
        """The machine's."""
        thread: Thread = self._machine.start_thread(name, work)
        return thread

    def watch_stalls(self, path: str) -> StallWatch | None:
        """The machine's. Raises `OSError`."""
        watch: StallWatch | None = self._machine.watch_stalls(path)
        return watch

    def open_watchdog(self, where: str, timeout_s: int) -> WatchdogTimer | None:
        """The machine's. Raises `OSError`."""
        watchdog: WatchdogTimer | None = self._machine.open_watchdog(where, timeout_s)
        return watchdog


def shown_by(kind: str, inner: Any) -> tuple[Any, ...]:
    """The attributes that an object of a kind shows."""
    return tuple([getattr(inner, name) for name in ATTRIBUTES.get(kind, ())])


def place_of(kind: str, name: str) -> int:
    """The place of a method in its table. Raises `AttributeError`."""
    for place, method in enumerate(KINDS[kind]):
        if method.name == name:
            return place
    raise AttributeError(f"a {kind} has no {name} that a recording knows")


def arguments_of(method: str, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments of a call as one value, always the same for the same call: named ones stand behind, by name."""
    if method == "execute_many":
        given = (given[0], [tuple(row) for row in given[1]])
    elif method == "add":
        given = (given[0], given[1] is not None, given[2] is not None)
    elif method == "start_thread":
        given = given[:1]
    return (*given, *sorted(named.items()))
