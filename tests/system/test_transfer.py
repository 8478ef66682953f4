"""Files by CFDP between a real deployment, killed on its way, and a ground of a socket, over a link that loses."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.decode import encode_command
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.seeded import SeededRandom
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from tests.components.transfer_service.ftp_server import LOGIN, FtpProcess
from tests.components.transfer_service.object_server import KEYS, ObjectServer
from tests.framework.cfdp.lossy_link import PATIENCE
from tests.framework.cfdp.two_entities import Side
from tests.system.device import Device, build
from tests.system.extended_reference import extended_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

APID = b"\x00\x20"
LOSS = 0.2
S3_STORE = "store_name=s3 kind=logs region=eu-central-1 bucket_name=fleet credentials=/s3.keys folder=/logs endpoint="
SERVICE = """\
    component: kittiwake_components.TransferService
    id: 0x10070000
    queue: 50
    priority: 6
    settings:
      answer_s: 1.0
      stores: [store_name=ground kind=logs entity=1 prefix=unit-7 folder=/logs]
"""
WIRES = [
    "rateGroup1Hz.member_out -> transferService.run",
    "transferService.pdu_out -> ComCcsds.comQueue.com_packet_in[3]",
    "ComCcsds.comQueue.flow_out[3] -> transferService.flow_in",
    "ComCcsds.router.unknown_out -> transferService.pdu_in",
]


class Ground:
    """The other end: an entity, the framing, and a socket that loses PDUs both ways."""

    def __init__(self, listener: socket.socket, dictionary: Path) -> None:
        self.side = Side(1)
        self.side.entity.patience = PATIENCE._replace(segment_size=900)
        self.listener = listener
        self.dictionary = load_dictionary(str(dictionary))
        self.pdus = 0
        self._random = SeededRandom(1)

    def connect(self) -> None:
        """Takes the device's connection, and begins its framing anew."""
        self._link, _ = self.listener.accept()
        self._link.settimeout(0.01)
        self._framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
        self._deframer = FRAMINGS["ccsds"].downlink_deframer(FramingParameters())

    def command(self, name: str, *arguments: object) -> None:
        """Sends a command."""
        self._link.sendall(self._framer.frame(encode_command(self.dictionary, name, arguments)))

    def run(self, is_over: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Carries PDUs until it is over."""
        end = time.monotonic() + limit_s
        while not is_over():
            assert time.monotonic() < end, "the transfers have no end"
            for packet in self._packets():
                if packet.startswith(APID):
                    self.pdus += 1
                    if not self._random.chance(LOSS):
                        self.side.entity.receive(packet[2:], time.monotonic_ns())
            for _ in range(20):
                pdu = self.side.entity.next_pdu(time.monotonic_ns())
                if pdu is None:
                    break
                if not self._random.chance(LOSS):
                    self._link.sendall(self._framer.frame(APID + pdu))

    def _packets(self) -> list[bytes]:
        try:
            data = self._link.recv(1 << 16)
        except TimeoutError:
            return []
        return list(self._deframer.feed(data))

    def close(self) -> None:
        """Ends the connection."""
        self._link.close()


def test_files_cross_a_lossy_link_both_ways_though_the_device_is_killed(tmp_path: Path) -> None:
    """REQ-TS-014, REQ-TS-015."""
    image, dictionary = build(extended_reference(tmp_path, "transferService", SERVICE, WIRES), tmp_path / "built")
    root = tmp_path / "root"
    (root / "logs").mkdir(parents=True)
    log, update = SeededRandom(1).token_bytes(600_000), SeededRandom(2).token_bytes(50_000)
    (root / "logs" / "log.bin").write_bytes(log)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        ground = Ground(listener, dictionary)
        device = Device(image, root, f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        with device:
            ground.connect()
            ground.command("ReferenceDeployment.transferService.SYNC_STORE", "ground")
            ground.side.put(2, 1, "update.bin", update, time.monotonic_ns())
            ground.run(lambda: ground.pdus > 300)
        ground.close()
        assert (root / "logs" / "log.bin").exists()
        with device:
            ground.connect()
            ground.run(lambda: bool(ground.side.files and ground.side.ends))
            ground.run(lambda: not (root / "logs" / "log.bin").exists())
            device.await_line("Transfer 1 done")
        ground.close()
    assert ground.side.files == {"unit-7/log.bin": log}
    assert (root / "inbox" / "update.bin").read_bytes() == update
    assert ground.pdus < 1.6 * len(log) / 900


def with_stores(folder: Path, listener: socket.socket, stores: list[str]) -> tuple[Device, Ground]:
    """A device that has these stores too, and its ground."""
    service = SERVICE.replace("[store_name", f"[{', '.join(stores)}, store_name")
    image, dictionary = build(extended_reference(folder, "transferService", service, WIRES), folder / "built")
    listener.settimeout(20)
    device = Device(image, folder / "root", f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    return device, Ground(listener, dictionary)


def test_logs_go_to_a_server_while_the_deployment_goes_on(tmp_path: Path) -> None:
    """REQ-TS-019: the blocking calls are made in a thread."""
    log = SeededRandom(3).token_bytes(3_000_000)
    (tmp_path / "root" / "logs").mkdir(parents=True)
    (tmp_path / "root" / "logs" / "log.bin").write_bytes(log)
    (tmp_path / "root" / "s3.keys").write_text(f"{KEYS.access}\n{KEYS.secret}\n")
    with ObjectServer() as server, socket.create_server(("127.0.0.1", 0)) as listener:
        device, ground = with_stores(tmp_path, listener, [f"{S3_STORE}{server.endpoint}"])
        with device:
            ground.connect()
            ground.command("ReferenceDeployment.transferService.SYNC_STORE", "s3")
            device.await_line("Transfer 1 done", timeout_s=40)
        ground.close()
        assert [data for data, _ in server.objects.values()] == [log]
    assert not (tmp_path / "root" / "logs" / "log.bin").exists()


def test_files_cross_to_an_ftp_server_and_back_though_both_are_killed(tmp_path: Path) -> None:
    """REQ-TS-020, REQ-TS-022: in a thread; the server dies halfway, then the device, and both come back."""
    log, update = SeededRandom(4).token_bytes(3_000_000), SeededRandom(5).token_bytes(100_000)
    root, disk = tmp_path / "root", tmp_path / "disk"
    (root / "logs").mkdir(parents=True)
    (root / "logs" / "log.bin").write_bytes(log)
    (root / "ftp.login").write_bytes(LOGIN)
    (disk / "updates").mkdir(parents=True)
    (disk / "updates" / "update.bin").write_bytes(update)
    server = FtpProcess(disk)
    server.start(dies_after=1_000_000)
    words = f"endpoint={server.endpoint} credentials=/ftp.login"
    stores = [
        f"store_name=depot kind=logs {words} prefix=unit-7 folder=/logs",
        f"store_name=updates kind=updates {words} prefix=updates folder=/updates",
    ]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        device, ground = with_stores(tmp_path, listener, stores)
        with device:
            ground.connect()
            ground.command("ReferenceDeployment.transferService.SYNC_STORE", "depot")
            device.await_line("Transfer 1 failed")
        ground.close()
        server.await_death()
        server.start()
        with device:
            ground.connect()
            ground.command("ReferenceDeployment.transferService.SYNC_STORE", "updates")
            device.await_line("Transfer 1 done", timeout_s=40)
            device.await_line("Transfer 2 done", timeout_s=40)
        ground.close()
    said = server.stop()
    assert len([line for line in said if line.startswith("REST")]) == 1
    assert (disk / "unit-7" / "log.bin").read_bytes() == log
    assert not (root / "logs" / "log.bin").exists()
    assert (root / "updates" / "update.bin").read_bytes() == update
