"""Writes events as lines of text, to the console and to a file that is rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import U32, Channel, PassiveComponent, Setting, sync_port
from kittiwake.model.fw import Log, Severity
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.tags import BASE_SHIFT, MICROSECONDS, TB_PROC_TIME
from kittiwake.wire.calendar import S_PER_DAY
from kittiwake_components.ports.text_log import TextLogLimits
from kittiwake_components.text_log.rotated_file import KEEP_HIGH, RotatedFile, Rotation

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.events import Event

US_PER_S = 1_000_000
LIMIT_LOW, LIMIT_HIGH = 4096, 1 << 30
AGE_HIGH = 3660
_DAYS_TO_1970 = 719_468
_U32_MAX = 0xFFFFFFFF


class TextLog(PassiveComponent):
    """One line for each event: time, severity, instance and event, text.

    The file is moved to `<file>.1` before it would exceed `limit_bytes` or with the first line after `limit_age_days`,
    `<file>.1` to `<file>.2`, and so on up to `keep`. Other limits than those of the settings may be told to it. A log
    that cannot be written loses lines and counts them; whoever reported the event never hears of it.
    """

    lines_lost = Channel(U32, on_change=True, doc="Lines that could not be written.")

    console = Setting(bool, default=False, doc="Write to standard output.")
    file = Setting(str, default="", doc="File in the root to write to; empty for none.")
    limit_bytes = Setting(
        int, default=1_000_000, low=LIMIT_LOW, high=LIMIT_HIGH, doc="Size at which the file is rotated."
    )
    keep = Setting(int, default=3, low=0, high=KEEP_HIGH, doc="Rotated files that are kept.")
    limit_age_days = Setting(
        float, default=0.0, low=0.0, high=AGE_HIGH, doc="Age at which it is rotated, if that comes first; 0: never."
    )
    compress = Setting(bool, default=False, doc="Whether rotated files are compressed (gzip, under the same names).")

    def initialize(self) -> None:
        self._known: dict[int, tuple[str, Event, Callable[[bytes], tuple[Any, ...]]]] = {}
        self._output: RotatedFile | None = None
        self._lost = 0
        self._least = Severity.DIAGNOSTIC
        self._rotation = self._rotation_by(0, 0, 0)
        self._is_held = False

    def start(self) -> None:
        if self.file:
            # Other components, which start as well, may yet say how: an archive that was to be kept would be gone.
            self._is_held = True
            self.clock.call_after(0.0, self._release)

    def _release(self) -> None:
        self._is_held = False
        if self._output is not None:
            self._output.is_held = False

    def stop(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def _rotation_by(self, limit_bytes: int, limit_age_s: int, keep: int) -> Rotation:
        """A rotation by these limits within those of the settings' ranges, for 0 by that of the settings."""
        limit_bytes = min(max(limit_bytes, LIMIT_LOW), LIMIT_HIGH) if limit_bytes else self.limit_bytes
        limit_age_ns = (limit_age_s or round(self.limit_age_days * S_PER_DAY)) * NS_PER_S
        return Rotation(limit_bytes, limit_age_ns, min(keep, KEEP_HIGH) or self.keep, self.compress)

    @sync_port(TextLogLimits)
    def limits_in(self, least: Severity, limit_bytes: int, limit_age_s: int, keep: int) -> None:
        """What is written to the file from now on, and how it is rotated, in place of the settings."""
        self._least = least
        self._rotation = self._rotation_by(limit_bytes, limit_age_s, keep)
        if self._output is not None:
            self._output.rotation = self._rotation

    @sync_port(Log)
    def log_text(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """One event."""
        is_filed = self.file and severity <= self._least
        if not self.console and not is_filed:
            return
        try:
            line = self._line(id, tag, severity, arguments)
            if self.console:
                print(line, flush=True)  # noqa: T201 - the console is asked for
            if is_filed:
                self._write(line.encode("utf-8", "replace") + b"\n", tag)
        except (OSError, ValueError):
            # A full disk, a closed terminal, a name outside the root, or arguments that are not the event's.
            self._lost += 1
            self.lines_lost = self._lost & _U32_MAX

    def _line(self, id: int, tag: int, severity: Severity, arguments: bytes) -> str:
        # Imported here: a deployment that writes no text needs neither regular expressions nor formats.
        from kittiwake.dictionary.display import format_text

        name, text = f"{id:#x}", bytes(arguments).hex()
        found = self._find(id)
        if found is not None:
            instance, event, unpack = found
            name = f"{instance}.{event.label}"
            text = format_text(event.format, unpack(arguments))
        if not text.isprintable():
            # An argument's line breaks would look like events of their own.
            text = text.encode("unicode_escape").decode("ascii")
        return f"{time_text(tag)} {severity.name:<11} {name}: {text}"

    def _find(self, id: int) -> tuple[str, Event, Callable[[bytes], tuple[Any, ...]]] | None:
        if not self._known:
            from kittiwake.model.codec import unpacker

            for name, component in self._context.deployment.instances.items():
                for event in type(component).__declarations__.events.values():
                    unpack = unpacker([form for _, form in event.parameters])
                    self._known[component._context.base_id + (event.number or 0)] = (name, event, unpack)
        return self._known.get(id)

    def _write(self, line: bytes, tag: int) -> None:
        if self._output is None:
            self._output = RotatedFile(self.platform, self.root.resolve(self.file), self._rotation)
            self._output.is_held = self._is_held
        is_utc = tag >> BASE_SHIFT != TB_PROC_TIME
        self._output.write(line, (tag & MICROSECONDS) // US_PER_S if is_utc else None)


def time_text(tag: int) -> str:
    """A time tag as text: UTC as in ISO 8601, or for a clock that was never set the seconds since boot.

    The date is computed (Howard Hinnant, "chrono-compatible low-level date algorithms"): importing `datetime` would
    cost more than the boot of the log.
    """
    seconds, useconds = divmod(tag & MICROSECONDS, US_PER_S)
    if tag >> BASE_SHIFT == TB_PROC_TIME:
        return f"boot+{seconds}.{useconds:06d}"
    days, second = divmod(seconds, S_PER_DAY)
    era, day_of_era = divmod(days + _DAYS_TO_1970, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    hour, minute = second // 3600, second // 60 % 60
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second % 60:02d}.{useconds:06d}Z"
