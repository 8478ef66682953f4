"""A ModeManager with a battery whose voltage the test sets."""

from __future__ import annotations

from typing import Any

from kittiwake.testing import ComponentTester
from kittiwake_components import ModeManager

FULL = 8.4
SAFE, NORMAL, HIBERNATE, PAYLOAD = 1, 2, 3, 4


class Satellite:
    """The tester of one, `volts` the battery; a cycle each second while `live` runs."""

    def __init__(self, **options: Any) -> None:
        self.volts = FULL
        self.tester = ComponentTester(ModeManager, returns={"voltage_get": lambda: self.volts}, **options)

    def live(self, seconds: int) -> None:
        """So many cycles of 1 Hz."""
        for _ in range(seconds):
            self.tester.call.run(0)
            self.tester.advance(1.0)

    @property
    def mode(self) -> int:
        """The mode in force, by its number."""
        return int(self.tester.call.get_mode())

    def events(self) -> list[str]:
        """The names of the events since the last look."""
        names = self.tester.events.names()
        self.tester.events.clear()
        return names

    def loads(self) -> set[int]:
        """The loads that are on, by the calls of the switches so far."""
        on: set[int] = set()
        for kind, name, _ in self.tester.trace:
            if kind == "port" and name.startswith("load_switch_turn_"):
                index = int(name[name.index("[") + 1 : -1])
                on = on | {index} if "_on" in name else on - {index}
        return on

    def __enter__(self) -> Satellite:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.tester.__exit__(kind, *rest)
