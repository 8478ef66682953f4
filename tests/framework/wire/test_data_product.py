"""Data products: header and data with their checksums, whole or refused, and fprime-dp's own opinion."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import WireError
from kittiwake.wire.data_product import (
    DATA_SIZE_MAX,
    HEADER_SIZE,
    HeaderCrcError,
    ProductHeader,
    pack_product,
    parse_header,
    parse_product,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TAG = 2 << 64 | 1_700_000_000_250_000
HEADER = ProductHeader(0x410, 10, TAG, 0)
DATA = bytes.fromhex("00000400000004d2000004010005") + b"hello"
WHOLE = bytes.fromhex(
    "0005000004100000000a0002006553f1000003d09000" + "00" * 32 + "00001395eeebe800000400000004d200000401000568656c6c6f"
    "e887beff"
)
U32 = st.integers(0, 0xFFFFFFFF)


def test_a_product_has_the_bytes_of_the_specification() -> None:
    assert pack_product(HEADER, DATA) == WHOLE
    assert parse_product(WHOLE) == (HEADER._replace(size=len(DATA)), DATA)
    assert HEADER._replace(size=len(DATA)).file_size == len(WHOLE)
    assert HEADER.file_name == "Dp_00001040_1700000000_00250000.fdp"


@given(U32, U32, U32, st.integers(0, 999_999), st.integers(0, 255), st.binary(min_size=32, max_size=32), st.binary())
def test_a_product_comes_back(
    container: int, priority: int, seconds: int, useconds: int, small: int, user_data: bytes, data: bytes
) -> None:
    tag = 3 << 64 | seconds * 1_000_000 + useconds
    header = ProductHeader(container, priority, tag, len(data), small, user_data, small)
    assert parse_product(pack_product(header, data)) == (header, data)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_or_a_cut_is_noticed(place: int, change: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] ^= change
    for bad in (bytes(changed), WHOLE[:place], WHOLE + b"\0"):
        with pytest.raises(WireError):
            parse_product(bad)


def test_a_header_says_what_is_wrong_with_its_checksum() -> None:
    changed = WHOLE[:5] + b"\xff" + WHOLE[6:]
    with pytest.raises(HeaderCrcError) as raised:
        parse_header(changed[:HEADER_SIZE])
    assert raised.value.stored == 0x95EEEBE8 != raised.value.computed


def test_more_data_than_a_product_holds_is_refused() -> None:
    assert len(pack_product(HEADER, bytes(DATA_SIZE_MAX))) == HEADER_SIZE + DATA_SIZE_MAX + 4
    with pytest.raises(WireError, match="at most 65535"):
        pack_product(HEADER, bytes(DATA_SIZE_MAX + 1))


@pytest.mark.peer
def test_fprime_dp_finds_it_valid(require_peer: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / HEADER.file_name
    for content, status in ((WHOLE, 0), (WHOLE[:-1] + b"\0", 1)):
        path.write_bytes(content)
        command = [str(require_peer("fprime-dp")), "validate", "-b", str(path), "-s", str(HEADER_SIZE)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (done.returncode != 0) is (status != 0), done.stderr
