"""The plain state of an author's components outlives a change of their source, where it still fits."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest

from kittiwake.model import U8, U32, ActiveComponent, Channel, CommandError, CommandResponse, Parameter, wire_enum
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.replay.carry import frozen_state, thaw_state
from kittiwake.replay.values import packed, unpacked
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake_components import CommandDispatcher


@wire_enum(U8)
class Mood(IntEnum):
    """How it is."""

    CALM = 0
    WILD = 1


@wire_enum(U8, name="Mood")
class OtherMood(IntEnum):
    """How it is, after an edit."""

    WILD = 5
    SAD = 6


class Before(ActiveComponent):
    turns = Channel(U32)
    mood = Channel(Mood)
    step = Parameter(U8, default=1)
    gain = Parameter(U8, default=1)

    def initialize(self) -> None:
        self._count = 0
        self._names: list[str] = []
        self._table: dict[str, tuple[int, float]] = {}
        self._inner = Mood.CALM
        self._gone = 7
        self._became_text = 3
        self._object = object()
        self._moods = [Mood.CALM]


class After(ActiveComponent):
    turns = Channel(U8)
    mood = Channel(OtherMood)
    step = Parameter(U8, default=1)
    gain = Parameter(U8, default=1, low=0, high=3)

    def initialize(self) -> None:
        self._count = 0
        self._names: list[str] = []
        self._table: dict[str, tuple[int, float]] = {}
        self._inner = OtherMood.SAD
        self._became_text = ""
        self._new = 5
        self._moods = [OtherMood.SAD]

    def parameter_updated(self, name: str) -> None:
        if self.gain > 2:
            raise CommandError(CommandResponse.VALIDATION_ERROR)


def deployment_of(cls: type[Any]) -> tuple[Deployment, Any]:
    platform = SimulatedPlatform(0)
    platform.files.make_folder("/root")
    image: Any = {
        "name": "Carried", "version": "", "dictionary_hash": "", "connections": [], "services": {}, "packets": [],
        "parameters": [], "instances": [("one", cls, 0x100, 5, 0, "", {})],
    }  # fmt: skip
    made = Deployment(image, platform, Root(platform.files, "/root"))
    return made, made.instances["one"]


def lived() -> bytes:
    deployment, one = deployment_of(Before)
    one._count, one._names, one._table, one._inner = 41, ["a", "b"], {"x": (1, 2.5)}, Mood.WILD
    one.turns, one.mood, one.step, one.gain = 300, Mood.CALM, 9, 3
    return frozen_state(deployment)


def test_the_same_source_takes_all_that_is_plain() -> None:
    deployment, one = deployment_of(Before)
    kept = one._object
    taken, left = thaw_state(deployment, lived())
    assert (one._count, one._names, one._table, one._inner) == (41, ["a", "b"], {"x": (1, 2.5)}, Mood.WILD)
    assert (one.turns, one.mood, one.step, one.gain) == (300, Mood.CALM, 9, 3)
    assert one._object is kept
    assert (taken, left) == (10, ["one._moods"])


def test_a_changed_source_takes_what_still_fits_and_says_what_does_not() -> None:
    deployment, one = deployment_of(After)
    taken, left = thaw_state(deployment, lived())
    assert (one._count, one._names, one._table, one._inner) == (41, ["a", "b"], {"x": (1, 2.5)}, OtherMood.WILD)
    assert (one._new, one._became_text, one._moods, one.turns) == (5, "", [OtherMood.SAD], 0)
    assert (one.step, one.gain) == (9, 1)
    assert taken == 5
    assert sorted(left) == [
        "one.GAIN", "one.Mood", "one.Turns", "one._became_text", "one._gone", "one._moods",
    ]  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 9, b"\x07\x02\x81\x81", lived()[:-5]])
def test_a_state_that_is_none_gives_nothing(data: bytes) -> None:
    deployment, one = deployment_of(Before)
    assert thaw_state(deployment, data) == (0, [])
    assert one._count == 0


def test_of_the_standard_components_the_parameters_are_carried_and_nothing_else() -> None:
    deployment, one = deployment_of(CommandDispatcher)
    one.commands_dispatched, one._made_up, one.command_timeout_s = 7, 7, 20
    data = frozen_state(deployment)
    assert one.commands_dispatched == 7
    deployment, one = deployment_of(CommandDispatcher)
    assert thaw_state(deployment, data) == (1, [])
    assert one.command_timeout_s == 20
    assert one.commands_dispatched == 0
    assert not hasattr(one, "_made_up")


def test_parameters_whose_ranges_hang_on_each_other_are_taken_in_the_order_in_which_they_fit() -> None:
    class Range(ActiveComponent):
        high = Parameter(U8, default=1)
        low = Parameter(U8, default=0)

        def parameter_updated(self, name: str) -> None:
            if self.low > self.high:
                raise CommandError(CommandResponse.VALIDATION_ERROR)

    deployment, one = deployment_of(Range)
    one.low, one.high = 8, 9
    data = frozen_state(deployment)
    state = unpacked(data)
    state[1]["one"]["parameters"] = dict(sorted(state[1]["one"]["parameters"].items(), reverse=True))
    for order in (data, packed(state)):
        deployment, one = deployment_of(Range)
        assert thaw_state(deployment, order) == (2, [])
        assert (one.low, one.high) == (8, 9)
