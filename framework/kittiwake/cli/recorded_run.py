"""What `kittiwake run --record` adds to a run."""

from __future__ import annotations

import os
from functools import partial

from kittiwake.cli.outcome import Misuse
from kittiwake.cli.run_options import keyframes_s, record_limit_bytes
from kittiwake.platform.system_files import SystemFiles
from kittiwake.replay.flight import header_of
from kittiwake.replay.recording import Recorder
from kittiwake.replay.recording_platform import RecordingPlatform

TYPE_CHECKING = False  # a device's start takes `typing` from its code pack
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kittiwake.cli.run_options import Options
    from kittiwake.platform.system import SystemPlatform
    from kittiwake.runtime.deployment import Deployment
    from kittiwake.runtime.image import Image

FILES_LIMIT = 100
"""So many recordings of one name are kept; then somebody has to look after them."""


def begin_recording(
    options: Options, platform: SystemPlatform, image: Image, root: str, settings: dict[str, dict[str, Any]]
) -> RecordingPlatform:
    """A platform that records into the file that the options name. Raises `Misuse` and `OSError`."""
    path = _new_file(os.path.abspath(options.record))
    recorder = Recorder(
        SystemFiles(), path, header_of(image, platform, root, settings), size_limit=record_limit_bytes(options)
    )
    if not options.quiet:
        print(f"recording: {path}", flush=True)
    return RecordingPlatform(platform, recorder)


def _new_file(path: str) -> str:
    """The first free name, made so that only its owner reads it: all that came in stands there, keys among it."""
    for number in range(FILES_LIMIT):
        name = f"{path}.{number}" if number else path
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            continue
        return name
    raise Misuse(f"--record: there are {FILES_LIMIT} recordings at {path}; move them away")


def recorded(
    options: Options, recording: RecordingPlatform, deployment: Deployment
) -> tuple[Callable[..., None], Callable[..., None], Callable[[], str]]:
    """`request_stop`, `attend` and `run` of the deployment so that a replay does the same."""
    every_s = keyframes_s(options)
    if every_s:
        recording.keep_keyframes(deployment, every_s)
    return (
        partial(recording.interrupt, deployment.request_stop),
        partial(recording.drive, deployment.attend),
        partial(recording.drive, deployment.run),
    )


def end_recording(recording: RecordingPlatform, reason: str, *, quiet: bool) -> None:
    """Ends the recording, and says how it went."""
    recording.close(reason)
    recorder = recording.recorder
    if not quiet and recorder.dropped:
        print(f"recording: {recorder.ended}; {recorder.dropped} records are missing", flush=True)
    if not quiet and recording.keyframes_missing:
        missing = f"{recording.keyframes_missing} keyframes are missing"
        print(f"recording: {missing}: {recording.keyframe_refusal}", flush=True)
    if not quiet and not recorder.dropped:
        print(f"recording: {recorder.size} bytes", flush=True)
