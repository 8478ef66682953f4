"""The ground's work for a deployment that schedules jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.simulation.surroundings.base import Part, instances_of

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image


class JobsPart(Part):
    """Adds jobs that come often, and looks at them."""

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(instances_of(image, "Scheduler") and instances_of(image, "CommandDispatcher"))

    def commands(self) -> list[str]:
        scheduler = instances_of(self.image, "Scheduler")[0]
        no_op = instances_of(self.image, "CommandDispatcher")[0] + ".CMD_NO_OP"
        often = "every 5m from 2026-01-01T00:00"
        return [
            f'{scheduler}.JOB_ADD "often", "{often}", "", COMMAND, "{no_op}", ALL, AT_LEAST_ONCE',
            f'{scheduler}.JOB_ADD "once", "{often}", "", COMMAND, "{no_op}", ONCE, AT_MOST_ONCE',
            f'{scheduler}.JOB_REMOVE "once"',
        ]


__all__ = ["JobsPart"]
