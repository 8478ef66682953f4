"""The code pack: modules come from it exactly as they would from their sources, or they come from their sources."""

from __future__ import annotations

import importlib
import importlib.resources
import inspect
import marshal
import os
import signal
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import kittiwake
from kittiwake import compiled
from kittiwake.cli.code_pack import MAGIC, CodePack, pack_path
from kittiwake.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PACKAGE = "packed_probe"
BEACON = f"{PACKAGE}.beacon"
START_S = 30

Start = dict[str, Any]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of two modules on the search path."""
    folder = tmp_path / "sources" / PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "beacon.py").write_text("from . import lamp\nVALUE = 1\n\ndef fail():\n    raise KeyError(lamp.COLOUR)\n")
    (folder / "lamp.py").write_text("COLOUR = 'red'\n")
    (folder / "notes.txt").write_text("two flashes")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    forget()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the pack is kept."""
    return tmp_path / "probe.pack"


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    importlib.invalidate_caches()


def start(path: Path | str, name: str = BEACON) -> Any:
    """A start that imports one module and what that imports, as a process of its own would."""
    forget()
    pack = CodePack(str(path))
    try:
        module = importlib.import_module(name)
        pack.keep()
        return module
    finally:
        pack.close()


def alter(source: Path, before: str, after: str) -> None:
    """Changes a source so that nobody notices: with its size and its time as they were, and no `.pyc` left."""
    status = source.stat()
    source.write_text(source.read_text().replace(before, after))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    for cached in source.parent.rglob("*.pyc"):
        cached.unlink()


def test_the_next_start_takes_the_code_from_the_pack(sources: Path, path: Path) -> None:
    assert start(path).VALUE == 1
    alter(sources / "beacon.py", "VALUE = 1", "VALUE = 2")
    assert start(path).VALUE == 1
    assert start("").VALUE == 2


def test_a_module_of_the_pack_is_as_one_of_the_file_system(sources: Path, path: Path) -> None:
    plain = start(path)
    as_it_is = {name: getattr(plain.__spec__, name) for name in ("name", "origin", "cached", "parent", "has_location")}
    packed = start(path)
    assert packed.__spec__.loader is not plain.__spec__.loader
    assert {name: getattr(packed.__spec__, name) for name in as_it_is} == as_it_is
    assert (packed.__file__, packed.__cached__, packed.__package__) == (
        plain.__file__, plain.__cached__, plain.__package__,
    )  # fmt: skip
    package = sys.modules[PACKAGE]
    assert list(package.__path__) == [str(sources)]
    assert inspect.getsource(packed.fail) == "def fail():\n    raise KeyError(lamp.COLOUR)\n"
    assert importlib.resources.files(package).joinpath("notes.txt").read_text() == "two flashes"
    with pytest.raises(KeyError) as caught:
        packed.fail()
    assert "raise KeyError(lamp.COLOUR)" in traceback.format_exception(caught.value)[-2]
    assert importlib.reload(packed).VALUE == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda source: source.write_text("VALUE = 25\n"),
        lambda source: os.utime(source, ns=(1, 1)),
    ],
    ids=["size", "time"],
)
def test_a_source_that_has_changed_is_read(sources: Path, path: Path, change: Callable[[Path], Any]) -> None:
    start(path)
    alter(sources / "beacon.py", "VALUE = 1", "VALUE = 2")
    assert start(path).VALUE == 1
    change(sources / "beacon.py")
    value = start(path).VALUE
    assert value != 1
    alter(sources / "beacon.py", f"VALUE = {value}", f"VALUE = {value + 1}")
    assert value == start(path).VALUE  # that is in the pack now


def test_a_source_that_is_gone_is_missed(sources: Path, path: Path) -> None:
    start(path)
    for file in (*sources.rglob("*.pyc"), sources / "lamp.py"):
        file.unlink()
    with pytest.raises(ImportError, match="lamp"):
        start(path)


def test_another_search_path_makes_the_pack_stale(
    sources: Path, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(path)
    (tmp_path / "newer" / PACKAGE).mkdir(parents=True)
    (tmp_path / "newer" / PACKAGE / "__init__.py").write_text("")
    (tmp_path / "newer" / PACKAGE / "beacon.py").write_text("VALUE = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path / "newer"))
    assert start(path).VALUE == 3


def test_a_module_that_comes_first_on_the_same_search_path_is_seen(
    sources: Path, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "first"))
    start(path)
    sources.rename(sources.parent / "away")
    (tmp_path / "first" / PACKAGE).mkdir()
    (tmp_path / "first" / PACKAGE / "beacon.py").write_text("VALUE = 4\n")
    assert start(path).VALUE == 4


def damage(data: bytes) -> dict[str, bytes]:
    middle = len(data) // 2
    return {
        "empty": b"",
        "another format": b"KWCODE9\0" + data[8:],
        "another interpreter": data[:8] + b"\0\0\0\0" + data[12:],
        "a bit of the checksum": data[: len(MAGIC)] + bytes((data[len(MAGIC)] ^ 1,)) + data[len(MAGIC) + 1 :],
        "a bit of the code": data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :],
        "half": data[:middle],
        "all but a byte": data[:-1],
        "only the mark": data[: len(MAGIC)],
        "a byte more": data + b"\0",
    }


