"""The process of a sensor: it hears the orchestrator on its input, records one capture at a time, and says how it went.

It waits for nothing but its input and its captures. At the end of its input, which is also the end of the orchestrator,
it finishes the capture that runs, publishes it, and leaves.
"""

from __future__ import annotations

import posixpath
from collections import deque
from math import isfinite
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.sensors.capture import Capture
from kittiwake_components.sensors.protocol import (
    DISCARD,
    FINISH,
    MAX_EXTENSION,
    MAX_READING_NAME,
    MAX_READINGS,
    MAX_WHY,
    POLICIES,
    TRUNCATE,
    LineFault,
    LineReader,
    decode_line,
    encode_line,
)
from kittiwake_components.sensors.recording import Recording, settle_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from kittiwake.platform.interface import Platform, Stream
    from kittiwake_components.sensors.sensor import Sensor

REFUSED_STATUS = 2
"""How the process ends when it is no sensor: not found, or configured wrongly."""

_RECEIVE_BYTES = 65536
_MAX_UNSENT = 64
_LAST_WORDS_S = 5
_MAX_DURATION_S = 86400


class _Order(NamedTuple):
    """A capture that was asked for."""

    capture: int
    path: str
    start: datetime
    duration_s: float


class SensorProcess:
    """Speaks for one sensor, which `find` makes.

    `folder` is where its files go, and `claim` claims it for this process: it raises `ValueError` as long as another
    one works there. `given` and `said` are the orchestrator's ends; `note` is told what else is worth a line in a log.
    """

    def __init__(
        self,
        platform: Platform,
        folder: str,
        find: Callable[[], Sensor],
        claim: Callable[[], None],
        given: Stream,
        said: Stream,
        note: Callable[[str], None],
    ) -> None:
        self._platform = platform
        self._clock = platform.clock
        self._name = posixpath.basename(folder)
        self._folder = folder
        self._find = find
        self._claim = claim
        self._given = given
        self._said = said
        self._note = note
        self._poller = platform.poller()
        self._lines = LineReader()
        self._unsent: deque[bytes] = deque()
        self._sensor: Sensor | None = None
        self._next: _Order | None = None
        self._current = 0
        self._capture: Capture | None = None
        self._policy = FINISH
        self._has_claim = False
        self._is_deaf = False
        self._is_ending = False
        self._is_terminated = False
        self._status = 0

    def run(self) -> int:
        """Serves until the end of its input, or `end`; the exit status of the process."""
        self._poller.add(self._given.fileno(), self._hear, None)
        while True:
            if self._next is not None:
                order, self._next = self._next, None
                self._record(order)
            elif self._is_ending:
                break
            else:
                self.attend(None)
        if self._sensor is not None:
            self._sensor.close()
        self._finish_saying()
        self._poller.close()
        return self._status

    def terminate(self) -> None:
        """Has it publish what it has, and end; safe in a signal handler."""
        self._is_terminated = True
        self._poller.wake()

    # What a capture needs

    def now_ns(self) -> int:
        """Nanoseconds since boot."""
        return self._clock.now_ns()

    def attend(self, until_ns: int | None, fileno: int | None = None) -> None:
        """Waits until then, until something was said, or until there is something to read from a descriptor."""
        if fileno is not None:
            self._poller.add(fileno, _ready, None)
        for call in self._poller.wait(until_ns):
            call()
        if fileno is not None:
            self._poller.remove(fileno)
        if self._is_terminated:
            self._is_ending = True
            self._stop(TRUNCATE)

    # What it hears

    def _hear(self) -> None:
        try:
            data = self._given.receive(_RECEIVE_BYTES)
        except OSError:
            data = b""
        if data == b"":
            self._poller.remove(self._given.fileno())
            self._is_ending = True
        for line in self._lines.feed(data or b""):
            try:
                self._obey(decode_line(line))
            except LineFault as fault:
                self._note(f"not understood: {fault}")

    def _obey(self, message: dict[str, Any]) -> None:
        match message:
            case {"do": "configure", "options": dict(options)} if self._sensor is None:
                self._configure(options)
            case {"do": "record", "capture": int(capture)} if self._sensor is not None:
                self._order(capture, message)
            case {"do": "stop", "capture": int(capture), "policy": str(policy)} if policy in POLICIES:
                if capture == self._current or (self._next is not None and capture == self._next.capture):
                    self._stop(policy)
            case {"do": "end"}:
                self._is_ending = True
            case _:
                raise LineFault(f"{str(message)[:80]} asks for nothing that is known here, or comes too early")

    def _configure(self, options: dict[str, Any]) -> None:
        try:
            sensor = self._find()
            sensor.configure(options)
            sensor.prepare()
            _check(sensor)
        except Exception as fault:
            self._say({"is": "refused", "why": _why(fault)})
            self._status = REFUSED_STATUS
            self._is_ending = True
            return
        self._sensor = sensor
        try:
            self._work_alone()
        except (OSError, ValueError) as fault:
            self._note(_why(fault))  # it is tried again, and said, with the first capture
        names, units = [reading.name for reading in sensor.readings], [reading.unit for reading in sensor.readings]
        self._say(
            {
                "is": "ready", "sensor": self._name, "extension": sensor.extension, "safe_to_kill": sensor.safe_to_kill,
                "channels": names, "units": units,
            }
        )  # fmt: skip

    def _order(self, capture: int, message: dict[str, Any]) -> None:
        try:
            if self._current or self._next is not None:
                raise ValueError("another capture has not ended")
            self._next = self._read_order(capture, message)
        except ValueError as fault:
            self._say({"is": "failed", "capture": capture, "why": _why(fault)})

    def _read_order(self, capture: int, message: dict[str, Any]) -> _Order:
        from datetime import datetime

        path, start, duration_s = message.get("path"), message.get("start"), message.get("duration_s")
        if not isinstance(path, str) or posixpath.normpath(path) != path or not path.startswith(f"{self._folder}/"):
            raise ValueError(f"a recording goes into {self._folder}")
        if not isinstance(duration_s, (int, float)) or not 0 < duration_s <= _MAX_DURATION_S:
            raise ValueError(f"a capture takes more than 0 and at most {_MAX_DURATION_S} s")
        moment = datetime.fromisoformat(start) if isinstance(start, str) else None
        if moment is None or moment.tzinfo is None:
            raise ValueError("a capture has a start, with its offset from UTC")
        return _Order(capture, path, moment, float(duration_s))

    def _stop(self, policy: str) -> None:
        """Stops the capture that runs, as far as no earlier stop goes further, and the one that was to begin."""
        if self._next is not None:
            self._say({"is": "discarded", "capture": self._next.capture})
            self._next = None
        if self._capture is not None and POLICIES.index(policy) > POLICIES.index(self._policy):
            self._policy = policy
            self._capture.stop()

    # What it does

    def _work_alone(self) -> None:
        """Claims the folder, and settles what an earlier process has left there."""
        if self._has_claim:
            return
        self._claim()
        self._has_claim = True
        for path, size, digest in settle_leftovers(self._platform.files, self._folder):
            if size < 0:
                self._say({"is": "discarded", "capture": 0, "path": path})
            else:
                self._say(
                    {"is": "done", "capture": 0, "path": path, "bytes": size, "sha256": digest, "truncated": False}
                )

    def _record(self, order: _Order) -> None:
        assert self._sensor is not None
        file = Recording(self._platform.files, order.path)
        self._current, self._policy = order.capture, FINISH
        try:
            self._work_alone()
            file.start()
            try:
                answer = self._fill(self._sensor, file, order)
            except BaseException:
                file.discard()
                raise
        except Exception as fault:
            answer = {"is": "failed", "capture": order.capture, "why": _why(fault)}
        self._current, self._capture = 0, None
        self._say(answer)

    def _fill(self, sensor: Sensor, file: Recording, order: _Order) -> dict[str, Any]:
        """Has the sensor record, and publishes the file unless it is to be discarded."""

        def report(values: Sequence[float]) -> None:
            known = [value if isfinite(value) else None for value in values]
            self._say({"is": "reading", "capture": order.capture, "values": known}, may_wait=False)

        capture = self._capture = Capture(self, file, order.start, order.duration_s, report)
        self._say({"is": "recording", "capture": order.capture})
        sensor.record(capture)
        if self._policy == DISCARD:
            file.discard()
            return {"is": "discarded", "capture": order.capture}
        took_s = min(capture.elapsed_s, order.duration_s)
        truncated = self._policy == TRUNCATE and took_s < order.duration_s
        own = {"sensor": self._name, "start": order.start.isoformat(), "duration_s": round(took_s, 3)}
        how = {"truncated": truncated, "simulated": sensor.is_simulated, "readings": _readings(sensor, capture)}
        size, digest = file.publish({**sensor.describe(), **own, **how})
        return {"is": "done", "capture": order.capture, "bytes": size, "sha256": digest, "truncated": truncated}

    # What it says

    def _say(self, message: dict[str, Any], *, may_wait: bool = True) -> None:
        """Says it as soon as there is room; without `may_wait` now or never."""
        if self._is_deaf or (self._unsent and not may_wait) or len(self._unsent) >= _MAX_UNSENT:
            return
        try:
            line = encode_line(message)
        except ValueError as fault:
            self._note(f"not said: {fault}")
            return
        self._unsent.append(line)
        self._send()
        if not may_wait and self._unsent and len(self._unsent[0]) == len(line):
            self._unsent.clear()  # nothing of it has gone

    def _send(self) -> None:
        """Sends what there is room for; the rest once there is."""
        try:
            while self._unsent:
                sent = self._said.send(self._unsent[0])
                rest = self._unsent[0][sent:]
                if rest:
                    self._unsent[0] = rest
                    break
                self._unsent.popleft()
        except OSError:
            # Nobody listens any more, and that ends its input too: what runs is finished for whoever comes next.
            self._is_deaf = True
            self._unsent.clear()
        if not self._is_deaf:
            self._poller.add(self._said.fileno(), None, self._send if self._unsent else None)
        else:
            self._poller.remove(self._said.fileno())

    def _finish_saying(self) -> None:
        end_ns = self.now_ns() + _LAST_WORDS_S * NS_PER_S
        while self._unsent and self.now_ns() < end_ns:
            self.attend(end_ns)


