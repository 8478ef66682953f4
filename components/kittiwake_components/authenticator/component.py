"""Judges the signatures of uplinked frames, and keeps the sequence numbers that tell new frames from old ones."""

from __future__ import annotations

from typing import Annotated, Any

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    I32,
    U8,
    U16,
    U32,
    WARNING_HI,
    WARNING_LO,
    Channel,
    CommandError,
    CommandResponse,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake.wire.uplink_authenticator import (
    RESERVE_BLOCK,
    SEQUENCE_MASK,
    WINDOW,
    Refusal,
    UplinkAuthenticator,
)
from kittiwake_components.authenticator.counter_store import CounterStore, StoredCounters
from kittiwake_components.authenticator.report import MAX_KEYS_IN_USE, AcceptanceReport, KeyAcceptance, KeyState
from kittiwake_components.ports.security import GetUplinkSecurity, Unseal, UplinkSecurity

wire_enum(U8, name="Svc.FrameRefusal")(Refusal)

MAX_WINDOW = 1_000_000
MAX_RESERVE_BLOCK = 100_000
DAMAGE_JUMP = MAX_WINDOW + MAX_RESERVE_BLOCK
"""How far two writes can lie apart: from the last but one it leads ahead of all that was ever accepted."""

REPORT_EVERY_CYCLES = 60
"""How often the acceptance report is sent though nothing changed, for links that do not know who listens."""

REASON_SIZE = 80
SPI_MAX = 0xFFFF

_PSA_CODES = {Refusal.BAD_SIGNATURE: -149, Refusal.NOT_SAVED: -146, Refusal.COUNTER_UNKNOWN: -137}
"""The codes of the Arm PSA Crypto API for the same, which is what upstream's `rc` holds."""

Reason = Annotated[str, Size(REASON_SIZE)]


def _check_spis(spis: list[int]) -> None:
    if len(spis) > MAX_KEYS_IN_USE:
        raise ValueError(f"at most {MAX_KEYS_IN_USE} SPIs are wanted, not {len(spis)}")


