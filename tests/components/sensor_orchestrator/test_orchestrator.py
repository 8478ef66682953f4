"""The configuration as it is put in force and changed, the disk, pings, and the design sheet."""

from __future__ import annotations

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.events import Severity
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.runtime.recovery import Recovery
from kittiwake.testing.design_sheet import differences
from kittiwake_components.ports.hive import MAX_SENSORS, STATUS_SIZE, SensorState
from kittiwake_components.sensor_orchestrator.component import SensorOrchestrator
from kittiwake_components.sensor_orchestrator.configuration import MAX_NAME
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, StopPolicy
from kittiwake_components.sensors.protocol import MAX_READING_NAME, MAX_READINGS
from tests.components.sensor_orchestrator.hive import Hive, Sensors, files_below, ini, place, utc_ns
from tests.components.sensor_orchestrator.scripted_sensor import Script

TWO: Sensors = {"audio": {}, "temp": {}}


def test_the_design_sheet_is_true() -> None:
    assert differences(SensorOrchestrator) == []


def test_sensors_begin_as_the_configuration_says() -> None:
    """REQ-SO-001: each in a process of its own, with its section over the global defaults."""
    sensors: Sensors = {
        "audio": {"gain": "49"},
        "temp": {"auto_start": "False"},
        "front": {"kind": "video", "priority": 3},
    }
    with Hive(sensors, auto_start="True") as hive:
        assert [hive.state(name) for name in sensors] == ["WAITING", "STOPPED", "WAITING"]
        assert hive.channels.latest()["Sensors"] == 3
        commands = [process.command for process in hive.processes]
        assert [command[:4] for command in commands] == [
            ["python", "-m", "kittiwake_components.sensors", "audio"],
            ["python", "-m", "kittiwake_components.sensors", "video"],
        ]
        folders = [command[command.index("--folder") + 1] for command in commands]
        assert folders == ["/kittiwake/captures/audio", "/kittiwake/captures/front"]
        assert hive.script.options == {"audio": {"gain": "49"}, "front": {}}


def test_a_configuration_with_faults_is_refused_whole() -> None:
    """REQ-SO-017. Upstream: overlapping captures were not refused."""
    with Hive(TWO) as hive:
        before = list(hive.processes)
        hive.configure(
            {"audio": {"capture_duration_seconds": 400}, "cpu": {}, "temp": {"capture_interval_seconds": "x"}}
        )
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.VALIDATION_ERROR
        rejected = [event.args for event in hive.events.named("ConfigRejected")]
        assert [where.split(":")[:2] for where, _ in rejected] == [
            ["beemon-config.ini", "8"],
            ["beemon-config.ini", "11"],
        ]
        assert "captures would overlap" in rejected[0][1]
        assert hive.processes == before
        hive.ticks(3600 + 61)
        assert len(hive.starts("audio")) == len(hive.starts("temp")) == 1
        assert hive.starts("cpu") == []


def test_the_log_is_told_what_the_configuration_says_of_it_and_what_has_no_effect_is_said() -> None:
    """REQ-SO-027. Upstream's keys of [log] and [dashboard]."""
    log = {"logging_level": "warning", "log_cycle_days": 0.5, "max_file_size_megabytes": 2, "max_archived_files": 3}
    with Hive({"audio": {}, "log": log, "dashboard": {"host": "dash.example.org"}}, open_ports=()) as hive:
        assert hive.ports.log_out == [(Severity.WARNING_LO, 2_000_000, 43_200, 3)]
        (unused,) = hive.events.named("ConfigUnused")
        assert "[dashboard] host: no effect" in unused.args[1]
        hive.configure({"audio": {}})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert hive.ports.log_out[1:] == [(Severity.DIAGNOSTIC, 0, 0, 0)]
        assert len(hive.events.named("ConfigUnused")) == 1


def test_a_reload_that_changes_nothing_of_a_sensor_says_and_does_nothing() -> None:
    """REQ-SO-017: an open window is not said again, and a start that waits for its sensor is not lost."""
    with Hive({"audio": {}}, now="2026-06-01T09:00:00-04:00") as hive:
        times = hive.component.sensors[0].times
        count = len(hive.events.named("WindowOpened"))
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert hive.component.sensors[0].times is times
        hive.configure({"audio": {"priority": 3}})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert hive.component.sensors[0].times is times
        hive.configure({"audio": {"capture_interval_seconds": 600}})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        hive.ticks(1200)
        assert len(hive.starts()) == 3
        assert len(hive.events.named("WindowOpened")) == count


