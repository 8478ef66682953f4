"""A replay starts in the middle of a flight, and does what one from the start does."""

from __future__ import annotations

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.replay.flight import RecordedFlight, Replay
from kittiwake.replay.freeze import freeze
from kittiwake.replay.recording import Recording
from tests.framework.replay.probe import FAR, PERIOD_S, Probe, image_of, machine

PATH = "/flight"
SECONDS = 1_000_000_000


def flown(files: object, probe_seconds: float = 4.0) -> RecordedFlight:
    """A flight with a keyframe about every second."""
    platform = machine()
    listener = platform.network.listen_tcp(*FAR)
    flight = RecordedFlight(image_of(), platform, "/kept", files, PATH, keyframe_s=1.0)  # type: ignore[arg-type]
    flight.start()
    far = listener.accept()
    assert far is not None
    for turn in range(round(probe_seconds / PERIOD_S)):
        flight.run_for(PERIOD_S)
        far.send(b"command %d" % turn)
    return flight


def replayed(files: object, from_s: float | None) -> tuple[Replay, Probe]:
    recording = Recording(files, PATH)  # type: ignore[arg-type]
    replay = Replay(recording)
    outcome = replay.run(None if from_s is None else round(from_s * SECONDS))
    assert outcome.difference is None, outcome.difference.report()
    assert outcome.flight_ns == 4 * SECONDS
    assert replay.deployment is not None
    probe = replay.deployment.instances["probe"]
    assert isinstance(probe, Probe)
    return replay, probe


@pytest.mark.parametrize("from_s", [1.0, 1.7, 2.0, 3.99])
def test_a_replay_from_a_keyframe_ends_as_one_from_the_start_and_as_the_flight(from_s: float) -> None:
    files = SimulatedPlatform().files
    flight = flown(files)
    flight.close()
    assert flight.platform.keyframes_missing == 0
    probe = flight.deployment.instances["probe"]
    assert isinstance(probe, Probe)
    whole, from_start = replayed(files, None)
    middle, from_there = replayed(files, from_s)
    assert from_there.heard == from_start.heard == probe.heard
    assert from_there.turns == probe.turns == 8
    assert whole.deployment is not None
    assert middle.deployment is not None
    state = freeze(flight.deployment)
    assert freeze(whole.deployment) == state
    assert freeze(middle.deployment) == state


def test_a_difference_behind_a_keyframe_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    files = SimulatedPlatform().files
    flown(files).close()
    monkeypatch.setattr(Probe, "text", b"telemetrY")
    outcome = Replay(Recording(files, PATH)).run(3 * SECONDS)
    assert outcome.difference is not None
    assert outcome.difference.place.flight_ns == 3.5 * SECONDS
    assert outcome.difference.place.chain == ("probe.turn",)


def test_without_a_keyframe_there_is_no_way_into_the_middle() -> None:
    files = SimulatedPlatform().files
    flown(files).close()
    with pytest.raises(LookupError, match="no keyframe before that time"):
        Replay(Recording(files, PATH)).run(SECONDS // 2)


def test_what_cannot_be_frozen_costs_a_keyframe_and_they_go_on_when_it_is_over() -> None:
    files = SimulatedPlatform().files
    flight = flown(files, 1.5)
    probe = flight.deployment.instances["probe"]
    assert isinstance(probe, Probe)
    odd = object()
    probe.heard.append(odd)
    flight.run_for(2.5)
    assert flight.platform.keyframe_refusal.startswith("probe.heard[")
    assert "cannot be frozen: a object has no state" in flight.platform.keyframe_refusal
    probe.heard.remove(odd)
    flight.run_for(70)
    flight.close()
    assert flight.platform.keyframes_missing == 1
    recording = Recording(files, PATH)
    begun_ns = recording.header["begun_ns"]
    before, after = [recording.keyframe_at(begun_ns + seconds * SECONDS) for seconds in (50, 70)]
    assert before is not None
    assert after is not None
    assert before.time_ns < begun_ns + 2 * SECONDS
    assert after.time_ns > begun_ns + 60 * SECONDS
    outcome = Replay(recording).run()
    assert (outcome.difference, outcome.flight_ns) == (None, 74 * SECONDS)
