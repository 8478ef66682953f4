"""A ParameterDb with parameters of its own, so that a component tester has some to save."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from kittiwake.model import F32, U8, U32, Parameter, Size, String, wire_array, wire_enum, wire_struct
from kittiwake.model.types import I32
from kittiwake.testing import ComponentTester
from kittiwake_components.parameter_db.component import ParameterDb

FILE = "/prm/PrmDb.dat"
PREVIOUS = FILE + ".prev"


@wire_enum(I32, name="Tested.Mode")
class Mode(IntEnum):
    """Modes."""

    OFF = 0
    ON = 5


@wire_struct(name="Tested.Window")
class Window:
    """A struct."""

    start: U32
    label: Annotated[str, Size(10)]
    mode: Mode


Rates = wire_array("Tested.Rates", F32, 3)


class Database(ParameterDb):
    """A database and the components that it serves in one."""

    gain = Parameter(U32, default=3, low=0, high=100)
    offset = Parameter(U8, default=7)
    title = Parameter(String(20), default="none")
    mode = Parameter(Mode, default=Mode.OFF)
    rates = Parameter(Rates, default=(1.0, 2.0, 3.0))
    window = Parameter(Window, default=Window(1, "a", Mode.OFF))

    refused = ""
    updates: tuple[str, ...] = ()

    def parameter_updated(self, name: str) -> None:
        """Keeps the name, and refuses the parameter that the test names."""
        self.updates = (*self.updates, name)
        if name == self.refused:
            raise ValueError("not now")


NUMBERS = {name: 0x100 + (one.number or 0) for name, one in Database.__declarations__.parameters.items()}


def packed(name: str, value: object) -> bytes:
    """A value as its record holds it."""
    return Database.__declarations__.parameters[name].type.pack(value)


def saved(tester: ComponentTester[Database], name: str) -> object:
    """The value that the database has of a parameter, or `None`."""
    data = tester.component.get_prm(NUMBERS[name])
    return None if data is None else Database.__declarations__.parameters[name].type.unpack(data)[0]
