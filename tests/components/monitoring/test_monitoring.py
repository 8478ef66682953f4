"""Monitoring: administrative commands are done once each, whatever comes between, and the state is reported."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.fw import TimeBase
from kittiwake.model.types import F32, wire_type
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import parse_command
from kittiwake.wire.time_tag import pack_tag
from kittiwake_components import Monitoring
from kittiwake_components.monitoring.orders import MAX_ORDERS, MAX_REMEMBERED
from kittiwake_components.monitoring.status_report import pack_json
from kittiwake_components.ports.service import ServiceFault, failed, result_of, succeeded
from kittiwake_components.ports.supervision import CycleStep
from tests.components.power_cuts import cut_everywhere

OK, FAILED = CommandResponse.OK, CommandResponse.EXECUTION_ERROR
COMMANDS = "/incoming/monitoring-1.0/commands.json"
STATUS = "/status/monitoring-1.0/last_monitoring_status.json"
UPLOAD = "tested.UPLOAD_MONITORING"
"""A command line that the tester's one instance takes; the tester answers it."""


def monitoring(**options: Any) -> ComponentTester[Monitoring]:
    settings = {"services": ["scheduler"], **options.pop("settings", {})}
    returns = {"call_service": lambda method, arguments: succeeded("fine"), **options.pop("returns", {})}
    return ComponentTester(Monitoring, settings=settings, returns=returns, **options)


def order(tester: ComponentTester[Monitoring], *commands: tuple[str, str]) -> None:
    orders = [{"id": id, "command": command} for id, command in commands]
    tester.write_file(COMMANDS, json.dumps(orders).encode())


def step(tester: ComponentTester[Monitoring], which: CycleStep = CycleStep.COMMANDS, token: int = 1) -> None:
    tester.call.step_begin(which, token)


def answer(tester: ComponentTester[Monitoring], response: CommandResponse = OK) -> None:
    packet, context = list(tester.ports.com_cmd_out)[-1]
    tester.call.cmd_response_in(parse_command(packet)[0], context, response)


def status(tester: ComponentTester[Monitoring]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tester.read_file(STATUS))
    return found


def reports(tester: ComponentTester[Monitoring]) -> list[str]:
    folder = tester.root.resolve("/status/monitoring-1.0")
    return [name for name in tester.files.list(folder) if name.startswith("report-")]


def report(tester: ComponentTester[Monitoring]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tester.read_file(f"/status/monitoring-1.0/{reports(tester)[-1]}"))
    return found


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Monitoring) == []


# Commands


def test_commands_are_done_one_after_the_other_and_the_step_ends_when_all_have_ended() -> None:
    """REQ-MON-001, REQ-MON-006"""
    with monitoring() as tester:
        order(tester, ("a", UPLOAD), ("b", UPLOAD), ("c", "scheduler.jobs(1, 'x')"))
        step(tester, token=7)
        assert len(tester.ports.com_cmd_out) == 1
        answer(tester)
        assert len(tester.ports.com_cmd_out) == 2
        assert tester.ports.step_done == []
        answer(tester, FAILED)
        assert tester.ports.step_done == [(7, True, "")]
        assert list(tester.ports.call_service[0]) == [("jobs", b'[1,"x"]')]
        found = status(tester)
        assert (found["general_status"], found["general_error"]) == ("ERROR", "a command failed")
        assert [(one["id"], one["status"], one["result"]) for one in found["commands"]] == [
            ("a", "OK", ""), ("b", "FAILED", "EXECUTION_ERROR"), ("c", "OK", "fine")
        ]  # fmt: skip
        assert not tester.files.exists(tester.root.resolve(COMMANDS))
        assert (tester.channels["CommandsDone"], tester.channels["CommandsFailed"]) == (2, 1)


def test_without_a_file_there_is_nothing_to_do() -> None:
    """REQ-MON-001"""
    with monitoring() as tester:
        step(tester)
        assert tester.ports.step_done == [(1, True, "")]
        assert tester.events.names() == []


