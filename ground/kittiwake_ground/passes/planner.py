"""Plans of one deployment, and their release: each once, at its time, or never.

Before anything is given to the link, the plan is kept as `releasing`; once the link has taken it, as `released`. What
is found as `releasing` after a kill may have been sent or not: it becomes `uncertain`, and is not sent again.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.kept_database import StoreFault
from kittiwake_ground.passes.clocks import StepWatch
from kittiwake_ground.passes.planned import (
    AFTER,
    AT,
    CANCELLED,
    COMPLETED,
    DEFAULT_EXPIRY_S,
    EXPIRED,
    FAILED,
    MAX_REASON,
    MISSED,
    PASS,
    PLANNED,
    REFUSED,
    RELEASED,
    RELEASING,
    UNANSWERED,
    UNCERTAIN,
    Planned,
    PlanRefused,
)
from kittiwake_ground.passes.store import MAX_ENDED, MAX_OPEN
from kittiwake_ground.people.accounts import OPERATOR, ROLES
from kittiwake_ground.server.commands import CommandRefused
from kittiwake_ground.server.transfer import QUEUED, TransferRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.passes.clocks import Clocks
    from kittiwake_ground.passes.leaving import Departure, Ways
    from kittiwake_ground.passes.planned import What, When
    from kittiwake_ground.passes.schedule import Schedule
    from kittiwake_ground.passes.store import PassStore

MOST_A_TICK = 20
"""The most plans that are released or end in one tick: each waits for the disk, and everything else waits meanwhile."""

MAX_PAST_S = 60.0
"""A time that has passed by no more than this is taken as now."""

MAX_REMEMBERED = MAX_OPEN + MAX_ENDED
_log = logging.getLogger(__name__)


class NoSuchPlan(LookupError):
    """No plan has that number."""


class PlanChanged(ValueError):
    """The plan is not any more as whoever asked has seen it."""


class PlanSettled(PlanRefused):
    """The plan does not wait any more: it can be neither changed nor taken back."""


class Owner(NamedTuple):
    """Whose role counts: a name, and the way by which it was said."""

    name: str
    way: str


class Due(NamedTuple):
    """When a plan is to go, and until when it may wait; `None` for a pass that is not known. By the wall clock."""

    due_us: int | None
    until_us: int


class PlanNews(NamedTuple):
    """A plan as it stands by now, and when it is due."""

    plan: Planned
    due: Due


class Planner:
    """The plans. Use it in the event loop's thread, and call `tick` a few times a second.

    `role_of` says what somebody may by now, and `tell` writes the audit trail (who, action, detail). What a person asks
    for raises `NoSuchPlan`, `PlanChanged`, `PlanRefused` and `StoreFault`.
    """

    def __init__(self, deployment: str, store: PassStore, schedule: Schedule, ways: Ways, clocks: Clocks) -> None:
        self.plans: dict[int, Planned] = {}
        """Those that wait, and the last ones that have ended, by number."""
        self.role_of: Callable[[Owner], str | None] = lambda owner: OPERATOR
        self.tell: Callable[[str, str, str], None] = lambda who, action, detail: None
        self.missed: Callable[[Planned], None] = lambda plan: None
        """Told of what has not become what it should."""
        self.changed: Callable[[PlanNews], None] = lambda news: None
        """Told of each plan that is made, changed, or has gone on."""
        self._deployment = deployment
        self._store = store
        self._schedule = schedule
        self._ways = ways
        self._clocks = clocks
        self._steps = StepWatch(clocks)
        self._under_way: dict[int, Departure] = {}
        self._unkept: set[int] = set()

    def open(self) -> None:
        """Reads the plans, and looks at those that were on their way when the server ended. Raises `StoreFault`."""
        self.plans = {one.id: one for one in self._store.plans(self._deployment)}
        for plan in list(self.plans.values()):
            if plan.state == RELEASING:
                self._end(plan, UNCERTAIN, "the server was killed while it was sent: it is not sent again")
            elif plan.state == RELEASED:
                self._end(plan, UNANSWERED, "the server was stopped before it had ended")

    # What people do

    def plan(self, what: What, when: When, by: str, owner: Owner, confirmed: bool, content: bytes | None) -> Planned:
        """Plans something that was checked."""
        now_us, boot_us = self._clocks.wall_us(), self._clocks.boot_us()
        made = Planned(0, what, when, by, owner.name, owner.way, confirmed, now_us)
        made = self._timed(made, now_us, boot_us)
        kept = self._store.add_plan(self._deployment, made, content)
        self._remember(kept)
        return kept

    def _timed(self, plan: Planned, now_us: int, boot_us: int) -> Planned:
        """The plan with what its time means on the clocks. Raises `PlanRefused` for one that makes no sense."""
        when = plan.when
        if when.kind == AT and when.at_us < now_us - MAX_PAST_S * 1e6:
            raise PlanRefused("that time is past")
        if when.kind == AFTER:
            delay_us = round(when.delay_s * 1e6)
            when = replace(when, at_us=now_us + delay_us)
            return replace(plan, when=when, boot_id=self._clocks.boot_id, boot_due_us=boot_us + delay_us)
        if when.kind == PASS:
            found = self._schedule.next_start(plan.created_us)
            if found is not None and when.delay_s >= found.duration_s:
                raise PlanRefused(f"the next pass lasts {found.duration_s:g} s only")
        return replace(plan, boot_id="", boot_due_us=0)

    def edit(
        self, id: int, what: What, when: When, by: str, owner: Owner, confirmed: bool, revision: int | None
    ) -> Planned:
        """Changes what waits, which is then whose who changed it. A delay begins anew, and so does the next pass."""
        plan = self._waiting(id, revision)
        made = replace(
            plan, what=what, when=when, by=by, owner=owner.name, way=owner.way, confirmed=confirmed,
            created_us=self._clocks.wall_us(), revision=plan.revision + 1,
        )  # fmt: skip
        return self._keep_or_raise(self._timed(made, self._clocks.wall_us(), self._clocks.boot_us()))

    def cancel(self, id: int, by: str, revision: int | None = None) -> Planned:
        """Takes a plan back that waits, also for the link. Raises `CommandRefused` for what was just sent."""
        plan = self.find(id)
        departure = self._under_way.get(id)
        if plan.state == RELEASING and departure is not None:
            self._ways.take_back(departure)
            return self.plans[id]
        plan = self._waiting(id, revision)
        ended = replace(plan, state=CANCELLED, reason=f"taken back by {by}", ended_us=self._clocks.wall_us())
        return self._keep_or_raise(replace(ended, revision=plan.revision + 1))

    def find(self, id: int) -> Planned:
        """A plan. Raises `NoSuchPlan`."""
        found = self.plans.get(id)
        if found is None:
            raise NoSuchPlan(f"no plan has the number {id}")
        return found

    def _waiting(self, id: int, revision: int | None) -> Planned:
        plan = self.find(id)
        if revision is not None and revision != plan.revision:
            raise PlanChanged("the plan was changed meanwhile: look at it again")
        if plan.state != PLANNED:
            raise PlanSettled(f"the plan is {plan.state}: only one that waits can be changed or taken back")
        return plan

    # Time

    def due(self, plan: Planned) -> Due:
        """When a plan is to go, by what is known now."""
        when = plan.when
        expiry_us = round((DEFAULT_EXPIRY_S if when.expiry_s is None else when.expiry_s) * 1e6)
        if when.kind == PASS:
            found = self._schedule.next_start(plan.created_us)
            if found is None:
                return Due(None, plan.given_up_us)
            due_us = found.start_us + round(when.delay_s * 1e6)
            return Due(due_us, found.end_us if when.expiry_s is None else due_us + expiry_us)
        due_us = when.at_us
        if self._by_boot(plan):
            due_us = self._clocks.wall_us() + plan.boot_due_us - self._clocks.boot_us()
        return Due(due_us, due_us + expiry_us)

    def _by_boot(self, plan: Planned) -> bool:
        return bool(plan.boot_id) and plan.boot_id == self._clocks.boot_id

    def tick(self) -> None:
        """Releases what is due, and ends what has waited too long."""
        step_us = self._steps.look()
        if step_us:
            _log.warning("deployment %s: the wall clock was stepped by %+.1f s", self._deployment, step_us / 1e6)
            if any(not one.is_final for one in self.plans.values()):
                self.tell("ground", "clock stepped", f"by {step_us / 1e6:+.1f} s: what goes by dates waits for 30 s")
        for id in list(self._unkept):
            self._keep(self.plans[id])
        waiting = [(self.due(one), one) for one in self.plans.values() if one.state in (PLANNED, RELEASING)]
        left = MOST_A_TICK
        for due, plan in sorted(waiting, key=lambda one: (one[0].due_us or one[0].until_us, one[1].id)):
            if left and (self._steps.is_settled or self._by_boot(plan)) and self._look(plan, due):
                left -= 1

    def _look(self, plan: Planned, due: Due) -> bool:
        """Whether something was done with a plan."""
        now_us = self._clocks.wall_us()
        if now_us >= due.until_us:
            return self._expire(plan)
        is_due = plan.state == PLANNED and due.due_us is not None and now_us >= due.due_us
        if is_due and self._ways.is_ready():
            self._release(plan)
            return True
        return False

    def _expire(self, plan: Planned) -> bool:
        """Ends what has waited too long; what waits in a queue behind this one is taken back then."""
        departure = self._under_way.get(plan.id)
        if plan.state != PLANNED and (departure is None or departure.state != QUEUED):
            return False  # it is on its way
        self._under_way.pop(plan.id, None)
        self._end(plan, EXPIRED, plan.reason or "the link did not come in time")
        if departure is not None:
            try:
                self._ways.take_back(departure)
            except (ValueError, LookupError):
                _log.exception("plan %d expired, and could not be taken back", plan.id)
        return True

    def _release(self, plan: Planned) -> None:
        role = self.role_of(Owner(plan.owner, plan.way))
        if role is None or ROLES.index(role) < ROLES.index(OPERATOR):
            self._end(plan, REFUSED, f"{plan.by} is no operator any more")
            return
        what = plan.what
        try:
            self._ways.check(what.kind, what.subject, what.detail, plan.confirmed, plan.by, what.size)
        except (ValueError, LookupError) as fault:
            self._end(plan, REFUSED, str(fault))
            return
        releasing = replace(plan, state=RELEASING, reason="", revision=plan.revision + 1)
        try:
            self._store.keep_plan(self._deployment, releasing)
        except StoreFault as fault:
            self._wait(plan, str(fault))  # nothing is sent that could be sent twice
            return
        self._remember(releasing)
        try:
            departure = self._ways.begin(releasing, lambda: self._store.content(plan.id))
        except (CommandRefused, TransferRefused) as fault:
            self._keep(replace(releasing, state=PLANNED, reason=str(fault)[:MAX_REASON]))
            return
        except (ValueError, LookupError) as fault:
            self._end(releasing, FAILED, str(fault))
            return
        self._under_way[plan.id] = departure
        self.tell(plan.by, "plan released", f"#{plan.id} {what.kind} {what.subject} as #{departure.id}")
        self.take(departure)

    def _wait(self, plan: Planned, reason: str) -> None:
        if plan.reason != reason[:MAX_REASON]:
            self._remember(replace(plan, reason=reason[:MAX_REASON]))

    # What becomes of what was released

    def took_off(self, departure: Departure) -> None:
        """The link has taken a command whole, or a file is on its way."""
        plan = self._plan_of(departure)
        if plan is not None and plan.state == RELEASING:
            now_us = self._clocks.wall_us()
            self._keep(replace(plan, state=RELEASED, sent_id=departure.id, released_us=now_us))

    def take(self, departure: Departure) -> None:
        """A command or a file has gone on in its life."""
        plan = self._plan_of(departure)
        if plan is None:
            return
        if departure.state == "running":
            self.took_off(departure)
            return
        if not departure.is_final:
            return
        del self._under_way[plan.id]
        plan = replace(self.plans[plan.id], sent_id=departure.id)
        never_left = plan.state == RELEASING and departure.state in ("expired", "refused")
        if departure.state == "completed":
            self._end(plan, COMPLETED)
        elif departure.state == "cancelled":
            self._end(plan, CANCELLED, departure.reason or "it was taken back before it was sent")
        elif never_left and not self._ways.is_ready():
            self._keep(replace(plan, state=PLANNED, sent_id=0, reason=departure.reason[:MAX_REASON]))
        else:
            self._end(plan, FAILED, departure.reason or departure.state)

    def _plan_of(self, departure: Departure) -> Planned | None:
        for id, one in self._under_way.items():
            if one is departure:
                return self.plans[id]
        return None

    def close(self) -> None:
        """The server ends: what is known not to have been sent waits for the next one."""
        for id, departure in self._under_way.items():
            if departure.state == QUEUED and self.plans[id].state == RELEASING:
                self._keep(replace(self.plans[id], state=PLANNED))
        self._under_way.clear()

    def _end(self, plan: Planned, state: str, reason: str = "") -> None:
        ended = replace(plan, state=state, reason=reason[:MAX_REASON], ended_us=self._clocks.wall_us())
        self._keep(replace(ended, revision=plan.revision + 1))
        what = plan.what
        self.tell(plan.by, f"plan {state}", f"#{plan.id} {what.kind} {what.subject}: {reason}".rstrip(": "))
        if state in MISSED:
            self.missed(self.plans[plan.id])

    def _keep_or_raise(self, plan: Planned) -> Planned:
        """Keeps what a person has changed; they are told if that cannot be."""
        self._store.keep_plan(self._deployment, plan)
        self._remember(plan)
        return plan

    def _keep(self, plan: Planned) -> None:
        """Keeps a plan as it stands; what the disk refuses is kept later."""
        try:
            self._store.keep_plan(self._deployment, plan)
            self._unkept.discard(plan.id)
        except StoreFault:
            if plan.id not in self._unkept:
                _log.exception("plan %d is %s, and that could not be kept", plan.id, plan.state)
            self._unkept.add(plan.id)
        self._remember(plan)

    def _remember(self, plan: Planned) -> None:
        is_news = self.plans.get(plan.id) != plan
        self.plans[plan.id] = plan
        if len(self.plans) > MAX_REMEMBERED:
            oldest = next((id for id, one in self.plans.items() if one.is_final), None)
            if oldest is not None:
                del self.plans[oldest]
        if is_news:
            self.changed(PlanNews(plan, self.due(plan)))
