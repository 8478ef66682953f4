"""Streams of the building's API: who listens too slowly is cut off, and nobody waits for him."""

from __future__ import annotations

import asyncio

import pytest

from kittiwake_components.building_api.served.bridge import (
    MAX_BACKLOG,
    MAX_SUBSCRIBERS,
    Hub,
    Item,
    Overloaded,
    Subscriber,
)


def test_a_listener_gets_what_its_prefix_says_in_order() -> None:
    """REQ-BA-005"""

    async def listen() -> list[object]:
        hub, mine = Hub(), Subscriber("a/")
        hub.join(mine)
        for name in ("a/1", "b/1", "a/2"):
            hub.publish(Item(name, name))
        return [await mine.next(), await mine.next()]

    assert asyncio.run(listen()) == [Item("a/1", "a/1"), Item("a/2", "a/2")]


def test_one_who_is_too_slow_is_cut_off_and_keeps_no_more_than_the_bound() -> None:
    """REQ-BA-005"""

    async def listen() -> int:
        hub, slow = Hub(), Subscriber("")
        hub.join(slow)
        for number in range(3 * MAX_BACKLOG):
            hub.publish(Item("a", number))
        assert slow.is_cut_off
        count = 0
        while await slow.next() is not None:
            count += 1
        hub.leave(slow)
        assert not hub.has_listeners
        return count

    assert asyncio.run(listen()) == MAX_BACKLOG - 1


def test_listeners_are_bounded() -> None:
    """REQ-BA-006"""

    async def listen() -> None:
        hub = Hub()
        for _ in range(MAX_SUBSCRIBERS):
            hub.join(Subscriber(""))
        with pytest.raises(Overloaded):
            hub.join(Subscriber(""))

    asyncio.run(listen())
