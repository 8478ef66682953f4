"""INI and TOML files as sections of keys, each with its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.faults import Fault, Faults
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

_HEADING = r"\s*\[([^\[\]]+)\]"


class Place(NamedTuple):
    """A line and a column, both from 1."""

    line: int = 1
    col: int = 1


class Entry(NamedTuple):
    """A value: text in an INI file, TOML's types in the other."""

    value: Any
    place: Place


class Section(NamedTuple):
    """What stands below a heading, by key."""

    place: Place
    entries: dict[str, Entry]


def read_sections(content: bytes, file: str) -> dict[str, Section]:
    """The sections of a file, in their order; the end of its name says which kind it is. Raises `Faults`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise Faults([Fault(file, line, 1, "the file is not UTF-8", "save it as UTF-8")]) from None
    if file.endswith(".toml"):
        values = _read_toml(text, file)
    elif file.endswith((".ini", ".cfg")):
        values = _read_ini(text, file)
    else:
        raise Faults([Fault(file, 1, 1, "the name of a configuration ends in .toml or .ini", "rename it")])
    headings, keys = _places(text, is_ini=not file.endswith(".toml"))
    return {
        name: Section(
            headings.get(name, Place()),
            {key: Entry(value, keys.get((name, key), headings.get(name, Place()))) for key, value in entries.items()},
        )
        for name, entries in values.items()
    }


def without_sections(content: bytes, file: str, names: Container[str]) -> bytes:
    """The file's content with empty lines in place of some sections; the others keep their places.

    Raises `ValueError` for a file that writes them in an unusual way, as inline tables: they cannot be taken out.
    """
    import re

    lines, is_out = [], False
    for line in content.decode("utf-8-sig").splitlines(keepends=True):
        if heading := re.match(_HEADING, line):
            is_out = heading[1].strip().strip("\"'") in names
        lines.append("\n" if is_out else line)
    left = "".join(lines).encode()
    kept = {name: section for name, section in read_sections(content, file).items() if name not in names}
    if read_sections(left, file) != kept:
        raise ValueError("its sections with secrets are written in an unusual way")
    return left


def _read_ini(text: str, file: str) -> Mapping[str, Mapping[str, Any]]:
    """What an INI file says. The parser's own messages show lines, in which passwords may stand: they are not used."""
    import configparser

    # A `%` is a `%`, in passwords too; and [DEFAULT] is a section like any other.
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, file)
    except configparser.DuplicateOptionError as fault:
        message = f"[{fault.section}] has {fault.option} twice"
        raise Faults([Fault(file, fault.lineno or 1, 1, message, "keep one of them")]) from None
    except configparser.DuplicateSectionError as fault:
        message = f"the section [{fault.section}] comes twice"
        raise Faults([Fault(file, fault.lineno or 1, 1, message, "put the two together")]) from None
    except configparser.MissingSectionHeaderError as fault:
        raise Faults(
            [Fault(file, fault.lineno, 1, "a key stands before the first section", "begin with [global]")]
        ) from None
    except configparser.ParsingError as fault:
        hint = "a line is [section], key = value, or a comment behind # or ;"
        raise Faults([Fault(file, line, 1, "this line says nothing known", hint) for line, _ in fault.errors]) from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _read_toml(text: str, file: str) -> Mapping[str, Mapping[str, Any]]:
    import re
    import tomllib

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        message, _, where = str(fault).partition(" (at ")
        numbers = re.findall(r"\d+", where)
        line, col = map(int, numbers) if len(numbers) == 2 else (text.count("\n") + 1, 1)
        raise Faults([Fault(file, line, col, f"this is no TOML: {message[:1].lower()}{message[1:]}")]) from None
    faults = [
        Fault(file, 1, 1, f"{name} stands before the first section", "put it below [global]")
        for name, section in values.items()
        if not isinstance(section, dict)
    ]
    if faults:
        raise Faults(faults)
    return values


def _places(text: str, *, is_ini: bool) -> tuple[dict[str, Place], dict[tuple[str, str], Place]]:
    """Where sections and keys begin; what is written in an unusual way is missing."""
    import re

    headings: dict[str, Place] = {}
    keys: dict[tuple[str, str], Place] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := re.match(_HEADING, line):
            section = heading[1] if is_ini else heading[1].strip().strip("\"'")
            headings.setdefault(section, Place(number, heading.start(1) + 1))
        elif key := re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*[=:]", line):
            name = key[1].lower() if is_ini else key[1]
            keys.setdefault((section, name), Place(number, key.start(1) + 1))
    return headings, keys
