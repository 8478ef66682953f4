"""The strategies draw what declarations allow, and all of it."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from kittiwake.model.codec import packer, unpacker
from kittiwake.model.commands import CommandError, CommandResponse, command
from kittiwake.model.component import ActiveComponent
from kittiwake.model.fw import Ping, TimeInterval
from kittiwake.model.parameters import Parameter
from kittiwake.model.ports import OutputPort, async_port, port, sync_port
from kittiwake.model.types import (
    F32,
    F64,
    I8,
    U8,
    U32,
    Bool,
    Octets,
    Ranged,
    Size,
    TypeFault,
    wire_alias,
    wire_array,
    wire_enum,
    wire_type,
)
from kittiwake.testing import ComponentTester
from kittiwake.testing.strategies import Action, actions_of, arguments_of, calls_of, commands_of, values_of


@wire_enum(U8)
class Colour(IntEnum):
    RED = 1
    BLUE = 2


@port("Test.Mix")
def Mix(first: Colour, share: F32) -> Bool:
    return True


class Painter(ActiveComponent):
    """Keeps a count that nothing may bring out of step."""

    ping_out = OutputPort(Ping)
    shade = Parameter(I8, default=0, low=-5, high=5)

    def initialize(self) -> None:
        self.pings = 0
        self.painting = 0

    @async_port(Ping, full="drop")
    def ping_in(self, key: int) -> None:
        self.pings += 1
        self.ping_out(key)

    @sync_port(Mix, size=2)
    def mix(self, index: int, first: Colour, share: float) -> bool:
        assert index in (0, 1)
        return first is Colour.RED

    @command
    async def paint(self, colour: Colour, coats: U8) -> None:
        self.painting += 1
        await self.clock.sleep(coats)
        self.painting -= 1

    @command
    def rinse(self, why: Annotated[str, Size(6)]) -> None:
        if why:
            raise CommandError(CommandResponse.BUSY, why)


@pytest.mark.parametrize(
    "declared",
    [U8, F32, F64, Bool, Colour, TimeInterval, wire_array("A", Colour, 3), wire_alias("B", I8), Octets(4),
     Ranged(wire_type(I8), -2.5, 3.5), Ranged(wire_type(F32), 0.1, 0.2), Ranged(wire_type(F64), 0.1, 0.2),
     Annotated[str, Size(5)]],
    ids=repr,
)  # fmt: skip
def test_every_value_is_one_that_the_type_takes(declared: Any) -> None:
    form = wire_type(declared)

    @given(values_of(declared))
    def check(value: Any) -> None:
        form.check(value)
        assert form.unpack(form.pack(value))[0] == value

    check()


def test_ranges_are_drawn_to_their_ends() -> None:
    whole = values_of(Ranged(wire_type(I8), -2.5, 3.5))
    assert find(whole, lambda value: value == -2) == -2
    assert find(whole, lambda value: value == 3) == 3


def test_text_for_the_downlink_is_ascii() -> None:
    @given(values_of(Annotated[str, Size(5)], ascii_only=True))
    def check(value: str) -> None:
        assert value.isascii()
        assert len(value) <= 5

    check()


@given(arguments_of(Painter, "PAINT"), arguments_of(Painter, "mix"), arguments_of(Painter, "ping_out"))
def test_arguments_fit_commands_and_ports(painted: Any, mixed: Any, pinged: Any) -> None:
    forms = [wire_type(Colour), wire_type(U8)]
    assert unpacker(forms)(packer(forms)(*painted)) == painted
    assert isinstance(mixed[0], Colour)
    assert len(mixed) == 2
    wire_type(U32).check(*pinged)


def test_unknown_names_and_types_are_refused() -> None:
    with pytest.raises(LookupError, match="did you mean PAINT"):
        arguments_of(Painter, "PAIN")
    with pytest.raises(TypeFault):
        values_of(int)


def test_commands_and_calls_cover_all_that_is_declared() -> None:
    for name in ("PAINT", "RINSE", "SHADE_PRM_SET", "SHADE_PRM_SAVE"):
        assert find(commands_of(Painter), lambda action, name=name: action.name == name).kind == "send"  # type: ignore[misc]
    for element in (0, 1):
        found = find(calls_of(Painter), lambda action, element=element: action.element == element)  # type: ignore[misc]
        assert found.name == "mix"


@given(actions_of(Painter), st.integers(1, 3))
def test_whole_runs_keep_the_component_in_step(actions: list[Action], depth: int) -> None:
    with ComponentTester(Painter, queue=depth) as tester:
        for action in actions:
            action.apply(tester)
        assert tester.component.pings == len(tester.ports.ping_out)
        assert 0 <= tester.component.painting <= 16
