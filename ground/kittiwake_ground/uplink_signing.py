"""Signed uplink: which key signs a link's frames, where its number is kept, and what the deployment says of it.

The numbers stand in a file for each link and key, beside the key file or in the ground station's folder. One program at
a time signs with a key over a link; another one is refused. fprime-gds imports this module too: it takes nothing but
the framework.
"""

from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING

from kittiwake.cli.key_file import load_keys
from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
from kittiwake.platform.system_files import SystemFiles
from kittiwake.storage.record import AtomicRecord
from kittiwake.wire.security_association import MissingCipher, make_association
from kittiwake.wire.uplink_authenticator import WINDOW
from kittiwake.wire.uplink_signer import UplinkSigner

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.wire.security_association import SecurityAssociation
    from kittiwake.wire.uplink_keys import UplinkKey

RECORD_VERSION = 1
NUMBER_SIZE = 4
REPORT = "AcceptanceReport"
REPORT_EVENT = "SequenceNumberReport"
BARE_NUMBER = "CurrentSequenceNumber"
"""What tells the last number where there is no report: PROVES' authenticator has one key, and this."""


class SigningFault(ValueError):
    """Frames cannot be signed as asked; the message says why and what would do."""


def choose_key(path: Path, spi: int | None) -> UplinkKey:
    """The key of a file that signs: the one with this SPI, or the only active one.

    Raises `OSError`, `KeyFileFault` and `SigningFault`.
    """
    active = [key for key in load_keys(path) if key.active and spi in (None, key.id)]
    if not active:
        raise SigningFault(f"{path}: there is no active key" + ("" if spi is None else f" {spi}"))
    if len(active) > 1:
        ids = ", ".join([str(key.id) for key in active])
        raise SigningFault(f"{path}: several keys are active, name one by its SPI: {ids}")
    return active[0]


def usable_association(key: UplinkKey) -> SecurityAssociation:
    """The association of a key. Raises `SigningFault` where a package is missing."""
    try:
        return make_association(key)
    except MissingCipher as fault:
        raise SigningFault(str(fault)) from None


def number_folder(keys: Path) -> Path:
    """Where the numbers stand of links that are signed with a key file and belong to no ground station."""
    return keys.with_name(f"{keys.name}.numbers")


class SignedUplink:
    """Signs the frames of one link.

    `folder` keeps its number, and `link` tells the link from others there. `window` is the deployment's SEQ_NUM_WINDOW.
    """

    def __init__(self, association: SecurityAssociation, folder: Path, link: str, window: int = WINDOW) -> None:
        """Raises `SigningFault` while another program does it, and `OSError`."""
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", link)
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder.resolve() / f"{name}.{association.spi}")
        self._lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._record = AtomicRecord(SystemFiles(), path, RECORD_VERSION, NUMBER_SIZE)
            kept = self._record.read().payload
        except BlockingIOError:
            os.close(self._lock)
            raise SigningFault(f"another program signs with key {association.spi} over {link}") from None
        except BaseException:
            os.close(self._lock)
            raise
        last = None if kept is None else int.from_bytes(kept, "big")
        self.signer = UplinkSigner(association, last, self._keep, os.urandom, window)
        self.overhead = association.overhead
        """Bytes by which a frame grows."""

    def __enter__(self) -> SignedUplink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self, number: int) -> None:
        try:
            self._record.write(number.to_bytes(NUMBER_SIZE, "big"))
        except OSError as fault:
            raise SigningFault(f"not signed, as the sequence number could not be saved: {fault.strerror}") from None

    def close(self) -> None:
        """Keeps the number as it stands and lets others sign; a second close does nothing. Raises `SigningFault`."""
        if self._lock < 0:
            return
        try:
            self.signer.close()
        finally:
            os.close(self._lock)
            self._lock = -1


class AcceptanceWatch:
    """Finds, in a deployment's telemetry, the number that it accepted last under one key."""

    def __init__(self, dictionary: Dictionary, spi: int, instance: str = "") -> None:
        """`instance` names the authenticator, if there are several. Raises `SigningFault` if it must be named."""
        self._spi = spi
        self._report = _only(dictionary.channels, REPORT, instance)
        self._number = "" if self._report else _only(dictionary.channels, BARE_NUMBER, instance)
        self._event = _only(dictionary.events, REPORT_EVENT, instance)

    @property
    def expects_report(self) -> bool:
        """Whether the deployment reports at all."""
        return bool(self._report or self._number or self._event)

    def number_in(self, item: object) -> int | None:
        """The last number accepted, if this channel's value or this event tells it."""
        if isinstance(item, DecodedEvent):
            told = [item.args] if item.name == self._event else []
            return next((int(last) for spi, last in told if spi == self._spi), None)
        if not isinstance(item, DecodedChannel):
            return None
        if item.name == self._report:
            # Members as declared in Svc.KeyAcceptance: SPI, state and last number; state ACCEPTING counts alone.
            return next((int(last) for spi, state, last in item.value if spi == self._spi and int(state) == 1), None)
        return int(item.value) if item.name == self._number else None


def _only(names: Iterable[str], mnemonic: str, instance: str) -> str:
    """The full name of a channel or event, empty if there is none. Raises `SigningFault` if there are several."""
    found = [name for name in names if name.rpartition(".")[2] == mnemonic]
    if instance:
        found = [name for name in found if name == f"{instance}.{mnemonic}"]
    if len(found) > 1:
        instances = ", ".join([name.rpartition(".")[0] for name in found])
        raise SigningFault(f"the deployment has several authenticators, name this link's: {instances}")
    return found[0] if found else ""
