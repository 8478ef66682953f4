"""The setup of a bearer, as the connexion manager hands it over: `KEY=VALUE;KEY=VALUE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ESCAPE = "\\"


def parse_setup(text: str, known: Iterable[str]) -> dict[str, str]:
    """The values by key. A backslash takes the character behind it literally, so that values may have semicolons.

    Raises `ValueError`, which names keys and never values: these may be secret.
    """
    keys = tuple(known)
    found: dict[str, str] = {}
    for part in _parts(text):
        key, equals, value = part.partition("=")
        key = key.strip()
        if not equals or not key:
            raise ValueError(f"the setup is KEY=VALUE;..., with {', '.join(keys)}")
        if key not in keys:
            raise ValueError(f"the setup knows {', '.join(keys)}, not {_shown(key)}")
        if key in found:
            raise ValueError(f"the setup has {key} twice")
        found[key] = value
    return found


def _shown(key: str) -> str:
    """A key that is no key may be the rest of a secret that had a semicolon."""
    return repr(key) if key.isidentifier() and len(key) <= 20 else "what is there too"


def _parts(text: str) -> list[str]:
    parts, part = [], ""
    characters = iter(text)
    for character in characters:
        if character == ESCAPE:
            part += next(characters, "")
        elif character == ";":
            parts.append(part)
            part = ""
        else:
            part += character
    parts.append(part)
    return [one for one in parts if one.strip()]
