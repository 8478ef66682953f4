"""Asks every queue whether it is still served, and reports by name what the runtime finds."""

# ruff: noqa: N803 - the arguments keep F´'s names
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import (
    U32,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Setting,
    command,
    sync_port,
)
from kittiwake.model.fw import Enabled, Sched
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.recovery import Recovery
from kittiwake_components.health.escalation import UNANSWERED, Escalation
from kittiwake_components.health.findings import Findings
from kittiwake_components.health.policy import Budget, Policy, Record
from kittiwake_components.health.reports import HealthReports, InstanceName
from kittiwake_components.health.watched import Watched
from kittiwake_components.ports.lifecycle import WatchDog

if TYPE_CHECKING:
    from kittiwake.runtime.tasks import Reply

CYCLES_HIGH = 1_000_000
SLOW_HIGH_MS = 3_600_000
COUNT_HIGH = 1000
WINDOW_HIGH_S = 86_400
ACTION_LIMIT_S = 10.0
_U32_MAX = 0xFFFFFFFF

POLICIES = {policy.name.lower(): policy for policy in Policy}


def _check_policy(policy: str) -> None:
    if policy not in POLICIES:
        raise ValueError(f"a policy is {', '.join(POLICIES)}, not {policy!r}")


def _check_policies(policies: dict[str, str]) -> None:
    for policy in policies.values():
        _check_policy(policy)


