"""The schedule and all that stands on it: what an actuator is once it can work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.actuator.announcements import Announcements
from kittiwake_components.actuator.bus import Bus
from kittiwake_components.actuator.device_calls import STOPPED, DeviceCalls
from kittiwake_components.actuator.heartbeats import Heartbeats
from kittiwake_components.actuator.messages import Outgoing
from kittiwake_components.actuator.overrides import Overrides
from kittiwake_components.actuator.overviews import Overviews
from kittiwake_components.actuator.releases import Releases
from kittiwake_components.actuator.requests import Request
from kittiwake_components.actuator.rpc import Rpc
from kittiwake_components.actuator.schedules import Schedules
from kittiwake_components.actuator.values import Values

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.actuator.component import Actuator
    from kittiwake_components.actuator.device_calls import Answer, Then
    from kittiwake_components.actuator.schedules import Result
    from kittiwake_components.ports.building import DeviceAction

STEP_LIMIT_NS = NS_PER_S // 2
"""A smaller difference between the wall clock and the clock since boot is drift and no step."""


class Engine:
    """Schedules, requests under way, releases, announcements and beats of one actuator.

    `send` passes a request on to the driver and says whether there is one, `publish` a message to the server.
    """

    def __init__(
        self, actuator: Actuator, send: Callable[[int, DeviceAction, bytes], bool],
        publish: Callable[[str, bytes, bytes], None],
    ) -> None:  # fmt: skip
        self._actuator = actuator
        self._clock = actuator.clock
        self._offset_ns: int | None = None
        self._out = Outgoing(publish, actuator.now_us, actuator.message_dropped)
        first_token = int.from_bytes(actuator.platform.random.token_bytes(4), "big")
        self.calls = DeviceCalls(send, actuator.clock, first_token)
        self.releases = Releases(actuator, self._revert, self._settled, lambda: actuator.is_suspended)
        self.schedules = Schedules(actuator, actuator.state_file, self._out, self.releases)
        self.values = Values(actuator, self.calls, self.schedules, self.releases, self._out)
        self.overrides = Overrides(actuator, self.values.ask)
        overviews = Overviews(self.schedules, actuator.now_us)
        self.rpc = Rpc(self.schedules, overviews, self.values, self.overrides)
        self.bus = Bus(self.schedules, self.values, self._out)
        self.announcements = Announcements(actuator.clock, self.schedules.next_edge_us, self._announce)
        self._heartbeats = Heartbeats(actuator.clock, actuator.heartbeat_points, self._beat)

    def begin(self) -> None:
        """Opens the schedule, reverts what the last start has left, and begins to announce and to beat."""
        self.schedules.open()
        self.releases.drive(self._clock.now_ns())
        self.follow_mode()
        self.announcements.begin(self._actuator.publish_interval_s)
        self.begin_beating()

    def close(self) -> None:
        """Answers all that wait, and closes the schedule."""
        self.announcements.stop()
        self._heartbeats.stop()
        self.releases.close()
        self.calls.close()
        self.schedules.close()

    def cycle(self) -> None:
        """Follows a clock that was set, and tries again what could not be opened or reverted."""
        actuator = self._actuator
        was_open = self.schedules.is_open
        if self.schedules.open() and not was_open:
            self.announcements.begin(actuator.publish_interval_s)
        self._follow_clock()
        self.schedules.settle()
        if actuator.lease_s:
            self.schedules.drop_silent(actuator.was_heard, actuator.lease_s)
        self.releases.drive(self._clock.now_ns())
        self.announcements.arm()

    def _follow_clock(self) -> None:
        offset_ns = self._clock.wall_ns() - self._clock.now_ns()
        before_ns, self._offset_ns = self._offset_ns, offset_ns
        if before_ns is not None and abs(offset_ns - before_ns) >= STEP_LIMIT_NS:
            self._actuator.clock_step((offset_ns - before_ns) / NS_PER_S)
            self.announcements.changed()

    def follow_mode(self) -> None:
        """Suspends all writing, or ends that, where the mode has changed what is allowed."""
        actuator = self._actuator
        is_suspended = actuator.is_unsafe_to_write()
        if is_suspended == actuator.is_suspended:
            return
        actuator.is_suspended = is_suspended
        actuator.writing_suspended(is_suspended)
        if is_suspended:
            self.schedules.settle()
            self.releases.lose_all()
            self.releases.drive(self._clock.now_ns())
            self._heartbeats.stop()
        else:
            self.begin_beating()
            self.announcements.begin(actuator.publish_interval_s)
        actuator.show()

    def request(self, requester: str, task: Any, priority: Any, slots: Any, on_release: Any) -> Result:
        """Decides a request for a schedule; all but `requester` may be anything."""
        return self.schedules.request(Request(requester, task, priority, slots, on_release))

    def begin_beating(self) -> None:
        """Begins the heartbeats, or gives them another interval, unless nobody may write."""
        if not self._actuator.is_suspended:
            self._heartbeats.begin(self._actuator.heartbeat_s)

    def _announce(self) -> None:
        actuator = self._actuator
        self.schedules.settle()
        if not actuator.is_suspended:
            now_us = actuator.now_us()
            for device, holder in self.schedules.holders().items():
                self._out.announce(device, holder, now_us)
        actuator.show()
        actuator.show_held()

    def _revert(self, path: str, then: Then) -> None:
        self.values.release(path, then)

    def _settled(self, paths: list[str]) -> None:
        self.schedules.settled(paths)

    def _beat(self, path: str, value: int) -> None:
        def answered(answer: Answer) -> None:
            if answer.fault is not None and answer.fault.type != STOPPED:
                self._actuator.heartbeat_failed(path, f"{answer.fault.type}: {answer.fault.value}")

        self.values.beat(path, value, answered)
