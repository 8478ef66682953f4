"""The faults of a simulation: which kinds there are, what each needs, and how a list of them is drawn from a seed.

Every fault carries all that it needs, its own random numbers too: one that is left out changes none of the others.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import WALL_START_NS
from kittiwake.wire.calendar import S_PER_DAY, date_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.platform.seeded import SeededRandom

MOST_FAULTS = 400
BLIP_S = 0.2
"""A power cut that is no longer than this is over before a power unit notices it."""


class Quantity(NamedTuple):
    """A number that a fault needs: its bounds, its unit and its meaning. It is drawn evenly over its magnitudes."""

    low: float
    high: float
    unit: str
    doc: str
    is_signed: bool = False
    is_whole: bool = False

    def draw(self, random: SeededRandom) -> float:
        """A number between the bounds."""
        value = exp(random.uniform(log(self.low), log(self.high)))
        value = float(round(value)) if self.is_whole else float(f"{value:.4g}")
        return -value if self.is_signed and random.chance(0.5) else value

    def allows(self, value: float) -> bool:
        """Whether a number is between the bounds."""
        return self.low <= (abs(value) if self.is_signed else value) <= self.high


class FaultKind(NamedTuple):
    """One kind of fault. `weight` says how often it is drawn; `where` are the places that it may hit."""

    doc: str
    weight: int
    where: tuple[str, ...] = ()
    amount: Quantity | None = None
    lasts_s: Quantity | None = None


MOMENTS = ("before dispatch", "after dispatch", "before file operation", "after file operation")
FILE_OPERATIONS = ("write_at", "sync", "open", "rename", "sync_folder", "read", "read_at", "remove", "make_folders")
_COUNT = Quantity(1, 600, "", "which one, counted from the time given", is_whole=True)
_SOON = Quantity(5, 300, "s", "how long")
DEVICE = "device"

KINDS: dict[str, FaultKind] = {
    "power_cut": FaultKind(
        "The power goes before or after a dispatch or a file operation, and comes back; what was not synced is lost, "
        "torn or out of order. Up to 0.2 s is a blip that no power unit notices.",
        10, MOMENTS, _COUNT, Quantity(0.05, 900, "s", "how long it is dark"),
    ),
    "kill": FaultKind(
        "The process is killed there and started again; the disk keeps what the system had.",
        2, MOMENTS, _COUNT, Quantity(0.5, 10, "s", "until it is started again"),
    ),
    "clock_step": FaultKind(
        "The machine's wall clock steps.", 4, (), Quantity(0.5, 200_000, "s", "by how much", is_signed=True)
    ),
    "clock_drift": FaultKind(
        "The machine's wall clock gains or loses from now on.",
        1, (), Quantity(1, 500, "ppm", "how fast", is_signed=True),
    ),
    "link_outage": FaultKind("The ground is gone.", 2, (), None, Quantity(1, 1200, "s", "how long")),
    "link_loss": FaultKind(
        "Frames and packets get lost both ways.", 2, (), Quantity(0.01, 0.6, "", "which share"), _SOON
    ),
    "link_noise": FaultKind(
        "Bytes of the uplink are damaged.", 1, (), Quantity(0.0001, 0.05, "", "which share"), _SOON
    ),
    "link_delay": FaultKind("All traffic is late.", 1, (), Quantity(0.01, 5, "s", "by how much"), _SOON),
    "disk_full": FaultKind(
        "The disk has only so many bytes left.", 2, (), Quantity(1, 20_000, "B", "how many", is_whole=True), _SOON
    ),
    "disk_error": FaultKind(
        "One operation of the file system fails with an input/output error.", 2, FILE_OPERATIONS, None, _SOON
    ),
    DEVICE: FaultKind("A simulated device fails in one of the ways that it can.", 3, (), None, _SOON),
}  # fmt: skip
"""The kinds by name. The places of `device` are those that the world's devices have: NAME or NAME:WAY."""


class Fault(NamedTuple):
    """One fault: when it comes, what it is and where; `seed` decides what is left to chance, as what a disk keeps."""

    at_ns: int
    kind: str
    where: str = ""
    amount: float = 0.0
    for_s: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        kind = KINDS[self.kind]
        words = [self.kind.replace("_", " ")]
        if self.where:
            words.append(self.where)
        if kind.amount is not None:
            words.append(f"{self.amount:g}{kind.amount.unit and ' ' + kind.amount.unit}")
        if kind.lasts_s is not None:
            words.append(f"for {self.for_s:g} s")
        return " ".join(words)


def draw_faults(random: SeededRandom, length_ns: int, devices: Sequence[str]) -> list[Fault]:
    """Faults over a mission's length, in their order: a handful in an hour, fewer the longer it lasts."""
    most = min(MOST_FAULTS, 8 + round(length_ns / (3600 * NS_PER_S) / 2))
    kinds = {name: kind for name, kind in KINDS.items() if name != DEVICE or devices}
    wheel = [name for name, kind in kinds.items() for _ in range(kind.weight)]
    faults = [_draw_one(random, length_ns, wheel, devices) for _ in range(2 + random.below(most))]
    return sorted(faults)


def _draw_one(random: SeededRandom, length_ns: int, wheel: list[str], devices: Sequence[str]) -> Fault:
    name = wheel[random.below(len(wheel))]
    kind = KINDS[name]
    places: Sequence[str] = devices if name == DEVICE else kind.where
    where = places[random.below(len(places))] if places else ""
    amount = 0.0 if kind.amount is None else kind.amount.draw(random)
    for_s = 0.0 if kind.lasts_s is None else kind.lasts_s.draw(random)
    at_ms = random.below(max(1, length_ns // 1_000_000))
    return Fault(at_ms * 1_000_000, name, where, amount, for_s, random.bits() >> 1)


def clock_text(now_ns: int) -> str:
    """The mission's time as a label: `2026-01-01T00:00:12.345Z`."""
    wall_ms = (WALL_START_NS + now_ns) // 1_000_000
    days, of_day = divmod(wall_ms, S_PER_DAY * 1000)
    year, month, day = date_of(days)
    seconds, ms = divmod(of_day, 1000)
    return f"{year}-{month:02}-{day:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}Z"


def lines_of(faults: Iterable[Fault]) -> list[str]:
    """One line for each: when, what, where."""
    return [f"{clock_text(fault.at_ns)}  {fault}" for fault in faults]


__all__ = ["KINDS", "Fault", "FaultKind", "Quantity", "clock_text", "draw_faults", "lines_of"]
