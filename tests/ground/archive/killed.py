"""Archives samples until it is killed, and says on its standard output how many it has put in so far, and when.

`python killed.py FOLDER`: sample number n of channel A has the value n; each second number is also channel B's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from kittiwake_ground.archive import Archive, NewEvent
from kittiwake_ground.archive.archive import wall_us

START = 2 << 64 | 20_000 * 86_400_000_000


def main() -> None:
    """Puts in a hundred samples at a time, each 10 ms."""
    archive = Archive(Path(sys.argv[1]))
    number = 0
    while True:
        batch = []
        for _ in range(100):
            tag = START + number * 250_000
            batch += [(name, tag, 0, number) for name in "AB"[: 1 + (number % 2 == 0)]]
            number += 1
        archive.add_samples("Ref", batch, wait_s=5)
        archive.add_events("Ref", [NewEvent("a.E", "FATAL", START + number, wall_us(), str(number))])
        sys.stdout.write(f"{number} {time.monotonic()}\n")
        sys.stdout.flush()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
