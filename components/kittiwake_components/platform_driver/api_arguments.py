"""The arguments of a call of the service, each checked where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake_components.daily_window import epoch_us
from kittiwake_components.platform_driver.fields import Field, InvalidObject, Problem, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

TEXT_SIZE = 300


class Arguments:
    """A call's JSON object. All methods raise `InvalidObject` for what is no good."""

    def __init__(self, given: Any) -> None:
        if not isinstance(given, dict):
            raise InvalidObject([Problem(("arguments",), "model_type", "an object is wanted")])
        self._given = given

    def body(self) -> Any:
        """The body of the request."""
        return self._given.get("body")

    def if_match(self) -> str:
        """The header If-Match, or nothing."""
        return self.text("if_match", "")

    def text(self, name: str, default: str | None = None, *, size: int = TEXT_SIZE) -> str:
        """A text; without a default it is required."""
        value = self._given.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > size:
            raise InvalidObject([Problem(("query", name), "string_type", f"a text of at most {size} bytes is wanted")])
        return value

    def truth(self, name: str) -> bool:
        """True or false, false if it is left out; a query has it as a text."""
        value = self._given.get(name)
        if isinstance(value, str) and value.lower() in ("true", "1", "yes", "on", "false", "0", "no", "off"):
            return value.lower() in ("true", "1", "yes", "on")
        if value is None or isinstance(value, bool):
            return bool(value)
        raise InvalidObject([Problem(("query", name), "bool_parsing", "true or false is wanted")])

    def number(self, name: str, default: int, high: int) -> int:
        """A whole number from 0; a query has it as a text."""
        value = self._given.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if value is None:
            return default
        found: int = checked((Field(name, int, low=0, high=high),), {name: value}, within=("query",))[name]
        return found

    def seconds(self, name: str, default: float, high: float) -> float:
        """A length of time in seconds."""
        value = self._given.get(name)
        if value is None:
            return default
        found: float = checked((Field(name, float, low=0.0, high=high),), {name: value}, within=("body",))[name]
        return found

    def time_us(self, name: str, default: int) -> int:
        """A time in ISO 8601; one without an offset is UTC."""
        from datetime import UTC, datetime

        text = self.text(name, "")
        if not text:
            return default
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            fault = Problem(("query", name), "datetime_parsing", "a time is like 2026-12-01T06:00:00Z")
            raise InvalidObject([fault]) from None
        return epoch_us(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))

    def page(self, items: Sequence[T], most: int) -> Sequence[T]:
        """The items that `limit` and `offset` ask for."""
        offset = self.number("offset", 0, 1 << 31)
        return items[offset : offset + self.number("limit", most, most)]
