"""Processor, memory and disk, from /proc and the file system."""

from __future__ import annotations

from kittiwake.model import (
    F32,
    U32,
    U64,
    WARNING_LO,
    Bool,
    Channel,
    Limits,
    Parameter,
    PassiveComponent,
    Setting,
    event,
    sync_port,
)
from kittiwake.model.fw import Sched

PROC_LIMIT_BYTES = 65536
PAGE_KB = 4


class SystemResources(PassiveComponent):
    """Samples the machine's and the process's use of resources every `period` cycles."""

    memory_total = Channel(U64, on_change=True, unit="KB", name="MEMORY_TOTAL", doc="Memory of the machine.")
    memory_used = Channel(U64, on_change=True, unit="KB", name="MEMORY_USED", doc="Memory in use.")
    non_volatile_total = Channel(U64, on_change=True, unit="KB", name="NON_VOLATILE_TOTAL", doc="Disk of the root.")
    non_volatile_free = Channel(U64, on_change=True, unit="KB", name="NON_VOLATILE_FREE", doc="Free disk of the root.")
    cpu = Channel(
        F32, unit="%", format="{.2f}", name="CPU", limits=Limits(high_yellow=90.0, high_red=99.0),
        doc="Use of all processors since the last sample.",
    )  # fmt: skip
    process_memory = Channel(U64, on_change=True, unit="KB", name="PROCESS_MEMORY", doc="Resident memory of this process.")
    process_cpu = Channel(F32, unit="%", format="{.3f}", name="PROCESS_CPU", doc="This process's use of one processor.")
    low_space_warnings = Channel(U32, on_change=True, name="LOW_SPACE_WARNINGS", doc="Times that the disk ran low.")

    enabled = Parameter(Bool, default=True, doc="Whether samples are taken.")
    low_space_kb = Parameter(U32, default=65536, unit="KB", doc="Less free disk than this is reported.")

    period = Setting(int, default=10, doc="Cycles from sample to sample.")

    @event(WARNING_LO, "Only {free_kb} KB of disk are free")
    def low_space(self, free_kb: U64) -> None: ...

    def initialize(self) -> None:
        self._cycle = 0
        self._busy_before = self._all_before = 0
        self._process_before = self._sampled_ns = 0
        self._is_low = False
        self._low_count = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Takes a sample every `period` cycles."""
        due = self._cycle % self.period == 0
        self._cycle += 1
        if due and self.enabled:
            self._sample_processor()
            self._sample_memory()
            self._sample_process()
            self._sample_disk()

    def _read(self, path: str) -> str:
        try:
            return self._context.platform.files.read(path, PROC_LIMIT_BYTES).decode("ascii", "replace")
        except OSError:
            # A machine without /proc has no such figures; the channels stay as they are.
            return ""

    def _sample_processor(self) -> None:
        fields = self._read("/proc/stat").partition("\n")[0].split()[1:]
        if len(fields) < 5:
            return
        times = [int(field) for field in fields[:8]]
        whole, idle = sum(times), times[3] + times[4]
        busy = whole - idle
        if whole > self._all_before:
            self.cpu = 100.0 * (busy - self._busy_before) / (whole - self._all_before)
        self._busy_before, self._all_before = busy, whole

    def _sample_memory(self) -> None:
        sizes = {}
        for line in self._read("/proc/meminfo").splitlines():
            name, _, rest = line.partition(":")
            if name in ("MemTotal", "MemAvailable"):
                sizes[name] = int(rest.split()[0])
        if len(sizes) == 2:
            self.memory_total = sizes["MemTotal"]
            self.memory_used = sizes["MemTotal"] - sizes["MemAvailable"]

    def _sample_process(self) -> None:
        pages = self._read("/proc/self/statm").split()
        if len(pages) > 1:
            self.process_memory = int(pages[1]) * PAGE_KB
        fields = self._read("/proc/self/schedstat").split()
        now = self.clock.now_ns()
        if fields:
            used = int(fields[0])
            if now > self._sampled_ns and self._sampled_ns:
                self.process_cpu = 100.0 * (used - self._process_before) / (now - self._sampled_ns)
            self._process_before = used
        self._sampled_ns = now

    def _sample_disk(self) -> None:
        try:
            free, total = self._context.platform.files.space(self._context.root.path)
        except OSError:
            return
        self.non_volatile_free = free // 1024
        self.non_volatile_total = total // 1024
        low = free // 1024 < self.low_space_kb
        if low and not self._is_low:
            self._low_count += 1
            self.low_space_warnings = self._low_count
            self.low_space(free // 1024)
        self._is_low = low
