"""Reads a setting from text, as the command line gives it; a topology's settings are checked when it is compiled."""

from __future__ import annotations

from typing import Any

from kittiwake.runtime.deployment import component_class


class SettingFault(ValueError):
    """A setting that does not exist, or text that is no value of it."""


def read_setting(path: str, name: str, text: str) -> Any:
    """The value of setting `name` of the component class at `path` ("module:Class"). Raises `SettingFault`."""
    declared = component_class(path).__declarations__.settings.get(name)
    if declared is None:
        raise SettingFault("there is no such setting")
    kind = declared.kind
    try:
        value = _read(kind, text)
        declared.check(value)
    except ValueError as fault:
        raise SettingFault(str(fault)) from None
    return value


def _read(kind: Any, text: str) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text.lower() == "true"
    if kind in (int, float):
        try:
            return int(text, 0) if kind is int else float(text)
        except ValueError:
            raise ValueError(f"{text!r} is no number") from None
    element = getattr(kind, "__args__", (str,))
    if getattr(kind, "__origin__", None) is list:
        return [_read(element[0], part.strip()) for part in text.split(",") if part.strip()]
    raise ValueError("this setting can be written only in the topology file")
