"""An archive with an hour of a reference deployment in it: a ramp, commands, boots and link states."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake.dictionary.load import load_dictionary
from kittiwake_ground.archive import Archive, ChannelDeclaration, NewEvent

if TYPE_CHECKING:
    from pathlib import Path

SECOND_US = 1_000_000
OUTAGE = range(1_500, 1_800)
"""Seconds of the hour in which the link was down."""
DISPATCHED = "CdhCore.cmdDisp.CommandsDispatched"
BOOTS = "ReferenceDeployment.startupManager.BootCount"
NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
NO_OP_SAID = "CdhCore.cmdDisp.NoOpReceived"


class PastHour(NamedTuple):
    """The hour [start, end), microseconds since 1970. Second n has the value n of `DISPATCHED`; boot 2 is at half."""

    start_us: int
    end_us: int


def write_past_hour(folder: Path, dictionary: Path, now_us: int, deployment: str = "station") -> PastHour:
    """Writes the hour that ended ten minutes ago into the archive of a ground station's folder."""
    known = load_dictionary(str(dictionary))
    start_us = (now_us - 4_200 * SECOND_US) // SECOND_US * SECOND_US
    hour = PastHour(start_us, start_us + 3_600 * SECOND_US)

    def tag(second: int) -> int:
        return 2 << 64 | start_us + second * SECOND_US

    samples = [(DISPATCHED, tag(one), start_us + one * SECOND_US, one) for one in range(3_600)]
    samples += [(BOOTS, tag(one), start_us + one * SECOND_US, 1 + one // 1_800) for one in (0, 1_800)]
    with Archive(folder / "archive") as archive:
        declared = [ChannelDeclaration(one.name, one.type.name, one.unit) for one in known.channels.values()]
        archive.declare(deployment, known.hash, declared)
        archive.add_samples(deployment, samples)
        archive.add_events(
            deployment,
            [
                NewEvent(NO_OP_SAID, "ACTIVITY_HI", tag(one), start_us + one * SECOND_US, f"no-op of second {one}")
                for one in range(0, 3_600, 60)
            ],
        )
        for minute in range(0, 60, 10):
            at_us = start_us + minute * 60 * SECOND_US
            id = archive.record_command(deployment, NO_OP, known.commands[NO_OP].opcode, {}, by="ada", at_us=at_us)
            for number, state in enumerate(("sent", "dispatched", "completed"), 1):
                archive.update_command(
                    id, state, at_us=at_us + number * SECOND_US, response="OK" if number == 3 else ""
                )
        archive.add_link_state(deployment, "up", at_us=start_us)
        archive.add_link_state(deployment, "down", "out of sight", at_us=start_us + OUTAGE.start * SECOND_US)
        archive.add_link_state(deployment, "up", at_us=start_us + OUTAGE.stop * SECOND_US)
        archive.add_link_state(deployment, "down", "stopped", at_us=hour.end_us)
    return hour
