"""The sensors that come along: what they read from the kernel's files, and what they run to take pictures."""

from __future__ import annotations

import sys
import time
import wave
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake_components.sensors.airquality import AirQuality
from kittiwake_components.sensors.audio import Audio
from kittiwake_components.sensors.cpu import Cpu
from kittiwake_components.sensors.device_readings import DeviceReadings
from kittiwake_components.sensors.scale import Scale
from kittiwake_components.sensors.temp import Temp
from kittiwake_components.sensors.video import Video
from tests.components.sensors.hearing import Orchestrator, serve
from tests.components.sensors.running import Running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.sensors.hearing import Steps

NAN: Any = pytest.approx(float("nan"), nan_ok=True)


def prepared(make: type[DeviceReadings], numbers: dict[str, str], **options: Any) -> DeviceReadings:
    """A sensor over a device with these numbers."""
    platform = SimulatedPlatform()
    platform.files.make_folders("/sys/device")
    for name, text in numbers.items():
        with platform.files.open(f"/sys/device/{name}", "w") as file:
            file.write_at(0, text.encode())
    sensor = make(platform)
    sensor.configure({"device": "/sys/device", **options})
    sensor.prepare()
    return sensor


@pytest.mark.parametrize(
    "numbers, values",
    [
        ({"temp1_input": "34512\n", "humidity1_input": "61200\n"}, (34.512, 61.2)),
        ({"in_temp_input": "21000\n", "in_humidityrelative_input": "40000\n"}, (21.0, 40.0)),
        ({"temperature": "-1250\n"}, (-1.25, NAN)),
        ({"temp1_input": "no number\n", "humidity1_input": "61200\n"}, (NAN, 61.2)),
        ({}, (NAN, NAN)),
    ],
)
def test_temperature_and_humidity_as_the_kernel_shows_them(numbers: dict[str, str], values: tuple[float, ...]) -> None:
    assert prepared(Temp, numbers).read() == values


def test_air_quality_as_the_kernel_shows_it() -> None:
    numbers = {f"in_massconcentration_{size}_input": f"{mass}\n" for size, mass in (("pm1", 3), ("pm2p5", 7.5))}
    assert prepared(AirQuality, numbers).read() == (3.0, 7.5, NAN)


def test_a_scale_multiplies_and_adds() -> None:
    scale = prepared(Scale, {"in_voltage0_raw": "250\n"}, weight_multiple="-2.5", weight_offset=100)
    assert scale.read() == (-525.0,)
    assert prepared(Scale, {"weight": "42.5"}).read() == (42500.0,)


def test_a_device_may_come_later() -> None:
    sensor = prepared(Temp, {})
    assert sensor.read() == (NAN, NAN)
    with sensor.platform.files.open("/sys/device/temp1_input", "w") as file:
        file.write_at(0, b"20000")
    assert sensor.read() == (20.0, NAN)


def test_a_device_is_a_folder_or_simulated() -> None:
    sensor = Temp(SimulatedPlatform())
    sensor.configure({"device": "i2c-1"})
    with pytest.raises(ValueError, match="device is a folder"):
        sensor.prepare()


@pytest.mark.parametrize("make", [Temp, AirQuality, Scale])
def test_made_up_readings_say_that_they_are(make: type[DeviceReadings]) -> None:
    sensor = make(SimulatedPlatform(3))
    sensor.prepare()
    assert sensor.is_simulated
    assert len(sensor.read()) == len(sensor.readings)
    assert all(0 < value < 100_000 for value in sensor.read())


def test_the_computer_is_read_for_real() -> None:
    cpu = Cpu(SystemPlatform())
    cpu.read()
    sum(range(200_000))
    load, temperature, memory = cpu.read()
    assert 0 <= load <= 100
    assert 0 < memory < 100
    assert temperature == NAN or -40 < temperature < 130
    assert Cpu(SimulatedPlatform()).read() == (NAN, NAN, NAN)


def test_a_microphone_without_its_library_is_refused_or_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    audio = Audio(SimulatedPlatform())
    audio.configure({"device": "hw:1", "sample_format": "16"})
    with pytest.raises(ValueError, match="needs pyalsaaudio: install kittiwake"):
        audio.prepare()
    audio.configure({"device": "auto"})
    audio.prepare()
    assert audio.is_simulated
    with pytest.raises(ValueError, match="sample_format is 16, 24 or 32, not '12'"):
        audio.configure({"sample_format": 12})


