"""Processor, memory and disk, from /proc and the file system."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    F32,
    U8,
    U32,
    U64,
    WARNING_LO,
    Channel,
    Limits,
    Parameter,
    PassiveComponent,
    Setting,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched
from kittiwake.platform.interface import NS_PER_S

PROC_LIMIT_BYTES = 65536
TICKS_PER_S = 100
"""What /proc/*/stat counts times in: USER_HZ, which Linux fixes at 100 for user space."""

PERIOD_HIGH = 86_400


@wire_enum(U8, name="Svc.SystemResourceEnabled")
class SystemResourceEnabled(IntEnum):
    """Whether samples are taken."""

    DISABLED = 0
    ENABLED = 1


def _processor(number: int) -> Channel[F32]:
    return Channel(
        F32, unit="%", format="{:.2f}", name=f"CPU_{number:02}", doc=f"Use of processor {number} since the last sample."
    )


class SystemResources(PassiveComponent):
    """Samples the machine's and the process's use of resources every `period` cycles."""

    memory_total = Channel(U64, on_change=True, unit="KB", name="MEMORY_TOTAL", doc="Memory of the machine.")
    memory_used = Channel(U64, on_change=True, unit="KB", name="MEMORY_USED", doc="Memory that is not available.")
    non_volatile_total = Channel(U64, on_change=True, unit="KB", name="NON_VOLATILE_TOTAL", doc="Disk of the root.")
    non_volatile_free = Channel(U64, on_change=True, unit="KB", name="NON_VOLATILE_FREE", doc="Free disk of the root.")
    cpu = Channel(
        F32, unit="%", format="{:.2f}", name="CPU", limits=Limits(high_yellow=90.0, high_red=99.0),
        doc="Use of all processors since the last sample.",
    )  # fmt: skip
    cpu_00 = _processor(0)
    cpu_01 = _processor(1)
    cpu_02 = _processor(2)
    cpu_03 = _processor(3)
    process_memory = Channel(
        U64, on_change=True, unit="KB", name="PROCESS_MEMORY", id=0x20, doc="Resident memory of this process."
    )
    process_cpu = Channel(
        F32, unit="%", format="{:.2f}", name="PROCESS_CPU", doc="This process's use, as a share of one processor."
    )
    low_space_warnings = Channel(U32, on_change=True, name="LOW_SPACE_WARNINGS", doc="Times that the disk ran low.")

    low_space_kb = Parameter(U32, default=65536, unit="KB", doc="Less free disk than this is reported.")

    period = Setting(int, default=10, low=1, high=PERIOD_HIGH, doc="Cycles from sample to sample.")

    @event(WARNING_LO, "Only {free_kb} KB of disk are free")
    def low_space(self, free_kb: U64) -> None: ...

    def initialize(self) -> None:
        self._enabled = True
        self._cycle = 0
        self._before: dict[str, tuple[int, int]] = {}
        self._process_ticks = 0
        self._sampled_ns = -1
        self._is_low = False
        self._low_count = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Takes a sample every `period` cycles."""
        due = self._cycle % self.period == 0
        self._cycle += 1
        if due and self._enabled:
            self._sample_processors()
            self._sample_memory()
            self._sample_process()
            self._sample_disk()

    @command(name="ENABLE")
    def enable(self, enable: SystemResourceEnabled) -> None:
        """Switches the samples on or off."""
        self._enabled = enable is SystemResourceEnabled.ENABLED

    def _read(self, path: str) -> str:
        try:
            return self.platform.files.read(path, PROC_LIMIT_BYTES).decode("ascii", "replace")
        except OSError:
            # A machine without /proc has no such figures; the channels stay as they are.
            return ""

    def _sample_processors(self) -> None:
        for line in self._read("/proc/stat").splitlines():
            name, *fields = line.split()[:9] or [""]
            if name == "cpu":
                share = self._share(name, fields)
                if share is not None:
                    self.cpu = share
            elif name.startswith("cpu"):
                self._sample_processor(name, fields)

    def _sample_processor(self, name: str, fields: list[str]) -> None:
        channel = f"cpu_{name[3:]:0>2}"
        share = self._share(name, fields)
        if share is not None and channel in type(self).__declarations__.channels:
            setattr(self, channel, share)

    def _share(self, name: str, fields: list[str]) -> float | None:
        """How much of its time since the last sample a processor was busy, in percent."""
        times = _numbers(fields)
        if len(times) < 5:
            return None
        whole, idle = sum(times), times[3] + times[4]
        whole_before, idle_before = self._before.get(name, (0, 0))
        self._before[name] = (whole, idle)
        if whole <= whole_before:
            return None
        return 100.0 * (1.0 - min(max(idle - idle_before, 0) / (whole - whole_before), 1.0))

    def _sizes_kb(self, path: str, *wanted: str) -> dict[str, int]:
        """The lines `Name: 123 kB` of a file of /proc, those of these names: it has fifty others."""
        found = {}
        for line in self._read(path).splitlines():
            name, _, rest = line.partition(":")
            if name not in wanted:
                continue
            numbers = _numbers(rest.split()[:1])
            if numbers:
                found[name] = numbers[0]
        return found

    def _sample_memory(self) -> None:
        sizes = self._sizes_kb("/proc/meminfo", "MemTotal", "MemAvailable")
        if "MemTotal" in sizes and "MemAvailable" in sizes:
            self.memory_total = sizes["MemTotal"]
            self.memory_used = max(sizes["MemTotal"] - sizes["MemAvailable"], 0)

    def _sample_process(self) -> None:
        resident = self._sizes_kb("/proc/self/status", "VmRSS").get("VmRSS")
        if resident is not None:
            self.process_memory = resident
        # Behind the name, which may hold blanks and brackets, the 12th and 13th fields are user and system time.
        times = _numbers(self._read("/proc/self/stat").rpartition(")")[2].split()[11:13])
        if len(times) < 2:
            return
        now, ticks = self.clock.now_ns(), sum(times)
        if 0 <= self._sampled_ns < now:
            used_ns = (ticks - self._process_ticks) * (NS_PER_S // TICKS_PER_S)
            self.process_cpu = 100.0 * max(used_ns, 0) / (now - self._sampled_ns)
        self._process_ticks, self._sampled_ns = ticks, now

    def _sample_disk(self) -> None:
        try:
            free, total = self.platform.files.space(self.root.path)
        except OSError:
            return
        self.non_volatile_free = free // 1024
        self.non_volatile_total = total // 1024
        self._judge(free // 1024)

    def _judge(self, free_kb: int) -> None:
        """Reports once that the disk runs low, and again only after an eighth more than the limit was free."""
        limit = self.low_space_kb
        if free_kb < limit and not self._is_low:
            self._is_low = True
            self._low_count += 1
            self.low_space_warnings = self._low_count
            self.low_space(free_kb)
        elif free_kb >= limit + limit // 8:
            self._is_low = False


def _numbers(fields: list[str]) -> list[int]:
    """The fields as numbers, or none if one of them is no number."""
    return [int(field) for field in fields] if all(field.isdecimal() for field in fields) else []
