"""Calls that block, made in a thread while the loop goes on; where there are no threads they are made at once."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.platform.interface import Platform
    from kittiwake.runtime.loop import Loop

T = TypeVar("T")

CALL_LIMIT_S = 60.0
"""After so long a call is given up, whatever the server does: a trickle of bytes outlasts every timeout of a socket."""

WAITING = True
"""What a generator yields that cannot go on before it is woken."""


class Worker:
    """Makes one call at a time; `wake` is called on the loop when one is done."""

    def __init__(self, loop: Loop, wake: Callable[[], object], platform: Platform, name: str = "transfer") -> None:
        self._loop = loop
        self._wake = wake
        self._name = name
        self._platform = platform

    def call(self, function: Callable[[], T], limit_s: float = CALL_LIMIT_S) -> Generator[bool | None, None, T]:
        """The result of a call: a value, as `Inlet` takes them. Raises its faults, those of HTTP's form as `OSError`.

        One that is still under way after `limit_s` raises `TimeoutError`, and is left to itself: whoever called closes
        the connection. That is noticed when the generator is asked on, which need not be often.
        """
        platform = self._platform
        outcome: list[tuple[Any, Exception | None]] = []

        def ended(result: Any, fault: Exception | None) -> None:
            outcome.append((result, fault))
            self._wake()

        if platform.has_threads:
            give = self._loop.inlet(ended).give
            platform.start_thread(self._name, lambda: give(*_outcome_of(function)))
        else:
            outcome.append(_outcome_of(function))
        given_up_ns = platform.clock.now_ns() + round(limit_s * NS_PER_S)
        while not outcome:
            if platform.clock.now_ns() >= given_up_ns:
                raise TimeoutError(errno.ETIMEDOUT, f"no answer of the server in {limit_s:.0f} s")
            yield WAITING
        result, fault = outcome[0]
        if fault is not None:
            raise fault
        value: T = result
        return value


def _outcome_of(function: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return function(), None
    except Exception as fault:  # noqa: BLE001 - raised where the result is awaited
        return None, _as_os_error(fault)


def _as_os_error(fault: Exception) -> Exception:
    from http.client import HTTPException

    is_http = isinstance(fault, HTTPException)
    return OSError(f"the server does not speak HTTP: {type(fault).__name__}") if is_http else fault
