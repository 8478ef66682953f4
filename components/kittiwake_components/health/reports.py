"""The events of Health: F´'s own, what the runtime finds, and what was done about instances that keep failing."""

# ruff: noqa: N803 - the arguments keep F´'s names
from __future__ import annotations

from typing import Annotated

from kittiwake.model import ACTIVITY_HI, FATAL, U32, WARNING_HI, WARNING_LO, ActiveComponent, Size, event
from kittiwake.model.fw import Enabled
from kittiwake_components.health.policy import Policy

NAME_SIZE = 60
REASON_SIZE = 120
InstanceName = Annotated[str, Size(NAME_SIZE)]
Reason = Annotated[str, Size(REASON_SIZE)]


class HealthReports(ActiveComponent):
    """What Health reports."""

    @event(WARNING_HI, "Ping entry {entry} late warning", name="HLTH_PING_WARN")
    def hlth_ping_warn(self, entry: InstanceName) -> None: ...

    @event(FATAL, "Ping entry {entry} did not respond", name="HLTH_PING_LATE")
    def hlth_ping_late(self, entry: InstanceName) -> None: ...

    @event(FATAL, "Ping entry {entry} responded with wrong key 0x{badKey:x}", name="HLTH_PING_WRONG_KEY")
    def hlth_ping_wrong_key(self, entry: InstanceName, badKey: U32) -> None: ...

    @event(ACTIVITY_HI, "Health checking set to {enabled}", name="HLTH_CHECK_ENABLE")
    def hlth_check_enable(self, enabled: Enabled) -> None: ...

    @event(ACTIVITY_HI, "Health checking set to {enabled} for {entry}", name="HLTH_CHECK_PING")
    def hlth_check_ping(self, enabled: Enabled, entry: InstanceName) -> None: ...

    @event(WARNING_LO, 'Couldn\'t find entry "{entry}"', name="HLTH_CHECK_LOOKUP_ERROR")
    def hlth_check_lookup_error(self, entry: InstanceName) -> None: ...

    @event(ACTIVITY_HI, "Health ping for {entry} changed to WARN {warn} FATAL {fatal}", name="HLTH_PING_UPDATED")
    def hlth_ping_updated(self, entry: InstanceName, warn: U32, fatal: U32) -> None: ...

    @event(
        WARNING_LO, "Invalid health ping values for {entry}: WARN {warn} FATAL {fatal}", name="HLTH_PING_INVALID_VALUES"
    )
    def hlth_ping_invalid_values(self, entry: InstanceName, warn: U32, fatal: U32) -> None: ...

    @event(WARNING_HI, "{instance}.{handler} failed: {reason}", name="HandlerFailed", throttle=20, every_s=60.0)
    def handler_failure(
        self, instance: InstanceName, handler: Annotated[str, Size(40)],
        reason: Reason,
    ) -> None: ...  # fmt: skip

    @event(WARNING_LO, "{instance}.{handler} took {duration_us} us", name="HandlerSlow", throttle=10, every_s=60.0)
    def slow_handler(self, instance: InstanceName, handler: Annotated[str, Size(40)], duration_us: U32) -> None: ...

    @event(
        WARNING_HI, "{instance}.{port}: queue full, {total} messages dropped so far", name="QueueFull", throttle=20,
        every_s=60.0,
    )  # fmt: skip
    def full_queue(self, instance: InstanceName, port: Annotated[str, Size(40)], total: U32) -> None: ...

    @event(FATAL, "{instance}.{port}: queue full, where the port must never drop", name="QueueOverflowAssert")
    def queue_overflow_assert(self, instance: InstanceName, port: Annotated[str, Size(40)]) -> None: ...

    @event(WARNING_LO, "{instance}.{command} refused: {why}", name="CommandRefused", throttle=20, every_s=60.0)
    def refused_command(
        self, instance: InstanceName, command: Annotated[str, Size(40)],
        why: Reason,
    ) -> None: ...  # fmt: skip

    @event(WARNING_HI, "{instance} keeps failing ({reason}); policy {policy}")
    def instance_failing(self, instance: InstanceName, reason: Reason, policy: Policy) -> None: ...

    @event(WARNING_HI, "{instance} restarted; its restarts so far: {restarts}")
    def instance_restarted(self, instance: InstanceName, restarts: U32) -> None: ...

    @event(WARNING_HI, "{instance} could not be restarted: {reason}")
    def instance_restart_failed(self, instance: InstanceName, reason: Reason) -> None: ...

    @event(WARNING_HI, "{instance} quarantined: what is sent to it is refused")
    def instance_quarantined(self, instance: InstanceName) -> None: ...

    @event(FATAL, "{instance} keeps failing, and nothing else is left to do: {reason}")
    def instance_fatal(self, instance: InstanceName, reason: Reason) -> None: ...

    @event(WARNING_LO, "{instance} is quarantined: {port} refused", throttle=10, every_s=60.0)
    def message_refused(self, instance: InstanceName, port: Annotated[str, Size(40)]) -> None: ...

    @event(ACTIVITY_HI, "Policy for {instance} is {policy}")
    def policy_changed(self, instance: InstanceName, policy: Policy) -> None: ...
