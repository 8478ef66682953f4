"""Cuts a scenario at every file operation, and looks at what the next start finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.simulated import PowerCut, SimulatedPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = "/data"
OUTCOMES = 8


class Trace:
    """What a scenario set out to write, and what it was told is safe."""

    def __init__(self) -> None:
        self.attempted: list[bytes] = []
        self.acknowledged: list[bytes] = []


def new_platform(seed: int = 0) -> SimulatedPlatform:
    """A machine with an empty, durable folder."""
    platform = SimulatedPlatform(seed)
    platform.files.make_folder(FOLDER)
    platform.files.sync_folder("/")
    return platform


def every_cut(scenario: Callable[[SimulatedPlatform, Trace], None]) -> Iterator[tuple[SimulatedPlatform, Trace]]:
    """The machine as it starts again after each cut, with several outcomes of each, and what had been promised."""
    whole = new_platform()
    first = whole.files.operations + 1
    scenario(whole, Trace())
    assert whole.files.operations > first
    for operation in range(first, whole.files.operations + 1):
        for after in (False, True):
            for outcome in range(OUTCOMES):
                platform = new_platform(seed=outcome * 7919 + operation)
                platform.files.cut_at(operation, after=after)
                trace = Trace()
                try:
                    scenario(platform, trace)
                except PowerCut:
                    pass
                yield (platform.restart() if outcome == 0 else platform.crash()), trace


def write_all(write: Callable[[bytes], object], payloads: list[bytes], trace: Trace) -> None:
    """Writes payloads in turn and keeps the books."""
    for payload in payloads:
        trace.attempted.append(payload)
        write(payload)
        trace.acknowledged.append(payload)


def old_or_new(trace: Trace) -> set[bytes | None]:
    """What a file that is replaced as a whole may hold: what was acknowledged last, or what was under way."""
    last = trace.acknowledged[-1] if trace.acknowledged else None
    under_way = trace.attempted[len(trace.acknowledged) :]
    return {last, *under_way}
