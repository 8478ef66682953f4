"""The process of a sensor in virtual time: what it says, how it stops, and what the power may do to its files."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake_components.sensors.audio import Audio
from kittiwake_components.sensors.sensor import NAN, Option, Reading, ReadingsSensor, Sensor
from kittiwake_components.sensors.temp import Temp
from tests.components.sensors.hearing import FOLDER, PATH, Orchestrator, serve

if TYPE_CHECKING:
    from kittiwake_components.sensors.capture import Capture
    from tests.components.sensors.hearing import Steps


class Thermometer(ReadingsSensor):
    """Reads 20, 21, 22... and every third time nothing."""

    readings = (Reading("temperature", "degC"), Reading("count"))
    offset = Option(0.0, "What is added.", low=-10, high=10)

    def __init__(self, platform: SimulatedPlatform) -> None:
        super().__init__(platform)
        self._count = 0

    def read(self) -> tuple[float, ...]:
        self._count += 1
        if self._count % 3 == 0:
            raise OSError("no answer")
        return 19.0 + self._count + self.offset, NAN


def named(platform: SimulatedPlatform) -> list[str]:
    """The files below the sensor's folder."""
    files = platform.files
    days = files.list(FOLDER) if files.is_folder(FOLDER) else []
    return [f"{FOLDER}/{day}/{name}" for day in days for name in files.list(f"{FOLDER}/{day}")]


def content(platform: SimulatedPlatform, path: str = PATH) -> bytes:
    return platform.files.read(path, 1 << 24)


def described(platform: SimulatedPlatform, path: str = PATH) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content(platform, f"{path}.json"))
    return found


def test_a_capture_is_a_csv_file_with_nan_for_a_failed_read() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(duration_s=20)
        yield from orchestrator.hear("done")

    platform = SimulatedPlatform()
    status, orchestrator = serve(platform, Thermometer, script, options={"offset": "1"})
    assert status == 0
    assert content(platform).decode().splitlines() == [
        "time,temperature,count",
        "2026-11-27T08:00:00.000-05:00,21,nan",
        "2026-11-27T08:00:05.000-05:00,22,nan",
        "2026-11-27T08:00:10.000-05:00,nan,nan",
        "2026-11-27T08:00:15.000-05:00,24,nan",
    ]
    assert orchestrator.kinds() == ["ready", "recording", "done"]
    assert orchestrator.last("ready") == {
        "is": "ready", "sensor": "temp", "extension": "csv", "safe_to_kill": True,
        "channels": ["temperature", "count"], "units": ["degC", ""],
    }  # fmt: skip
    readings = [(time, message["values"]) for time, message in orchestrator.heard if message["is"] == "reading"]
    assert readings == [(0.0, [21.0, None]), (5.0, [22.0, None]), (10.0, [None, None]), (15.0, [24.0, None])]


def test_what_is_published_is_described_beside_it() -> None:
    """Upstream: a file was sent after a fixed delay, whole or not; nothing told which."""

    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(capture=17, duration_s=12)
        yield from orchestrator.hear("done")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert named(platform) == [PATH, f"{PATH}.json"]
    digest = sha256(content(platform)).hexdigest()
    size = len(content(platform))
    assert described(platform) == {
        "sha256": digest, "bytes": size, "sensor": "temp", "start": "2026-11-27T08:00:00-05:00", "duration_s": 12.0,
        "truncated": False, "simulated": False,
        "readings": [
            {"name": "temperature", "unit": "degC", "last": None}, {"name": "count", "unit": "", "last": None},
        ],
    }  # fmt: skip
    assert orchestrator.last("done") == {
        "is": "done", "capture": 17, "bytes": size, "sha256": digest, "truncated": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "policy, kinds, ends_s, rows, truncated",
    [
        ("finish", "done", 60.0, 12, False),
        ("truncate", "done", 12.5, 3, True),
        ("discard", "discarded", 12.5, 0, False),
    ],
)
def test_a_stop_of_a_recording_sensor_does_as_its_policy_says(
    policy: str, kinds: str, ends_s: float, rows: int, truncated: bool
) -> None:
    """Upstream: a stop while recording let the recording go on to its end, and then threw it away."""

    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record()
        yield from orchestrator.pause(12.5)
        orchestrator.say(do="stop", capture=1, policy=policy)
        yield from orchestrator.hear("done", "discarded")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert (orchestrator.heard[-1][0], orchestrator.heard[-1][1]["is"]) == (ends_s, kinds)
    if rows:
        assert len(content(platform).splitlines()) == rows + 1
        assert described(platform)["truncated"] is truncated
    else:
        assert named(platform) == []


