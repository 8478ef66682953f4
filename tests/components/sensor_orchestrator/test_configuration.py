"""The hive's configuration: the original's INI file, TOML, and what is said of one that is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.faults import Faults
from kittiwake_components.sensor_orchestrator.configuration import (
    HiveConfiguration,
    SensorSettings,
    find_configuration,
    read_configuration,
)
from kittiwake_components.sensors.options import Option

S = 1_000_000
ORIGINAL = """\
[global]
pytz_time_zone = US/Eastern
root_upload_directory = /srv/hives
local_output_directory = /var/hive/captures
capture_window_start_time = 0800
capture_window_end_time = 2000
capture_duration_seconds = 60
capture_interval_seconds = 300
auto_start = True

[audio]
sampling_frequency = 48000
sample_format = 24
channel_count = 1
gain = 49
set_gain = False

[video]
frames_per_second = 30
resolution_x = 640
resolution_y = 480
flip_video = False

[temp]
capture_window_start_time = 0700
capture_window_end_time = 2100

[airquality]
capture_window_start_time = 0800
capture_window_end_time = 2000

[scale]
weight_multiple = 1000
weight_offset = 0.0

[cpu]
auto_start = False
capture_duration_seconds = 10
capture_interval_seconds = 60

[ftp]
username = bees
password = 100%honey
host = ftp.example.com
port = 2121
upload_delay = 20

[dashboard]
access_token = nectar-and-pollen
host = dashboard.example.com

[log]
logging_level = debug
log_cycle_days = 3
max_file_size_megabytes = 16
max_archived_files = 7
"""
AS_TOML = """\
[global]
pytz_time_zone = "US/Eastern"
root_upload_directory = "/srv/hives"
local_output_directory = "/var/hive/captures"
capture_window_start_time = "0800"
capture_window_end_time = 20:00:00
auto_start = true

[audio]
sampling_frequency = 48000
sample_format = 24
channel_count = 1
gain = 49
set_gain = false

[video]
frames_per_second = 30
resolution_x = 640
resolution_y = 480
flip_video = false

[temp]
capture_window_start_time = 07:00:00
capture_window_end_time = "21:00"

[airquality]
[scale]
weight_multiple = 1000
weight_offset = 0.0

[cpu]
auto_start = false
capture_duration_seconds = 10
capture_interval_seconds = 60

[ftp]
username = "bees"
password = "100%honey"
host = "ftp.example.com"
port = 2121
upload_delay = 20

[log]
logging_level = "DEBUG"
log_cycle_days = 3
max_file_size_megabytes = 16
max_archived_files = 7