def test_a_service_that_fails_fails_its_command_with_its_reason_and_the_next_one_is_done() -> None:
    """REQ-MON-001"""

    def answers(method: str, arguments: bytes) -> bytes:
        if method == "stuck":
            raise OSError("the bus is stuck")
        return failed("no link")

    with monitoring(returns={"call_service": answers}) as tester:
        order(tester, ("a", "scheduler.upload()"), ("b", "scheduler.stuck()"))
        step(tester)
        assert [one["result"] for one in status(tester)["commands"]] == ["no link", "the bus is stuck"]


def test_a_command_without_an_answer_is_left_and_its_late_answer_is_not_taken_for_another() -> None:
    """REQ-MON-005"""
    with monitoring() as tester:
        order(tester, ("a", UPLOAD), ("b", UPLOAD))
        step(tester)
        tester.advance(30)
        [(_, first), (_, second)] = list(tester.ports.com_cmd_out)
        tester.call.cmd_response_in(0, first, FAILED)
        tester.call.cmd_response_in(0, second, OK)
        assert [one["status"] for one in status(tester)["commands"]] == ["FAILED", "OK"]
        assert status(tester)["commands"][0]["result"] == "no answer within 30 s"


def test_a_file_that_comes_again_is_not_done_again_over_a_restart_too() -> None:
    """REQ-MON-002. Upstream: commands carried no id, and a file that came twice was done twice."""
    with monitoring() as tester:
        order(tester, ("a", UPLOAD))
        step(tester)
        answer(tester)
        for _ in range(2):
            order(tester, ("a", UPLOAD))
            step(tester)
            assert status(tester)["commands"][0]["status"] == "OK"
            assert tester.events.named("CommandRepeated")[-1].args == ("a",)
            tester.crash()
        assert len(tester.ports.com_cmd_out) == 0


def test_a_command_that_a_restart_cut_off_is_reported_and_not_done_again() -> None:
    """REQ-MON-002"""
    with monitoring() as tester:
        order(tester, ("a", UPLOAD), ("b", UPLOAD))
        step(tester)
        tester.crash()
        step(tester)
        answer(tester)
        assert len(tester.ports.com_cmd_out) == 1
        assert [one["status"] for one in status(tester)["commands"]] == ["CUT_OFF", "OK"]
        assert len(tester.events.named("CommandCutOff")) == 1


def test_a_power_cut_at_any_file_operation_has_no_command_done_twice_and_none_forgotten() -> None:
    """REQ-MON-002, REQ-MON-006"""

    def prepared(seed: int) -> ComponentTester[Monitoring]:
        tester = monitoring(seed=seed)
        order(tester, ("a", "scheduler.one()"), ("b", "scheduler.two()"))
        return tester

    def scenario(tester: ComponentTester[Monitoring], noted: list[int]) -> None:
        step(tester)
        noted.append(1)

    def judge(tester: ComponentTester[Monitoring], noted: list[int], ports: Any) -> None:
        before = [method for method, _ in ports.call_service[0]]
        step(tester)
        after = [method for method, _ in tester.ports.call_service[0]]
        assert sorted(set(before + after)) == sorted(before + after), "a command was done twice"
        if tester.files.exists(tester.root.resolve(STATUS)):
            states = {one["id"]: one["status"] for one in status(tester)["commands"]}
            missing = {"a": "one", "b": "two"}
            for id, state in states.items():
                assert state == "CUT_OFF" or missing[id] in before + after
            assert set(states) == {"a", "b"}
        assert tester.ports.step_done[-1] == (1, True, "")
        assert noted or len(before + after) <= 2

    assert cut_everywhere(prepared, scenario, judge) > 20


def test_a_command_that_cannot_be_noted_is_not_begun() -> None:
    """REQ-MON-003"""
    with monitoring() as tester:
        order(tester, ("a", "scheduler.one()"))
        real = tester.component._memory._record.write
        tester.component._memory._record.write = full
        step(tester)
        assert list(tester.ports.call_service[0]) == []
        assert status(tester)["commands"][0]["status"] == "FAILED"
        tester.component._memory._record.write = real
        order(tester, ("a", "scheduler.one()"))
        step(tester)
        assert len(tester.ports.call_service[0]) == 1


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "the disk is full")


