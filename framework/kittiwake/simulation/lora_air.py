"""The air between a satellite and its ground station, as LoRa radios share it: one sends, slowly, and some is lost."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.seeded import SeededRandom

PACKET_MAX = 255
"""The longest payload of a LoRa packet, in bytes."""

PREAMBLE_SYMBOLS = 8

_SLOW_SYMBOL_S = 0.016
_RSSI_DBM = (-121.0, -104.0)
_SNR_DB = (-9.0, 9.0)


def time_on_air_s(payload: int, spreading_factor: int, bandwidth_hz: float, coding_rate: int) -> float:
    """How long a packet of `payload` bytes is on the air, with explicit header, checksum and 8 symbols of preamble.

    `coding_rate` is from 1 (4/5) to 4 (4/8). The low data rate optimisation is on where a symbol lasts more than 16 ms.
    Semtech, AN1200.13: SX1272/3/6/7/8 LoRa Modem Designer's Guide, 2013, section 4.
    """
    symbol_s = (1 << spreading_factor) / bandwidth_hz
    optimised = 1 if symbol_s > _SLOW_SYMBOL_S else 0
    bits = 8 * payload - 4 * spreading_factor + 28 + 16
    blocks = ceil(bits / (4 * (spreading_factor - 2 * optimised)))
    symbols = 8 + max(blocks * (coding_rate + 4), 0)
    return (PREAMBLE_SYMBOLS + 4.25 + symbols) * symbol_s


class Air:
    """Half duplex: who sends hears nothing. `loss` is the share of packets that vanish, from 0 to 1.

    The two sides are `True` (the satellite) and `False` (the ground).
    """

    def __init__(self, random: SeededRandom, loss: float) -> None:
        self._random = random
        self.loss = loss
        self._sending = {True: (0, 0), False: (0, 0)}

    def send(self, side: bool, now_ns: int, until_ns: int) -> None:
        """A side begins to send."""
        self._sending[side] = (now_ns, until_ns)

    def arrives(self, side: bool, began_ns: int, now_ns: int) -> bool:
        """Whether what a side sent from `began_ns` to `now_ns` reaches the other one."""
        others_began_ns, others_until_ns = self._sending[not side]
        is_talked_over = others_began_ns < now_ns and began_ns < others_until_ns
        return not self._random.chance(self.loss) and not is_talked_over

    def strength(self) -> tuple[int, int]:
        """RSSI in dBm and SNR in dB of a packet that arrives."""
        return round(self._random.uniform(*_RSSI_DBM)), round(self._random.uniform(*_SNR_DB))
