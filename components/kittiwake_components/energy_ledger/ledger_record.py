"""What the ledger keeps over restarts: the totals, the charge, the budget's day, and when it was saved."""

from __future__ import annotations

from math import isfinite
from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord
from kittiwake_components.energy_ledger.board import Spent
from kittiwake_components.ports.bearer import BEARERS

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 2
READABLE = (1,)
"""Version 1 did not keep which mode was wanted."""

NOTHING_WANTED = 0
NO_CHARGE = -1.0
_LAYOUT = Struct(f">4Q{BEARERS}QddQdQB")


class Ledger(NamedTuple):
    """`total` is since RESET_LEDGER; energies are counted as it is.

    The battery held `charge_mwh` when `charged_at_mwh` had been used; the budget's day began at `day_us` and `day_mwh`.
    `saved_us` is the wall time of the last save, in microseconds since the epoch; 0: never. `wanted` is the mode that
    was wanted and not taken back, by its number; 0: none.
    """

    total: Spent = Spent(radio_us=(0,) * BEARERS)
    charge_mwh: float = NO_CHARGE
    charged_at_mwh: float = 0.0
    day_us: int = 0
    day_mwh: float = 0.0
    saved_us: int = 0
    wanted: int = NOTHING_WANTED


class LedgerRecord:
    """The record at `path`; methods raise `OSError`."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size, READABLE)

    def read(self, *, last_try: bool = False) -> tuple[Ledger, tuple[Finding, ...]]:
        """What was saved, an empty ledger if nothing valid was, and what was found wrong."""
        reading = self._record.read(last_try=last_try)
        payload = reading.payload
        if payload is not None and reading.version in READABLE:
            payload += bytes([NOTHING_WANTED])
        if payload is None or len(payload) != _LAYOUT.size:
            return Ledger(), reading.findings
        fields = _LAYOUT.unpack(payload)
        rest = fields[4 + BEARERS :]
        if not all(isfinite(field) for field in rest):
            return Ledger(), reading.findings
        awake_us, cpu_us, asleep_us, wakes = fields[:4]
        total = Spent(awake_us, cpu_us, asleep_us, wakes, tuple(fields[4 : 4 + BEARERS]))
        return Ledger(total, *rest), reading.findings

    def write(self, ledger: Ledger) -> None:
        """Saves; durable on return."""
        total, *rest = ledger
        self._record.write(_LAYOUT.pack(*total[:4], *total.radio_us, *rest))