def test_ids_are_remembered_up_to_their_limit_and_those_that_are_seen_stay() -> None:
    """REQ-MON-002"""
    with monitoring() as tester:
        memory = tester.component._memory
        order(tester, ("first", "scheduler.one()"))
        step(tester)
        for batch in range(MAX_REMEMBERED // MAX_ORDERS + 1):
            orders = [(f"{batch}/{number}", "scheduler.two()") for number in range(MAX_ORDERS - 1)]
            order(tester, ("first", "scheduler.one()"), *orders)
            step(tester)
        assert len(memory) == MAX_REMEMBERED
        assert [method for method, _ in tester.ports.call_service[0]].count("one") == 1


@pytest.mark.parametrize(
    "content, where",
    [
        (b"", "no JSON"),
        (b"[" * 5000, "no JSON"),
        (b"{}", "no list"),
        (b"[1]", "command 1 is not made of"),
        (b'[{"command": "x"}]', "command 1 is not made of an id"),
        (b'[{"id": "", "command": "x"}]', "command 1 has no id"),
        (b'[{"id": 1, "command": "x"}]', "command 1 has no id"),
        (b'[{"id": "a", "command": "' + b"x" * 2000 + b'"}]', "command 1 has no command"),
        (b'[{"id": "a", "command": "scheduler.one()"}, {"id": "b", "command": "tested.UPLOAD"}]', "command 2"),
        (b'[{"id": "a", "command": "elsewhere.one()"}]', "there is no service elsewhere"),
        (b'[{"id": "a", "command": "__import__(\'os\').system(\'x\')"}]', "command 1"),
        (b'[{"id": "a", "command": "scheduler.one()"}, {"id": "a", "command": "scheduler.two()"}]', "twice"),
        (b"[" + b" " * 70_000 + b"]", "longer than"),
        (json.dumps([{"id": str(n), "command": "scheduler.one()"} for n in range(65)]).encode(), "at most 64"),
    ],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_refused_whole_and_kept_aside(content: bytes, where: str) -> None:
    """REQ-MON-004"""
    with monitoring() as tester:
        tester.write_file(COMMANDS, content)
        step(tester)
        assert where in tester.events.named("CommandsRefused")[0].args[1]
        [(_, ok, reason)] = list(tester.ports.step_done)
        assert not ok
        assert where in reason
        assert list(tester.ports.call_service[0]) == []
        assert status(tester)["general_status"] == "REFUSED"
        assert where in status(tester)["general_error"]
        assert tester.read_file(COMMANDS + ".bad.0") == content
        step(tester)
        assert len(tester.events.named("CommandsRefused")) == 1


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(max_size=3), st.lists, max_leaves=9).map(
    lambda content: json.dumps(content).encode()
))  # fmt: skip
def test_nothing_that_comes_as_a_file_breaks_it(content: bytes) -> None:
    """REQ-MON-004"""
    with monitoring() as tester:
        tester.write_file(COMMANDS, content)
        step(tester)
        assert len(tester.ports.step_done) == 1


def test_a_record_that_cannot_be_read_keeps_commands_from_being_done() -> None:
    """REQ-MON-003"""
    with monitoring() as tester:
        tester.component._recall.is_done = False
        tester.component._memory.read = full
        order(tester, ("a", "scheduler.one()"))
        step(tester)
        assert tester.ports.step_done == [(1, False, "/administration cannot be read")]
        assert list(tester.ports.call_service[0]) == []


# The service and the commands


def test_the_service_begins_commands_and_says_whether_there_are_any() -> None:
    """REQ-MON-010"""
    with monitoring() as tester:
        assert result_of(tester.call.call("process_administrative_commands", b"[]")) == "there are none"
        order(tester, ("a", UPLOAD))
        assert result_of(tester.call.call("process_administrative_commands", b"[]")) == "begun"
        step(tester)
        assert tester.ports.step_done == [(1, False, "administrative commands are under way already")]
        answer(tester)
        assert status(tester)["general_status"] == "OK"
        assert result_of(tester.call.call("upload_monitoring", b"[]")) == 1
        for method, arguments in (("eval", b"[]"), ("upload_monitoring", b"[1]"), ("upload_monitoring", b"{")):
            with pytest.raises(ServiceFault):
                result_of(tester.call.call(method, arguments))


