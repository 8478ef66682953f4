"""How frames are protected: bytes that PROVES accepts, and nothing that was changed."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.security_association import make_association, unverified_data
from kittiwake.wire.space_packet import TELECOMMAND, SpacePacketFramer
from kittiwake.wire.uplink_keys import ALGORITHMS, UplinkKey
from tests.framework.wire.reference_security import hmac_sha256, protect

KEY = bytes(range(16))
SALT = b"saltsalt"
NO_OP = bytes.fromhex("000001000000")


def association(algorithm: str = "hmac-sha256", spi: int = 0, secret: bytes = KEY):  # type: ignore[no-untyped-def]
    return make_association(UplinkKey(spi, True, "2026-01-02T03:04:05Z", secret, algorithm))


def test_a_frame_of_proves_byte_by_byte() -> None:
    """SPI 0, sequence number 1, a space packet with CMD_NO_OP, 16 bytes of HMAC-SHA256: computed here by hand."""
    packet = SpacePacketFramer(TELECOMMAND).frame(NO_OP)
    assert packet.hex() == "1000c00000050000" + "01000000"
    signed = bytes.fromhex("0000" + "00000001") + packet
    mac = hmac.new(KEY, signed, hashlib.sha256).digest()[:16]
    protected = association().protect(1, SALT, packet)
    assert protected == signed + mac
    assert len(protected) == 2 + 4 + 12 + 16
    assert association().verify(protected) == packet
    assert association().sequence_of(protected) == 1


@given(st.binary(min_size=16, max_size=16), st.integers(0, 65535), st.integers(0, 2**32 - 1), st.binary(max_size=60))
def test_every_frame_is_what_hashlib_and_hmac_make_of_it(key: bytes, spi: int, sequence: int, data: bytes) -> None:
    signed = spi.to_bytes(2, "big") + sequence.to_bytes(4, "big") + data
    expected = signed + hmac.new(key, signed, "sha256").digest()[:16]
    assert association(spi=spi, secret=key).protect(sequence, SALT, data) == expected
    assert protect(key, spi, sequence, data) == expected
    assert hmac_sha256(key, signed) == hmac.new(key, signed, "sha256").digest()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(sequence=st.integers(0, 2**32 - 1), data=st.binary(max_size=40), place=st.integers(0), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_is_refused(algorithm: str, sequence: int, data: bytes, place: int, bit: int) -> None:
    one = association(algorithm, spi=7)
    protected = one.protect(sequence, SALT, data)
    assert len(protected) == len(data) + one.overhead
    assert one.verify(protected) == data
    assert one.sequence_of(protected) == sequence
    changed = bytearray(protected)
    changed[place % len(changed)] ^= 1 << bit
    assert one.verify(bytes(changed)) is None
    assert one.verify(protected[:-1]) is None
    assert one.verify(protected + b"\0") is None
    assert association(algorithm, spi=7, secret=bytes(16)).verify(protected) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", range(40))
def test_short_frames_are_no_fault(algorithm: str, size: int) -> None:
    assert association(algorithm).verify(bytes(size)) is None


def test_aes_gcm_hides_the_data_and_takes_the_vector_from_the_frame() -> None:
    one = association("aes-gcm", spi=3)
    protected = one.protect(5, SALT, b"the data of a frame")
    assert protected[:14] == b"\0\3" + SALT + b"\0\0\0\5"
    assert b"data" not in protected
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    assert AESGCM(KEY).decrypt(protected[2:14], protected[14:], protected[:14]) == b"the data of a frame"


def test_what_an_unverified_frame_holds_is_between_header_and_code() -> None:
    assert unverified_data(association().protect(1, SALT, b"x")) == b"x"
    assert unverified_data(association().protect(1, SALT, b"")) is None
    assert unverified_data(b"") is None