def test_a_sleeping_sensor_is_ended_at_once_and_records_nothing() -> None:
    """Upstream: a stop while asleep was noticed at the next start, a whole interval later."""

    def script(orchestrator: Orchestrator) -> Steps:
        yield from orchestrator.pause(123.0)
        orchestrator.say(do="end")
        while (yield None):
            pass

    platform = SimulatedPlatform()
    status, _ = serve(platform, Thermometer, script)
    assert (status, platform.clock.now_ns()) == (0, 123_000_000_000)
    assert named(platform) == []


def test_a_stop_before_the_recording_has_begun_leaves_nothing() -> None:
    """Upstream: case (a) of a stop, before the first capture; here it has overtaken nothing and is in time."""

    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record()
        orchestrator.say(do="stop", capture=1, policy="finish")
        yield from orchestrator.hear("done", "discarded")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert orchestrator.kinds() == ["ready", "discarded"]
    assert named(platform) == []


def test_a_stop_only_ever_goes_further_and_concerns_its_capture_alone() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record()
        yield from orchestrator.pause(7.0)
        orchestrator.say(do="stop", capture=2, policy="discard")
        orchestrator.say(do="stop", capture=1, policy="truncate")
        orchestrator.say(do="stop", capture=1, policy="finish")
        yield from orchestrator.hear("done")
        orchestrator.say(do="stop", capture=1, policy="discard")
        yield from orchestrator.pause(1.0)

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert orchestrator.kinds() == ["ready", "recording", "done"]
    assert orchestrator.last("done")["truncated"] is True


def test_the_end_of_its_input_finishes_the_capture_and_publishes_it() -> None:
    """Upstream: the queue of starts, and what was recorded, were gone with the orchestrator's process."""

    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record()
        yield from orchestrator.pause(3.0)

    platform = SimulatedPlatform()
    status, _ = serve(platform, Thermometer, script)
    assert (status, platform.clock.now_ns()) == (0, 60_000_000_000)
    assert len(content(platform).splitlines()) == 13
    assert described(platform)["truncated"] is False


def test_one_capture_at_a_time() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(duration_s=10)
        yield from orchestrator.hear("recording")
        orchestrator.record(capture=2, path=PATH.replace("08-00", "08-05"))
        yield from orchestrator.hear("done")
        orchestrator.record(capture=3, path=PATH.replace("08-00", "08-10"), duration_s=10)
        yield from orchestrator.hear("done")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert orchestrator.kinds() == ["ready", "recording", "failed", "done", "recording", "done"]
    assert orchestrator.last("failed") == {"is": "failed", "capture": 2, "why": "another capture has not ended"}


@pytest.mark.parametrize(
    "order, why",
    [
        ({"path": "/etc/passwd"}, "a recording goes into /out/temp"),
        ({"path": "/out/temp/../audio/x.csv"}, "a recording goes into /out/temp"),
        ({"path": "/out/temperature/x.csv"}, "a recording goes into /out/temp"),
        ({"path": 5}, "a recording goes into /out/temp"),
        ({"duration_s": 0}, "a capture takes more than 0 and at most 86400 s"),
        ({"duration_s": "60"}, "a capture takes more than 0 and at most 86400 s"),
        ({"start": "2026-11-27T08:00:00"}, "a capture has a start, with its offset from UTC"),
        ({"start": "today"}, "Invalid isoformat string: 'today'"),
    ],
)
def test_an_order_that_makes_no_sense_fails(order: dict[str, Any], why: str) -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(**order)
        yield from orchestrator.hear("failed", "done")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert orchestrator.last("failed") == {"is": "failed", "capture": 1, "why": why}


def test_no_recording_is_ever_written_over() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(duration_s=10)
        yield from orchestrator.hear("done")
        orchestrator.record(capture=2, duration_s=20)
        yield from orchestrator.hear("failed")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert "there is a recording of that name" in orchestrator.last("failed")["why"]
    assert len(content(platform).splitlines()) == 3


class Broken(Sensor):
    """Fails in one of its methods."""

    where = Option("", "The method.")

    def prepare(self) -> None:
        if self.where == "prepare":
            raise RuntimeError("no such chip")

    def record(self, capture: Capture) -> None:
        capture.file.write(b"half")
        raise ZeroDivisionError("of course")


def test_a_sensor_that_fails_says_why_and_leaves_no_half_file() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(path=f"{FOLDER}/x.bin")
        yield from orchestrator.hear("failed")
        assert orchestrator.heard[-1][1]["why"] == "ZeroDivisionError: of course"

    platform = SimulatedPlatform()
    status, orchestrator = serve(platform, Broken, script)
    assert (status, orchestrator.kinds()) == (0, ["ready", "recording", "failed"])
    assert platform.files.list(FOLDER) == []


