"""Seeded frames, sound, old, damaged and forged, that the authenticator and the reference must judge alike."""

from __future__ import annotations

from random import Random

from kittiwake.wire.security_association import make_association
from kittiwake.wire.uplink_authenticator import UplinkAuthenticator
from kittiwake.wire.uplink_keys import UplinkKey
from tests.framework.wire.reference_security import ReferenceAuthenticator, protect

KEYS = {0: bytes(range(16)), 1: bytes(range(1, 17)), 0x1000: bytes(16)}
FRAMES_A_LIFE = 50
WINDOW = 20


def fuzz_authenticator(count: int, seed: int) -> int:
    """Compares over `count` frames, in lives with a new start each; gives how many were accepted."""
    accepted = 0
    for life in range(-(-count // FRAMES_A_LIFE)):
        random = Random(f"authenticator {seed} {life}")
        start = random.choice((0, 1, 0x7FFFFFF0, 0xFFFFFFF8, random.getrandbits(32)))
        reference = ReferenceAuthenticator(KEYS, dict.fromkeys(KEYS, start), WINDOW)
        keys = [make_association(UplinkKey(spi, True, "", secret)) for spi, secret in KEYS.items()]
        authenticator = UplinkAuthenticator(keys, (), lambda spi, number: True, WINDOW)
        for spi in KEYS:
            authenticator.begin(spi, start)
        sent = [b""]
        for _ in range(FRAMES_A_LIFE):
            frame = _frame(random, reference.last, sent)
            sent.append(frame)
            expected = reference.open(frame)
            found = authenticator.open(frame)
            assert (found if isinstance(found, bytes) else None) == expected, frame.hex()
            accepted += expected is not None
        assert {spi: counter.last for spi, counter in authenticator.counters.items()} == reference.last
    return accepted


def _frame(random: Random, last: dict[int, int], sent: list[bytes]) -> bytes:
    spi = random.choice(list(KEYS))
    step = random.choice((0, 1, 1, 1, 1, 2, WINDOW - 1, WINDOW, WINDOW + 1, -1, random.randrange(-100, 100)))
    key = KEYS[spi] if random.random() < 0.9 else random.choice(list(KEYS.values()))
    frame = protect(key, spi, (last[spi] + step) % 2**32, random.randbytes(random.choice((0, 1, 6, 12, 40))))
    match random.randrange(12):
        case 0:
            return random.choice(sent)
        case 1:
            return frame[: random.randrange(len(frame) + 1)]
        case 2:
            changed = bytearray(frame)
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            return bytes(changed)
        case 3:
            return random.randbytes(random.choice((0, 5, 21, 22, 23, 40)))
        case 4:
            return random.choice(sent)[:12] + frame[12:]
        case 5:
            return frame + random.randbytes(random.randint(1, 3))
    return frame
