"""Checks a topology and lists the files that it is made of; `kittiwake run --dev` asks it in a process of its own.

Prints JSON on standard output: the paths of the topology's files and of the Python modules that were imported for it,
those of the interpreter and of installed packages left out. Faults go to standard error, and the status is then 1.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

from kittiwake.cli.build import compile_topology


def sources(topology: Path) -> list[str]:
    """The files of a topology that has been compiled in this process."""
    installed = [sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    files = {str(path.resolve()) for path in topology.parent.glob("*.y*ml")} | {str(topology.resolve())}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and not file.startswith(tuple(installed)):
            files.add(file)
    return sorted(files)


def main(arguments: list[str]) -> int:
    """Checks one topology; 1 if it has faults."""
    topology = Path(arguments[0])
    is_sound = compile_topology(topology) is not None
    print(json.dumps(sources(topology)))
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
