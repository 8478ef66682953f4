"""What a file may declare as its procedure, and what its form then takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_ground.procedures.arguments import checked_arguments
from kittiwake_ground.procedures.declared import Declared, ProcedureFault, load_procedure
from kittiwake_ground.procedures.describing import describe

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
from enum import Enum
from typing import Annotated, Literal
from kittiwake_ground.client import Deployment, RunLog
from kittiwake_ground.procedures import Range, Size, procedure

class Side(Enum):
    LEFT = "l"
    RIGHT = "r"

"""


def declared(folder: Path, arguments: str, decorator: str = "@procedure") -> Declared:
    path = folder / "tried.py"
    path.write_text(f"{HEAD}{decorator}\ndef tried({arguments}):\n    '''Try it.'''\n    return locals()\n")
    return load_procedure(path)


def test_typed_arguments_make_a_form_and_arrive_as_they_were_declared(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        "station, log: RunLog, count: Annotated[int, Range(1, 9), 'How many.'], ratio: float = 1, on: bool = False, "
        "name: Annotated[str, Size(4)] = 'abc', way: Literal['to', 'fro'] = 'to', *, side: Side = Side.LEFT",
        "@procedure(hazardous=['*.RESET'])",
    )
    assert (found.doc, found.log_argument, found.hazardous) == ("Try it.", "log", ("*.RESET",))
    assert [one["name"] for one in found.arguments] == ["count", "ratio", "on", "name", "way", "side"]
    assert [one["required"] for one in found.arguments] == [True] + [False] * 5
    given = checked_arguments("tried", found.arguments, {"count": "7", "ratio": "0.5", "on": "yes", "side": "RIGHT"})
    assert given == {"count": 7, "ratio": 0.5, "on": True, "name": "abc", "way": "to", "side": "RIGHT"}
    called = found.function(None, log=None, **found.values(given))
    assert (called["side"].value, called["count"]) == ("r", 7)


@pytest.mark.parametrize(
    "given, words",
    [
        ({}, "'count' is missing"),
        ({"count": 0}, "count: 0 is outside 1 to 9"),
        ({"count": 1.5}, "count: I64 wants a whole number"),
        ({"count": 1, "ratio": "nan"}, "ratio: nan is no finite number"),
        ({"count": 1, "name": "hello"}, "name: text of 5 bytes"),
        ({"count": 1, "on": "perhaps"}, "on: "),
        ({"count": 1, "x": 1}, "has no argument 'x'; it takes count, ratio, on, name"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        "station, count: Annotated[int, Range(1, 9)], ratio: float = 1, on: bool = False, "
        "name: Annotated[str, Size(4)] = ''",
    )
    with pytest.raises(ValueError, match=words):
        checked_arguments("tried", found.arguments, given)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("", "takes no deployment"),
        ("station, count", "argument count has no type"),
        ("station, count: list", "argument count: list makes no form"),
        ("station, count: Annotated[str, Range(1, 2)]", "a Range is of numbers"),
        ("station, name: Annotated[str, Size(9999)]", "a Size is of a text"),
        ("station, count: int = 'x'", "'x' is no I64"),
        ("station, way: Literal['a'] = 'b'", "'b' is none of a"),
        ("station, way: Literal[1, 2]", "makes no form"),
        ("station, *rest: int", "each argument has a name"),
        ("station, " + ", ".join(f"a{n}: int" for n in range(70)), "at most 64 arguments"),
    ],
)
def test_a_function_that_makes_no_form_says_why(arguments: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProcedureFault, match=words):
        declared(tmp_path, arguments)


@pytest.mark.parametrize(
    "text, fault",
    [
        ("x = 1\n", "no function of it is declared @procedure"),
        ("def f(:\n", "line 1: SyntaxError: invalid syntax"),
        ("\nraise SystemExit(3)\n", "line 2: SystemExit: 3"),
        ("import sys\n1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        (HEAD + "@procedure\nasync def f(station): ...\n", "f is async"),
        (HEAD + "@procedure\ndef f(s): ...\n@procedure\ndef g(s): ...\n", "it declares two procedures, f, g"),
        ("from __future__ import annotations\n" + HEAD + "@procedure\ndef f(s: Missing): ...\n", "'Missing'"),
    ],
)
def test_a_file_that_is_no_procedure_is_described_by_its_fault(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.py"
    path.write_text(text)
    assert fault in describe(path)["fault"]


def test_files_in_the_folder_hide_no_modules_and_share_their_own(tmp_path: Path) -> None:
    (tmp_path / "_shared.py").write_text("WORD = 'shared'\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('hidden')\n")
    path = tmp_path / "uses.py"
    path.write_text(HEAD + "import json\nfrom _shared import WORD\n@procedure\ndef uses(s): return WORD\n")
    found = load_procedure(path)
    assert found.function(None) == "shared"
