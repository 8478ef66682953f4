"""What a dictionary says of a command, from a file or from a server: its arguments, and whether it is hazardous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.dictionary.entries import Dictionary


def command_object_of(dictionary: Dictionary, name: str) -> dict[str, Any]:
    """A command as the API shows it. Raises `UnknownName`."""
    from kittiwake_ground.api.described import type_object

    command = dictionary.command(name)
    arguments = [
        {"name": one.name, "annotation": one.annotation, "type": type_object(one.type)} for one in command.formals
    ]
    return {
        "name": name,
        "annotation": command.annotation,
        "hazardous": command.hazardous,
        "arguments": arguments,
    }


def find_command(dictionary: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A command in the API's dictionary. Raises `Misuse` with the nearest name."""
    for one in dictionary["commands"]:
        if one["name"] == name:
            found: dict[str, Any] = one
            return found
    from kittiwake.faults import did_you_mean

    hint = did_you_mean(name, [one["name"] for one in dictionary["commands"]])
    raise Misuse(f"no command {name!r}" + (f" ({hint})" if hint else ""))


def argument_help(shown: Mapping[str, Any]) -> str:
    """What a command takes, for people."""
    words = "".join([f" {one['name']}" for one in shown["arguments"]])
    lines = [f"{shown['name']}{words}" + ("   (hazardous)" if shown["hazardous"] else "")]
    if shown["annotation"]:
        lines.append(f"  {shown['annotation']}")
    width = max([len(one["name"]) for one in shown["arguments"]], default=0)
    for one in shown["arguments"]:
        note = f"  {one['annotation']}" if one["annotation"] else ""
        lines.append(f"  {one['name']:<{width}}  {type_text(one['type'])}{note}")
    return "\n".join(lines)


def type_text(form: Mapping[str, Any]) -> str:
    """A type in words: what bounds its values."""
    kind = form["kind"]
    if kind == "enum":
        return f"{form['name']}: {' | '.join(form['constants'])}"
    if kind == "array":
        return f"JSON array of {form['size']} x {type_text(form['element'])}"
    if kind == "struct":
        members = ", ".join([f"{name}: {type_text(member)}" for name, member in form["members"].items()])
        return f"JSON object {{{members}}}"
    if kind == "text":
        return f"text of up to {form['size']} bytes"
    if "low" in form:
        return f"{form['name']} from {form['low']} to {form['high']}"
    return "true | false" if kind == "boolean" else str(form["name"])
