"""The promise on top: the unmodified fprime-gds drives the reference deployment, over every link and framing."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tests.peers import ROOT
from tests.system.device import KITTIWAKE
from tests.system.serial_cable import SerialCable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.system.device import Device
    from tests.system.gds import Gds

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
LINKS = ["tcp-server", "tcp-client", "udp", "serial"]


class Pair:
    """A ground station and a device that are linked."""

    def __init__(self, gds: Gds, device: Device) -> None:
        self.gds = gds
        self.device = device


@pytest.fixture
def linked(
    start_gds: Callable[..., Gds], start_device: Callable[..., Device], reference: tuple[Path, Path]
) -> Iterator[Callable[..., Pair]]:
    """Starts both ends of a link, named from the station's side."""
    with ExitStack() as cables:

        def start(link: str = "tcp-server", framing: str = "ccsds") -> Pair:
            arguments: dict[str, Any] = {"link": link, "framing": framing}
            if link == "serial":
                station_end, device_end = cables.enter_context(SerialCable()).ends
                gds = start_gds(reference[1], device=station_end, **arguments)
                address = f"serial://{device_end}?baud=115200"
            else:
                gds = start_gds(reference[1], **arguments)
                address = {
                    "tcp-server": f"tcp://127.0.0.1:{gds.port}",
                    "tcp-client": f"tcp-listen://127.0.0.1:{gds.port}",
                    "udp": f"udp://127.0.0.1:{gds.receive_port}?listen={gds.port}",
                }[link]
            device = start_device(address, options=["--framing", framing])
            device.await_line("Link up")
            return Pair(gds, device)

        yield start


@pytest.mark.parametrize("framing", ["ccsds", "fprime"])
@pytest.mark.parametrize("link", LINKS)
def test_a_command_is_answered_over_every_link_and_framing(
    linked: Callable[..., Pair], link: str, framing: str
) -> None:
    gds = linked(link, framing).gds
    gds.await_channel("CdhCore.cmdDisp.CommandsDispatched")
    names = [event.name for event in gds.send_and_complete(NO_OP, timeout_s=20)]
    assert names[-1] == "CdhCore.cmdDisp.OpCodeCompleted"
    assert gds.await_event("CdhCore.cmdDisp.NoOpReceived").severity == "ACTIVITY_HI"


def test_events_from_before_the_link_connected_arrive_when_it_does(linked: Callable[..., Pair]) -> None:
    gds = linked("tcp-client").gds
    gds.await_event("CdhCore.version.FrameworkVersion", timeout_s=20)


def test_arguments_of_every_kind_arrive(linked: Callable[..., Pair]) -> None:
    gds = linked().gds
    gds.send_and_complete("CdhCore.cmdDisp.CMD_NO_OP_STRING", "hello kittiwake", timeout_s=20)
    assert gds.await_event("CdhCore.cmdDisp.NoOpStringReceived").args == ("hello kittiwake",)
    gds.send_and_complete("CdhCore.cmdDisp.CMD_TEST_CMD_1", -7, 1.5, 255, timeout_s=20)
    assert gds.await_event("CdhCore.cmdDisp.TestCmd1Args").args == (-7, 1.5, 255)


def test_a_sync_commands_own_events_come_before_dispatched_and_completed(linked: Callable[..., Pair]) -> None:
    gds = linked().gds
    gds.await_channel("CdhCore.cmdDisp.CommandsDispatched")
    gds.await_event("ComCcsds.link.LinkEstablished")  # the station decodes events and channels side by side
    since = gds.event_count()
    gds.send("CdhCore.version.VERSION", "FRAMEWORK")
    gds.await_event("CdhCore.cmdDisp.OpCodeCompleted", since=since, timeout_s=20)
    # The supervisor and the bearer report in between, when they are ready.
    names = [event.name.rpartition(".")[2] for event in gds.events(since) if event.name.startswith("CdhCore.")]
    assert names[:3] == ["FrameworkVersion", "OpCodeDispatched", "OpCodeCompleted"]
    times = [event.time for event in gds.events(0)]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_files_go_up_and_come_down_byte_for_byte(linked: Callable[..., Pair], tmp_path: Path) -> None:
    pair = linked()
    content = bytes(range(256)) * 40 + b"the end"
    source = tmp_path / "up.bin"
    source.write_bytes(content)
    pair.gds.uplink(source, "/data/up.bin" if (pair.device.root / "data").is_dir() else "/up.bin", timeout_s=40)
    assert (pair.device.root / "up.bin").read_bytes() == content
    since = pair.gds.downlink_count()
    pair.gds.send_and_complete("FileHandling.fileDownlink.SendFile", "/up.bin", "down.bin", timeout_s=40)
    arrived = pair.gds.await_downlink("down.bin", since=since, timeout_s=40)
    assert arrived.read_bytes() == content


