"""Pictures of the hive: a camera's command line writes them to its output, or frames are made up."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from kittiwake_components.sensors.sensor import Option, Sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kittiwake_components.sensors.capture import Capture

AUTO, COMMAND, SIMULATED = "auto", "command", "simulated"
_LAST_S = 2.0
"""How long a camera may take to end once it was told to."""

_MAX_SAID = 300


class Video(Sensor):
    """A film of the capture's length, or one picture, by the first camera program that is installed."""

    camera = Option(AUTO, "The program; `auto` takes the first that is installed, or makes frames up.",
                    choices=(AUTO, "rpicam", "libcamera", "ffmpeg", COMMAND, SIMULATED))  # fmt: skip
    frames_per_second = Option(30, "Frames a second.", unit="Hz", low=1, high=240)
    resolution_x = Option(640, "Width.", unit="px", low=16, high=8192)
    resolution_y = Option(480, "Height.", unit="px", low=16, high=8192)
    flip_video = Option(False, "Whether the picture is turned upside down.")
    stills = Option(False, "One picture for each capture instead of a film.")
    device = Option("/dev/video0", "The device, for ffmpeg.")
    command = Option(
        "", "For `command`: a program and its arguments that write to the standard output, without a shell."
    )
    command_extension = Option("bin", "For `command`: how the files end.")

    def prepare(self) -> None:
        """Raises `ValueError` where the program that is asked for is not installed."""
        from shutil import which

        self._camera = self.camera
        if self.camera == AUTO:
            installed = (name for name, (film, _) in _PROGRAMS.items() if which(film))
            self._camera = next(installed, SIMULATED)
        elif self.camera in _PROGRAMS and not which(_PROGRAMS[self.camera][0]):
            raise ValueError(f"{_PROGRAMS[self.camera][0]} is not installed")
        elif self.camera == COMMAND and not self.command:
            raise ValueError(f"camera = {COMMAND} needs command, a program and its arguments")
        self.is_simulated = self._camera == SIMULATED
        film, still = {"ffmpeg": ("mjpeg", "jpg"), SIMULATED: ("y4m", "pgm")}.get(self._camera, ("h264", "jpg"))
        self.extension = self.command_extension if self._camera == COMMAND else still if self.stills else film

    def record(self, capture: Capture) -> None:
        if self.is_simulated:
            self._make_up(capture)
        else:
            self._run(self.command_line(capture.duration_s), capture)

    def command_line(self, duration_s: float) -> list[str]:
        """The camera's program and its arguments, for a capture of that length."""
        if self._camera == COMMAND:
            from shlex import split

            return split(self.command)
        film, still = _PROGRAMS[self._camera]
        arguments: Callable[[Video, float], Iterator[str]] = _ffmpeg if self._camera == "ffmpeg" else _rpicam
        return [still if self.stills else film, *arguments(self, duration_s)]

    def _run(self, command: list[str], capture: Capture) -> None:
        """Runs the camera, and takes what it writes until the capture's end; what is then on its way is waited for."""
        child = self.platform.children.spawn(command)
        said = b""
        try:
            while data := capture.receive(child.output):
                capture.file.write(data)
                said += (child.errors.receive(4096) or b"")[: _MAX_SAID - len(said)]
            child.terminate()
            for data in capture.receive_rest(child.output, _LAST_S):
                capture.file.write(data)
            said += (child.errors.receive(4096) or b"")[: _MAX_SAID - len(said)]
        finally:
            child.kill()
            status = capture.await_end(child, _LAST_S)
            child.close()
        if capture.file.tell() == 0 and not capture.is_stopping:
            why = said.decode("utf-8", "replace").strip() or f"it ended with status {status}"
            raise OSError(errno.EIO, f"{command[0]} has given no picture: {why}")

    def _make_up(self, capture: Capture) -> None:
        """Frames of grey with a bright line that moves, uncompressed: YUV4MPEG2 (mjpegtools), or PGM (Netpbm)."""
        width, height = self.resolution_x, self.resolution_y
        head = b"P5 %d %d 255\n" if self.stills else b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 Cmono\n"
        capture.file.write(head % ((width, height) if self.stills else (width, height, self.frames_per_second)))
        for count in capture.steps(1 / self.frames_per_second):
            line = count % height
            frame = b"\x60" * (width * line) + b"\xf0" * width + b"\x60" * (width * (height - line - 1))
            capture.file.write(frame if self.stills else b"FRAME\n" + frame)
            if self.stills:
                return


def _rpicam(video: Video, duration_s: float) -> Iterator[str]:
    """Those of rpicam-apps, which were once called libcamera-apps."""
    yield from ("--nopreview", "--width", str(video.resolution_x), "--height", str(video.resolution_y))
    if video.flip_video:
        yield from ("--hflip", "--vflip")
    if video.stills:
        yield from ("--immediate", "--encoding", "jpg")
    else:
        yield from ("--framerate", str(video.frames_per_second), "--codec", "h264", "--inline", "--flush")
        yield from ("--timeout", str(round(duration_s * 1000)))
    yield from ("--output", "-")


def _ffmpeg(video: Video, duration_s: float) -> Iterator[str]:
    """Those of ffmpeg over Video4Linux."""
    yield from ("-loglevel", "error", "-nostdin", "-f", "v4l2", "-framerate", str(video.frames_per_second))
    yield from ("-video_size", f"{video.resolution_x}x{video.resolution_y}", "-i", video.device)
    if video.flip_video:
        yield from ("-vf", "hflip,vflip")
    yield from ("-frames:v", "1") if video.stills else ("-t", f"{duration_s:g}")
    yield from ("-c:v", "mjpeg", "-f", "mjpeg", "-")


_PROGRAMS = {
    "rpicam": ("rpicam-vid", "rpicam-still"),
    "libcamera": ("libcamera-vid", "libcamera-still"),
    "ffmpeg": ("ffmpeg", "ffmpeg"),
}
"""The programs for films and for stills, in the order in which they are looked for."""
