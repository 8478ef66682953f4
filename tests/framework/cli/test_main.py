"""The `kittiwake` command itself: its table, its help and its exit statuses."""

from __future__ import annotations

import resource
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


def test_an_output_that_is_full_or_closed_or_knows_few_letters_is_no_fault_of_ours() -> None:
    command = f"{sys.executable} -m kittiwake.cli.main"
    for words, status, said in (
        (f"{command} --help > /dev/full", 1, "kittiwake: No space left on device\n"),
        (f"{command} keys > /dev/full", 2, "usage: "),
        (f"{command} --help >&-", 0, ""),
        (f"{command} schema >&-", 0, ""),
        (f"{command} schema > /dev/null 2>&-", 0, ""),
        (f"PYTHONIOENCODING=ascii {command} --help > /dev/null", 0, ""),
    ):
        done = subprocess.run(words, shell=True, stderr=subprocess.PIPE, text=True, timeout=60, check=False)  # noqa: S602
        assert done.returncode == status, words
        assert done.stderr.startswith(said), words
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words", ["schema -o", "build {small} -o", "keys new --file", "update key -o", "dictionary {small} -o"]
)
def test_a_disk_that_is_full_is_said_with_the_files_name_and_leaves_nothing_half(
    words: str, small: Path, tmp_path: Path
) -> None:
    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    target = tmp_path / "made"
    command = [sys.executable, "-B", "-m", "kittiwake.cli.main", *words.format(small=small).split(), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=fill)
    assert done.returncode == 1
    assert f"{target}" in done.stderr
    assert "File too large" in done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == 0] == []
