"""A deployment whose handler spins for ever, or one that ends at once: `stuck.py ROOT spin|end`."""

# ruff: noqa: T201 - it is a program, and its output is what the test reads

from __future__ import annotations

import sys
from typing import Any

from kittiwake.model import PassiveComponent, sync_port
from kittiwake.model.fw import Log
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake_components import FatalHandler


class Spinner(PassiveComponent):
    """Turns in a circle, half a second after the start."""

    def start(self) -> None:
        if sys.argv[2] == "spin":
            self.clock.call_after(0.5, self.spin_for_ever)
        else:
            self.clock.call_after(0.1, self._context.deployment.request_stop, "the end")

    def spin_for_ever(self) -> None:
        """Does not come back."""
        while True:
            pass


class Printer(PassiveComponent):
    """Prints the arguments of every event."""

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Any, arguments: bytes) -> None:
        """One event."""
        print(arguments, flush=True)


def main() -> None:
    """Runs it."""
    platform = SystemPlatform()
    image = {
        "name": "Stuck", "version": "", "dictionary_hash": "", "connections": [], "services": {"event": 2},
        "packets": [], "parameters": [],
        "instances": [
            ("handler", FatalHandler, 0x100, 1, 0, "", {"stall_limit_s": 1}), ("spinner", Spinner, 0x200, 1, 0, "", {}),
            ("printer", Printer, 0x300, 1, 0, "", {}),
        ],
    }  # fmt: skip
    print(Deployment(image, platform, Root(platform.files, sys.argv[1])).run(), flush=True)


if __name__ == "__main__":
    main()
