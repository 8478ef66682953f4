"""The folder of procedures: each file of it is imported in a process of its own to see what it declares."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from kittiwake.faults import did_you_mean
from kittiwake_ground.procedures.arguments import command_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kittiwake.dictionary.entries import Command

MAX_PROCEDURES = 200
MAX_FILE_SIZE = 1 << 20
MAX_DESCRIPTION = 1 << 20
DESCRIBE_TIMEOUT_S = 20.0
AT_ONCE = 2
"""How many files are imported at the same time."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_OWN = ("KITTIWAKE_GROUND", "KITTIWAKE_GROUND_TOKEN")
"""What the environment of the server says to clients is not for procedures."""


class NoSuchProcedure(LookupError):
    """There is no procedure of that name."""


class NoProcedures(ValueError):
    """The ground station has no folder of procedures."""


@dataclass(frozen=True)
class Procedure:
    """A file of the folder. With a `fault` it cannot be started, and has nothing else.

    `arguments` are as the API has those of commands, with `required` and `default`; `hazardous` are patterns.
    """

    name: str
    path: Path
    doc: str = ""
    arguments: tuple[dict[str, Any], ...] = ()
    hazardous: tuple[str, ...] = ()
    fault: str = ""
    command: Command | None = field(default=None, compare=False)
    """The same in the shape of a command, for forms."""

    def hazards(self, hazardous: Iterable[str]) -> list[str]:
        """The commands, out of the hazardous ones of a deployment, that it may send once that is confirmed."""
        return sorted({one for one in hazardous if any(fnmatchcase(one, pattern) for pattern in self.hazardous)})


def process_environment() -> dict[str, str]:
    """The environment of a process that runs procedures."""
    return {name: value for name, value in os.environ.items() if name not in _OWN} | {"PYTHONUNBUFFERED": "1"}


class Shelf:
    """Lists a folder. A file is described again when it has changed."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = None if folder is None else folder.absolute()
        self._known: dict[str, tuple[tuple[int, int], Procedure]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    def names(self) -> dict[str, Path]:
        """The files by the names of their procedures. Those that begin with _ are modules of the others.

        Raises `NoProcedures`.
        """
        if self.folder is None:
            raise NoProcedures("this ground station has no procedures: serve with --procedures FOLDER")
        if not self.folder.is_dir():
            raise NoProcedures(f"{self.folder} is no folder")
        return {path.stem: path for path in sorted(self.folder.glob("[!_]*.py"))[:MAX_PROCEDURES]}

    async def all(self) -> list[Procedure]:
        """The procedures by name, those with faults too. Raises `NoProcedures`."""
        paths = self.names()
        self._known = {name: one for name, one in self._known.items() if name in paths}
        return await asyncio.gather(*[self._described(path) for path in paths.values()])

    async def one(self, name: str) -> Procedure:
        """The procedure of a name. Raises `NoSuchProcedure`, and what `all` does."""
        paths = self.names()
        if name not in paths:
            hint = did_you_mean(name, paths)
            raise NoSuchProcedure(f"no procedure {name!r}" + (f" ({hint})" if hint else ""))
        return await self._described(paths[name])

    async def _described(self, path: Path) -> Procedure:
        """A file as it is now; several ask for it at once, and it is imported once."""
        async with self._room:
            try:
                stamp = _stamp(path)
            except OSError as fault:
                return Procedure(path.stem, path, fault=f"it cannot be read: {fault.strerror}")
            before = self._known.get(path.stem)
            if before is not None and before[0] == stamp:
                return before[1]
            found = await _read(path, stamp[1])
            self._known[path.stem] = (stamp, found)
            return found


def _stamp(path: Path) -> tuple[int, int]:
    """What changes with a file, or with a module that procedures share. Raises `OSError`."""
    shared = max([one.stat().st_mtime_ns for one in path.parent.glob("_*.py")], default=0)
    status = path.stat()
    return max(status.st_mtime_ns, shared), status.st_size


async def _read(path: Path, size: int) -> Procedure:
    """What a file declares, or what is wrong with it."""
    if not _NAME.fullmatch(path.stem):
        return Procedure(path.stem, path, fault="a name has up to 80 letters, digits and _, a letter first")
    if size > MAX_FILE_SIZE:
        return Procedure(path.stem, path, fault=f"it is longer than {MAX_FILE_SIZE} bytes")
    told = await _describe(path)
    try:
        if "fault" in told:
            return Procedure(path.stem, path, fault=str(told["fault"]))
        doc, arguments, hazardous = str(told["doc"]), tuple(told["arguments"]), tuple(map(str, told["hazardous"]))
        return Procedure(path.stem, path, doc, arguments, hazardous, command=command_of(path.stem, doc, arguments))
    except (LookupError, ValueError, TypeError) as fault:
        return Procedure(path.stem, path, fault=f"an argument makes no form: {fault}")


async def _describe(path: Path) -> dict[str, Any]:
    """What a process of its own says of a file."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "kittiwake_ground.procedures.describing", str(path),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=process_environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DESCRIBE_TIMEOUT_S):
            answer = b""
            while len(answer) < MAX_DESCRIPTION and (piece := await process.stdout.read(65536)):
                answer += piece
        found = json.loads(answer)
    except TimeoutError:
        return {"fault": f"it did not import within {DESCRIBE_TIMEOUT_S:g} s"}
    except ValueError:
        return {"fault": "it ended the process that imported it"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()
    return found if isinstance(found, dict) else {"fault": "it says nothing of itself"}
