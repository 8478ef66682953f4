"""One story crosses the six named components of the unmodified reference deployment, each seen by what it reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.simulated import WALL_START_NS, SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.wiring import Entries
from kittiwake.sequence.binary import RELATIVE, Record, write_sequence
from kittiwake.sequence.command_line import command_packet
from kittiwake.simulation.building import Building, settle_on
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from tests.components.reference import REFERENCE
from tests.system.station_wake import put_file

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image

pytestmark = pytest.mark.virtual_time

ROOT = "/device"
LOG = "/events.log"
FAN, FAN_OBJECT = "lab/room/Fan", "binary-output,1"
START = datetime.fromtimestamp(WALL_START_NS / 1e9, UTC)
SETTINGS: dict[str, dict[str, Any]] = {
    "ComCcsds.link": {"url": "tcp-listen://127.0.0.1:5000"}, "CdhCore.textLogger": {"console": False, "file": LOG},
}  # fmt: skip


@pytest.fixture(scope="module")
def image() -> Image:
    return build_image(load_topology(REFERENCE), "")


class Reference:
    """The deployment on a machine in memory, in a building that stays when the machine goes."""

    def __init__(self, image: Image) -> None:
        self.building = Building()
        self._image = image
        self._platform = SimulatedPlatform(1)
        self._platform.files.make_folder(ROOT)
        self._platform.files.sync_folder("/")
        self.load()

    def load(self) -> None:
        """Makes the deployment of what is on the disk, and does not start it yet."""
        settle_on(self._platform, self.building)
        self.deployment = Deployment(self._image, self._platform, Root(self._platform.files, ROOT), SETTINGS)

    def lose_power(self) -> None:
        """Cuts the power, and gives it back."""
        self._platform = self._platform.crash()
        self.load()

    def start(self, seconds: float) -> None:
        """Starts, and runs for so long."""
        self.deployment.start()
        self.deployment.run_for(seconds)

    def put(self, name: str, data: bytes) -> None:
        """Leaves a file in the root, as the ground uploads it."""
        put_file(self._platform.files, f"{ROOT}/{name}", data)

    def packet(self, line: str) -> bytes:
        """The packet of a command."""
        return command_packet(line, self.deployment.instances)

    def command(self, line: str) -> None:
        """Has a command carried out, as if it came from the ground."""
        dispatcher = self.deployment.instances["CdhCore.cmdDisp"]
        Entries(self.deployment).call(dispatcher, "seq_cmd_buff", 7, dispatcher._context)(self.packet(line), 0)

    def channel(self, name: str) -> Any:
        """The value of a channel of one of the deployment's own instances."""
        instance, _, channel = name.partition(".")
        return getattr(self.deployment.instances[f"ReferenceDeployment.{instance}"], channel)

    def events(self) -> str:
        """All events so far, a line each."""
        return self._platform.files.read(ROOT + LOG, 1 << 20).decode()

    def said(self, *wanted: str) -> bool:
        """Whether events that hold these texts have come, in this order."""
        lines = iter(self.events().splitlines())
        return all(any(text in line for line in lines) for text in wanted)

    def fan(self) -> dict[int, Any]:
        """What is in force at the fan, by priority."""
        return dict(self.building.device("lab/room").point(FAN_OBJECT).priorities)


