"""What goes from the output folder: what was uploaded and kept for long enough, and what has to make room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.deployment_time import US_PER_S, time_is_known
from kittiwake_components.uploader.captures import State
from kittiwake_components.uploader.marks import MAX_MARKS

if TYPE_CHECKING:
    from collections.abc import Generator

    from kittiwake_components.uploader.captures import Capture, Captures
    from kittiwake_components.uploader.component import Uploader
    from kittiwake_components.uploader.marks import Marks
    from kittiwake_components.uploader.output_folders import OutputFolders

U32_MAX, U64_MAX = 0xFFFFFFFF, (1 << 64) - 1
WELL_AFTER_S = 900
"""There is room again once there was for so long: captures mostly come more often."""


class Departures:
    """Lets captures of `output` go, for `uploader`, one after the other."""

    def __init__(self, uploader: Uploader, captures: Captures, output: OutputFolders, marks: Marks) -> None:
        self._uploader = uploader
        self._clock = uploader.clock
        self._tags = uploader._context.tags
        self._captures = captures
        self._output = output
        self._marks = marks
        self._removal: tuple[Capture, Generator[bool | None, None, bool]] | None = None
        self._is_low = False
        self._well_since_ns = 0

    def gone_ns(self, capture: Capture) -> int:
        """When a capture that was uploaded goes: KEEP_S after that, or as soon as the wall clock says that it is."""
        kept_ns = capture.since_ns + self._uploader.keep_s * NS_PER_S
        if time_is_known(self._tags) and capture.uploaded_us:
            passed_us = self._clock.wall_ns() // 1000 - capture.uploaded_us
            if passed_us >= self._uploader.keep_s * US_PER_S:
                kept_ns = min(kept_ns, self._clock.now_ns())
        return max(kept_ns, capture.due_ns)

    def step(self, under_way: Capture | None) -> bool:
        """Takes one step, and says whether there is another one; the capture that is under way stays."""
        if self._removal is None:
            return self._begin(under_way)
        capture, steps = self._removal
        try:
            next(steps)
            return True
        except StopIteration as end:
            is_gone = bool(end.value)
        except OSError:
            is_gone = False
        self._removal = None
        if is_gone:
            self._forget(capture)
        else:  # what it is now has to be looked at anew
            self._uploader.source_kept(capture.path)
            self._uploader.attempt(lambda: self._marks.remove(capture.path))
            capture.state, capture.digest = State.PENDING, ""
            self._uploader.postpone(capture)
        return True

    def _forget(self, capture: Capture) -> None:
        self._captures.forget(capture)
        self._uploader.attempt(lambda: self._marks.remove(capture.path))

    def _begin(self, under_way: Capture | None) -> bool:
        """Removes what has been kept long enough, or makes room; says whether there was something to do."""
        now_ns = self._clock.now_ns()
        uploaded = sorted(self._captures.of(State.UPLOADED), key=lambda capture: capture.stamp)
        over = len(uploaded) - MAX_MARKS
        due = next((one for place, one in enumerate(uploaded) if place < over or self.gone_ns(one) <= now_ns), None)
        if due is not None:
            self._removal = due, self._output.removed(due)
            return True
        return self._make_room(under_way)

    def free_bytes(self) -> int | None:
        """Free room of the file system with the output folder; `None` where that does not say."""
        files = self._uploader.platform.files
        path = self._output.path if files.is_folder(self._output.path) else self._uploader.root.path
        try:
            return files.space(path)[0]
        except OSError:
            return None

    def _tell(self, is_short: bool, used: int, free: int | None) -> None:
        """Reports that room is low, and that it is well again: after a while with a tenth more room than that takes.

        With a full quota each capture is one too many for a moment: that is one report, not one for each.
        """
        wanted, quota = max(self._uploader.disk_warn, self._uploader.disk_low), self._uploader.quota_bytes
        now_ns = self._clock.now_ns()
        if is_short or (free is not None and free < wanted):
            if not self._is_low:
                self._uploader.disk_is_low(used, quota, free or 0, wanted)
            self._is_low = True
        if used * 10 > (quota * 9 or U64_MAX) or (free is not None and free * 10 < wanted * 11):
            self._well_since_ns = now_ns
        elif self._is_low and now_ns - self._well_since_ns >= WELL_AFTER_S * NS_PER_S:
            self._is_low = False
            self._uploader.disk_is_well(used, free or 0)

    def _make_room(self, under_way: Capture | None) -> bool:
        """Lets the next capture go that has to, and says whether there was one."""
        used, free = self._captures.used_bytes, self.free_bytes()
        is_short = 0 < self._uploader.quota_bytes < used or (free is not None and free < self._uploader.disk_low)
        self._tell(is_short, used, free)
        if not is_short:
            return False
        victim = self._captures.next_victim(under_way, self._uploader.quota_bytes)
        if victim is None or (victim.due_ns > self._clock.now_ns() and victim.state is State.UPLOADED):
            return False
        if victim.state is State.UPLOADED:
            self._removal = victim, self._output.removed(victim)
            return True
        if not self._output.drop(victim):
            return False
        self._forget(victim)
        self._uploader.dropped = self._uploader.dropped + 1 & U32_MAX
        self._uploader.capture_dropped(victim.path, victim.size)
        return True
