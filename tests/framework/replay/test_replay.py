"""A replay does what the flight did, or stops at the first difference and says where that is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.replay.faults import fault_of, fault_value
from kittiwake.replay.flight import RecordedFlight
from tests.framework.replay.probe import FAR, PERIOD_S, Probe, flown, image_of, machine, replayed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATH = "/flight"


def test_a_replay_is_equal_and_leaves_the_components_as_they_were() -> None:
    files = SimulatedPlatform().files
    probe = flown(PATH, files)
    outcome, again = replayed(PATH, files)
    assert outcome.difference is None
    assert outcome.ended == "it was ended"
    assert outcome.outputs > 30
    assert outcome.flight_ns == 1_700_000_000
    assert (again.turns, again.heard) == (probe.turns, probe.heard)
    assert b"command 2" in again.heard
    assert b"" in again.heard
    assert any(isinstance(one, tuple) and one[1] == b"a line" for one in again.heard)


@pytest.mark.parametrize(
    "name, value, what, expected, found",
    [
        (
            "text",
            b"telemetrY",
            "stream ('ground', 50000): send",
            "byte 8 of 30, from 0: 74 65 6c 65 6d 65 74 72 79",
            "72 59",
        ),
        ("statement", "INSERT INTO note VALUES (-?)", "execute_many", "'INSERT INTO note VALUES (?)'", "(-?)"),
        ("draws", 9, "random: token_bytes", "8", "9"),
        ("period_s", 0.25, "the loop waits for a time", "until 500000000 ns", "until 250000000 ns"),
        ("is_curious", True, "files: exists", "calls files: read('/nowhere', 10)", "exists('/kept')"),
    ],
)
def test_a_replay_stops_at_the_first_difference_and_names_component_message_time_and_both_sides(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, what: str, expected: str, found: str
) -> None:
    files = SimulatedPlatform().files
    flown(PATH, files)
    monkeypatch.setattr(Probe, name, value)
    outcome, _ = replayed(PATH, files)
    difference = outcome.difference
    assert difference is not None
    assert what in difference.what
    assert expected in difference.expected
    assert found in difference.found
    if name != "period_s":
        assert (difference.place.instance, difference.place.call) == ("probe", "turn")
        assert difference.place.chain == ("probe.turn",)
        assert difference.place.time_ns == round(PERIOD_S * 1e9)
        assert "component  probe.turn" in difference.report()
    for line in (difference.what, difference.expected, difference.found):
        assert line in difference.report()


def test_a_handler_that_swallows_every_exception_does_not_swallow_the_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def turn(self: Probe) -> None:
        try:
            self.platform.files.remove("/other")
        except Exception:  # noqa: BLE001 - as some handlers do
            self.platform.files.remove("/more")

    files = SimulatedPlatform().files
    flown(PATH, files)
    monkeypatch.setattr(Probe, "turn", turn)
    outcome, _ = replayed(PATH, files)
    assert outcome.difference is not None
    assert "remove" in outcome.difference.what
    assert "/other" in outcome.difference.found


def test_a_flight_that_ends_in_a_power_cut_is_replayed_up_to_it() -> None:
    files, platform = SimulatedPlatform().files, machine()
    platform.network.listen_tcp(*FAR)
    flight = RecordedFlight(image_of(), platform, "/kept", files, PATH)
    flight.start()
    platform.files.cut_at(platform.files.operations + 9)
    with pytest.raises(PowerCut):
        flight.run_for(10)
    outcome, again = replayed(PATH, files)
    assert outcome.difference is None
    assert outcome.ended.startswith("PowerCut: power cut at file operation")
    assert again.turns == flight.deployment.instances["probe"].turns  # type: ignore[attr-defined]


def test_what_another_thread_posts_comes_at_its_place_and_instances_share_one_loop(tmp_path: Path) -> None:
    path, image = str(tmp_path / "flight"), image_of()
    image["instances"] = [(*image["instances"][0][:5], "own", {})]
    platform = SystemPlatform()
    inner: Any = platform
    simulated = machine()
    for part in ("programs", "files", "databases", "network", "children"):
        setattr(inner, part, getattr(simulated, part))
    flight = RecordedFlight(image, platform, "/kept", SystemPlatform().files, path)
    flight.start()
    assert list(flight.deployment.loops) == ["main"]
    probe = flight.deployment.instances["probe"]
    assert isinstance(probe, Probe)
    flight.platform.interrupt(probe.told, "an interrupt", 1)
    flight.platform.interrupt(probe.failed, TimeoutError(110, "too late"))
    threading.Thread(target=probe.listen).start()
    flight.run_for(0.2)
    flight.close()
    assert simulated.files.read("/kept/told", 100) == b"from a thread 7"
    outcome, again = replayed(path, SystemPlatform().files)
    assert outcome.difference is None
    assert "TimeoutError(110, 'too late')" in map(repr, again.heard)


@pytest.mark.parametrize("has_threads", [True, False])
def test_a_replay_starts_no_threads_and_does_at_once_what_was_done_so(
    monkeypatch: pytest.MonkeyPatch, has_threads: bool
) -> None:
    done: list[str] = []

    def turn(self: Probe) -> None:
        thread = self.platform.start_thread("worker", lambda: done.append("the world was touched"))
        self.heard.append((thread.join(10.0), thread.is_alive(), self.platform.has_threads))

    monkeypatch.setattr(Probe, "turn", turn)
    monkeypatch.setattr(SimulatedPlatform, "has_threads", has_threads)
    files = SimulatedPlatform().files
    probe = flown(PATH, files)
    assert done == ["the world was touched"]
    outcome, again = replayed(PATH, files)
    assert outcome.difference is None
    assert again.heard == probe.heard
    assert (True, False, has_threads) in probe.heard
    assert done == ["the world was touched"] * (1 if has_threads else 2)


def test_a_thread_more_than_in_flight_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    files = SimulatedPlatform().files
    flown(PATH, files)
    monkeypatch.setattr(Probe, "turn", lambda self: self.platform.start_thread("worker", lambda: None))
    outcome, _ = replayed(PATH, files)
    assert outcome.difference is not None
    assert "start_thread('worker')" in outcome.difference.found


def test_a_call_from_another_thread_that_no_recording_can_hold_ends_the_replay_by_name(tmp_path: Path) -> None:
    files = SimulatedPlatform().files
    flight = RecordedFlight(image_of(), machine(), "/kept", files, PATH)
    flight.start()
    flight.platform.interrupt(lambda: None)
    flight.run_for(0.1)
    flight.close()
    outcome, _ = replayed(PATH, files)
    assert outcome.difference is None
    assert outcome.ended == "another thread called <lambda>, which no recording can hold"


@pytest.mark.parametrize(
    "make",
    [
        lambda: FileNotFoundError(2, "No such file or directory", "/x"),
        lambda: OSError(28, "No space left on device"),
        lambda: TimeoutError("took too long"),
        lambda: ValueError("odd", 7),
    ],
)
def test_a_fault_comes_back_as_it_was(make: Callable[[], Exception]) -> None:
    fault = make()
    again = fault_of(fault_value(fault))
    assert type(again) is type(fault)
    assert (again.args, str(again)) == (fault.args, str(fault))


def test_a_fault_of_a_class_that_replays_may_not_import_is_its_nearest_known_one() -> None:
    class Special(ConnectionResetError):
        def __init__(self, more: object) -> None:
            super().__init__(104, "gone", more)

    assert fault_value(Special(object()))[0] == "builtins:ConnectionResetError"
    with pytest.raises(ValueError, match="os:system"):
        fault_of(("os:system", ("true",), None))
    with pytest.raises(ValueError, match="builtins:exec"):
        fault_of(("builtins:exec", ("1",), None))
