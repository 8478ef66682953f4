"""Saved chart layouts: which channels over which time, under a name, for whoever saved them or for all.

A layout has a version that each change raises: whoever changes it says which version they saw, so that of two at once
the second is told, and nothing is overwritten unseen.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from kittiwake.platform.system_files import SystemFiles
from kittiwake.storage.replaced import ReplacedFile

if TYPE_CHECKING:
    from pathlib import Path

MAX_CHANNELS = 8
MAX_NAME = 80
MAX_LAYOUTS = 500
MAX_OF_A_PERSON = 100
MAX_SPAN_S = 400 * 86_400
_MAX_FILE = 4 << 20
SHARED = ""
"""The owner of layouts that are for all."""


class LayoutRefused(ValueError):
    """A layout that makes no sense, or finds no room; the message says why."""


class NoSuchLayout(LookupError):
    """There is no layout of that name."""


class LayoutChanged(RuntimeError):
    """Somebody else has changed the layout since it was read."""


@dataclass(frozen=True)
class Layout:
    """A layout of a deployment's charts.

    `owner` is a person's name, or empty for all. `span_s` is the time that is shown, `live` whether it ends now and
    moves on, `stacked` whether each channel has its own axes. `over_s` puts the time so many seconds earlier below it,
    0 for none.
    """

    deployment: str
    owner: str
    name: str
    channels: tuple[str, ...]
    span_s: int = 300
    live: bool = True
    stacked: bool = True
    over_s: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_NAME or not self.name.isprintable() or self.name != self.name.strip():
            raise LayoutRefused(f"a layout's name has 1 to {MAX_NAME} printable characters, no space at either end")
        if not 1 <= len(self.channels) <= MAX_CHANNELS or len(set(self.channels)) != len(self.channels):
            raise LayoutRefused(f"a layout has 1 to {MAX_CHANNELS} channels, each once")
        if not 1 <= self.span_s <= MAX_SPAN_S:
            raise LayoutRefused(f"a layout shows 1 to {MAX_SPAN_S} seconds, not {self.span_s}")
        if not 0 <= self.over_s <= MAX_SPAN_S or (self.over_s and self.live):
            raise LayoutRefused("times are compared of charts that are not live, and at most 400 days apart")

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is found by."""
        return self.deployment, self.owner, self.name


class Layouts:
    """The layouts of a ground station, in one file that is replaced as a whole. Use it in one thread."""

    def __init__(self, folder: Path) -> None:
        """The file is read at first use; one that is bad is set aside, and the one before it is used."""
        self._folder = folder
        self._file = ReplacedFile(SystemFiles(), str(folder.absolute() / "layouts.json"), _MAX_FILE, _complaint)
        self._layouts: dict[tuple[str, str, str], Layout] | None = None

    def _read(self) -> dict[tuple[str, str, str], Layout]:
        if self._layouts is None:
            content = self._file.read().payload
            found = [] if content is None else _parsed(content)
            self._layouts = {one.key: one for one in found}
        return self._layouts

    def _write(self, layouts: dict[tuple[str, str, str], Layout]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file.write(json.dumps({"layouts": [asdict(one) for one in layouts.values()]}, indent=1).encode())
        self._layouts = layouts

    def seen_by(self, person: str, deployment: str) -> list[Layout]:
        """The layouts of a deployment that are a person's own or for all, by name. Raises `OSError`."""
        found = [one for one in self._read().values() if one.deployment == deployment and one.owner in (SHARED, person)]
        return sorted(found, key=lambda one: (one.name, one.owner))

    def get(self, deployment: str, owner: str, name: str) -> Layout:
        """A layout. Raises `NoSuchLayout` and `OSError`."""
        found = self._read().get((deployment, owner, name))
        if found is None:
            raise NoSuchLayout(f"no layout is called {name!r}")
        return found

    def save(self, layout: Layout, version: int) -> Layout:
        """Saves a layout whose `version` was seen, 0 for one that is new; gives it with its new version.

        Raises `LayoutChanged`, `LayoutRefused` where there is no room, and `OSError`: then nothing has changed.
        """
        layouts = dict(self._read())
        there = layouts.get(layout.key)
        _compare(there, version, layout.name)
        if there is None:
            if len(layouts) >= MAX_LAYOUTS:
                raise LayoutRefused(f"there are {MAX_LAYOUTS} layouts already: remove one")
            if sum(one.owner == layout.owner for one in layouts.values()) >= MAX_OF_A_PERSON:
                raise LayoutRefused(f"{layout.owner or 'all'} have {MAX_OF_A_PERSON} layouts already: remove one")
        made = replace(layout, version=version + 1)
        layouts[made.key] = made
        self._write(layouts)
        return made

    def remove(self, deployment: str, owner: str, name: str, version: int) -> None:
        """Removes a layout whose `version` was seen. Raises `NoSuchLayout`, `LayoutChanged` and `OSError`."""
        found = self.get(deployment, owner, name)
        _compare(found, version, name)
        self._write({key: one for key, one in self._read().items() if key != found.key})


def _compare(there: Layout | None, version: int, name: str) -> None:
    found = 0 if there is None else there.version
    if found != version:
        what = "was removed" if there is None else "exists already" if version == 0 else "was changed"
        raise LayoutChanged(f"the layout {name!r} {what} by somebody else meanwhile: look at it again")


def _parsed(content: bytes) -> list[Layout]:
    data: Any = json.loads(content)
    return [Layout(**{**one, "channels": tuple(one["channels"])}) for one in data["layouts"]]


def _complaint(content: bytes) -> str | None:
    try:
        _parsed(content)
    except (ValueError, TypeError, LookupError) as fault:
        return f"is no file of layouts: {fault}"
    return None
