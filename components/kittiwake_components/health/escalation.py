"""Does what the policies say about instances that keep failing, and knows what is not resolved yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.health.policy import Measure, Policy, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.recovery import Recovery
    from kittiwake_components.health.reports import HealthReports

REASON_SIZE = 120
_U32_MAX = 0xFFFFFFFF

UNANSWERED = "it answers no ping"
STUCK = "it cannot be reached: its loop does not turn"


class Escalation:
    """The records of all instances. `unresolved` maps those with a FATAL that nobody has dealt with to its cause.

    `revived(name)` is called when an instance was started anew or set aside, so that it is asked for its ping afresh.
    """

    def __init__(
        self, health: HealthReports, recovery: Recovery, records: dict[str, Record], revived: Callable[[str], None]
    ) -> None:
        self.records = records
        self.unresolved: dict[str, str] = {}
        self.quarantined: set[str] = set()
        self.restarts = 0
        self._under_way: dict[str, Measure] = {}
        self._has_failures = False
        self._health = health
        self._recovery = recovery
        self._revived = revived

    def failed(self, name: str, now_ns: int, reason: str) -> None:
        """A handler of an instance raised. Safe from any thread; what is no instance's is nobody's."""
        record = self.records.get(name)
        if record is not None:
            record.failed(now_ns, reason)
            self._has_failures = True

    def look(self, now_ns: int) -> None:
        """One cycle: acts on every instance that keeps failing."""
        if not self._has_failures:
            return
        self._has_failures = False
        for name, record in self.records.items():
            if not record.is_failing(now_ns):
                continue
            self._has_failures = True  # until they are forgotten, or too old to count
            if name in self.quarantined or name in self._under_way:
                continue
            measure = record.measure(now_ns)
            if measure is not Measure.NONE:
                record.forget_failures()
                self._health.instance_failing(name, record.reason, record.policy)
                self._take(name, measure, now_ns)

    def unanswered(self, name: str, now_ns: int) -> bool:
        """An instance is FATALly late with its ping: whether something else than FATAL is done about it."""
        record = self.records[name]
        measure = record.measure(now_ns)
        if name in self._under_way or measure not in (Measure.RESTART, Measure.QUARANTINE):
            return name in self._under_way
        record.reason = UNANSWERED
        self._health.instance_failing(name, UNANSWERED, record.policy)
        self._take(name, measure, now_ns)
        return True

    def is_under_way(self, name: str) -> bool:
        """Whether an instance is being restarted or set aside."""
        return name in self._under_way

    def give_up(self, name: str) -> None:
        """What was asked for did not come about: the loop of the instance does not turn."""
        self._under_way.pop(name, None)
        self.unresolved[name] = STUCK

    def resolve(self, name: str, cause: str = "") -> None:
        """A FATAL of an instance is dealt with; with `cause` only one of that cause."""
        if not cause or self.unresolved.get(name) == cause:
            self.unresolved.pop(name, None)

    def _take(self, name: str, measure: Measure, now_ns: int) -> None:
        if measure is Measure.RESTART:
            self.restart(name, now_ns)
        elif measure is Measure.QUARANTINE:
            self.quarantine(name)
        else:
            record = self.records[name]
            if name not in self.unresolved:
                self.unresolved[name] = record.reason
                self._health.instance_fatal(name, record.reason)

    def restart(self, name: str, now_ns: int, done: Callable[[str], None] | None = None) -> None:
        """Starts an instance anew; `done` then gets why it could not be started, or ""."""
        self.records[name].restarted(now_ns)
        self._under_way[name] = Measure.RESTART

        def ended(fault: str) -> None:
            self._under_way.pop(name, None)
            self._restarted(name, fault, now_ns)
            if done is not None:
                done(fault)

        self._recovery.restart(name, ended)

    def _restarted(self, name: str, fault: str, asked_ns: int) -> None:
        if fault:
            self._health.instance_restart_failed(name, fault)
            self.records[name].reason = fault
            # It was set aside already, as half started it must not serve.
            self.quarantined.add(name)
            if self.records[name].last_measure() is Measure.FATAL:
                self._take(name, Measure.FATAL, asked_ns)
            else:
                self._health.instance_quarantined(name)
            return
        self.quarantined.discard(name)
        self.resolve(name)
        self.restarts = (self.restarts + 1) & _U32_MAX
        self._revived(name)
        self._health.instance_restarted(name, self._recovery.restarts_of(name))

    def quarantine(self, name: str, done: Callable[[str], None] | None = None) -> None:
        """Sets an instance aside; `done` then gets "", or why that failed."""
        self._under_way[name] = Measure.QUARANTINE

        def ended(fault: str) -> None:
            self._under_way.pop(name, None)
            self.quarantined.add(name)
            self.resolve(name)
            self._revived(name)
            self._health.instance_quarantined(name)
            if done is not None:
                done(fault)

        self._recovery.quarantine(name, ended)

    def set_policy(self, name: str, policy: Policy) -> None:
        """Gives an instance another policy, from its next failure on."""
        record = self.records[name]
        record.policy = policy
        record.forget_failures()
