"""Files by CFDP between a real deployment and the real ground station: either killed, the link cut, with loss."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.key_file import add_key, changing_keys
from kittiwake.platform.seeded import SeededRandom
from tests.ports import free_port
from tests.system.device import KITTIWAKE, Device, build
from tests.system.extended_reference import extended_reference
from tests.system.ground_server import GroundServer
from tests.system.lossy_proxy import LossyProxy
from tests.system.test_transfer import SERVICE, WIRES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONFIGURATION = """
folder = "ground"
[deployments.ref]
dictionary = "{dictionary}"
link = "{link}"
rate = {rate}
{options}
[deployments.ref.cfdp]
answer_s = 1.0
"""
TRANSFERS = "deployments/ref/transfers"
LIMIT_S = 60.0
SYNC = "ReferenceDeployment.transferService.SYNC_STORE"


class Station:
    """A device and a ground station with a lossy link between them, each with what it keeps."""

    def __init__(self, folder: Path, proxy: LossyProxy, rate: int = 1_000_000, options: str = "") -> None:
        topology = extended_reference(folder, "transferService", SERVICE, WIRES)
        image, dictionary = build(topology, folder / "built")
        self.root = folder / "root"
        (self.root / "logs").mkdir(parents=True)
        self.folder = folder / "ground"
        self.proxy = proxy
        self.device = Device(image, self.root, proxy.for_device)
        configuration = folder / "ground.toml"
        configuration.write_text(
            CONFIGURATION.format(dictionary=dictionary, link=proxy.for_ground, rate=rate, options=options)
        )
        self._configuration = configuration

    def ground(self) -> GroundServer:
        """The ground station, yet to be entered."""
        return GroundServer(self.folder, (), ["--config", str(self._configuration)])

    def received(self) -> list[Path]:
        """The files that have arrived."""
        return sorted((self.folder / "files" / "ref" / "received").glob("*"))

    def archived(self) -> list[tuple[Any, ...]]:
        """What the archive has of files by CFDP."""
        with sqlite3.connect(self.folder / "archive" / "archive.db") as connection:
            return connection.execute(
                "SELECT direction, source, size, state, sha256 FROM files WHERE way = 'cfdp' ORDER BY id"
            ).fetchall()

    def command_line(self, ground: GroundServer, *words: str) -> subprocess.Popen[str]:
        """`kittiwake ground` as somebody runs it in a terminal."""
        command = [KITTIWAKE, "ground", words[0], "--server", ground.url, *words[1:]]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def station(folder: Path, loss: float = 0.0, rate: int = 1_000_000) -> Iterator[Station]:
    """A station over a link that loses."""
    with LossyProxy(loss) as proxy:
        yield Station(folder, proxy, rate)


def until(holds: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Waits for something."""
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def arrival(ground: GroundServer, name: str, state: str = "completed") -> Any:
    """The transfer of a file that comes, once it is in a state."""
    found: list[Any] = []

    def is_there(shown: Any) -> bool:
        found[:] = [one for one in shown["transfers"] if (one["remote"], one["state"]) == (name, state)]
        return bool(found)

    ground.await_that(TRANSFERS, is_there, LIMIT_S)
    return found[0]


def test_files_cross_both_ways_over_a_link_that_loses_a_fifth_though_either_end_is_killed(tmp_path: Path) -> None:
    log, update = SeededRandom(1).token_bytes(600_000), SeededRandom(2).token_bytes(90_000)
    with station(tmp_path, 0.2, rate=40_000) as made:
        (made.root / "logs" / "log.bin").write_bytes(log)
        with made.device:
            with made.ground() as ground:
                ground.await_link("ref")
                ground.send("ref", SYNC, "ground")
                begun = ground.http.post(
                    "deployments/ref/uploads", params={"remote": "up/date.bin", "way": "cfdp"}, content=update
                ).json()
                assert (begun["way"], begun["sha256"]) == ("cfdp", sha256(update).hexdigest())
                until(lambda: made.proxy.pdus["down"] > 250)
            # The ground was killed while both were on their way.
            assert (made.root / "logs" / "log.bin").exists()
            assert not (made.root / "inbox" / "up").exists()
            with made.ground() as ground:
                seen = made.proxy.pdus["down"]
                until(lambda: made.proxy.pdus["down"] > seen + 100)
                made.device.kill()
                assert (made.root / "logs" / "log.bin").exists()
                made.device.start()
                made.device.await_line("Transfer 1 done", timeout_s=LIMIT_S)
                assert [path.read_bytes() for path in made.received()] == [log]
                done = arrival(ground, "unit-7/log.bin")
                assert (done["way"], done["sha256"]) == ("cfdp", sha256(log).hexdigest())
                assert done["size"] == done["done_bytes"] == len(log)
                assert ground.http.get(f"{TRANSFERS}/{done['id']}/content").content == log
                ended = ground.get(f"{TRANSFERS}/{begun['id']}", wait_s=20.0)
                assert (ended["state"], ended["direction"]) == ("completed", "up"), ended
                assert (made.root / "inbox" / "up" / "date.bin").read_bytes() == update
                until(lambda: not (made.root / "logs" / "log.bin").exists())
                assert ground.stop() == 0
        assert made.proxy.pdus["down"] < 2 * len(log) / 900
        assert sorted(made.archived()) == [
            ("down", "unit-7/log.bin", len(log), "completed", sha256(log).hexdigest()),
            ("up", "date.bin", len(update), "completed", sha256(update).hexdigest()),
        ]


