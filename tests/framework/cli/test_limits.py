"""`limits compile|check|show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = """\
limits: Small
watchpoints:
  many:
    channel: CdhCore.cmdDisp.CommandErrors
    is: '> 3'
actionpoints:
  say:
    when: many
    command: 'CdhCore.cmdDisp.CMD_NO_OP_STRING "many errors"'
"""


@pytest.fixture
def limits(folder: Path) -> Path:
    (folder / "l.yaml").write_text(TEXT)
    return folder / "l.yaml"


def test_a_table_is_compiled_beside_its_text_and_shown_again(
    kittiwake: Callable[..., Any], limits: Path, dictionary: Path
) -> None:
    assert kittiwake("limits", "compile", "l.yaml", "-d", dictionary) == (0, "l.bin\n", "")
    assert kittiwake("limits", "show", "l.bin", "-d", dictionary) == (0, TEXT, "")


def test_check_says_what_is_there_and_every_fault(
    kittiwake: Callable[..., Any], limits: Path, folder: Path, dictionary: Path
) -> None:
    (folder / "bad.yaml").write_text(TEXT.replace("> 3", "> -3").replace("when: many", "when: may"))
    kittiwake("limits", "compile", "l.yaml", "-d", dictionary)
    size = (folder / "l.bin").stat().st_size
    status, out, err = kittiwake("limits", "check", "bad.yaml", "l.yaml", "absent.yaml", "-d", dictionary)
    assert (status, out) == (1, f"l.yaml: Small, 1 watchpoints, 1 actionpoints, {size} bytes\n")
    places = [line.partition(": ")[0] for line in err.splitlines() if line.startswith("bad")]
    assert places == ["bad.yaml:5:9", "bad.yaml:8:11"]
    assert "absent.yaml: No such file" in err


def test_what_is_no_table_is_not_shown(kittiwake: Callable[..., Any], limits: Path, dictionary: Path) -> None:
    status, out, err = kittiwake("limits", "show", "l.yaml", "-d", dictionary)
    assert (status, out) == (1, "")
    assert err == "kittiwake limits show: l.yaml: it is no table of limits\n"


def test_the_text_is_never_overwritten(kittiwake: Callable[..., Any], limits: Path, dictionary: Path) -> None:
    assert kittiwake("limits", "compile", "l.yaml", "-d", dictionary, "-o", "l.yaml").status == 2
    assert limits.read_text() == TEXT
