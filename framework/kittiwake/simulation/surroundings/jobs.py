"""The ground's work for a deployment that schedules jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.simulation.surroundings.base import Part, instances_of

if TYPE_CHECKING:
    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.runtime.image import Image


class JobsPart(Part):
    """Adds jobs that come often, and takes them away again: a device that sleeps has to wake for them."""

    def __init__(self, image: Image, random: SeededRandom) -> None:
        super().__init__(image, random)
        self._scheduler = instances_of(image, "Scheduler")[0]
        self._no_op = instances_of(image, "CommandDispatcher")[0] + ".CMD_NO_OP"

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(instances_of(image, "Scheduler") and instances_of(image, "CommandDispatcher"))

    def first_commands(self) -> list[str]:
        return [job_line(self._scheduler, "often", self._no_op)]

    def commands(self) -> list[str]:
        once = job_line(self._scheduler, "once", self._no_op, "ONCE, AT_MOST_ONCE")
        return [once, f'{self._scheduler}.JOB_REMOVE "once"']


def job_line(scheduler: str, name: str, command: str, policies: str = "ALL, AT_LEAST_ONCE") -> str:
    """The command that adds a job which is due every five minutes."""
    return f'{scheduler}.JOB_ADD "{name}", "every 5m from 2026-01-01T00:00", "", COMMAND, "{command}", {policies}'


__all__ = ["JobsPart", "job_line"]
