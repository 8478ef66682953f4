"""The process that imports a procedure to see what it declares.

`python -m kittiwake_ground.procedures.describing FILE` prints one JSON object: what `Declared.described` gives, or
`{"fault": "..."}`. What the file prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from kittiwake_ground.procedures.declared import load_procedure

MAX_FAULT = 1000


def describe(path: Path) -> dict[str, Any]:
    """What is told of a file, whatever it does."""
    try:
        return load_procedure(path).described()
    except BaseException as fault:  # noqa: BLE001 - a file that ends the process by SystemExit has a fault, too
        return {"fault": fault_text(fault, path)}


def fault_text(fault: BaseException, path: Path) -> str:
    """A fault with the line of the procedure that it comes from."""
    line = getattr(fault, "lineno", None) if isinstance(fault, SyntaxError) else None
    trace = fault.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    said = fault.msg if isinstance(fault, SyntaxError) else str(fault)
    text = f"{type(fault).__name__}: {said}" if said else type(fault).__name__
    if type(fault).__name__ == "ProcedureFault":
        text = said
    return (f"line {line}: {text}" if line else text)[:MAX_FAULT]


def main() -> None:
    """Describes the file of the first argument."""
    answer = os.dup(1)
    os.dup2(2, 1)
    found = json.dumps(describe(Path(sys.argv[1])))
    with os.fdopen(answer, "w") as file:
        file.write(found)
    sys.stdout.flush()
    os._exit(0)  # threads that the file began are nobody's


if __name__ == "__main__":
    main()
