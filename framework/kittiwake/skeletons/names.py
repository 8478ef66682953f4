"""The name that an author gives to what is new, in all the spellings that it needs."""

from __future__ import annotations

import re
from keyword import iskeyword, issoftkeyword

from attrs import frozen

MAX_NAME = 24
"""So that no line of a skeleton gets too long."""

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*")


class NameFault(ValueError):
    """A name that cannot be given; the message says why."""


@frozen
class Names:
    """One name: `class_name` as in WeatherStation, `module` as in weather_station, `instance` as in weatherStation.

    `title` is for people ("weather station"), `requirement` the prefix of its requirements ("WS").
    """

    class_name: str
    module: str
    instance: str
    title: str
    requirement: str


def read_name(text: str) -> Names:
    """The spellings of a name that may be written as WeatherStation, weather_station or weather-station.

    Raises `NameFault` for what is no name, or one of Python's own words.
    """
    if len(text) > MAX_NAME:
        raise NameFault(f"a name has at most {MAX_NAME} characters")
    if not _NAME.fullmatch(text):
        raise NameFault(f"{text!r} is no name; names are letters and digits, as in WeatherStation or weather-station")
    words = [word.lower() for word in _WORD.findall(text)]
    is_camel = text[0].isupper() and text.isalnum()
    class_name = text if is_camel else "".join(word.capitalize() for word in words)
    module = "_".join(words)
    for spelled in (class_name, module):
        if iskeyword(spelled) or issoftkeyword(spelled):
            raise NameFault(f"{spelled!r} is a word of Python's own; take another name")
    initials = "".join(word[0] for word in words) if len(words) > 1 else words[0]
    return Names(class_name, module, class_name[0].lower() + class_name[1:], " ".join(words), initials.upper())


def check_package_name(module: str) -> None:
    """Raises `NameFault` if there is a module of that name already: one of the two would hide the other."""
    import sys
    from importlib.util import find_spec

    if module in sys.stdlib_module_names or module in _RESERVED or find_spec(module) is not None:
        raise NameFault(f"there is a Python module {module!r} already; take another name")


_RESERVED = ("tests", "topologies", "sequences", "build", "var", "docs")
"""What the folders of a project are called, beside its package."""
