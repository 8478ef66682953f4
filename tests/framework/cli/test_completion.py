"""`kittiwake completion`: the scripts, in the shells that are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_ASK = {
    "bash": """
        source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _kittiwake; printf "%s\\n" "${COMPREPLY[@]}"
    """,
    # zsh's own completion system only runs at a prompt: its functions are stood in for.
    "zsh": """
        compdef() { : }
        compadd() { emulate -L zsh; print -l -- ${(M)COMPREPLY:#${words[-1]}*} }
        _files() { print -l -- ${~:-${words[-1]}*}(N) }
        source "$1"; shift; words=("$@"); CURRENT=$#words; _kittiwake_zsh
    """,
    "fish": 'source $argv[1]; complete -C (string join -- " " $argv[2..-1])',
}


@pytest.fixture(params=["bash", "zsh", "fish"])
def complete(request: pytest.FixtureRequest, kittiwake: Callable[..., Any], folder: Path) -> Callable[..., set[str]]:
    """Gives what the shell offers for the last of some words."""
    shell = shutil.which(request.param)
    if shell is None:
        pytest.skip(f"{request.param} is not installed")
    (folder / "script").write_text(kittiwake("completion", request.param).out)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8"}

    def ask(*words: str) -> set[str]:
        name = [] if request.param == "fish" else ["-"]
        command = [shell, *(["-f"] if request.param == "zsh" else []), "-c", _ASK[request.param], *name, "./script"]
        done = subprocess.run(
            [*command, "kittiwake", *words], capture_output=True, text=True, env=environment, timeout=30, check=False
        )
        assert done.stderr == ""
        return {line.split("\t")[0].rstrip("/") for line in done.stdout.splitlines() if line}

    return ask


def test_commands_are_completed(complete: Callable[..., set[str]]) -> None:
    assert complete("s") == {"seq", "schema", "sim"}
    assert complete("ground", "") >= {"send", "events", "channels", "upload", "download"}
    assert complete("ground", "sh") == {"shell"}
    assert complete("ground", "plo") == {"plot"}
    assert complete("ground", "plot", "--s") >= {"--svg", "--server"}
    assert complete("keys", "r") == {"rotate"}
    assert complete("new", "") == {"deployment", "component", "topology"}
    assert complete("explain", "s") == {"silent", "safe"}
    assert complete("ground", "params", "d") == {"diff"}
    assert complete("ground", "seq", "") >= {"compile", "upload", "run", "follow"}


def test_options_and_their_values_are_completed(complete: Callable[..., set[str]]) -> None:
    assert complete("seq", "compile", "--t") == {"--topology", "--time-base"}
    assert complete("run", "--fr") == {"--framing"}
    assert complete("run", "--de") == {"--dev"}
    assert complete("ground", "events", "--severity", "WARN") == {"WARNING_HI", "WARNING_LO"}
    assert complete("graph", "--format", "s") == {"svg"}


def test_files_are_completed_where_files_belong(complete: Callable[..., set[str]], folder: Path) -> None:
    (folder / "abc.seq").write_text("")
    assert "abc.seq" in complete("seq", "compile", "ab")
    assert "abc.seq" in complete("graph", "-o", "ab")


def test_command_names_come_from_the_dictionary(
    complete: Callable[..., set[str]], folder: Path, dictionary: Path
) -> None:
    assert complete("ground", "send", "CdhCore.cmdDisp.CMD_NO") == set()
    (folder / "build").mkdir()
    shutil.copy(dictionary, folder / "build")
    expected = {"CdhCore.cmdDisp.CMD_NO_OP", "CdhCore.cmdDisp.CMD_NO_OP_STRING"}
    assert complete("ground", "send", "CdhCore.cmdDisp.CMD_NO") == expected


def test_the_list_of_commands_needs_a_dictionary(kittiwake: Callable[..., Any], folder: Path, dictionary: Path) -> None:
    assert "CdhCore.version.VERSION" in kittiwake("completion", "commands", "-d", dictionary).out.split()
    status, out, err = kittiwake("completion", "commands")
    assert (status, out) == (2, "")
    assert "which dictionary?" in err
    assert kittiwake("completion", "tcsh").status == 2
