"""The component tester shows what a component does, and refuses what a deployment would not allow."""

from __future__ import annotations

from typing import Annotated

import pytest

from kittiwake.model.channels import Channel
from kittiwake.model.commands import CommandError, CommandResponse, command
from kittiwake.model.component import ActiveComponent, PassiveComponent
from kittiwake.model.events import ACTIVITY_HI, WARNING_LO, Severity, event
from kittiwake.model.fw import Ping, Sched
from kittiwake.model.parameters import Parameter, Setting
from kittiwake.model.ports import OutputPort, OutputPortArray, async_port, port, sync_port
from kittiwake.model.types import U8, U32, Bool, Size
from kittiwake.testing import ComponentTester


@port("Test.Start")
def Start(file: Annotated[str, Size(20)], token: U32) -> None: ...


@port("Test.Room")
def Room(of: U8) -> U32:
    return 0


class Starter(PassiveComponent):
    """Counts its cycles and starts things."""

    start_file = OutputPort(Start)
    rooms = OutputPortArray(Room, 3)
    cycles = Channel(U32)
    armed = Parameter(Bool, default=True)
    limit = Parameter(U8, default=3, low=1, high=5)
    path = Setting(str, default="/a.bin")

    @event(ACTIVITY_HI, "Started {path} at {count}")
    def started(self, path: Annotated[str, Size(40)], count: U32) -> None: ...

    @event(WARNING_LO, "Odd")
    def odd(self) -> None: ...

    def initialize(self) -> None:
        self.count = 0
        self.stopped = False

    @sync_port(Sched)
    def run(self, context: int) -> None:
        self.count += 1
        self.cycles = self.count
        if self.armed and self.count == self.limit:
            self.start_file(self.path, self.count)
            self.started(self.path, self.count)

    @sync_port(Room, size=2)
    def ask(self, index: int, of: int) -> int:
        return self.rooms[index](of) + 1

    @command
    def arm(self, delay: U8, why: Annotated[str, Size(10)]) -> None:
        if delay > 9:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"too long {why}")

    @command
    async def wait_a_while(self, seconds: U8) -> None:
        await self.clock.sleep(seconds)

    @command
    def misspell(self) -> None:
        self.cycels = 3

    @command
    def break_down(self) -> None:
        raise ZeroDivisionError("no")

    def stop(self) -> None:
        self.stopped = True


class Worker(ActiveComponent):
    """Has a queue."""

    ping_out = OutputPort(Ping)

    @async_port(Ping)
    def ping_in(self, key: int) -> None:
        self.ping_out(key)

    @command
    def work(self) -> None: ...


def test_calls_channels_events_and_output_ports_are_recorded_in_one_order() -> None:
    with ComponentTester(Starter) as tester:
        for _ in range(3):
            tester.call.run(0)
        assert tester.component.count == 3
        assert tester.channels["Cycles"] == 3
        assert tester.channel("cycles").history == [1, 2, 3]
        assert tester.ports.start_file == [("/a.bin", 3)]
        [started] = tester.events.named("Started")
        assert (started.severity, started.args) == (Severity.ACTIVITY_HI, ("/a.bin", 3))
        assert started.named_args() == {"path": "/a.bin", "count": 3}
        assert [kind for kind, *_ in tester.trace][-3:] == ["channel", "port", "event"]
        assert tester.channels.latest() == {"Cycles": 3}


def test_the_settings_of_the_topology_and_saved_parameters_reach_the_component() -> None:
    with ComponentTester(Starter, settings={"path": "/b.bin"}, parameters={"LIMIT": 1}) as tester:
        tester.call.run(0)
        assert tester.ports.start_file == [("/b.bin", 1)]


def test_port_arrays_are_called_and_answered_by_index() -> None:
    with ComponentTester(Starter, returns={"rooms": 4}) as tester:
        tester.ports.rooms[1].returns = lambda of: of * 100
        assert tester.call.ask[0](7) == 5
        assert tester.call.ask[1](7) == 701
        assert tester.ports.rooms[1] == [(7,)]
        assert tester.ports.rooms[2] == []


def test_a_command_gets_its_answer_and_the_reason_for_a_refusal() -> None:
    with ComponentTester(Starter) as tester:
        assert tester.send("ARM", 9, "because").response is CommandResponse.OK
        assert tester.send("arm", delay=10, why="x").response is CommandResponse.VALIDATION_ERROR
        assert tester.monitor[-1].detail == "too long x"
        assert tester.send_raw("ARM", b"\x01").response is CommandResponse.FORMAT_ERROR
        assert tester.send_raw(0x1FF, b"").response is CommandResponse.INVALID_OPCODE
        assert [name for name, _ in tester.responses] == ["ARM", "ARM", "ARM", "0x1ff"]


def test_a_waiting_command_answers_when_virtual_time_has_passed() -> None:
    with ComponentTester(Starter) as tester:
        sent = tester.send("WAIT_A_WHILE", 60)
        tester.advance(59.9)
        assert not sent.is_answered
        tester.advance(0.2)
        assert sent.response is CommandResponse.OK


