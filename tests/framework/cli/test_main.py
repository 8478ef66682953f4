"""The `kittiwake` command itself: its table, its help and its exit statuses."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable


def leaves() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, (path, _) in COMMANDS.items():
        table = getattr(import_module(path), "COMMANDS", None)
        found += [(name, below) for below in table] if table else [(name,)]
    return found


@pytest.mark.parametrize("words", leaves(), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], kittiwake: Callable[..., Any]) -> None:
    status, out, err = kittiwake(*words, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: kittiwake {' '.join(words)}")


@pytest.mark.parametrize("words", leaves(), ids=" ".join)
def test_every_command_refuses_an_option_that_it_does_not_have(
    words: tuple[str, ...], kittiwake: Callable[..., Any]
) -> None:
    status, out, err = kittiwake(*words, "--no-such-option")
    assert (status, out) == (2, "")
    assert f"kittiwake {' '.join(words)}" in err


@pytest.mark.parametrize("words", [(), ("seq",), ("keys",), ("ground",)], ids=" ".join)
def test_a_group_without_a_command_lists_what_there_is(words: tuple[str, ...], kittiwake: Callable[..., Any]) -> None:
    status, out, err = kittiwake(*words)
    assert (status, out) == (2, "")
    assert err.startswith(f"usage: {' '.join(('kittiwake', *words))} COMMAND")
    assert kittiwake(*words, "--help") == (0, err, "")


def test_an_unknown_command_is_answered_with_the_nearest_one(kittiwake: Callable[..., Any]) -> None:
    status, _, err = kittiwake("grond")
    assert status == 2
    assert "there is no command 'grond'. Did you mean 'ground'?" in err
    status, _, err = kittiwake("seq", "complie")
    assert status == 2
    assert "kittiwake seq: there is no command 'complie'. Did you mean 'compile'?" in err


def test_the_version_is_the_packages(kittiwake: Callable[..., Any]) -> None:
    import kittiwake as package

    assert kittiwake("--version") == (0, f"kittiwake {package.__version__}\n", "")


def test_a_reader_that_goes_away_is_no_fault() -> None:
    command = [sys.executable, "-m", "kittiwake.cli.main", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
