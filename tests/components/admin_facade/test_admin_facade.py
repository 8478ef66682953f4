"""The XML-RPC facade: its three methods, and what it does with whatever else comes."""

from __future__ import annotations

import json
import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import parse_command
from kittiwake_components import AdminFacade
from kittiwake_components.caller_connection import MAX_CALLERS
from kittiwake_components.ports.service import failed, succeeded

OK, FAILED = CommandResponse.OK, CommandResponse.EXECUTION_ERROR
HOST, PORT = "127.0.0.1", 8003
SET = "tested.COMMAND_TIMEOUT_S_PRM_SET 5"
"""A command line that the tester's one instance takes; the tester answers it."""


def facade(**options: Any) -> ComponentTester[AdminFacade]:
    settings = {"url": f"tcp-listen://{HOST}:{PORT}", "services": ["enrollment", "scheduler"]}
    returns = {"call_service": lambda method, arguments: succeeded([method, json.loads(arguments)])}
    return ComponentTester(
        AdminFacade,
        settings={**settings, **options.pop("settings", {})},
        returns={**returns, **options.pop("returns", {})},
        **options,
    )


class Caller:
    """Somebody who calls."""

    def __init__(self, tester: ComponentTester[AdminFacade]) -> None:
        self._tester = tester
        self.stream = tester.platform.network.connect_tcp(HOST, PORT)
        tester.advance(0.1)

    def post(self, body: bytes, **fields: str) -> bytes:
        """Sends a request and gives the whole answer, if it is there at once."""
        sent = {"Host": f"localhost:{PORT}", "Content-Type": "text/xml", "Content-Length": str(len(body))}
        sent |= {name.replace("_", "-"): value for name, value in fields.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        self.send(f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body)
        return self.answer()

    def send(self, data: bytes) -> None:
        self.stream.send(data)
        self._tester.advance(0.1)

    def answer(self) -> bytes:
        self._tester.advance(0.1)
        received = b""
        while data := self.stream.receive(65536):
            received += data
        return received

    def ask(self, method: str, *parameters: Any) -> None:
        assert self.post(xmlrpc.client.dumps(parameters, method, allow_none=True).encode()) == b""

    def call(self, method: str, *parameters: Any) -> Any:
        """The result of a call; raises `xmlrpc.client.Fault`."""
        return self.result(self.post(xmlrpc.client.dumps(parameters, method, allow_none=True).encode()))

    def result(self, answer: bytes | None = None) -> Any:
        head, _, body = (self.answer() if answer is None else answer).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        [found], _ = xmlrpc.client.loads(body.decode())
        return found


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(AdminFacade) == []


def test_it_is_off_unless_it_is_switched_on() -> None:
    """REQ-ADM-001"""
    with facade(settings={"url": ""}) as tester:
        assert tester.component.listening_port() == 0
        with pytest.raises(OSError, match="refused"):
            Caller(tester).answer()


@pytest.mark.parametrize("url", ["tcp-listen://0.0.0.0:8003", "tcp://127.0.0.1:8003", "tcp-listen://10.0.0.1:1", "x"])
def test_it_listens_on_this_machine_alone(url: str) -> None:
    """REQ-ADM-001"""
    check: Any = AdminFacade.__declarations__.settings["url"].check
    with pytest.raises(ValueError, match=r"this machine alone|no link"):
        check(url)


def test_services_are_called_with_their_arguments_and_the_result_is_json() -> None:
    """REQ-ADM-002"""
    with facade() as tester:
        caller = Caller(tester)
        assert json.loads(caller.call("get_machine_id")) == ["get_machine_id", []]
        result = caller.call("call_service", "scheduler", "commit", 5, "now", 0, None, [1.5, {"a": True}])
        assert json.loads(result) == ["commit", [5, "now", 0, None, [1.5, {"a": True}]]]
        assert json.loads(caller.call("execute_command", "scheduler.prune(5, 'x')")) == ["prune", [5, "x"]]
        assert len(tester.ports.call_service[1]) == 2
        assert tester.channels["Requests"] == 3
        assert tester.channels["Connections"] == 1


def test_a_command_is_sent_and_its_answer_waited_for() -> None:
    """REQ-ADM-003"""
    with facade() as tester:
        caller, other = Caller(tester), Caller(tester)
        caller.ask("execute_command", SET)
        [(packet, context)] = list(tester.ports.com_cmd_out)
        assert json.loads(other.call("call_service", "scheduler", "jobs")) == ["jobs", []]
        tester.call.cmd_response_in(parse_command(packet)[0], context, OK)
        assert caller.result() == '"OK"'
        caller.ask("execute_command", SET)
        [_, (_, context)] = list(tester.ports.com_cmd_out)
        tester.call.cmd_response_in(0, context, FAILED)
        with pytest.raises(xmlrpc.client.Fault, match="EXECUTION_ERROR"):
            caller.result()


def test_a_command_without_an_answer_is_a_fault_in_time() -> None:
    """REQ-ADM-003. Upstream: timeouts meant as milliseconds were taken as seconds, eleven hours of them."""
    with facade(parameters={"COMMAND_TIMEOUT_S": 5}) as tester:
        caller = Caller(tester)
        caller.ask("execute_command", SET)
        tester.advance(4.5)
        assert caller.answer() == b""
        tester.advance(1)
        with pytest.raises(xmlrpc.client.Fault, match="no answer within 5 s"):
            caller.result()


def raises(*_: Any) -> bytes:
    raise OSError("the bus is stuck")


@pytest.mark.parametrize(
    "method, parameters, code, reason",
    [
        ("system.listMethods", (), -32601, "there is no method system.listMethods: get_machine_id, call_service"),
        ("get_machine_id", (1,), -32602, "does not take such parameters"),
        ("call_service", ("scheduler",), -32602, "does not take"),
        ("execute_command", (5,), -32602, "does not take"),
        ("call_service", ("elsewhere", "x"), -32500, "there is no service elsewhere: enrollment, scheduler"),
        ("call_service", ("scheduler", "x", b"bytes"), -32500, "cannot be passed on"),
        ("call_service", ("scheduler", "x", "y" * 5000), -32500, "more than 4096 bytes"),
        ("execute_command", ("tested.NOTHING",), -32500, "tested has no command 'NOTHING'"),
        ("execute_command", ("__import__('os').system('reboot')",), -32500, "is no call of a service"),
        ("execute_command", ("scheduler.x(y)",), -32500, "not all literals"),
        ("execute_command", ("tested.\x07\n",), -32500, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_a_fault_with_its_reason(method: str, parameters: Any, code: int, reason: str) -> None:
    """REQ-ADM-004"""
    with facade() as tester:
        body = xmlrpc.client.dumps(parameters, method).replace("\x07", "&#9;").encode()
        caller = Caller(tester)
        answer = caller.post(body)
        with pytest.raises(xmlrpc.client.Fault) as fault:
            caller.result(answer)
        assert fault.value.faultCode == code
        assert reason in fault.value.faultString
        assert "Traceback" not in fault.value.faultString
        assert tester.channels["Faults"] == 1


@pytest.mark.parametrize(
    "service, code", [(lambda *_: failed("no link"), -32500), (raises, -32400), (lambda *_: b"nonsense", -32500)]
)
def test_a_service_that_fails_is_a_fault_with_its_reason(service: Any, code: int) -> None:
    """REQ-ADM-004"""
    with facade(returns={"call_service": service}) as tester, pytest.raises(xmlrpc.client.Fault) as fault:
        Caller(tester).call("call_service", "scheduler", "x")
    assert fault.value.faultCode == code


CALL = "<methodCall><methodName>get_machine_id</methodName></methodCall>"
NO_NUMBER = "<params><param><value><int>x</int></value></param></params>"
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"\xff\xfe",
        CALL.encode("utf-16"),
        (LAUGHS + CALL).encode(),
        ('<?xml version="1.0"?>' + LAUGHS + CALL).encode(),
        ('<?xml version="1.0" encoding="cp037"?>' + CALL).encode(),
        b'<?xml version="1.0"?><?xml version="1.0"?>' + CALL.encode(),
        CALL.encode() + CALL.encode(),
        b"<methodResponse><params></params></methodResponse>",
        xmlrpc.client.dumps((json.loads("[" * 100 + "]" * 100),), "call_service").encode(),
        CALL.replace("</methodCall>", f"{NO_NUMBER}</methodCall>").encode(),
        b"<methodCall><params><param><value><struct><member></member></struct></value></param></params></methodCall>",
    ],
)  # fmt: skip
def test_what_is_no_call_is_a_fault_and_entities_are_never_expanded(body: bytes) -> None:
    """REQ-ADM-005"""
    with facade() as tester:
        caller = Caller(tester)
        answer = caller.post(body)
        with pytest.raises(xmlrpc.client.Fault) as fault:
            caller.result(answer)
        assert fault.value.faultCode in (-32700, -32600)


@given(st.text(max_size=200) | st.text(max_size=60).map(lambda inner: CALL.replace("get_machine_id", inner)))
def test_nothing_that_comes_as_xml_breaks_it(text: str) -> None:
    """REQ-ADM-005"""
    with facade() as tester:
        caller = Caller(tester)
        assert caller.post(text.encode("utf-8", "surrogatepass")).startswith(b"HTTP/1.1 200")


def test_the_declaration_that_clients_send_is_taken() -> None:
    """REQ-ADM-005"""
    with facade() as tester:
        caller = Caller(tester)
        for head in ("<?xml version='1.0'?>\n", '<?xml version="1.0" encoding="UTF-8"?>', "\ufeff"):
            assert json.loads(caller.result(caller.post((head + CALL).encode()))) == ["get_machine_id", []]


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Origin": "http://elsewhere"}, 403),
        ({"Host": "elsewhere:8003"}, 403),
        ({"Host": ""}, 403),
        ({"Content_Length": "70000"}, 413),
        ({"Content_Length": ""}, 411),
    ],
)
def test_requests_that_a_page_in_a_browser_could_send_are_refused(fields: dict[str, str], status: int) -> None:
    """REQ-ADM-006"""
    with facade() as tester:
        assert Caller(tester).post(CALL.encode(), **fields).startswith(f"HTTP/1.1 {status}".encode())
        assert tester.channels["Refused"] == 1
        assert list(tester.ports.call_service[0]) == []


