"""Writes events as lines of text, to the console and to a file that is rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import U32, Channel, PassiveComponent, Setting, sync_port
from kittiwake.model.fw import Log, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.events import Event
    from kittiwake.platform.interface import File

US_PER_S = 1_000_000


class TextLog(PassiveComponent):
    """One line for each event: time, severity, instance and event, text.

    The file is moved to `<file>.1` when it has `limit_bytes`, `<file>.1` to `<file>.2`, and so on up to `keep`.
    """

    lines_lost = Channel(U32, on_change=True, doc="Lines that could not be written.")

    console = Setting(bool, default=False, doc="Write to standard output.")
    file = Setting(str, default="", doc="File in the root to write to; empty for none.")
    limit_bytes = Setting(int, default=1_000_000, doc="Size at which the file is rotated.")
    keep = Setting(int, default=3, doc="Rotated files that are kept.")

    def initialize(self) -> None:
        self._known: dict[int, tuple[str, Event, Callable[[bytes], tuple[Any, ...]]]] = {}
        self._output: File | None = None
        self._size = 0
        self._lost = 0

    def stop(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    @sync_port(Log)
    def log_text(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """One event."""
        if not self.console and not self.file:
            return
        line = self._line(id, tag, severity, arguments)
        if self.console:
            print(line, flush=True)
        if self.file:
            self._write(line.encode() + b"\n")

    def _line(self, id: int, tag: int, severity: Severity, arguments: bytes) -> str:
        # Imported here: a deployment that writes no text needs neither regular expressions nor formats.
        from kittiwake.dictionary.display import format_text

        name, text = f"{id:#x}", arguments.hex()
        found = self._find(id)
        if found is not None:
            instance, event, unpack = found
            name = f"{instance}.{event.label}"
            text = format_text(event.format, unpack(arguments))
        seconds, useconds = divmod(tag & 0xFFFFFFFFFFFFFFFF, US_PER_S)
        return f"{seconds}.{useconds:06d} {severity.name:<11} {name}: {text}"

    def _find(self, id: int) -> tuple[str, Event, Callable[[bytes], tuple[Any, ...]]] | None:
        if not self._known:
            from kittiwake.model.codec import unpacker

            for name, component in self._context.deployment.instances.items():
                for event in type(component).__declarations__.events.values():
                    unpack = unpacker([form for _, form in event.parameters])
                    self._known[component._context.base_id + (event.number or 0)] = (name, event, unpack)
        return self._known.get(id)

    def _write(self, data: bytes) -> None:
        try:
            if self._output is not None and self._size + len(data) > self.limit_bytes:
                self._rotate()
            if self._output is None:
                self._output = self._context.platform.files.open(self._context.root.resolve(self.file), "w")
                self._size = self._output.size()
            self._output.write_at(self._size, data)
            self._size += len(data)
        except OSError:
            self._lost += 1
            self.lines_lost = self._lost

    def _rotate(self) -> None:
        files, path = self._context.platform.files, self._context.root.resolve(self.file)
        if self._output is not None:
            self._output.close()
            self._output = None
        for number in range(self.keep, 0, -1):
            older = path if number == 1 else f"{path}.{number - 1}"
            if files.exists(older):
                files.rename(older, f"{path}.{number}")
