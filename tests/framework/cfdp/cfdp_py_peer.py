"""The other end, by cfdp-py: run with the peers' Python as `cfdp_py_peer.py send|receive SOURCE DESTINATION`.

Each line that it reads is a PDU in hexadecimal or empty; it answers each with the PDUs that it has to say, a line each,
and an empty line. It ends at the end of its input.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from cfdppy.exceptions import (
    InvalidPduForDestHandler,
    InvalidPduForSourceHandler,
    PduIgnoredForDest,
    PduIgnoredForSource,
)
from cfdppy.handler.dest import DestHandler
from cfdppy.handler.source import SourceHandler
from cfdppy.mib import (
    CheckTimerProvider,
    DefaultFaultHandlerBase,
    IndicationConfig,
    LocalEntityConfig,
    RemoteEntityConfig,
    RemoteEntityConfigTable,
)
from cfdppy.request import PutRequest
from cfdppy.user import CfdpUserBase
from spacepackets.cfdp import ChecksumType, TransmissionMode
from spacepackets.cfdp.pdu.helper import PduFactory
from spacepackets.countdown import Countdown
from spacepackets.seqcount import SeqCountProvider
from spacepackets.util import ByteFieldU16

KITTIWAKE, PEER = ByteFieldU16(1), ByteFieldU16(2)
INTERVAL_S = 0.3
IGNORED = (PduIgnoredForDest, PduIgnoredForSource, InvalidPduForDestHandler, InvalidPduForSourceHandler)


def _silent(*_: object) -> None:
    """Takes an indication."""


def silent(base: type[Any]) -> Any:
    """An instance of an abstract class whose missing methods do nothing."""
    return type("Silent", (base,), dict.fromkeys(base.__abstractmethods__, _silent))()


class Timers(CheckTimerProvider):  # type: ignore[misc]
    def provide_check_timer(self, *_: object) -> Any:
        return Countdown(timedelta(seconds=INTERVAL_S))


def handler(role: str, source: str, destination: str) -> Any:
    config = LocalEntityConfig(PEER, IndicationConfig(), silent(DefaultFaultHandlerBase))
    remote = RemoteEntityConfig(
        KITTIWAKE, max_file_segment_len=1024, max_packet_len=1100, closure_requested=False, crc_on_transmission=False,
        default_transmission_mode=TransmissionMode.ACKNOWLEDGED, crc_type=ChecksumType.CRC_32,
        positive_ack_timer_interval_seconds=INTERVAL_S, positive_ack_timer_expiration_limit=30,
        nak_timer_interval_seconds=INTERVAL_S, nak_timer_expiration_limit=30,
    )  # fmt: skip
    table = RemoteEntityConfigTable([remote])
    if role == "receive":
        return DestHandler(config, silent(CfdpUserBase), table, Timers())
    made = SourceHandler(config, silent(CfdpUserBase), table, Timers(), SeqCountProvider(16))
    made.put_request(PutRequest(KITTIWAKE, Path(source), Path(destination), TransmissionMode.ACKNOWLEDGED, False))
    return made


def main(role: str, source: str, destination: str) -> None:
    made = handler(role, source, destination)
    for line in sys.stdin:
        data = bytes.fromhex(line)
        try:
            made.state_machine(PduFactory.from_raw(data) if data else None)
        except IGNORED:
            pass
        while made.packets_ready:
            sys.stdout.write(f"{made.get_next_packet().pack().hex()}\n")
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
