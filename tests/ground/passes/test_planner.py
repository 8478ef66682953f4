"""Plans are released at their time, once or never, whatever happens to the link, the clock and the server."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.sequence.compile import compile_text
from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes.contact import HORIZON_US
from kittiwake_ground.passes.leaving import NotConfirmed
from kittiwake_ground.passes.planned import FINAL_STATES, PlanRefused, When
from kittiwake_ground.passes.planner import MOST_A_TICK, NoSuchPlan, Owner, PlanChanged
from kittiwake_ground.passes.store import PassStore
from kittiwake_ground.server.commands import CommandRefused
from kittiwake_ground.server.transfer import TransferRefused
from tests.ground.passes.rig import FOREIGN, NAME, T0, Rig, S, StillClocks, within
from tests.ground.server.foreign import COMPLETED, DISPATCHED, FAILED

if TYPE_CHECKING:
    from pathlib import Path

BOB = Owner("bob", "session")
SEND_NAME, STOP_NAME = "Ref.down.SendFile", "Ref.sequencer.CS_CANCEL"


def test_a_command_goes_at_its_time_and_its_life_says_that_it_was_planned() -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan(at_us=T0 + 100 * S)
        await rig.tick(99)
        assert (rig.sent, rig.state(plan)) == ([], "planned")
        await rig.tick(1)
        assert (len(rig.sent), rig.state(plan)) == (1, "released")
        (record,) = rig.commands.records.values()
        assert [state for state, _ in record.steps] == ["planned", "queued", "sent"]
        assert (record.steps[0][1], record.by) == (T0, "ada")
        rig.say(DISPATCHED, COMPLETED)
        done = rig.planner.plans[plan.id]
        assert (done.state, done.sent_id, done.released_us) == ("completed", record.id, T0 + 100 * S)
        await rig.tick(1000)
        assert len(rig.sent) == 1
        assert [action for _, action, _ in rig.audit] == ["plan released", "plan completed"]
        told = [(plan.id, state) for state in ("planned", "releasing", "released", "completed")]
        assert rig.news == told, "each step is told, and each once"

    within(test)


@pytest.mark.parametrize(
    "answers, state, reason", [([DISPATCHED, FAILED], "failed", "failed: BUSY"), ([], "released", "")]
)
def test_a_plan_ends_as_its_command_does(answers: list[int], state: str, reason: str) -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan()
        await rig.tick()
        rig.say(*answers)
        assert (rig.state(plan), rig.reason(plan)) == (state, reason)

    within(test)


def test_it_waits_for_the_link_until_it_expires() -> None:
    async def test(rig: Rig) -> None:
        rig.ready = False
        early, late = rig.plan(expiry_s=60), rig.plan(expiry_s=600)
        await rig.tick(59)
        assert rig.state(early) == "planned"
        await rig.tick(1)
        assert (rig.state(early), rig.reason(early)) == ("expired", "the link did not come in time")
        rig.ready = True
        await rig.tick(10)
        assert (len(rig.sent), rig.state(late)) == (1, "released")

    within(test)


def test_plans_of_one_time_go_in_the_order_of_planning() -> None:
    async def test(rig: Rig) -> None:
        second = rig.plan(at_us=T0 + 20 * S)
        first, third = rig.plan(at_us=T0 + 10 * S), rig.plan(at_us=T0 + 20 * S)
        await rig.tick(30)
        assert [one.id for one in (first, second, third)] == [2, 1, 3]
        sent = sorted(rig.planner.plans.values(), key=lambda one: one.sent_id)
        assert [one.id for one in sent] == [2, 1, 3]

    within(test)


def test_many_of_one_time_go_in_several_ticks() -> None:
    async def test(rig: Rig) -> None:
        for _ in range(MOST_A_TICK + 5):
            rig.plan()
        await rig.tick()
        await rig.tick()
        for _ in range(MOST_A_TICK):
            await asyncio.sleep(0)
        states = [one.state for one in rig.planner.plans.values()]
        assert (len(rig.sent), set(states)) == (MOST_A_TICK + 5, {"released"})

    within(test)


# Passes


def test_a_plan_for_the_next_pass_goes_at_its_start_or_an_offset_in_it() -> None:
    async def test(rig: Rig) -> None:
        rig.contact(-100, 200)  # under way: it is not the next one
        rig.contact(1000, 600)
        start, later = rig.plan(kind="pass"), rig.plan(kind="pass", delay_s=120)
        await rig.tick(999)
        assert rig.sent == []
        await rig.tick(1)
        assert (rig.state(start), rig.state(later)) == ("released", "planned")
        await rig.tick(120)
        assert rig.state(later) == "released"
        with pytest.raises(PlanRefused, match="that time is past"):
            rig.plan(at_us=T0)

    within(test)


def test_without_contact_a_plan_for_a_pass_expires_with_it() -> None:
    async def test(rig: Rig) -> None:
        rig.contact(100, 60)
        rig.contact(1000, 60)
        with pytest.raises(PlanRefused, match="the next pass lasts 60 s only"):
            rig.plan(kind="pass", delay_s=60)
        here, patient = rig.plan(kind="pass"), rig.plan(kind="pass", expiry_s=1200)
        rig.ready = False
        await rig.tick(160)
        assert (rig.state(here), rig.state(patient)) == ("expired", "planned")
        rig.ready = True
        await rig.tick(1)
        assert rig.state(patient) == "released"

    within(test)


def test_a_pass_that_is_moved_takes_its_plans_with_it_and_one_that_is_not_known_yet_is_waited_for() -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan(kind="pass")
        assert rig.planner.due(plan).due_us is None
        moved = rig.contact(100, 60)
        assert rig.planner.due(plan).due_us == T0 + 100 * S
        rig.schedule.remove(moved.id)
        rig.contact(300, 60)
        await rig.tick(250)
        assert rig.state(plan) == "planned"
        await rig.tick(50)
        assert rig.state(plan) == "released"
        lonely = rig.plan(kind="pass")
        await rig.tick(HORIZON_US / S)
        assert rig.state(lonely) == "expired"

    within(test)


def test_a_wake_that_the_device_predicts_is_a_pass_and_begins_with_its_contact() -> None:
    """What the device says of the wake after that, once it is awake, changes nothing of the one that has begun."""

    async def test(rig: Rig) -> None:
        rig.ready = False
        rig.schedule.predict(T0 + 3600 * S, 30.0)
        rig.schedule.predict(T0 + 3000 * S, 30.0)
        (wake,) = rig.schedule.passes(T0)
        assert (wake.contact.origin, wake.start_us, wake.duration_s) == ("predicted", T0 + 3000 * S, 300)
        plan = rig.plan(kind="pass", delay_s=5)
        rig.clocks.advance(2990)
        rig.schedule.link_came()
        rig.schedule.predict(T0 + 3000 * S, 30.0)
        rig.schedule.predict(T0 + 7200 * S, 30.0)
        assert [one.start_us // S - T0 // S for one in rig.schedule.passes(rig.clocks.wall)] == [2990, 7200]
        rig.ready = True
        await rig.tick(4)
        assert rig.state(plan) == "planned"
        await rig.tick(1)
        assert rig.state(plan) == "released"
        rig.schedule.predict(0, 0.0)
        assert len(rig.schedule.passes(rig.clocks.wall)) == 1
        planned = rig.contact(7000, 600)
        rig.schedule.predict(T0 + 7200 * S, 30.0)
        assert [one.contact.id for one in rig.schedule.passes(T0 + 6000 * S)] == [planned.id]

    within(test)


# Clocks


def test_a_delay_is_by_the_boot_clock() -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan(kind="after", delay_s=100)
        rig.clocks.step(-7200)
        await rig.tick(50)
        rig.clocks.step(+86400)
        await rig.tick(49)
        assert rig.state(plan) == "planned"
        await rig.tick(1)
        assert rig.state(plan) == "released"
        assert ("ground", "clock stepped") in [entry[:2] for entry in rig.audit]

    within(test)


def test_a_delay_goes_on_over_a_restart_of_the_server_and_by_the_date_over_one_of_the_machine() -> None:
    async def test(rig: Rig) -> None:
        by_boot, by_date = rig.plan(kind="after", delay_s=100), rig.plan(kind="after", delay_s=500)
        rig.clocks.advance(50)
        rig.clocks.step(3600)
        again = Rig(rig.store, rig.clocks)
        await again.tick(49)
        assert again.state(by_boot) == "planned"
        await again.tick(1)
        assert again.state(by_boot) == "released"
        rig.clocks.step(-3600)
        rig.clocks.reboot(300)
        third = Rig(rig.store, rig.clocks)
        await third.tick(99)
        assert third.state(by_date) == "planned"
        await third.tick(1)
        assert third.state(by_date) == "released"

    within(test)


def test_a_step_of_the_wall_clock_releases_nothing_before_the_clock_has_settled() -> None:
    """A clock that is a day ahead for a moment sends nothing early, and lets nothing expire."""

    async def test(rig: Rig) -> None:
        plan = rig.plan(at_us=T0 + 3600 * S, expiry_s=60)
        await rig.tick(10)
        rig.clocks.step(86400)
        await rig.tick(0)
        await rig.tick(20)
        assert rig.state(plan) == "planned"
        rig.clocks.step(-86400)
        await rig.tick(0)
        await rig.tick(29)
        await rig.tick(100)
        assert (rig.sent, rig.state(plan)) == ([], "planned")
        rig.clocks.step(3600 - 159)
        await rig.tick(0)
        assert (rig.sent, rig.state(plan)) == ([], "planned")
        await rig.tick(30)
        assert rig.state(plan) == "released"
        rig.clocks.step(-3600)
        await rig.tick(3700)
        assert len(rig.sent) == 1, "a clock that goes back sends nothing again"

    within(test)


# People


def test_who_is_no_operator_any_more_sends_nothing() -> None:
    async def test(rig: Rig) -> None:
        demoted = rig.plan(at_us=T0 + 10 * S)
        rig.role = "viewer"
        await rig.tick(10)
        assert (rig.sent, rig.state(demoted)) == ([], "refused")
        gone = rig.plan()
        rig.role = None
        await rig.tick()
        assert (rig.sent, rig.reason(gone)) == ([], "ada is no operator any more")

    within(test)


def test_what_is_hazardous_is_confirmed_when_it_is_planned() -> None:
    async def test(rig: Rig) -> None:
        with pytest.raises(NotConfirmed):
            rig.plan()
        plan = rig.plan(confirmed=True)
        await rig.tick()
        assert rig.state(plan) == "released"

    within(test, hazardous=frozenset({NAME}))


def test_what_became_hazardous_since_is_not_sent() -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan(at_us=T0 + 10 * S)
        again = Rig(rig.store, rig.clocks, frozenset({NAME}))
        await again.tick(10)
        assert (again.sent, again.state(plan)) == ([], "refused")

    within(test)


@pytest.mark.parametrize(
    "known, later, sent",
    [
        (NAME, NAME, True),
        (NAME, STOP_NAME, True),
        (NAME, SEND_NAME, False),
        (None, SEND_NAME, True),
        (STOP_NAME, NAME, False),
    ],
)
def test_what_was_confirmed_of_a_sequence_counts_for_the_hazards_that_it_had(
    known: str | None, later: str, sent: bool
) -> None:
    """Another file may have come in its place since."""

    def content(name: str) -> bytes:
        arguments = ' "a" "b"' if name == SEND_NAME else ""
        return compile_text(f"R00:00:00 {name}{arguments}\n", "text", FOREIGN)

    async def test(rig: Rig) -> None:
        files = rig.sequences.files
        if known is not None:
            files.note("/a.bin", content(known))
        what = rig.ways.check("sequence", "/a.bin", {}, True, "ada")
        plan = rig.planner.plan(what, When("at", T0 + 100 * S), "ada", Owner("ada", "session"), True, None)
        files.note("/a.bin", content(later))
        await rig.tick(100)
        assert (rig.state(plan), len(rig.sent)) == (("released", 1) if sent else ("refused", 0))
        assert sent or f"{later} is hazardous" in rig.reason(plan)

    within(test, hazardous=frozenset((NAME, SEND_NAME)))


def test_a_plan_is_changed_and_taken_back_by_who_has_seen_it() -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan(at_us=T0 + 100 * S)
        edited = rig.planner.edit(plan.id, plan.what, When("at", T0 + 200 * S), "bob", BOB, False, plan.revision)
        with pytest.raises(PlanChanged):
            rig.planner.cancel(plan.id, "bob", plan.revision)
        await rig.tick(100)
        assert rig.state(plan) == "planned"
        assert rig.planner.cancel(plan.id, "bob", edited.revision).reason == "taken back by bob"
        with pytest.raises(PlanRefused, match="cancelled"):
            rig.planner.edit(plan.id, plan.what, plan.when, "bob", BOB, False, None)
        with pytest.raises(NoSuchPlan):
            rig.planner.cancel(99, "bob")
        await rig.tick(200)
        assert rig.sent == []

    within(test)


def test_one_that_waits_behind_a_link_that_broke_is_taken_back_or_expires() -> None:
    """The link was there when it was released, and gone before it was sent: it has not left, and that is known."""

    async def test(rig: Rig) -> None:
        first, second = rig.plan(expiry_s=60), rig.plan(expiry_s=600)
        rig.planner.tick()
        rig.ready = False
        await rig.tick()
        assert (rig.sent, rig.state(first), rig.state(second)) == ([], "releasing", "releasing")
        await rig.tick(60)
        assert (rig.state(first), rig.state(second)) == ("expired", "releasing")
        rig.planner.cancel(second.id, "bob")
        rig.ready = True
        rig.commands.wake()
        await rig.tick()
        assert (rig.sent, rig.state(second)) == ([], "cancelled")
        sent = rig.plan()
        await rig.tick()
        with pytest.raises((PlanRefused, CommandRefused)):
            rig.planner.cancel(sent.id, "bob")

    within(test)


def test_a_server_that_is_stopped_properly_loses_nothing() -> None:
    async def test(rig: Rig) -> None:
        plan, answered = rig.plan(at_us=T0 + 10 * S), rig.plan()
        await rig.tick()
        assert rig.state(answered) == "released"
        rig.clocks.advance(10)
        rig.planner.tick()
        rig.ready = False
        rig.planner.close()
        again = Rig(rig.store, rig.clocks)
        assert (again.state(plan), again.state(answered)) == ("planned", "unanswered")
        await again.tick()
        assert (rig.state(plan), again.state(plan), len(again.sent)) == ("planned", "released", 1)

    within(test)


def test_sequences_and_files_are_planned_as_well() -> None:
    async def test(rig: Rig) -> None:
        owner = Owner("ada", "session")
        run = rig.ways.check("sequence", "/seq.bin", {}, False, "ada")
        file = rig.ways.check("upload", "/a.bin", {"name": "a.bin"}, False, "ada", 5)
        cfdp = rig.ways.check("upload", "b.bin", {"way": "cfdp"}, False, "ada", 3)
        assert (run.detail, file.detail["way"], file.size) == ({"sequencer": "Ref.sequencer"}, "packets", 5)
        at = When("at", T0)
        first = rig.planner.plan(run, at, "ada", owner, False, None)
        second = rig.planner.plan(file, at, "ada", owner, False, b"hello")
        third = rig.planner.plan(cfdp, at, "ada", owner, False, b"abc")
        await rig.tick()
        (command,) = rig.commands.records.values()
        assert (command.command.name, command.arguments["fileName"]) == ("Ref.sequencer.CS_RUN", "/seq.bin")
        assert (rig.state(first), rig.uploads) == ("released", [b"abc"])
        one, two = rig.transfers.records.values()
        assert (one.remote, one.content, two.remote) == ("/a.bin", b"hello", "b.bin")
        one.state = "running"
        rig.planner.take(one)
        assert rig.state(second) == "released"
        one.end("completed")
        rig.planner.take(one)
        two.end("failed", "no room")
        rig.planner.take(two)
        assert (rig.state(second), rig.state(third), rig.reason(third)) == ("completed", "failed", "no room")
        assert rig.store.content(second.id) == b""
        with pytest.raises(PlanRefused, match="music"):
            rig.ways.check("music", "/a", {}, False, "ada")
        with pytest.raises(TransferRefused, match="names no file"):
            rig.ways.check("upload", "", {}, False, "ada")
        with pytest.raises(PlanRefused, match="by packets or cfdp"):
            rig.ways.check("upload", "/a", {"way": "x"}, False, "ada")

    within(test)


# Kills


class Killed(BaseException):
    """The server is killed here."""


@pytest.mark.parametrize("at", range(12))
def test_killed_anywhere_it_is_sent_once_or_uncertain_and_never_twice(at: int, tmp_path: Path) -> None:
    """Before and after each write to the store, and before and after the packet is given to the link."""
    sent, steps = 0, 0

    async def run() -> None:
        nonlocal steps, sent
        clocks = StillClocks()
        store = PassStore(tmp_path)
        rig = Rig(store, clocks)
        plan = rig.plan(at_us=T0 + 10 * S)

        def pass_by() -> None:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Killed

        keep, send = store.keep_plan, rig.commands._send_packet

        def keep_plan(*arguments: Any) -> None:
            pass_by()
            keep(*arguments)
            pass_by()

        async def send_packet(packet: bytes) -> int:
            pass_by()
            await send(packet)
            pass_by()
            return len(packet)

        store.keep_plan = keep_plan  # type: ignore[method-assign,assignment]
        rig.commands._send_packet = send_packet
        killed = False
        try:
            await rig.tick(10)
            if rig.task.done() and isinstance(rig.task.exception(), Killed):
                killed = True
            else:
                rig.say(DISPATCHED, COMPLETED)
        except Killed:
            killed = True
        sent = len(rig.sent)
        store.close()
        again = Rig(PassStore(tmp_path), clocks)
        found = again.state(plan)
        await again.tick(1)
        again.say(DISPATCHED, COMPLETED)
        total = sent + len(again.sent)
        again.store.close()
        assert killed == (at in range(1, 9))
        assert total <= 1
        if found == "planned":
            assert total == 1
        elif found in ("completed", "unanswered"):
            assert sent == 1
        else:
            assert found == "uncertain"
            assert again.news == [(plan.id, "uncertain")]
            assert again.sent == []
        # Only between the two writes it is not known.
        assert (found == "uncertain") == (at in range(2, 6))

    asyncio.run(run())


def test_what_cannot_be_kept_is_not_sent() -> None:
    async def test(rig: Rig) -> None:
        plan = rig.plan()
        keep = rig.store.keep_plan

        def full(*arguments: Any) -> None:
            raise StoreFault("no space left on device")

        rig.store.keep_plan = full  # type: ignore[method-assign,assignment]
        await rig.tick()
        assert (rig.sent, rig.state(plan), rig.reason(plan)) == ([], "planned", "no space left on device")
        rig.store.keep_plan = keep  # type: ignore[method-assign]
        await rig.tick()
        assert len(rig.sent) == 1
        rig.store.keep_plan = full  # type: ignore[method-assign,assignment]
        rig.say(DISPATCHED, COMPLETED)
        assert (rig.state(plan), rig.store.plans("ref")[0].state) == ("completed", "released")
        rig.store.keep_plan = keep  # type: ignore[method-assign]
        await rig.tick()
        assert rig.store.plans("ref")[0].state == "completed"

    within(test)


acts = st.lists(
    st.tuples(
        st.sampled_from(["tick", "down", "up", "step", "restart", "kill", "answer", "cancel", "plan"]),
        st.integers(0, 100),
    ),
    max_size=25,
)


class Lives:
    """Several lives of a server, with what it has sent in all of them."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.due_us: dict[int, int] = {}
        self._sent = 0

    @property
    def sent(self) -> int:
        """How much was sent."""
        return self._sent + len(self.rig.sent)

    def again(self) -> None:
        """The server is killed, and starts again."""
        self._sent = self.sent
        self.rig.task.cancel()
        self.rig = Rig(self.rig.store, self.rig.clocks)

    async def act(self, name: str, number: int) -> None:
        """Does or suffers something."""
        rig = self.rig
        match name:
            case "plan":
                plan = rig.plan(kind="after", delay_s=number)
                self.due_us[plan.id] = rig.clocks.boot + number * S
            case "tick":
                await rig.tick(number)
            case "step":
                rig.clocks.step(number * 100 - 5000)
            case "restart":
                rig.planner.close()
                self.again()
            case "kill":
                self.again()
            case "answer" if len(rig.sent) == 1:
                rig.say(DISPATCHED, COMPLETED)
            case "cancel" if self.due_us:
                with suppress(PlanRefused, CommandRefused):
                    rig.planner.cancel(list(self.due_us)[number % len(self.due_us)], "bob")
            case "up" | "down":
                rig.ready = name == "up"

    def check(self) -> None:
        """Holds what must hold at all times."""
        plans = self.rig.planner.plans
        for id, due_us in self.due_us.items():
            assert plans[id].state not in ("releasing", "released", "completed") or self.rig.clocks.boot >= due_us
        assert self.sent <= sum(bool(one.sent_id) or one.state == "uncertain" for one in plans.values())


@settings(max_examples=60, deadline=None)
@given(acts)
def test_whatever_happens_nothing_is_sent_twice_or_before_its_time(steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        lives = Lives()
        for act, number in steps:
            await lives.act(act, number)
            lives.check()
        lives.rig.planner.close()
        lives.again()
        for seconds in (0, 100, 3700):
            await lives.rig.tick(seconds)
            lives.check()
        plans = lives.rig.planner.plans.values()
        assert all(one.state in FINAL_STATES or one.state == "released" for one in plans)

    asyncio.run(run())
