"""A framing plugin for fprime-gds that signs the uplink, under the name and options of PROVES' own.

    fprime-gds --framing-selection authenticate-space-data-link --authentication-key var/uplink.keys ...

fprime-gds finds it by the entry point of this package once both are installed in one environment. Frames are those of
its CCSDS framing with a signature around the space packet. The framing sees the downlink too, so it hears the
deployment's acceptance report and goes on from there if either side has lost its number.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fprime_gds.common.communication.ccsds.chain import ChainedFramerDeframer
from fprime_gds.common.communication.ccsds.space_data_link import SpaceDataLinkFramerDeframer
from fprime_gds.common.communication.ccsds.space_packet import SpacePacketFramerDeframer
from fprime_gds.common.communication.ccsds.space_packet_splitter import SpacePacketSplitterFramerDeframer
from fprime_gds.common.communication.framing import FramerDeframer
from fprime_gds.plugin.definitions import gds_plugin

from kittiwake.dictionary.decode import Decoder
from kittiwake.dictionary.load import load_dictionary
from kittiwake.model.types import WireError
from kittiwake.wire.transfer_frame import TC_OVERHEAD
from kittiwake.wire.uplink_authenticator import WINDOW
from kittiwake.wire.uplink_keys import AES_GCM, HMAC_SHA256, KEY_SIZE, MAX_KEY_ID, UplinkKey
from kittiwake_ground.uplink_signing import (
    AcceptanceWatch,
    SignedUplink,
    choose_key,
    number_folder,
    usable_association,
)

if TYPE_CHECKING:
    from kittiwake.wire.security_association import SecurityAssociation

REPORT_LIMIT_S = 5.0
"""How long the first command waits to hear where the deployment's sequence number stands."""

MAX_TC_SIZE = 1023
"""The largest frame of fprime-gds; a larger one would end its uplink for good."""

ALGORITHMS = {"HMAC": HMAC_SHA256, "AES-GCM": AES_GCM}
LINK = "fprime-gds"
DEFAULT_NUMBERS = Path("sequence_numbers")


class SigningStage(FramerDeframer):  # type: ignore[misc]
    """The stage between space packets and frames: it signs on the way up, and on the way down changes nothing."""

    def __init__(
        self,
        spi: int | None,
        window_size: int,
        authentication_type: str,
        authentication_key: str,
        authentication_numbers: str | None,
        authenticator: str | None,
        dictionary: str | None,
    ) -> None:
        """Raises `ValueError` and `OSError` for a key that cannot be used."""
        association = _association(spi, authentication_type, authentication_key)
        numbers = number_folder(Path(authentication_key)) if _is_file(authentication_key) else DEFAULT_NUMBERS
        numbers = Path(authentication_numbers) if authentication_numbers else numbers
        self._uplink = SignedUplink(association, numbers, LINK, window_size)
        self._lock = threading.Lock()
        self._heard = threading.Event()
        self._watch: AcceptanceWatch | None = None
        if dictionary:
            loaded = load_dictionary(dictionary)
            self._decoder = Decoder(loaded)
            self._watch = AcceptanceWatch(loaded, association.spi, authenticator or "")

    def frame(self, data: bytes) -> bytes:
        """The data of a frame around a space packet. Raises `ValueError`."""
        if len(data) + self._uplink.overhead + TC_OVERHEAD > MAX_TC_SIZE:
            raise ValueError(f"a packet of {len(data)} bytes does not fit a frame")
        if self._watch is not None and self._watch.expects_report and not self._heard.wait(REPORT_LIMIT_S):
            self._heard.set()
            _complain("the deployment has not said where its sequence number stands; going on with ours")
        with self._lock:
            return self._uplink.signer.seal(data)

    def deframe(self, data: bytes, no_copy: bool = False) -> tuple[bytes | None, bytes, bytes]:
        """What came, as one piece."""
        return (data or None), b"", b""

    def listen(self, packet: bytes) -> None:
        """Looks for a report in an F´ packet that came down."""
        if self._watch is None:
            return
        try:
            items = self._decoder.decode(packet)
        except WireError:
            return
        for item in items:
            number = self._watch.number_in(item)
            if number is not None:
                self._take_report(number)

    def _take_report(self, number: int) -> None:
        with self._lock:
            before = self._uplink.signer.last
            moved = self._uplink.signer.take_report(number)
        self._heard.set()
        if moved and before:
            _complain(f"sequence number {before} became {number}, where the deployment stands")

    @classmethod
    def get_arguments(cls) -> dict[tuple[str, ...], dict[str, Any]]:
        """The options, in fprime-gds's form."""
        return {
            ("--spi",): {"type": int, "help": "key to sign with (default: 0, or the only active one of a key file)"},
            ("--window-size",): {
                "type": int, "default": WINDOW, "help": "the deployment's SEQ_NUM_WINDOW (default: %(default)s)",
            },
            ("--authentication-type",): {
                "choices": sorted(ALGORITHMS), "default": "HMAC", "help": "of a key in digits (default: %(default)s)",
            },
            ("--authentication-key",): {
                "type": str, "help": "a key file (`kittiwake keys`), or a key in 32 hexadecimal digits",
            },
            ("--authentication-numbers",): {
                "type": str, "help": "folder for sequence numbers (default: beside the key file)",
            },
            ("--authenticator",): {"type": str, "help": "the link's authenticator, if the deployment has several"},
            # As fprime-gds declares it itself; it is here to be handed over.
            ("--dictionary",): {"dest": "dictionary", "type": str, "help": "path to the dictionary"},
        }  # fmt: skip

    @classmethod
    def check_arguments(cls, **values: Any) -> None:
        """Raises `TypeError` for values that make no sense, as fprime-gds wants it."""
        spi, window = values["spi"], values["window_size"]
        if spi is not None and not 0 <= spi <= MAX_KEY_ID:
            raise TypeError(f"--spi is 0 to {MAX_KEY_ID}, not {spi}")
        if window < 1:
            raise TypeError(f"--window-size is at least 1, not {window}")
        key = values["authentication_key"]
        if key is None:
            return  # fprime-gds checks the options of every plugin, whichever is chosen.
        if not _is_file(key) and _secret(key) is None:
            raise TypeError(f"--authentication-key is a key file or {2 * KEY_SIZE} hexadecimal digits, not {key!r}")


