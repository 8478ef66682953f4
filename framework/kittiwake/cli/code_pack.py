"""The code of all modules that a start imports, in one file: a start reads it instead of looking for two hundred.

Python keeps the code of each module in a `.pyc` file; to find, read and decode all of them is a sixth of the boot. A
pack holds what they hold, and what was compiled while the program ran (`kittiwake.compiled`). It stands beside them, in
`__pycache__` of the package `kittiwake`, and is trusted as they are; like them it is written by whoever imports first,
if the folder can be written, and each module in it is used only while its source has the size and the modification time
that it had. Whatever is missing, stale or damaged is imported as if there were no pack.
"""

from __future__ import annotations

import marshal
import os
import sys
from binascii import crc32
from importlib import _bootstrap_external
from importlib.machinery import ModuleSpec, SourceFileLoader

import kittiwake
from kittiwake import compiled

TYPE_CHECKING = False  # `typing` takes a tenth of the boot where it does not come from a pack
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import CodeType, ModuleType

    Module = tuple[str, str, bool, tuple[int, int], bytes]
    """Source file, its `.pyc`, whether it is a package, time and size of the source, the marshalled code."""
    Place = tuple[str, str, bool, tuple[int, int], int, int, int]
    """The same, but for where the code begins and ends behind the index, and its CRC-32."""

MAGIC = b"KWCODE3\0" + _bootstrap_external.MAGIC_NUMBER
"""Format, and the interpreter's mark of its byte code (PEP 3147).

There follow CRC-32 and size of the index, the index, and the code of each module, which is read, checked and decoded
only when that is imported: what is wanted after the first tick costs nothing before.
"""

MAX_INDEX_BYTES = 8 * 1024 * 1024
_HEADER = len(MAGIC) + 8


def pack_path(name: str) -> str:
    """Where the pack of a deployment of this name stands; empty where Python keeps no code."""
    cached = kittiwake.__spec__.cached
    if not name or not cached or sys.dont_write_bytecode:
        return ""
    folder, _, own = cached.rpartition("/")
    return f"{folder}/{own.replace('__init__', name, 1).removesuffix('.pyc')}.pack"


def _stamp(path: str) -> tuple[int, int]:
    """What changes when a source is written, or when a folder gets another entry. Raises `OSError`."""
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _search_path() -> list[tuple[str, int]]:
    """The folders that modules are looked for in, with their times: a new module might come before one of the pack."""
    found = []
    for folder in sys.path:
        try:
            found.append((folder, _stamp(folder or ".")[0]))
        except OSError:
            found.append((folder, 0))
    return found


class _PackedLoader(SourceFileLoader):
    """Loads a module as its source file would, but for where the code comes from."""

    def __init__(self, name: str, path: str, code: bytes) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType | None:
        code, self._code = self._code, b""
        found: CodeType | None = marshal.loads(code) if code else super().get_code(fullname)
        return found


class CodePack:
    """The pack of one deployment while it starts: a finder on `sys.meta_path`, before all others.

    Without a path nothing is read or written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._before = frozenset(sys.modules)
        self._search_path = _search_path()
        self._fd = -1
        self._start = 0
        self._places: dict[str, Place] = {}
        self._used: set[str] = set()
        self._learnt = 0
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._read()
        except (OSError, EOFError, TypeError, ValueError):
            self._places = {}
        sys.meta_path.insert(0, self)

    def _read(self) -> None:
        header = os.pread(self._fd, _HEADER, 0)
        size = int.from_bytes(header[-4:], "big")
        if header[: len(MAGIC)] != MAGIC or size > MAX_INDEX_BYTES:
            return
        index = os.pread(self._fd, size, _HEADER)
        if header[len(MAGIC) : -4] != crc32(index).to_bytes(4, "big"):
            return
        search_path, places, end, sources = marshal.loads(index)
        self._start = _HEADER + size
        if search_path == self._search_path and os.fstat(self._fd).st_size == self._start + end:
            self._places = places
            compiled.learn(sources)
            self._learnt = len(sources)

    def _code(self, place: Place) -> bytes:
        """The marshalled code of a module; empty where it is damaged."""
        *_, begin, end, checksum = place
        try:
            code = os.pread(self._fd, end - begin, self._start + begin)
        except OSError:
            return b""
        return code if crc32(code) == checksum else b""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module as the pack has it (PEP 451), or `None`: it is then looked for in the file system."""
        place = self._places.get(fullname)
        if place is None:
            return None
        source, cached, is_package, stamp, *_ = place
        try:
            if _stamp(source) != stamp:
                return None
        except OSError:
            return None
        code = self._code(place)
        if not code:
            return None
        self._used.add(fullname)
        spec = ModuleSpec(fullname, _PackedLoader(fullname, source, code), origin=source, is_package=is_package)
        spec.has_location = True
        spec.cached = cached
        if is_package:
            assert spec.submodule_search_locations is not None
            spec.submodule_search_locations.append(source.rpartition("/")[0])
        return spec

    def close(self) -> None:
        """Ends the use of the pack."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._places, self._used = {}, set()

    def keep(self) -> None:
        """Ends the use of the pack, after writing for the next start what was missing in it."""
        if self in sys.meta_path:
            missing = [spec for spec in self._imported() if spec.name not in self._used]
            is_short = missing or len(compiled.known()) > self._learnt
            if is_short and os.access(self._path.rpartition("/")[0], os.W_OK):
                self._write(missing)
        self.close()

    def _imported(self) -> Iterable[ModuleSpec]:
        """What has come from source files since the pack was opened."""
        for name, module in list(sys.modules.items()):
            spec = getattr(module, "__spec__", None)
            if spec is not None and name not in self._before and isinstance(spec.loader, SourceFileLoader):
                yield spec

    def _write(self, missing: Iterable[ModuleSpec]) -> None:
        # Starts with other options need other modules: what this one did not use stays.
        modules = {name: (*place[:4], self._code(place)) for name, place in self._places.items()}
        modules |= {spec.name: module for spec in missing if (module := _module_of(spec)) is not None}
        # A torn pack shows by its checksums, and costs nothing but a slower start: it is not worth a sync.
        try:
            with open(self._path + ".new", "wb") as file:
                file.write(_packed(self._search_path, modules))
            os.replace(self._path + ".new", self._path)
        except OSError:
            return


def _packed(search_path: list[tuple[str, int]], modules: Mapping[str, Module]) -> bytes:
    """The whole of a pack."""
    places: dict[str, Place] = {}
    end = 0
    for name, (source, cached, is_package, stamp, code) in modules.items():
        begin, end = end, end + len(code)
        places[name] = (source, cached, is_package, stamp, begin, end, crc32(code))
    index = marshal.dumps((search_path, places, end, dict(compiled.known())))
    codes = [code for *_, code in modules.values()]
    return b"".join([MAGIC, crc32(index).to_bytes(4, "big"), len(index).to_bytes(4, "big"), index, *codes])


def _module_of(spec: ModuleSpec) -> Module | None:
    if spec.origin is None or spec.cached is None or not isinstance(spec.loader, SourceFileLoader):
        return None
    try:
        stamp = _stamp(spec.origin)  # first: a source that changes meanwhile is stale at the next start
        code = spec.loader.get_code(spec.name)
    except (OSError, ImportError, SyntaxError):
        return None
    if code is None:
        return None
    return spec.origin, spec.cached, spec.submodule_search_locations is not None, stamp, marshal.dumps(code)