class Health(HealthReports):
    """Pings every instance that has a queue, without any wiring, and is the monitor of the runtime.

    Once a cycle each queue gets a ping, which stands in line with the instance's other messages. One that is not
    answered within `warn_cycles` is a warning, one not within `fatal_cycles` is FATAL, and the watchdog is stroked
    only while every ping is in time and nothing FATAL is unresolved. Before an instance is left FATAL, it is restarted
    or set aside as its policy says. What the runtime finds (handlers that raised or were slow, full queues, commands
    refused) becomes events, at a bounded rate, so that a fault of reporting itself cannot feed on its own reports.
    """

    wdog_stroke = OutputPort(WatchDog, doc="Stroked each cycle in which all is well.")

    ping_late_warnings = Channel(U32, on_change=True, doc="Pings that were late.")
    worst_ping_us = Channel(U32, on_change=True, unit="us", doc="Longest time from a ping to its answer so far.")
    slowest_handler_us = Channel(U32, on_change=True, unit="us", doc="Longest handler of any instance so far.")
    messages_dropped = Channel(U32, on_change=True, doc="Messages that found a full queue, over all instances.")
    handler_failures = Channel(U32, on_change=True, doc="Handlers that raised.")
    findings_unreported = Channel(U32, on_change=True, doc="Findings of the runtime for which there was no room.")
    instances_restarted = Channel(U32, on_change=True, doc="Restarts of instances since boot.")
    instances_quarantined = Channel(U32, on_change=True, doc="Instances that are set aside now.")
    fatal_unresolved = Channel(U32, on_change=True, doc="Instances with a FATAL that nobody has dealt with.")

    warn_cycles = Setting(int, default=3, low=1, high=CYCLES_HIGH, doc="Cycles until an unanswered ping is a warning.")
    fatal_cycles = Setting(int, default=5, low=1, high=CYCLES_HIGH, doc="Cycles until it is FATAL.")
    slow_limit_ms = Setting(int, default=1000, low=1, high=SLOW_HIGH_MS, doc="A handler that takes longer is reported.")
    failure_limit = Setting(
        int, default=5, low=1, high=COUNT_HIGH, doc="Failures in the window that call for the policy."
    )
    failure_window_s = Setting(
        int, default=60, low=1, high=WINDOW_HIGH_S, doc="The window in which failures count together."
    )
    restart_limit = Setting(int, default=3, low=0, high=COUNT_HIGH, doc="Restarts of one instance in their window.")
    restart_window_s = Setting(
        int, default=600, low=1, high=WINDOW_HIGH_S, doc="The window in which restarts are counted."
    )
    default_policy = Setting(
        str, default="restart_then_fatal", check=_check_policy, doc="For instances that `policies` does not name."
    )
    policies = Setting(
        dict[str, str], default={}, check=_check_policies,
        doc="By instance: report, restart_then_fatal, restart_then_quarantine, quarantine or fatal.",
    )  # fmt: skip

    def initialize(self) -> None:
        self._watched: list[Watched] = []
        self._checking = True
        self._key = 0
        self._warnings = self._failures = self._worst_ping_us = 0
        self._asserted: set[tuple[str, str]] = set()
        self._escalation: Escalation | None = None
        self._findings = Findings(self.clock, self._context.loop, self._report)

    def start(self) -> None:
        self._escalation = self._make_escalation()
        for queue in self._context.deployment.queues():
            queue.slow_limit_ns = self.slow_limit_ms * 1_000_000
            if queue.loop is not None and queue.name != self.name:
                self._watched.append(
                    Watched(queue, self.warn_cycles, self.fatal_cycles, self._context.loop, self._answered)
                )

    def _make_escalation(self) -> Escalation:
        deployment = self._context.deployment
        recovery = Recovery(deployment, self._context.loop)
        budget = Budget(
            self.failure_limit, self.failure_window_s * NS_PER_S, self.restart_limit, self.restart_window_s * NS_PER_S
        )
        for name in self.policies:
            if name not in deployment.instances:
                self.hlth_check_lookup_error(name)
        records = {
            name: Record(
                POLICIES[self.policies.get(name, self.default_policy)], budget,
                is_recoverable=recovery.is_possible(name),
            )
            for name in deployment.instances
        }  # fmt: skip
        return Escalation(self, recovery, records, self._revived)

    def _revived(self, name: str) -> None:
        for watched in self._watched:
            if watched.name == name:
                watched.forget()
        self._asserted = {one for one in self._asserted if one[0] != name}

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle: counts late answers, sends the next pings, strokes the watchdog if all is well."""
        escalation = self._escalation
        assert escalation is not None, "cycles come after the start"
        now_ns = self.clock.now_ns()
        escalation.look(now_ns)
        well = self._check(escalation, now_ns) if self._checking else True
        self.instances_restarted = escalation.restarts
        self.instances_quarantined = len(escalation.quarantined)
        self.fatal_unresolved = len(escalation.unresolved)
        self.ping_late_warnings = self._warnings & _U32_MAX
        self.handler_failures = self._failures & _U32_MAX
        self.findings_unreported = self._findings.lost & _U32_MAX
        self._show_queues()
        if well and not escalation.unresolved and self.is_connected(Health.wdog_stroke):
            self.wdog_stroke(0)

    def _show_queues(self) -> None:
        slowest_ns = dropped = 0
        for queue in self._context.deployment.queues():
            if queue.slowest_ns > slowest_ns:
                slowest_ns = queue.slowest_ns
            if queue.dropped:
                dropped += sum(queue.dropped.values())
        self.slowest_handler_us = min(slowest_ns // 1000, _U32_MAX)
        self.messages_dropped = dropped & _U32_MAX

    def _check(self, escalation: Escalation, now_ns: int) -> bool:
        well = True
        for watched in self._watched:
            if not watched.enabled or watched.name in escalation.quarantined:
                continue
            if not watched.waiting:
                self._key = (self._key + 1) & _U32_MAX
                watched.ask(self._key, now_ns)
                continue
            watched.late += 1
            watched.insist()
            self._judge(watched, escalation)
            well = well and watched.late < watched.warn
        return well

    def _judge(self, watched: Watched, escalation: Escalation) -> None:
        """What becomes of an instance that has not answered yet."""
        if watched.late >= watched.warn and not watched.warned:
            watched.warned = True
            self._warnings += 1
            self.hlth_ping_warn(watched.name)
        if watched.late < watched.fatal or watched.failed:
            return
        if not watched.recovering:
            watched.recovering = escalation.unanswered(watched.name, self.clock.now_ns())
        elif watched.late >= 2 * watched.fatal:
            # It had as long again to be restarted in, and was not: its own loop is what is stuck.
            watched.recovering = False
            escalation.give_up(watched.name)
        if not watched.recovering:
            watched.failed = True
            escalation.unresolved.setdefault(watched.name, UNANSWERED)
            self.hlth_ping_late(watched.name)

    def _answered(self, watched: Watched, key: int, at_ns: int) -> None:
        """The answer to a ping; one that is not waited for any more says nothing."""
        if not watched.waiting:
            return
        if key != watched.key:
            self._leave_fatal(watched.name, "it answered with a wrong key")
            self.hlth_ping_wrong_key(watched.name, key)
            return
        watched.waiting = watched.recovering = False
        if self._escalation is not None and self._escalation.unresolved:
            self._escalation.resolve(watched.name, UNANSWERED)
        took_us = (at_ns - watched.asked_ns) // 1000
        if took_us > self._worst_ping_us:
            self._worst_ping_us = took_us
            self.worst_ping_us = min(took_us, _U32_MAX)

    def _leave_fatal(self, name: str, cause: str) -> None:
        if self._escalation is not None:
            self._escalation.unresolved.setdefault(name, cause)

    # The runtime's findings: safe from any thread, and never raising

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """A handler raised."""
        self._failures += 1
        if self._escalation is not None:
            self._escalation.failed(instance, self.clock.now_ns(), f"{handler}: {reason}")
        self._findings.take("failed", instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """A handler ran for longer than its limit."""
        self._findings.take("slow", instance, handler, min(duration_us, _U32_MAX))

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """A message found no room, or was refused by an instance that is quarantined."""
        if full == "quarantined":
            self._findings.take("quarantined", instance, port, "")
            return
        if full == "assert" and (instance, port) not in self._asserted:
            self._asserted.add((instance, port))
            self._leave_fatal(instance, f"{port} was full")
            self._findings.take("asserted", instance, port, "")
        self._findings.take("full", instance, port, "")

    def command_refused(self, instance: str, command: str, why: str) -> None:
        """A command was answered with an error for a reason."""
        self._findings.take("refused", instance, command, why)

    def _report(self, kind: str, instance: str, where: str, detail: Any) -> None:
        """Turns one finding into its event."""
        if kind == "failed":
            self.handler_failure(instance, where, detail)
        elif kind == "slow":
            self.slow_handler(instance, where, detail)
        elif kind == "asserted":
            self.queue_overflow_assert(instance, where)
        elif kind == "quarantined":
            self.message_refused(instance, where)
        elif kind == "full":
            self.full_queue(instance, where, self._dropped(instance, where))
        else:
            self.refused_command(instance, where, detail)

    def _dropped(self, instance: str, port: str) -> int:
        component = self._context.deployment.instances.get(instance)
        queue = None if component is None else component._context.queue
        return 0 if queue is None else queue.dropped.get(port, 0) & _U32_MAX

    # Commands

    def _find(self, entry: str) -> Watched:
        for watched in self._watched:
            if watched.name == entry:
                return watched
        self.hlth_check_lookup_error(entry)
        raise CommandError(CommandResponse.VALIDATION_ERROR)

    @command(name="HLTH_ENABLE")
    def hlth_enable(self, enable: Enabled) -> None:
        """Switches the pings on or off; off, the watchdog is stroked regardless."""
        self._checking = enable is Enabled.ENABLED
        for watched in self._watched:
            watched.forget()
        self.hlth_check_enable(enable)

    @command(name="HLTH_PING_ENABLE")
    def hlth_ping_enable(self, entry: InstanceName, enable: Enabled) -> None:
        """Switches the pings of one instance on or off."""
        watched = self._find(entry)
        watched.enabled = enable is Enabled.ENABLED
        watched.forget()
        self.hlth_check_ping(enable, entry)

    @command(name="HLTH_CHNG_PING")
    def hlth_chng_ping(self, entry: InstanceName, warningValue: U32, fatalValue: U32) -> None:
        """Changes after how many cycles an instance's unanswered ping is a warning, and FATAL."""
        watched = self._find(entry)
        if not 1 <= warningValue <= fatalValue:
            self.hlth_ping_invalid_values(entry, warningValue, fatalValue)
            raise CommandError(CommandResponse.VALIDATION_ERROR)
        watched.warn, watched.fatal = warningValue, fatalValue
        self.hlth_ping_updated(entry, warningValue, fatalValue)

    def _ward(self, entry: str, *, to_act_on: bool) -> Escalation:
        """What looks after instances, if there is one of that name (and one that can be restarted, `to_act_on`)."""
        escalation = self._escalation
        if escalation is None or entry not in escalation.records:
            self.hlth_check_lookup_error(entry)
            raise CommandError(CommandResponse.VALIDATION_ERROR)
        if to_act_on and not escalation.records[entry].is_recoverable:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"{entry} is restarted only with the whole deployment")
        if escalation.is_under_way(entry):
            raise CommandError(CommandResponse.BUSY, f"{entry} is being restarted or quarantined")
        return escalation

    @command(name="HLTH_RESTART")
    async def hlth_restart(self, entry: InstanceName) -> None:
        """Starts one instance anew, out of quarantine too; answers when it runs."""
        escalation = self._ward(entry, to_act_on=True)
        reply = self.clock.reply()
        escalation.restart(entry, self.clock.now_ns(), reply.set)
        await self._come_about(entry, reply)

    @command(name="HLTH_QUARANTINE")
    async def hlth_quarantine(self, entry: InstanceName) -> None:
        """Stops one instance; what is sent to it is refused until HLTH_RESTART. Answers when it is set aside."""
        escalation = self._ward(entry, to_act_on=True)
        if entry in escalation.quarantined:
            return
        reply = self.clock.reply()
        escalation.quarantine(entry, reply.set)
        await self._come_about(entry, reply)

    async def _come_about(self, entry: str, reply: Reply[str]) -> None:
        if not await self.clock.until(lambda: reply.is_set, ACTION_LIMIT_S):
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"the loop of {entry} does not turn")
        fault = await reply
        if fault:
            raise CommandError(CommandResponse.EXECUTION_ERROR, fault)

    @command(name="HLTH_POLICY")
    def hlth_policy(self, entry: InstanceName, policy: Policy) -> None:
        """Changes until the next boot what is done about an instance that keeps failing."""
        self._ward(entry, to_act_on=False).set_policy(entry, policy)
        self.policy_changed(entry, policy)
