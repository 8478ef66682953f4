"""`kittiwake run --record`: real flights of a small deployment, and what the options want."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import main
from kittiwake.cli.recorded_run import FILES_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAIT_S = 30.0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """The image of the small deployment."""
    folder = tmp_path_factory.mktemp("image")
    assert main(["build", str(small), "-o", str(folder)]) == 0
    return folder / "Small.image"


@pytest.mark.parametrize(
    "options, message",
    [
        (["--record-limit", "0.5"], "--record-limit wants 1 to 1048576 megabytes, not '0.5'"),
        (["--record-limit", "inf"], "not 'inf'"),
        (["--record-limit", "much"], "not 'much'"),
        (["--record-keyframes", "0.5"], "--record-keyframes wants seconds from 1 on, or 0, not '0.5'"),
        (["--record-keyframes", "nan"], "not 'nan'"),
        (["--trace", "*"], "either --record, or --trace"),
        (["--inspect"], "either --record, or --inspect"),
    ],
)
def test_options_that_make_no_sense_are_named_before_anything_is_made(
    options: list[str], message: str, image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    status, out, err = kittiwake("run", image, "--record", "here", *options)
    assert (status, out) == (2, "")
    assert message in err
    assert not list(folder.iterdir())


def test_each_start_has_a_recording_of_its_own_which_its_owner_alone_may_read(
    image: Path, folder: Path, kittiwake: Callable[..., Any]
) -> None:
    command = [sys.executable, "-m", "kittiwake.cli.main", "run", str(image), "--root", "root", "--link", "none"]
    for name in ("flight", "flight.1"):
        with subprocess.Popen([*command, "--record", "flight"], stdout=subprocess.PIPE, text=True) as device:
            assert device.stdout is not None
            assert device.stdout.readline() == f"recording: {folder}/{name}\n"
            assert "Time is SET" in next(line for line in device.stdout if "TimeQuality" in line)
            device.send_signal(signal.SIGTERM)
            out, _ = device.communicate(timeout=WAIT_S)
        assert f"recording: {(folder / name).stat().st_size} bytes" in out
        assert out.splitlines()[-1] == "stopped: signal 15"
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    first, second = [(folder / name).read_bytes() for name in ("flight", "flight.1")]
    assert first != second
    for name in ("flight", "flight.1"):
        status, out, _ = kittiwake("replay", name)
        assert status == 0
        assert out.endswith("it ends there: signal 15\n")


def test_a_run_that_is_not_recorded_loads_nothing_of_the_recorder() -> None:
    program = (
        "import sys, kittiwake.cli.run, kittiwake.runtime.deployment, kittiwake.platform.system; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "kittiwake.runtime.loop" in loaded
    assert "kittiwake.replay" not in loaded
    assert "watched_loop" not in loaded


def test_there_is_an_end_to_recordings_of_one_name(image: Path, folder: Path, kittiwake: Callable[..., Any]) -> None:
    for number in range(FILES_LIMIT):
        (folder / f"flight.{number}").touch()
    (folder / "flight").touch()
    status, _, err = kittiwake("run", image, "--record", "flight", "--link", "none", "--root", folder / "root")
    assert status == 2
    assert f"there are {FILES_LIMIT} recordings at {folder}/flight" in err
