"""The rules of the house that no linter checks: names, sizes, docstrings, requirements, and what the device imports."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = ("framework/kittiwake", "components/kittiwake_components", "ground/kittiwake_ground")
FOLDERS = (*PACKAGES, "tests", "bench", "docs")
DEVICE_LAYERS = ("model", "platform", "replay", "runtime", "simulation", "storage", "wire")
DEVICE_PATH = (
    *(f"framework/kittiwake/{layer}" for layer in DEVICE_LAYERS),
    "components/kittiwake_components",
)
CUPBOARDS = {"util", "utils", "helper", "helpers", "common", "misc"}
SIZE_LIMIT = 600
FUNCTION_LIMIT = 60
MADE_QUICKLY = {("typing", "NamedTuple"): "kittiwake.named_tuple", ("enum", "IntEnum"): "kittiwake.int_enum"}
"""What the device path derives classes from -> where it is to be taken from instead."""
# Each costs milliseconds of boot, and the first tick is due within seven bare interpreter starts.
SLOW_MODULES = {
    "argparse", "asyncio", "attr", "attrs", "dataclasses", "datetime", "decimal", "inspect", "json", "logging",
    "pathlib", "re", "shutil", "subprocess", "tempfile", "uuid",
}  # fmt: skip
# Modules over slow libraries, and folders of them, which are themselves imported only when they are used.
LOADED_WHEN_USED = (
    "components/kittiwake_components/bacnet_application.py",
    "components/kittiwake_components/bacnet_server/objects.py",
    "components/kittiwake_components/building_api/served/",
    "components/kittiwake_components/mqtt_bridge/connection.py",
    "components/kittiwake_components/platform_driver/drivers/sessions/",
)
REQUIREMENT = re.compile(r"\bREQ-[A-Z0-9]+-\d+\b")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~:/-])/(?:root|work|farm|home/\w+|Users/\w+)/")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".seq", ".json", ".fpp", ".cfg", ".ini", ".sh", ""}


def modules(folders: tuple[str, ...]) -> list[Path]:
    """The Python files below the folders that exist."""
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts
    )


def texts() -> Iterator[Path]:
    """The files that people write: those of the folders above, and those at the top."""
    for folder in (*FOLDERS, "topologies", "sequences", "procedures", ".ci"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in TEXT_SUFFIXES)
    # In a linked work tree `.git` is a file.
    top = (path for path in ROOT.iterdir() if path.is_file() and path.name != ".git")
    yield from (path for path in top if path.suffix in TEXT_SUFFIXES)


def matches(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern occurs in what people write, as file:line: text; not in pages that git ignores."""
    found = []
    for path in texts():
        if "__pycache__" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def relative(paths: list[Path]) -> list[str]:
    """The paths as the reader knows them."""
    return [str(path.relative_to(ROOT)) for path in paths]