class Authenticator(PassiveComponent):
    """Takes the signature off what a deframer found, and gives nothing back for a frame that is not sound and new.

    Without a key file it takes no part: the link is open. One instance serves one link, with counters of its own.
    """

    current_sequence_number = Channel(U32, on_change=True, doc="The last number accepted under the key CurrentSpi.")
    current_spi = Channel(U16, on_change=True, doc="The key selected, or else the one that signed last.")
    acceptance_report = Channel(AcceptanceReport, doc="The last number accepted under each key, at each link-up too.")
    frames_accepted = Channel(U32, on_change=True, doc="Frames that were signed and new.")
    refused_too_short = Channel(U32, on_change=True, doc="Frames that could hold no signature.")
    refused_unknown_spi = Channel(U32, on_change=True, doc="Frames under a key that is not there.")
    refused_retired_key = Channel(U32, on_change=True, doc="Frames under a key that is retired or not selected.")
    refused_bad_signature = Channel(U32, on_change=True, doc="Frames that the key did not sign.")
    refused_counter_unknown = Channel(U32, on_change=True, doc="Frames under a key whose counter is not known.")
    refused_out_of_window = Channel(U32, on_change=True, doc="Frames that are old, or too far ahead.")
    refused_not_saved = Channel(U32, on_change=True, doc="Frames whose number could not be made durable.")

    seq_num_window = Parameter(
        U32, default=WINDOW, low=1, high=MAX_WINDOW, doc="How far ahead of the last number the next one may lie."
    )
    reserve_block = Parameter(
        U32, default=RESERVE_BLOCK, low=1, high=MAX_RESERVE_BLOCK, doc="How many numbers one write reserves."
    )

    keys = Setting(str, default="", doc="The key file, an absolute path outside the root; empty: the link is open.")
    spis = Setting(
        list[int], default=[], low=0, high=SPI_MAX, check=_check_spis,
        doc="The keys of this link; empty: all that are active.",
    )  # fmt: skip
    counter_file = Setting(str, default="", doc="Record of the numbers; empty: /sequence_numbers. and the instance.")

    @event(ACTIVITY_HI, "Sequence number is {seq_num}")
    def sequence_number_get(self, seq_num: U32) -> None: ...

    @event(ACTIVITY_HI, "Sequence number set to {seq_num}")
    def sequence_number_set(self, seq_num: U32) -> None: ...

    @event(WARNING_HI, "Sequence numbers not read: {reason}", throttle=2, every_s=60.0)
    def sequence_number_read_failed(self, reason: Reason) -> None: ...

    @event(WARNING_HI, "Sequence number not saved: {reason}", throttle=2, every_s=60.0)
    def sequence_number_write_failed(self, reason: Reason) -> None: ...

    @event(
        WARNING_HI, "Sequence number {packet} refused: the last was {last}, the window is {window}",
        throttle=2, every_s=60.0,
    )  # fmt: skip
    def sequence_number_invalid(self, packet: U32, last: U32, window: U32) -> None: ...

    @event(WARNING_HI, "A frame was refused: {status}, code {rc}", throttle=2, every_s=60.0)
    def authentication_failed(self, status: Refusal, rc: I32) -> None: ...

    @event(WARNING_HI, "A frame of {size} bytes can hold no signature", throttle=2, every_s=60.0)
    def parsing_failed(self, size: U32) -> None: ...

    @event(WARNING_HI, "A frame was refused: key {spi} is not in use", throttle=2, every_s=60.0)
    def spi_invalid(self, spi: U16) -> None: ...

    @event(ACTIVITY_HI, "Key {spi}: sequence numbers begin anew behind {seq_num}")
    def sequence_number_restarted(self, spi: U16, seq_num: U32) -> None: ...

    @event(ACTIVITY_HI, "Key {spi} was selected: no other is accepted")
    def key_selected(self, spi: U16) -> None: ...

    @event(WARNING_LO, "Key {spi} was selected and is not in use: all keys in use are accepted")
    def key_selection_void(self, spi: U16) -> None: ...

    @event(WARNING_HI, "No frame can be accepted: {reason}")
    def keys_unusable(self, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Key {spi}: the last sequence number accepted is {seq_num}", throttle=30, every_s=60.0)
    def sequence_number_report(self, spi: U16, seq_num: U32) -> None: ...

    def initialize(self) -> None:
        self._is_open = not self.keys
        self._authenticator = UplinkAuthenticator([], [], self._reserve)
        self._store: CounterStore | None = None
        self._recall = Recall(self.clock, self._take_numbers)
        self._found = StoredCounters({}, None, False, ())
        self._stored: dict[int, int] = {}
        self._is_settled = True
        self._reported: Any = None
        self._unchanged = 0
        self._out_of_window = 0
        if not self._is_open:
            try:
                self._use_keys()
            except OSError as fault:
                self.keys_unusable(f"{self.keys}: {reason_of(fault)}")
            except (ValueError, RuntimeError) as fault:
                self.keys_unusable(str(fault))

    def _use_keys(self) -> None:
        """Raises `OSError`, `KeyFileFault` and `MissingCipher`; no key is in use then."""
        from kittiwake.wire.security_association import make_association
        from kittiwake.wire.uplink_keys import KeyFileFault, read_keys

        keys = [key for key in read_keys(self.platform.files, self.keys) if not self.spis or key.id in self.spis]
        active = [key for key in keys if key.active]
        if not active:
            raise KeyFileFault(self.keys, 0, "no key is active")
        if len(active) > MAX_KEYS_IN_USE:
            raise KeyFileFault(self.keys, 0, f"{len(active)} keys are active, over the {MAX_KEYS_IN_USE} of a link")
        retired = [key.id for key in keys if not key.active]
        self._authenticator = UplinkAuthenticator([make_association(key) for key in active], retired, self._reserve)

    def start(self) -> None:
        self._use_parameters()
        if self._authenticator.spis:
            name = self.counter_file or f"/sequence_numbers.{self.name}"
            self._store = CounterStore(self.platform.files, self.root.resolve(name))
            self._settle()
        self._report()

    def stop(self) -> None:
        """Saves the numbers as they stand, so that the next start need not skip what was reserved."""
        counters = self._authenticator.counters
        if self._is_settled and counters and self._save({spi: one.last for spi, one in counters.items()}):
            for counter in counters.values():
                counter.reserved = counter.last

    def parameter_updated(self, name: str) -> None:
        self._use_parameters()

    def _use_parameters(self) -> None:
        self._authenticator.window = self.seq_num_window
        self._authenticator.block = self.reserve_block

    # The durable numbers

    def _take_numbers(self, last_try: bool) -> None:
        assert self._store is not None
        self._found = self._store.read(last_try=last_try)

    def _settle(self) -> None:
        """Begins each counter where nothing accepted can be accepted again; what fails is tried anew each cycle."""
        self._is_settled = False
        try:
            self._recall.ensure()
        except OSError as fault:
            self.sequence_number_read_failed(str(fault))
            return
        stored = self._found
        for finding in stored.findings:
            self.sequence_number_read_failed(str(finding))
        starts = self._starts(stored)
        authenticator = self._authenticator
        selected = stored.selected if stored.selected in authenticator.spis else None
        numbers = {**stored.numbers, **starts}
        if numbers != stored.numbers or selected != stored.selected:
            authenticator.selected = selected
            if not self._save(numbers, both=True):
                return
        if selected != stored.selected and stored.selected is not None:
            self.key_selection_void(stored.selected)
        self._stored = numbers
        self._is_settled = True
        authenticator.selected = selected
        for spi in authenticator.spis:
            authenticator.begin(spi, numbers[spi])
            if spi in starts:
                self.sequence_number_restarted(spi, numbers[spi])

    def _starts(self, stored: StoredCounters) -> dict[int, int]:
        """Numbers for the keys whose stored ones are not there or cannot be trusted.

        Ahead of all that two writes can have accepted where the last write is damaged; else a random one: a frame of
        before lies within the window of that with a chance of window / 2^32, and the ground learns it by the report.
        """
        if stored.is_damaged:
            starts = {spi: number + DAMAGE_JUMP & SEQUENCE_MASK for spi, number in stored.numbers.items()}
        else:
            starts = {}
        for spi in self._authenticator.spis:
            if spi not in stored.numbers:
                starts[spi] = int.from_bytes(self.platform.random.token_bytes(4), "big")
        return starts

    def _reserve(self, spi: int, number: int) -> bool:
        return self._save({spi: number})

    def _save(self, numbers: dict[int, int], *, both: bool = False) -> bool:
        """Makes numbers durable beside those stored before; False, after an event, if that fails."""
        assert self._store is not None
        wanted = {**self._stored, **numbers}
        try:
            self._store.write(wanted, self._authenticator.selected, both=both)
        except OSError as fault:
            self.sequence_number_write_failed(str(fault))
            return False
        self._stored = wanted
        return True

    # Frames

    @sync_port(GetUplinkSecurity)
    def security_get(self) -> UplinkSecurity:
        """Whose packets are accepted; the ground that has connected hears where the numbers stand."""
        self._reported = None
        self._report()
        for spi in self._authenticator.spis:
            self._tell_number(spi)
        return UplinkSecurity.OPEN if self._is_open else UplinkSecurity.AUTHENTICATED

    def _tell_number(self, spi: int) -> None:
        """By an event, which comes down at once and whatever the level of telemetry."""
        if self._authenticator.accepts(spi):
            self.sequence_number_report(spi, self._authenticator.counters[spi].last)

    @sync_port(Unseal)
    def unseal(self, field: bytes) -> bytes:
        """What a frame's data field holds under its signature; empty if it is refused."""
        opened = self._authenticator.open(field)
        if isinstance(opened, bytes):
            return opened
        self._tell_refused(opened, field)
        return b""

    def _tell_refused(self, why: Refusal, field: bytes) -> None:
        if why is Refusal.TOO_SHORT:
            self.parsing_failed(len(field))
        elif why in (Refusal.UNKNOWN_SPI, Refusal.RETIRED_KEY):
            self.spi_invalid(int.from_bytes(field[:2], "big"))
        elif why is Refusal.OUT_OF_WINDOW:
            spi, number = self._authenticator.last_refused
            last = self._authenticator.counters[spi].last
            self.sequence_number_invalid(number, last, self._authenticator.window)
        else:
            self.authentication_failed(why, _PSA_CODES[why])

    # Commands

    def _current(self) -> int | None:
        """The key that commands and CurrentSequenceNumber are about."""
        authenticator = self._authenticator
        if authenticator.selected is not None:
            return authenticator.selected
        if authenticator.last_spi is not None:
            return authenticator.last_spi
        return next(iter(authenticator.counters), None)

    def _current_or_refuse(self) -> int:
        spi = self._current()
        if spi is None:
            why = "the link is open: there are no keys" if self._is_open else "no key has a counter"
            raise CommandError(CommandResponse.EXECUTION_ERROR, why)
        return spi

    @command
    def get_seq_num(self) -> None:
        """Reports the last number accepted under the current key; it changes nothing."""
        self.sequence_number_get(self._authenticator.counters[self._current_or_refuse()].last)

    @command(hazardous=True)
    def set_seq_num(self, seq_num: U32) -> None:
        """Moves the current key's number ahead, by less than half of the circle; back it cannot go."""
        spi = self._current_or_refuse()
        ahead = seq_num - self._authenticator.counters[spi].last & SEQUENCE_MASK
        if not 0 < ahead < 0x80000000:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "the number lies behind: old frames could be replayed")
        if not self._save({spi: seq_num}, both=True) or not self._authenticator.set_last(spi, seq_num):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the number could not be saved")
        self.sequence_number_set(seq_num)
        self._report()

    @command(hazardous=True)
    def key_select(self, spi: U16) -> None:
        """Accepts one key alone from now on. It must have signed a frame already: the ground holds it for sure."""
        authenticator = self._authenticator
        self._current_or_refuse()
        if spi not in authenticator.spis or spi not in authenticator.used:
            why = f"no frame was accepted under key {spi} since the start"
            raise CommandError(CommandResponse.VALIDATION_ERROR, why)
        before = authenticator.selected
        authenticator.selected = spi
        if not self._save({}, both=True):
            authenticator.selected = before
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the selection could not be saved")
        self.key_selected(spi)
        self._report()

    # Once a second

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Updates the telemetry, and tries again what could not be read or saved."""
        if not self._is_settled:
            self._settle()
        out_of_window = self._authenticator.refusals[Refusal.OUT_OF_WINDOW]
        if out_of_window != self._out_of_window:
            self._out_of_window = out_of_window
            self._tell_number(self._authenticator.last_refused[0])
        self._report()

    def _report(self) -> None:
        if self._is_open:
            return
        authenticator = self._authenticator
        self.frames_accepted = authenticator.accepted & SEQUENCE_MASK
        for why in Refusal:
            setattr(self, f"refused_{why.name.lower()}", authenticator.refusals[why] & SEQUENCE_MASK)
        spi = self._current()
        if spi is not None:
            self.current_spi = spi
            self.current_sequence_number = authenticator.counters[spi].last
        report = tuple([self._acceptance(spi) for spi in authenticator.spis])
        report += (KeyAcceptance(0, KeyState.NONE, 0),) * (MAX_KEYS_IN_USE - len(report))
        # A ground whose number is wrong hears the right one again.
        told = report, authenticator.refusals[Refusal.OUT_OF_WINDOW]
        self._unchanged += 1
        if told != self._reported or self._unchanged >= REPORT_EVERY_CYCLES:
            self._reported = told
            self._unchanged = 0
            self.acceptance_report = report

    def _acceptance(self, spi: int) -> KeyAcceptance:
        counter = self._authenticator.counters.get(spi)
        if counter is None:
            return KeyAcceptance(spi, KeyState.COUNTER_UNKNOWN, 0)
        state = KeyState.ACCEPTING if self._authenticator.accepts(spi) else KeyState.NOT_SELECTED
        return KeyAcceptance(spi, state, counter.last)
