"""The building's API: what needs no network."""

from __future__ import annotations

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import BuildingApi
from kittiwake_components.building_api.routes import OTHERS, PREFIX, ROUTES, openapi
from kittiwake_components.ports.platform_driver import Quality


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(BuildingApi) == []


def test_it_is_off_unless_it_is_switched_on() -> None:
    """REQ-BA-001"""
    with ComponentTester(BuildingApi) as tester:
        tester.call.value_in("a/b", "1", Quality.GOOD, 0)
        tester.call.message_in("devices/actuators/value/a", b"{}", b"1")
        tester.call.reply_in(1, 200, "", b"{}")
        tester.call.rpc_answer_in(1, b"{}")
        assert list(tester.events) == []


def test_a_simulation_has_none_and_says_so() -> None:
    """REQ-BA-001"""
    with ComponentTester(BuildingApi, settings={"address": "127.0.0.1:0"}) as tester:
        assert tester.events.named("ApiFailed")[0].args == ("it needs real time",)


def test_the_description_names_every_path() -> None:
    """REQ-BA-003"""
    described = openapi()["paths"]
    assert isinstance(described, dict)
    served = {(route.verb, PREFIX + route.path) for route in ROUTES} | {
        (verb, PREFIX + path) for verb, path, _ in OTHERS
    }
    assert {(verb.upper(), path) for path, verbs in described.items() for verb in verbs} == served
    assert len({route.method for route in ROUTES}) == len(ROUTES)
