"""`kittiwake update`: packages are made, signed and checked."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Path:
    """The image of the small deployment."""
    folder = tmp_path_factory.mktemp("image")
    assert main(["build", str(small), "-o", str(folder)]) == 0
    return folder / "Small.image"


@pytest.fixture
def signed(kittiwake: Callable[..., Any], folder: Path, image: Path) -> Path:
    """A signed package with its keys beside it."""
    assert kittiwake("update", "key", "--id", "5", "-o", "ours").status == 0
    (folder / "mission").mkdir()
    (folder / "mission" / "beacon.py").write_text("LIT = True\n")
    arguments = ("--release", "1.2", "--sequence", "4", "--packages", "mission", "--key", "ours", "-o", "up.kwu")
    made = kittiwake("update", "pack", image, *arguments)
    assert (made.status, made.out, made.err) == (0, "up.kwu\n", "")
    return folder / "up.kwu"


def test_a_signed_package_is_verified_and_shown(kittiwake: Callable[..., Any], signed: Path) -> None:
    status, out, _ = kittiwake("update", "verify", signed, "--keys", "ours.pub")
    assert status == 0
    assert out.startswith("Small 1.2, sequence 4, signed with key 5\n  image: ")


def test_secret_keys_are_their_owner_s_and_never_overwritten(
    kittiwake: Callable[..., Any], signed: Path, folder: Path
) -> None:
    secret = folder / "ours"
    assert secret.stat().st_mode & 0o777 == 0o600
    before = secret.read_bytes()
    status, _, err = kittiwake("update", "key", "-o", "ours")
    assert status == 1
    assert "File exists" in err
    assert secret.read_bytes() == before
    assert before.split()[2].decode() not in (folder / "ours.pub").read_text()


def test_the_same_files_make_the_same_package(kittiwake: Callable[..., Any], signed: Path, image: Path) -> None:
    arguments = ("--release", "1.2", "--sequence", "4", "--packages", "mission", "--key", "ours", "-o", "again.kwu")
    assert kittiwake("update", "pack", image, *arguments).status == 0
    assert signed.with_name("again.kwu").read_bytes() == signed.read_bytes()


def test_packing_and_signing_may_be_two_steps(
    kittiwake: Callable[..., Any], signed: Path, image: Path, folder: Path
) -> None:
    with zipfile.ZipFile(folder / "mission.zip", "w") as packed:
        packed.writestr("beacon.py", "LIT = False\n")
    arguments = ("--release", "1.3", "--sequence", "5", "--packages", "mission.zip", "-o", "late.kwu")
    assert kittiwake("update", "pack", image, *arguments).status == 0
    unsigned = kittiwake("update", "verify", "late.kwu", "--keys", "ours.pub")
    assert (unsigned.status, unsigned.err) == (1, "kittiwake update verify: the package is not signed\n")
    assert kittiwake("update", "sign", "late.kwu", "--key", "ours").status == 0
    assert kittiwake("update", "verify", "late.kwu", "--keys", "ours.pub").status == 0


def test_another_key_and_a_changed_content_are_seen(kittiwake: Callable[..., Any], signed: Path) -> None:
    assert kittiwake("update", "key", "--id", "5", "-o", "theirs").status == 0
    forged = kittiwake("update", "verify", signed, "--keys", "theirs.pub")
    assert "the signature is not that of key 5" in forged.err
    signed.write_bytes(signed.read_bytes()[:-1] + b"!")
    assert "the packages is not what was signed" in kittiwake("update", "verify", signed, "--keys", "ours.pub").err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["pack", "ours", "--release", "1", "--sequence", "1", "-o", "x"], "ours: this is no Kittiwake image"),
        (["pack", "IMAGE", "--release", "1 2", "--sequence", "1", "-o", "x"], "no proper version"),
        (["pack", "IMAGE", "--release", "1", "--sequence", "-1", "-o", "x"], "a sequence is 0 to"),
        (["pack", "IMAGE", "--release", "1", "--sequence", "1", "--packages", "ours", "-o", "x"], "ours is no zip"),
        (
            ["pack", "IMAGE", "--release", "1", "--sequence", "1", "--key", "ours.pub", "-o", "x"],
            "no secret update key",
        ),
        (["sign", "ours", "--key", "ours"], "ours: this is no update package"),
        (["verify", "up.kwu", "--keys", "ours"], "ours:1: "),
        (["verify", "none.kwu", "--keys", "ours.pub"], "none.kwu: No such file"),
    ],
)
def test_what_cannot_be_used_is_named(
    kittiwake: Callable[..., Any], signed: Path, image: Path, arguments: list[str], message: str
) -> None:
    given = [str(image) if one == "IMAGE" else one for one in arguments]
    status, out, err = kittiwake("update", *given)
    assert (status, out) == (1, "")
    assert message in err
    assert not signed.with_name("x").exists()


def test_slots_that_file_commands_would_reach_are_refused(
    kittiwake: Callable[..., Any], folder: Path, image: Path
) -> None:
    for root, slots in (("var", "var"), ("var", "var/slots"), ("slots/a", "slots")):
        status, _, err = kittiwake("run", image, "--link", "none", "--root", root, "--slots", slots)
        assert status == 2
        assert "file commands would reach the slots" in err
