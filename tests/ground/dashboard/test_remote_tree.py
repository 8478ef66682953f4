"""The tree of a deployment's folders shows what was listed, and says what is not known."""

from __future__ import annotations

from typing import Any

from kittiwake_ground.dashboard.remote_tree import RemoteTree
from kittiwake_ground.server.folders import Entry, Listing


def outline(tree: RemoteTree) -> Any:
    def shown(node: dict[str, Any]) -> Any:
        return (node["label"], [shown(one) for one in node["children"]]) if node.get("folder") else node["label"]

    return shown(tree.nodes()[0])


def listing(path: str, *entries: Entry, complete: bool = True) -> Listing:
    return Listing(path, entries, complete)


def test_folders_open_one_by_one() -> None:
    tree = RemoteTree()
    assert outline(tree) == ("/", ["not listed yet"])
    tree.take(listing("/", Entry("seq", True), Entry("x.bin", False, 9)))
    assert outline(tree) == ("/", [("seq", ["not listed yet"]), "x.bin"])
    tree.take(listing("/seq"))
    assert outline(tree) == ("/", [("seq", ["empty"]), "x.bin"])
    assert tree.is_listed("/seq")
    assert not tree.is_listed("/other")


def test_ids_are_paths_and_no_two_are_the_same() -> None:
    tree = RemoteTree()
    tree.take(listing("/", Entry("a", True), Entry("b", True), Entry("c", False, 2048)))
    tree.take(listing("/a", Entry("c", False, 1)))
    ids: list[str] = []

    def gather(node: dict[str, Any]) -> None:
        ids.append(node["id"])
        for one in node.get("children", ()):
            gather(one)

    gather(tree.nodes()[0])
    assert len(ids) == len(set(ids))
    assert {"/", "/a", "/a/c", "/b", "/c"} <= set(ids)


def test_a_listing_that_is_not_complete_says_so() -> None:
    tree = RemoteTree()
    tree.take(listing("/", Entry("x", False), complete=False))
    assert outline(tree) == ("/", ["x", "more entries were left out"])
    tree.take(Listing("/", (Entry("x", False),), complete=False, counted=3))
    assert outline(tree) == ("/", ["x", "2 more entries did not come"])


def test_a_folder_that_cannot_be_listed_shows_why_and_no_old_entries() -> None:
    tree = RemoteTree()
    tree.take(listing("/", Entry("seq", True)))
    tree.take(listing("/seq", Entry("old.bin", False)))
    tree.fail("/seq", "/seq: failed: EXECUTION_ERROR")
    assert outline(tree) == ("/", [("seq", ["/seq: failed: EXECUTION_ERROR"])])
    tree.take(listing("/seq", Entry("new.bin", False)))
    assert outline(tree) == ("/", [("seq", ["new.bin"])])


def test_what_was_in_a_folder_that_is_gone_is_forgotten() -> None:
    tree = RemoteTree()
    tree.take(listing("/", Entry("seq", True), Entry("sequences", True)))
    tree.take(listing("/seq", Entry("deep", True)))
    tree.take(listing("/seq/deep", Entry("x", False)))
    tree.take(listing("/sequences", Entry("y", False)))
    tree.take(listing("/", Entry("sequences", True)))
    assert not tree.is_listed("/seq")
    assert not tree.is_listed("/seq/deep")
    assert tree.is_listed("/sequences")