def broken(**declared: Any) -> type[Broken]:
    """A kind of it that declares something else."""
    return type("Other", (Broken,), declared)


@pytest.mark.parametrize(
    "make, options, why",
    [
        (Broken, {"where": "prepare"}, "RuntimeError: no such chip"),
        (
            Thermometer,
            {"offset": 11, "ofset": 1},
            "offset is a number from -10 to 10, not '11'; ofset: there is no such option; did you mean offset?",
        ),
        (broken(extension="../../x"), {}, "the extension of its files has at most 8 letters and digits"),
        (broken(readings=(Reading("a"),) * 9), {}, "a sensor has at most 8 readings"),
        (broken(readings=(Reading("a" * 41),)), {}, "the name of a reading has at most 40 bytes"),
    ],
)
def test_a_configuration_that_it_cannot_take_is_refused_with_all_reasons(
    make: type[Sensor], options: dict[str, Any], why: str
) -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        yield from orchestrator.pause(1.0)

    status, orchestrator = serve(SimulatedPlatform(), make, script, options=options)
    assert status == 2
    assert orchestrator.last("refused") == {"is": "refused", "why": why}


def test_while_an_earlier_process_still_records_no_other_one_does() -> None:
    """Upstream: a process that outlived its orchestrator and the next one shared the hardware."""
    holder = [True]

    def claim() -> None:
        if holder[0]:
            raise ValueError("another process works in /out/temp")

    def script(orchestrator: Orchestrator) -> Steps:
        assert platform.files.exists(f"{PATH}.part")
        orchestrator.record(path=PATH.replace("08-00", "08-05"))
        yield from orchestrator.hear("failed")
        holder[0] = False
        orchestrator.record(capture=2, path=PATH.replace("08-00", "08-10"))
        yield from orchestrator.hear("done")

    platform = SimulatedPlatform()
    platform.files.make_folders(f"{FOLDER}/2026-11-27")
    platform.files.open(f"{PATH}.part", "w").close()
    _, orchestrator = serve(platform, Thermometer, script, claim=claim)
    assert orchestrator.kinds() == ["ready", "failed", "discarded", "recording", "done"]
    assert orchestrator.last("failed")["why"] == "another process works in /out/temp"
    assert orchestrator.last("discarded") == {"is": "discarded", "capture": 0, "path": PATH}


def test_a_full_disk_fails_the_capture_and_gives_its_room_back() -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record()
        yield from orchestrator.pause(2.0)
        platform.files.fail_every("write_at", 28)
        yield from orchestrator.hear("failed")
        platform.files.heal()
        orchestrator.record(capture=2)
        yield from orchestrator.hear("done")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Thermometer, script)
    assert orchestrator.kinds() == ["ready", "recording", "failed", "recording", "done"]


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"{", b'{"do":"dance"}', b'{"do":"record"}', b"\xff\xfe", b"x" * 9000, b"[" * 4000],
)
def test_garbage_on_its_input_changes_nothing(line: bytes) -> None:
    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.write(line + b"\n")
        orchestrator.record(duration_s=5)
        yield from orchestrator.hear("done")

    _, orchestrator = serve(SimulatedPlatform(), Thermometer, script)
    assert orchestrator.kinds() == ["ready", "recording", "done"]


def test_an_orchestrator_that_does_not_read_holds_up_no_recording() -> None:
    """Upstream: the polled queues between processes delayed recordings."""

    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(duration_s=600)
        orchestrator.say(do="end")
        orchestrator.freeze()
        yield 0.0

    platform = SimulatedPlatform()
    platform.network.buffer_size = 300
    status, _ = serve(platform, Thermometer, script)
    assert len(content(platform).splitlines()) == 121
    assert (status, platform.clock.now_ns()) == (0, 605_000_000_000)  # for five seconds it has tried to say so


def test_a_wave_file_is_as_long_as_its_capture_however_it_ends() -> None:
    import io
    import wave

    def script(orchestrator: Orchestrator) -> Steps:
        orchestrator.record(duration_s=2, path=f"{FOLDER}/a.wav")
        yield from orchestrator.hear("done")
        orchestrator.record(capture=2, duration_s=60, path=f"{FOLDER}/b.wav")
        yield from orchestrator.pause(1.25)
        orchestrator.say(do="stop", capture=2, policy="truncate")
        yield from orchestrator.hear("done")

    platform = SimulatedPlatform()
    _, orchestrator = serve(platform, Audio, script)
    for name, frames in (("a", 96000), ("b", 57600)):
        with wave.open(io.BytesIO(content(platform, f"{FOLDER}/{name}.wav"))) as sound:
            assert sound.getparams()[:4] == (1, 3, 48000, frames)
    assert described(platform, f"{FOLDER}/b.wav")["truncated"] is True
    assert described(platform, f"{FOLDER}/b.wav")["simulated"] is True
    assert orchestrator.last("reading")["values"] == [pytest.approx(-28.06, abs=0.1)]


