"""The format of update packages and of the keys that check them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.ed25519 import public_key, sign
from kittiwake.wire.update_package import (
    CONTENT_LIMITS,
    IMAGE,
    PACKAGES,
    Content,
    Manifest,
    UpdateFault,
    encode_head,
    parse_manifest,
    parse_update_keys,
    read_package,
)

SEED = bytes(32)
KEYS = {1: public_key(SEED)}
WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)
CONTENTS = st.tuples(st.integers(1, 1 << 24), st.binary(min_size=32, max_size=32))
MANIFESTS = st.builds(
    lambda name, version, sequence, image, packages: Manifest(
        name, version, sequence, (Content(IMAGE, *image), *([Content(PACKAGES, *packages)] if packages else []))
    ),
    WORDS, WORDS, st.integers(0, 0xFFFFFFFF), CONTENTS, st.none() | CONTENTS,
)  # fmt: skip
PLAIN = Manifest("Small", "1.0", 1, (Content(IMAGE, 3, bytes(32)),))


def packed(manifest: bytes, contents: bytes = b"abc", key_id: int = 1, signature: bytes = b"") -> bytes:
    return encode_head(manifest, key_id, signature) + contents


def read(data: bytes) -> Manifest:
    return read_package(lambda offset, count: data[offset : offset + count], len(data)).manifest


@given(MANIFESTS)
def test_a_manifest_comes_back_as_it_was_written(manifest: Manifest) -> None:
    assert parse_manifest(manifest.encode()) == manifest


def test_the_manifest_is_the_text_that_the_format_says() -> None:
    assert PLAIN.encode() == (
        b"kittiwake-update 1\ndeployment Small\nversion 1.0\nsequence 1\nimage 3 " + b"0" * 64 + b"\n"
    )


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda rest: packed(PLAIN.encode())[:14] + rest))
def test_anything_else_is_refused_and_never_half_read(data: bytes) -> None:
    with pytest.raises(UpdateFault):
        read(data)


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_its_signature_is(at: int, change: int) -> None:
    manifest = PLAIN.encode()
    data = bytearray(packed(manifest, signature=sign(SEED, manifest)))
    data[at % (len(data) - 3)] ^= change
    with pytest.raises(UpdateFault):
        read_package(lambda offset, count: bytes(data[offset : offset + count]), len(data)).check_signature(KEYS)


@pytest.mark.parametrize(
    "old, new",
    [
        ("deployment Small", "deployment ../x"),
        ("deployment Small", "deployment"),
        ("version 1.0", "version " + "1" * 33),
        ("version 1.0", "version one two"),
        ("sequence 1", "sequence 01"),
        ("sequence 1", "sequence -1"),
        ("sequence 1", "sequence 4294967296"),
        ("image 3", "image 0"),
        ("image 3", f"image {CONTENT_LIMITS[IMAGE] + 1}"),
        ("image 3", "../../image 3"),
        ("0" * 64, "0" * 63 + "G"),
        ("kittiwake-update 1", "kittiwake-update 2"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(old: str, new: str) -> None:
    with pytest.raises(UpdateFault):
        parse_manifest(PLAIN.encode().decode().replace(old, new).encode())


def test_words_that_nobody_would_read_are_not_written() -> None:
    for manifest in (
        PLAIN._replace(version="1 0"),
        PLAIN._replace(deployment="a\nversion 3"),
        PLAIN._replace(version="ü"),
    ):
        with pytest.raises(UpdateFault):
            manifest.encode()


def test_keys_are_read_and_faults_name_their_line() -> None:
    key = public_key(SEED).hex()
    assert parse_update_keys(f"# ours\n\n7 {key}\n".encode(), "keys") == {7: public_key(SEED)}
    for line in ("7", f"x {key}", f"65536 {key}", "7 abcd", f"7 {key[:-1]}g", f"7 {key} more"):
        with pytest.raises(UpdateFault, match=r"^keys:2: "):
            parse_update_keys(f"1 {key}\n{line}\n".encode(), "keys")
    with pytest.raises(UpdateFault, match=r"^keys:2: an id stands here once"):
        parse_update_keys(f"1 {key}\n1 {key}\n".encode(), "keys")