def moment(seconds: int) -> str:
    """A time so many seconds after the start."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def with_jobs(image: Image) -> Reference:
    """A device whose startup sequence has run, and which has a job that reserves the room, and one that cools it."""
    device = Reference(image)
    device.put("startup.bin", write_sequence([Record(RELATIVE, 1, 0, device.packet("CdhCore.cmdDisp.CMD_NO_OP"))]))
    wanted = {"task": "cooling", "priority": "HIGH", "slots": [["lab/room", moment(0), moment(3600)]]}
    device.put("cooling.json", json.dumps(wanted).encode())
    device.start(20)
    for name, after_s, line in (
        ("early", 30, f"ReferenceDeployment.actuator.SET_POINT '{FAN}' 'true' 8"),
        ("reserve", 40, "ReferenceDeployment.actuator.NEW_SCHEDULE_FILE '/cooling.json'"),
        ("cool", 50, f"ReferenceDeployment.actuator.SET_POINT '{FAN}' 'true' 8"),
    ):
        device.command(
            f'ReferenceDeployment.scheduler.JOB_ADD "{name}", "once {moment(after_s)}", "", COMMAND, "{line}", '
            "ONCE, AT_MOST_ONCE"
        )
    return device


def test_one_story_crosses_all_six_named_components(image: Image) -> None:
    """REQ-PD-042: StartupManager, Supervisor, PowerManager, ConnexionManager, Scheduler, Actuator, and a device."""
    device = with_jobs(image)

    # The startup sequence ran, a cycle went through its steps, the power unit answered, and the bearer is up.
    assert device.channel("startupManager.boot_count") == 1
    assert device.said("cmdDisp.NoOpReceived", "startupManager.StartupSequenceFinished")
    assert (device.channel("supervisor.cycle_count"), device.channel("supervisor.failed_steps")) == (1, 0)
    assert device.said("supervisor.CycleStarted: Cycle 1", "supervisor.CycleFinished: Cycle 1")
    assert device.said("powerManager.WakeReason: Woken by POWER_ON")
    assert device.channel("powerManager.battery_voltage") > 6.0
    assert device.said("connexionManager.LinkUp: wifi is up")
    assert device.channel("connexionManager.current_bearer") == "wifi"

    # Whoever holds nothing writes nothing.
    device.deployment.run_for(15)
    assert device.said("actuator.LockDenied")
    assert (device.channel("scheduler.jobs_run"), device.channel("scheduler.jobs_failed")) == (1, 1)
    assert (device.fan(), device.channel("platformDriver.leases")) == ({}, 0)

    # One job reserves the room, and the next one switches its fan on.
    device.deployment.run_for(30)
    assert device.said("scheduler.JobFailed: Job early failed", "actuator.ScheduleAccepted: Task cooling")
    assert device.said(
        "Job reserve is done", "actuator.PointWritten: operator has set lab/room/Fan", "Job cool is done"
    )
    assert (device.channel("scheduler.jobs_run"), device.channel("scheduler.jobs_failed")) == (3, 1)
    assert (device.channel("actuator.held_devices"), device.channel("actuator.lock_errors")) == (1, 1)
    assert device.channel("actuator.holders")[0][:2] == ("lab/room", "operator")
    assert (device.fan(), device.channel("platformDriver.leases")) == ({8: True}, 1)

    # The next cycle goes through too, and at the end all is released.
    device.deployment.run_for(600)
    assert (device.channel("supervisor.cycle_count"), device.channel("supervisor.failed_steps")) == (2, 0)
    device.deployment.stop()
    assert device.fan() == {}
    health: Any = device.deployment.instances["CdhCore.health"]
    assert health.handler_failures == 0


def test_what_a_power_cut_left_in_force_is_released_at_the_first_cycle_and_nothing_is_written_before(
    image: Image,
) -> None:
    """REQ-PD-043, and the schedule goes on."""
    device = with_jobs(image)
    device.deployment.run_for(45)
    assert device.fan() == {8: True}

    device.lose_power()
    sessions = device.building.device("lab/room").opened
    device.deployment.start()
    assert (device.fan(), device.building.device("lab/room").opened) == ({8: True}, sessions)
    device.deployment.run_for(3)
    assert device.said("platformDriver.LeasesLeft: 1 writes", "Released: lab/room/Fan, priority 8")
    assert device.fan() == {}
    assert device.channel("startupManager.boot_count") == 2
    assert (device.channel("actuator.held_devices"), device.channel("actuator.active_tasks")) == (1, 1)
    device.command(f"ReferenceDeployment.actuator.SET_POINT '{FAN}' 'true' 8")
    device.deployment.run_for(1)
    assert device.fan() == {8: True}
    device.deployment.stop()
