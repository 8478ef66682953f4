"""The BACnet server without its network: what it offers, and what becomes of writes, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import command_packet, parse_command
from kittiwake_components import BacnetServer
from kittiwake_components.bacnet_server.component import WAITING_LIMIT, WRITE_LIMIT_S, Write
from kittiwake_components.bacnet_server.offers import (
    LAST_OBJECT,
    OFFERS_LIMIT,
    Outcome,
    check_address,
    check_numbers,
    offer_channel,
    offer_parameter,
)

PARAMETERS = {"tested.WRITABLE": 1}
CHANNELS = {"tested.Writes": 2}


def server(**settings: Any) -> ComponentTester[BacnetServer]:
    given = {"address": "127.0.0.1:0", "parameters": PARAMETERS, "channels": CHANNELS, **settings}
    return ComponentTester(BacnetServer, settings=given)


class Asked:
    """A write of WRITABLE, and what it was answered with."""

    def __init__(self, tester: ComponentTester[BacnetServer], value: Any = False) -> None:
        self.answers: list[Outcome] = []
        offer = offer_parameter("tested.WRITABLE", 1, {"tested": tester.component})
        tester.component.take_write(Write(offer, value, 8, "127.0.0.9:5", self.answers.append))
        tester.settle()


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(BacnetServer) == []


def test_it_is_off_unless_it_has_an_address() -> None:
    """REQ-BNS-001"""
    with server(address="") as tester:
        assert not tester.component.listens()
        assert not tester.events


@pytest.mark.parametrize("address", ["0.0.0.0:47808", "192.168.1.5/24"])
def test_an_address_in_the_network_has_to_be_allowed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-BNS-002"""
    with server(address=address) as tester:
        monkeypatch.setattr(tester.component.platform, "has_threads", True)
        assert "open_network has to allow" in tester.component._obstacle()
    with server(address=address, open_network=True) as tester:
        monkeypatch.setattr(tester.component.platform, "has_threads", True)
        assert tester.component._obstacle() == ""


@pytest.mark.parametrize("address", ["host:47808", "127.0.0.1:", "127.0.0.1:x", "127.0.0.256", "127.0.0.1/33", "1.2.3"])
def test_what_is_no_address_is_refused_when_the_topology_is_checked(address: str) -> None:
    check_address("192.168.1.5/24:47808")
    with pytest.raises(ValueError, match="not " + address):
        check_address(address)


def test_virtual_time_has_no_bacnet() -> None:
    """REQ-BNS-009"""
    with server() as tester:
        tester.call.run(0)
        assert tester.events.named("BacnetFailed")[0].named_args()["reason"] == "it needs real time"
        assert tester.channels["Objects"] == 2


def test_what_cannot_be_offered_is_named_and_the_others_are_offered() -> None:
    """REQ-BNS-003"""
    wrong = {"tested.Nothing": 3, "absent.Writes": 4}
    with server(channels={**CHANNELS, **wrong}, parameters={**PARAMETERS, "tested.NOTHING": 7, "x.Y": 8}) as tester:
        names = [event.named_args()["name"] for event in tester.events.named("OfferRefused")]
        assert names == ["tested.Nothing", "absent.Writes", "tested.NOTHING", "x.Y"]
        assert tester.channels["Objects"] == 2


@pytest.mark.parametrize(
    "offered",
    [{"a.B": -1}, {"a.B": LAST_OBJECT + 1}, {"a.B": 1, "a.C": 1}, {f"a.B{n}": n for n in range(OFFERS_LIMIT + 1)}],
)
def test_numbers_that_no_objects_have_are_refused(offered: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"object"):
        check_numbers(offered)


