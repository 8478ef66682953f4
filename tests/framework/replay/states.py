"""A component whose state has one of everything, for tests that freeze it."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque
from enum import IntEnum
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.model import ACTIVITY_HI, U32, ActiveComponent, Channel, Parameter, command, event
from kittiwake.platform.seeded import SeededRandom

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = {"high": [1, 2, 3]}


class Colour(IntEnum):
    """A declared choice."""

    RED = 1
    BLUE = 2


class Point(NamedTuple):
    """A plain record."""

    x: int
    tags: tuple[str, ...]


class Knot:
    """An object that knows others, itself among them, with slots and without."""

    __slots__ = ("__private", "__weakref__", "others", "unset")

    def __init__(self, private: object) -> None:
        self.__private = private
        self.others: list[Any] = [self]

    @property
    def private(self) -> object:
        """What only it knows."""
        return self.__private


class Oops(ValueError):
    """A fault that is kept."""


class Keeper(ActiveComponent):
    """Keeps one of everything that a component may hold."""

    kept = Channel(U32, doc="How often it was asked.")
    step = Parameter(U32, default=1, doc="How much it counts.")

    @event(ACTIVITY_HI, "Counted to {count}", throttle=2)
    def counted(self, count: U32) -> None: ...

    def initialize(self) -> None:
        self.ticks = 0
        self.everything: dict[Any, Any] = {}
        self.calls: list[Callable[[], Any]] = []
        self.random = SeededRandom(3)

    def start(self) -> None:
        """Counts once a second from now on."""
        self.clock.call_after(1.0, self.tick, 1)

    def tick(self, more: int) -> None:
        """Counts, and fills what it keeps the third time."""
        self.ticks += more
        self.kept = self.ticks
        self.counted(self.ticks)
        self.clock.call_after(1.0, self.tick, self.step)
        if self.ticks == 3:
            self.fill()

    def fill(self) -> None:
        """One of everything."""
        knot = Knot("secret")
        other = Knot(knot)
        knot.others.append(other)
        count = 0

        def more() -> int:
            nonlocal count
            count += 1
            return count

        def less() -> int:
            nonlocal count
            count -= 10
            return count

        more()
        self.everything = {
            "plain": [None, True, 1 << 90, -1.5, "text", b"bytes", bytearray(b"more")],
            "deque": deque([1, (2, 3)], maxlen=5), "set": {1, "two", (3, 4)}, "frozen": frozenset([Colour.RED]),
            "counter": Counter("abca"), "ordered": OrderedDict(b=1, a=2), "default": defaultdict(list, x=[1]),
            "enum": Colour.BLUE, "named": Point(1, ("a", "b")), "knot": knot, "again": knot, "declared": LIMITS,
            "fault": Oops("kept", 3), "struct": Struct(">HI"), "pattern": re.compile("a+b"), "class": Knot,
            "partial": partial(self.add, 5), "method": knot.others.append, "builtin": max,
            (1, "key"): "a key that is a tuple",
        }  # fmt: skip
        self.calls = [more, less, self.double, lambda: self.ticks * 100]

    def add(self, one: int, other: int) -> int:
        """A sum."""
        return one + other + self.ticks

    def double(self) -> int:
        """Twice."""
        return 2 * self.ticks

    @command
    async def sleep(self) -> None:
        """Waits for a while."""
        await self.clock.sleep(5.0)
