"""What is done about an instance that keeps failing: its policy, a budget of restarts, and what follows it.

Nothing here acts; it only counts and decides, so that every history can be tested.
"""

from __future__ import annotations

from collections import deque

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Kittiwake.RecoveryPolicy")
class Policy(IntEnum):
    """What is done about an instance that keeps failing."""

    REPORT = 0
    """Nothing but events; an unanswered ping is FATAL."""
    RESTART_THEN_FATAL = 1
    """It is started anew; once the budget of restarts is spent, a FATAL event ends the run."""
    RESTART_THEN_QUARANTINE = 2
    """It is started anew; once the budget is spent, the deployment goes on without it."""
    QUARANTINE = 3
    """The deployment goes on without it."""
    FATAL = 4
    """A FATAL event ends the run."""


class Measure(IntEnum):
    """What a policy comes to at one moment."""

    NONE = 0
    RESTART = 1
    QUARANTINE = 2
    FATAL = 3


class Budget:
    """How many failures in which time make an instance one that keeps failing, and how many restarts it may have."""

    __slots__ = ("failure_limit", "failure_window_ns", "restart_limit", "restart_window_ns")

    def __init__(self, failure_limit: int, failure_window_ns: int, restart_limit: int, restart_window_ns: int) -> None:
        self.failure_limit = failure_limit
        self.failure_window_ns = failure_window_ns
        self.restart_limit = restart_limit
        self.restart_window_ns = restart_window_ns


class Record:
    """What is known about one instance: its failures and its restarts, as far back as they count.

    `is_recoverable` says whether it can be restarted and quarantined at all; what cannot is left FATAL.
    """

    __slots__ = ("_budget", "_failures", "_restarts", "is_recoverable", "policy", "reason")

    def __init__(self, policy: Policy, budget: Budget, *, is_recoverable: bool) -> None:
        self.policy = policy
        self.is_recoverable = is_recoverable
        self.reason = ""
        self._budget = budget
        self._failures: deque[int] = deque(maxlen=budget.failure_limit)
        self._restarts: deque[int] = deque(maxlen=max(budget.restart_limit, 1))

    def failed(self, now_ns: int, reason: str) -> None:
        """A handler of it raised. Safe from any thread."""
        self.reason = reason
        self._failures.append(now_ns)

    def is_failing(self, now_ns: int) -> bool:
        """Whether it failed as often as the limit within the window that ends now."""
        budget = self._budget
        return len(self._failures) == budget.failure_limit and now_ns - self._failures[0] <= budget.failure_window_ns

    def measure(self, now_ns: int) -> Measure:
        """What is to be done about it now, given that it keeps failing or answers no ping."""
        policy = self.policy
        if policy is Policy.REPORT:
            return Measure.NONE
        if policy is Policy.FATAL or not self.is_recoverable:
            return Measure.FATAL
        if policy is Policy.QUARANTINE:
            return Measure.QUARANTINE
        if self._has_restarts_left(now_ns):
            return Measure.RESTART
        return self.last_measure()

    def last_measure(self) -> Measure:
        """What follows when no restart is left, or one did not succeed."""
        is_set_aside = self.policy in (Policy.RESTART_THEN_QUARANTINE, Policy.QUARANTINE)
        return Measure.QUARANTINE if is_set_aside else Measure.FATAL

    def _has_restarts_left(self, now_ns: int) -> bool:
        budget = self._budget
        if len(self._restarts) < budget.restart_limit:
            return True
        return budget.restart_limit > 0 and now_ns - self._restarts[0] > budget.restart_window_ns

    def restarted(self, now_ns: int) -> None:
        """A restart was asked for; what it failed at before does not count against it again."""
        self._restarts.append(now_ns)
        self._failures.clear()

    def forget_failures(self) -> None:
        """What it failed at so far does not count any more."""
        self._failures.clear()
