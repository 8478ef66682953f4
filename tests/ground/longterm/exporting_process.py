"""Exports an archive to Parquet again and again until it is killed.

`python exporting_process.py ARCHIVE FOLDER NOW_US`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kittiwake_ground.longterm.exporting import export_parquet


def main() -> None:
    """Writes every day anew each time, and says that it has begun."""
    archive, folder, now_us = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while True:
        export_parquet(archive, folder, now_us, again=True)


if __name__ == "__main__":
    main()
