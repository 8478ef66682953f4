"""Actionpoints at work: whether one is violated, and how often it was and has responded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.limits.table import ALL_MODES, Response, State, evaluate

if TYPE_CHECKING:
    from kittiwake.limits.table import Actionpoint


class Action:
    """The state of one actionpoint. `began_ns` is when the present violation began."""

    __slots__ = ("began_ns", "is_violated", "point", "responses", "state", "violations")

    def __init__(self, point: Actionpoint) -> None:
        self.point = point
        self.state = point.state
        self.is_violated = False
        self.began_ns = 0
        self.violations = 0
        self.responses = 0

    def set_state(self, state: State) -> None:
        """Begins anew in a state: a condition that holds already counts as a new violation."""
        self.state = state
        self.is_violated = False

    def counts_in(self, mode: int | None) -> bool:
        """Whether the actionpoint is looked at in a mode; `None` is an unknown one."""
        if self.state is State.DISABLED:
            return False
        modes = self.point.modes
        return modes == ALL_MODES or mode is None or bool(modes >> mode & 1)

    def judge(self, states: list[bool | None], mode: int | None) -> bool:
        """Evaluates the rule and says whether a violation has begun or ended by it.

        Where nothing is known of what the rule depends on, all stays as it is.
        """
        if not self.counts_in(mode):
            self.is_violated = False
            return False
        found = evaluate(self.point.rule, states)
        if found is None or found is self.is_violated:
            return False
        self.is_violated = found
        return True

    @property
    def may_respond(self) -> bool:
        """Whether a violation now is answered by more than its event."""
        return self.state is State.ACTIVE and self.point.response is not Response.NONE

    def count_response(self) -> bool:
        """Counts one response and says whether it was the last: the actionpoint is passive from then on."""
        self.responses += 1
        if not self.point.most or self.responses < self.point.most:
            return False
        self.state = State.PASSIVE
        return True
