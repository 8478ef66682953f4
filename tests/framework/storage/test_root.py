"""File names from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.system import SystemPlatform
from kittiwake.storage.root import PathRefused, Root
from tests.framework.storage.crashes import new_platform


@pytest.fixture
def root() -> Root:
    return Root(new_platform().files, "/data/")


@pytest.mark.parametrize(
    "name, path",
    [
        ("/seq/startup.bin", "/data/seq/startup.bin"),
        ("a.bin", "/data/a.bin"),
        ("./a//b/", "/data/a/b"),
        ("a/../b", "/data/b"),
        ("..hidden", "/data/..hidden"),
        ("/", "/data"),
        ("été.bin", "/data/été.bin"),
        ("a" * 240, "/data/" + "a" * 240),
    ],
)
def test_names_count_from_the_root(root: Root, name: str, path: str) -> None:
    assert root.resolve(name) == path


@pytest.mark.parametrize(
    "name, reason",
    [
        ("", "is empty"),
        ("..", "outside"),
        ("/../etc/passwd", "outside"),
        ("a/../../b", "outside"),
        ("a\0b", "NUL"),
        ("a" * 241, "241 bytes"),
        ("é" * 121, "242 bytes"),
        ("\ud800", "UTF-8"),
    ],
)
def test_names_that_lead_elsewhere_are_refused_with_the_reason(root: Root, name: str, reason: str) -> None:
    with pytest.raises(PathRefused, match=reason) as caught:
        root.resolve(name)
    assert caught.value.name == name
    assert isinstance(caught.value, PermissionError)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["..", ".", "a", "", "b"]), max_size=12).map("/".join))
def test_no_name_leads_out(name: str) -> None:
    root = Root(new_platform().files, "/data")
    try:
        path = root.resolve(name)
    except PathRefused:
        return
    assert path == "/data" or path.startswith("/data/")
    assert ".." not in path.split("/")
    assert root.resolve(root.name_of(path)) == path


def test_symbolic_links_may_stay_inside_but_not_leave(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "real").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (inside / "out").symlink_to(tmp_path)
    (inside / "loop").symlink_to(inside / "loop")
    (inside / "in").symlink_to(inside / "real")
    (tmp_path / "alias").symlink_to(inside)
    for path in (inside, tmp_path / "alias"):
        root = Root(SystemPlatform().files, str(path))
        assert root.resolve("in/new.bin") == f"{path}/in/new.bin"
        assert root.resolve("loop") == f"{path}/loop"  # to open it is ELOOP
        for name in ("out", "out/secret", "/out/new"):
            with pytest.raises(PathRefused, match="symbolic link"):
                root.resolve(name)


def test_a_folder_whose_name_only_begins_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "rootless").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path / "rootless")
    root = Root(SystemPlatform().files, str(tmp_path / "root"))
    with pytest.raises(PathRefused):
        root.resolve("out/x")
    with pytest.raises(PathRefused):
        root.name_of(str(tmp_path / "rootless"))


def test_the_root_itself_must_be_absolute() -> None:
    with pytest.raises(ValueError, match="absolute"):
        Root(new_platform().files, "data")
    assert Root(new_platform().files, "/").resolve("x") == "/x"
