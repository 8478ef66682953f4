"""A component class made strict for tests: writing to a name that was never declared is an error.

A misspelt channel (`self.bootcount = 3`) would otherwise be an attribute that nobody reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.testing.histories import unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.model.component import ComponentType


def strict_class(cls: ComponentType, connect: Callable[[Any], None]) -> ComponentType:
    """A subclass of `cls` that calls `connect` before it initializes, and takes no new attributes afterwards."""
    annotated = {name for base in cls.__mro__ for name in base.__dict__.get("__annotations__", ())}

    def initialize(self: Any) -> None:
        connect(self)
        cls.initialize(self)
        object.__setattr__(self, "_sealed", True)

    def set_attribute(self: Any, name: str, value: object) -> None:
        if (
            "_sealed" in self.__dict__
            and name not in self.__dict__
            and name not in annotated
            and not hasattr(cls, name)
        ):
            declared = type(self).__declarations__
            known = [*declared.channels, *declared.parameters, *self.__dict__]
            raise AttributeError(
                unknown(f"attribute of {cls.__name__}", name, known) + " (own state is set first in `initialize`)"
            )
        object.__setattr__(self, name, value)

    body = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__setattr__": set_attribute,
        "initialize": initialize,
    }
    made: ComponentType = type(cls)(cls.__name__, (cls,), body)
    return made
