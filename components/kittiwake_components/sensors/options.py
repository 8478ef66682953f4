"""What a value in a configuration file may be: declared once, with its default, range and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

T = TypeVar("T")

MAX_TEXT = 256
"""The most characters of a text."""

_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class Option(Generic[T]):
    """A value of a section: an attribute of a sensor's class, or an entry of a table of keys.

    Its type is that of `default`. Numbers have a range (both ends belong to it), texts may have `choices`. `parse`,
    where given, reads the value instead: it raises `ValueError`, saying what the value should be.
    """

    def __init__(
        self,
        default: T,
        about: str,
        *,
        unit: str = "",
        low: float | None = None,
        high: float | None = None,
        choices: tuple[str, ...] = (),
        parse: Callable[[object], T] | None = None,
    ) -> None:
        self.default = default
        self.about = about
        self.unit = unit
        self.low = low
        self.high = high
        self.choices = choices
        self.name = ""
        self._parse = parse

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, sensor: None, owner: type) -> Self: ...

    @overload
    def __get__(self, sensor: object, owner: type) -> T: ...

    def __get__(self, sensor: object | None, owner: type) -> Self | T:
        """The value that the sensor was configured with, or the default."""
        if sensor is None:
            return self
        value: T = sensor.__dict__.get(self.name, self.default)
        return value

    def read(self, value: object) -> T:
        """The value as an INI file (text) or TOML has it, checked. Raises `ValueError`: what it should be."""
        if self._parse is not None:
            return self._parse(value)
        read: Any
        match self.default:
            case bool():
                read = _truth(value)
            case int():
                read = self._in_range(_whole(value))
            case float():
                read = self._in_range(_number(value))
            case _:
                read = self._text(value)
        result: T = read
        return result

    def _in_range(self, number: float) -> float:
        below = self.low is not None and not number >= self.low
        above = self.high is not None and not number <= self.high
        if not below and not above:
            return number
        unit = f" {self.unit}" if self.unit else ""
        if self.low is None or self.high is None:
            bound = f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"
        else:
            bound = f"from {self.low:g} to {self.high:g}"
        raise ValueError(f"a number {bound}{unit}")

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("a text")
        if self.choices and value not in self.choices:
            raise ValueError(f"one of {', '.join(self.choices)}")
        if len(value) > MAX_TEXT or not value.isprintable():
            raise ValueError(f"a text of at most {MAX_TEXT} printable characters")
        return value


def declared_options(cls: type) -> dict[str, Option[Any]]:
    """The options that a class and those above it declare, by name."""
    found: dict[str, Option[Any]] = {}
    for base in reversed(cls.__mro__):
        found |= {name: option for name, option in vars(base).items() if isinstance(option, Option)}
    return found


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    raise ValueError("True or False")


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 20 and value.isascii():
        try:
            return int(value)
        except ValueError:
            pass
    raise ValueError("a whole number")


def _number(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    if isinstance(value, str) and len(value) <= 40 and value.isascii():
        try:
            number = float(value)
        except ValueError:
            pass
        else:
            if abs(number) < 1e300:  # neither NaN nor an infinity
                return number
    raise ValueError("a number")