def test_a_command_that_still_waits_at_the_end_is_answered_by_the_shutdown() -> None:
    tester = ComponentTester(Starter)
    sent = tester.send("WAIT_A_WHILE", 60)
    with pytest.raises(AssertionError, match="0 responses"):
        _ = sent.response
    tester.finish()
    assert sent.response is CommandResponse.EXECUTION_ERROR
    assert tester.component.stopped


def test_parameters_are_set_and_saved_by_command_and_outlive_a_reboot() -> None:
    tester = ComponentTester(Starter)
    tester.set_parameter("limit", 2)
    assert tester.component.limit == 2
    tester.save_parameter("LIMIT")
    assert tester.parameters_saved == {"LIMIT": 2}
    tester.reboot()
    assert tester.component.limit == 2
    assert tester.send_raw("LIMIT_PRM_SET", b"\x09").response is CommandResponse.VALIDATION_ERROR
    assert tester.component.limit == 2
    tester.finish()


def test_a_queue_is_served_at_once_or_held_back() -> None:
    with ComponentTester(Worker, queue=2) as tester:
        assert tester.call.ping_in(1) is True
        assert tester.ports.ping_out == [(1,)]
        with tester.held():
            assert tester.call.ping_in(2) is True
            late = tester.send("WORK")
            assert tester.call.ping_in(3) is False
            assert not late.is_answered
        assert late.response is CommandResponse.OK
        assert tester.ports.ping_out == [(1,), (2,)]
        [full] = tester.monitor.of_kind("full")
        assert (full.where, full.detail) == ("ping_in", "assert")
        tester.monitor.clear()


def test_a_misspelt_channel_is_an_error_with_a_suggestion() -> None:
    tester = ComponentTester(Starter)
    assert tester.send("MISSPELL").response is CommandResponse.EXECUTION_ERROR
    [fault] = tester.monitor.faults()
    assert "cycels" in fault.detail
    assert "cycles" in fault.detail
    with pytest.raises(AttributeError, match="did you mean cycles"):
        tester.component.cycels = 1


def test_a_failed_handler_fails_the_test_at_its_end() -> None:
    tester = ComponentTester(Starter)
    assert tester.send("BREAK_DOWN").response is CommandResponse.EXECUTION_ERROR
    with pytest.raises(AssertionError, match=r"BREAK_DOWN.*ZeroDivisionError: no"):
        tester.finish()


def test_arguments_that_the_declaration_does_not_allow_are_refused() -> None:
    tester = ComponentTester(Starter)
    with pytest.raises(TypeError, match=r"run takes \(context\)"):
        tester.call.run()
    with pytest.raises(ValueError, match="context: -1 is outside U32"):
        tester.call.run(-1)
    with pytest.raises(ValueError, match="start_file: file: text of 21 bytes"):
        tester.component.start_file("x" * 21, 0)
    with pytest.raises(TypeError, match="an array"):
        tester.call.ask(1)
    with pytest.raises(IndexError, match="no index 2"):
        _ = tester.call.ask[2]
    tester.finish()


def test_unknown_names_come_with_the_nearest_one() -> None:
    tester = ComponentTester(Starter)
    with pytest.raises(LookupError, match="did you mean WAIT_A_WHILE"):
        tester.send("WAIT_A_WILE")
    with pytest.raises(LookupError, match="did you mean Cycles"):
        tester.channel("Cycle")
    with pytest.raises(AttributeError, match="did you mean run"):
        _ = tester.call.runn
    with pytest.raises(AttributeError, match="did you mean start_file"):
        _ = tester.ports.start_fil
    with pytest.raises(LookupError, match="did you mean LIMIT"):
        tester.set_parameter("LIMITS", 1)
    tester.finish()


def test_ports_can_be_left_open() -> None:
    tester = ComponentTester(Starter, open_ports=["start_file"])
    assert not tester.component.is_connected(Starter.start_file)
    assert tester.component.is_connected(Starter.rooms, 2)
    with pytest.raises(LookupError, match=r"tested\.start_file is not connected"):
        tester.component.start_file("a", 1)
    tester.finish()


def test_a_reboot_keeps_synced_files_and_a_crash_does_too() -> None:
    tester = ComponentTester(Starter)
    tester.write_file("deep/in/file", b"kept")
    tester.call.run(0)
    tester.advance(5)
    tester.reboot()
    assert tester.component.count == 0
    assert not tester.trace
    assert tester.platform.clock.now_ns() == 0
    tester.send("WAIT_A_WHILE", 1)
    tester.crash(off_s=10)
    assert tester.read_file("deep/in/file") == b"kept"
    tester.restart()
    assert tester.read_file("deep/in/file") == b"kept"
    tester.finish()


def test_history_can_be_cleared() -> None:
    with ComponentTester(Starter, parameters={"limit": 1}) as tester:
        tester.call.run(0)
        tester.clear_history()
        assert [tester.events, tester.trace, tester.ports.start_file, tester.channels.latest()] == [[], [], [], {}]
