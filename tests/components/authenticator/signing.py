"""A ground that signs, for the tests of the authenticator: the frame's bytes are made with hmac alone."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake_components.authenticator.component import Authenticator

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = "/keys"
SECRETS = {0: bytes(range(16)), 1: bytes(range(1, 17)), 2: bytes(range(2, 18))}
CREATED = "2026-01-02T03:04:05Z"
TWO_KEYS = f"0 active {CREATED} {SECRETS[0].hex()}\n1 active {CREATED} {SECRETS[1].hex()}\n"
TWO_KEYS += f"2 retired {CREATED} {SECRETS[2].hex()}\n"
ONE_KEY = f"0 active {CREATED} {SECRETS[0].hex()}\n"
DATA = b"a packet"

Tester = ComponentTester[Authenticator]


def sign(sequence: int, spi: int = 0, data: bytes = DATA, secret: bytes | None = None) -> bytes:
    """The data of a frame under a key of `SECRETS`, or another."""
    signed = spi.to_bytes(2, "big") + (sequence & 0xFFFFFFFF).to_bytes(4, "big") + data
    return signed + hmac.new(SECRETS[spi] if secret is None else secret, signed, "sha256").digest()[:16]


def with_keys(text: str, seed: int = 1) -> SimulatedPlatform:
    """A machine with a key file."""
    platform = SimulatedPlatform(seed)
    write_keys(platform, text)
    return platform


def write_keys(platform: Any, text: str) -> None:
    """Puts a key file in the place of the one that is there."""
    with platform.files.open(KEYS, "w") as file:
        file.truncate(0)
        file.write_at(0, text.encode())
        file.sync()
    platform.files.sync_folder("/")


def started(platform: Any, settings: Mapping[str, Any] | None = None, **more: Any) -> Tester:
    """The component with its key file, one cycle old."""
    tester: Tester = ComponentTester(
        Authenticator, platform=platform, settings={"keys": KEYS, **(settings or {})}, **more
    )
    tester.call.run(0)
    return tester


def number_of(tester: Tester, spi: int = 0) -> int:
    """The last number accepted under a key, as the ground hears it."""
    report = tester.channels["AcceptanceReport"]
    return next(int(one.last) for one in report if one.spi == spi and one.state.name != "NONE")