def _is_file(key: str | None) -> bool:
    return bool(key) and Path(str(key)).is_file()


def _secret(digits: str) -> bytes | None:
    try:
        secret = bytes.fromhex(digits.removeprefix("0x"))
    except ValueError:
        return None
    return secret if len(secret) == KEY_SIZE else None


def _association(spi: int | None, kind: str, key: str | None) -> SecurityAssociation:
    if _is_file(key):
        return usable_association(choose_key(Path(str(key)), spi))
    secret = _secret(key or "")
    if secret is None:
        raise ValueError("--authentication-key is missing: a key file, or a key in hexadecimal digits")
    return usable_association(UplinkKey(spi or 0, True, "", secret, ALGORITHMS[kind]))


def _complain(message: str) -> None:
    print(f"[WARNING] signed uplink: {message}", file=sys.stderr, flush=True)


@gds_plugin(FramerDeframer)
class AuthenticateSpaceDataLink(ChainedFramerDeframer):  # type: ignore[misc]
    """Space packets, signed, in TC frames; and TM frames down, as fprime-gds has them."""

    @classmethod
    def get_composites(cls) -> list[type]:
        """The stages, innermost first."""
        return [
            SpacePacketFramerDeframer,
            SpacePacketSplitterFramerDeframer,
            SigningStage,
            SpaceDataLinkFramerDeframer,
        ]

    @classmethod
    def get_name(cls) -> str:
        """What `--framing-selection` calls it."""
        return "authenticate-space-data-link"

    def frame(self, data: bytes) -> bytes:
        """The frame around an F´ packet; nothing, after a warning, if there can be none.

        An exception would end the uplink of fprime-gds for good.
        """
        try:
            framed: bytes = super().frame(data)
        except (ValueError, AssertionError) as fault:
            _complain(str(fault))
            return b""
        return framed

    def deframe_all(self, data: bytes, no_copy: bool) -> tuple[list[bytes], bytes, bytes]:
        """The F´ packets in what came, the rest, and what was skipped."""
        packets, rest, skipped = super().deframe_all(data, no_copy)
        signing = next(stage for stage in self.framers if isinstance(stage, SigningStage))
        for packet in packets:
            signing.listen(packet)
        return packets, rest, skipped