@pytest.mark.parametrize("said, used", [
    (b"hive-7.example.org\n", "hive-7"), (b"hive_7\n", "hive"), (b"\xff\n", "hive"), (b"", "hive"), (None, "hive"),
])  # fmt: skip
def test_recordings_are_named_by_the_machine(said: bytes | None, used: str) -> None:
    """REQ-SO-028. The original's names: two hives that upload to one place do not overwrite each other's files."""
    platform = SimulatedPlatform(wall_start_ns=utc_ns("2026-06-01T07:59:59-04:00"))
    if said is not None:
        platform.files.make_folders("/proc/sys/kernel")
        with platform.files.open("/proc/sys/kernel/hostname", "w") as file:
            file.write_at(0, said)
    with Hive(platform=platform) as hive:
        hive.ticks(90)
        assert [name for name in hive.recordings() if name.endswith("wav")] == [
            f"audio/2026-06-01/{used}@2026-06-01@08-00-00.wav"
        ]


def test_a_missing_configuration_is_said_and_can_come_later() -> None:
    with Hive(settings={"configuration": "/etc/hive.ini"}) as hive:
        reason = "there is no such file; send RELOAD_CONFIG once it is in /kittiwake"
        assert hive.events.named("ConfigRejected")[0].args == ("/etc/hive.ini", reason)
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.VALIDATION_ERROR
        assert hive.send("STOP", "", StopPolicy.CONFIGURED).response is CommandResponse.OK
        hive.write_file("/etc/hive.ini", ini(TWO))
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert [hive.state(name) for name in TWO] == ["WAITING", "WAITING"]
        hive.files.remove("/kittiwake/beemon-config.ini")
    with Hive(platform=hive.platform) as hive:
        hive.files.remove("/kittiwake/beemon-config.ini")
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.VALIDATION_ERROR
        assert hive.events.named("ConfigRejected")[0].args[0] == "hive.toml or beemon-config.ini"


@pytest.mark.parametrize("content", [b"[audio]\nauto_start = perhaps\n", None])
def test_a_start_without_a_good_configuration_takes_that_of_before(content: bytes | None) -> None:
    """REQ-SO-025: what was uplinked wrongly, or is gone, must not leave a hive without its sensors."""
    with Hive(TWO) as hive:
        hive.files.remove("/kittiwake/beemon-config.ini")
        hive.files.sync_folder("/kittiwake")
        if content is not None:
            hive.write_file("/beemon-config.ini", content)
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.VALIDATION_ERROR
        hive.crash()
        assert hive.events.names()[:3] == ["ConfigRejected", "ConfigLoaded", "ConfigKept"]
        assert hive.events.named("ConfigKept")[0].args == ("beemon-config.ini",)
        hive.ticks(1)
        assert [hive.state(name) for name in TWO] == ["WAITING", "WAITING"]
        hive.configure({"scale": {}})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        hive.restart()
        assert "ConfigKept" not in hive.events.names()
        assert hive.channels["Sensors"] == 1


def test_the_configuration_in_force_is_kept_once_and_faults_of_the_record_are_said() -> None:
    with Hive(TWO) as hive:
        before = hive.files.operations
        hive.send("RELOAD_CONFIG")
        writes = [name for name, path in list(hive.files.log)[before - hive.files.operations :] if name == "write_at"]
        assert writes == []
        hive.files.damage("/kittiwake/accepted_configuration.a", 30, b"\xff\xff\xff")
        hive.restart()
        assert hive.events.named("RecordRecovered")[0].args[0] == "/accepted_configuration.a"


def test_health_may_restart_it_alone() -> None:
    """Its sensors finish what they record and leave, and new ones begin."""
    with Hive(TWO) as hive:
        hive.ticks(3600 + 20)
        before = list(hive.processes)
        Recovery(hive.deployment, hive.deployment.main).restart("tested", lambda _: None)
        hive.ticks(1)
        assert len(hive.processes) == 4
        hive.ticks(60)
        assert [process for process in before if process.status is None] == []
        assert len([name for name in hive.recordings() if name.endswith(".wav")]) == 2
        hive.ticks(300)
        assert [hive.report(name).captures for name in TWO] == [1, 1]


def test_toml_goes_before_the_original_file() -> None:
    with Hive({"audio": {}}) as hive:
        hive.write_file("/hive.toml", b'[global]\npytz_time_zone = "UTC"\n[scale]\n')
        hive.send("RELOAD_CONFIG")
        assert hive.events.named("ConfigLoaded")[-1].args == ("hive.toml", 1)
        hive.ticks(2)
        assert hive.state("scale") == "RECORDING"
        assert [one for one in hive.component.sensors.values() if one.name == "audio"] == []