def test_an_upload_from_the_shell_goes_on_after_the_link_was_cut(tmp_path: Path) -> None:
    update, log = SeededRandom(3).token_bytes(120_000), SeededRandom(4).token_bytes(120_000)
    (tmp_path / "update.bin").write_bytes(update)
    with station(tmp_path, rate=60_000) as made, made.device, made.ground() as ground:
        (made.root / "logs" / "log.bin").write_bytes(log)
        ground.await_link("ref")
        ground.send("ref", SYNC, "ground")
        with made.command_line(ground, "upload", "--cfdp", str(tmp_path / "update.bin"), "new/update.bin") as shell:
            until(lambda: made.proxy.pdus["up"] > 40)
            made.proxy.cut()
            ground.await_link("ref", "down")
            time.sleep(2.5)  # longer than the timers of both ends, which stand still
            assert shell.poll() is None
            made.proxy.mend()
            out, err = shell.communicate(timeout=LIMIT_S)
        assert (shell.returncode, out, err) == (0, "new/update.bin: 120000 bytes\n", "")
        assert (made.root / "inbox" / "new" / "update.bin").read_bytes() == update
        done = arrival(ground, "unit-7/log.bin")
        with made.command_line(ground, "transfers", "--json") as shell:
            shown = [json.loads(line) for line in shell.communicate(timeout=LIMIT_S)[0].splitlines()]
        assert {(one["direction"], one["way"], one["state"]) for one in shown} == {
            ("up", "cfdp", "completed"),
            ("down", "cfdp", "completed"),
        }
        with made.command_line(ground, "transfers", "--save", str(done["id"]), str(tmp_path / "back.bin")) as shell:
            assert shell.communicate(timeout=LIMIT_S)[0].endswith("back.bin: 120000 bytes\n")
        assert (tmp_path / "back.bin").read_bytes() == log


class StraightLink(LossyProxy):
    """No proxy at all: the device listens, and the ground connects to it."""

    def __init__(self) -> None:
        super().__init__()
        self._port = free_port()

    @property
    def for_device(self) -> str:
        return f"tcp-listen://127.0.0.1:{self._port}"

    @property
    def for_ground(self) -> str:
        return f"tcp://127.0.0.1:{self._port}"


def test_signed_commands_are_answered_at_once_while_a_file_goes_up_at_its_pace(tmp_path: Path) -> None:
    update = SeededRandom(5).token_bytes(80_000)
    keys = tmp_path / "uplink.keys"
    with changing_keys(keys) as changed:
        add_key(changed)
    with StraightLink() as link:
        made = Station(tmp_path, link, 20_000, f'keys = "{keys}"')
        made.device.options += ["--keys", str(keys)]
        with made.device, made.ground() as ground:
            assert ground.await_link("ref")["spi"] == 1
            address = "deployments/ref/uploads?remote=u&way=cfdp"
            begun = ground.ok(ground.http.post(address, content=update))
            started = time.monotonic()
            path = f"{TRANSFERS}/{begun['id']}"
            ground.await_that(path, lambda shown: shown["done_bytes"] > 5000)
            for _ in range(5):
                asked = time.monotonic()
                assert ground.send("ref", "CdhCore.cmdDisp.CMD_NO_OP")["state"] == "completed"
                assert time.monotonic() - asked < 1.0
            assert ground.get(path)["state"] == "running"
            assert ground.get(path, wait_s=20.0)["state"] == "completed"
            assert time.monotonic() - started > 0.9 * len(update) / 20_000
        assert (made.root / "inbox" / "u").read_bytes() == update


def test_a_name_that_leads_out_of_the_inbox_is_refused_and_the_shell_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with station(tmp_path) as made, made.device, made.ground() as ground:
        ground.await_link("ref")
        with made.command_line(ground, "upload", "--cfdp", str(tmp_path / "a"), "../../a") as shell:
            _, err = shell.communicate(timeout=LIMIT_S)
        assert shell.returncode == 1
        assert "the deployment refuses the file" in err
        with made.command_line(ground, "transfers", "--save", "7", "x") as shell:
            _, err = shell.communicate(timeout=LIMIT_S)
        assert (shell.returncode, err.strip()) == (2, err.strip())
        assert "no transfer has the id 7" in err