def _check(sensor: Sensor) -> None:
    """Raises `ValueError` for a sensor that declares what the orchestrator cannot take."""
    if not (sensor.extension.isascii() and sensor.extension.isalnum() and len(sensor.extension) <= MAX_EXTENSION):
        raise ValueError(f"the extension of its files has at most {MAX_EXTENSION} letters and digits")
    if len(sensor.readings) > MAX_READINGS:
        raise ValueError(f"a sensor has at most {MAX_READINGS} readings")
    if any(not 0 < len(text.encode()) <= MAX_READING_NAME for text, _ in sensor.readings):
        raise ValueError(f"the name of a reading has at most {MAX_READING_NAME} bytes")


def _ready() -> None:
    """There is something to read: whoever waits for it does."""


def _readings(sensor: Sensor, capture: Capture) -> list[dict[str, Any]]:
    """The readings of a capture with what was read last."""
    last = [*capture.last, *[float("nan")] * (len(sensor.readings) - len(capture.last))]
    return [
        {"name": reading.name, "unit": reading.unit, "last": value if isfinite(value) else None}
        for reading, value in zip(sensor.readings, last, strict=False)
    ]


def _why(fault: Exception) -> str:
    """A fault as a reason: what it says itself, or else what it is."""
    if isinstance(fault, OSError) and fault.strerror:
        text = f"{fault.strerror}: {fault.filename}" if fault.filename else fault.strerror
    else:
        text = str(fault) if isinstance(fault, (OSError, ValueError)) else f"{type(fault).__name__}: {fault}"
    return " ".join(text.split())[:MAX_WHY] or type(fault).__name__