def test_only_the_path_of_calls_is_served() -> None:
    """REQ-ADM-006"""
    with facade() as tester:
        caller = Caller(tester)
        for line, status in ((b"GET / HTTP/1.1", b"405"), (b"GET /x HTTP/1.1", b"404")):
            caller.send(line + b"\r\nHost: localhost\r\n\r\n")
            assert caller.answer().startswith(b"HTTP/1.1 " + status)


def test_connections_are_bounded_and_an_idle_one_makes_room() -> None:
    """REQ-ADM-007"""
    with facade() as tester:
        callers = [Caller(tester) for _ in range(MAX_CALLERS)]
        for caller in callers[1:]:
            caller.ask("execute_command", SET)
        newest = Caller(tester)
        assert tester.channels["Connections"] == MAX_CALLERS
        assert callers[0].stream.receive(10) == b""
        newest.ask("execute_command", SET)
        Caller(tester)
        assert tester.channels["Connections"] == MAX_CALLERS
        assert "busy" in tester.events.named("RequestRefused")[0].args[0]
        for _, context in list(tester.ports.com_cmd_out):
            tester.call.cmd_response_in(0, context, OK)
        assert newest.result() == '"OK"'


def test_a_connection_without_a_whole_request_is_closed() -> None:
    """REQ-ADM-007"""
    with facade(parameters={"REQUEST_TIMEOUT_S": 10}) as tester:
        slow = Caller(tester)
        slow.send(b"POST / HTTP/1.1\r\nContent-")
        tester.advance(10)
        assert slow.stream.receive(10) == b""
        assert tester.channels["Connections"] == 0


def test_who_hangs_up_in_the_midst_of_a_call_harms_nobody() -> None:
    """REQ-ADM-007"""
    with facade() as tester:
        caller = Caller(tester)
        caller.ask("execute_command", SET)
        caller.stream.close()
        [(_, context)] = list(tester.ports.com_cmd_out)
        tester.call.cmd_response_in(0, context, OK)
        tester.advance(1)
        assert json.loads(Caller(tester).call("get_machine_id")) == ["get_machine_id", []]


def test_a_restart_of_the_instance_gives_the_port_back() -> None:
    """REQ-ADM-001"""
    with facade() as tester:
        Caller(tester)
        tester.reboot()
        assert json.loads(Caller(tester).call("get_machine_id")) == ["get_machine_id", []]