def test_a_damaged_pack_is_left_aside_and_written_anew(sources: Path, path: Path) -> None:
    start(path)
    whole = path.read_bytes()
    for what, data in damage(whole).items():
        path.write_bytes(data)
        alter(sources / "beacon.py", "VALUE = 1", "VALUE = 2")
        assert start(path).VALUE == 2, what
        alter(sources / "beacon.py", "VALUE = 2", "VALUE = 1")
        assert start(path).VALUE == 2, f"{what}: it was not written anew"
        path.unlink()


def places_of(data: bytes) -> tuple[int, dict[str, Any]]:
    """Where the codes begin, and the place of each module."""
    start = len(MAGIC) + 8
    end = start + int.from_bytes(data[start - 4 : start], "big")
    return end, marshal.loads(data[start:end])[1]


def is_packed(name: str) -> bool:
    return type(sys.modules[name].__loader__).__name__ == "_PackedLoader"


def test_a_module_whose_code_is_damaged_comes_from_its_source(sources: Path, path: Path) -> None:
    start(path)
    whole = path.read_bytes()
    begin, places = places_of(whole)
    for name, place in places.items():
        for offset in (place[-3], place[-2] - 1):
            path.write_bytes(
                whole[: begin + offset] + bytes((whole[begin + offset] ^ 1,)) + whole[begin + offset + 1 :]
            )
            assert start(path).VALUE == 1
            assert {one for one in places if is_packed(one)} == set(places) - {name}
            assert places_of(path.read_bytes())[1].keys() == places.keys()
            start(path, name)
            assert is_packed(name), "it was not written anew"


def test_the_next_start_takes_over_what_was_compiled(
    sources: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "from kittiwake.compiled import compiled\nVALUE = eval(compiled('6 * 7', '<made>'))\n"
    (sources / "beacon.py").write_text(lines)
    monkeypatch.setattr(compiled, "_known", {})
    assert start(path).VALUE == 42
    source = ("6 * 7", "<made>", "eval")
    first = compiled.known()[source]
    monkeypatch.setattr(compiled, "_known", {})
    pack = CodePack(str(path))
    pack.close()
    assert compiled.known()[source] == first
    monkeypatch.setattr(compiled, "_known", {})
    written = path.stat().st_mtime_ns
    assert start(path).VALUE == 42
    assert path.stat().st_mtime_ns == written


def test_what_was_compiled_is_kept_though_no_module_was_missing(
    sources: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "_known", {})
    start(path)
    compiled.compiled("1 + 2", "<late>")
    start(path)
    monkeypatch.setattr(compiled, "_known", {})
    start(path)
    assert ("1 + 2", "<late>", "eval") in compiled.known()


def test_what_a_write_left_half_done_is_no_pack(sources: Path, path: Path) -> None:
    start(path)
    half = path.with_name(path.name + ".new")
    half.write_bytes(path.read_bytes()[:100])
    path.unlink()
    assert start(path).VALUE == 1
    assert not half.exists()
    assert path.read_bytes().startswith(MAGIC)


def test_a_start_that_needs_more_adds_it_and_keeps_the_rest(sources: Path, path: Path) -> None:
    start(path, f"{PACKAGE}.lamp")
    written = path.stat().st_mtime_ns, path.stat().st_size
    start(path, f"{PACKAGE}.lamp")
    assert (path.stat().st_mtime_ns, path.stat().st_size) == written
    start(path)
    start(path, f"{PACKAGE}.lamp")
    for name, before, after in (("beacon.py", "VALUE = 1", "VALUE = 2"), ("lamp.py", "red", "RED")):
        alter(sources / name, before, after)
    assert start(path).VALUE == 1
    assert sys.modules[f"{PACKAGE}.lamp"].COLOUR == "red"


@pytest.mark.parametrize("place", ["", "missing/probe.pack", "folder"])
def test_where_nothing_can_be_kept_nothing_is(place: str, sources: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert start(tmp_path / place if place else "").VALUE == 1
    assert not list(tmp_path.glob("**/*.pack"))


def test_a_start_that_is_refused_leaves_no_pack(sources: Path, path: Path) -> None:
    pack = CodePack(str(path))
    importlib.import_module(BEACON)
    pack.close()
    pack.keep()
    assert not path.exists()
    assert pack not in sys.meta_path


def test_the_pack_stands_where_python_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    own = importlib.util.cache_from_source(kittiwake.__spec__.origin or "")
    assert pack_path("Station") == own.replace("__init__", "Station").replace(".pyc", ".pack")
    assert pack_path("") == ""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert pack_path("Station") == ""


def test_a_deployment_starts_from_its_pack(small: Path, tmp_path: Path) -> None:
    assert main(["build", str(small), "-o", str(tmp_path)]) == 0
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": ""}
    script = tmp_path / "bin" / "kittiwake"
    script.parent.mkdir()
    script.write_text("import sys\nfrom kittiwake.cli.main import main\nsys.exit(main())\n")
    command = [sys.executable, "-v", str(script), "run", "Small.image", "--link", "none"]
    imported = []
    for _ in range(2):
        with (tmp_path / "imports").open("w+") as log:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
            assert process.stdout is not None
            assert any("TimeQualityChanged" in line for line in process.stdout)
            process.send_signal(signal.SIGTERM)
            assert "stopped: signal 15" in process.communicate(timeout=START_S)[0]
            log.seek(0)
            imported.append([line for line in log if line.startswith("import 'kittiwake_components.")])
    assert len(list((tmp_path / "cache").rglob("Small.*.pack"))) == 1
    assert not any("_PackedLoader" in line for line in imported[0])
    assert all("_PackedLoader" in line for line in imported[1])
    assert len(imported[0]) == len(imported[1]) > 50
