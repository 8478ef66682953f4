"""Runs an exchange on a link: what comes goes in, what it says goes out at a bounded pace, in between commands."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake.wire.packets import DESCRIPTOR_SIZE
from kittiwake_ground.server.links import LinkDown
from kittiwake_ground.server.transfer import TransferRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kittiwake_ground.cfdp.exchange import Exchange
    from kittiwake_ground.cfdp.file_record import CfdpFile
    from kittiwake_ground.server.transfer import Transfer
    from kittiwake_ground.uplink import Pace

OPEN_AGAIN_S = 10.0
LONGEST_WAIT_S = 60.0
DIGEST_PIECE = 1 << 20

_log = logging.getLogger(__name__)


class Pump:
    """Keeps an exchange going while `run` runs.

    `pace` is of all that goes up, `is_up` says whether the device hears.
    """

    def __init__(
        self,
        exchange: Exchange,
        apid: int,
        pace: Pace,
        send_packet: Callable[[bytes], Awaitable[int]],
        is_up: Callable[[], bool],
    ) -> None:
        self.descriptor = apid.to_bytes(DESCRIPTOR_SIZE, "big")
        """What packets of CFDP begin with."""
        self._exchange = exchange
        self._pace = pace
        self._send_packet = send_packet
        self._is_up = is_up
        self._news = asyncio.Event()
        self._arrived = asyncio.Event()

    # What others say

    def take_packet(self, packet: bytes) -> None:
        """Takes a packet of the APID."""
        self.link_changed()
        self._exchange.receive(packet[DESCRIPTOR_SIZE:], time.monotonic_ns())
        self._look_for_arrivals()

    def link_changed(self) -> None:
        """The link may be up now, or no more."""
        self._exchange.set_link(self._is_up(), time.monotonic_ns())
        self._news.set()

    def upload(self, content: bytes, remote: str, name: str, by: str) -> CfdpFile:
        """Takes a file for the device's inbox. Raises `TransferRefused`."""
        file = self._exchange.upload(content, remote, name, by)
        self._news.set()
        return file

    def cancel(self, transfer: Transfer) -> None:
        """Gives a file up. Raises `TransferRefused` for one that is here already."""
        file = self._exchange.file(transfer.id)
        if file.is_placed:
            raise TransferRefused("the file has arrived")
        self._exchange.cancel(file, time.monotonic_ns())
        self._news.set()

    # Work

    async def run(self) -> None:
        """Carries files until it is cancelled; what is under way then goes on with the next run."""
        try:
            await self._open()
            async with asyncio.TaskGroup() as parts:
                parts.create_task(self._send_on())
                parts.create_task(self._digest_on())
        finally:
            self._exchange.close()

    async def _open(self) -> None:
        said = ""
        while True:
            try:
                for finding in self._exchange.open(time.monotonic_ns()):
                    _log.warning("CFDP: the journal %s", finding)
                break
            except (OSError, ValueError) as fault:
                if reason_of(fault) != said:
                    said = reason_of(fault)
                    _log.warning("CFDP cannot be used: %s", said)
                await asyncio.sleep(OPEN_AGAIN_S)
        self.link_changed()
        self._look_for_arrivals()

    async def _send_on(self) -> None:
        while True:
            self._news.clear()
            now_ns = time.monotonic_ns()
            self._exchange.set_link(self._is_up(), now_ns)
            pdu = self._exchange.next_pdu(now_ns)
            self._look_for_arrivals()
            if pdu is None:
                await self._rest()
                continue
            try:
                size = await self._send_packet(self.descriptor + pdu)
            except (LinkDown, ValueError) as fault:  # the packet is lost, as any may be
                self.link_changed()
                await self._note(fault)
                continue
            await asyncio.sleep(max(0.0, self._pace.wait_s(size, time.monotonic())))

    async def _note(self, fault: Exception) -> None:
        if isinstance(fault, LinkDown):
            await asyncio.sleep(0)
        else:
            _log.warning("CFDP: %s", fault)
            await asyncio.sleep(OPEN_AGAIN_S)

    def _look_for_arrivals(self) -> None:
        if self._exchange.undigested:
            self._arrived.set()

    async def _rest(self) -> None:
        """Until something comes or a timer goes off."""
        now_ns = time.monotonic_ns()
        due_ns = self._exchange.next_ns(now_ns)
        wait_s = LONGEST_WAIT_S if due_ns is None else max(0.0, (due_ns - now_ns) / NS_PER_S)
        try:
            async with asyncio.timeout(min(wait_s, LONGEST_WAIT_S)):  # wait_for may swallow that it is cancelled
                await self._news.wait()
        except TimeoutError:
            return

    async def _digest_on(self) -> None:
        while True:
            self._arrived.clear()
            for file in list(self._exchange.undigested):
                assert file.path is not None, "a file that has arrived has a path"
                try:
                    digest = await asyncio.to_thread(digest_of, file.path)
                except OSError as fault:
                    _log.warning("CFDP: %s: %s", file.path, reason_of(fault))
                    digest = ""
                self._exchange.conclude(file, digest)
            await self._arrived.wait()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file in hex. Raises `OSError`."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(DIGEST_PIECE):
            found.update(piece)
    return found.hexdigest()
