"""Flights of the reference deployment, recorded and flown again: all that they put out is the same, byte for byte."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

import kittiwake
from kittiwake.cli import replay as replay_command
from kittiwake.dictionary.load import load_dictionary
from kittiwake.simulation import power
from kittiwake.wire.link_address import parse_link
from kittiwake_components.reset_manager import causes
from kittiwake_ground.commanding import command_and_wait
from kittiwake_ground.link import GroundLink
from kittiwake_ground.station import Station
from tests.ports import free_port
from tests.system.device import KITTIWAKE
from tests.system.recorded_day import OWN_TICKS, RecordedDay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.device import Device
    from tests.system.gds import Gds

pytestmark = pytest.mark.timeout(300)  # seconds of work, which a busy machine may make minutes


@pytest.fixture(scope="module")
def day(reference: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedDay, Path]:
    """A day that was flown, and its recording."""
    path = tmp_path_factory.mktemp("day") / "day.flight"
    flown = RecordedDay(*reference, path)
    flown.fly()
    return flown, path


def test_the_day_had_commands_files_both_ways_and_a_sequence(day: tuple[RecordedDay, Path]) -> None:
    flown, path = day
    names = flown.names()
    for name in ("NoOpStringReceived", "FileReceived", "FileSent", "CS_SequenceComplete", "PrmFileSaveComplete"):
        assert name in names, names
    assert bytes(flown.downlinked) == bytes(range(256)) * 40
    assert flown.flight.recorder.dropped == 0
    assert path.stat().st_size < 4_000_000


def test_a_day_is_replayed_byte_for_byte(day: tuple[RecordedDay, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_command.main([str(day[1])]) == 0
    assert "equal: " in capsys.readouterr().out


def test_part_of_a_day_with_its_own_ticks_and_a_building_device_is_replayed_byte_for_byte(
    reference: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "part.flight"
    flown = RecordedDay(*reference, path, OWN_TICKS, reads_s=5.0)
    flown.fly(0.4, sequence_min=11, downlink_min=2)
    names = flown.names()
    for name in ("NoOpStringReceived", "FileReceived", "FileSent", "CS_SequenceComplete", "PrmFileSaveComplete"):
        assert name in names, names
    driver: Any = flown.flight.deployment.instances["ReferenceDeployment.platformDriver"]
    assert driver.polls_ok
    assert replay_command.main([str(path)]) == 0
    assert capsys.readouterr().out.startswith("equal: ")


def test_a_replay_from_the_middle_of_the_day_is_equal(
    day: tuple[RecordedDay, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert day[0].flight.platform.keyframes_missing == 0
    assert replay_command.main([str(day[1]), "--from", str(20 * 3600)]) == 0
    assert capsys.readouterr().out.startswith("equal: ")


def test_a_flight_over_tcp_that_ends_in_sigkill_is_replayed_up_to_its_torn_end(
    start_device: Callable[..., Device], reference: tuple[Path, Path], tmp_path: Path
) -> None:
    port, path = free_port(), tmp_path / "real.flight"
    device = start_device(f"tcp-listen://127.0.0.1:{port}", options=["--record", str(path), "--record-keyframes", "1"])
    device.await_line("FrameworkVersion")
    dictionary = load_dictionary(str(reference[1]))
    with GroundLink(parse_link(f"tcp://127.0.0.1:{port}")) as link:
        station = Station(link, dictionary, "ccsds", complain=lambda _: None)
        station.connect(timeout_s=60)
        for number in range(5):
            name, arguments = "CdhCore.cmdDisp.CMD_NO_OP_STRING", [f"number {number}"]
            assert command_and_wait(station, name, arguments, 10.0, lambda _: None).completed
    seen = device.await_line("number 4")
    time.sleep(2.5)  # what was recorded a second ago is in the file
    device.kill()
    assert seen
    size = path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    command = [KITTIWAKE, "replay", str(path)]
    middle = subprocess.run([*command, "--from", "60"], capture_output=True, text=True, check=False)
    assert middle.stdout.startswith("equal: "), middle.stdout + middle.stderr  # no event is printed unasked
    command.append("--events")
    for cut in (size, size - 1, size // 2):
        with path.open("r+b") as file:
            file.truncate(cut)
        replayed = subprocess.run(command, capture_output=True, text=True, check=False)
        assert replayed.returncode == 0, replayed.stdout + replayed.stderr
        assert "equal: " in replayed.stdout
        if cut >= size - 1:
            assert "Received a NO-OP string=number 4" in replayed.stdout


@pytest.mark.peer
def test_the_unmodified_fprime_gds_is_shown_the_flight(
    day: tuple[RecordedDay, Path], start_gds: Callable[..., Gds], reference: tuple[Path, Path]
) -> None:
    gds = start_gds(reference[1], link="tcp-server", framing="ccsds")
    arguments = [str(day[1]), "--link", f"tcp://127.0.0.1:{gds.port}", "--speed", "2000", "--until", "1000"]
    assert replay_command.main(arguments) == 0
    event = gds.await_event("CdhCore.cmdDisp.NoOpStringReceived", timeout_s=20.0)
    flown = next(one for one in day[0].events if one.name == event.name)
    assert event.text == "Received a NO-OP string=good morning"
    assert event.id == flown.id


def test_an_event_that_differs_is_found_where_it_arises(
    day: tuple[RecordedDay, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kittiwake, "__version__", f"{kittiwake.__version__[:-1]}X")
    assert replay_command.main([str(day[1])]) == 1
    report = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert report[0][2:] == ["CdhCore.version.event", "->", "CdhCore.events.log_recv"]
    assert ["component", "CdhCore.version.run"] in report
    assert ["message", "ReferenceDeployment.serviceGroup1Hz.cycle_in"] in report
    assert report[-1][-1] == "58"


def test_a_channel_that_differs_is_named(
    day: tuple[RecordedDay, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(power, "_VOLTAGES", tuple([one + 0.1 for one in power._VOLTAGES]))
    assert replay_command.main([str(day[1])]) == 1
    report = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert report[0][2:] == ["CdhCore.tlmSend.pkt_send", "->", "ComCcsds.comQueue.com_packet_in[2]"]
    assert ["channel", "ReferenceDeployment.powerManager.BatteryVoltage"] in report


def test_a_bug_in_one_component_is_stopped_at_where_it_is(
    day: tuple[RecordedDay, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(causes, "VERSION", 2)
    assert replay_command.main([str(day[1])]) == 1
    report = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["component", "ReferenceDeployment.resetManager.start"] in report
    assert report[0][-1] == "write_at"
    assert report[-2][:4] == ["in", "flight", "byte", "5"]
    assert report[-1][:3] == ["now", "byte", "5"]