def test_commands_of_the_ground_do_the_same() -> None:
    """REQ-MON-010"""
    with monitoring() as tester:
        assert tester.send("UPLOAD_MONITORING").response is OK
        order(tester, ("a", UPLOAD))
        sent = tester.send("PROCESS_ADMINISTRATIVE_COMMANDS")
        assert not sent.is_answered
        answer(tester)
        assert sent.response is OK
        tester.write_file(COMMANDS, b"nonsense")
        assert tester.send("PROCESS_ADMINISTRATIVE_COMMANDS").response is FAILED


# Reports

VOLTAGE = {"values": {"done": "tested.CommandsDone", "missing": "tested.Voltage", "nowhere": "power.Voltage"}}


def tag(base: TimeBase, us: int) -> bytes:
    return pack_tag(base << 64 | us)


def test_a_report_holds_typed_values_and_what_services_say_and_is_sent() -> None:
    """REQ-MON-007, REQ-MON-009"""
    packed = tag(TimeBase.TB_WORKSTATION_TIME, 1_000_000) + (5).to_bytes(4, "big")
    calls = {"cycle": "scheduler.last()", "lost": "power.last()"}
    with monitoring(settings={**VOLTAGE, "calls": calls}, returns={"tlm_get": packed}) as tester:
        assert [event.args[0] for event in tester.events.named("ValueUnknown")] == ["missing", "nowhere"]
        step(tester, CycleStep.REPORT, 3)
        assert tester.ports.step_done == [(3, True, "")]
        found = report(tester)
        assert found["values"] == {
            "done": {"value": 5, "unit": None, "time": "1970-01-01T00:00:01+00:00"}, "missing": None, "nowhere": None
        }  # fmt: skip
        assert found["services"] == {
            "cycle": "fine", "lost": {"error": "there is no service power: scheduler"}
        }  # fmt: skip
        assert (found["format"], found["report"]) == (1, 1)
        name = "/status/monitoring-1.0/report-00000001.json"
        assert tester.ports.send_file == [(name, name, 1)]
        tester.call.send_file_done(1, FAILED)
        assert tester.events.named("ReportNotSent")[0].args == (FAILED,)


OUTBOX = "/outgoing/monitoring-1.0"
FIRST = ("reports", f"{OUTBOX}/report-00000001.json", "report-00000001.json", True, 1)


def with_store(**options: Any) -> ComponentTester[Monitoring]:
    return monitoring(settings={"store": "reports"}, **options)


def outbox(tester: ComponentTester[Monitoring]) -> list[str]:
    path = tester.root.resolve(OUTBOX)
    return list(tester.files.list(path)) if tester.files.exists(path) else []


def test_a_report_has_a_line_for_each_value() -> None:
    """REQ-MON-007"""
    content: dict[str, Any] = {"format": 1, "values": {"x": {"value": 1.5, "unit": None}, "y": {}}, "services": {}}
    packed = pack_json(content)
    assert json.loads(packed) == content
    assert packed.decode().splitlines() == [
        "{",
        ' "format":1,',
        ' "values":{',
        '  "x":{"value":1.5,"unit":null},',
        '  "y":{}',
        " },",
        ' "services":{}',
        "}",
    ]
    with pytest.raises(ValueError, match="JSON"):
        pack_json({"values": {"x": float("nan")}})


def test_a_report_is_brought_into_its_store() -> None:
    """REQ-MON-011"""
    with with_store() as tester:
        step(tester, CycleStep.REPORT, 3)
        assert tester.ports.put_file == [FIRST]
        assert tester.read_file(FIRST[1]) == tester.read_file("/status/monitoring-1.0/report-00000001.json")
        assert tester.ports.send_file == []
        assert tester.ports.step_done == [(3, True, "")]
        assert tester.events.named("ReportSent") == []
        tester.restart()
        tester.call.transfer_ended(1, OK)
        assert [event.args for event in tester.events.named("ReportSent")] == [(1,)]


def test_a_report_that_no_store_takes_waits_for_nothing() -> None:
    """REQ-MON-011"""
    with with_store() as tester:
        step(tester, CycleStep.REPORT, 3)
        tester.call.transfer_ended(1, FAILED)
        assert tester.ports.step_done == [(3, True, "")]
        assert tester.events.named("ReportNotSent")[0].args == (FAILED,)
        assert outbox(tester) == []
        assert reports(tester) == ["report-00000001.json"]


