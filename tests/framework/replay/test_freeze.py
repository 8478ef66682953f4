"""A deployment is frozen, and another one like it goes on from there as if nothing had been."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.replay.freeze import FreezeRefused, freeze
from kittiwake.replay.thaw import ThawRefused, thaw
from kittiwake.replay.values import packed
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from tests.framework.replay.states import LIMITS, Colour, Keeper, Knot, Oops, Point

if TYPE_CHECKING:
    from collections.abc import Callable


def deployed(seconds: float = 0.0) -> tuple[Deployment, Keeper]:
    image: dict[str, Any] = {
        "name": "Kept", "version": "1", "dictionary_hash": "", "services": {}, "packets": [], "parameters": [],
        "instances": [("keeper", f"{Keeper.__module__}:Keeper", 0x1000, 5, 0, "", {})], "connections": [],
    }  # fmt: skip
    platform = SimulatedPlatform(1)
    deployment = Deployment(image, platform, Root(platform.files, "/"))
    deployment.start()
    deployment.run_for(seconds)
    keeper = deployment.instances["keeper"]
    assert isinstance(keeper, Keeper)
    return deployment, keeper


def test_a_thawed_deployment_has_the_state_and_goes_on_with_it() -> None:
    frozen, keeper = deployed(4.5)
    keeper.step = 2
    keeper.random.bits()
    data = freeze(frozen)
    thawed, again = deployed()
    thaw(thawed, data)
    assert freeze(thawed) == data
    thawed.platform.clock.advance(4_500_000_000)  # type: ignore[attr-defined]
    for deployment in (frozen, thawed):
        deployment.run_for(3.0)
    assert again.ticks == keeper.ticks == 9
    assert again.kept == 9
    assert again.random.bits() == keeper.random.bits()
    throttle, other = again._context.throttles["counted"], keeper._context.throttles["counted"]
    assert (throttle.count, throttle.suppressed) == (other.count, other.suppressed) == (2, 5)


def test_everything_comes_back_as_what_it_was() -> None:
    frozen, keeper = deployed(3.5)
    thawed, again = deployed()
    thaw(thawed, freeze(frozen))
    everything = again.everything
    for name in ("plain", "deque", "set", "frozen", "counter", "ordered", "default", "enum", "named", (1, "key")):
        before = keeper.everything[name]
        assert everything[name] == before
        assert type(everything[name]) is type(before)
    assert everything["deque"].maxlen == 5
    assert list(everything["ordered"]) == ["b", "a"]
    assert everything["default"]["new"] == []
    assert everything["enum"] is Colour.BLUE
    assert isinstance(everything["named"], Point)
    knot = everything["knot"]
    assert everything["again"] is knot
    assert type(knot) is Knot
    assert knot.private == "secret"
    assert knot.others[0] is knot
    assert knot.others[1].private is knot
    assert not hasattr(knot, "unset")
    assert everything["declared"] is LIMITS
    assert isinstance(everything["fault"], Oops)
    assert everything["fault"].args == ("kept", 3)
    assert everything["struct"].size == 6
    assert everything["pattern"].fullmatch("aab")
    assert everything["class"] is Knot
    assert everything["partial"](7) == 5 + 7 + 3
    everything["method"]("new")
    assert knot.others[-1] == "new"
    assert everything["builtin"] is max
    more, less, double, hundred = again.calls
    assert (more(), less(), more(), double(), hundred()) == (2, -8, -7, 6, 300)  # they share what they count


@pytest.mark.parametrize(
    "make, why",
    [
        (threading.Lock, "_thread.lock has no state that is known"),
        (lambda: (one for one in list[int]()), "a generator has no state that could be written"),
        (object, "a object has no state that could be written"),
        (lambda: os.getcwd, "the function posix.getcwd is none that a state may name"),
        (lambda: threading.Thread, "threading.Thread has no state"),
    ],
)
def test_what_cannot_be_frozen_is_refused_by_instance_and_attribute(make: Callable[[], Any], why: str) -> None:
    frozen, keeper = deployed(3.5)
    keeper.everything["knot"].others.append({"odd": make()})
    with pytest.raises(FreezeRefused) as caught:
        freeze(frozen)
    assert caught.value.instance == "keeper"
    assert caught.value.attribute == "everything['knot'].others[2]['odd']"
    assert why in caught.value.why
    assert str(caught.value).startswith("keeper.everything['knot'].others[2]['odd'] cannot be frozen: ")


def test_what_is_under_way_is_refused() -> None:
    frozen, keeper = deployed(0.5)
    keeper._context.start_task(keeper.sleep(), lambda fault: None)
    with pytest.raises(FreezeRefused, match="keeper cannot be frozen: a handler of it awaits something"):
        freeze(frozen)
    frozen.run_for(6.0)
    freeze(frozen)
    frozen.main.post(keeper.double)
    with pytest.raises(FreezeRefused, match="calls wait in the loop's inbox"):
        freeze(frozen)


@pytest.mark.parametrize(
    "node, why",
    [
        (("class", -1, "ticks", "os:path"), "no class of the deployment"),
        (("object", -1, "ticks", ("subprocess:Popen", {})), "no class of the deployment"),
        (("declared", -1, "ticks", ("os", "system")), "no module of the deployment"),
        (("builtin", -1, "ticks", "exec"), "may name"),
        (("function", -1, "ticks", (("os", "_fspath", 0), "_fspath", [], [], [])), "stands in no module"),
        (("place", -1, "ticks", "nobody"), "no nobody"),
        (("boundary", -1, "ticks", ("file", 3)), "given by a replay only"),
        (("resource", -1, "ticks", "kittiwake.platform.system_files:SystemFile"), "keeper.ticks: there is no open"),
        (("odd", -1, "ticks", None), "keeper.ticks: there is nothing of the kind 'odd'"),
    ],
)
def test_a_state_names_nothing_but_what_the_deployment_is_made_of(node: Any, why: str) -> None:
    deployment, _ = deployed()
    with pytest.raises(ThawRefused, match=why):
        thaw(deployment, packed((1, [("keeper", {"ticks": (0,)})], [node])))


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """Containers and objects that hold each other, some of them more than once, some of them in circles."""
    made: list[Any] = []
    makers: list[Callable[[], Any]] = [list, dict, lambda: Knot(None)]
    for _ in range(draw(st.integers(1, 8))):
        made.append(draw(st.sampled_from(makers))())
    for holder in made:
        for key in range(draw(st.integers(0, 3))):
            value = draw(st.sampled_from(made) | st.integers() | st.text(max_size=3) | st.binary(max_size=3))
            if isinstance(holder, dict):
                holder[key] = value
            else:
                (holder if isinstance(holder, list) else holder.others).append(value)
    return made[0]


def shape(value: Any, known: dict[int, int]) -> Any:
    """A graph as a tree in which what comes again is a number."""
    if not isinstance(value, (list, dict, Knot)):
        return value
    if id(value) in known:
        return (known[id(value)],)
    known[id(value)] = len(known)
    inner = list(value.items()) if isinstance(value, dict) else value if isinstance(value, list) else value.others
    return type(value), [shape(one[1] if isinstance(value, dict) else one, known) for one in inner]


@given(graphs(), graphs())
def test_what_knows_what_is_as_before_whatever_was_there(kept: Any, there: Any) -> None:
    frozen, keeper = deployed()
    keeper.everything["graph"] = kept
    thawed, again = deployed()
    again.everything["graph"] = there
    thaw(thawed, freeze(frozen))
    assert shape(again.everything["graph"], {}) == shape(kept, {})


@given(st.binary(max_size=100))
def test_garbage_is_no_state(garbage: bytes) -> None:
    with pytest.raises(ThawRefused):
        thaw(deployed()[0], garbage)


@given(st.data())
def test_a_state_with_a_byte_changed_is_taken_or_refused_and_nothing_else(data: st.DataObject) -> None:
    state = bytearray(freeze(deployed(3.5)[0]))
    state[data.draw(st.integers(0, len(state) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        thaw(deployed()[0], bytes(state))
    except ThawRefused:
        pass
