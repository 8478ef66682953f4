"""Procedures: Python programs that the ground station runs for operators, each in a process of its own.

from typing import Annotated

from kittiwake_ground.client import Deployment, RunLog
from kittiwake_ground.procedures import Range, procedure

@procedure
def check_out(station: Deployment, log: RunLog, rounds: Annotated[int, Range(1, 10), "How often."] = 3) -> None:
    '''Check that the dispatcher answers.'''
    for number in range(rounds):
        log.step(f"Round {number + 1}")
        station.send("CdhCore.cmdDisp.CMD_NO_OP")
        station.expect("CdhCore.cmdDisp.NoOpReceived")
"""

from kittiwake.model.types import Range, Size
from kittiwake_ground.procedures.declared import procedure

__all__ = ["procedure", "Range", "Size"]
