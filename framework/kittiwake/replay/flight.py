"""A recorded flight, and its replay: a deployment made from the same image, which the recording drives."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.replay.boundary import ATTRIBUTES, PARTS, shown_by
from kittiwake.replay.difference import Difference, RecordingOver, ReplayEnded
from kittiwake.replay.places import packages_in
from kittiwake.replay.recording import NotARecording, Recorder
from kittiwake.replay.recording_platform import RecordingPlatform
from kittiwake.replay.replay_platform import ReplayPlatform
from kittiwake.replay.telemetry import channel_that_differs
from kittiwake.replay.thaw import thaw
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.image import dump_image, load_image
from kittiwake.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.platform.interface import Files, Platform
    from kittiwake.replay.recording import Recording
    from kittiwake.runtime.image import Image

DRIVES = ("start", "attend", "run", "run_for", "stop")
"""What may be done with a recorded deployment, besides what comes over its platform."""


def header_of(image: Image, platform: Platform, root: str, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a recording says of its deployment."""
    return {
        "image": dump_image(image),
        "packages": sorted(packages_in(image)),
        "settings": {name: dict(own) for name, own in settings.items()},
        "root": root,
        "has_threads": platform.has_threads,
        "last_end": platform.last_end,
        "begun_ns": platform.clock.now_ns(),
        "shown": {kind: shown_by(kind, getattr(platform, kind, None)) for kind in PARTS if kind in ATTRIBUTES},
    }


class RecordedFlight:
    """A deployment whose every input is recorded; fly it by `start`, `run`, `run_for` and `stop`, and end with `close`.

    Leaves `platform`, and what else reads its clock, to the deployment.
    """

    def __init__(
        self, image: Image, platform: Platform, root: str, files: Files, path: str, *,
        settings: Mapping[str, Mapping[str, Any]] | None = None, keyframe_s: float = 0.0, **options: Any,
    ) -> None:  # fmt: skip
        """Records into `path` of `files`, with a keyframe every `keyframe_s` seconds (0: none).

        `options` are those of `Recorder`. Raises `OSError`.
        """
        self.recorder = Recorder(files, path, header_of(image, platform, root, settings or {}), **options)
        self.platform = RecordingPlatform(platform, self.recorder)
        files = self.platform.files
        self.deployment = Deployment(image, self.platform, Root(files, root), settings, self.platform.witness)
        if keyframe_s:
            self.platform.keep_keyframes(self.deployment, keyframe_s)

    def start(self) -> None:
        """Starts the deployment."""
        self.platform.drive(self.deployment.start)

    def run(self) -> str:
        """Runs it until it stops, and says why it did."""
        reason: str = self.platform.drive(self.deployment.run)
        return reason

    def run_for(self, seconds: float) -> None:
        """Runs it for a time."""
        self.platform.drive(self.deployment.run_for, seconds)

    def stop(self) -> None:
        """Stops it."""
        self.platform.drive(self.deployment.stop)

    def close(self) -> None:
        """Ends the recording."""
        self.platform.close(self.deployment.exit_reason or "it was ended")


class Outcome(NamedTuple):
    """How a replay ended: the `difference`, if there was one, else `ended`, why the recording is over."""

    difference: Difference | None
    ended: str
    records: int
    outputs: int
    flight_ns: int


class Replay:
    """A deployment that is replayed."""

    def __init__(
        self, recording: Recording, image: Image | None = None, settings: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """`image` is replayed instead of the recording's own, `settings` replace some of those in flight.

        Raises `NotARecording` and `ImageFault`.
        """
        self._recording = recording
        header = recording.header
        try:
            self._image: Image = load_image(header["image"]) if image is None else image
            self._settings: dict[str, dict[str, Any]] = {name: dict(own) for name, own in header["settings"].items()}
            self._root: str = header["root"]
            self.platform = ReplayPlatform(recording)
        except KeyError as fault:
            raise NotARecording(f"{recording.path} has no {fault} in its header") from None
        self._replaced = settings or {}
        for name, own in self._replaced.items():
            self._settings.setdefault(name, {}).update(own)
        self.deployment: Deployment | None = None

    def instances_of(self, kind: str) -> set[str]:
        """The instances whose component class has a path that ends so."""
        return {name for name, path, *_ in self._image["instances"] if path.endswith(kind)}

    def run(self, from_ns: int | None = None) -> Outcome:
        """Replays to the end or to the first difference; from the last keyframe before a time of the flight, if given.

        Raises `ThawRefused` where the deployment cannot take the keyframe, and `LookupError` if there is none.
        """
        source = self.platform.source
        difference: Difference | None = None
        ended = ""
        try:
            self._fly(from_ns)
        except RecordingOver:
            pass
        except ReplayEnded as end:
            ended = str(end)
        except Difference as found:
            difference = found
        flight_ns = source.time_ns - source.begun_ns
        return Outcome(difference, ended or self._recording.ended, source.number, source.outputs, flight_ns)

    def _fly(self, from_ns: int | None) -> None:
        platform = self.platform
        root = Root(platform.files, self._root)
        deployment = Deployment(self._image, platform, root, self._settings, platform.source.witness)
        self.deployment = deployment
        platform.serve(deployment)
        platform.source.channel_that_differs = partial(channel_that_differs, deployment)
        if from_ns is not None:
            self._go_on_from(deployment, from_ns)
        while True:
            call, arguments = platform.source.drive(DRIVES)
            getattr(deployment, call)(*[_nothing if one is None else one for one in arguments])

    def _go_on_from(self, deployment: Deployment, from_ns: int) -> None:
        keyframe = self._recording.keyframe_at(self.platform.source.begun_ns + from_ns)
        if keyframe is None:
            raise LookupError("the recording has no keyframe before that time")
        self._start(deployment)
        self.platform.source.start_at(keyframe)
        thaw(deployment, keyframe.state)
        for name, own in self._replaced.items():
            for setting, value in own.items() if name in deployment.instances else ():
                setattr(deployment.instances[name], setting, value)
        if keyframe.drive[0] == "run":
            deployment.go_on()
        else:
            deployment.main.go_on()

    def _start(self, deployment: Deployment) -> None:
        """Starts the deployment as the flight did: much of what a state is put into comes into being there."""
        call = ""
        while call not in ("start", "run"):
            call, _ = self.platform.source.drive(DRIVES)
            if call == "attend":
                deployment.attend(_nothing, _nothing)
        deployment.start()


def _nothing() -> None:
    """What the process did for itself is done without."""
