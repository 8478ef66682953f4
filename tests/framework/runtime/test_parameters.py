"""Parameters of every type are set, saved and loaded whole, or not at all."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest

from kittiwake.model.commands import CommandResponse
from kittiwake.model.component import PassiveComponent
from kittiwake.model.parameters import Parameter
from kittiwake.model.types import F32, I16, U8, Bool, String, wire_array, wire_enum, wire_struct
from kittiwake.runtime.image import ImageFault
from kittiwake.testing import ComponentTester
from tests.framework.runtime.wired import deploy


@wire_enum(U8)
class Mode(IntEnum):
    OFF = 3
    ON = 4


@wire_struct()
class Window:
    begin: I16
    mode: Mode


Rates = wire_array("Rates", F32, 2)


class Tunable(PassiveComponent):
    count = Parameter(U8, default=1, low=1, high=200)
    armed = Parameter(Bool, default=True)
    gain = Parameter(F32, default=0.5)
    title = Parameter(String(6), default="none")
    mode = Parameter(Mode, default=Mode.OFF)
    window = Parameter(Window, default=Window(-1, Mode.ON))
    rates = Parameter(Rates, default=(1.0, 2.0))

    def initialize(self) -> None:
        self.doubled = 2 * self.count

    def parameter_updated(self, name: str) -> None:
        self.doubled = 2 * self.count
        if self.count == 13:
            raise ValueError("unlucky")


VALUES: dict[str, Any] = {
    "COUNT": 200, "ARMED": False, "GAIN": 0.25, "TITLE": "é", "MODE": Mode.ON, "WINDOW": Window(7, Mode.OFF),
    "RATES": (-1.0, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_one_of_any_type_is_set_saved_and_loaded_at_the_next_start(name: str) -> None:
    tester = ComponentTester(Tunable)
    tester.set_parameter(name, VALUES[name])
    assert getattr(tester.component, name.lower()) == VALUES[name]
    tester.save_parameter(name)
    tester.restart()
    assert getattr(tester.component, name.lower()) == VALUES[name]
    tester.finish()


@pytest.mark.parametrize(
    "name, data, response",
    [
        ("COUNT", b"\x00", "VALIDATION_ERROR"),
        ("ARMED", b"\x01", "FORMAT_ERROR"),
        ("TITLE", b"\x00\x07sevenly", "FORMAT_ERROR"),
        ("MODE", b"\x00", "FORMAT_ERROR"),
        ("WINDOW", b"\x00\x01\x05", "FORMAT_ERROR"),
        ("RATES", bytes(7), "FORMAT_ERROR"),
        ("RATES", bytes(9), "FORMAT_ERROR"),
    ],
)
def test_bytes_that_are_no_value_change_nothing(name: str, data: bytes, response: str) -> None:
    tester = ComponentTester(Tunable)
    before = getattr(tester.component, name.lower())
    assert tester.send_raw(f"{name}_PRM_SET", data).response is CommandResponse[response]
    assert getattr(tester.component, name.lower()) == before


def test_a_value_that_the_component_refuses_leaves_nothing_behind_that_was_derived_from_it() -> None:
    tester = ComponentTester(Tunable)
    tester.set_parameter("COUNT", 5)
    assert tester.send("COUNT_PRM_SET", 13).response is CommandResponse.EXECUTION_ERROR
    assert (tester.component.count, tester.component.doubled) == (5, 10)


def test_a_saved_value_that_the_component_refuses_is_left_out_and_reported() -> None:
    tester = ComponentTester(Tunable, parameters={"COUNT": 13})
    assert (tester.component.count, tester.component.doubled) == (1, 2)
    [finding] = tester.monitor
    assert (finding.kind, finding.where) == ("unusable", "COUNT")
    assert "ValueError: unlucky" in finding.detail


class Nested(PassiveComponent):
    inner = Parameter(U8, default=3)
    outer = Parameter(U8, default=10)

    def parameter_updated(self, name: str) -> None:
        if not self.inner < self.outer:
            raise ValueError("inner < outer is wanted")


def test_saved_values_are_loaded_in_the_order_in_which_they_fit() -> None:
    tester = ComponentTester(Nested)
    for name, value in (("OUTER", 90), ("INNER", 50)):
        tester.set_parameter(name, value)
        tester.save_parameter(name)
    tester.restart()
    assert (tester.component.inner, tester.component.outer) == (50, 90)
    assert not list(tester.monitor)
    tester.finish()


def test_a_value_of_the_topology_that_the_component_refuses_is_reported() -> None:
    deployment, findings = deploy({"a": Tunable}, parameters=[(0, "count", b"\x0d")])
    a: Any = deployment.instances["a"]
    assert (a.count, a.doubled) == (1, 2)
    assert [(one.instance, one.where) for one in findings] == [("a", "parameter_updated")]


@pytest.mark.parametrize("entry", [(0, "count", b""), (0, "count", b"\x01\x02"), (0, "nothing", b"")])
def test_an_image_whose_values_are_of_another_version_is_refused(entry: tuple[int, str, bytes]) -> None:
    with pytest.raises(ImageFault, match=rf"the image's value of a\.{entry[1]} does not fit; build it again"):
        deploy({"a": Tunable}, parameters=[entry])


class Brittle(PassiveComponent):
    count = Parameter(U8, default=1)

    def parameter_updated(self, name: str) -> None:
        raise KeyError(self.count)


def test_a_component_that_refuses_its_old_value_too_is_reported_for_both() -> None:
    tester = ComponentTester(Brittle)
    assert tester.send("COUNT_PRM_SET", 3).response is CommandResponse.EXECUTION_ERROR
    assert tester.component.count == 1
    assert [(one.where, one.detail[:11]) for one in tester.monitor.faults()] == [
        ("parameter_updated", "KeyError: 1"), ("COUNT_PRM_SET", "KeyError: 3"),
    ]  # fmt: skip
