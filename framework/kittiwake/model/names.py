"""F´'s spelling of Python names, by rule: dictionaries say BootCount, GET_BOOT_COUNT and runSequence."""

from __future__ import annotations


def pascal(name: str) -> str:
    """The spelling of events and channels: `boot_count` is BootCount."""
    return "".join([word[:1].upper() + word[1:] for word in name.split("_")])


def camel(name: str) -> str:
    """The spelling of ports in FPP: `run_sequence` is runSequence."""
    whole = pascal(name)
    return whole[:1].lower() + whole[1:]


def upper(name: str) -> str:
    """The spelling of commands and parameters: `get_boot_count` is GET_BOOT_COUNT."""
    return name.upper()
