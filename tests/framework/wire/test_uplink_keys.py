"""The key file's text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.uplink_keys import (
    MAX_KEY_ID,
    MAX_KEYS,
    KeyFileFault,
    UplinkKey,
    format_keys,
    parse_keys,
)

CREATED = "2026-01-02T03:04:05Z"


def parts(key: UplinkKey) -> tuple[int, bool, str, bytes]:
    return key.id, key.active, key.created, key.secret


keys = st.builds(
    UplinkKey,
    st.integers(0, MAX_KEY_ID),
    st.booleans(),
    st.datetimes().map(lambda made: f"{made:%Y-%m-%dT%H:%M:%SZ}".zfill(20)),
    st.binary(min_size=16, max_size=16),
)


@given(st.lists(keys, max_size=MAX_KEYS, unique_by=lambda key: key.id))
def test_what_is_written_is_read(written: list[UplinkKey]) -> None:
    read = parse_keys(format_keys(written), "k")
    assert [parts(key) for key in read] == [parts(key) for key in written]
    assert all(key.secret.hex() not in repr(key) for key in read)


@given(st.text(max_size=200) | st.text("0123456789abcdefZT:- \nactiveretired#", max_size=200))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    entries = sum(bool(line.strip()) and not line.startswith("#") for line in text.split("\n"))
    fault = None
    try:
        assert len(parse_keys(text, "k")) == entries
    except KeyFileFault as caught:
        fault = caught
    if fault is not None:
        assert 1 <= fault.line <= text.count("\n") + 1
        assert str(fault) == f"k:{fault.line}: {fault.reason}"


def test_comments_and_empty_lines_say_nothing() -> None:
    text = f"# a comment\n\n3 retired {CREATED} {'ab' * 16}\r\n"
    assert [parts(key) for key in parse_keys(text, "k")] == [(3, False, CREATED, b"\xab" * 16)]


def test_one_key_too_many_is_refused() -> None:
    line = f"active {CREATED} {'00' * 16}\n"
    text = "".join([f"{id} {line}" for id in range(MAX_KEYS + 1)])
    with pytest.raises(KeyFileFault, match=f"at most {MAX_KEYS} keys") as caught:
        parse_keys(text, "k")
    assert caught.value.line == MAX_KEYS + 1


def test_the_algorithm_is_a_fifth_word() -> None:
    line = f"1 active {CREATED} {'ab' * 16}"
    assert [key.algorithm for key in parse_keys(f"{line}\n2{line[1:]} aes-gcm\n", "k")] == ["hmac-sha256", "aes-gcm"]
    with pytest.raises(KeyFileFault, match="the algorithm is hmac-sha256 or aes-gcm"):
        parse_keys(f"{line} rot13", "k")
    with pytest.raises(KeyFileFault, match="a fifth is the algorithm"):
        parse_keys(f"{line} aes-gcm more", "k")
