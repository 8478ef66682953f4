"""The signature by which an event, a command or a port is declared, and when it is read."""

from __future__ import annotations

from typing import Any, ClassVar

from kittiwake.model.types import annotations_of


class Declared:
    """Built upon by what is declared by a function: `parameters` are the function's, with their types.

    They are read at once, so that its author hears of a mistake; under `ReadLate`, when they are first wanted. A
    device's image was checked when it was built, and most of its events never happen.
    """

    is_read_at_once: ClassVar[bool] = True
    _function: Any

    def declare(self, function: Any) -> None:
        """Takes the function. Raises `TypeFault` where its signature makes no sense."""
        self._function = function
        if self.is_read_at_once:
            self.read()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in self.__dict__ or "_function" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        self.read()
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name}") from None

    def read(self) -> None:
        """Reads the signature."""
        self.parameters = annotations_of(self._function)


class ReadLate:
    """While this is entered, what is declared is read when it is first wanted; afterwards again at once.

    Component classes that are made meanwhile are not checked either.
    """

    def __enter__(self) -> None:
        Declared.is_read_at_once = False

    def __exit__(self, *_: object) -> None:
        Declared.is_read_at_once = True