ACTIONS = st.one_of(
    st.tuples(st.just("record"), st.floats(0.1, 30.0)),
    st.tuples(st.just("stop"), st.sampled_from(["finish", "truncate", "discard"])),
    st.tuples(st.just("stop_other"), st.sampled_from(["finish", "truncate", "discard"])),
    st.tuples(st.just("pause"), st.floats(0.0, 20.0)),
    st.tuples(st.just("garbage"), st.binary(max_size=20)),
    st.tuples(st.just("configure"), st.just("")),
)


@given(st.lists(ACTIONS, max_size=12), st.booleans())
def test_each_capture_is_answered_once_and_its_file_is_what_the_answer_says(
    actions: list[tuple[str, Any]], ends_properly: bool
) -> None:
    paths: dict[int, str] = {}

    def script(orchestrator: Orchestrator) -> Steps:
        for action, value in actions:
            if action == "record":
                capture = len(paths) + 1
                paths[capture] = f"{FOLDER}/2026-11-27/{capture}.csv"
                orchestrator.record(capture, value, paths[capture])
            elif action in ("stop", "stop_other"):
                orchestrator.say(do="stop", capture=len(paths) + (action == "stop_other"), policy=value)
            elif action == "garbage":
                orchestrator.write(value.replace(b"\n", b" ") + b"\n")
            elif action == "configure":
                orchestrator.say(do="configure", options={})
            yield from orchestrator.pause(value if action == "pause" else 0.0)
        if ends_properly:
            orchestrator.say(do="end")
        yield from orchestrator.pause(100.0)

    platform = SimulatedPlatform()
    status, orchestrator = serve(platform, Thermometer, script)
    answers: dict[int, list[str]] = {}
    for _, message in orchestrator.heard:
        if message["is"] in ("done", "discarded", "failed"):
            answers.setdefault(message["capture"], []).append(message["is"])
    assert status == 0
    assert {capture: len(answer) for capture, answer in answers.items()} == dict.fromkeys(paths, 1)
    done = [paths[capture] for capture, (answer,) in answers.items() if answer == "done"]
    assert named(platform) == sorted([*done, *(f"{path}.json" for path in done)])


OTHER = PATH.replace("08-00", "08-05")


def two_captures(orchestrator: Orchestrator) -> Steps:
    orchestrator.record(duration_s=5)
    yield from orchestrator.hear("done")
    orchestrator.record(capture=2, duration_s=5, path=OTHER)
    yield from orchestrator.hear("done")


def nothing(orchestrator: Orchestrator) -> Steps:
    yield from orchestrator.pause(0.1)


def test_a_power_cut_at_any_file_operation_leaves_whole_recordings_or_none() -> None:
    """Upstream: a half-written file was taken for a recording, and sent. One outcome is a kill of the process alone."""
    whole = SimulatedPlatform()
    serve(whole, Thermometer, two_captures)
    recovered = 0
    for operation in range(1, whole.files.operations + 1):
        for outcome in range(12):
            platform = SimulatedPlatform(operation * 31 + outcome)
            platform.files.cut_at(operation, after=outcome % 2 == 1)
            told: list[Orchestrator] = []

            def script(orchestrator: Orchestrator, told: list[Orchestrator] = told) -> Steps:
                told.append(orchestrator)
                yield from two_captures(orchestrator)

            with pytest.raises(PowerCut):
                serve(platform, Temp, script)
            done = [message["capture"] for _, message in told[0].heard if message["is"] == "done"] if told else []
            again = platform.restart() if outcome == 2 else platform.crash()
            judge(again, [PATH, OTHER][: len(done)], must_have_parts_gone=False)
            _, orchestrator = serve(again, Temp, nothing)
            recovered += "done" in orchestrator.kinds()
            judge(again, [PATH, OTHER][: len(done)], must_have_parts_gone=True)
    assert recovered > 0


def judge(platform: SimulatedPlatform, promised: list[str], *, must_have_parts_gone: bool) -> None:
    """Each name with a description is a whole file; what was said to be done is there."""
    names = named(platform)
    assert set(promised) <= set(names)
    for path in names:
        if path.endswith(".csv"):
            assert sha256(content(platform, path)).hexdigest() == described(platform, path)["sha256"]
    if must_have_parts_gone:
        assert [path for path in names if not path.endswith((".csv", ".csv.json"))] == []
        assert all(path.removesuffix(".json") in names for path in names)
