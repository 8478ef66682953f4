"""The checks agree with their published check values and with bit-by-bit computation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.crc import crc16, crc32
from tests.framework.wire import reference_decoder


def test_crcs_of_the_catalogues_check_string() -> None:
    assert crc16(b"123456789") == 0x29B1
    assert crc32(b"123456789") == 0xCBF43926


@given(st.binary(max_size=80), st.integers(0, 80))
def test_crcs_agree_with_bitwise_ones_and_carry_on_from_a_part(data: bytes, cut: int) -> None:
    assert crc16(data) == reference_decoder.crc16(data)
    assert crc32(data) == reference_decoder.crc32(data)
    assert crc16(data[cut:], crc16(data[:cut])) == crc16(data)
    assert crc16(data + crc16(data).to_bytes(2, "big")) == 0
