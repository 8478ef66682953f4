"""Asks every queue whether it is still served, and reports by name what the runtime finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    internal_port,
    sync_port,
)
from kittiwake.model.fw import Enabled, Sched

from kittiwake_components.ports import WatchDog

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.queue import MessageQueue

NAME_SIZE = 60


class Watched:
    """One queue that is pinged each cycle; `late` counts the cycles since the ping that is not answered yet."""

    __slots__ = ("enabled", "fatal", "key", "late", "ping", "queue", "warn", "waiting")

    def __init__(self, queue: MessageQueue, warn: int, fatal: int, ping: Callable[[int], object]) -> None:
        self.queue = queue
        self.warn = warn
        self.fatal = fatal
        self.ping = ping
        self.enabled = True
        self.waiting = False
        self.key = 0
        self.late = 0


class Health(ActiveComponent):
    """Pings every instance that has a queue, without any wiring, and is the monitor of the runtime.

    Once a cycle each queue gets a ping, which stands in line with the instance's other messages. One that is not
    answered within `warn_cycles` is a warning, one not within `fatal_cycles` is FATAL, and the watchdog is stroked
    only while every ping is in time.
    """

    wdog_stroke = OutputPort(WatchDog, doc="Stroked each cycle in which all is well.")

    ping_late_warnings = Channel(U32, on_change=True, doc="Pings that were late.")
    slowest_handler_us = Channel(U32, on_change=True, unit="us", doc="Longest handler of any instance so far.")
    messages_dropped = Channel(U32, on_change=True, doc="Messages that found a full queue, over all instances.")
    handler_failures = Channel(U32, on_change=True, doc="Handlers that raised.")

    warn_cycles = Setting(int, default=3, doc="Cycles after which an unanswered ping is a warning.")
    fatal_cycles = Setting(int, default=5, doc="Cycles after which it is FATAL.")

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

    @event(WARNING_LO, "Couldn't find entry \"{entry}\"", name="HLTH_CHECK_LOOKUP_ERROR")
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

    @event(WARNING_HI, "{instance}.{port}: queue full, {total} messages dropped so far", name="QueueFull")
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
        self._new_drops: dict[tuple[str, str], int] = {}
        self._asserted: set[tuple[str, str]] = set()

    def start(self) -> None:
        for queue in self._context.deployment.queues():
            if queue.loop is not None and queue.name != self.name:
                self._watched.append(self._watch(queue))

    def _watch(self, queue: MessageQueue) -> Watched:
        loop = queue.loop
        assert loop is not None

        def answer(key: int) -> None:
            # Runs on the watched instance's loop; the answer comes back as a message of our own.
            self._context.loop.post(self._answered, watched, key)

        put = queue.putter("ping", answer, 0, "drop")
        same_loop = loop is self._context.loop
        ping: Callable[[int], object] = put if same_loop else lambda key: loop.post(put, key)
        watched = Watched(queue, self.warn_cycles, self.fatal_cycles, ping)
        return watched

    def _answered(self, watched: Watched, key: int) -> None:
        if not watched.waiting:
            return
        if key != watched.key:
            self.hlth_ping_wrong_key(watched.queue.name, key)
            return
        watched.waiting = False
        watched.late = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle: counts late answers, sends the next pings, strokes the watchdog if all is well."""
        self._report_drops()
        well = self._check() if self._checking else True
        self.ping_late_warnings = self._warnings
        self.handler_failures = self._failures
        queues = self._context.deployment.queues()
        self.slowest_handler_us = min(max(queue.slowest_ns for queue in queues) // 1000, 0xFFFFFFFF)
        self.messages_dropped = sum(sum(queue.dropped.values()) for queue in queues) & 0xFFFFFFFF
        if well and self.is_connected(Health.wdog_stroke):
            self.wdog_stroke(0)

    def _check(self) -> bool:
        well = True
        for watched in self._watched:
            if not watched.enabled:
                continue
            if not watched.waiting:
                self._key = (self._key + 1) & 0xFFFFFFFF
                watched.key = self._key
                watched.waiting = True
                watched.late = 0
                watched.ping(watched.key)
                continue
            watched.late += 1
            if watched.late == watched.warn:
                self._warnings += 1
                self.hlth_ping_warn(watched.queue.name)
            elif watched.late == watched.fatal:
                self.hlth_ping_late(watched.queue.name)
            well = well and watched.late < watched.warn
        return well

    def _report_drops(self) -> None:
        drops, self._new_drops = self._new_drops, {}
        for (instance, port), total in drops.items():
            self.full_queue(instance, port, total)

    # The runtime's findings

    def handler_failed(self, instance: str, handler: str, reason: str) -> None:
        """A handler raised."""
        self._failures += 1
        if instance != self.name:
            self._report_failure(instance, handler, reason)

    @internal_port(full="drop")
    def _report_failure(self, instance: Annotated[str, Size(NAME_SIZE)], handler: Annotated[str, Size(40)],
                        reason: Annotated[str, Size(120)]) -> None:  # fmt: skip
        self.handler_failure(instance, handler, reason)

    def handler_slow(self, instance: str, handler: str, duration_us: int) -> None:
        """A handler ran for longer than its limit."""
        self.slow_handler(instance, handler, min(duration_us, 0xFFFFFFFF))

    def queue_full(self, instance: str, port: str, full: str) -> None:
        """A message found no room: counted, and reported with the next cycle, or at once where it must never be."""
        queue = self._context.deployment.instances[instance]._context.queue
        self._new_drops[instance, port] = queue.dropped.get(port, 0) if queue is not None else 0
        if full == "assert" and (instance, port) not in self._asserted:
            self._asserted.add((instance, port))
            self.queue_overflow_assert(instance, port)

    def command_refused(self, instance: str, command: str, why: str) -> None:
        """A command was answered with an error for a reason."""
        self.refused_command(instance, command, why)

    # Commands

    def _find(self, entry: str) -> Watched:
        for watched in self._watched:
            if watched.queue.name == entry:
                return watched
        self.hlth_check_lookup_error(entry)
        raise CommandError(CommandResponse.VALIDATION_ERROR)

    @command(name="HLTH_ENABLE")
    def hlth_enable(self, enable: Enabled) -> None:
        """Switches the pings on or off; off, the watchdog is stroked regardless."""
        self._checking = enable is Enabled.ENABLED
        for watched in self._watched:
            watched.waiting = False
        self.hlth_check_enable(enable)

    @command(name="HLTH_PING_ENABLE")
    def hlth_ping_enable(self, entry: Annotated[str, Size(NAME_SIZE)], enable: Enabled) -> None:
        """Switches the pings of one instance on or off."""
        watched = self._find(entry)
        watched.enabled = enable is Enabled.ENABLED
        watched.waiting = False
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