def test_sound_comes_from_alsa_where_its_library_is(tmp_path: Path) -> None:
    pytest.importorskip("alsaaudio")
    with Running("audio", tmp_path / "audio", device="null") as running:
        running.ready()
        path = running.record(0.5)
        running.hear("done")
        with wave.open(str(path)) as sound:
            assert sound.getparams()[:4] == (1, 3, 48000, 24000)


@pytest.mark.parametrize(
    "options, line",
    [
        (
            {"camera": "rpicam", "flip_video": True},
            (
                "rpicam-vid --nopreview --width 640 --height 480 --hflip --vflip --framerate 30 --codec h264 --inline "
                "--flush --timeout 60000 --output -"
            ),
        ),
        (
            {"camera": "libcamera", "stills": "yes", "resolution_x": "1920", "resolution_y": 1080},
            "libcamera-still --nopreview --width 1920 --height 1080 --immediate --encoding jpg --output -",
        ),
        (
            {"camera": "ffmpeg", "device": "/dev/video2"},
            (
                "ffmpeg -loglevel error -nostdin -f v4l2 -framerate 30 -video_size 640x480 -i /dev/video2 -t 60 "
                "-c:v mjpeg -f mjpeg -"
            ),
        ),
    ],
)
def test_a_camera_is_a_command_line(options: dict[str, Any], line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    video = Video(SimulatedPlatform())
    video.configure(options)
    video.prepare()
    assert video.command_line(60.0) == line.split()


def test_a_camera_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    for options, why in (
        ({"camera": "rpicam"}, "rpicam-vid is not installed"),
        ({"camera": "command"}, "needs command"),
    ):
        video = Video(SimulatedPlatform())
        video.configure(options)
        with pytest.raises(ValueError, match=why):
            video.prepare()
    video = Video(SimulatedPlatform())
    video.prepare()
    assert (video.is_simulated, video.extension) == (True, "y4m")


def test_simulated_frames_are_films_and_pictures() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(duration_s=2, path="/out/temp/a.y4m")
        yield from orchestrator.hear("done")

    small = {"camera": "simulated", "resolution_x": 32, "resolution_y": 16, "frames_per_second": 5}
    platform = SimulatedPlatform()
    serve(platform, Video, script, options=small)
    film = platform.files.read("/out/temp/a.y4m", 1 << 20)
    assert film.startswith(b"YUV4MPEG2 W32 H16 F5:1 Ip A1:1 Cmono\n")
    assert len(film) == 37 + 10 * (6 + 32 * 16)
    serve(platform := SimulatedPlatform(), Video, script, options={**small, "stills": True})
    assert len(platform.files.read("/out/temp/a.y4m", 1 << 20)) == 13 + 32 * 16


CAMERA = """\
import sys, time
sys.stderr.write("the lens is dirty\\n")
while True:
    sys.stdout.buffer.write(b"FRAME" * 100)
    sys.stdout.flush()
    time.sleep(0.02)
"""


def film_options(tmp_path: Path, program: str) -> dict[str, str]:
    """A camera that is a program of ours."""
    (tmp_path / "camera.py").write_text(program)
    return {"camera": "command", "command": f"'{sys.executable}' '{tmp_path}/camera.py'", "command_extension": "raw"}


def test_what_a_real_camera_program_writes_is_recorded_until_the_end_or_a_stop(tmp_path: Path) -> None:
    with Running("video", tmp_path / "video", **film_options(tmp_path, CAMERA)) as running:
        assert running.ready()["extension"] == "raw"
        path = running.record(0.5)
        assert running.hear("done", "failed")["truncated"] is False
        assert path.read_bytes() == b"FRAME" * (path.stat().st_size // 5)
        path = running.record()
        running.hear("recording")
        while not (part := path.with_name(path.name + ".part")).exists() or not part.stat().st_size:
            time.sleep(0.01)
        running.stop("truncate")
        assert running.hear("done")["truncated"] is True


@pytest.mark.parametrize(
    "program, why",
    [
        ("import sys; sys.exit('no cameras available')", "has given no picture: no cameras available"),
        ("raise SystemExit(7)", "has given no picture: it ended with status 7"),
    ],
)
def test_a_camera_that_gives_no_picture_fails_the_capture(program: str, why: str, tmp_path: Path) -> None:
    with Running("video", tmp_path / "video", **film_options(tmp_path, program)) as running:
        running.ready()
        running.record(5.0)
        assert why in running.hear("done", "failed")["why"]
