"""An update of a running process: installed over the link, killed on trial until it is given up, at last confirmed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kittiwake.cli.main import main
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import KITTIWAKE, Device, build

TOPOLOGY = """\
topology: Kept
imports: [{shared}/cdh_core.yaml, {shared}/com_ccsds.yaml, {shared}/file_handling.yaml, {shared}/update.yaml]
instances:
  driver: {{component: kittiwake_components.RateGroupDriver, id: 0x10000000, settings: {{tick_us: 100000}}}}
  often: {{component: kittiwake_components.ActiveRateGroup, id: 0x10001000, queue: 10, priority: 40}}
  posixTime: {{component: kittiwake_components.Time, id: 0x10002000}}
{more}overrides:
  Update.manager: {{parameters: {{confirm_after_s: 1}}}}
services:
  time: posixTime
connections:
  All:
    - driver.cycle_out[0] -> often.cycle_in
    - often.member_out -> posixTime.run
    - often.member_out -> CdhCore.cmdDisp.run
    - often.member_out -> CdhCore.health.run
    - often.member_out -> CdhCore.tlmSend.run
    - often.member_out -> CdhCore.version.run
    - often.member_out -> ComCcsds.link.run
    - often.member_out -> FileHandling.fileDownlink.run
    - often.member_out -> Update.manager.run
    - CdhCore.health.wdog_stroke -> Update.manager.health_stroke
    - ComCcsds.router.packet_routed -> Update.manager.packet_routed
    - ComCcsds.router.command_out -> CdhCore.cmdDisp.seq_cmd_buff[0]
    - CdhCore.cmdDisp.seq_cmd_status[0] -> ComCcsds.router.command_status
    - CdhCore.events.pkt_send -> ComCcsds.comQueue.com_packet_in[0]
    - FileHandling.fileDownlink.buffer_send_out -> ComCcsds.comQueue.com_packet_in[1]
    - CdhCore.tlmSend.pkt_send -> ComCcsds.comQueue.com_packet_in[2]
    - ComCcsds.router.file_out -> FileHandling.fileUplink.buffer_send_in
"""
LAMP = """\
from kittiwake.model import ACTIVITY_HI, PassiveComponent, event

class Lamp(PassiveComponent):
    @event(ACTIVITY_HI, "There is light")
    def lit(self) -> None: ...

    def start(self) -> None:
        self.lit()
"""
INSTANCE = "  lamp: {component: kept_lamp.Lamp, id: 0x10003000}\n"


class Kept:
    """The device, its update, and a ground that commands it."""

    def __init__(self, folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.link = f"tcp-listen://127.0.0.1:{port}"
        self.port = port
        factory, self.dictionary = self._build("factory", "")
        packages = folder / "packages"
        packages.mkdir()
        (packages / "kept_lamp.py").write_text(LAMP)
        monkeypatch.setenv("PYTHONPATH", str(packages))
        image, _ = self._build("second", INSTANCE)
        monkeypatch.delenv("PYTHONPATH")
        slots = folder / "slots"
        slots.mkdir()
        self.package = folder / "kept.kwu"
        assert main(["update", "key", "-o", str(folder / "secret")]) == 0
        (slots / "update.keys").write_bytes((folder / "secret.pub").read_bytes())
        arguments = [
            "--release",
            "2.0",
            "--sequence",
            "2",
            "--packages",
            str(packages),
            "--key",
            str(folder / "secret"),
        ]
        assert main(["update", "pack", str(image), *arguments, "-o", str(self.package)]) == 0
        self.device = Device(factory, folder / "root", self.link, ["--slots", str(slots)])

    def _build(self, name: str, more: str) -> tuple[Path, Path]:
        path = self.folder / f"{name}.yaml"
        path.write_text(TOPOLOGY.format(shared=ROOT / "topologies", more=more))
        return build(path, self.folder / name)

    def ground(self, *arguments: str) -> str:
        """Runs `kittiwake ground` against the device; it must succeed."""
        command = [
            KITTIWAKE,
            "ground",
            *arguments,
            "-d",
            str(self.dictionary),
            "--link",
            f"tcp://127.0.0.1:{self.port}",
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=40).stdout

    def install(self) -> None:
        """Uploads, prepares and activates the update."""
        self.ground("upload", str(self.package), "/kept.kwu")
        assert "Version 2.0 is ready in slot A" in self.ground("send", "Update.manager.PREPARE", "/kept.kwu")
        self.ground("send", "--yes", "Update.manager.ACTIVATE")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The device with its update, not started yet."""
    return Kept(tmp_path, free_port(), monkeypatch)


@pytest.mark.slow
def test_an_update_is_killed_until_it_is_given_up_and_confirmed_when_it_lives(kept: Kept) -> None:
    with kept.device as device:
        device.await_line("slot: none")
        device.await_line("FrameworkVersion")
        kept.install()
        for _ in range(3):
            device.kill()
            device.start()
            device.await_line("slot: a, on trial")
            device.await_line("There is light")
        device.kill()
        device.start()
        device.await_line("slot: none")
        device.await_line("Slot A was given up (TRIES_USED)")
        assert not any("There is light" in line for line in device.lines)
        kept.install()
        device.stop()
        device.start()
        device.await_line("slot: a, on trial")
        device.await_line("There is light")
        kept.ground("send", "CdhCore.cmdDisp.CMD_NO_OP")
        device.await_line("Version 2.0 in slot A is confirmed")
        device.kill()
        device.start()
        device.await_line("slot: a")
        device.await_line("There is light")
        assert "slot: a" in device.lines
