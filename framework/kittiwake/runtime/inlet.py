"""The way from other threads to a loop: what they have found out is handed over here, and a recording holds it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Loop


class Inlet:
    """Has a call made on a loop with what another thread gives: once, or with `lasts` until it is closed.

    It is made on the loop, by `Loop.inlet`, before the thread begins. What is given are values: numbers, texts, bytes,
    tuples, lists and dicts of them, named tuples, constants of enums, and faults. Anything else ends a recording's
    replay there.
    """

    __slots__ = ("_call", "_lasts", "_loop", "number")

    def __init__(self, loop: Loop, number: int, call: Callable[..., Any], *, lasts: bool) -> None:
        self.number = number
        """Which of its loop's it is, for recordings."""
        self._loop = loop
        self._call: Callable[..., Any] | None = call
        self._lasts = lasts

    def give(self, *arguments: Any) -> None:
        """Has the call made; safe from any thread. Once it is closed nothing comes of it."""
        self._loop.resume(self, *arguments)

    def close(self) -> None:
        """Nothing is called any more; on the loop."""
        self._call = None
        self._loop.forget_inlet(self.number)

    def __call__(self, *arguments: Any) -> None:
        """Makes the call; for the loop."""
        call = self._call
        if call is None:
            return
        if not self._lasts:
            self.close()
        call(*arguments)

    @property
    def __name__(self) -> str:
        return str(getattr(self._innermost(), "__name__", "inlet"))

    @property
    def __self__(self) -> object:
        """Whose method it calls, for those who name dispatches."""
        return getattr(self._innermost(), "__self__", None)

    def _innermost(self) -> object:
        call: Any = self._call
        while hasattr(call, "func"):  # a partial, without importing functools
            call = call.func
        return call


__all__ = ["Inlet"]
