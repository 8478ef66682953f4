"""The folders of a deployment as far as they were listed, as the nodes of a tree."""

from __future__ import annotations

from posixpath import join
from typing import TYPE_CHECKING, Any

from kittiwake_ground.dashboard.overview_facts import size_text

if TYPE_CHECKING:
    from kittiwake_ground.server.folders import Listing

ROOT = "/"
PENDING, NOTE = "pending:", "note:"
"""What the ids of nodes begin with that are no files: of a folder not listed yet, and of a remark."""


class RemoteTree:
    """What is known of the remote files. Listings are kept by path; asking again replaces them."""

    def __init__(self) -> None:
        self._listings: dict[str, Listing] = {}
        self._faults: dict[str, str] = {}

    def take(self, listing: Listing) -> None:
        """Takes a folder's entries; folders that are gone are forgotten with what is beneath them."""
        self._listings[listing.path] = listing
        self._faults.pop(listing.path, None)
        there = {join(listing.path, one.name) for one in listing.entries if one.is_folder}
        for path in list(self._listings):
            child = _child_of(listing.path, path)
            if child is not None and child not in there:
                del self._listings[path]

    def fail(self, path: str, reason: str) -> None:
        """Notes that a folder could not be listed; what was known of it is no longer shown."""
        self._listings.pop(path, None)
        self._faults[path] = reason

    def is_listed(self, path: str) -> bool:
        """Whether a folder's entries are known."""
        return path in self._listings

    def nodes(self) -> list[dict[str, Any]]:
        """The tree: `id` is the path; `folder` and `size` (a text) say what there is to show."""
        return [self._folder(ROOT, ROOT)]

    def _folder(self, path: str, name: str) -> dict[str, Any]:
        return {"id": path, "label": name, "folder": True, "children": self._children(path)}

    def _children(self, path: str) -> list[dict[str, Any]]:
        fault = self._faults.get(path)
        if fault is not None:
            return [{"id": f"{NOTE}{path}", "label": fault, "note": True, "bad": True}]
        listing = self._listings.get(path)
        if listing is None:
            return [{"id": f"{PENDING}{path}", "label": "not listed yet", "note": True}]
        found = []
        for one in listing.entries:
            place = join(path, one.name)
            if one.is_folder:
                found.append(self._folder(place, one.name))
            else:
                found.append({"id": place, "label": one.name, "size": size_text(one.size), "file": True})
        if not listing.complete:
            missing = 0 if listing.counted is None else listing.counted - len(listing.entries)
            label = f"{missing} more entries did not come" if missing > 0 else "more entries were left out"
            found.append({"id": f"{NOTE}{path}", "label": label, "note": True, "bad": True})
        elif not found:
            found.append({"id": f"{NOTE}{path}", "label": "empty", "note": True})
        return found


def _child_of(folder: str, path: str) -> str | None:
    """The entry of `folder` that `path` is or lies in, if any."""
    stem = folder if folder.endswith("/") else folder + "/"
    if not path.startswith(stem) or path == stem:
        return None
    return stem + path[len(stem) :].partition("/")[0]