[dashboard]
access_token = "nectar-and-pollen"
host = "dashboard.example.com"
"""
KINDS: dict[str, dict[str, Option[Any]] | None] = {
    "audio": {"gain": Option(49, "The gain.", low=0, high=100), "set_gain": Option(False, "Whether it is set.")},
    "temp": {},
    "hygrometer": None,
}


def read(text: str, name: str = "hive.ini") -> HiveConfiguration:
    return read_configuration(text.encode(), name)


def faults(text: str, name: str = "hive.ini") -> list[str]:
    """What is said of a file with these kinds of sensors."""
    with pytest.raises(Faults) as caught:
        read_configuration(text.encode(), name, KINDS)
    return str(caught.value).splitlines()


def sensor(configuration: HiveConfiguration, name: str) -> SensorSettings:
    return next(one for one in configuration.sensors if one.name == name)


def hours(settings: SensorSettings) -> tuple[int, int, int, int, str]:
    """Start and end in minutes, duration and interval in seconds, and the zone."""
    window = settings.window
    return window.start_min, window.end_min, window.duration_us // S, window.interval_us // S, str(window.zone)


def test_the_originals_file_is_read_as_it_is() -> None:
    configuration = read(ORIGINAL, "beemon-config.ini")
    assert [one.name for one in configuration.sensors] == ["audio", "video", "temp", "airquality", "scale", "cpu"]
    assert configuration.local_output_directory == "/var/hive/captures"
    assert hours(sensor(configuration, "audio")) == (480, 1200, 60, 300, "US/Eastern")
    assert sensor(configuration, "audio").options["gain"] == "49"
    assert hours(sensor(configuration, "temp")) == (420, 1260, 60, 300, "US/Eastern")
    assert hours(sensor(configuration, "cpu")) == (480, 1200, 10, 60, "US/Eastern")
    assert [one.name for one in configuration.sensors if not one.auto_start] == ["cpu"]
    assert configuration.ftp.password.reveal() == "100%honey"
    assert (configuration.ftp.port, configuration.ftp.upload_delay_s) == (2121, 20.0)
    assert configuration.ftp.root_upload_directory == "/srv/hives"
    assert configuration.log == ("debug", 3.0, 16.0, 7)


def test_toml_says_the_same() -> None:
    of_ini, of_toml = read(ORIGINAL), read(AS_TOML, "hive.toml")
    assert [(one.name, hours(one), one.auto_start) for one in of_toml.sensors] == [
        (one.name, hours(one), one.auto_start) for one in of_ini.sensors
    ]
    assert of_toml._replace(sensors=(), unused=()) == of_ini._replace(sensors=(), unused=())
    assert sensor(of_toml, "audio").options["gain"] == 49


def test_toml_is_preferred() -> None:
    assert find_configuration(["beemon-config.ini", "hive.toml", "other"]) == "hive.toml"
    assert find_configuration(["beemon-config.ini"]) == "beemon-config.ini"
    assert find_configuration(["other.ini"]) is None


def test_what_a_file_leaves_out_is_as_the_original_has_it() -> None:
    configuration = read("[audio]\n")
    assert hours(sensor(configuration, "audio")) == (480, 1200, 60, 300, "UTC")
    settings = sensor(configuration, "audio")
    assert (settings.kind, settings.auto_start, settings.stop_policy, settings.priority) == ("audio", True, "finish", 1)
    assert not settings.include_elapsed_times
    assert configuration.ftp.port == 21


def test_what_a_file_leaves_out_of_logs_and_delays_is_as_the_deployment_has_it() -> None:
    """Without a delay finished captures go at once, and without [log] the log is as the topology says."""
    configuration = read("[audio]\n[dashboard]\nhost =\n")
    assert configuration.ftp.upload_delay_s == 0
    assert configuration.log == ("", 0, 0, 0)
    assert configuration.unused == ()


def test_what_has_no_effect_is_named_with_its_place_and_no_secret() -> None:
    (unused,) = read(ORIGINAL, "beemon-config.ini").unused
    line = ORIGINAL[: ORIGINAL.index("access_token")].count("\n") + 1
    assert str(unused).startswith(f"beemon-config.ini:{line}:1: [dashboard] access_token, host: no effect (the hive's")
    assert "nectar" not in str(unused)


def test_a_server_without_a_host_is_named_as_having_no_effect() -> None:
    """Without a host nothing is uploaded, which nobody would be told otherwise."""
    (unused,) = read("[ftp]\nusername = bees\npassword = honey\nhost =\nupload_delay = 5\n").unused
    assert str(unused).startswith("hive.ini:2:1: [ftp] username, password: no effect (there is no host")
    assert read("[ftp]\nupload_delay = 5\n").unused == read("[ftp]\nhost = a\nusername = b\n").unused == ()


def test_two_sensors_may_be_of_one_kind() -> None:
    configuration = read("[inside]\nkind = temp\n[outside]\nkind = temp\nstop_policy = discard\npriority = 3\n")
    assert [(one.name, one.kind, one.stop_policy) for one in configuration.sensors] == [
        ("inside", "temp", "finish"), ("outside", "temp", "discard"),
    ]  # fmt: skip


def test_every_fault_is_said_at_once_with_its_line_and_what_to_do() -> None:
    """Upstream: a wrong value ended the orchestrator where it was used, one at a time."""
    text = """\
