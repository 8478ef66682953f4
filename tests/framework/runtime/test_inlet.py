"""Inlets: what a thread gives arrives on the loop, once or until it is closed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.loop import Loop, named, owner_of
from kittiwake.runtime.monitor import FirstFaults
from kittiwake.runtime.tags import TagSource
from kittiwake.runtime.watched_loop import WatchedLoop

NS = 1_000_000_000


def loop_of(platform: Any, watch: Any = None) -> Loop:
    clock = platform.clock
    arguments = ("it", clock, platform.poller(), TagSource(clock), FirstFaults())
    return Loop(*arguments) if watch is None else WatchedLoop(*arguments, watch)


@pytest.fixture(params=["plain", "watched"])
def loop(request: pytest.FixtureRequest) -> Loop:
    platform = SimulatedPlatform(counts_dispatches=True)
    return loop_of(platform, platform.dispatch_watch if request.param == "watched" else None)


def test_what_is_given_comes_once_and_in_order_or_until_it_is_closed(loop: Loop) -> None:
    heard: list[Any] = []
    once, lasting = loop.inlet(lambda *more: heard.append(more)), loop.inlet(heard.append, lasts=True)
    once.give(1, 2)
    lasting.give("a")
    once.give(3)
    assert heard == []
    loop.settle()
    assert heard == [(1, 2), "a"]
    lasting.give("b")
    loop.settle()
    lasting.give("c")
    lasting.close()
    lasting.give("d")
    loop.settle()
    assert heard == [(1, 2), "a", "b"]


def test_a_watched_loop_knows_those_that_are_open() -> None:
    platform = SimulatedPlatform(counts_dispatches=True)
    loop = loop_of(platform, platform.dispatch_watch)
    assert isinstance(loop, WatchedLoop)
    once, lasting = loop.inlet(print), loop.inlet(print, lasts=True)
    assert loop.inlets == {1: once, 2: lasting}
    once.give()
    loop.settle()
    lasting.close()
    lasting.close()
    assert loop.inlets == {}
    assert loop.inlets_made == 2


def test_dispatches_are_named_by_what_is_called(loop: Loop) -> None:
    class Owner:
        name = "owner"

        def heard(self, *_: object) -> None:
            """Hears."""

    owner = Owner()
    inlet = loop.inlet(partial(partial(owner.heard, 1), 2))
    assert (owner_of(inlet, ""), named(inlet)) == ("owner", "heard")


def test_calls_of_a_thread_are_awaited_while_nobody_turns_the_loop() -> None:
    platform = SystemPlatform()
    loop = loop_of(platform)
    heard: list[int] = []
    give = loop.inlet(heard.append).give
    platform.start_thread("giver", lambda: give(7))
    until_ns = platform.clock.now_ns() + 20 * NS
    while not heard:
        loop.await_calls(until_ns)
    assert heard == [7]
    loop.poller.close()


def test_nobody_is_awaited_beyond_the_deadline() -> None:
    platform = SimulatedPlatform()
    loop = loop_of(platform)
    assert not loop.await_calls(3 * NS)
    assert platform.clock.now_ns() == 3 * NS
    heard: list[int] = []
    loop.post(heard.append, 7)
    assert loop.await_calls(9 * NS)
    assert (heard, platform.clock.now_ns()) == ([7], 3 * NS)
