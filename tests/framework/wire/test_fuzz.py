"""Whatever arrives, the decoders accept exactly what the references accept, and raise nothing else.

KITTIWAKE_FUZZ_COUNT sets how many inputs they read in all, and how many frames the authenticator judges (50,000 without
it); KITTIWAKE_FUZZ_SEED sets which ones.
"""

from __future__ import annotations

import os

import pytest

from tests.framework.wire.fuzz_frames import fuzz_downlink_ccsds, fuzz_fprime, fuzz_uplink_ccsds
from tests.framework.wire.fuzz_packets import fuzz_packet_decoders
from tests.framework.wire.fuzz_security import fuzz_authenticator

COUNT = int(os.environ.get("KITTIWAKE_FUZZ_COUNT", "50000"))
SEED = int(os.environ.get("KITTIWAKE_FUZZ_SEED", "1"))


@pytest.mark.timeout(0)
def test_uplink_ccsds_deframer_accepts_what_the_reference_accepts() -> None:
    assert fuzz_uplink_ccsds(COUNT * 3 // 10, SEED) > COUNT // 10


@pytest.mark.timeout(0)
def test_downlink_ccsds_deframer_accepts_what_the_reference_accepts() -> None:
    assert fuzz_downlink_ccsds(COUNT * 3 // 10, SEED) > COUNT // 10


@pytest.mark.timeout(0)
def test_fprime_deframer_accepts_what_the_reference_accepts() -> None:
    assert fuzz_fprime(COUNT * 2 // 10, SEED) > COUNT // 10


@pytest.mark.timeout(0)
def test_packet_decoders_accept_what_the_references_accept() -> None:
    assert fuzz_packet_decoders(COUNT * 2 // 10, SEED) > COUNT // 20


@pytest.mark.timeout(0)
def test_authenticator_accepts_what_the_reference_accepts() -> None:
    assert fuzz_authenticator(COUNT, SEED) > COUNT // 10
