"""The project in which something new is made: where its package is, and where it gets Kittiwake from."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024


class ProjectFault(ValueError):
    """There is no project, or its settings make no sense; the message says what to do."""


@frozen
class Project:
    """A project: its `folder`, and the `package` of its components, as a path below that folder."""

    folder: Path
    package: str

    @property
    def import_name(self) -> str:
        """The package as Python imports it."""
        return self.package.rpartition("/")[2]


def find_project(start: Path) -> Project:
    """The project around a folder: the nearest pyproject.toml with a table [tool.kittiwake]. Raises `ProjectFault`."""
    for folder in (start.resolve(), *start.resolve().parents):
        path = folder / "pyproject.toml"
        if not path.is_file():
            continue
        table = _table(path)
        if table is None:
            continue
        package = table.get("package")
        if not isinstance(package, str) or not (folder / package).is_dir():
            raise ProjectFault(f"{path}: [tool.kittiwake] needs package, the folder of the components' package")
        return Project(folder, package.strip("/"))
    raise ProjectFault(
        f"{start} is in no project: no pyproject.toml above it has a table [tool.kittiwake]; "
        "`kittiwake new deployment NAME` makes a project"
    )


def _table(path: Path) -> dict[str, Any] | None:
    """The table [tool.kittiwake], or `None`."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ProjectFault(f"{path} has more than the {MAX_FILE_BYTES} bytes allowed")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ProjectFault(f"{path} is no TOML: {fault}") from None
    tool = content.get("tool")
    table = tool.get("kittiwake") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def given_source(text: str) -> str:
    """What an author gave, in pip's form: `==VERSION`, or a URL or the path of a wheel or source tree.

    Raises `ProjectFault`.
    """
    from pathlib import Path

    if text.startswith("=="):
        return text
    if "://" in text:
        return f"@ {text}"
    path = Path(text).resolve()
    if not path.exists():
        raise ProjectFault(f"there is no {path}; give ==VERSION, a URL, or the path of a wheel or source tree")
    return f"@ {path.as_uri()}"


def kittiwake_source() -> str:
    """What pip installs to get this Kittiwake again: `@ URL` where it came from one (PEP 610), else `==VERSION`."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    from kittiwake import __version__

    try:
        text = distribution("kittiwake").read_text("direct_url.json")
    except PackageNotFoundError:
        text = None
    record = json.loads(text) if text else {}
    url = record.get("url", "")
    if not url:
        return f"=={__version__}"
    version = record.get("vcs_info", {})
    return f"@ {version['vcs']}+{url}@{version['commit_id']}" if version else f"@ {url}"