def test_a_change_touches_only_what_it_changes() -> None:
    """REQ-SO-017: new options begin once the recording is finished, a new window at once, the rest goes on."""
    three = {**TWO, "scale": {}, "cpu": {}}
    with Hive(three) as hive:
        hive.ticks(3600 + 20)
        processes = {process.command[3]: process for process in hive.processes}
        hive.configure({"audio": {"gain": "50"}, "temp": {"capture_interval_seconds": 120}, "scale": {}})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert [hive.state(name) for name in three] == ["STOPPING", "RECORDING", "RECORDING", "STOPPING"]
        hive.ticks(50)
        assert [hive.state(name) for name in three] == ["WAITING", "WAITING", "WAITING", "STOPPED"]
        assert {name for name, process in processes.items() if process.status is None} == {"temp", "scale"}
        assert hive.script.options["audio"] == {"gain": "50"}
        assert all(hive.report(name).captures == 1 for name in three)
        hive.ticks(300)
        assert hive.starts("temp")[1:] == [f"2026-06-01T08:{minute}:00-04:00" for minute in ("02", "04", "06")]
        assert len(hive.starts("scale")) == 2
        assert hive.channels["Sensors"] == 3
        hive.configure(three)
        hive.send("RELOAD_CONFIG")
        hive.ticks(1)
        assert hive.state("cpu") == "WAITING"


def test_a_sensor_that_is_taken_out_and_put_in_again_goes_on() -> None:
    with Hive(TWO) as hive:
        hive.ticks(3600 + 20)
        one: Sensors = {"audio": {}}
        for left in (one, TWO):
            hive.configure(left)
            hive.send("RELOAD_CONFIG")
        assert hive.state("temp") == "STOPPING"
        hive.ticks(60)
        assert (hive.state("temp"), hive.report("temp").captures) == ("WAITING", 1)


def test_a_stopped_sensor_stays_stopped_when_its_options_change() -> None:
    with Hive(TWO) as hive:
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        hive.configure({"audio": {"gain": "50"}, "temp": {}})
        hive.send("RELOAD_CONFIG")
        hive.ticks(1)
        assert hive.state("audio") == "STOPPED"
        hive.send("START", "audio", ElapsedStarts.CONFIGURED)
        assert hive.script.options["audio"] == {"gain": "50"}


def test_a_sensor_that_waits_for_a_restart_takes_new_options() -> None:
    with Hive(TWO) as hive:
        hive.script.dies["audio"] = "start"
        hive.processes[0].signal(9)
        hive.ticks(0.5)
        assert hive.state("audio") == "BACKING_OFF"
        hive.script.dies.clear()
        hive.configure({"audio": {"gain": "50"}, "temp": {}})
        hive.send("RELOAD_CONFIG")
        assert (hive.state("audio"), hive.script.options["audio"]) == ("WAITING", {"gain": "50"})


def test_at_most_32_sensors() -> None:
    with Hive({f"s{number}": {"kind": "cpu"} for number in range(32)}) as hive:
        assert hive.channels["Running"] == 32
        hive.configure({f"t{number}": {"kind": "cpu"} for number in range(32)})
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        hive.ticks(1)
        assert hive.channels["Running"] == 32
        assert hive.state("t31") == "WAITING"


def test_the_status_of_the_most_sensors_is_whole() -> None:
    """REQ-SO-012: 32 sensors with long names, as many readings as they may have, and some reasons; and each alone."""
    names = [f"s{number:02d}".ljust(MAX_NAME, "x") for number in range(MAX_SENSORS)]
    script = Script()
    for name in names:
        script.channels[name] = [f"r{number}".ljust(MAX_READING_NAME, "y") for number in range(MAX_READINGS)]
        script.readings[name] = [-1.234567e-300]
    with Hive({name: {"kind": "cpu"} for name in names}, script=script) as hive:
        hive.ticks(3700)
        for index in range(MAX_SENSORS):
            hive.component.sensors[index].reason = "\N{SNOWMAN}" * 512
        lines = [hive.call.status_in("", place) for place in range(MAX_SENSORS)]
        assert [line.partition(":")[0] for line in lines] == names
        assert all(line.endswith(" s ago") and line.count("-1.234567e-300") == MAX_READINGS for line in lines)
        assert max([len(line.encode()) for line in lines]) <= STATUS_SIZE
        assert [hive.call.status_in(name, 0) for name in names] == lines
        assert hive.call.status_in("", MAX_SENSORS) == hive.call.status_in(names[0], 1) == ""


