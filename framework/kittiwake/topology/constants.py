"""The constants of an instance: settings of the kind that the component declares, parameters inside their range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.faults import did_you_mean
from kittiwake.topology.draft import describe
from kittiwake.topology.names import labelled
from kittiwake.topology.source import Items, Scalar, Table, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.model.parameters import Parameter, Setting
    from kittiwake.topology.source import Node, Report

_WORDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class _Unfit(Exception):
    """A value whose fault has been reported."""


def check_settings(
    written: Mapping[str, tuple[Scalar, Node]], declared: Mapping[str, Setting[Any]], owner: str, report: Report
) -> dict[str, Any]:
    """The settings of an instance of the component `owner` as plain values; faults go to `report`."""
    values = {}
    for name, (key, node) in written.items():
        setting = declared.get(name)
        if setting is None:
            hint = did_you_mean(name, declared) or f"settings: {', '.join(declared) or 'none'}"
            report.add(key, f"{owner} has no setting {name}", hint)
            continue
        try:
            value = conform(node, setting.kind, name, report)
        except _Unfit:
            continue
        try:
            setting.check(value)
        except (TypeError, ValueError) as fault:
            report.add(node, f"{name}: {fault}", setting.doc)
            continue
        values[name] = value
    return values


def conform(node: Node, kind: Any, name: str, report: Report) -> Any:
    """A node's value as `kind` (`int`, `float`, `str`, `bool`, or lists and tables of those) has it."""
    origin = getattr(kind, "__origin__", kind)
    arguments: Any = getattr(kind, "__args__", ())
    if origin in (list, tuple) and isinstance(node, Items):
        element = arguments[0] if arguments else None
        return [_element(item, element, f"{name}[{index}]", report) for index, item in enumerate(node.items)]
    if origin is dict and isinstance(node, Table):
        element = arguments[1] if len(arguments) > 1 else None
        return {
            _key(key, arguments[0] if arguments else str, name, report): _element(
                item, element, f"{name}.{key.text}", report
            )
            for key, item in node.entries.values()
        }
    value = node.value if isinstance(node, Scalar) else None
    if kind is float and type(value) in (int, float):
        return float(value)  # type: ignore[arg-type]
    if kind in _WORDS and type(value) is kind:
        return value
    quotes = "put it into quotes" if kind is str and value is not None else ""
    report.add(node, f"{name} is {kind_text(kind)}, not {describe(node)}", quotes)
    raise _Unfit


def _element(node: Node, kind: Any, name: str, report: Report) -> Any:
    return plain(node) if kind is None or kind is Any else conform(node, kind, name, report)


def _key(key: Scalar, kind: Any, name: str, report: Report) -> Any:
    if kind is not int:
        return key.text
    return conform(key, int, f"a key of {name}", report)


def kind_text(kind: Any) -> str:
    """The kind of a setting in words: "a list, each a whole number"."""
    origin = getattr(kind, "__origin__", kind)
    arguments: Any = getattr(kind, "__args__", ())
    if origin in (list, tuple):
        return f"a list, each {kind_text(arguments[0])}" if arguments else "a list"
    if origin is dict:
        return f"a table, each {kind_text(arguments[1])}" if len(arguments) > 1 else "a table"
    return _WORDS.get(kind, "a value")


def check_parameters(
    written: Mapping[str, tuple[Scalar, Node]], declared: Mapping[str, Parameter[Any]], owner: str, report: Report
) -> dict[str, Any]:
    """The defaults that replace those of the component `owner`, plain, by Python name; faults go to `report`."""
    values: dict[str, Any] = {}
    for name, (key, node) in written.items():
        parameter = labelled(name, declared)
        if parameter is None:
            labels = [other.label for other in declared.values()]
            hint = did_you_mean(name, [*declared, *labels]) or f"parameters: {', '.join(declared) or 'none'}"
            report.add(key, f"{owner} has no parameter {name}", hint)
        elif parameter.name in values:
            report.add(key, f"the parameter {parameter.name} is here a second time")
        else:
            value = plain(node)
            try:
                parameter.type.pack(parameter.type.from_plain(value))
            except (TypeError, ValueError) as fault:
                report.add(node, f"{name}: {fault}", parameter.doc)
            else:
                values[parameter.name] = value
    return values
