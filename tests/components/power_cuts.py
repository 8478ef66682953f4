"""Cuts the power of a component under test at every file operation of a scenario, and looks at its next boot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake.platform.simulated import PowerCut

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.testing import ComponentTester

OUTCOMES = 3
C = TypeVar("C", bound="ComponentTester[Any]")


def cut_everywhere(
    prepared: Callable[[int], C], scenario: Callable[[C, list[int]], None], judge: Callable[[C, list[int], Any], None]
) -> int:  # fmt: skip
    """Says how many file operations the scenario has.

    `prepared` makes a tester of a seed. The scenario notes what it was promised. `judge` sees the next boot, what had
    been noted, and the ports as they were when the power went. One outcome of each cut is a kill of the process alone.
    """
    whole = prepared(0)
    first: int = whole.files.operations + 1
    scenario(whole, [])
    last: int = whole.files.operations
    for operation in range(first, last + 1):
        for after in (False, True):
            for outcome in range(OUTCOMES):
                tester = prepared(operation * 31 + outcome)
                tester.files.cut_at(operation, after=after)
                noted: list[int] = []
                try:
                    scenario(tester, noted)
                except PowerCut:
                    pass
                ports = tester.ports
                if outcome == 0:
                    tester.restart()
                else:
                    tester.crash()
                judge(tester, noted, ports)
                tester.finish()
    return last - first + 1