@pytest.mark.parametrize("settings, wrong", [
    ({"host": "a/b"}, "a host's name"), ({"host": "h" * 64}, "a host's name"),
    ({"switched": ["a", "a"]}, "different names"),
])  # fmt: skip
def test_settings_are_checked(settings: dict[str, object], wrong: str) -> None:
    ((name, value),) = settings.items()
    check = SensorOrchestrator.__declarations__.settings[name].check
    assert check is not None
    with pytest.raises(ValueError, match=wrong):
        check(value)


def test_wherever_the_power_goes_the_next_start_records_and_no_half_recording_has_a_name() -> None:
    """REQ-SO-015: before and after every file operation of a start, a recording and a change of the configuration."""
    number = 0
    while True:
        number += 1
        platform = SimulatedPlatform(number, wall_start_ns=utc_ns("2026-06-01T07:59:00-04:00"))
        place(platform, ini(TWO))
        platform.files.cut_at(platform.files.operations + number)
        hive = None
        try:
            hive = Hive(TWO, platform=platform)
            hive.ticks(80)
            hive.send("STOP", "temp", StopPolicy.TRUNCATE)
            hive.ticks(20)
            hive.send("START", "", ElapsedStarts.CONFIGURED)
            hive.ticks(300)
            hive.finish()
            break
        except PowerCut:
            pass
        with Hive(platform=platform.crash()) as after:
            for name in after.recordings():
                if name.endswith(".wav"):
                    assert after.read_file(f"/captures/{name}") == b"recording"
                    assert after.read_file(f"/captures/{name}.json")
            after.ticks(700)
            assert after.state("audio") in (SensorState.WAITING.name, SensorState.RECORDING.name)
            assert after.report("audio").captures >= 1
    assert number > 40


def test_recordings_go_where_the_configuration_says() -> None:
    """REQ-SO-026: the original's absolute path is taken for one in the root, and the uploader is told of it."""
    with Hive(TWO, local_output_directory="/data/bee_tmp/") as hive:
        hive.ticks(3600 + 100)
        folder = "/kittiwake/data/bee_tmp"
        assert len([name for name in files_below(hive.platform, folder) if name.endswith(".wav")]) == 2
        assert not hive.files.exists("/kittiwake/captures")
        assert hive.events.named("CaptureDone")[0].args[1].startswith("audio/2026-06-01/")
        assert hive.ports.configured_out[0] == [("/data/bee_tmp",)]


def test_another_place_for_recordings_waits_for_the_next_start() -> None:
    """REQ-SO-026: recordings that are being made stay where they are, and that is said."""
    with Hive(TWO) as hive:
        hive.ticks(3600 + 20)
        hive.configure(TWO, local_output_directory="bee_tmp")
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert [event.args for event in hive.events.named("OutputStays")] == [("/captures", "/bee_tmp")]
        hive.ticks(60)
        assert hive.report("audio").captures == 1
        assert hive.ports.configured_out[0] == [("/captures",), ("/captures",)]
        hive.restart()
        assert hive.component.recordings == "/kittiwake/bee_tmp"


@pytest.mark.parametrize("folder", ["../out", "/", "~/bee_tmp", "x" * 101])
def test_no_recording_leaves_the_root(folder: str) -> None:
    """REQ-SO-026."""
    with Hive(TWO) as hive:
        hive.configure(TWO, local_output_directory=folder)
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.VALIDATION_ERROR
        (where, reason) = hive.events.named("ConfigRejected")[0].args
        assert where.startswith("beemon-config.ini:")
        assert "in the deployment's root" in reason


@pytest.mark.parametrize(
    "content, is_kept",
    [
        (b'[ftp]\npassword = "swordfish"\n[scale]\n[dashboard]\naccess_token = "swordfish"\n', True),
        (b'ftp = {password = "swordfish"}\n[scale]\n', False),
    ],
)
def test_the_record_of_the_configuration_holds_no_secret(content: bytes, is_kept: bool) -> None:
    """REQ-SO-025."""
    with Hive(TWO) as hive:
        hive.write_file("/hive.toml", content)
        assert hive.send("RELOAD_CONFIG").response is CommandResponse.OK
        assert bool(hive.events.named("FileFault")) is not is_kept
        records = [f"/kittiwake/accepted_configuration.{slot}" for slot in "ab"]
        assert b"swordfish" not in b"".join(
            [hive.files.read(name, 1 << 17) for name in records if hive.files.exists(name)]
        )
        hive.files.remove("/kittiwake/hive.toml")
        hive.files.remove("/kittiwake/beemon-config.ini")
        hive.restart()
        assert hive.events.named("ConfigKept")[0].args == (("hive.toml",) if is_kept else ("beemon-config.ini",))
