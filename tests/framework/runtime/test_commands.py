"""Every command gets exactly one response, whatever its handler does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.commands import CommandError, CommandResponse, command
from kittiwake.model.component import ActiveComponent, PassiveComponent
from kittiwake.model.parameters import Parameter
from kittiwake.model.types import U8, Range, Size
from kittiwake.runtime.context import MAX_PENDING_TASKS
from kittiwake.runtime.tasks import Cancelled, Reply
from kittiwake.testing import ComponentTester, SentCommand

OK, BUSY, FAILED = CommandResponse.OK, CommandResponse.BUSY, CommandResponse.EXECUTION_ERROR


class Worker(ActiveComponent):
    level = Parameter(U8, default=3, low=1, high=9)

    def initialize(self) -> None:
        self.log: list[Any] = []
        self.flag = False
        self.reply: Reply[Any] | None = None
        self.cancel_now: Callable[[], None] | None = None

    @command
    def now(self, value: Annotated[U8, Range(1, 5)], text: Annotated[str, Size(4)]) -> None:
        self.log.append((value, text))

    @command
    def refuse(self, code: U8) -> None:
        raise CommandError(CommandResponse(code), "because")

    @command
    def break_down(self) -> None:
        raise KeyError("gone")

    @command
    async def sleep(self, seconds: U8) -> None:
        await self.clock.sleep(seconds)
        self.log.append(self.clock.now_ns())

    @command(exclusive=True)
    async def alone(self) -> None:
        await self.clock.sleep(10)

    @command
    async def fail_later(self) -> None:
        await self.clock.sleep(1)
        raise KeyError("later")

    @command
    async def refuse_later(self) -> None:
        await self.clock.sleep(1)
        raise CommandError(CommandResponse.VALIDATION_ERROR, "later")

    @command
    async def until_flag(self, seconds: U8) -> None:
        self.log.append(await self.clock.until(lambda: self.flag, timeout_s=seconds or None))

    @command
    async def until_broken(self) -> None:
        await self.clock.until(lambda: 1 // 0 == 0)

    @command
    async def ask(self) -> None:
        self.reply = self.clock.reply()
        self.log.append(await self.reply)

    @command
    async def stubborn(self) -> None:
        try:
            await self.clock.sleep(100)
        except Cancelled:
            await self.clock.sleep(100)

    @command
    async def tidy(self) -> None:
        try:
            await self.clock.sleep(100)
        finally:
            self.log.append("tidied")

    @command
    async def await_nonsense(self) -> None:
        class Nonsense:
            def __await__(self) -> Any:
                yield "nonsense"

        await Nonsense()

    @command
    async def cancel_itself(self) -> None:
        [task] = self._context.tasks
        task.cancel()
        self.log.append("still here")
        await self.clock.sleep(0)
        self.log.append("never")

    def parameter_updated(self, name: str) -> None:
        if self.level == 8:
            raise ValueError("eight is too much today")


@pytest.fixture
def worker() -> ComponentTester[Worker]:
    return ComponentTester(Worker, queue=50)


def responses(sent: list[SentCommand]) -> list[CommandResponse]:
    return [one.response for one in sent]


def test_arguments_are_decoded_before_the_handler_is_called(worker: ComponentTester[Worker]) -> None:
    assert worker.send("NOW", 5, "four").response is OK
    assert worker.component.log == [(5, "four")]
    sent = worker.send_raw("NOW", b"\x06\x00\x00")
    assert sent.response is CommandResponse.VALIDATION_ERROR
    for data in (b"", b"\x05", b"\x05\x00\x05fives", b"\x05\x00\x01ab", b"\x05\x00\x01\xff"):
        assert worker.send_raw("NOW", data).response is CommandResponse.FORMAT_ERROR
    assert worker.send_raw(0x1FF, b"").response is CommandResponse.INVALID_OPCODE
    assert len(worker.component.log) == 1
    assert worker.monitor[0][:3] == ("refused", "tested", "NOW")
    assert worker.monitor[0].detail == "6 is outside 1 to 5"
    worker.finish()


def test_an_error_of_the_handler_is_its_answer(worker: ComponentTester[Worker]) -> None:
    for code in (2, 3, 4, 5):
        assert worker.send("REFUSE", code).response == code
    assert [one.detail for one in worker.monitor] == ["because"] * 4
    assert worker.send("BREAK_DOWN").response is FAILED
    [fault] = worker.monitor.faults()
    assert fault.where == "BREAK_DOWN"
    assert "KeyError: 'gone'" in fault.detail


def test_a_full_queue_answers_busy() -> None:
    with ComponentTester(Worker, queue=2) as tester:
        with tester.held():
            sent = [tester.send("NOW", 1, "") for _ in range(4)]
            assert responses(sent[2:]) == [BUSY, BUSY]
        assert responses(sent) == [OK, OK, BUSY, BUSY]
        tester.monitor.clear()


def test_sleepers_wake_at_their_own_time(worker: ComponentTester[Worker]) -> None:
    sent = [worker.send("SLEEP", seconds) for seconds in (3, 1, 2)]
    assert worker.send("NOW", 1, "").response is OK
    worker.advance(2.5)
    assert [one.is_answered for one in sent] == [False, True, True]
    worker.advance(1)
    assert worker.component.log == [(1, ""), 1_000_000_000, 2_000_000_000, 3_000_000_000]
    worker.finish()


def test_an_exclusive_command_answers_busy_while_it_runs(worker: ComponentTester[Worker]) -> None:
    first = worker.send("ALONE")
    assert worker.send("ALONE").response is BUSY
    assert worker.monitor[-1].detail == "an earlier one is still running"
    worker.advance(11)
    assert first.response is OK
    again = worker.send("ALONE")
    worker.advance(11)
    assert again.response is OK
    worker.finish()


def test_waiting_commands_are_bounded(worker: ComponentTester[Worker]) -> None:
    waiting = [worker.send("SLEEP", 5) for _ in range(MAX_PENDING_TASKS)]
    assert worker.send("SLEEP", 5).response is BUSY
    assert worker.monitor[-1].detail == "too many commands are waiting"
    assert worker.send("NOW", 1, "").response is OK
    worker.advance(6)
    assert responses(waiting) == [OK] * MAX_PENDING_TASKS
    worker.finish()


def test_a_coroutine_that_fails_after_a_wait_answers_so(worker: ComponentTester[Worker]) -> None:
    sent = [worker.send("FAIL_LATER"), worker.send("REFUSE_LATER"), worker.send("AWAIT_NONSENSE")]
    worker.advance(2)
    assert responses(sent) == [FAILED, CommandResponse.VALIDATION_ERROR, FAILED]
    assert [one.where for one in worker.monitor.faults()] == ["AWAIT_NONSENSE", "FAIL_LATER"]


def test_until_says_whether_the_condition_came_or_the_time_passed(worker: ComponentTester[Worker]) -> None:
    worker.send("UNTIL_FLAG", 5)
    worker.advance(5)
    assert worker.component.log == [False]
    endless = worker.send("UNTIL_FLAG", 0)
    worker.advance(10_000)
    assert not endless.is_answered
    worker.component.flag = True
    worker.settle()
    assert worker.component.log == [False, True]
    assert endless.response is OK
    assert worker.send("UNTIL_BROKEN").response is FAILED


def test_a_reply_resumes_who_awaits_it_and_only_the_first_counts(worker: ComponentTester[Worker]) -> None:
    sent = worker.send("ASK")
    reply = worker.component.reply
    assert reply is not None
    assert not reply.is_set
    reply.set("one")
    reply.set("two")
    assert not sent.is_answered
    worker.settle()
    assert worker.component.log == ["one"]
    assert sent.response is OK
    worker.finish()


def test_all_that_waits_is_cancelled_and_answered_at_shutdown(worker: ComponentTester[Worker]) -> None:
    names: list[tuple[Any, ...]] = [("SLEEP", 5), ("ALONE",), ("UNTIL_FLAG", 0), ("ASK",), ("STUBBORN",), ("TIDY",)]
    sent = [worker.send(*one) for one in names]
    worker.finish()
    assert responses(sent) == [FAILED] * len(sent)
    assert worker.component.log == ["tidied"]
    assert {one.kind for one in worker.monitor} == {"refused"}


def test_what_is_queued_at_shutdown_is_still_served(worker: ComponentTester[Worker]) -> None:
    worker._held = 1
    sent = [worker.send("NOW", 1, ""), worker.send("SLEEP", 1)]
    worker.stop()
    assert sent[0].response is OK
    assert sent[1].response is FAILED


def test_a_handler_that_is_cancelled_while_it_runs_ends_at_its_next_await(worker: ComponentTester[Worker]) -> None:
    assert worker.send("CANCEL_ITSELF").response is FAILED
    assert worker.component.log == ["still here"]
    worker.finish()


def test_a_parameter_is_set_within_its_range_and_a_failed_update_leaves_the_old_value(
    worker: ComponentTester[Worker],
) -> None:
    worker.set_parameter("LEVEL", 9)
    assert worker.component.level == 9
    assert worker.send_raw("LEVEL_PRM_SET", b"\x0a").response is CommandResponse.VALIDATION_ERROR
    assert worker.send_raw("LEVEL_PRM_SET", b"").response is CommandResponse.FORMAT_ERROR
    assert worker.send_raw("LEVEL_PRM_SAVE", b"\x01").response is CommandResponse.FORMAT_ERROR
    assert worker.send("LEVEL_PRM_SET", 8).response is FAILED
    assert worker.component.level == 9
    worker.save_parameter("LEVEL")
    assert worker.parameters_saved == {"LEVEL": 9}


class Direct(PassiveComponent):
    """Commands of a passive component run on their caller's loop."""

    @command
    def now(self) -> None: ...

    @command
    async def later(self) -> None:
        await self.clock.sleep(1)


def test_a_passive_component_answers_within_the_call_or_when_its_coroutine_ends() -> None:
    with ComponentTester(Direct) as tester, tester.held():
        assert tester.send("NOW").response is OK
        sent = tester.send("LATER")
        assert not sent.is_answered
        tester.advance(1)
        assert sent.response is OK


STEPS = st.one_of(
    st.sampled_from([("NOW", 1, ""), ("REFUSE", 2), ("BREAK_DOWN",), ("ALONE",), ("FAIL_LATER",), ("TIDY",), ("ASK",)]),
    st.tuples(st.just("SLEEP"), st.integers(0, 20)),
    st.tuples(st.just("UNTIL_FLAG"), st.integers(0, 20)),
    st.tuples(st.just("advance"), st.integers(0, 20)),
    st.just(("held",)),
)


@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_each_command_has_exactly_one_response_in_the_end(steps: list[Any]) -> None:
    tester = ComponentTester(Worker, queue=4)
    for name, *arguments in steps:
        if name == "advance":
            tester.advance(*arguments)
        elif name == "held":
            with tester.held():
                for _ in range(6):
                    tester.send("SLEEP", 3)
        else:
            tester.send(name, *arguments)
    tester.stop()
    tester.assert_all_answered()
