"""Decodes an archive's frames again by the one and the other of two dictionaries until it is killed.

`python redecoding_process.py ARCHIVE START_US END_US DICTIONARY DICTIONARY`.
"""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

from kittiwake.dictionary.load import load_dictionary
from kittiwake_ground.archive import Archive, Retention
from kittiwake_ground.redecoding import put_in_place, redecode


def main() -> None:
    """Says that it has begun, and goes on and on."""
    keep_all = Retention(None, None, None, None, None, None)
    start_us, end_us = int(sys.argv[2]), int(sys.argv[3])
    with Archive(Path(sys.argv[1]), keep_all, commit_interval_s=0.0) as archive:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        for path in cycle(sys.argv[4:]):
            put_in_place(archive, redecode(archive, "ref", load_dictionary(path), start_us, end_us, "fprime"))


if __name__ == "__main__":
    main()
