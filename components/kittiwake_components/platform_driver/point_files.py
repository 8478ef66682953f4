"""Points as CSV: the upstream's columns Name, PointType, Units, Commandable, Default, and four of our own.

A file of the upstream's has no ObjectIdentifier; the objects are numbered by type then, from 1, in their order. A line
whose name the device has already changes that point, any other one adds a point. A file is taken whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.fields import InvalidObject, Problem, checked
from kittiwake_components.platform_driver.schema import POINT_FIELDS, check_point
from kittiwake_components.platform_driver.values import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake_components.platform_driver.drivers.registry import DriverRegistry
    from kittiwake_components.platform_driver.records import Device, Point

COLUMNS = (
    "Name", "PointType", "Units", "Commandable", "Default", "ObjectIdentifier", "PropertyIdentifier", "Enabled",
    "Settings",
)  # fmt: skip
REQUIRED = "Name"
MAX_LINES = 50_000
MAX_PROBLEMS = 50
MAX_FILE = 8_388_608

TYPES = {
    "AI": "analog-input", "AO": "analog-output", "AV": "analog-value",
    "BI": "binary-input", "BO": "binary-output", "BV": "binary-value",
    "MSI": "multi-state-input", "MSO": "multi-state-output", "MSV": "multi-state-value",
}  # fmt: skip
_SHORT = {kind: short for short, kind in TYPES.items()}
_YES, _NO = ("y", "yes", "true", "1"), ("n", "no", "false", "0")


def write_points(points: Sequence[Point]) -> str:
    """Points as CSV."""
    from csv import writer
    from io import StringIO

    text = StringIO(newline="")
    rows = writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for point in points:
        commandable = "" if point.writable is None else "Y" if point.writable else "N"
        default = (
            "" if point.default is None else point.default if isinstance(point.default, str) else packed(point.default)
        )
        if isinstance(point.default, str) and _scalar(point.default) != point.default:
            default = packed(point.default)  # a text that would be read as a number
        rows.writerow((
            point.name, _SHORT.get(point.object_identifier.partition(",")[0], ""), point.units, commandable, default,
            point.object_identifier, point.property_identifier, "Y" if point.enabled else "N",
            packed(dict(point.driver_settings)) if point.driver_settings else "",
        ))  # fmt: skip
    return text.getvalue()


def read_points(
    text: str, device: Device, known: Sequence[Point], registry: DriverRegistry
) -> tuple[list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]:
    """The points of a CSV: those that are new, and those that change (id, members). Raises `InvalidObject`."""
    from csv import DictReader
    from csv import Error as CsvError
    from io import StringIO

    reader = DictReader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    by_name = {point.name: point for point in known if point.name}
    problems: list[Problem] = []
    new: list[dict[str, Any]] = []
    changed: list[tuple[str, dict[str, Any]]] = []
    numbers: dict[str, int] = {}
    seen: dict[str, int] = {}
    try:
        _check_columns(reader.fieldnames or ())
        for row in reader:
            where = ("csv", f"line {reader.line_num}")
            if len(new) + len(changed) >= MAX_LINES:
                raise InvalidObject([Problem(where, "too_long", f"a file has at most {MAX_LINES} points")])
            try:
                fields = _fields_of(row, numbers, where)
                fields = checked(POINT_FIELDS, fields, within=where)
                check_point(fields, device.driver_type, registry)
                if fields["name"] in seen:
                    raise InvalidObject([
                        Problem((*where, "Name"), "value_error", f"line {seen[fields['name']]} has that name already")
                    ])  # fmt: skip
            except InvalidObject as fault:
                problems += [
                    Problem((*where, problem.loc[-1]), problem.type, problem.msg) for problem in fault.problems
                ]
                if len(problems) >= MAX_PROBLEMS:
                    break
                continue
            seen[fields["name"]] = reader.line_num
            point = by_name.get(fields["name"])
            if point is None:
                new.append(fields)
            else:
                changed.append((point.id, fields))
    except CsvError as fault:
        problems.append(Problem(("csv", f"line {reader.line_num}"), "csv", str(fault)))
    if problems:
        raise InvalidObject(problems)
    return new, changed


def _check_columns(names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or REQUIRED not in names:
        what = f"there is no column {', '.join(unknown)}" if unknown else f"the column {REQUIRED} is missing"
        raise InvalidObject([Problem(("csv", "line 1"), "columns", f"{what}; there are {', '.join(COLUMNS)}")])


def _fields_of(row: Mapping[str, Any], numbers: dict[str, int], where: tuple[str, ...]) -> dict[str, Any]:
    def bad(column: str, msg: str) -> InvalidObject:
        return InvalidObject([Problem((*where, column), "value_error", msg)])

    def cell(column: str) -> str:
        text = row.get(column)
        return text.strip() if isinstance(text, str) else ""

    if None in row:
        raise bad("Name", "the line has more cells than there are columns")
    if not cell("Name"):
        raise bad("Name", "it is required")
    identifier, kind = cell("ObjectIdentifier"), cell("PointType")
    if not identifier:
        if kind.upper() not in TYPES:
            raise bad("PointType", f"it is one of {', '.join(TYPES)} where there is no ObjectIdentifier, not {kind!r}")
        numbers[kind.upper()] = number = numbers.get(kind.upper(), 0) + 1
        identifier = f"{TYPES[kind.upper()]},{number}"
    try:
        settings = unpacked(cell("Settings") or "{}")
    except ValueError:
        raise bad("Settings", "it is a JSON object") from None
    return {
        "name": cell("Name"),
        "object_identifier": identifier,
        "property_identifier": cell("PropertyIdentifier") or "present-value",
        "enabled": _truth(cell("Enabled"), bad, "Enabled") is not False,
        "units": cell("Units"),
        "writable": _truth(cell("Commandable"), bad, "Commandable"),
        "default": _scalar(cell("Default")),
        "driver_settings": settings,
    }


def _truth(text: str, bad: Any, column: str) -> bool | None:
    if not text:
        return None
    if text.lower() in (*_YES, *_NO):
        return text.lower() in _YES
    raise bad(column, f"it is Y or N, not {text!r}")


def _scalar(text: str) -> Any:
    """A cell as a value: JSON where it is a number, a truth or a text in quotes; else a text as it stands."""
    if not text:
        return None
    try:
        value = unpacked(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float, str)) else text