def test_reports_that_wait_are_bounded() -> None:
    """REQ-MON-011"""
    with with_store() as tester:
        for number in range(70):
            step(tester, CycleStep.REPORT, number + 1)
        assert len(tester.ports.put_file) == len(outbox(tester)) == 64
        assert tester.events.named("ReportNotSent")[0].args == (CommandResponse.BUSY,)
        assert len(tester.ports.step_done) == 70


def test_no_report_that_waits_is_forgotten_by_a_power_cut() -> None:
    """REQ-MON-011: whatever stands in the outbox is asked for again, until the store has it."""

    def scenario(tester: ComponentTester[Monitoring], noted: list[int]) -> None:
        step(tester, CycleStep.REPORT, 1)
        noted += [1] if tester.ports.put_file else []
        tester.call.transfer_ended(1, CommandResponse.BUSY)  # on its way already: what is there stays there
        assert outbox(tester) == ["report-00000001.json"]
        assert tester.ports.step_done == [(1, True, "")]

    def judge(tester: ComponentTester[Monitoring], noted: list[int], ports: Any) -> None:
        kept = [name for name in outbox(tester) if name.startswith("report-") and name.endswith(".json")]
        assert not noted or kept, "what the store was asked to take was durable before"
        local = reports(tester) if tester.files.exists(tester.root.resolve("/status/monitoring-1.0")) else []
        local = [name for name in local if name.endswith(".json")]
        assert set(local) <= set(kept), "what stands in the status folder alone would never be sent"
        step(tester, CycleStep.REPORT, 2)
        asked = [name for _, _, name, *_ in tester.ports.put_file]
        assert set(kept) <= set(asked)
        assert len(asked) == len(set(asked)) == len(kept) + 1, "no number is given twice"

    assert cut_everywhere(lambda seed: with_store(seed=seed), scenario, judge) > 8


@pytest.mark.parametrize(
    "packed", [b"", bytes(11) + bytes(4), tag(TimeBase.TB_PROC_TIME, 5) + wire_type(F32).pack(float("nan"))]
)
def test_a_value_that_is_none_is_null(packed: bytes) -> None:
    """REQ-MON-009"""
    from kittiwake_components.monitoring.status_report import value_of
    from kittiwake_components.watched_channel import Watched

    assert value_of(Watched(1, wire_type(F32), "V"), packed) == {"value": None, "unit": "V", "time": None}


def test_the_newest_reports_are_kept_and_their_numbers_go_on_after_a_restart() -> None:
    """REQ-MON-008"""
    with monitoring(parameters={"KEEP_REPORTS": 2}) as tester:
        for _ in range(3):
            step(tester, CycleStep.REPORT)
        tester.crash()
        step(tester, CycleStep.REPORT)
        assert reports(tester) == ["report-00000003.json", "report-00000004.json"]


def test_a_report_that_cannot_be_written_fails_its_step() -> None:
    """REQ-MON-009"""
    with monitoring() as tester:
        tester.component._place = full
        step(tester, CycleStep.REPORT)
        assert tester.ports.step_done[0][1] is False
        assert len(tester.events.named("ReportFailed")) == 1


def test_an_answer_that_is_too_long_does_not_make_the_report_grow() -> None:
    """REQ-MON-007"""
    calls = {f"call{number}": "scheduler.last()" for number in range(16)}
    with monitoring(settings={"calls": calls}, returns={"call_service": succeeded("x" * 8000)}) as tester:
        step(tester, CycleStep.REPORT)
        assert "more than 65536" in tester.events.named("ReportFailed")[0].args[0]


@pytest.mark.parametrize(
    "setting, value",
    [
        ("values", {"x": "nothing"}),
        ("values", {str(n): "a.B" for n in range(65)}),
        ("calls", {"x": "eval"}),
        ("calls", {str(n): "a.b()" for n in range(17)}),
        ("services", ["a", "a"]),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_the_check(setting: str, value: Any) -> None:
    """REQ-MON-007"""
    check: Any = Monitoring.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match=r"most|wanted|no call"):
        check(value)
