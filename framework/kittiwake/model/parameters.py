"""Parameters, which the ground sets, and settings, which the topology fixes.

armed = Parameter(Bool, default=True, doc="Wait for quiescence before start-up proceeds.")
dividers = Setting(list[int], default=[1], doc="Base ticks per cycle of each output.")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kittiwake.model.names import upper
from kittiwake.model.types import Ranged, TypeFault, wire_type

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Parameter(Generic[T]):
    """One declared parameter: a plain attribute of the component, changed by its <NAME>_PRM_SET command.

    `low` and `high` bound a number; a value outside is refused with VALIDATION_ERROR. Numbers are offsets from the
    instance's base id, by default the next free ones.
    """

    def __init__(
        self, type: type[T], *, default: T, low: float | None = None, high: float | None = None, unit: str = "",
        doc: str = "", name: str = "", id: int | None = None, set_opcode: int | None = None,
        save_opcode: int | None = None,
    ) -> None:  # fmt: skip
        form = wire_type(type)
        if low is not None or high is not None:
            if low is None or high is None:
                raise TypeFault("a range has both ends: low and high")
            form = Ranged(form, low, high)
        form.check(default)
        self.type = form
        self.default = default
        self.unit = unit
        self.doc = doc
        self.label = name
        self.number = id
        self.set_opcode = set_opcode
        self.save_opcode = save_opcode
        self.name = ""

    def bind(self, name: str) -> None:
        """Takes the name under which the component declares it."""
        self.name = name
        self.label = self.label or upper(name)

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type) -> T: ...


class Setting(Generic[T]):
    """A constant of one instance, written in the topology file: plain Python values, checked when it is compiled.

    `kind` is `int`, `float`, `str`, `bool`, or `list` or `dict` of those. `low` and `high`, ends included, bound a
    number, or each number of a list or table. `check` raises `ValueError` for values that are of the kind and within
    the range and yet no good.
    """

    def __init__(
        self, kind: type[T], *, default: T, low: float | None = None, high: float | None = None, doc: str = "",
        check: Callable[[T], None] | None = None,
    ) -> None:  # fmt: skip
        if (low is None) is not (high is None):
            raise TypeFault("a range has both ends: low and high")
        self.kind = kind
        self.default = default
        self.range = None if low is None or high is None else (low, high)
        self.doc = doc
        self.name = ""
        self._further_check = check
        self._check_range(default)

    def check(self, value: T) -> None:
        """Raises `ValueError` for a value of the kind that is out of range or otherwise no good."""
        self._check_range(value)
        if self._further_check is not None:
            self._further_check(value)

    def _check_range(self, value: Any) -> None:
        if self.range is None:
            return
        low, high = self.range
        numbers = value if isinstance(value, list) else value.values() if isinstance(value, dict) else (value,)
        for number in numbers:
            if not low <= number <= high:
                raise ValueError(f"{number} is outside {low} to {high}")

    if TYPE_CHECKING:

        def __get__(self, instance: object, owner: type) -> T: ...
