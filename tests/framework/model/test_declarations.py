"""A component class is checked, numbered and named when it is made."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

import pytest

from kittiwake.model.channels import Channel, Conversion, Limits
from kittiwake.model.commands import command
from kittiwake.model.component import ActiveComponent, ComponentType, PassiveComponent
from kittiwake.model.events import WARNING_LO, event
from kittiwake.model.fw import Ping, Sched
from kittiwake.model.names import camel, pascal, upper
from kittiwake.model.parameters import Parameter, Setting
from kittiwake.model.ports import (
    OutputPort,
    OutputPortArray,
    async_port,
    guarded_port,
    internal_port,
    port,
    sync_port,
)
from kittiwake.model.signature import ReadLate
from kittiwake.model.types import F32, U8, U16, U32, Bool, Size, String, TypeFault, wire_array, wire_enum


@port("Test.Ask")
def Ask(of: U8) -> U32:
    return 0


class Station(ActiveComponent):
    """Has one of everything."""

    out = OutputPort(Ping)
    many = OutputPortArray(Ask, 3)
    boot_count = Channel(U32)
    volts = Channel(F32, name="VOLTAGE", id=0x20)
    amps = Channel(F32)
    armed = Parameter(Bool, default=True)
    limit = Parameter(U8, default=3, low=1, high=5, name="THE_LIMIT")
    path = Setting(str, default="a")

    @event(WARNING_LO, "It is {volts:.2f} V, {{why}} {reason}")
    def too_low(self, volts: F32, reason: Annotated[str, Size(8)]) -> None:
        """The battery is empty."""

    @event(WARNING_LO, "Again", id=9, name="ONCE_MORE")
    def again(self) -> None: ...

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """A cycle."""

    @async_port(Ping, priority=3, full="drop")
    def ping_in(self, key: int) -> None: ...

    @command
    def get_boot_count(self) -> None:
        """Says it."""

    @command(kind="sync", opcode=0x10, name="SET_IT")
    def set_it(self, value: U16, why: Annotated[str, Size(4)]) -> None: ...

    @command
    async def wait(self) -> None: ...


DECLARED = Station.__declarations__


def test_names_follow_fprimes_spelling() -> None:
    assert (pascal("boot_count"), camel("run_sequence"), upper("get_it")) == ("BootCount", "runSequence", "GET_IT")
    assert [one.label for one in DECLARED.channels.values()] == ["BootCount", "VOLTAGE", "Amps"]
    assert [one.label for one in DECLARED.commands.values()] == ["GET_BOOT_COUNT", "SET_IT", "WAIT"]
    assert [one.label for one in DECLARED.events.values()] == ["TooLow", "ONCE_MORE"]
    assert [one.label for one in DECLARED.parameters.values()] == ["ARMED", "THE_LIMIT"]


def test_numbers_continue_behind_those_that_are_given() -> None:
    assert [one.number for one in DECLARED.channels.values()] == [0, 0x20, 0x21]
    assert [one.number for one in DECLARED.commands.values()] == [0, 0x10, 0x11]
    assert [one.number for one in DECLARED.events.values()] == [0, 9]
    assert [(one.set_opcode, one.save_opcode) for one in DECLARED.parameters.values()] == [(0x12, 0x13), (0x14, 0x15)]
    assert DECLARED.span() == 0x22
    assert [(hex(number), what) for number, (what, _) in DECLARED.opcodes().items()] == [
        ("0x0", "call"), ("0x10", "call"), ("0x11", "call"), ("0x12", "set"), ("0x13", "save"), ("0x14", "set"),
        ("0x15", "save"),
    ]  # fmt: skip


def test_the_kind_of_a_command_follows_the_component_unless_it_is_given() -> None:
    class Quiet(PassiveComponent):
        @command
        def act(self) -> None: ...

    assert [one.kind for one in DECLARED.commands.values()] == ["async", "sync", "async"]
    assert [one.is_coroutine for one in DECLARED.commands.values()] == [False, False, True]
    assert Quiet.__declarations__.commands["act"].kind == "sync"


def test_formats_lose_their_names_and_keep_their_specifications() -> None:
    assert DECLARED.events["too_low"].format == "It is {.2f} V, {{why}} {}"
    assert DECLARED.events["too_low"].doc == "The battery is empty."


def test_the_class_still_gives_its_declarations() -> None:
    cls: Any = Station
    assert cls.out is DECLARED.outputs["out"]
    assert cls.too_low is DECLARED.events["too_low"]
    assert cls.armed is DECLARED.parameters["armed"]
    with pytest.raises(AttributeError, match="Station has no attribute 'nothing'"):
        _ = cls.nothing


def test_a_subclass_adds_to_what_it_inherits_and_numbers_stay() -> None:
    class Bigger(Station):
        watts = Channel(F32)

        @command
        def more(self) -> None: ...

    declared = Bigger.__declarations__
    assert [one.number for one in declared.commands.values()] == [0, 0x10, 0x11, 0x16]
    assert declared.channels["watts"].number == 0x22
    assert "watts" not in DECLARED.channels
    assert [one.index for one in declared.channels.values()] == [0, 1, 2, 3]


def made(base: Any = PassiveComponent, **body: Any) -> ComponentType:
    built: ComponentType = ComponentType("Made", (base,), body)
    return built


def active(**body: Any) -> ComponentType:
    return made(ActiveComponent, **body)


def handler(source: str) -> Any:
    names: dict[str, Any] = dict(globals())
    exec(source, names)
    return names["f"]


def test_mistakes_in_declarations_are_named() -> None:
    run = handler("def f(self, context: U32) -> None: ...")
    empty = handler("def f(self) -> None: ...")
    later = handler("async def f(self, context: U32) -> None: ...")
    no_async: Any = Ask
    wait: Any = "wait"

    class Mode(IntEnum):
        """Has no constants."""

    block: Any = "block"
    hook: Any = "hook"
    oldest: Any = "drop_oldest"
    cases: list[tuple[str, Any]] = [
        (r"Made\.f takes \(\), Svc.Sched \(context\)", lambda: made(f=sync_port(Sched)(handler("def f(self): ...")))),
        ("passive component has no queue for an async port", lambda: made(f=async_port(Sched)(run))),
        ("passive component has no queue for an async command", lambda: made(f=command(kind="async")(empty))),
        ("only an async port may have an `async def`", lambda: made(f=sync_port(Sched)(later))),
        ("only an async port may have an `async def`", lambda: made(f=guarded_port(Sched)(later))),
        ("returns a value, so no async port", lambda: async_port(no_async)),
        ("a full queue can assert, drop, drop_oldest, block, hook, not 'wait'", lambda: async_port(Ping, full=wait)),
        ("a full queue can assert, drop, not 'block'", lambda: command(full=block)(empty)),
        ("a full queue can assert, drop, not 'hook'", lambda: command(full=hook)(empty)),
        ("a full queue can assert, drop, not 'drop_oldest'", lambda: command(full=oldest)(empty)),
        ("a full queue can assert, drop, drop_oldest, hook, not 'block'", lambda: internal_port(full=block)(empty)),
        (r"Made\.f: its hook is missing, the method f_overflow", lambda: active(f=async_port(Sched, full="hook")(run))),
        (r"Made\.f: its hook is missing, the method f_overflow", lambda: active(f=internal_port(full="hook")(empty))),
        ("a passive component has no queue", lambda: made(f=internal_port()(empty))),
        ("enum Mode has no constants", lambda: wire_enum(U8)(Mode)),
        ("an array holds 1 to 4096", lambda: wire_array("Many", U8, 5000)),
        ("two channels have the number 0x1", lambda: made(a=Channel(U8, id=1), b=Channel(U8, id=1))),
        ("channels number 0x10000 is outside", lambda: made(a=Channel(U8, id=0x10000))),
        ("two parameter commands have the same opcode", lambda: made(
            a=Parameter(U8, default=0, set_opcode=4), b=Parameter(U8, default=0, set_opcode=4))),
        ("two commands have the number 0x4", lambda: made(
            a=Parameter(U8, default=0, set_opcode=4), f=command(opcode=4)(handler("def f(self) -> None: ...")))),
        ("an opcode is outside", lambda: made(a=Parameter(U8, default=0, set_opcode=-1))),
        ("a and b are both X in the dictionary", lambda: made(a=Channel(U8, name="X"), b=Channel(U8, name="X"))),
        (r"Made\.stop: the name is the framework's", lambda: made(stop=OutputPort(Ping))),
        (r"Made\._x: the name is the framework's", lambda: made(_x=Channel(U8))),
        ("more than 512 channels", lambda: made(**{f"c{n}": Channel(U8) for n in range(513)})),
        ("limits must ascend", lambda: Limits(low_red=2, low_yellow=1)),
        ("only a number has limits", lambda: Channel(String(4), limits=Limits(low_red=2))),
        ("only a number has limits", lambda: Channel(Bool, conversion=Conversion(2.0))),
        ("a range has both ends", lambda: Parameter(U8, default=1, low=1)),
        ("9 is outside 1 to 5", lambda: Parameter(U8, default=9, low=1, high=5)),
        ("a range has both ends", lambda: Setting(int, default=1, low=1)),
        ("9 is outside 1 to 5", lambda: Setting(list[int], default=[1, 9], low=1, high=5)),
        ("a port array has 1 to 256 ports", lambda: OutputPortArray(Ping, 257)),
        ("the format has {volt} where volts comes next", lambda: event(WARNING_LO, "{volt}")(
            handler("def f(self, volts: F32) -> None: ..."))),
        ("the format has {b} where no further parameter", lambda: event(WARNING_LO, "{a}{b}")(
            handler("def f(self, a: F32) -> None: ..."))),
        ("f: a: int has no size", lambda: command(handler("def f(self, a: int) -> None: ..."))),
        ("parameter 'a' has no type", lambda: command(handler("def f(self, a) -> None: ..."))),
        ("f: a: name 'Nowhere' is not defined", lambda: command(handler("def f(self, a: Nowhere) -> None: ..."))),
        ("only one of its bases may declare", lambda: ComponentType(
            "Made", (made(a=Channel(U8)), made(b=Channel(U8))), {})),
        ("attrs is for data", lambda: made(__attrs_attrs__=())),
    ]  # fmt: skip
    for message, declare in cases:
        with pytest.raises((TypeFault, ValueError), match=message):
            declare()


def test_what_is_read_late_is_read_when_it_is_wanted_and_afterwards_at_once_again() -> None:
    mistaken = handler("def f(self, a: Nowhere) -> None: ...")
    with ReadLate():
        late = command(mistaken).__command__
    with pytest.raises(TypeFault, match="name 'Nowhere' is not defined"):
        assert late.parameters
    with pytest.raises(TypeFault, match="name 'Nowhere' is not defined"):
        command(mistaken)


def test_a_port_is_read_late_too() -> None:
    mistaken = handler("def f(a: Nowhere) -> None: ...")
    with ReadLate():
        late = port("Test.Late")(mistaken)
        async_port(late)
    with pytest.raises(TypeFault, match="name 'Nowhere' is not defined"):
        assert late.parameters
    with pytest.raises(TypeFault, match="name 'Nowhere' is not defined"):
        port("Test.Late")(mistaken)


def test_what_is_made_while_reading_late_is_numbered_but_not_checked() -> None:
    wrong = {"KIND": "passive", "stop": Channel(U8), "a": Channel(U8)}
    with ReadLate():
        late = ComponentType("Made", (), dict(wrong))
    assert [channel.number for channel in late.__declarations__.channels.values()] == [0, 1]
    with pytest.raises(TypeFault, match=r"Made.stop: the name is the framework's"):
        ComponentType("Made", (), dict(wrong))


def test_an_input_mirrors_an_output_of_its_own() -> None:
    with pytest.raises(TypeFault, match="it mirrors 'calls_out', which is no output"):

        class Mirror(PassiveComponent):
            @sync_port(Sched, size=2, mirrors="calls_out")
            def run(self, index: int, context: int) -> None: ...
