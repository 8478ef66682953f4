"""What the tests of the command line share: the command itself, in this process, and a small deployment."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kittiwake.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = Path(__file__).with_name("small.yaml")


class Outcome(NamedTuple):
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """`run` switches the garbage collector off while it boots, and one that is refused leaves it so."""
    yield
    gc.enable()


@pytest.fixture
def kittiwake(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `kittiwake` with these arguments. A fault that it does not report itself fails the test."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse's
            status = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return Outcome(status, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def small() -> Path:
    """The topology file of the small deployment."""
    return SMALL


@pytest.fixture(scope="session")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dictionary of the small deployment."""
    path = tmp_path_factory.mktemp("small") / "SmallTopologyDictionary.json"
    assert main(["dictionary", str(SMALL), "-o", str(path)]) == 0
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
