"""FatalHandler: how it stops the deployment, and what it makes of the record of a crash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import FATAL, ActiveComponent, PassiveComponent, async_port, event
from kittiwake.model.fw import Com
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import EventLog, FatalHandler
from kittiwake_components.fatal_handler.crash_record import FRAMES_SIZE, REASON_SIZE, read_crash
from tests.framework.runtime.wired import deploy

RECORD = b"""Timeout (0:00:10)!
Thread 0x00007f01 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait

Thread 0x00007f02 (most recent call first):
  File "/opt/app/driver.py", line 12 in spin
  File "/opt/app/driver.py", line 30 in run
  File "/opt/kittiwake/runtime/loop.py", line 142 in _serve_batch
  File "/opt/kittiwake/runtime/loop.py", line 120 in serve
  File "/opt/kittiwake/runtime/loop.py", line 99 in turn
"""
FRAMES = "driver.py:12 spin < driver.py:30 run < loop.py:142 _serve_batch < loop.py:120 serve"


class Downlink(ActiveComponent):
    """Takes event packets one by one."""

    def initialize(self) -> None:
        self.sent: list[int] = []
        self.stopped_with = -1

    def stop(self) -> None:
        self.stopped_with = len(self.sent)

    @async_port(Com)
    def packet_in(self, data: bytes, context: int) -> None:
        self.sent.append(self.clock.now_ns())


class Doomed(PassiveComponent):
    @event(FATAL, "It is over.")
    def over(self) -> None: ...


def doomed(**settings: Any) -> Any:
    deployment, _ = deploy(
        {
            "events": EventLog, "handler": (FatalHandler, {"settings": settings}), "down": Downlink, "doomed": Doomed,
        },
        [
            ("events", "fatal_announce", 0, "handler", "fatal_receive", 0),
            ("events", "pkt_send", 0, "down", "packet_in", 0),
        ],
        services={"event": "events"},
    )  # fmt: skip
    deployment.main.call_at(5_000_000_000, lambda: deployment.instances["doomed"].over())  # type: ignore[attr-defined]
    return deployment


def test_a_fatal_event_is_sent_before_the_deployment_stops_in_order() -> None:
    """REQ-FH-001."""
    deployment = doomed()
    id = deployment.instances["doomed"]._context.base_id
    assert deployment.run() == f"FATAL event {id:#x}"
    down = deployment.instances["down"]
    assert 5_000_000_000 in down.sent
    assert down.stopped_with == len(down.sent)
    assert deployment.platform.clock.now_ns() == 5_500_000_000


def test_the_time_for_last_words_can_be_chosen() -> None:
    """REQ-FH-001."""
    deployment = doomed(grace_ms=2000)
    deployment.run()
    assert deployment.platform.clock.now_ns() == 7_000_000_000


def test_the_first_fatal_event_counts_and_all_are_counted() -> None:
    """REQ-FH-002."""
    tester: Any = ComponentTester(FatalHandler)
    tester.call.fatal_receive(0x11)
    tester.advance(0.4)
    tester.call.fatal_receive(0x22)
    tester.advance(0.2)
    assert tester.channels["FatalEvents"] == 2
    assert tester.deployment.exit_reason == "FATAL event 0x11"
    assert tester.platform.clock.now_ns() == 500_000_000


def test_a_deployment_may_choose_to_go_on() -> None:
    """REQ-FH-002."""
    tester: Any = ComponentTester(FatalHandler, settings={"stop_on_fatal": False})
    tester.call.fatal_receive(0x11)
    tester.advance(100)
    assert tester.channels["FatalEvents"] == 1
    assert not tester.deployment.main.stopping


def reboot_with(record: bytes) -> Any:
    tester: Any = ComponentTester(FatalHandler)
    tester.write_file("/crash_record", record)
    tester.restart()
    return tester


def test_the_record_of_a_crash_is_reported_with_its_innermost_frames_and_kept_aside() -> None:
    """REQ-FH-004."""
    tester = reboot_with(RECORD)
    [found] = tester.events
    assert (found.name, found.args) == ("CrashFound", ("Timeout (0:00:10)!", FRAMES))
    assert tester.channels["CrashesReported"] == 1
    assert tester.read_file("/crash_record.bad.0") == RECORD
    tester.restart()
    assert not tester.events


def test_no_more_than_four_records_are_kept() -> None:
    """REQ-FH-004."""
    tester = reboot_with(RECORD)
    for _ in range(6):
        tester.write_file("/crash_record", RECORD)
        tester.restart()
    assert len(tester.files.list(tester.root.path)) == 4


def test_an_empty_record_is_no_crash() -> None:
    """REQ-FH-004."""
    assert not reboot_with(b"").events


@given(st.one_of(st.binary(max_size=300), st.integers(0, len(RECORD)).map(lambda size: RECORD[:size])))
def test_whatever_stands_in_a_record_is_read(record: bytes) -> None:
    """REQ-FH-004: a torn one as far as it goes."""
    reason, frames = read_crash(record)
    assert len(reason) <= REASON_SIZE
    assert len(frames) <= FRAMES_SIZE


def test_a_record_that_cannot_be_used_is_reported() -> None:
    """REQ-FH-005."""
    tester: Any = ComponentTester(FatalHandler, settings={"crash_file": "/../out"})
    assert tester.events.names() == ["CrashRecordUnusable"]
    tester.finish()


class Watch:
    """A stall watch that notes when it was armed."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.armed: list[tuple[int, float]] = []
        self.closed = 0

    def arm(self, limit_s: float) -> None:
        self.armed.append((self.clock.now_ns(), limit_s))

    def close(self) -> None:
        self.closed += 1


def test_while_the_loop_turns_the_watch_is_armed_four_times_within_its_limit() -> None:
    """REQ-FH-003: and once more, for longer, while the deployment stops."""
    deployment = doomed(stall_limit_s=2)
    watch = Watch(deployment.platform.clock)
    paths: list[str] = []

    def watch_stalls(path: str) -> Watch:
        paths.append(path)
        return watch

    deployment.platform.watch_stalls = watch_stalls
    deployment.run()
    assert paths == ["/crash_record"]
    assert watch.armed[:-1] == [(half * 500_000_000, 2) for half in range(12)]
    assert watch.armed[-1] == (5_500_000_000, 60.0)
    assert watch.closed == 1
    assert deployment.main.next_deadline_ns() is None


def test_without_a_limit_nothing_is_watched() -> None:
    """REQ-FH-003."""
    deployment = doomed(stall_limit_s=0)
    deployment.platform.watch_stalls = lambda path: pytest.fail("nobody asked for that")
    deployment.run()


@pytest.mark.parametrize("setting, bad", [("grace_ms", -1), ("stall_limit_s", -1), ("stall_limit_s", 3601)])
def test_settings_that_make_no_sense_are_refused(setting: str, bad: int) -> None:
    """REQ-FH-003."""
    check = FatalHandler.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match="is outside"):
        check(bad)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(FatalHandler) == []
