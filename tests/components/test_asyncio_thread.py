"""The thread with an asyncio loop: everything that is begun is answered once, in order, also at the end."""

from __future__ import annotations

import asyncio
import threading
from queue import Queue
from typing import Any

from kittiwake.platform.system import SystemPlatform
from kittiwake_components.asyncio_thread import AsyncioThread, Errands

LIMIT_S = 20.0


def test_what_is_begun_before_the_thread_is_up_is_done_in_order() -> None:
    thread = AsyncioThread("it", SystemPlatform())
    answers: Queue[Any] = Queue()

    async def work(number: int) -> tuple[int, str]:
        return number, threading.current_thread().name

    for number in range(100):
        thread.begin(lambda number=number: work(number), answers.put)  # type: ignore[misc]
    assert [answers.get(timeout=LIMIT_S) for _ in range(100)] == [(number, "it") for number in range(100)]
    thread.stop()


def test_a_fault_is_the_answer() -> None:
    thread = AsyncioThread("it", SystemPlatform())
    answers: Queue[Any] = Queue()

    async def work() -> None:
        raise ValueError("no")

    thread.begin(work, answers.put)
    assert isinstance(answers.get(timeout=LIMIT_S), ValueError)
    thread.stop()


def test_stopping_answers_what_still_runs_and_ends_the_thread() -> None:
    thread = AsyncioThread("stopped", SystemPlatform())
    answers: Queue[Any] = Queue()
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(3600)

    thread.begin(work, answers.put)
    assert begun.wait(LIMIT_S)
    thread.stop()
    assert isinstance(answers.get(timeout=LIMIT_S), asyncio.CancelledError)
    for one in threading.enumerate():
        if one.name == "stopped":
            one.join(LIMIT_S)
            assert not one.is_alive()
    thread.stop()  # nothing happens


def test_the_errands_of_one_owner_end_together_before_its_last_work() -> None:
    thread = AsyncioThread("it", SystemPlatform())
    mine, other = Errands(thread), Errands(thread)
    answers: Queue[Any] = Queue()
    begun = threading.Barrier(3)

    async def work(who: str) -> str:
        try:
            await asyncio.to_thread(begun.wait, LIMIT_S)
            await asyncio.sleep(3600)
        finally:
            answers.put(f"{who} ends")
        return who

    async def last() -> str:
        return "last"

    mine.begin(lambda: work("mine"), lambda _: None)
    other.begin(lambda: work("other"), lambda _: None)
    begun.wait(LIMIT_S)
    mine.end(last, answers.put)
    assert [answers.get(timeout=LIMIT_S) for _ in range(2)] == ["mine ends", "last"]
    thread.stop()
    assert answers.get(timeout=LIMIT_S) == "other ends"
