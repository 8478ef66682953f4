"""Ed25519 in plain Python, against RFC 8032's vectors and against `cryptography`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.wire.ed25519 import is_signed, public_key, sign

VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        """e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
        d25bf5f0595bbe24655141438e7a100b""",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        """92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c
        387b2eaeb4302aeeb00d291612bb0c00""",
    ),
]
"""Secret seed, public key, message and signature of RFC 8032, 7.1, tests 1 and 2."""


@pytest.mark.parametrize("seed, key, message, signature", VECTORS)
def test_the_vectors_of_the_standard(seed: str, key: str, message: str, signature: str) -> None:
    assert public_key(bytes.fromhex(seed)).hex() == key
    assert sign(bytes.fromhex(seed), bytes.fromhex(message)) == bytes.fromhex(signature)
    assert is_signed(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_it_agrees_with_cryptography_and_sees_every_flipped_bit(seed: bytes, message: bytes, bit: int) -> None:
    peer = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    private = peer.Ed25519PrivateKey.from_private_bytes(seed)
    key = private.public_key().public_bytes_raw()
    assert public_key(seed) == key
    signature = sign(seed, message)
    assert signature == private.sign(message)
    assert is_signed(key, message, signature)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    assert not is_signed(key, message, bytes(flipped))
    assert not is_signed(key, message + b"\0", signature)


def test_what_is_malformed_is_no_signature() -> None:
    _, key, _, signature = [bytes.fromhex(part) for part in VECTORS[0]]
    assert not is_signed(key[:-1], b"", signature)
    assert not is_signed(key, b"", signature[:-1])
    assert not is_signed(b"\xff" * 32, b"", signature), "a y that is not below the prime"
    assert not is_signed((2).to_bytes(32, "little"), b"", signature), "a y without a point"
    order = 2**252 + 27742317777372353535851937790883648493
    again = int.from_bytes(signature[32:], "little") + order
    assert not is_signed(key, b"", signature[:32] + again.to_bytes(32, "little")), "the same answer once more"
