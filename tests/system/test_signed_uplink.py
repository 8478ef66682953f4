"""Signed uplink end to end: a device with keys, the command line and the ground station that sign, and lost numbers."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.key_file import add_key, changing_keys
from tests.ports import free_port
from tests.system.device import KITTIWAKE, Device
from tests.system.ground_server import GroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
RECORD = "sequence_numbers.ComCcsds.authenticator"


class Signed:
    """A device that takes signed commands alone, and the command line as its ground."""

    def __init__(self, image: Path, dictionary: Path, folder: Path, framing: str) -> None:
        self.folder = folder
        self.dictionary = dictionary
        self.framing = framing
        self.root = folder / "root"
        self.keys = folder / "uplink.keys"
        with changing_keys(self.keys) as keys:
            add_key(keys)
        self.port = free_port()
        options = ["--keys", str(self.keys), "--framing", framing]
        self.device = Device(image, self.root, f"tcp-listen://127.0.0.1:{self.port}", options)

    def send(self, *options: Any, name: str = NO_OP) -> subprocess.CompletedProcess[str]:
        command = [
            KITTIWAKE, "ground", "send", name, "--link", f"tcp://127.0.0.1:{self.port}", "--framing", self.framing,
            "--dictionary", str(self.dictionary), "--connect-timeout", "10",
        ]  # fmt: skip
        return subprocess.run(
            [*command, *map(str, options)], capture_output=True, text=True, timeout=30, check=False, cwd=self.folder
        )

    def send_signed(self) -> None:
        """Sends a command once, which must be carried out."""
        sent = self.send("--keys", self.keys)
        assert sent.returncode == 0, sent.stdout + sent.stderr

    def lose_numbers_of_the_ground(self) -> None:
        shutil.rmtree(self.folder / "uplink.keys.numbers")

    def restart(self, *, lost: bool) -> None:
        self.device.kill()
        if lost:
            for slot in "ab":
                (self.root / f"{RECORD}.{slot}").unlink()
        self.device.start()
        self.device.await_line("DictionaryHash")


@pytest.fixture(params=["ccsds", "fprime"])
def signed(request: pytest.FixtureRequest, reference: tuple[Path, Path], tmp_path: Path) -> Iterator[Signed]:
    made = Signed(*reference, tmp_path, request.param)
    with made.device:
        made.device.await_line("DictionaryHash")
        yield made


def test_each_command_runs_once_whichever_side_loses_its_number(signed: Signed) -> None:
    """No command is sent twice: the ground listens to the acceptance report before it signs."""
    signed.send_signed()
    signed.lose_numbers_of_the_ground()
    signed.send_signed()
    signed.restart(lost=False)
    signed.send_signed()
    signed.restart(lost=True)
    signed.send_signed()
    unsigned = signed.send("--timeout", "1")
    assert unsigned.returncode == 1
    assert "was not answered" in unsigned.stderr


def test_the_ground_station_signs_and_finds_the_number_again(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """A file and commands, each once, over restarts after which the device stands elsewhere."""
    signed = Signed(*reference, tmp_path, "ccsds")
    deployment = f"one={signed.dictionary},tcp://127.0.0.1:{signed.port}"
    with signed.device, GroundServer(tmp_path / "ground", [deployment], ["--keys", str(signed.keys)]) as ground:
        content = bytes(range(256)) * 64
        assert ground.upload("one", content, "/up.bin")["state"] == "completed"
        assert (signed.root / "up.bin").read_bytes() == content
        link = ground.await_link("one")
        assert (link["spi"], link["resynchronisations"]) == (1, 1)
        for lost in (False, True):
            signed.restart(lost=lost)
            ground.await_link("one")
            assert ground.send("one", NO_OP)["state"] == "completed"
        assert ground.get("deployments/one/link")["resynchronisations"] == 3
        assert ground.stop() == 0
    with signed.device, GroundServer(tmp_path / "ground", [deployment]) as ground:
        assert ground.await_link("one")["spi"] is None
        assert ground.send("one", NO_OP, timeout_s=1)["state"] == "timed_out"
