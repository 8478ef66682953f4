"""What goes over the connections of a recorded deployment: a replay finds a difference where it arises, and not only
where it leaves the deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from kittiwake.replay.values import ValueRefused, packed

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.metering import Edge

WHOLE_LIMIT = 4096
"""Arguments of more bytes are recorded by their checksum."""


class Witness:
    """Has `crossed` told of each call of a connection before it is made: the number of the connection and arguments.

    `edges` are the connections by their numbers.
    """

    wraps_services = True

    def __init__(self, crossed: Callable[[int, bytes], None]) -> None:
        self.edges: list[Edge] = []
        self._crossed = crossed

    def heeds(self, output: str, entry: str) -> bool:
        """All of them."""
        return True

    def wrap(self, edge: Edge, call: Callable[..., Any], meter_ns: Callable[[], int]) -> Callable[..., Any]:
        """The call that tells first."""
        number, crossed = len(self.edges), self._crossed
        self.edges.append(edge)

        def witnessed(*arguments: Any) -> Any:
            crossed(number, packed_arguments(arguments))
            return call(*arguments)

        witnessed.__name__ = getattr(call, "__name__", "call")
        return witnessed


def packed_arguments(arguments: tuple[Any, ...]) -> bytes:
    """Arguments as a value; what is none stands there by the name of its type."""
    try:
        data = packed(arguments)
    except ValueRefused:
        data = packed(tuple([_told(one) for one in arguments]))
    return data if len(data) <= WHOLE_LIMIT else packed(crc32(data))


def _told(argument: Any) -> Any:
    try:
        packed(argument)
    except ValueRefused:
        return type(argument).__qualname__
    return argument
