"""Channels that the ground makes of others: each has an expression, and is archived and shown like any other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import DecodedChannel
from kittiwake.dictionary.entries import Channel
from kittiwake.faults import did_you_mean
from kittiwake.model.types import Float
from kittiwake_ground.alarms.book import Changed
from kittiwake_ground.alarms.expression import Expression, ExpressionFault, NoValue
from kittiwake_ground.alarms.store import DERIVED, AlarmStore, Made
from kittiwake_ground.archive.archive import wall_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.server.samples import Sample

DOUBLE = Float(64)
MAX_DERIVED = 200
MAX_UNIT = 40
MAX_ANNOTATION = 500
_NAME = re.compile(r"[A-Za-z_]\w{0,79}(\.[A-Za-z_]\w{0,79}){1,5}", re.ASCII)
_FIRST_ID = -1
"""Their numbers are negative, so that they are none of the deployment's."""


class DerivedFault(ValueError):
    """A derived channel that cannot be; the message says why."""


class NoSuchDerived(LookupError):
    """No derived channel is so called."""


@dataclass(frozen=True)
class DerivedChannel:
    """A channel and what it is made of. `fault` says why it has no value now, and since when."""

    name: str
    expression: str
    unit: str = ""
    annotation: str = ""
    by: str = ""
    revision: int = 0
    fault: str = ""
    fault_us: int = 0

    def made(self) -> Made:
        """What is kept of it."""
        content = {"expression": self.expression, "unit": self.unit, "annotation": self.annotation}
        return Made(self.name, content, self.by, self.revision)