def test_a_sequence_is_uploaded_and_run(linked: Callable[..., Pair], tmp_path: Path) -> None:
    gds = linked().gds
    text = tmp_path / "hello.seq"
    text.write_text('R00:00:00 CdhCore.cmdDisp.CMD_NO_OP_STRING "from a sequence"\n')
    binary = gds.compile_sequence(text, tmp_path / "hello.bin")
    gds.uplink(binary, "/hello.bin", timeout_s=40)
    gds.send_and_complete("ReferenceDeployment.cmdSeq.CS_RUN", "/hello.bin", "BLOCK", timeout_s=20)
    assert gds.await_event("CdhCore.cmdDisp.NoOpStringReceived").args == ("from a sequence",)
    gds.await_event("ReferenceDeployment.cmdSeq.CS_SequenceComplete")


def test_the_startup_sequence_runs_after_each_boot_until_it_is_removed(
    linked: Callable[..., Pair], reference: tuple[Path, Path], tmp_path: Path
) -> None:
    """REQ-SM-003, the seed's workflow: compile, upload, restart; remove the file to disable it."""
    pair = linked()
    gds = pair.gds
    binary = tmp_path / "startup.bin"
    source = ROOT / "sequences" / "startup.seq"
    command = [KITTIWAKE, "seq", "compile", str(source), "-o", str(binary), "-d", str(reference[1])]
    subprocess.run(command, check=True, timeout=60)
    gds.uplink(binary, "/startup.bin", timeout_s=40)
    since = gds.event_count()
    pair.device.kill()
    pair.device.start()
    gds.await_event("ReferenceDeployment.startupManager.StartupSequenceFinished", since=since, timeout_s=40)
    texts = [event.args[0] for event in gds.events(since) if event.name == "CdhCore.cmdDisp.NoOpStringReceived"]
    assert texts == ["startup sequence begins", "startup sequence ends"]
    gds.send_and_complete("FileHandling.fileManager.RemoveFile", "/startup.bin", "False", timeout_s=20)
    since = gds.event_count()
    pair.device.kill()
    pair.device.start()
    gds.await_event("ReferenceDeployment.startupManager.StartupSequenceAbsent", since=since, timeout_s=40)


def test_parameters_are_set_saved_and_kept_over_a_restart(linked: Callable[..., Pair]) -> None:
    pair = linked()
    gds = pair.gds
    gds.send_and_complete("ReferenceDeployment.startupManager.ARMED_PRM_SET", "False", timeout_s=20)
    gds.send_and_complete("ReferenceDeployment.startupManager.ARMED_PRM_SAVE", timeout_s=20)
    gds.send_and_complete("FileHandling.prmDb.PRM_SAVE_FILE", timeout_s=20)
    pair.device.kill()
    since = gds.event_count()
    pair.device.start()
    pair.device.await_line("Link up")
    gds.await_event("CdhCore.version.FrameworkVersion", since=since, timeout_s=30)
    # Disarmed, the wait is over at once; armed, it would take 45 minutes.
    gds.send_and_complete("ReferenceDeployment.startupManager.WAIT_FOR_QUIESCENCE", timeout_s=20)


def test_either_side_may_be_killed_and_the_link_comes_back(linked: Callable[..., Pair]) -> None:
    pair = linked()
    pair.gds.send_and_complete(NO_OP, timeout_s=20)
    pair.device.kill()
    pair.device.start()
    pair.device.await_line("Link up", timeout_s=30)
    pair.gds.send_and_complete(NO_OP, timeout_s=20)
    seen = len(pair.device.lines)
    pair.gds.kill()
    pair.device.await_line("Link down", after=seen)
    pair.gds.start()
    pair.device.await_line("Link up", after=seen, timeout_s=30)
    pair.gds.send_and_complete(NO_OP, timeout_s=20)


def test_packetised_telemetry_is_decoded(linked: Callable[..., Pair]) -> None:
    gds = linked().gds
    gds.send_and_complete(NO_OP, timeout_s=20)
    gds.await_channel("CdhCore.cmdDisp.CommandsDispatched", 1, timeout_s=20)


def test_a_command_with_missing_or_surplus_arguments_is_refused(linked: Callable[..., Pair]) -> None:
    gds = linked().gds
    gds.await_channel("CdhCore.cmdDisp.CommandsDispatched")
    since = gds.event_count()
    gds.send("CdhCore.cmdDisp.CMD_TEST_CMD_1", 1)
    refused = gds.await_event("CdhCore.cmdDisp.OpCodeError", since=since, timeout_s=20)
    assert refused.args[1] == "FORMAT_ERROR"
