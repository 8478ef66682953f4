"""A declared state machine is checked when its component class is made, and can be listed and drawn."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest

from kittiwake.model import ACTIVITY_HI, U8, Channel, OutputPort, OutputPortArray, Parameter, PassiveComponent, event
from kittiwake.model.component import ComponentType
from kittiwake.model.fw import Signal
from kittiwake.model.state_diagram import TransitionRow, mermaid, transition_rows
from kittiwake.model.state_machine import After, On, State, StateMachine
from kittiwake.model.types import TypeFault, wire_enum


@wire_enum(U8)
class Lamp(IntEnum):
    OFF = 0
    ON = 1
    BROKEN = 2


class Heard(IntEnum):
    PRESSED = 0
    BURST = 1


class Other(IntEnum):
    OFF = 0


OFF = State(Lamp.OFF, On(Heard.PRESSED, Lamp.ON, guard="has_power", do="count"))
ON = State(Lamp.ON, On(Heard.PRESSED, Lamp.OFF), After("timeout", Lamp.OFF), entry="shine", exit="darken")
BROKEN = State(Lamp.BROKEN)
BURST = On(Heard.BURST, Lamp.BROKEN, do="burst")


def made(*states: State, anywhere: tuple[On, ...] = (BURST,), **options: Any) -> ComponentType:
    """A component class with a machine of those states."""

    class Desk(PassiveComponent):
        lamp = StateMachine(Lamp, Heard, *states, anywhere=anywhere, **options)
        shown = Channel(Lamp)
        wrong = Channel(U8)
        timeout = Parameter(U8, default=5)
        strike = OutputPort(Signal)
        strikes = OutputPortArray(Signal, 2)

        @event(ACTIVITY_HI, "The lamp burst")
        def burst(self) -> None: ...

        def has_power(self) -> bool:
            return True

        def count(self) -> None: ...

        def shine(self) -> None: ...

        def darken(self) -> None: ...

        async def wait(self) -> None: ...

    return Desk


def refusal(*states: State, **options: Any) -> str:
    with pytest.raises(TypeFault) as refused:
        made(*states, **options)
    return str(refused.value)


def test_a_machine_is_listed_with_what_holds_anywhere() -> None:
    desk: Any = made(OFF, ON, BROKEN, channel="shown")
    assert list(transition_rows(desk.lamp)) == [
        TransitionRow("OFF", "PRESSED", "has_power", "ON", "count"),
        TransitionRow("OFF", "BURST", "", "BROKEN", "burst"),
        TransitionRow("ON", "PRESSED", "", "OFF", ""),
        TransitionRow("ON", "after timeout", "", "OFF", ""),
        TransitionRow("ON", "BURST", "", "BROKEN", "burst"),
        TransitionRow("BROKEN", "BURST", "", "BROKEN", "burst"),
    ]


def test_a_machine_is_drawn() -> None:
    desk: Any = made(OFF, ON, State(Lamp.BROKEN, On(Heard.BURST), On(Heard.PRESSED, do="strike")))
    assert mermaid(desk.lamp).splitlines() == [
        "stateDiagram-v2",
        "    [*] --> OFF",
        "    ON: entry / shine",
        "    ON: exit / darken",
        "    OFF --> ON: PRESSED [has_power] / count",
        "    OFF --> BROKEN: BURST / burst",
        "    ON --> OFF: PRESSED",
        "    ON --> OFF: after timeout",
        "    ON --> BROKEN: BURST / burst",
        "    BROKEN: BURST",
        "    BROKEN: PRESSED / strike",
    ]


@pytest.mark.parametrize(
    "states, options, wanted",
    [
        ((OFF, ON), {}, "Desk.lamp: the state BROKEN is not declared"),
        ((OFF, ON, BROKEN, OFF), {}, "Desk.lamp: the state OFF is declared twice"),
        ((OFF, ON, BROKEN, State(Other.OFF)), {}, "<Other.OFF: 0> is no state of Lamp"),
        ((OFF, ON, BROKEN), {"anywhere": ()}, "no state heeds BURST"),
        ((OFF, ON, State(Lamp.BROKEN, On(Heard.BURST))), {"anywhere": ()}, "no transition leads from OFF to BROKEN"),
        ((OFF, ON, BROKEN), {"initial": Lamp.BROKEN}, "no transition leads from BROKEN to OFF, ON"),
        ((OFF, ON, State(Lamp.BROKEN, On(Other.OFF))), {}, "<Other.OFF: 0> is no signal of Heard"),
        ((OFF, ON, State(Lamp.BROKEN, On(Heard.BURST, Other.OFF))), {}, "<Other.OFF: 0> is no state of Lamp"),
        (
            (OFF, ON, State(Lamp.BROKEN, On(Heard.BURST, Lamp.ON), On(Heard.BURST, Lamp.OFF, guard="has_power"))),
            {},
            "Desk.lamp.BROKEN: BURST is ambiguous",
        ),
        (
            (
                OFF,
                ON,
                State(
                    Lamp.BROKEN,
                    On(Heard.BURST, Lamp.ON, guard="has_power"),
                    On(Heard.BURST, Lamp.OFF, guard="has_power"),
                ),
            ),
            {},
            "Desk.lamp.BROKEN: BURST is ambiguous",
        ),
        ((OFF, ON, State(Lamp.BROKEN, entry="mourn")), {}, "the entry of BROKEN is missing, the method mourn"),
        ((OFF, ON, State(Lamp.BROKEN, exit="strikes")), {}, "the exit of BROKEN is missing, the method strikes"),
        ((OFF, ON, State(Lamp.BROKEN, entry="wait")), {}, "wait may not be an `async def`"),
        ((OFF, ON, State(Lamp.BROKEN, On(Heard.BURST, guard="g"))), {}, "the guard of BROKEN at BURST is missing"),
        ((OFF, ON, State(Lamp.BROKEN, On(Heard.BURST, do="d"))), {}, "what BROKEN does BURST is missing"),
        ((OFF, ON, BROKEN), {"changed": "tell"}, "changed is missing, the method tell"),
        ((OFF, ON, State(Lamp.BROKEN, After(0.0, Lamp.OFF))), {}, "a delay is more than 0 s, not 0.0"),
        ((OFF, ON, State(Lamp.BROKEN, After("while", Lamp.OFF))), {}, "while is no parameter, setting or method"),
        ((OFF, ON, State(Lamp.BROKEN, After(5.0))), {}, "nothing happens after 5 s"),
        (
            (OFF, ON, State(Lamp.BROKEN, After(5.0, Lamp.OFF), After(5.0, Lamp.ON))),
            {},
            "Desk.lamp.BROKEN: two timers are due at the same time",
        ),
        ((OFF, ON, BROKEN), {"channel": "wrong"}, "wrong is no channel of type Lamp"),
        ((OFF, ON, BROKEN), {"channel": "absent"}, "absent is no channel of type Lamp"),
    ],
)
def test_what_cannot_be_meant_is_refused(states: tuple[State, ...], options: dict[str, Any], wanted: str) -> None:
    assert wanted in refusal(*states, **options)


def test_a_machine_needs_a_name_of_its_own() -> None:
    with pytest.raises(TypeFault, match="the name is the framework's"):

        class Desk(PassiveComponent):
            clock = StateMachine(Lamp, Heard, OFF, ON, BROKEN)  # type: ignore[assignment]


def test_a_machine_counts_as_a_declaration_of_a_base() -> None:
    class Left(PassiveComponent):
        lamp = StateMachine(Other, Other, State(Other.OFF, On(Other.OFF)))

    class Right(PassiveComponent):
        shown = Channel(U8)

    with pytest.raises(TypeFault, match="only one of its bases may declare anything"):

        class Both(Left, Right): ...

    class Heir(Left): ...

    assert list(Heir.__declarations__.machines) == ["lamp"]