def imports_at_module_level(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each import that runs when the module is imported."""
    for node in runs_at_import(tree):
        yield from ((node.lineno, name.partition(".")[0]) for name in imported_modules(node))


def imported_modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The modules that an import names; those of this package, as `from . import json` has them, are left out."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0, module=str(module)):
            return [module]
    return []


def runs_at_import(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module is imported."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                waiting.extend(node.orelse)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                pass
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def is_loaded_when_used(path: Path) -> bool:
    """Whether the module is one of those that nobody may import at module level."""
    return str(path.relative_to(ROOT)).startswith(LOADED_WHEN_USED)


def calls_of_open(tree: ast.Module) -> Iterator[int]:
    """The lines that call the built-in `open`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node.lineno


STARTS_OF_THREADS = {"threading": {"Thread", "Timer"}, "_thread": {"start_new_thread"}, "concurrent.futures": None}


def starts_of_threads(tree: ast.Module) -> Iterator[int]:
    """The lines that name what starts a thread, by import or by attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = STARTS_OF_THREADS.get(node.module or "", set())
            if names is None or names & {alias.name for alias in node.names}:
                yield node.lineno
        elif isinstance(node, ast.Import) and any(alias.name == "concurrent.futures" for alias in node.names):
            yield node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = STARTS_OF_THREADS.get(node.value.id, set())
            yield from [node.lineno] if names and node.attr in names else []


def uncited(requirements: set[str], cited: str) -> set[str]:
    """The requirements that the text does not name."""
    return requirements - set(REQUIREMENT.findall(cited))


def component_folders() -> list[Path]:
    """The folders of `kittiwake_components` that hold a component."""
    base = ROOT / "components/kittiwake_components"
    return sorted(path for path in base.iterdir() if path.is_dir() and path.name != "ports" and any(path.glob("*.py")))


def test_no_module_is_a_cupboard() -> None:
    everything = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    assert relative([path for path in everything if path.stem in CUPBOARDS]) == []


def test_no_module_outgrows_its_reader() -> None:
    sizes = {path: path.read_text(encoding="utf-8").count("\n") for path in modules(FOLDERS)}
    assert relative([path for path, size in sizes.items() if size > SIZE_LIMIT]) == []


def test_no_function_outgrows_its_reader() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for path in modules((*PACKAGES, "bench", "docs"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LIMIT
    ]
    assert long == []


def test_every_module_says_what_it_is() -> None:
    def silent(path: Path) -> bool:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        return bool(tree.body) and ast.get_docstring(tree) is None

    assert relative([path for path in modules(FOLDERS) if silent(path)]) == []


def test_nothing_is_marked_as_unfinished() -> None:
    assert matches(UNFINISHED) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert matches(MACHINE_PATH) == []


def test_the_device_path_imports_nothing_slow_at_module_level() -> None:
    slow = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules(DEVICE_PATH)
        if not is_loaded_when_used(path)
        for line, name in imports_at_module_level(ast.parse(path.read_text(encoding="utf-8")))
        if name in SLOW_MODULES
    ]
    assert slow == []


def test_the_device_path_makes_its_classes_quickly() -> None:
    slow = []
    for path in modules(DEVICE_PATH):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bases = {ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases}
        for node in runs_at_import(tree):
            if isinstance(node, ast.ImportFrom):
                taken = {(node.module or "", alias.name) for alias in node.names if alias.name in bases}
                slow += [f"{path.relative_to(ROOT)}: {MADE_QUICKLY[one]}" for one in taken & MADE_QUICKLY.keys()]
    assert slow == []


def test_what_is_loaded_when_used_is_imported_by_nobody_before() -> None:
    late = tuple(place.partition("/")[2].removesuffix(".py").strip("/").replace("/", ".") for place in LOADED_WHEN_USED)
    early = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules(PACKAGES)
        if not is_loaded_when_used(path)
        for node in runs_at_import(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_modules(node)
        if name.startswith(late)
    ]
    assert early == []


def test_the_device_path_opens_files_only_in_the_system_platform() -> None:
    opened = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules(DEVICE_PATH)
        if not (path.parent.name == "platform" and path.name.startswith("system"))
        for line in calls_of_open(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert opened == []


def test_the_device_path_starts_threads_only_in_the_system_platform() -> None:
    """A replay starts none, and has what they did from its recording."""
    started = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules(DEVICE_PATH)
        if not (path.parent.name == "platform" and path.name.startswith("system"))
        for line in starts_of_threads(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert started == []


def test_each_component_folder_has_its_design_sheet() -> None:
    assert relative([folder for folder in component_folders() if not (folder / "README.md").is_file()]) == []


def test_each_requirement_of_a_design_sheet_is_cited_by_a_test() -> None:
    sheets = (folder / "README.md" for folder in component_folders())
    required = {name for sheet in sheets if sheet.is_file() for name in REQUIREMENT.findall(sheet.read_text())}
    elsewhere = (path for path in modules(("tests",)) if "house" not in path.parts)
    assert uncited(required, "\n".join(path.read_text(encoding="utf-8") for path in elsewhere)) == set()


@pytest.mark.parametrize(
    "source, seen",
    [
        ("import json", ["json"]),
        ("from os.path import join", ["os"]),
        ("if TYPE_CHECKING:\n    import json\nelse:\n    import re", ["re"]),
        ("def load():\n    import json", []),
        ("try:\n    import json\nexcept ImportError:\n    pass", ["json"]),
        ("class Holder:\n    import json", ["json"]),
        ("from . import json", []),
    ],
)
def test_the_import_check_sees_what_runs_at_import(source: str, seen: list[str]) -> None:
    assert [name for _, name in imports_at_module_level(ast.parse(source))] == seen


def test_the_open_check_tells_the_built_in_from_methods() -> None:
    assert list(calls_of_open(ast.parse("files.open(path)\nopen(path)"))) == [2]


@pytest.mark.parametrize(
    "source, lines",
    [
        ("from threading import Lock\nfrom threading import Event, Thread", [2]),
        ("import threading\nthreading.Thread(target=print)", [2]),
        ("import threading\nthreading.Timer(1, print)\nthreading.Event()", [2]),
        ("def late():\n    from _thread import get_ident, start_new_thread", [2]),
        ("from concurrent.futures import ThreadPoolExecutor\nimport concurrent.futures", [1, 2]),
        ("self.platform.start_thread('x', print)", []),
    ],
)
def test_the_thread_check_sees_what_starts_one(source: str, lines: list[int]) -> None:
    assert sorted(starts_of_threads(ast.parse(source))) == lines


def test_the_text_checks_see_what_they_look_for() -> None:
    assert uncited({"REQ-SM-001", "REQ-SM-002"}, "holds REQ-SM-001") == {"REQ-SM-002"}
    assert UNFINISHED.search("# TO" + "DO: later")
    assert MACHINE_PATH.search("cd /ro" + "ot/x")
    assert not MACHINE_PATH.search("https://example.org/work/x")
