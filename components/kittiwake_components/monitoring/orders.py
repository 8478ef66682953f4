"""Administrative commands as they come in a file, and what became of those that were begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.int_enum import IntEnum
from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

MAX_ORDERS = 64
"""The most commands in one file."""

MAX_REMEMBERED = 256
"""So many ids are remembered, those that were seen last: more than one file holds."""

MAX_FILE = 65_536
ID_SIZE = 80
COMMAND_SIZE = 1024
VERSION = 1
_DIGEST_SIZE = 16


class OrdersFault(ValueError):
    """A file of commands that makes no sense; the message says where and why."""


class OrderState(IntEnum):
    """What became of a command."""

    BEGUN = 0
    """It was begun, and its end is not known."""
    OK = 1
    FAILED = 2
    CUT_OFF = 3
    """A restart cut it off. It is not done again: whether it took effect is not known."""


class Order(NamedTuple):
    """One administrative command."""

    id: str
    command: str


def read_orders(data: bytes, check: Callable[[str], None]) -> list[Order]:
    """The commands in a file: a JSON list of {"id", "command"}. Raises `OrdersFault`.

    `check` raises `ValueError` for a command that cannot be carried out here; one such refuses the whole file.
    """
    import json

    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise OrdersFault("it is no JSON") from None
    if not isinstance(found, list) or len(found) > MAX_ORDERS:
        raise OrdersFault(f"it is no list of at most {MAX_ORDERS} commands")
    orders = [_order(f"command {number}", entry, check) for number, entry in enumerate(found, 1)]
    if len({order.id for order in orders}) < len(orders):
        raise OrdersFault("an id stands in it twice")
    return orders


def _order(where: str, entry: Any, check: Callable[[str], None]) -> Order:
    if not isinstance(entry, dict) or set(entry) != {"id", "command"}:
        raise OrdersFault(f"{where} is not made of an id and a command")
    for name, limit in (("id", ID_SIZE), ("command", COMMAND_SIZE)):
        text = entry[name]
        if not isinstance(text, str) or not 0 < len(text) <= limit or not text.isprintable():
            raise OrdersFault(f"{where} has no {name}: text of 1 to {limit} characters")
    try:
        check(entry["command"])
    except ValueError as fault:
        raise OrdersFault(f"{where}: {fault}") from None
    return Order(entry["id"], entry["command"])


class OrderMemory:
    """What became of the commands of the last ids, over restarts. Methods raise `OSError`.

    A command is noted before it begins: cut off, it is known as begun, and is not begun again.
    """

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, MAX_REMEMBERED * (_DIGEST_SIZE + 1))
        self._states: dict[bytes, OrderState] = {}

    def __len__(self) -> int:
        return len(self._states)

    def read(self, *, last_try: bool = False) -> tuple[Finding, ...]:
        """Reads the record; what a restart has cut off counts as that. Gives what was found wrong."""
        reading = self._record.read(last_try=last_try)
        payload = reading.payload or b""
        for at in range(0, len(payload) - _DIGEST_SIZE, _DIGEST_SIZE + 1):
            state = payload[at + _DIGEST_SIZE]
            known = OrderState(state) if state in OrderState._value2member_map_ else OrderState.CUT_OFF
            self._states[payload[at : at + _DIGEST_SIZE]] = OrderState.CUT_OFF if known is OrderState.BEGUN else known
        return reading.findings

    def state_of(self, id: str) -> OrderState | None:
        """What became of an id's command; `None` if it was never begun. Asked for, it is remembered the longer."""
        key = _digest(id)
        state = self._states.pop(key, None)
        if state is not None:
            self._states[key] = state
        return state

    def note(self, id: str, state: OrderState) -> None:
        """Notes an id's command, durable on return; where that raises, it counts as not noted."""
        key = _digest(id)
        states = {known: one for known, one in self._states.items() if known != key}
        states[key] = state
        for oldest in list(states)[: max(0, len(states) - MAX_REMEMBERED)]:
            del states[oldest]
        self._record.write(b"".join([known + bytes((one,)) for known, one in states.items()]))
        self._states = states


def _digest(id: str) -> bytes:
    from hashlib import blake2b

    return blake2b(id.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_SIZE).digest()
