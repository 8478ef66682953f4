"""Reads a scenario file. All faults of a file come at once, each with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.faults import did_you_mean
from kittiwake.scenario.grammar import FILE_KEYS, SEED_MAX, STEP_KEYS, STEPS, STEPS_MAX, WHAT, parse_time_ns
from kittiwake.simulation.fault_plan import DEVICE, KINDS, Fault
from kittiwake.simulation.scenario import DRAWS, Change, Contact, Order, Scenario
from kittiwake.topology.draft import describe, read_fields
from kittiwake.topology.source import Items, Report, Scalar, Table, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.simulation.surroundings import World
    from kittiwake.topology.source import Node

_FAULT_KEYS = ("where", "amount", "for_s", "seed")


def read_scenario(text: str, name: str, world: World) -> Scenario:
    """The scenario of a text; `name` stands for the file in faults. Raises `Faults` with all that is wrong.

    `world` says which devices can fail and which values can be set.
    """
    report = Report()
    root = read_text(text, name, report)
    scenario = None if root is None else _Reader(world, report).scenario(root)
    report.finish()
    assert scenario is not None, "a text without faults gives a scenario"
    return scenario


class _Reader:
    def __init__(self, world: World, report: Report) -> None:
        self._report = report
        self._devices = world.devices()
        self._values = sorted(world.values())
        self._faults: list[Fault] = []
        self._orders: list[Order] = []
        self._changes: list[Change] = []
        self._contacts: list[Contact] = []

    def scenario(self, root: Node) -> Scenario | None:
        if not isinstance(root, Table):
            self._report.add(root, "a scenario is a table of " + ", ".join(FILE_KEYS))
            return None
        first = next((key for key, _ in root.entries.values()), Scalar(root.file, root.line, root.col, "", ""))
        steps = root.entries.get("steps")
        others = Table(root.file, root.line, root.col, {k: v for k, v in root.entries.items() if k != "steps"})
        keys = {name: key for name, key in FILE_KEYS.items() if key.kind != STEPS}
        fields = read_fields(others, keys, "a scenario", first, self._report)
        if steps is not None:
            self._read_steps(steps[1])
        default = Scenario()
        return Scenario(
            _text(fields.get("scenario")),
            self._seed(fields.get("seed"), default.seed),
            self._time_ns(fields.get("length"), default.length_ns),
            self._draws(fields.get("draws")),
            tuple(sorted(self._faults)),
            tuple(sorted(self._orders)),
            tuple(sorted(self._changes)),
            tuple(sorted(self._contacts)),
        )

    def _draws(self, node: Node | None) -> str:
        word = _text(node) or "nothing"
        if node is not None and word not in DRAWS:
            self._report.add(node, f"{word!r} cannot be drawn", f"one of {', '.join(DRAWS)}")
        return word

    def _seed(self, node: Node | None, default: int) -> int:
        value = node.value if isinstance(node, Scalar) else None
        if node is None or not isinstance(value, int):
            return default
        if not 0 <= value <= SEED_MAX:
            self._report.add(node, f"a seed is from 0 to {SEED_MAX}")
        return value

    def _time_ns(self, node: Node | None, default: int) -> int:
        if not isinstance(node, Scalar):
            return default
        try:
            return parse_time_ns(node.text)
        except ValueError as fault:
            self._report.add(node, str(fault))
            return default

    # Steps

    def _read_steps(self, node: Node) -> None:
        if not isinstance(node, Items):
            self._report.add(node, f"steps is {STEPS}, not {describe(node)}")
            return
        for item in node.items[:STEPS_MAX]:
            self._read_step(item)
        if len(node.items) > STEPS_MAX:
            self._report.add(node.items[STEPS_MAX], f"this is one more than the {STEPS_MAX} steps allowed")

    def _read_step(self, node: Node) -> None:
        first = Scalar(node.file, node.line, node.col, "", "")
        if isinstance(node, Table):
            first = next((key for key, _ in node.entries.values()), first)
        fields = read_fields(node, STEP_KEYS, "a step", first, self._report)
        if not isinstance(node, Table):
            return
        what = [name for name in WHAT if name in node.entries]
        if len(what) != 1:
            self._report.add(first, f"a step has one of {', '.join(WHAT)}", "two things at once are two steps")
            return
        if what[0] not in fields:
            return
        at_ns = self._time_ns(fields.get("at"), 0)
        if what[0] != "fault":
            for key in [key for key in _FAULT_KEYS if key in fields]:
                self._report.add(fields[key], f"{key} goes with a fault")
        if what[0] == "command":
            self._orders.append(Order(at_ns, _text(fields["command"])))
        elif what[0] == "fault":
            self._read_fault(at_ns, fields)
        elif what[0] == "set":
            self._read_change(at_ns, fields)
        else:
            self._contacts.append(Contact(at_ns, _number(fields["contact_s"])))

    def _read_change(self, at_ns: int, fields: Mapping[str, Node]) -> None:
        name = _text(fields["set"])
        if name not in self._values:
            hint = did_you_mean(name, self._values) or f"there are {', '.join(self._values) or 'none'}"
            self._report.add(fields["set"], f"the surroundings have no value {name!r}", hint)
        if "to" not in fields:
            self._report.add(fields["set"], "set misses its key to", STEP_KEYS["to"].doc)
            return
        self._changes.append(Change(at_ns, name, _number(fields["to"])))

    def _read_fault(self, at_ns: int, fields: Mapping[str, Node]) -> None:
        name = _text(fields["fault"])
        kind = KINDS.get(name)
        if kind is None:
            hint = did_you_mean(name, KINDS) or f"faults: {', '.join(KINDS)}"
            self._report.add(fields["fault"], f"there is no fault {name!r}", hint)
            return
        places = self._devices if name == DEVICE else list(kind.where)
        where = _text(fields.get("where"))
        if bool(places) is not ("where" in fields):
            message = f"{name} needs `where`" if places else f"{name} has no place"
            self._report.add(fields.get("where", fields["fault"]), message, ", ".join(places))
        elif places and where not in places:
            hint = did_you_mean(where, places) or f"one of {', '.join(places)}"
            self._report.add(fields["where"], f"{name} does not hit {where!r}", hint)
        for key, quantity in (("amount", kind.amount), ("for_s", kind.lasts_s)):
            self._check_quantity(name, key, quantity, fields)
        self._faults.append(
            Fault(
                at_ns, name, where, _number(fields.get("amount")), _number(fields.get("for_s")),
                self._seed(fields.get("seed"), 0),
            )
        )  # fmt: skip

    def _check_quantity(self, name: str, key: str, quantity: object, fields: Mapping[str, Node]) -> None:
        from kittiwake.simulation.fault_plan import Quantity

        if not isinstance(quantity, Quantity):
            if key in fields:
                self._report.add(fields[key], f"{name} has no {key}")
        elif key not in fields:
            self._report.add(fields["fault"], f"{name} needs `{key}`", quantity.doc)
        elif not quantity.allows(_number(fields[key])):
            bounds = f"{quantity.low:g} to {quantity.high:g} {quantity.unit}".rstrip()
            self._report.add(fields[key], f"{key} of {name} is from {bounds}, not {_number(fields[key]):g}")


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _number(node: Node | None) -> float:
    value = node.value if isinstance(node, Scalar) else 0.0
    return float(value) if isinstance(value, (int, float)) else 0.0


__all__ = ["read_scenario"]