[global]
pytz_time_zone = Mars/Olympus
capture_window_start = 0800
capture_duration_seconds = soon

[audio]
gian = 50
gain = 150
set_gain = perhaps
local_output_directory = /tmp
stop_policy = abandon

[hydrometer]
[uploader]
[log]
max_archived_files = 0
"""
    assert faults(text) == [
        "hive.ini:2:1: pytz_time_zone is the name of a time zone, as US/Eastern, not 'Mars/Olympus'",
        "hive.ini:3:1: [global] has no key capture_window_start (did you mean capture_window_start_time?)",
        "hive.ini:4:1: capture_duration_seconds is a number, not 'soon'",
        "hive.ini:7:1: the sensor audio has no option gian (did you mean gain?)",
        "hive.ini:8:1: gain is a number from 0 to 100, not '150'",
        "hive.ini:9:1: set_gain is True or False, not 'perhaps'",
        "hive.ini:10:1: local_output_directory is one for all sensors (move it to [global])",
        "hive.ini:11:1: stop_policy is one of finish, truncate, discard, not 'abandon'",
        "hive.ini:13:2: there is no sensor hydrometer (did you mean hygrometer?)",
        "hive.ini:14:2: 'uploader' is no name of a sensor (what is said of the uploader stands below [ftp])",
        "hive.ini:16:1: max_archived_files is a number from 1 to 100, not '0'",
    ]


def test_captures_that_would_overlap_are_refused_where_it_is_written() -> None:
    """Upstream: a duration longer than the interval was accepted, and then unspecified."""
    text = "[global]\ncapture_interval_seconds = 60\ncapture_duration_seconds = 61\n[audio]\n[temp]\n"
    hint = "(make capture_duration_seconds shorter, or capture_interval_seconds longer)"
    overlap = "captures would overlap: a capture of 61 s is longer than the interval of 60 s"
    assert faults(text) == [f"hive.ini:3:1: {overlap} {hint}"]
    text = "[audio]\n[temp]\ncapture_duration_seconds = 61\ncapture_interval_seconds = 60\n"
    assert faults(text) == [f"hive.ini:3:1: {overlap} {hint}"]
    text = "[audio]\ncapture_window_start_time = 0000\ncapture_window_end_time = 2359\ncapture_interval_seconds = 420\n"
    assert faults(text + "capture_duration_seconds = 420\n")[0].startswith(
        "hive.ini:5:1: captures would overlap: the last"
    )


@pytest.mark.parametrize(
    "text, said",
    [
        ("gain = 1\n", "hive.ini:1:1: a key stands before the first section (begin with [global])"),
        ("[audio]\n[audio]\n", "hive.ini:2:1: the section [audio] comes twice (put the two together)"),
        ("[ftp]\nport = 1\nPORT = 2\n", "hive.ini:3:1: [ftp] has port twice (keep one of them)"),
        ("[ftp]\nmy secret\n", "hive.ini:2:1: this line says nothing known (a line is [section], key"),
        ("[a b]\n", "hive.ini:1:2: 'a b' is no name of a sensor (letters, digits"),
        ("[../../etc]\n", "hive.ini:1:2: '../../etc' is no name of a sensor (letters"),
    ],
)  # fmt: skip
def test_an_ini_file_that_is_none_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Faults) as caught:
        read(text)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "text, place",
    [
        ("[global\n", "hive.toml:1:8: this is no TOML"), ("[audio]\ngain = \n", "hive.toml:2:8: this is no TOML"),
        ("gain = 1\n", "hive.toml:1:1: gain stands before the first section"),
        ("[global]\ncapture_window_start_time = 800\n", "hive.toml:2:1: capture_window_start_time is a time of day"),
        ("[global]\nauto_start = 1\n", "hive.toml:2:1: auto_start is True or False, not '1'"),
        ("[temp]\nrates = [1]\n", "hive.toml:2:1: rates: an option is a text, a number, true or false"),
        ("[temp]\nrate = nan\n", "hive.toml:1:2: an option is neither NaN nor infinite"),
    ],
)  # fmt: skip
def test_a_toml_file_that_is_wrong_is_refused_with_its_line(text: str, place: str) -> None:
    with pytest.raises(Faults) as caught:
        read(text, "hive.toml")
    assert str(caught.value).startswith(place)


def test_files_beyond_the_limits_are_refused() -> None:
    many = "".join(f"[sensor{number}]\n" for number in range(33))
    with pytest.raises(Faults, match="more than 32 sensors"):
        read(many)
    with pytest.raises(Faults, match="larger than 65536 bytes"):
        read("#" * 65537)
    with pytest.raises(Faults, match="too long"):
        read("[audio]\n" + "".join(f"option{number} = {'x' * 200}\n" for number in range(30)))
    with pytest.raises(Faults, match="not UTF-8"):
        read_configuration(b"[audio]\nname = \xff\n", "hive.ini")
    with pytest.raises(Faults, match="ends in"):
        read_configuration(b"", "hive.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "[ftp]\npassword = honey\nport = no\n", "[dashboard]\naccess_token = honey\nhots = x\n",
        "[ftp]\npassword honey\n", "[ftp]\npassword = a\npassword = honey\n",
        f"[ftp]\npassword = {'honey' * 300}\n",
    ],
)  # fmt: skip
def test_no_secret_is_in_a_fault(text: str) -> None:
    with pytest.raises(Faults) as caught:
        read(text)
    assert "honey" not in str(caught.value) + caught.value.render() + repr(caught.value)


def test_no_secret_shows_itself() -> None:
    configuration = read(ORIGINAL)
    assert not re.search("honey|nectar", f"{configuration!r} {configuration} {configuration.ftp.password}")
    assert configuration.ftp.password == read(ORIGINAL).ftp.password


@given(st.text(max_size=120), st.sampled_from(["hive.ini", "hive.toml"]))
def test_any_text_is_a_configuration_or_a_list_of_faults(text: str, name: str) -> None:
    try:
        read_configuration(text.encode("utf-8", "surrogatepass"), name, KINDS)
    except Faults as found:
        places = {(fault.line >= 1, fault.col >= 1) for fault in found.faults}
    else:
        return
    assert places == {(True, True)}


_VALUES = st.one_of(
    st.sampled_from(["0800", "2000", "60", "300", "True", "UTC", "finish", "", "-1", "1e999", "nan"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12),
)
_KEYS = st.sampled_from([
    "pytz_time_zone", "capture_window_start_time", "capture_window_end_time", "capture_duration_seconds", "gain",
    "capture_interval_seconds", "auto_start", "stop_policy", "priority", "kind", "set_gain", "port", "log_cycle_days",
])  # fmt: skip


@given(st.dictionaries(st.sampled_from(["global", "audio", "temp", "ftp", "log"]), st.dictionaries(_KEYS, _VALUES)))
def test_sections_of_known_keys_with_any_values_are_read_or_refused_at_their_lines(
    sections: dict[str, dict[str, str]],
) -> None:
    lines = [
        line for name, keys in sections.items() for line in (f"[{name}]", *(f"{key} = {keys[key]}" for key in keys))
    ]
    try:
        configuration = read_configuration("\n".join(lines).encode(), "hive.ini", KINDS)
    except Faults as found:
        outside = [fault for fault in found.faults if not 1 <= fault.line <= len(lines)]
        read_names = None
    else:
        outside, read_names = [], [one.name for one in configuration.sensors]
    assert outside == []
    assert read_names in (None, [name for name in sections if name in KINDS])