def test_a_write_goes_through_the_parameters_set_command() -> None:
    """REQ-BNS-005"""
    with server() as tester:
        asked = Asked(tester)
        [(packet, context)] = list(tester.ports.com_cmd_out)
        offer = offer_parameter("tested.WRITABLE", 1, {"tested": tester.component})
        assert packet == command_packet(offer.opcode, b"\x00")
        assert asked.answers == []  # nothing is claimed before the parameter has it
        tester.call.cmd_response_in(parse_command(packet)[0], context, CommandResponse.OK)
        assert asked.answers == [Outcome.DONE]
        assert tester.channels["Writes"] == 1
        [event] = tester.events.named("ParameterWritten")
        assert event.named_args() == {
            "client": "127.0.0.9:5", "name": "tested.WRITABLE", "value": "False", "priority": 8,
        }  # fmt: skip


@pytest.mark.parametrize(
    "response, outcome",
    [
        (CommandResponse.VALIDATION_ERROR, Outcome.OUT_OF_RANGE),
        (CommandResponse.EXECUTION_ERROR, Outcome.FAILED),
        (CommandResponse.BUSY, Outcome.FAILED),
    ],
)
def test_a_write_that_the_parameter_refuses_is_refused(response: CommandResponse, outcome: Outcome) -> None:
    """REQ-BNS-005"""
    with server() as tester:
        asked = Asked(tester)
        [(packet, context)] = list(tester.ports.com_cmd_out)
        tester.call.cmd_response_in(parse_command(packet)[0], context, response)
        assert asked.answers == [outcome]
        assert tester.channels["Refused"] == 1
        assert tester.events.named("WriteRefused")[0].named_args()["reason"] == response.name


def test_a_write_that_nobody_answers_is_given_up_before_its_client_does() -> None:
    """REQ-BNS-005"""
    with server() as tester:
        asked = Asked(tester)
        tester.advance(WRITE_LIMIT_S + 0.1)
        assert asked.answers == [Outcome.FAILED]
        assert WRITE_LIMIT_S < 3.0


def test_what_the_type_cannot_hold_is_refused_without_a_command() -> None:
    """REQ-BNS-005"""
    with server() as tester:
        asked = Asked(tester, value="x")
        assert asked.answers == [Outcome.OUT_OF_RANGE]
        assert list(tester.ports.com_cmd_out) == []


def test_the_ground_may_forbid_writing() -> None:
    """REQ-BNS-006"""
    with server() as tester:
        tester.set_parameter("WRITABLE", False)
        asked = Asked(tester)
        assert asked.answers == [Outcome.DENIED]
        assert list(tester.ports.com_cmd_out) == []


def test_more_writes_than_can_wait_are_refused() -> None:
    """REQ-BNS-007"""
    with server() as tester:
        asked = [Asked(tester) for _ in range(WAITING_LIMIT + 3)]
        refused = [one for one in asked if one.answers]
        assert len(refused) >= 3
        assert {answer for one in refused for answer in one.answers} == {Outcome.FAILED}
        tester.advance(WRITE_LIMIT_S + 0.1)
        assert [len(one.answers) for one in asked] == [1] * len(asked)


def test_a_channel_has_its_unit_and_its_scale() -> None:
    """REQ-BNS-004"""
    from tests.building.room import Room

    with ComponentTester(Room) as tester:
        instances = {"tested": tester.component}
        temperature = offer_channel("tested.Temperature", 1, instances)
        assert (temperature.object_identifier, temperature.units) == ("analog-input,1", "degrees-celsius")
        assert offer_channel("tested.Counts", 1, instances).units == "no-units"
        assert offer_channel("tested.Raw", 1, instances).shown(63) == 21.5
        assert temperature.shown(float("nan")) is None
        set_point = offer_parameter("tested.SET_POINT", 1, instances)
        assert set_point.bounds == (10.0, 30.0)
        assert offer_parameter("tested.LIMIT", 1, instances).packed(7.0) == (7).to_bytes(4, "big")
        for value in (7.5, -1.0, 1e300):
            with pytest.raises(ValueError, match=r"."):
                offer_parameter("tested.LIMIT", 1, instances).packed(value)
