"""What is waited for: a value, some arguments, a part of a text, or whatever a function says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kittiwake_ground.client.records import ChannelValue, Event

MAX_SEEN = 10
"""How many of the things that came instead are kept for the message."""


class _Anything:
    def __repr__(self) -> str:
        return "anything"


ANYTHING = _Anything()
"""The condition that everything meets."""


def channel_meets(found: ChannelValue, wanted: Any) -> bool:
    """Whether a channel's value is the one that is wanted, or a function of the value says so."""
    if wanted is ANYTHING:
        return True
    return bool(wanted(found.value)) if callable(wanted) else bool(found.value == wanted)


def event_meets(found: Event, wanted: Any) -> bool:
    """Whether an event has these arguments (a mapping) or this text within its own, or a function of it says so."""
    if wanted is ANYTHING:
        return True
    if callable(wanted):
        return bool(wanted(found))
    if isinstance(wanted, str):
        return wanted in found.text
    try:
        pairs = wanted.items()
    except AttributeError:
        raise TypeError(f"an event is wanted by a mapping of arguments, a text or a function, not {wanted!r}") from None
    return all(name in found.arguments and found.arguments[name] == value for name, value in pairs)


def described(wanted: Any) -> str:
    """A condition in words, to stand behind `is`."""
    if callable(wanted):
        name = getattr(wanted, "__name__", "")
        return name if name and name != "<lambda>" else "what the function wants"
    return repr(wanted)