class DerivedChannels:
    """Those of one deployment; their channels are in its dictionary. `open` it first; raises as `AlarmBook` does."""

    def __init__(self, deployment: str, dictionary: Dictionary, store: AlarmStore) -> None:
        self.channels: dict[str, DerivedChannel] = {}
        """All of them, by name."""
        self.appeared: Callable[[Channel], None] = lambda channel: None
        self.vanished: Callable[[str], None] = lambda name: None
        self.computed: Callable[[list[DecodedChannel]], None] = lambda items: None
        """Told of the values that follow at once from what is known when a channel is made."""
        self.last_sample: Callable[[str], Sample | None] = lambda name: None
        """The last value of a channel, or `None`."""
        self._deployment = deployment
        self._dictionary = dictionary
        self._store = store
        self._expressions: dict[str, Expression] = {}
        """Those that can be computed, each behind all that it is made of."""
        self._inputs: frozenset[str] = frozenset()
        self._values: dict[str, Any] = {}
        self._own = frozenset(dictionary.channels)
        self._last_id = _FIRST_ID + 1

    def open(self) -> None:
        """Takes up what was kept; what a new dictionary has made impossible stays, with its fault."""
        self._store.open()
        for name, content, by, revision in self._store.made(self._deployment, DERIVED):
            self.channels[name] = DerivedChannel(name, **content, by=by, revision=revision)
        for one in self.channels.values():
            if one.name not in self._own:
                self._declare(one)
        self._arrange()

    def _declare(self, one: DerivedChannel) -> Channel:
        self._last_id -= 1
        annotation = one.annotation or f"Derived: {one.expression}"
        channel = Channel(one.name, self._last_id, DOUBLE, unit=one.unit, annotation=annotation)
        self._dictionary.channels[one.name] = channel
        return channel

    def _arrange(self) -> None:
        """Reads all expressions, and puts them in an order in which they can be computed."""
        read: dict[str, Expression] = {}
        for name, one in self.channels.items():
            try:
                read[name] = Expression(one.expression, self._dictionary.channels)
                if name in self._own:
                    raise ExpressionFault("the deployment has a channel of that name by now")
            except ExpressionFault as fault:
                read.pop(name, None)
                self._fail(name, str(fault))
            else:
                self._fail(name, "")
        self._expressions = _in_order(read)
        for name in read.keys() - self._expressions.keys():
            self._fail(name, "it is made of a channel that is made of it, or of one that cannot be computed")
        self._inputs = frozenset(name for one in self._expressions.values() for name in one.inputs)
        self._values = {name: value for name, value in self._values.items() if name in self._inputs}

    def _fail(self, name: str, fault: str) -> None:
        one = self.channels[name]
        if one.fault != fault:
            self.channels[name] = replace(one, fault=fault, fault_us=wall_us() if fault else 0)

    # What people do

    def derive(
        self, name: str, expression: str, unit: str, annotation: str, by: str, revision: int | None = None,
    ) -> DerivedChannel:  # fmt: skip
        """Makes a channel, or makes it anew; with `revision`, only if that is still its own (0: there is none).

        Raises `DerivedFault`, and `ExpressionFault` for what cannot be computed.
        """
        self._check(name, unit, annotation, revision)
        known = {key: one for key, one in self._dictionary.channels.items() if key != name}
        read = Expression(expression, known)
        self._check_cycle(name, read)
        made = DerivedChannel(name, expression.strip(), unit, annotation, by, self._store.new_revision())
        self._store.keep(self._deployment, made=[(DERIVED, name, made.made())])
        self.channels[name] = made
        channel = self._declare(made)
        self._arrange()
        self.appeared(channel)
        if name in self._expressions:
            self._begin(self._expressions[name].inputs)
        return self.channels[name]

    def _begin(self, inputs: frozenset[str]) -> None:
        """Computes what follows from the last values of the inputs of a channel that was made."""
        known = {key: sample for key in inputs if (sample := self.last_sample(key)) is not None}
        self._values |= {key: sample.value for key, sample in known.items()}
        found: list[DecodedChannel] = []
        if known:
            self._follow(set(known), max(sample.tag for sample in known.values()), found)
        if found:
            self.computed(found)

    def _check(self, name: str, unit: str, annotation: str, revision: int | None) -> None:
        if not _NAME.fullmatch(name):
            raise DerivedFault(f"{name!r}: a name is two to six words joined by dots, as in Ground.power.Total")
        if name in self._own:
            raise DerivedFault(f"the deployment has a channel {name}: choose another name")
        if len(unit) > MAX_UNIT or len(annotation) > MAX_ANNOTATION:
            raise DerivedFault(f"a unit has at most {MAX_UNIT} characters, an annotation {MAX_ANNOTATION}")
        found = self.channels.get(name)
        if found is None and len(self.channels) >= MAX_DERIVED:
            raise DerivedFault(f"there are {MAX_DERIVED} derived channels already")
        if revision is not None and revision != (0 if found is None else found.revision):
            raise Changed(f"{name} was changed meanwhile" + (f" by {found.by}" if found else ": it is no more"))

    def _check_cycle(self, name: str, read: Expression) -> None:
        waiting, seen = [*read.inputs], set()
        while waiting:
            one = waiting.pop()
            if one in seen or one not in self._expressions:
                continue
            seen.add(one)
            if name in self._expressions[one].inputs:
                raise DerivedFault(f"{name} would be made of itself, by way of {one}")
            waiting += self._expressions[one].inputs

    def find(self, name: str) -> DerivedChannel:
        """The derived channel of a name. Raises `NoSuchDerived`."""
        found = self.channels.get(name)
        if found is None:
            hint = did_you_mean(name, self.channels)
            raise NoSuchDerived(f"no derived channel is called {name!r}" + (f" ({hint})" if hint else ""))
        return found

    def remove(self, name: str, revision: int | None = None) -> DerivedChannel:
        """Makes a channel no more; what was archived of it stays."""
        found = self.find(name)
        if revision is not None and revision != found.revision:
            raise Changed(f"{name} was changed meanwhile by {found.by}")
        users = [one for one, expression in self._expressions.items() if name in expression.inputs]
        if users:
            raise DerivedFault(f"{', '.join(users)} is made of {name}: remove that first")
        self._store.keep(self._deployment, made=[(DERIVED, name, None)])
        del self.channels[name]
        if name not in self._own:
            self._dictionary.channels.pop(name, None)
        self._arrange()
        self.vanished(name)
        return found

    # What comes

    def compute(self, items: Iterable[DecodedChannel]) -> list[DecodedChannel]:
        """What follows from values that came together; those with one time tag count at once."""
        if not self._expressions:
            return []
        found: list[DecodedChannel] = []
        inputs = self._inputs
        for tag, together in groupby((one for one in items if one[0].name in inputs), key=lambda one: one[1]):
            fresh = {one[0].name: one[2] for one in together}
            self._values |= fresh
            self._follow(set(fresh), tag, found)
        return found

    def _follow(self, fresh: set[str], tag: int, found: list[DecodedChannel]) -> None:
        for name, expression in self._expressions.items():
            if fresh.isdisjoint(expression.inputs) or not expression.inputs <= self._values.keys():
                continue
            try:
                value = expression.value(self._values)
            except NoValue as fault:
                self._fail(name, str(fault))
                self._values.pop(name, None)
                continue
            self._fail(name, "")
            fresh.add(name)
            if name in self._inputs:
                self._values[name] = value
            channel = self._dictionary.channels[name]
            found.append(DecodedChannel(channel, tag, value, self._dictionary.formats))


def _in_order(read: Mapping[str, Expression]) -> dict[str, Expression]:
    """Expressions, each behind those that it is made of; what cannot be computed for a cycle is left out."""
    ordered: dict[str, Expression] = {}
    waiting = dict(read)
    while True:
        ready = [name for name, one in waiting.items() if one.inputs.isdisjoint(waiting)]
        if not ready:
            return ordered
        for name in ready:
            ordered[name] = waiting.pop(name)
