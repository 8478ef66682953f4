"""Asks every queue whether it is still served, and reports by name what the runtime finds."""

# ruff: noqa: N803 - the arguments keep F´'s names
from __future__ import annotations

from typing import Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    FATAL,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import Enabled, Sched
from kittiwake_components.health.findings import Findings
from kittiwake_components.health.watched import Watched
from kittiwake_components.ports import WatchDog

NAME_SIZE = 60


CYCLES_HIGH = 1_000_000
SLOW_HIGH_MS = 3_600_000
_U32_MAX = 0xFFFFFFFF


def _check_cycles(cycles: int) -> None:
    if not 1 <= cycles <= CYCLES_HIGH:
        raise ValueError(f"1 to {CYCLES_HIGH} cycles are wanted, not {cycles}")


def _check_slow(limit_ms: int) -> None:
    if not 1 <= limit_ms <= SLOW_HIGH_MS:
        raise ValueError(f"1 to {SLOW_HIGH_MS} ms are wanted, not {limit_ms}")


class Health(ActiveComponent):
    """Pings every instance that has a queue, without any wiring, and is the monitor of the runtime.

    Once a cycle each queue gets a ping, which stands in line with the instance's other messages. One that is not
    answered within `warn_cycles` is a warning, one not within `fatal_cycles` is FATAL, and the watchdog is stroked
    only while every ping is in time. What the runtime finds (handlers that raised or were slow, full queues, commands
    refused) becomes events, at a bounded rate, so that a fault of reporting itself cannot feed on its own reports.
    """

    wdog_stroke = OutputPort(WatchDog, doc="Stroked each cycle in which all is well.")

    ping_late_warnings = Channel(U32, on_change=True, doc="Pings that were late.")
    worst_ping_us = Channel(U32, on_change=True, unit="us", doc="Longest time from a ping to its answer so far.")
    slowest_handler_us = Channel(U32, on_change=True, unit="us", doc="Longest handler of any instance so far.")
    messages_dropped = Channel(U32, on_change=True, doc="Messages that found a full queue, over all instances.")
    handler_failures = Channel(U32, on_change=True, doc="Handlers that raised.")
    findings_unreported = Channel(U32, on_change=True, doc="Findings of the runtime for which there was no room.")

    warn_cycles = Setting(int, default=3, check=_check_cycles, doc="Cycles until an unanswered ping is a warning.")
    fatal_cycles = Setting(int, default=5, check=_check_cycles, doc="Cycles until it is FATAL.")
    slow_limit_ms = Setting(int, default=1000, check=_check_slow, doc="A handler that takes longer is reported.")

    @event(WARNING_HI, "Ping entry {entry} late warning", name="HLTH_PING_WARN")
    def hlth_ping_warn(self, entry: Annotated[str, Size(NAME_SIZE)]) -> None: ...

    @event(FATAL, "Ping entry {entry} did not respond", name="HLTH_PING_LATE")
    def hlth_ping_late(self, entry: Annotated[str, Size(NAME_SIZE)]) -> None: ...

    @event(FATAL, "Ping entry {entry} responded with wrong key 0x{badKey:x}", name="HLTH_PING_WRONG_KEY")
    def hlth_ping_wrong_key(self, entry: Annotated[str, Size(NAME_SIZE)], badKey: U32) -> None: ...

    @event(ACTIVITY_HI, "Health checking set to {enabled}", name="HLTH_CHECK_ENABLE")
    def hlth_check_enable(self, enabled: Enabled) -> None: ...

    @event(ACTIVITY_HI, "Health checking set to {enabled} for {entry}", name="HLTH_CHECK_PING")
    def hlth_check_ping(self, enabled: Enabled, entry: Annotated[str, Size(NAME_SIZE)]) -> None: ...

    @event(WARNING_LO, 'Couldn\'t find entry "{entry}"', name="HLTH_CHECK_LOOKUP_ERROR")
    def hlth_check_lookup_error(self, entry: Annotated[str, Size(NAME_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "Health ping for {entry} changed to WARN {warn} FATAL {fatal}", name="HLTH_PING_UPDATED")
    def hlth_ping_updated(self, entry: Annotated[str, Size(NAME_SIZE)], warn: U32, fatal: U32) -> None: ...

    @event(
        WARNING_LO, "Invalid health ping values for {entry}: WARN {warn} FATAL {fatal}", name="HLTH_PING_INVALID_VALUES"
    )
    def hlth_ping_invalid_values(self, entry: Annotated[str, Size(NAME_SIZE)], warn: U32, fatal: U32) -> None: ...

    @event(WARNING_HI, "{instance}.{handler} failed: {reason}", name="HandlerFailed", throttle=20, every_s=60.0)
    def handler_failure(
        self, instance: Annotated[str, Size(NAME_SIZE)], handler: Annotated[str, Size(40)],
        reason: Annotated[str, Size(120)],
    ) -> None: ...  # fmt: skip

    @event(WARNING_LO, "{instance}.{handler} took {duration_us} us", name="HandlerSlow", throttle=10, every_s=60.0)
    def slow_handler(
        self, instance: Annotated[str, Size(NAME_SIZE)], handler: Annotated[str, Size(40)], duration_us: U32
    ) -> None: ...

    @event(
        WARNING_HI, "{instance}.{port}: queue full, {total} messages dropped so far", name="QueueFull", throttle=20,
        every_s=60.0,
    )  # fmt: skip
    def full_queue(
        self, instance: Annotated[str, Size(NAME_SIZE)], port: Annotated[str, Size(40)], total: U32
    ) -> None: ...

    @event(FATAL, "{instance}.{port}: queue full, where the port must never drop", name="QueueOverflowAssert")
    def queue_overflow_assert(
        self, instance: Annotated[str, Size(NAME_SIZE)], port: Annotated[str, Size(40)]
    ) -> None: ...

    @event(WARNING_LO, "{instance}.{command} refused: {why}", name="CommandRefused", throttle=20, every_s=60.0)
    def refused_command(
        self, instance: Annotated[str, Size(NAME_SIZE)], command: Annotated[str, Size(40)],
        why: Annotated[str, Size(120)],
    ) -> None: ...  # fmt: skip

    def initialize(self) -> None:
        self._watched: list[Watched] = []
        self._checking = True
        self._key = 0
        self._warnings = self._failures = 0
        self._asserted: set[tuple[str, str]] = set()
        self._findings = Findings(self.clock, self._context.loop, self._report)

    def start(self) -> None:
        for queue in self._context.deployment.queues():
            queue.slow_limit_ns = self.slow_limit_ms * 1_000_000
            if queue.loop is not None and queue.name != self.name:
                self._watched.append(
                    Watched(queue, self.warn_cycles, self.fatal_cycles, self._context.loop, self._answered)
                )

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle: counts late answers, sends the next pings, strokes the watchdog if all is well."""
        well = self._check() if self._checking else True
        self.ping_late_warnings = self._warnings & _U32_MAX
        self.handler_failures = self._failures & _U32_MAX
        self.findings_unreported = self._findings.lost & _U32_MAX
        queues = self._context.deployment.queues()
        self.slowest_handler_us = min(max(queue.slowest_ns for queue in queues) // 1000, _U32_MAX)
        self.messages_dropped = sum(sum(queue.dropped.values()) for queue in queues) & _U32_MAX
        if well and self.is_connected(Health.wdog_stroke):
            self.wdog_stroke(0)

    def _check(self) -> bool:
        well = True
        for watched in self._watched:
            if not watched.enabled:
                continue
            if not watched.waiting:
                self._key = (self._key + 1) & _U32_MAX
                watched.ask(self._key, self.clock.now_ns())
                continue
            watched.late += 1
            watched.insist()
            if watched.late >= watched.warn and not watched.warned:
                watched.warned = True
                self._warnings += 1
                self.hlth_ping_warn(watched.name)
            if watched.late >= watched.fatal and not watched.failed:
                watched.failed = True
                self.hlth_ping_late(watched.name)
            well = well and watched.late < watched.warn
        return well

    def _answered(self, watched: Watched, key: int, at_ns: int) -> None:
        """The answer to a ping; one that is not waited for any more says nothing."""
        if not watched.waiting:
            return
        if key != watched.key:
            self.hlth_ping_wrong_key(watched.name, key)
            return
        watched.waiting = False
        took_us = min((at_ns - watched.asked_ns) // 1000, _U32_MAX)
        if took_us > self.worst_ping_us:
            self.worst_ping_us = took_us

    # The runtime's findings: safe from any thread, and never raising

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """A handler raised."""
        self._failures += 1
        self._findings.take("failed", instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """A handler ran for longer than its limit."""
        self._findings.take("slow", instance, handler, min(duration_us, _U32_MAX))

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """A message found no room."""
        if full == "assert" and (instance, port) not in self._asserted:
            self._asserted.add((instance, port))
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
    def hlth_ping_enable(self, entry: Annotated[str, Size(NAME_SIZE)], enable: Enabled) -> None:
        """Switches the pings of one instance on or off."""
        watched = self._find(entry)
        watched.enabled = enable is Enabled.ENABLED
        watched.forget()
        self.hlth_check_ping(enable, entry)

    @command(name="HLTH_CHNG_PING")
    def hlth_chng_ping(self, entry: Annotated[str, Size(NAME_SIZE)], warningValue: U32, fatalValue: U32) -> None:
        """Changes after how many cycles an instance's unanswered ping is a warning, and FATAL."""
        watched = self._find(entry)
        if not 1 <= warningValue <= fatalValue:
            self.hlth_ping_invalid_values(entry, warningValue, fatalValue)
            raise CommandError(CommandResponse.VALIDATION_ERROR)
        watched.warn, watched.fatal = warningValue, fatalValue
        self.hlth_ping_updated(entry, warningValue, fatalValue)
