"""What outlives a restart: the states that the ground has set, and how often each actionpoint has responded."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.limits.table import ACTIONPOINTS_MAX, State
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
_HEAD = Struct(">IBH")
_POINT = Struct(">BI")
RECORD_SIZE_MAX = _HEAD.size + ACTIONPOINTS_MAX * _POINT.size


class Kept(NamedTuple):
    """The checker's own state, and state and responses of each actionpoint of the table with that checksum."""

    table: int
    checker: State
    points: tuple[tuple[State, int], ...]


def pack_states(table: int, checker: State, points: Iterable[tuple[State, int]]) -> bytes:
    """The record's payload."""
    listed = list(points)
    return _HEAD.pack(table, checker, len(listed)) + b"".join([_POINT.pack(*one) for one in listed])


def unpack_states(payload: bytes) -> Kept | None:
    """What a record says, or `None` if it is none of ours."""
    if len(payload) < _HEAD.size:
        return None
    table, checker, count = _HEAD.unpack_from(payload)
    if len(payload) != _HEAD.size + count * _POINT.size:
        return None
    known = frozenset(State)
    pairs = list(_POINT.iter_unpack(payload[_HEAD.size :]))
    if checker not in known or any(state not in known for state, _ in pairs):
        return None
    return Kept(table, State(checker), tuple([(State(state), responses) for state, responses in pairs]))
