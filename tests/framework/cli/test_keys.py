"""`keys new|list|rotate`: the key file and what is said of it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli.main import main
from kittiwake.platform.system_files import SystemFiles
from kittiwake.wire.uplink_keys import MAX_KEYS, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake.wire.uplink_keys import UplinkKey


def keys_in(path: Path) -> list[UplinkKey]:
    return read_keys(SystemFiles(), str(path))


def test_the_first_key_makes_the_file_for_its_owner_alone(kittiwake: Callable[..., Any], folder: Path) -> None:
    before = os.umask(0)
    try:
        status, out, _ = kittiwake("keys", "new", "--file", "to/uplink.keys")
    finally:
        os.umask(before)
    path = folder / "to/uplink.keys"
    (key,) = keys_in(path)
    assert status == 0
    assert "key 1 is active" in out
    assert key.secret.hex() not in out
    assert (key.id, key.active, len(key.secret)) == (1, True, 16)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["uplink.keys"]


def test_rotation_adds_a_key_and_retires_the_one_before(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("keys", "new", "--file", "k")
    status, out, _ = kittiwake("keys", "rotate", "--file", "k")
    assert (status, out) == (0, "k: key 2 is active, key 1 is retired\n")
    old, new = keys_in(folder / "k")
    assert (old.id, old.active, new.id, new.active) == (1, False, 2, True)
    assert old.secret != new.secret


def test_a_list_keeps_the_secret_unless_it_is_asked_for(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("keys", "new", "--file", "k", "--id", "65535")
    (key,) = keys_in(folder / "k")
    assert kittiwake("keys", "list", "--file", "k").out == f"65535  active   {key.created}\n"
    assert key.secret.hex() in kittiwake("keys", "list", "--file", "k", "--show").out
    assert key.secret.hex() not in repr(key)


def test_ids_go_on_after_the_last_one_and_wrap(kittiwake: Callable[..., Any], folder: Path) -> None:
    for id in ("0", "65535"):
        assert kittiwake("keys", "new", "--file", "k", "--id", id).status == 0
    kittiwake("keys", "new", "--file", "k")
    assert [key.id for key in keys_in(folder / "k")] == [0, 65535, 1]


def test_an_id_that_is_taken_or_none_is_refused(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("keys", "new", "--file", "k", "--id", "7")
    before = (folder / "k").read_bytes()
    status, _, err = kittiwake("keys", "new", "--file", "k", "--id", "7")
    assert (status, err) == (1, "kittiwake keys new: there is a key 7 already\n")
    for id in ("-1", "65536", "seven", "²"):
        assert kittiwake("keys", "new", "--file", "k", f"--id={id}").status == 2
    assert (folder / "k").read_bytes() == before


def test_with_several_active_keys_rotation_wants_to_know_which(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("keys", "new", "--file", "k")
    kittiwake("keys", "new", "--file", "k")
    status, _, err = kittiwake("keys", "rotate", "--file", "k")
    assert status == 2
    assert "name one with --id: 1, 2" in err
    assert kittiwake("keys", "rotate", "--file", "k", "--id", "1").status == 0
    assert [(key.id, key.active) for key in keys_in(folder / "k")] == [(1, False), (2, True), (3, True)]
    status, _, err = kittiwake("keys", "rotate", "--file", "k", "--id", "1")
    assert (status, err) == (1, "kittiwake keys rotate: k: there is no active key 1\n")


def test_without_a_file_there_is_nothing_to_list_or_rotate(kittiwake: Callable[..., Any], folder: Path) -> None:
    status, _, err = kittiwake("keys", "list", "--file", "k")
    assert (status, err) == (1, "kittiwake keys list: k: No such file or directory\n")
    status, _, err = kittiwake("keys", "rotate", "--file", "k")
    assert status == 1
    assert "`kittiwake keys new` makes one" in err
    assert list(folder.iterdir()) == []


def test_a_full_file_forgets_retired_keys_and_keeps_active_ones(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("keys", "new", "--file", "k")
    for _ in range(MAX_KEYS - 1):
        kittiwake("keys", "rotate", "--file", "k")
    status, _, err = kittiwake("keys", "rotate", "--file", "k")
    assert status == 0
    assert "key 1, retired, is forgotten" in err
    keys = keys_in(folder / "k")
    assert len(keys) == MAX_KEYS
    assert [key.id for key in keys if key.active] == [MAX_KEYS + 1]


@pytest.mark.parametrize(
    "content, said",
    [
        (b"1 active 2026-01-01T00:00:00Z abcd\n", "k:1: the key is 16 bytes"),
        (b"# fine\n\n1 active\n", "k:3: a line holds four words"),
        (b"x active 2026-01-01T00:00:00Z " + b"00" * 16, "k:1: the id is a number"),
        (b"1 old 2026-01-01T00:00:00Z " + b"00" * 16, "k:1: the state is active or retired"),
        (b"1 active yesterday " + b"00" * 16, "k:1: the third word"),
        (b"1 active 2026-01-01T00:00:00Z %s\n" % (b"00" * 16) * 2, "k:2: the key 1 stands here a second time"),
        (b"\xff\xfe", "k: this is no text"),
        (b"#" * 20_000, "k: larger than"),
    ],
)
def test_a_bad_key_file_is_refused_at_its_line_and_stays_as_it_is(
    content: bytes, said: str, kittiwake: Callable[..., Any], folder: Path
) -> None:
    path = folder / "k"
    path.write_bytes(content)
    path.chmod(0o600)
    for action in ("list", "new", "rotate"):
        status, out, err = kittiwake("keys", action, "--file", "k")
        assert (status, out) == (1, "")
        assert said in err
        assert "0000" not in err
    assert path.read_bytes() == content


def test_a_file_that_others_may_read_is_warned_of_and_closed_at_the_next_change(
    kittiwake: Callable[..., Any], folder: Path
) -> None:
    kittiwake("keys", "new", "--file", "k")
    (folder / "k").chmod(0o644)
    status, _, err = kittiwake("keys", "list", "--file", "k")
    assert status == 0
    assert "others may read k" in err
    kittiwake("keys", "rotate", "--file", "k")
    assert (folder / "k").stat().st_mode & 0o777 == 0o600


def test_what_a_killed_command_left_is_no_obstacle(kittiwake: Callable[..., Any], folder: Path) -> None:
    (folder / "k.new").write_text("half a li")
    assert kittiwake("keys", "new", "--file", "k").status == 0
    assert [path.name for path in folder.iterdir()] == ["k"]


def test_commands_at_the_same_time_lose_no_key(folder: Path) -> None:
    path = folder / "k"
    threads = [threading.Thread(target=main, args=(["keys", "new", "--file", str(path)],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key.id for key in keys_in(path)) == list(range(1, 9))


def test_a_key_may_be_for_aes_gcm(kittiwake: Callable[..., Any], folder: Path) -> None:
    kittiwake("keys", "new", "--file", "k", "--algorithm", "aes-gcm")
    (key,) = keys_in(folder / "k")
    assert key.algorithm == "aes-gcm"
    assert kittiwake("keys", "list", "--file", "k").out == f"    1  active   {key.created}  aes-gcm\n"
    kittiwake("keys", "rotate", "--file", "k")
    assert [one.algorithm for one in keys_in(folder / "k")] == ["aes-gcm", "hmac-sha256"]
